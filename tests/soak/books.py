"""The judge of a soak: the vendors' own ledger, what the members noted, and the books of every household, held against each other.

What torture's judge asks of each execution (`tests.torture.harness.compared`) holds here too. Beyond it: nothing without a yes that somebody noted,
no yes without its execution, the same cents on both sides, what did not happen says why, every log verifies, and nobody holds anything any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from halo_engine.audit import Audit
from halo_engine.model.execution import Execution, ExecutionStatus
from halo_engine.queries import ExecutionDetail, Queries
from halo_engine.settings import Settings
from halo_engine.store.slots import ADVISORY_CLASS, HELD
from halo_sim.ledger import Entry, read_ledger
from tests.soak.people import Yes
from tests.torture.harness import Kind, Problem, compared

_PAGE = 200
_UNDONE = (ExecutionStatus.FAILED, ExecutionStatus.TERMS_CHANGED, ExecutionStatus.NEEDS_ATTENTION)
#: What is to be nobody's in the end: the question, and what it is called where the answer is not zero.
_LEFT_OVER = {
    "tickets that are not worked off": "SELECT count(*) FROM dbos.workflow_status WHERE status IN ('ENQUEUED', 'DELAYED', 'PENDING')",
    # One that a vendor's trouble ended is let go, and waits for the same key.
    "acts that somebody still holds": "SELECT count(*) FROM idempotency_key WHERE status IS NULL AND held_until > now()",
    "transactions that were begun and not ended": "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND state LIKE 'idle in transaction%'",
}


@dataclass(frozen=True)
class Books:
    """Everything there is to compare."""

    details: tuple[ExecutionDetail, ...]
    #: Each confirmation as the books have it: the draft and its hash.
    confirmed: frozenset[tuple[str, str]]
    ledger: tuple[Entry, ...]
    events: int
    problems: tuple[Problem, ...]


def executions(settings: Settings, household_id: str) -> tuple[Execution, ...]:
    """All of a household's, the newest first."""
    found: list[Execution] = []
    with Queries.open(settings, household_id=household_id) as queries:
        while page := queries.executions(limit=_PAGE, before=(found[-1].started_at, found[-1].id) if found else None):
            found += page
    return tuple(found)


def read(settings: Settings, households: Sequence[str]) -> Books:
    """The books of these households and of the vendors, and what is wrong with the books by themselves."""
    details: list[ExecutionDetail] = []
    problems: list[Problem] = []
    events = 0
    for household_id in households:
        with Queries.open(settings, household_id=household_id) as queries:
            details += [queries.execution(execution.id) for execution in executions(settings, household_id)]
        with Audit.open(settings, household_id=household_id) as audit:
            verified = audit.verify()
            events += verified.events
            problems += [Problem(Kind.UNPROVED, f"{household_id}: {problem}") for problem in verified.problems]
    confirmed = frozenset(_rows(settings, "SELECT draft_id, draft_hash FROM confirmation"))
    problems += _left_over(settings)
    return Books(tuple(details), confirmed, read_ledger(settings.simulator_file), events, tuple(problems))


def judged(books: Books, yeses: Sequence[Yes]) -> Iterator[Problem]:
    """Everything that must not be."""
    yield from books.problems
    yield from compared(books.details, books.ledger)
    yield from _every_yes(books, yeses)
    effects = [entry for entry in books.ledger if entry.kind in ("order", "booking", "cancellation")]
    under_key = Counter(entry.client_reference for entry in effects)
    charged = {entry.client_reference or entry.reference: entry.charged.cents for entry in effects}
    for detail in books.details:
        execution = detail.execution
        name = f"{execution.verb} {execution.id} ({execution.status.value})"
        if execution.status in _UNDONE and not execution.error_message:
            yield Problem(Kind.WRONG, f"{name} does not say why")
        if execution.status is not ExecutionStatus.DONE:
            continue
        # Nobody ends here what somebody else has ended already, so each has an effect of its own.
        if execution.verb != "BOOK" and under_key[execution.vendor_key] != 1:
            yield Problem(Kind.LOST, f"{name} has {under_key[execution.vendor_key]} effects under its key")
        told = execution.final_cost.cents if execution.final_cost else 0
        if charged.get(execution.vendor_key, charged.get(execution.vendor_reference or "", 0)) != told:
            yield Problem(Kind.WRONG, f"{name} tells of {told} cents, and the vendor of another sum")


def _every_yes(books: Books, yeses: Sequence[Yes]) -> Iterator[Problem]:
    """What was said yes to, and what the books say was said yes to."""
    noted = {(yes.draft_id, yes.draft_hash) for yes in yeses}
    for draft_id, _ in books.confirmed - noted:
        yield Problem(Kind.DOUBLE, f"nobody has said yes to {draft_id}")
    kept = {detail.execution.id: detail.execution for detail in books.details}
    for yes in yeses:
        execution = kept.get(yes.execution_id)
        if execution is None or (execution.draft_id, execution.draft_hash, execution.household_id) != (
            yes.draft_id,
            yes.draft_hash,
            yes.household_id,
        ):
            yield Problem(Kind.LOST, f"the yes to {yes.draft_id} is not in the books as it was said")
    for execution_id in kept.keys() - {yes.execution_id for yes in yeses}:
        yield Problem(Kind.DOUBLE, f"{execution_id} was begun by nobody's yes")


def _left_over(settings: Settings) -> Iterator[Problem]:
    for what, question in _LEFT_OVER.items():
        ((number,),) = _rows(settings, question)
        if number:
            yield Problem(Kind.STUCK, f"{number} {what}")
    held = _rows(settings, HELD.replace(":class", str(ADVISORY_CLASS)))
    if held:
        yield Problem(Kind.STUCK, f"{len(held)} slots are held, and no worker runs")


def _rows(settings: Settings, question: str) -> list[Any]:
    import psycopg

    with psycopg.connect(str(settings.database_address)) as connection:
        return connection.execute(question).fetchall()  # type: ignore[arg-type,unused-ignore]
