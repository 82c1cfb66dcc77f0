"""C-01 and C-02: a yes said by many at once, and a yes beside a no, a change and the end of its time, in every order.

There is no confirming over HTTP yet (that comes with the devices): the processes here call the door that it will call. The judge
looks in the books and in the vendors' ledger: one confirmation, one execution, one effect.
"""

from __future__ import annotations

import functools
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import cycle, permutations, product
from pathlib import Path
from random import Random
from typing import Any

from halo_engine.clock import FakeClock
from halo_engine.model.card import Card
from halo_engine.model.execution import Execution
from tests.installation import NOON, Installation
from tests.torture import postgres
from tests.torture.crowd import Meet, together
from tests.torture.harness import Kind, Problem, Row, judge, sample
from tests.torture.jobs import JOBS, drafted
from tests.torture.model import PureDraft, told

_BATTERIES = JOBS["order"]
#: A draft lives this long where nobody has set anything else.
_LIVES = timedelta(seconds=1800)


# Homes with many drafts, for many races in one round.

#: Drafts in one home: so many races are run by one crowd.
RACES = 20


@dataclass(frozen=True)
class _Field:
    """A home with `RACES` open drafts, closed, to be copied. `first` are the hashes before each draft was changed once, where it was."""

    home: Path
    #: The address of its books, None for SQLite in the home.
    url: str | None
    cards: tuple[Card, ...]
    first: tuple[str, ...]

    def copy(self, place: Path) -> tuple[Path, str | None]:
        """The same again: the home, and the address of its books."""
        shutil.copytree(self.home, place / "home")
        return place / "home", postgres.fresh_database(like=self.url) if self.url else None


@functools.cache
def _field(books: str) -> _Field:
    """Made once a process. Every second draft was changed, and stands in its second revision."""
    home = Path(tempfile.mkdtemp(prefix="halo-field-")) / "home"
    url = postgres.fresh_database() if books == "postgres" else None
    made = Installation.open(home, **_at(url))
    cards = [made.ask(_BATTERIES) for _ in range(RACES)]
    first = tuple(str(card.draft_hash) for card in cards)
    for number in range(0, RACES, 2):
        cards[number] = made.engine.modify(str(cards[number].draft_id), "make it 3", member=None)
    made.engine.close()
    return _Field(home, url, tuple(cards), first)


def _at(url: str | None) -> dict[str, Any]:
    return {"database_url": url} if url else {}


def _books(random: Random) -> Iterator[str]:
    """Kinds of books, in turn, where there are both."""
    yield from cycle(["sqlite"] if postgres.missing() else sample(random, ["sqlite", "postgres"]))


def _open(home: Path, url: str | None, *, seed: int, now: datetime = NOON) -> Installation:
    """As one of several processes. A seed of its own: two clocks with one seed make the same identifiers."""
    return Installation.reopen(home, clock=FakeClock(now, seed=seed), **_at(url))


# C-01


def _rounds(random: Random) -> Iterator[str]:
    for books in _books(random):
        yield f"{books}-{random.randrange(10**6)}"


def _two_members_at_once(point: str, place: Path) -> Iterator[Problem]:
    """Eight processes, four of each member; of each race some say yes to the terms that stand and some to the ones before."""
    books, number = point.split("-")
    field = _field(books)
    home, url = field.copy(place)
    random = Random(number)
    # In the first race everybody says yes to terms that are no more: whoever comes first, it must be to nothing.
    hashes = [[_presented(field, race, stale=race == 0 or random.random() < 0.2) for _ in range(8)] for race in range(RACES)]
    told_by = together([partial(_confirm_all, home, url, field, [race[n] for race in hashes], n) for n in range(8)])
    yield from _one_execution_each(home, url, field, hashes, told_by)
    if url:
        postgres.drop_database(url)


def _presented(field: _Field, race: int, *, stale: bool) -> str:
    return field.first[race] if stale else str(field.cards[race].draft_hash)


def _confirm_all(home: Path, url: str | None, field: _Field, hashes: Sequence[str], number: int, meet: Meet) -> list[list[str]]:
    """In one of the eight processes: every race, begun at the same moment as the others'."""
    mine = _open(home, url, seed=100 + number)
    member = ("Alex", "Sam")[number % 2]
    said = []
    for card, draft_hash in zip(field.cards, hashes, strict=True):
        meet()
        code, got = told(lambda: mine.engine.confirm(str(card.draft_id), draft_hash=draft_hash, member=member))  # noqa: B023 - run at once
        said.append([code, got.id if isinstance(got, Execution) else ""])
    mine.engine.close()
    return said


def _one_execution_each(
    home: Path, url: str | None, field: _Field, hashes: Sequence[Sequence[str]], told_by: Sequence[Any]
) -> Iterator[Problem]:
    there = _open(home, url, seed=99)
    for race, card in enumerate(field.cards):
        right = {said[race][1] for n, said in enumerate(told_by) if hashes[race][n] == card.draft_hash}
        wrong = {said[race][0] for n, said in enumerate(told_by) if hashes[race][n] != card.draft_hash}
        if len(right) > 1 or "" in right:
            yield Problem(Kind.DOUBLE, f"the yes to draft {race} was answered with {sorted(right)}")
        if not wrong <= {"terms_changed", "already_confirmed"}:
            yield Problem(Kind.WRONG, f"the yes to what had been replaced was answered with {sorted(wrong)}")
        for execution_id in right - {""} if race % 5 == 0 else ():
            there.engine.execute(execution_id, wait_s=600)
    yield from _judged(there)


# C-02: confirm, cancel, modify and the expiry, in every order

_OFFSETS_MS = (-1000, -1, 0, 1, 1000)
_ACTIONS = ("confirm", "cancel", "modify", "expiry")


def _orders(random: Random) -> Iterator[str]:
    """Every order with every offset: first those with the hash that was on the card, and with the one that stands; then at once, for ever."""
    one_by_one = [
        f"{'.'.join(order)}.{offset:+}.{which}"
        for order, offset, which in product(permutations(_ACTIONS), _OFFSETS_MS, ("shown", "stands"))
    ]
    yield from sample(random, [*one_by_one, *(f"at-once-{next(_books(random))}-{random.randrange(10**6)}" for _ in range(10))])
    for books in _books(random):
        yield f"at-once-{books}-{random.randrange(10**6)}"


def _in_order(point: str, place: Path) -> Iterator[Problem]:
    if point.startswith("at-once"):
        yield from _in_no_order(point, place)
        return
    *order, offset, which = point.split(".")
    base = drafted("order")
    home = base.copy(place)
    draft_id, shown = str(base.card.draft_id), str(base.card.draft_hash)
    pure = PureDraft(NOON + _LIVES, [shown])
    for action in order:
        expected, code = _act(home, pure, draft_id, shown, action, timedelta(milliseconds=int(offset)), which)
        if code != expected:
            yield Problem(Kind.WRONG, f"{action} was answered with {code} instead of {expected}")
    yield from _stands(home, pure, draft_id)
    home.engine.close()


def _act(home: Installation, pure: PureDraft, draft_id: str, shown: str, action: str, offset: timedelta, which: str) -> tuple[str, str]:
    """What the model says to `action`, and what the door says."""
    now = home.clock.now()
    if action == "expiry":
        # Whatever revision stands then: its own expiry.
        home.clock.advance(pure.expires_at + offset - now)
        return "", ""
    if action == "cancel":
        return pure.cancel(), told(lambda: home.engine.cancel(draft_id, member="Sam"))[0]
    if action == "confirm":
        presented = shown if which == "shown" else pure.hashes[-1]
        code, _ = told(lambda: home.engine.confirm(draft_id, draft_hash=presented, member="Alex"))
        return pure.confirm(presented, grown=True, now=now), code
    code, card = told(lambda: home.engine.modify(draft_id, "make it 3", member="Sam"))
    if code == "ok":
        with home.queries() as queries:
            pure.revised(str(card.draft_hash), queries.draft(draft_id).expires_at)
        return "ok", "ok"
    return pure.modify(now=now), code


def _stands(home: Installation, pure: PureDraft, draft_id: str) -> Iterator[Problem]:
    """The draft and its execution are what the model says, and what was confirmed is done, once."""
    with home.queries() as queries:
        found = queries.draft(draft_id)
        executions = [line.id for line in queries.activity(limit=99) if line.kind == "execution"]
    if (found.draft_hash, len(executions)) != (pure.hashes[-1], int(pure.confirmed_hash is not None)):
        yield Problem(Kind.WRONG, f"the draft is revision {found.revision} with {len(executions)} executions, and the model says otherwise")
    for execution_id in executions:
        home.engine.execute(execution_id, wait_s=600)
    yield from judge(home)


def _in_no_order(point: str, place: Path) -> Iterator[Problem]:
    """Two who confirm, two who cancel and one who changes it, at once, and each with a clock of their own about the expiry."""
    *_, books, number = point.split("-")
    field = _field(books)
    home, url = field.copy(place)
    random = Random(number)
    who = ("confirm", "confirm", "cancel", "cancel", "modify")
    offsets = [[random.choice((-60_000, -60_000, *_OFFSETS_MS)) for _ in range(RACES)] for _ in who]
    told_by = together([partial(_act_on_all, home, url, field, action, offsets[n], n) for n, action in enumerate(who)])
    there = _open(home, url, seed=99)
    for race in range(RACES):
        yield from _agree(there, field, race, list(zip(who, (said[race] for said in told_by), strict=True)))
    yield from _judged(there)
    if url:
        postgres.drop_database(url)


def _judged(there: Installation) -> Iterator[Problem]:
    """A few were carried out and the rest were not, to be quick: those are not stuck."""
    yield from (problem for problem in judge(there) if problem.kind is not Kind.STUCK)
    there.engine.close()


def _act_on_all(home: Path, url: str | None, field: _Field, action: str, offsets_ms: Sequence[int], number: int, meet: Meet) -> list[str]:
    mine = _open(home, url, seed=100 + number)
    said = []
    for card, offset_ms in zip(field.cards, offsets_ms, strict=True):
        mine.clock.advance(NOON + _LIVES + timedelta(milliseconds=offset_ms) - mine.clock.now())
        meet()
        said.append(_told_of(mine, str(card.draft_id), str(card.draft_hash), action))
    mine.engine.close()
    return said


def _told_of(mine: Installation, draft_id: str, draft_hash: str, action: str) -> str:
    calls: dict[str, Callable[[], Any]] = {
        "confirm": lambda: mine.engine.confirm(draft_id, draft_hash=draft_hash, member="Alex"),
        "cancel": lambda: mine.engine.cancel(draft_id, member="Sam"),
        "modify": lambda: mine.engine.modify(draft_id, "make it 4", member="Sam"),
    }
    return told(calls[action])[0]


_OVER = {"draft_expired", "already_confirmed", "already_cancelled"}
_MAY_SAY = {
    "confirm": {"ok", "terms_changed", *_OVER},
    "cancel": {"ok", "already_confirmed", "conflict"},
    "modify": {"ok", "conflict", "terms_changed", *_OVER},
}


def _agree(there: Installation, field: _Field, race: int, said: Sequence[tuple[str, str]]) -> Iterator[Problem]:
    """What they were told can all be true, and is what stands."""
    words = ", ".join(f"{action}: {code}" for action, code in said)
    done = Counter(action for action, code in said if code == "ok")
    with there.queries() as queries:
        draft = queries.draft(str(field.cards[race].draft_id))
    if any(code not in _MAY_SAY[action] for action, code in said):
        yield Problem(Kind.WRONG, f"no clear answer: {words}")
    if done["confirm"] and done["cancel"]:
        yield Problem(Kind.DOUBLE, f"confirmed and cancelled: {words}")
    if done["confirm"] and draft.draft_hash != field.cards[race].draft_hash:
        yield Problem(Kind.DOUBLE, f"other terms were confirmed than were shown: {words}")
    stands = "confirmed" if done["confirm"] else "cancelled" if done["cancel"] else "open"
    if draft.status.value not in {stands, "expired" if stands == "open" else stands}:
        yield Problem(Kind.WRONG, f"{draft.status.value} after {words}")
    if done["confirm"] and race % 5 == 0:
        execution = there.engine.confirm(draft.id, draft_hash=draft.draft_hash, member="Sam")
        there.engine.execute(execution.id, wait_s=600)


ROWS = (
    Row(
        id="C-01",
        title="two members confirm one draft at once, in eight processes",
        ci=8,
        points=_rounds,
        attempt=_two_members_at_once,
    ),
    Row(
        id="C-02",
        title="confirm, cancel, modify and expiry in every order, and at once",
        ci=250,
        points=_orders,
        attempt=_in_order,
    ),
)
