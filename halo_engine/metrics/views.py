"""The views that figures are taken from, and free queries are about: each with its columns, their meaning, and the SQL that makes it.

docs/metrics.md is written from this file. Amounts are integer cents beside their currency; a time ending in `_ms` is whole milliseconds;
`happened_at` and its kin are UTC, `day` and `month` the household's.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    name: str
    kind: str
    means: str


@dataclass(frozen=True)
class View:
    """`sql` reads the merged partials (named with a leading underscore), the facts, and the views before this one."""

    name: str
    about: str
    columns: tuple[Column, ...]
    sql: str

    def select(self) -> str:
        """The view's SELECT, with exactly its columns in their order."""
        return f"SELECT {', '.join(column.name for column in self.columns)} FROM ({self.sql})"


#: What every view has of when and who: `day` and `month` follow from `happened_at`.
def _when(means: str) -> tuple[Column, ...]:
    return (
        Column("happened_at", "TIMESTAMP", f"{means}, in UTC"),
        Column("day", "DATE", "the household's day of `happened_at`"),
        Column("month", "VARCHAR", "the household's month of `happened_at`, such as `2026-03`"),
    )


def _who(means: str) -> tuple[Column, ...]:
    return (Column("member_id", "VARCHAR", means), Column("member", "VARCHAR", "the name of that member"))


_VERB = Column("verb", "VARCHAR", "ORDER, REORDER, CANCEL, BOOK; for requests also UNSUPPORTED")
_VENDOR = Column("vendor", "VARCHAR", "whom it was, or would be, done with")
_TRIP = Column("trip_id", "VARCHAR", "the request the whole trip began with; NULL in logs from before trips were kept")
_CURRENCY = Column("currency", "VARCHAR", "of the amounts beside it")
_QUOTED = Column(
    "quoted_cents", "BIGINT", "the total of the newest terms; NULL where the log does not tell it (a draft that was changed in place)"
)

#: `{zone}` is the household's time zone; a member who has left is shown by id.
_DAY = "CAST(timezone({{zone}}, timezone('UTC', {at})) AS DATE)"


def _dated(select: str, at: str = "happened_at") -> str:
    day = _DAY.format(at=at)
    return (
        f"SELECT v.*, {day} AS day, strftime({day}, '%Y-%m') AS month, coalesce(members.name, v.member_id) AS member "
        f"FROM ({select}) AS v LEFT JOIN members USING (member_id)"
    )


REQUESTS = View(
    name="requests",
    about="What somebody asked for, one row each. The answer to a question of Halo's is a row of its own, of the same trip.",
    columns=(
        Column("request_id", "VARCHAR", "`req_…`"),
        *_when("when it was heard"),
        *_who("who asked"),
        Column("channel", "VARCHAR", "where it was said, such as `cli`"),
        Column("parser", "VARCHAR", "who read the words; `none` where nobody had to"),
        _VERB,
        Column("vendor", "VARCHAR", "the vendor of the first draft of the trip; NULL where there was none"),
        _TRIP,
        Column("is_answer", "BOOLEAN", "whether it answered a question, instead of beginning a trip"),
        Column("questions", "BIGINT", "questions that Halo asked back"),
        Column("is_refused", "BOOLEAN", "whether it ended there: not supported, or not to be had"),
        Column("parse_ms", "BIGINT", "reading the words; NULL where nobody read, and in old logs"),
    ),
    sql=_dated(
        "SELECT r.key AS request_id, r.* EXCLUDE (key), t.vendor, r.trip_id <> r.key AS is_answer, refused > 0 AS is_refused, "
        "CASE WHEN parser <> 'none' THEN read_ms END AS parse_ms FROM _requests AS r LEFT JOIN "
        "(SELECT trip_id, min_by(vendor, happened_at) AS vendor FROM _drafts WHERE trip_id IS NOT NULL GROUP BY 1) AS t "
        "ON t.trip_id = r.trip_id WHERE r.happened_at IS NOT NULL"
    ),
)

DRAFTS = View(
    name="drafts",
    about="Every draft, however it ended.",
    columns=(
        Column("draft_id", "VARCHAR", "`dft_…`"),
        *_when("when it was first shown"),
        *_who("who asked for it; for a draft that Halo revised by itself, whoever had confirmed the one before"),
        _VERB,
        _VENDOR,
        _TRIP,
        Column("request_id", "VARCHAR", "the request it answers; NULL in old logs"),
        Column("revises", "VARCHAR", "the draft it took the place of, if any"),
        Column("revisions", "BIGINT", "how often it was changed in place"),
        Column("status", "VARCHAR", "`confirmed`, `cancelled`, `expired` or `open`, as of now"),
        Column("expires_at", "TIMESTAMP", "until when it could be confirmed, in UTC"),
        Column("approvals", "BIGINT", "yeses that were kept until another member's came"),
        Column("refusals", "BIGINT", "tries to confirm that were refused"),
        _QUOTED,
        _CURRENCY,
        Column("draft_ms", "BIGINT", "asking the vendors until it stood; NULL for one that Halo revised by itself, and in old logs"),
        Column("is_asked", "BOOLEAN", "whether somebody waited for it, so that `draft_ms` is due"),
    ),
    sql=_dated(
        "SELECT 'dft_' || d.key AS draft_id, d.* EXCLUDE (key, member_id, approvals), coalesce(d.member_id, b.confirmed_by) AS member_id, "
        "d.approvals, quoted.total_cents AS quoted_cents, expiry.expires_at AS expires_at, d.member_id IS NOT NULL AS is_asked, "
        "CASE WHEN d.confirmed_at IS NOT NULL THEN 'confirmed' WHEN d.cancelled_at IS NOT NULL THEN 'cancelled' "
        "WHEN expiry.expires_at <= {now} THEN 'expired' ELSE 'open' END AS status "
        "FROM _drafts AS d LEFT JOIN (SELECT key AS before, confirmed_by FROM _drafts WHERE key IN "
        "(SELECT substr(revises, 5) FROM _drafts WHERE revises IS NOT NULL)) AS b ON b.before = substr(d.revises, 5) "
        "WHERE d.happened_at IS NOT NULL"
    ),
)

CONFIRMATIONS = View(
    name="confirmations",
    about="Every yes that started an execution.",
    columns=(
        Column("execution_id", "VARCHAR", "what it started: `exe_…`"),
        Column("draft_id", "VARCHAR", "what it was said to: `dft_…`"),
        *_when("when it was said"),
        *_who("whose yes it was, the last one where two were needed"),
        _VERB,
        _VENDOR,
        _TRIP,
        Column("maximum_cents", "BIGINT", "the most that was allowed"),
        _QUOTED,
        _CURRENCY,
        Column("confirmation_latency_ms", "BIGINT", "from the draft shown to the yes: the person's time"),
        Column("confirm_ms", "BIGINT", "the confirm transaction: Halo's time; NULL in old logs"),
    ),
    sql=_dated(
        "SELECT 'exe_' || key AS execution_id, 'dft_' || key AS draft_id, * EXCLUDE (key, happened_at, member_id), confirmed_at AS happened_at, "
        "confirmed_by AS member_id, quoted.total_cents AS quoted_cents FROM _drafts WHERE confirmed_at IS NOT NULL"
    ),
)

EXECUTIONS = View(
    name="executions",
    about="Every confirmed draft being carried out, as it stands.",
    columns=(
        Column("execution_id", "VARCHAR", "`exe_…`"),
        Column("draft_id", "VARCHAR", "what was confirmed: `dft_…`"),
        *_when("when it was confirmed"),
        *_who("whose yes started it"),
        _VERB,
        _VENDOR,
        _TRIP,
        Column("status", "VARCHAR", "the newest: `confirmed`, `submitting`, `unknown`, `accepted`, or how it ended"),
        Column("has_ended", "BOOLEAN", "whether it is over"),
        Column("ended_at", "TIMESTAMP", "when it ended, in UTC; NULL while it has not"),
        Column("execute_ms", "BIGINT", "from the yes to the end, waits included; NULL while it has not ended"),
        Column("tries", "BIGINT", "how often it was tried: vendor asked again, or order sent"),
        Column("look_ups", "BIGINT", "how often the vendor was asked whether it happened"),
        Column("was_sent", "BOOLEAN", "whether a request to do it ever left"),
        Column("was_unknown", "BOOLEAN", "whether an answer was ever lost"),
        Column("settled", "VARCHAR", "what a person found who looked: `happened` or `did_not_happen`; NULL where nobody has"),
        Column("maximum_cents", "BIGINT", "the most that was confirmed"),
        _QUOTED,
        Column("currency", "VARCHAR", "of what was quoted and confirmed"),
        Column("charged_cents", "BIGINT", "what the vendor charged; NULL where nothing was, or is known"),
        Column("charged_currency", "VARCHAR", "of what was charged"),
        Column("revised_draft_id", "VARCHAR", "the draft that was written because the terms had changed"),
        Column("is_confirmed_again", "BOOLEAN", "whether that draft was confirmed; NULL where the terms had not changed"),
    ),
    sql=_dated(
        "SELECT 'exe_' || e.key AS execution_id, 'dft_' || e.key AS draft_id, e.* EXCLUDE (key, happened_at, member_id, charged), "
        "confirmed_at AS happened_at, e.confirmed_by AS member_id, coalesce(substr(moved.event_type, 11), 'confirmed') AS status, "
        "coalesce(status IN ({ended}), false) AS has_ended, CASE WHEN has_ended THEN moved.happened_at END AS ended_at, "
        "greatest(0, date_diff('millisecond', confirmed_at, ended_at)) AS execute_ms, unknowns > 0 AS was_unknown, sent_at IS NOT NULL AS was_sent, "
        "quoted.total_cents AS quoted_cents, charged.charged_cents AS charged_cents, charged.currency AS charged_currency, "
        "CASE WHEN revised_draft_id IS NOT NULL THEN coalesce(n.is_confirmed, false) END AS is_confirmed_again "
        "FROM _drafts AS e LEFT JOIN (SELECT key AS later, confirmed_at IS NOT NULL AS is_confirmed FROM _drafts WHERE key IN "
        "(SELECT substr(revised_draft_id, 5) FROM _drafts WHERE revised_draft_id IS NOT NULL)) AS n "
        "ON n.later = substr(revised_draft_id, 5) WHERE confirmed_at IS NOT NULL"
    ),
)

ATTEMPTS = View(
    name="attempts",
    about="Every time an execution was carried a step further.",
    columns=(
        Column("execution_id", "VARCHAR", "`exe_…`"),
        Column("attempt_number", "BIGINT", "counted from 1 within the execution"),
        *_when("when it was over"),
        *_who("whose yes started the execution"),
        _VERB,
        _VENDOR,
        Column("step", "VARCHAR", "`requote`, `commit`, `look_up`; `take_over` and `give_up` ask nobody"),
        Column("status", "VARCHAR", "how the step ended"),
        Column("classification", "VARCHAR", "what a failure was: transient, auth, price_or_inventory_change, ambiguous, permanent"),
        Column("retry_delay_ms", "BIGINT", "the wait decided after it"),
        Column("took_ms", "BIGINT", "how long it took; NULL in old logs"),
    ),
    sql=_dated(
        "SELECT a.* EXCLUDE (key, entity_id), entity_id AS execution_id, d.verb, d.vendor, d.confirmed_by AS member_id "
        "FROM _attempts AS a LEFT JOIN _drafts AS d ON d.key = substr(entity_id, 5)"
    ),
)

MEMBERS = View(
    name="members",
    about="Who lives here.",
    columns=(
        Column("member_id", "VARCHAR", "`usr_…`"),
        Column("name", "VARCHAR", "as the household calls them"),
        Column("role", "VARCHAR", "owner, adult, or child"),
    ),
    sql="SELECT * FROM _members",
)

EVENTS = View(
    name="events",
    about="The log itself, one row an event, without what it tells.",
    columns=(
        Column("seq", "BIGINT", "its number in the log, from 1"),
        Column("event_id", "VARCHAR", "`evt_…`"),
        *_when("when it happened"),
        *_who("who acted; NULL for Halo itself"),
        Column("event_type", "VARCHAR", "such as `draft.confirmed`"),
        Column("entity_type", "VARCHAR", "what it happened to"),
        Column("entity_id", "VARCHAR", "which one"),
        _TRIP,
        Column("causation_id", "VARCHAR", "the event it followed from; NULL in old logs"),
        Column("schema_version", "BIGINT", "1 in logs from before trips were kept"),
    ),
    sql=_dated("SELECT * EXCLUDE (correlation_id), correlation_id AS trip_id FROM _facts"),
)

PAYLOADS = View(
    name="payloads",
    about="What each event tells, as the log has it. What is somebody's own stands in it as a commitment only.",
    columns=(
        Column("seq", "BIGINT", "the event's number"),
        Column("payload", "JSON", "its facts, to be read with `payload->>'field'`"),
    ),
    sql="SELECT seq, CAST(payload AS JSON) AS payload FROM _payloads",
)

#: In the order in which they can be made.
VIEWS = (MEMBERS, REQUESTS, DRAFTS, CONFIRMATIONS, EXECUTIONS, ATTEMPTS)
#: As long as the log: made only for a query that names them.
WHOLE_LOG = (EVENTS, PAYLOADS)
