"""The defects that are planted: each takes one safeguard of Halo away, and the row named beside it has to catch that.

A row that catches none of these could not fail, and would prove nothing. Each is a context manager that patches one function of Halo; what has to be
sound from before is made sound before.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from functools import cached_property
from types import CodeType, SimpleNamespace
from typing import Any, overload
from unittest.mock import patch

from halo_engine.engine import Engine
from halo_engine.model.event import GENESIS, Event
from halo_engine.model.execution import Attempt, Classification, Execution, ExecutionStatus
from halo_engine.queries import Queries
from halo_engine.stages import confirm, execute
from halo_engine.stages.execute import Executing
from halo_engine.stages.job import Job
from halo_engine.store.event_log import EventLog
from halo_engine.store.executions import Executions
from halo_engine.store.receipts import Receipts
from halo_engine.vendors import amazon
from halo_engine.vendors.amazon_wire import order_body
from halo_engine.verb import Context
from halo_engine.verbs.purchase import Purchase
from tests.torture.crash_rows import lines_of, start
from tests.torture.harness import Bug

_RECORD, _DONE = Executing._record.__code__, Executing._done.__code__


class Near(Sequence[str]):
    """The points of R-01 that lie `before` to `after` lines from where a function is entered, found in the planted Halo when first asked for."""

    def __init__(self, job: str, function: CodeType, *, before: int = 0, after: int, every: int) -> None:
        self._job, self._function, self._span = job, function, range(-before, after, every)

    @cached_property
    def _words(self) -> list[str]:
        # Not the remembered ones: those are the sound Halo's.
        lines = lines_of.__wrapped__(self._job, "sqlite", "execute")
        own = {f"{self._function.co_filename}:{line}" for *_, line in self._function.co_lines() if line != self._function.co_firstlineno}
        entered = next(number for number, line in enumerate(lines, 1) if line in own)
        return [f"{self._job}-sqlite-{entered + offset}" for offset in self._span if entered + offset <= len(lines)]

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        return self._words[index]

    def __len__(self) -> int:
        return len(self._words)


@contextmanager
def _patched(owner: Any, name: str, wrong: Any) -> Iterator[None]:
    """`wrong` in the place of one function. What R-01 starts from is prepared first, by the sound one: it is kept for later rows too."""
    for job in ("order", "book"):
        start(job, "sqlite", "execute")
    with patch.object(owner, name, wrong):
        yield


# Keys.


def random_vendor_key() -> AbstractContextManager[None]:
    """The vendor sees another key at every try, and recognises none of them again."""
    commit = Purchase.commit

    def wrong(verb: Any, terms: Any, fresh: Any, *, key: str, context: Any) -> Any:
        return commit(verb, terms, fresh, key=f"halo-{secrets.token_hex(13)}", context=context)

    return _patched(Purchase, "commit", wrong)


# What is written together.


def receipt_in_second_transaction() -> AbstractContextManager[None]:
    """The effect is recorded, and then, in another transaction, its receipt."""
    done, append = Executing._done, EventLog.append

    def wrong(stage: Executing, *args: Any) -> Any:
        late: list[tuple[Any, Any]] = []

        def later(log: EventLog, payload: Any, **where: Any) -> Any:
            return late.append((payload, where)) if payload.event_type == "receipt.stored" else append(log, payload, **where)

        receipts: list[Any] = []
        with patch.object(Receipts, "add", lambda _, receipt: receipts.append(receipt)), patch.object(EventLog, "append", later):
            progress = done(stage, *args)
        with stage._store.transaction() as books:
            for receipt in receipts:
                books.receipts.add(receipt)
            for payload, where in late:
                books.events.append(payload, **where)
        return progress

    return _patched(Executing, "_done", wrong)


def intention_after_the_call() -> AbstractContextManager[None]:
    """The vendor is called, and only then is it written that it is going to be."""
    commit = Executing._commit

    def wrong(stage: Executing, job: Any, fresh: Any) -> Any:
        outcome = job.verb.commit(job.terms, fresh, key=job.execution.vendor_key, context=job.context)
        answered = SimpleNamespace(commit=lambda *_, **__: outcome, quote=job.verb.quote, spec=job.verb.spec)
        return commit(stage, replace(job, verb=answered), fresh)

    return _patched(Executing, "_commit", wrong)


def event_left_out() -> AbstractContextManager[None]:
    """An execution is done, and the log does not say so."""
    append = EventLog.append_move

    def wrong(log: EventLog, payload: Any, *, status: str, **where: Any) -> Any:
        return None if status == "done" else append(log, payload, status=status, **where)

    return _patched(EventLog, "append_move", wrong)


def chain_not_linked() -> AbstractContextManager[None]:
    """Every event stands for itself."""

    def wrong(event: Event) -> Event:
        loose = event.model_copy(update={"prev_hash": GENESIS})
        return loose.model_copy(update={"hash": loose.expected_hash()})

    return _patched(Event, "sealed", wrong)


# What is checked before anything is sent.


def _submit_unasked(stage: Executing, job: Any) -> Any:
    return stage._commit(job, job.verb.quote(job.terms.instruction, job.context))


def requote_skipped() -> AbstractContextManager[None]:
    """What the vendor asks now is not compared with what was confirmed; only the vendor's own guard is left."""
    return _patched(Executing, "_submit", _submit_unasked)


@contextmanager
def maximum_not_checked() -> Iterator[None]:
    """Neither does Halo compare, nor does it tell the vendor what may be charged at the most."""

    def wrong(*args: Any) -> Any:
        whole: Any = order_body(*args)
        lines = [{**line, "expectations": []} for line in whole["lineItems"]]
        return {**whole, "expectations": [], "lineItems": lines}

    with ExitStack() as stack:
        stack.enter_context(_patched(execute, "is_covered_by", lambda *_: True))
        stack.enter_context(_patched(amazon, "order_body", wrong))
        yield


def hash_not_checked_at_confirm() -> AbstractContextManager[None]:
    """A yes to whatever was shown is a yes to what stands now."""
    return _patched(confirm, "hmac", SimpleNamespace(compare_digest=lambda *_: True, new=hmac.new))


def terms_not_checked_in_execution() -> AbstractContextManager[None]:
    """What is carried out need not be what was confirmed."""

    def wrong(stage: Executing, books: Any, execution: Execution) -> Any:
        draft = books.drafts.get(execution.household_id, execution.draft_id)
        confirmation = books.executions.confirmation(draft.id)
        context = Context.to_carry_out(books, member_id=confirmation.user_id, vendors=stage._vendors)
        return Job(execution, draft, stage._verbs[draft.verb], context, books.executions.attempts(execution.id))

    return _patched(Executing, "_job", wrong)


# A lost answer.


def unknown_taken_for_failed() -> AbstractContextManager[None]:
    """Nobody knows whether it happened, and the household is told that it did not."""

    def wrong(stage: Executing, job: Any, attempt: Attempt, message: str) -> Any:
        return stage._end(job, attempt, ExecutionStatus.FAILED, Classification.PERMANENT, error_message=message)

    return _patched(Executing, "_unknown", wrong)


def sent_again_without_looking() -> AbstractContextManager[None]:
    """What may have happened is sent again at once."""

    def wrong(stage: Executing, job: Any) -> Any:
        attempt = stage._begin("look_up", job)
        return stage._later(job, attempt, "not_found", Classification.AMBIGUOUS, None, to=ExecutionStatus.CONFIRMED)

    return _patched(Executing, "_look_up", wrong)


def looked_up_at_once() -> AbstractContextManager[None]:
    """A request whose sender is dead is looked up while it may still be on its way."""
    take_over = Executing.take_over

    def wrong(stage: Executing, execution_id: str) -> None:
        take_over(stage, execution_id)
        with stage._store.transaction() as books:
            execution = books.executions.get(execution_id)
            if execution.status is ExecutionStatus.SUBMITTING:
                books.executions.replace(execution, execution.model_copy(update={"due_at": books.now}))

    return _patched(Executing, "take_over", wrong)


def not_there_believed_at_once() -> AbstractContextManager[None]:
    """A vendor that shows an order late is taken at its first word."""
    return _patched(Executing, "_next_look_up", lambda *_: None)


# Two at once, and twice.


def fence_removed() -> AbstractContextManager[None]:
    """Whoever comes last writes, whatever has happened since they looked."""

    fenced = Executions.replace

    def wrong(executions: Executions, before: Execution, after: Execution) -> None:
        fenced(executions, executions.get(before.id), after)

    return _patched(Executions, "replace", wrong)


def begun_again(books: Any, execution: Execution) -> Execution:
    fresh = execution.model_copy(update={"status": ExecutionStatus.CONFIRMED, "version": execution.version + 1, "due_at": None})
    books.executions.replace(execution, fresh)
    return fresh


def confirmed_twice() -> AbstractContextManager[None]:
    """The same yes again starts it again."""
    before = confirm._confirmed_before

    def wrong(books: Any, *asked: Any) -> Any:
        found = before(books, *asked)
        return begun_again(books, found) if isinstance(found, Execution) else found

    return _patched(confirm, "_confirmed_before", wrong)


def blind_repeat() -> AbstractContextManager[None]:
    """Trying again is not a fresh draft that needs its own yes: what has ended is simply sent once more."""
    retry = Engine.retry

    def wrong(engine: Engine, execution_id: str, *, member: str | None) -> Any:
        with engine._store.transaction() as books:
            execution = books.executions.get(execution_id)
            if not execution.is_final:
                return retry(engine, execution_id, member=member)
            begun_again(books, execution)
        engine.execute(execution_id, wait_s=600)
        with Queries.open(engine._settings, clock=engine._clock) as queries:
            return queries.card(execution_id)

    return _patched(Engine, "retry", wrong)


def _bug(plant: Callable[[], AbstractContextManager[None]], row: str, points: Sequence[str] | int) -> Bug:
    """Named by its function, and told by its docstring."""
    return Bug(plant.__name__.replace("_", "-"), (plant.__doc__ or "").strip(), plant, row, points)


BUGS = (
    _bug(random_vendor_key, "R-01", Near("order", _RECORD, after=60, every=20)),
    _bug(receipt_in_second_transaction, "R-01", Near("order", _DONE, before=-600, after=960, every=20)),
    _bug(intention_after_the_call, "R-01", Near("book", _RECORD, before=240, after=0, every=20)),
    _bug(event_left_out, "R-01", Near("order", _RECORD, after=20, every=20)),
    _bug(chain_not_linked, "R-01", Near("order", _RECORD, after=20, every=20)),
    _bug(unknown_taken_for_failed, "R-01", Near("order", _RECORD, after=60, every=20)),
    _bug(sent_again_without_looking, "R-01", Near("book", _RECORD, after=60, every=20)),
    _bug(requote_skipped, "C-06", 200),
    _bug(maximum_not_checked, "C-06", 200),
    _bug(hash_not_checked_at_confirm, "C-05", 50),
    _bug(terms_not_checked_in_execution, "C-05", 50),
    _bug(looked_up_at_once, "R-11", tuple(f"sqlite-hurry-{seed}" for seed in range(1, 9))),
    _bug(not_there_believed_at_once, "V-08", 50),
    _bug(fence_removed, "C-07", 100),
    _bug(confirmed_twice, "R-15", 40),
    _bug(blind_repeat, "R-15", 40),
)
