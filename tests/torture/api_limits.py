"""A-05: what may be spent in a day, and how often one may ask, while two phones of one member, another member's and two servers try at once.

`spend-…` confirms more than the limits of a day allow, in two processes at the same moment; by the vendors' ledger neither a member nor the household
gets over its own, and nobody is refused what would have fitted. `ask-…` asks more often than one may: a pure bucket says what is answered, and
whoever is told to wait finds that nothing was done, and that the same request goes through after so many seconds.
"""

from __future__ import annotations

import functools
import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from halo_engine.clock import FakeClock
from halo_engine.model.errors import NotAuthorised
from halo_engine.queries import ExecutionDetail
from halo_engine.store.approvals import Approvals
from server.rates import Rates
from tests.installation import NOON, Installation
from tests.torture import postgres
from tests.torture.api import OFTEN, Answer, Served, bearing, served
from tests.torture.api_families import rows_of
from tests.torture.api_phones import code_of, encoded, post, with_phones
from tests.torture.crowd import Meet, together
from tests.torture.harness import Bug, Kind, Problem, Row, judge
from tests.torture.jobs import kept_place

#: So many packs each: the drafts of one home, all of another amount than the next.
_PACKS = (1, 2, 3, 1, 2, 3, 1, 2)
_SERVERS = 2


def _points(random: Random) -> Iterator[str]:
    """What is spent, mostly: every sixth time on PostgreSQL, every third how often one asks."""
    other = "sqlite" if postgres.missing() else "postgres"
    while True:
        for how in ("spend-sqlite", "ask", "spend-sqlite", "spend-sqlite", "ask", f"spend-{other}"):
            yield f"{how}-{random.randrange(10**6)}"


def _attempt(point: str, place: Path) -> Iterator[Problem]:
    *how, number = point.split("-")
    yield from _spending(how[1], Random(number), place) if how[0] == "spend" else _asking(Random(number), place)


# What may be spent.


@dataclass(frozen=True)
class _Field:
    """A home with open drafts, two phones of Alex's and one of Sam's, closed, to be copied."""

    home: Path
    url: str | None
    #: Id, hash, and the most it may cost.
    drafts: tuple[tuple[str, str, int], ...]
    tokens: tuple[str, ...]


@functools.cache
def _field(books: str) -> _Field:
    """Made once a process."""
    home = kept_place("halo-limits-") / "home"
    url = postgres.fresh_database() if books == "postgres" else None
    made = Installation.open(home, clock=FakeClock(NOON), **_at(url))
    cards = [made.ask(f"order {packs} packs of AA batteries") for packs in _PACKS]
    tokens = [made.engine.devices.add("Phone", by=who).token.get_secret_value() for who in ("Alex", "Alex", "Sam")]
    with made.queries() as queries:
        most = [queries.draft(str(card.draft_id)).terms.maximum.cents for card in cards]
    made.engine.close()
    drafts = [(str(card.draft_id), str(card.draft_hash), cents) for card, cents in zip(cards, most, strict=True)]
    return _Field(home, url, tuple(drafts), tuple(tokens))


def _at(url: str | None) -> dict[str, str]:
    return OFTEN | ({"database_url": url} if url else {})


def _spending(books: str, random: Random, place: Path) -> Iterator[Problem]:
    field = _field(books)
    shutil.copytree(field.home, place / "home")
    url = postgres.fresh_database(like=field.url) if field.url else None
    most = [cents for _, _, cents in field.drafts]
    # Exactly what some of them cost, or a cent beside it.
    a_day, everybodys = (sum(random.sample(most, random.randint(2, 6))) + random.choice((-1, 0, 0, 1)) for _ in range(2))
    limits = {"daily_spending_limit_cents": str(a_day), "household_daily_spending_limit_cents": str(everybodys)}
    settings = _at(url) | limits
    asked = [(draft, phone) for draft in range(len(most)) for phone in random.sample(range(3), random.choice((1, 1, 2)))]
    random.shuffle(asked)
    works = [partial(_confirmed_at_once, place / "home", settings, field, asked[n::_SERVERS], n) for n in range(_SERVERS)]
    told = [each for server in together(works) for each in server]
    there = Installation.reopen(place / "home", clock=FakeClock(NOON, seed=99), **settings)
    yield from _within(there, field, told, {"Alex": a_day, "Sam": a_day}, everybodys)
    yield from _on_the_next_day(there, min(a_day, everybodys))
    # The last one was not carried out: it is not stuck.
    yield from (problem for problem in judge(there) if problem.kind is not Kind.STUCK)
    there.engine.close()
    if url:
        postgres.drop_database(url)


def _confirmed_at_once(
    home: Path, settings: Mapping[str, str], field: _Field, asked: Sequence[tuple[int, int]], number: int, meet: Meet
) -> list[Any]:
    """One of the servers: everything that it is asked comes at the same moment."""
    mine = Installation.reopen(home, clock=FakeClock(NOON, seed=200 + number), **settings)
    with served(mine) as there:
        calls = []
        for draft, phone in asked:
            draft_id, draft_hash, _ = field.drafts[draft]
            headers = bearing(field.tokens[phone], idempotency_key=f"limits-{draft}-{phone}")
            calls.append(("POST", "/v1/draft/confirm", headers, encoded({"draft_id": draft_id, "draft_hash": draft_hash})))
        meet()
        answers = there.together(calls)
    return [[draft, phone, answer.status, code_of(answer)] for (draft, phone), answer in zip(asked, answers, strict=True)]


def _within(
    there: Installation, field: _Field, told: Sequence[Sequence[Any]], a_day: Mapping[str, int], everybodys: int
) -> Iterator[Problem]:
    """By the books what may be spent, by the ledger what was; and that every refusal was for a reason."""
    with there.queries() as queries:
        started = [one.id for one in queries.executions(limit=1000)]
    for execution_id in started:
        there.engine.execute(execution_id, wait_s=600)
    with there.queries() as queries:
        details = [queries.execution(execution_id) for execution_id in started]
    most = {who: sum(each.draft.terms.maximum.cents for each in details if each.confirmed_by == who) for who in a_day}
    charged = _charged(there, details)
    for who, limit in a_day.items():
        if most[who] > limit or charged.get(who, 0) > limit:
            yield Problem(Kind.DOUBLE, f"{who} may spend {limit} a day, confirmed {most[who]} and was charged {charged.get(who)}")
    if sum(most.values()) > everybodys or sum(charged.values()) > everybodys:
        yield Problem(Kind.DOUBLE, f"the household may spend {everybodys} a day, confirmed {most} and was charged {charged}")
    whose = {each.draft.id: each.confirmed_by for each in details}
    for draft, phone, status, code in told:
        who, cents = ("Alex", "Alex", "Sam")[phone], field.drafts[draft][2]
        fits = most[who] + cents <= a_day[who] and sum(most.values()) + cents <= everybodys
        is_anothers = whose.get(field.drafts[draft][0], who) != who
        if (status, code) not in ((200, "ok"), (403, "not_authorised"), *([(409, "already_confirmed")] if is_anothers else [])):
            yield Problem(Kind.WRONG, f"a yes was answered with {status} {code}")
        elif status == 403 and fits:
            yield Problem(Kind.WRONG, f"{cents} was refused to {who}, which fits beside {most}")


def _charged(there: Installation, details: Sequence[ExecutionDetail]) -> dict[str, int]:
    by_reference = {each.execution.vendor_reference: each.confirmed_by for each in details}
    charged: dict[str, int] = {}
    for entry in there.ledger():
        who = by_reference.get(entry.reference, "nobody")
        charged[who] = charged.get(who, 0) + entry.charged.cents
    return charged


def _on_the_next_day(there: Installation, limit: int) -> Iterator[Problem]:
    """What was spent counts for 24 hours, and no longer."""
    there.later(hours=24, minutes=30)
    card = there.ask("order 1 pack of AA batteries", member="Alex")
    with there.queries() as queries:
        cents = queries.draft(str(card.draft_id)).terms.maximum.cents
    if cents > limit:
        return
    try:
        there.confirm(card, member="Alex")
    except NotAuthorised as error:
        yield Problem(Kind.WRONG, f"what was spent 24 hours ago is still in the way: {error.message}")


# How often one may ask.


@dataclass
class _Bucket:
    """A pure one."""

    per_s: float
    burst: int
    left: float
    at: float = 0.0

    def wait_s(self, now: float) -> int:
        """0 where a call is let through, which is counted; else in how many seconds there is room again."""
        self.left, self.at = min(self.burst, self.left + (now - self.at) * self.per_s), now
        if self.left < 1:
            return math.ceil((1 - self.left) / self.per_s)
        self.left -= 1
        return 0


def _asking(random: Random, place: Path) -> Iterator[Problem]:
    per_s, burst, codes = random.choice((1, 2, 3)), random.randint(2, 4), random.randint(2, 4)
    limits = {"calls_per_s": str(per_s), "calls_burst": str(burst), "enrolments_per_minute": str(codes)}
    home, tokens = with_phones(place, **limits)
    buckets = {who: _Bucket(per_s, burst, burst) for who in (*tokens, "a stranger")} | {"a code": _Bucket(codes / 60, codes, codes)}
    with served(home) as there:
        for number in range(30):
            home.later(seconds=random.choice((0, 0, 0, 0, 0.25, 1, 3)))
            who = random.choice(sorted(buckets))
            before = _rows(home)
            answer = _asked(there, who, tokens, f"asked-now-{number}")
            wait_s = buckets[who].wait_s(home.clock.monotonic())
            yield from _told_to_wait(who, answer, wait_s, is_unchanged=_rows(home) == before)
            if wait_s and random.random() < 0.4:
                home.later(seconds=wait_s)
                buckets[who].wait_s(home.clock.monotonic())
                again = _asked(there, who, tokens, f"asked-now-{number}")
                if again.status != _LET_THROUGH.get(who, 200) or again.headers.get("idempotent-replayed"):
                    yield Problem(Kind.WRONG, f"{who} waited {wait_s} s as told, and is answered with {again.status}")
        yield from judge(home)


#: How a call that is not too many is answered: nobody here has a token or a code that is any good, but the members.
_LET_THROUGH = {"a stranger": 401, "a code": 403}


def _asked(there: Served, who: str, tokens: Mapping[str, str], key: str) -> Answer:
    match who:
        case "a stranger":
            return there.call("GET", "/v1/household", bearing("halo_nobody"))
        case "a code":
            return there.call("POST", "/v1/devices/enrol", (), encoded({"code": "0000-0000-0000-0000", "name": "Phone"}))
        case _:
            return post(there, tokens[who], "/v1/draft/create", {"text": "book a table at Nopa"}, key=key)


def _rows(home: Installation) -> dict[str, list[str]]:
    return rows_of(home.engine, str(home.engine.household_id))


def _told_to_wait(who: str, answer: Answer, wait_s: int, *, is_unchanged: bool) -> Iterator[Problem]:
    let_through = _LET_THROUGH.get(who, 200)
    if answer.status != (429 if wait_s else let_through):
        yield Problem(Kind.WRONG, f"{who} has {wait_s} s to wait, and is answered with {answer.status}")
    elif wait_s:
        fields = [answer.headers.get(name) for name in ("retry-after", "ratelimit")]
        if fields[0] != str(wait_s) or f"t={wait_s}" not in str(fields[1]) or code_of(answer) != "rate_limited":
            yield Problem(Kind.WRONG, f"{who} has {wait_s} s to wait, and is told {fields}")
        if not is_unchanged:
            yield Problem(Kind.DOUBLE, f"{who} was told to wait, and something was written")


# The bugs that this has to catch.


@contextmanager
def _spent_is_remembered() -> Iterator[None]:
    """What was spent is read once, and remembered: not in the transaction of each yes."""
    reading, seen = Approvals.spent, {}

    def wrong(approvals: Approvals, household_id: str, *, now: Any) -> Any:
        if (household_id, now) not in seen:
            seen[household_id, now] = reading(approvals, household_id, now=now)
        return seen[household_id, now]

    with patch.object(Approvals, "spent", wrong):
        yield


@contextmanager
def _devices_ask_as_often_as_they_like() -> Iterator[None]:
    """Only strangers are counted."""
    with patch.object(Rates, "device", lambda *_: None):
        yield


BUGS = (
    Bug(
        "what-was-spent-is-remembered",
        _spent_is_remembered.__doc__ or "",
        _spent_is_remembered,
        "A-05",
        ("spend-sqlite-1", "spend-sqlite-2"),
    ),
    Bug(
        "devices-are-not-counted", _devices_ask_as_often_as_they_like.__doc__ or "", _devices_ask_as_often_as_they_like, "A-05", ("ask-1",)
    ),
)

ROWS = (Row(id="A-05", title="more than may be spent in a day, and more often than one may ask", ci=8, points=_points, attempt=_attempt),)
