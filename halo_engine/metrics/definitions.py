"""What is measured: each figure's name, unit, definition and SQL, here and nowhere else. `halo metrics` and docs/metrics.md derive from it.

A figure is about the rows of one view. A share is some of them over others, never an average of averages; nothing over nothing has no value. p50 and
p95 are nearest-rank: the smallest value that at least so many of the values do not exceed, so both are values that occurred.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    """How a figure is read."""

    #: How many there are.
    COUNT = "count"
    #: Some of them over all of them, from 0 to 1.
    SHARE = "share"
    #: So many of one thing to one of another.
    EACH = "each"
    #: p50 and p95, in milliseconds.
    MILLISECONDS = "ms"
    #: Integer cents, each currency by itself.
    CENTS = "cents"


@dataclass(frozen=True)
class Metric:
    """One figure. `part` is SQL for what is counted, or the value; `whole` for what it is set against, or of which rows a value is due."""

    name: str
    label: str
    unit: Unit
    view: str
    definition: str
    part: str = ""
    whole: str = "true"


METRICS = (
    Metric(
        "requests",
        "requests",
        Unit.COUNT,
        "requests",
        "What was asked for; an answer to a question of Halo's is not counted.",
        "NOT is_answer",
    ),
    Metric(
        "questions_per_request",
        "questions per request",
        Unit.EACH,
        "requests",
        "Questions that Halo asked back, to one request. An answer is no request of its own, except in logs from before trips were kept.",
        "sum(questions)",
        "NOT is_answer",
    ),
    Metric(
        "parse_latency",
        "parse",
        Unit.MILLISECONDS,
        "requests",
        "Reading the words. Left out: old events that do not tell it. Not counted: where nobody had to read.",
        "parse_ms",
        "parser <> 'none'",
    ),
    Metric("drafts", "drafts", Unit.COUNT, "drafts", "Drafts that were shown, those that Halo revised by itself included.", "true"),
    Metric(
        "draft_latency",
        "draft",
        Unit.MILLISECONDS,
        "drafts",
        "Asking the vendors until the draft stood. Left out: old events. Not counted: drafts that Halo revised by itself.",
        "draft_ms",
        "is_asked",
    ),
    Metric(
        "confirmation_rate",
        "drafts confirmed",
        Unit.SHARE,
        "drafts",
        "Drafts that were confirmed, of all that are not open any more: confirmed, cancelled or expired.",
        "status = 'confirmed'",
        "status <> 'open'",
    ),
    Metric(
        "confirmation_latency",
        "the person's yes",
        Unit.MILLISECONDS,
        "confirmations",
        "From the draft shown, as it was confirmed, to the yes: the person's time.",
        "confirmation_latency_ms",
    ),
    Metric(
        "confirm_latency",
        "confirm",
        Unit.MILLISECONDS,
        "confirmations",
        "The confirm transaction: Halo's time. Left out: old events.",
        "confirm_ms",
    ),
    Metric("executions", "executions", Unit.COUNT, "executions", "Confirmed drafts, however far they are carried out.", "true"),
    Metric(
        "success_rate",
        "success",
        Unit.SHARE,
        "executions",
        "Executions that ended as done, of all that have ended. Done in part, handed to a person and terms that had changed are no success.",
        "status = 'done'",
        "has_ended",
    ),
    Metric("failed", "failed", Unit.COUNT, "executions", "Executions that ended as failed: nothing was done.", "status = 'failed'"),
    Metric(
        "retry_rate",
        "retried",
        Unit.SHARE,
        "executions",
        "Executions that were tried more than once (vendor asked again, or order sent), of those tried at all. "
        "Looking up whether something happened is no try.",
        "tries > 1",
        "tries > 0",
    ),
    Metric(
        "unknown_outcomes",
        "outcome unknown",
        Unit.SHARE,
        "executions",
        "Executions of which an answer was lost, of all that were sent.",
        "was_unknown",
        "was_sent",
    ),
    Metric(
        "unknown_settled",
        "unknown, then found out",
        Unit.SHARE,
        "executions",
        "Of those whose answer was lost and that have ended, those that Halo found out about by itself; the others need a person.",
        "was_unknown AND status <> 'needs_attention'",
        "was_unknown AND has_ended",
    ),
    Metric("waiting", "not ended yet", Unit.COUNT, "executions", "Executions that are still being carried out.", "NOT has_ended"),
    Metric(
        "needs_attention",
        "needs attention",
        Unit.COUNT,
        "executions",
        "Executions of which only a person can tell what happened, and nobody has yet.",
        "status = 'needs_attention' AND settled IS NULL",
    ),
    Metric(
        "terms_changed_rate",
        "terms had changed",
        Unit.SHARE,
        "executions",
        "Executions that stopped because the terms were not those confirmed any more, of all that have ended.",
        "status = 'terms_changed'",
        "has_ended",
    ),
    Metric(
        "reconfirm_rate",
        "confirmed again",
        Unit.SHARE,
        "executions",
        "Of the executions that stopped because the terms had changed and that wrote a revised draft, those whose revised draft was confirmed.",
        "is_confirmed_again",
        "is_confirmed_again IS NOT NULL",
    ),
    Metric(
        "execute_latency",
        "execute",
        Unit.MILLISECONDS,
        "executions",
        "From the yes to the end, waits, retries and look-ups included. Not counted: what has not ended.",
        "execute_ms",
        "has_ended",
    ),
    Metric(
        "attempt_latency",
        "one attempt",
        Unit.MILLISECONDS,
        "attempts",
        "One step at the vendor's: asking again, sending, looking up. Left out: old events.",
        "took_ms",
        "step IN ('requote', 'commit', 'look_up')",
    ),
    Metric(
        "cost_variance",
        "cost",
        Unit.CENTS,
        "executions",
        "Charged against the total that was quoted in the terms confirmed, and against the most that was confirmed: "
        "sums in cents, each currency by itself, "
        "and the difference to the quote in hundredths of a per cent of it. "
        "Left out: charged in another currency than quoted, or a quote that the log does not tell.",
        "charged_cents",
        "charged_cents IS NOT NULL",
    ),
)

#: What figures can be shown by; each is a column of every view that they are about.
DIMENSIONS = ("verb", "vendor", "member", "month")
