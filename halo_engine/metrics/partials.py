"""From events to the things they are about: one row for each request, each draft with its execution, and each attempt.

An entity's events may stand on both sides of what is sealed. So it is drawn together twice: within each part of the log, which is what is sealed, and
then across the parts. That works because every column is a maximum, a sum or an "any of them", whose parts add up to the whole.

A draft and its execution have one number under two prefixes (docs/decisions/0009), so that both are one row here, also for events that have no
`correlation_id` yet.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Partial:
    """How one kind of thing is drawn together: `columns` are its name, its expression over facts, and how parts of it are put together."""

    name: str
    key: str
    where: str
    columns: tuple[tuple[str, str, str], ...]

    def of(self, facts: str) -> str:
        """A SELECT of the rows of one part of the log."""
        columns = ", ".join(f"{expression} AS {name}" for name, expression, _ in self.columns)
        return f"SELECT {self.key} AS key, {columns} FROM {facts} WHERE {self.where} GROUP BY 1"

    def sealed(self, facts: str, earlier: str) -> str:
        """As `of`, with whether an earlier part of the log knows of the same thing, so that few rows have to be put together later."""
        again = f"key IN (SELECT key FROM {earlier})" if earlier else "false"
        return f"SELECT *, {again} AS is_again FROM ({self.of(facts)})"

    def whole(self, sealed: str, live: str) -> str:
        """A SELECT of the rows of the whole log. Only what is in more than one part is put together: of a long log, next to nothing."""
        several = f"(SELECT key FROM {sealed} WHERE is_again UNION SELECT key FROM ({live}))"
        parts = f"(SELECT * EXCLUDE (is_again) FROM {sealed} WHERE key IN {several} UNION ALL BY NAME {live})"
        columns = ", ".join(f"{merge}({name}) AS {name}" for name, _, merge in self.columns)
        alone = f"SELECT * EXCLUDE (is_again) FROM {sealed} WHERE key NOT IN {several}"
        return f"{alone} UNION ALL BY NAME SELECT key, {columns} FROM {parts} GROUP BY 1"


def _of(event: str, column: str) -> str:
    """A field of the one event of that type that an entity has."""
    return f"max({column}) FILTER (event_type = '{event}')"


def _newest(name: str, columns: str, condition: str) -> tuple[str, str, str]:
    """Some fields of the newest event that `condition` holds of. `seq` comes first in what is compared, and no two events share one."""
    packed = ", ".join(f"'{column}': {column}" for column in ("seq", *columns.split()))
    return (name, f"max({{{packed}}}) FILTER ({condition})", "max")


_CREATED, _CONFIRMED, _REVISED = "draft.created", "draft.confirmed", "draft.revised"
#: Every move of an execution, and nothing else that is said of one.
_MOVES = ["confirmed", "submitting", "unknown", "accepted", "done", "partial", "failed", "terms_changed", "handed_off", "needs_attention"]
_IS_MOVE = "event_type IN ({})".format(", ".join(f"'execution.{status}'" for status in _MOVES))

REQUESTS = Partial(
    name="requests",
    key="entity_id",
    where="event_type IN ('request.parsed', 'request.clarification_asked', 'request.refused')",
    columns=(
        ("happened_at", _of("request.parsed", "happened_at"), "max"),
        ("member_id", _of("request.parsed", "member_id"), "max"),
        ("trip_id", _of("request.parsed", "coalesce(correlation_id, entity_id)"), "max"),
        ("channel", _of("request.parsed", "channel"), "max"),
        ("parser", _of("request.parsed", "parser"), "max"),
        ("verb", _of("request.parsed", "verb"), "max"),
        ("read_ms", _of("request.parsed", "read_ms"), "max"),
        ("questions", "count(*) FILTER (event_type = 'request.clarification_asked')", "sum"),
        ("refused", "count(*) FILTER (event_type = 'request.refused')", "sum"),
    ),
)

DRAFTS = Partial(
    name="drafts",
    key="substr(entity_id, 5)",
    where="entity_type IN ('draft', 'execution')",
    columns=(
        ("happened_at", _of(_CREATED, "happened_at"), "max"),
        ("member_id", _of(_CREATED, "member_id"), "max"),
        ("trip_id", "max(correlation_id)", "max"),
        ("request_id", _of(_CREATED, "request_id"), "max"),
        ("verb", _of(_CREATED, "verb"), "max"),
        ("vendor", _of(_CREATED, "vendor"), "max"),
        ("currency", _of(_CREATED, "currency"), "max"),
        ("draft_ms", _of(_CREATED, "took_ms"), "max"),
        ("revises", _of(_CREATED, "revises"), "max"),
        # A revision before it said its total leaves the total unknown, and not the one from before it.
        _newest("quoted", "total_cents", f"event_type IN ('{_CREATED}', '{_REVISED}')"),
        _newest("expiry", "expires_at", f"event_type IN ('{_CREATED}', '{_REVISED}')"),
        ("revisions", f"count(*) FILTER (event_type = '{_REVISED}')", "sum"),
        ("approvals", "count(*) FILTER (event_type = 'draft.approved')", "sum"),
        ("refusals", "count(*) FILTER (event_type = 'draft.confirmation_refused')", "sum"),
        ("cancelled_at", _of("draft.cancelled", "happened_at"), "max"),
        ("confirmed_at", _of(_CONFIRMED, "happened_at"), "max"),
        ("confirmed_by", _of(_CONFIRMED, "member_id"), "max"),
        ("maximum_cents", _of(_CONFIRMED, "maximum_cents"), "max"),
        ("confirmation_latency_ms", _of(_CONFIRMED, "confirmation_latency_ms"), "max"),
        ("confirm_ms", _of(_CONFIRMED, "took_ms"), "max"),
        _newest("moved", "happened_at event_type", _IS_MOVE),
        _newest("charged", "charged_cents currency", f"{_IS_MOVE} AND charged_cents IS NOT NULL"),
        ("settled", _of("execution.settled", "outcome"), "max"),
        ("sent_at", "max(happened_at) FILTER (event_type = 'execution.submitting')", "max"),
        ("unknowns", "count(*) FILTER (event_type = 'execution.unknown')", "sum"),
        ("revised_draft_id", "max(revised_draft_id) FILTER (event_type = 'execution.terms_changed')", "max"),
        ("tries", "count(*) FILTER (event_type = 'execution.attempt_finished' AND step IN ('requote', 'commit'))", "sum"),
        ("look_ups", "count(*) FILTER (event_type = 'execution.attempt_finished' AND step = 'look_up')", "sum"),
    ),
)

#: An attempt is one event, so there is nothing to draw together: `any_value` names its columns.
ATTEMPTS = Partial(
    name="attempts",
    key="seq",
    where="event_type = 'execution.attempt_finished'",
    columns=tuple(
        (name, f"any_value({name})", "any_value")
        for name in ("happened_at", "entity_id", "attempt_number", "step", "status", "classification", "retry_delay_ms", "took_ms")
    ),
)

PARTIALS = (REQUESTS, DRAFTS, ATTEMPTS)
