"""C-07-http: what a family's phones send on one day comes twice, out of order, at the same moment, a day late and a month late.

A point is a seed. Every request is sent by its phone once; the network delivers it once more, or several times: byte for byte the same, as a client
does that has lost the answer, or under a new key, as one does that has lost its memory. The same bytes get the same answer for as long as it is
kept; everything else gets a precise refusal; and the vendors' ledger knows one effect for each yes.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from halo_engine.model.errors import HaloError
from halo_engine.model.execution import Execution
from halo_engine.stages import confirm
from halo_engine.store.acts import KEPT, Acts
from halo_engine.verbs.purchase import Purchase
from halo_sim.faults import clear_faults
from tests.installation import Installation
from tests.torture.api import Answer, Served, bearing, served
from tests.torture.api_phones import code_of, encoded, post, with_phones
from tests.torture.bugs import begun_again
from tests.torture.harness import Bug, Kind, Problem, Row, judge

_A_DAY_S = 86_400
#: Longer than an answer is kept.
_A_MONTH_S = KEPT.total_seconds() + _A_DAY_S
_FAULTS = ("unavailable", "lose_answer", "drop_before", "rate_limited", "error_after")

#: The inbound requests of a day, by the draft that they are about: what is asked, what is changed, and who says yes.
DAY: Mapping[str, tuple[str, str | None, str]] = {
    "order": ("order 2 packs of AA batteries", "make it 3", "Sam"),
    "reorder": ("reorder the dog supplies", "without the dog treats", "Alex"),
    "cancel": ("cancel streamly", None, "Sam"),
    "book": ("book a table for two at Nopa tomorrow at 7:30pm", "make it for 4 people", "Alex"),
}

#: Every refusal that a request of a day may get, whenever it comes.
_PRECISE = {
    *("invalid_input", "not_found", "conflict", "already_confirmed", "already_cancelled", "terms_changed", "draft_expired"),
    *("idempotency_conflict", "idempotency_in_flight"),
}


@dataclass(frozen=True)
class _Request:
    """As it left the phone; `made` tells its body from the drafts that are known by then, and None where none can be sent."""

    name: str
    who: str
    path: str
    made: Callable[[Mapping[str, Mapping[str, Any]]], Mapping[str, Any] | None]


def _of_the_day(random: Random) -> list[_Request]:
    """In the order of the day; here and there two that belong together change places, or a no comes after the yes."""
    threads = []
    for job, (words, change, who) in DAY.items():
        later = [*([_changes(job, change)] if change else []), _confirms(job, who)]
        if random.random() < 0.3:
            later.reverse()
        threads.append([_asks(job, words), *later, *([_drops(job)] if random.random() < 0.5 else [])])
    day: list[_Request] = []
    while any(threads):
        day.append(random.choice([thread for thread in threads if thread]).pop(0))
    return day


def _asks(job: str, words: str) -> _Request:
    return _Request(job, "Kim", "/v1/draft/create", lambda _: {"text": words})


def _changes(job: str, words: str) -> _Request:
    def made(known: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any] | None:
        return {"draft_id": known[job]["draft_id"], "text": words} if job in known else None

    return _Request(job, "Sam", "/v1/draft/modify", made)


def _confirms(job: str, who: str) -> _Request:
    def made(known: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any] | None:
        return {name: known[job][name] for name in ("draft_id", "draft_hash")} if job in known else None

    return _Request(job, who, "/v1/draft/confirm", made)


def _drops(job: str) -> _Request:
    def made(known: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any] | None:
        return {"draft_id": known[job]["draft_id"]} if job in known else None

    return _Request(job, "Alex", "/v1/draft/cancel", made)


@dataclass
class _Sent:
    """A request on its way: its key, its bytes, and what was answered for good."""

    request: _Request
    key: str
    body: Mapping[str, Any]
    sent_at_s: float
    answer: Answer | None = None


@dataclass
class _Day:
    """What the phones know of each job's draft, and everything that is under way."""

    there: Served
    tokens: Mapping[str, str]
    random: Random
    is_troubled: bool
    known: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    executions: dict[str, str] = field(default_factory=dict)
    sent: list[_Sent] = field(default_factory=list)

    def go(self) -> Iterator[Problem]:
        for number, request in enumerate(_of_the_day(self.random)):
            if (body := request.made(self.known)) is None:
                continue
            self.sent.append(_Sent(request, f"delivered-{number}", body, self._now()))
            yield from self._deliver(self.sent[-1], at_once=self.random.random() < 0.3)
            while self.random.random() < 0.4:
                yield from self._deliver(self.random.choice(self.sent))
            if self.random.random() < 0.3:
                yield from _carried_out(self.there.home, self.executions.values())

    def come_late(self, seconds: float) -> Iterator[Problem]:
        """Everything once more, so much later, in an order of chance; and once under a new key."""
        self.there.home.later(seconds=seconds)
        for sent in self.random.sample(self.sent, len(self.sent)):
            yield from self._deliver(sent)
        for sent in self.random.sample(self.sent, len(self.sent)):
            yield from self._as_new(sent, f"forgotten-{seconds}-{sent.key}")

    def _deliver(self, sent: _Sent, *, at_once: bool = False) -> Iterator[Problem]:
        """Once more, or twice at the same moment."""
        headers = bearing(self.tokens[sent.request.who], idempotency_key=sent.key)
        call = ("POST", sent.request.path, headers, encoded(sent.body))
        for answer in self.there.together([call, call] if at_once else [call]):
            yield from self._told(sent, answer)

    def _told(self, sent: _Sent, answer: Answer) -> Iterator[Problem]:
        code, name = code_of(answer), f"{sent.request.path} of {sent.request.name}"
        if code == "idempotency_in_flight" or (answer.status == 503 and self.is_troubled and answer.headers.get("retry-after")):
            return
        if code != "ok" and code not in _PRECISE:
            yield Problem(Kind.WRONG, f"{name} was answered with {answer.status} {code}")
        is_kept = self._now() - sent.sent_at_s < KEPT.total_seconds()
        if sent.answer is not None and is_kept:
            if (answer.status, answer.body) != (sent.answer.status, sent.answer.body):
                said = f"{answer.status} {answer.body[:200]!r}, and was with {sent.answer.status} {sent.answer.body[:200]!r}"
                yield Problem(Kind.WRONG, f"{name} was answered with {said}")
            return
        sent.answer, sent.sent_at_s = answer, self._now()
        yield from self._learn(sent.request, answer, code)

    def _as_new(self, sent: _Sent, key: str) -> Iterator[Problem]:
        """What was asked for anew is another draft, which nobody confirms; what was confirmed anew is what it was."""
        answer = post(self.there, self.tokens[sent.request.who], sent.request.path, sent.body, key=key)
        code = code_of(answer)
        if code != "ok" and code not in _PRECISE:
            yield Problem(Kind.WRONG, f"{sent.request.path} under a new key was answered with {answer.status} {code}")
        if sent.request.path.endswith("confirm"):
            yield from self._learn(sent.request, answer, code)

    def _learn(self, request: _Request, answer: Answer, code: str) -> Iterator[Problem]:
        if code != "ok":
            return
        told = answer.json()
        if request.path.endswith("confirm"):
            if self.executions.setdefault(request.name, told["execution_id"]) != told["execution_id"]:
                yield Problem(Kind.DOUBLE, f"one yes to {request.name} has two executions")
        elif told.get("draft_hash") and request.name not in self.executions and self._is_newer(request, told):
            self.known[request.name] = {name: told[name] for name in ("draft_id", "draft_hash")}

    def _is_newer(self, request: _Request, told: Mapping[str, Any]) -> bool:
        """A phone that asks anew after a month does not forget the draft it has."""
        return request.name not in self.known or told["draft_id"] == self.known[request.name]["draft_id"]

    def _now(self) -> float:
        return self.there.home.clock.now().timestamp()


def _points(random: Random) -> Iterator[str]:
    while True:
        yield f"{random.randrange(10**9)}"


def _attempt(point: str, place: Path) -> Iterator[Problem]:
    random = Random(point)
    home, tokens = with_phones(place)
    is_troubled = random.random() < 0.4
    if is_troubled:
        home.fault(random.choice(_FAULTS), times=random.randint(1, 6))
    with served(home) as there:
        day = _Day(there, tokens, random, is_troubled)
        yield from day.go()
        yield from day.come_late(_A_DAY_S)
        clear_faults(home.world)
        day.is_troubled = False
        for seconds in random.sample((_A_DAY_S, _A_MONTH_S), random.randint(0, 2)):
            yield from day.come_late(seconds)
        yield from _counted(home, day.executions)


def _carried_out(home: Installation, executions: Iterable[str]) -> Iterator[Problem]:
    for execution_id in executions:
        home.later(seconds=1)
        try:
            home.engine.execute(execution_id, wait_s=4 * _A_DAY_S)
        except HaloError as error:
            yield Problem(Kind.WRONG, f"carrying out {execution_id} was answered with {error.code}")


def _counted(home: Installation, executions: Mapping[str, str]) -> Iterator[Problem]:
    """Everything is carried out, twice; then the ledger is asked."""
    with home.queries() as queries:
        started = [one.id for one in queries.executions(limit=1000)]
    if sorted(started) != sorted(executions.values()):
        yield Problem(Kind.DOUBLE, f"{sorted(executions)} were confirmed, and {len(started)} executions began")
    yield from _carried_out(home, [*started, *started])
    effects = [entry for entry in home.ledger() if entry.kind in ("order", "booking", "cancellation")]
    if len(effects) > len(executions):
        yield Problem(Kind.DOUBLE, f"{len(effects)} effects of {len(executions)} confirmations")
    yield from judge(home)


# The bugs that this has to catch.


@contextmanager
def _forgotten_after_an_hour() -> Iterator[None]:
    """What was answered is kept for an hour, and then asked for anew."""
    forgetting = Acts.forget_old

    def wrong(acts: Acts, *, now: Any) -> Any:
        return forgetting(acts, now=now + KEPT * 0.999)

    with patch.object(Acts, "forget_old", wrong):
        yield


@contextmanager
def _the_same_yes_begins_again() -> Iterator[None]:
    """A yes that comes once more, under a new key, begins its execution again, as one that the vendor has never heard of."""
    before, commit = confirm._confirmed_before, Purchase.commit

    def wrong(books: Any, *asked: Any) -> Any:
        found = before(books, *asked)
        return begun_again(books, found) if isinstance(found, Execution) else found

    def unheard_of(verb: Any, terms: Any, fresh: Any, *, key: str, context: Any) -> Any:
        return commit(verb, terms, fresh, key=f"halo-{secrets.token_hex(13)}", context=context)

    with patch.object(confirm, "_confirmed_before", wrong), patch.object(Purchase, "commit", unheard_of):
        yield


BUGS = (
    Bug("answers-are-kept-for-an-hour", _forgotten_after_an_hour.__doc__ or "", _forgotten_after_an_hour, "C-07-http", 3),
    Bug("the-same-yes-begins-again", _the_same_yes_begins_again.__doc__ or "", _the_same_yes_begins_again, "C-07-http", 3),
)

ROWS = (
    Row(
        id="C-07-http",
        title="what phones send comes twice, out of order, at once, a day and a month late",
        ci=6,
        points=_points,
        attempt=_attempt,
    ),
)
