"""Every kind of trip a household makes with Halo, lived once by the real engine: what `big_home` makes years of.

A trip is words, what came of them, and the rows all that left in the books. Each is lived in a home of its own, in which nothing else happens.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from halo_engine.clock import FakeClock
from halo_engine.model.card import Card
from halo_engine.model.errors import HaloError
from halo_engine.model.event import leaf_time
from halo_engine.model.money import Money
from halo_engine.model.settlement import Finding, Settlement
from halo_engine.store import sqlite
from halo_engine.vendors import zinc
from halo_engine.vendors.zinc_wire import order_body
from halo_sim.faults import clear_faults
from tests.installation import NOON, Installation

#: Above this two people have to say yes. One trip is dear enough; the rules are the same from the first day to the last.
TWO_PEOPLE_ABOVE = Money(cents=9_900)

#: A row as the database has it, by column.
Row = dict[str, Any]
#: What a trip left, by table.
Rows = Mapping[str, list[Row]]

_ORDERS = (
    *("order 2 packs of AA batteries", "order two packs of paper towels", "order dish soap", "order bananas"),
    *("order oat milk", "order dog food", "order toilet paper", "order greek yogurt"),
)
_TABLES = (
    "book a table for two at Nopa tomorrow at 7:30pm",
    "book a table for two at Hearth & Vine tomorrow at 7:30pm",
    "book a haircut at Shear Joy on friday at 3pm",
    "book a vet check-up at Pawprint Veterinary on friday at 10am",
)
_SUBSCRIPTIONS = ("cancel streamly", "cancel the gym", "cancel cineloft", "cancel lingopath")
_ADULTS = ("Alex", "Sam")


class BusyClock(FakeClock):
    """A clock on which everything takes a few milliseconds: each look at it is later than the one before."""

    def __init__(self, seed: int) -> None:
        super().__init__(NOON, seed=seed)
        self._pace = Random(seed)

    def now(self) -> Any:
        self.advance(timedelta(milliseconds=self._pace.randint(1, 9)))
        return super().now()


@dataclass(frozen=True)
class At:
    """Where a trip is lived, and its chance."""

    home: Installation
    chance: Random

    def says(self, *words: str, member: str | None = None) -> Card:
        """Somebody says one of `words`, and looks at the card for a while."""
        card = self.home.ask(self.chance.choice(words), member=member or self.chance.choice((*_ADULTS, "Kim")))
        return self.looks(card)

    def looks(self, card: Card) -> Card:
        """The card is read before anything is said to it."""
        self.home.later(milliseconds=round(self.chance.lognormvariate(9.5, 1)))
        return card

    def yes(self, card: Card, *, member: str | None = None, wait_s: float = 4000) -> str:
        """A member who may confirms it, and it is seen through; how it ended."""
        return self.home.carry_out(card, member=member or self.chance.choice(_ADULTS), wait_s=wait_s).status.value


def _order(at: At) -> None:
    at.yes(at.says(*_ORDERS))


def _reorder(at: At) -> None:
    at.yes(at.says("reorder the weekly groceries", "reorder the dog supplies"))


def _cancel(at: At) -> None:
    at.yes(at.says(*_SUBSCRIPTIONS))


def _book(at: At) -> None:
    at.yes(at.says(*_TABLES))


def _answer(at: At) -> None:
    asked = at.says("cancel my subscription", "order 3 tea", "book a dental cleaning thursday at 10am", member="Sam")
    at.yes(at.looks(at.home.ask("1", member="Sam", answers=asked.request_id)))


def _question_left_open(at: At) -> None:
    at.says("cancel my subscription", "book a table at Nopa tomorrow at 7:30pm")


def _modify(at: At) -> None:
    card = at.says("order 2 packs of AA batteries", member="Sam")
    at.yes(at.looks(at.home.engine.modify(str(card.draft_id), at.chance.choice(("make it 3", "make it one")), member="Sam")))


def _thought_better_of(at: At) -> None:
    at.home.engine.cancel(str(at.says(*_ORDERS, *_TABLES).draft_id), member="Sam")


def _let_expire(at: At) -> None:
    at.says(*_ORDERS, *_TABLES)


def _came_late(at: At) -> None:
    """The yes comes after the time was over, and what was meant is asked for anew."""
    card = at.says(*_ORDERS)
    at.home.later(hours=2)
    with suppress(HaloError):
        at.home.confirm(card, member="Sam")
    at.yes(at.looks(at.home.engine.retry(str(card.draft_id), member="Sam")))


def _refused(at: At) -> None:
    """A child's yes is not enough; an adult's is."""
    card = at.says(*_ORDERS, member="Kim")
    with suppress(HaloError):
        at.home.confirm(card, member="Kim")
    at.yes(at.looks(card))


def _not_supported(at: At) -> None:
    at.says("write a poem", "what is the weather like")


def _tried_again(at: At) -> None:
    card = at.says(*_ORDERS)
    at.home.fault("unavailable", times=at.chance.randint(4, 12))
    at.yes(card)


def _failed(at: At) -> None:
    card = at.says(*_ORDERS)
    at.home.fault("unavailable", times=999)
    at.yes(card)


def _prices_moved(at: At) -> None:
    card = at.says(*_ORDERS)
    at.home.fault("price_up", amount=at.chance.randint(5, 150))
    stopped = at.home.carry_out(card, member="Sam")
    at.yes(at.looks(at.home.engine.retry(stopped.id, member="Sam")))


def _answer_lost(at: At) -> None:
    card = at.says(*_ORDERS, *_TABLES[:2])
    at.home.fault("lose_answer")
    at.yes(card)


def _never_arrived(at: At) -> None:
    card = at.says(*_ORDERS)
    at.home.fault("drop_before")
    at.yes(card)


def _needs_somebody(at: At) -> None:
    """A vendor that knows no repeats has no record of it: a person has to look."""
    card = at.says(*_TABLES[:2])
    at.home.fault("drop_before")
    at.yes(card)


def _settled(at: At) -> None:
    """The person has looked: it did not happen."""
    _needs_somebody(at)
    at.home.later(hours=3)
    with at.home.queries() as queries:
        (execution,) = queries.executions(limit=1)
    at.home.engine.settle(execution.id, Settlement(outcome=Finding.DID_NOT_HAPPEN), member="Sam")


def _dear(at: At) -> None:
    card = at.says("order 5 packs of AA batteries", member="Sam")
    with suppress(HaloError):
        at.home.confirm(card, member="Sam")
    at.yes(at.looks(card), member="Alex")


def _through_zinc(at: At) -> None:
    at.yes(at.says(*_ORDERS))


def _in_part(at: At) -> None:
    """As an account that buys what it can: Halo itself never wishes for that."""
    with patch.object(zinc, "order_body", lambda basket: {**order_body(basket), "fulfillment": {"items": "best_effort"}}):
        execution = at.home.confirm(at.says("reorder the weekly groceries"), member="Sam")
        at.home.engine.execute(execution.id, wait_s=1)
        at.home.fault("out_of_stock", target="B0EZRHW47C")
        at.home.engine.execute(execution.id, wait_s=4000)


def _usual(at: At) -> None:
    name = at.chance.choice(("breakfast", "game night"))
    at.home.engine.save_usual(name, "order 2 packs of AA batteries", member="Sam")
    at.home.later(hours=5)
    at.home.engine.remove_usual(name, member="Sam")


def _device(at: At) -> None:
    added = at.home.engine.devices.add(at.chance.choice(("kitchen tablet", "old phone")), by="Alex")
    at.home.later(hours=9)
    at.home.engine.devices.revoke(added.device.id, by="Alex")


@dataclass(frozen=True)
class Kind:
    """One kind of trip: how often of a thousand, in how many ways it is lived, and at which merchant's."""

    name: str
    weight: int
    live: Callable[[At], None]
    ways: int = 2
    merchant: str = "amazon"


KINDS = (
    Kind("order", 250, _order, 4),
    Kind("reorder", 170, _reorder),
    Kind("book", 120, _book, 4),
    Kind("cancel", 30, _cancel, 3),
    Kind("answer", 60, _answer, 3),
    Kind("question_left_open", 20, _question_left_open),
    Kind("modify", 60, _modify),
    Kind("thought_better_of", 50, _thought_better_of),
    Kind("let_expire", 50, _let_expire),
    Kind("came_late", 15, _came_late),
    Kind("refused", 20, _refused),
    Kind("not_supported", 20, _not_supported, 1),
    Kind("tried_again", 30, _tried_again, 3),
    Kind("failed", 8, _failed, 1),
    Kind("prices_moved", 25, _prices_moved),
    Kind("answer_lost", 12, _answer_lost),
    Kind("never_arrived", 6, _never_arrived, 1),
    Kind("needs_somebody", 1, _needs_somebody, 1),
    Kind("settled", 3, _settled, 1),
    Kind("dear", 20, _dear),
    Kind("through_zinc", 25, _through_zinc, 2, "zinc"),
    Kind("in_part", 3, _in_part, 1, "zinc"),
    Kind("usual", 2, _usual, 1),
    Kind("device", 2, _device, 1),
)


@dataclass(frozen=True)
class Trip:
    """One trip that was lived: its kind, who the people were and the household, by id, and what it left."""

    kind: Kind
    household: str
    #: Ids by name.
    people: Mapping[str, str]
    rows: Rows


def lived(folder: Path, *, seed: int) -> Iterator[Trip]:
    """Every kind in each of its ways, in homes that are made in `folder`."""
    for merchant in ("amazon", "zinc"):
        founded(Installation.open(folder / merchant, clock=FakeClock(NOON, seed=seed), merchant=merchant))
    for number, (kind, way) in enumerate((each, way) for each in KINDS for way in range(each.ways)):
        with _home(folder / kind.merchant, folder / f"{kind.name}-{way}", seed=seed * 1000 + number) as home:
            before = {table: len(rows) for table, rows in _everything(home).items()}
            kind.live(At(home, Random(f"{seed} {kind.name} {way}")))
            clear_faults(home.world)
            rows = {table: rows[before[table] :] for table, rows in _everything(home).items()}
            _take_time(rows["vendor_exchange"], Random(number))
            with home.queries() as queries:
                people = {member.display_name: member.id for member in queries.members()}
                yield Trip(kind, queries.household().id, people, rows)


def founded(home: Installation) -> None:
    """Give a new home the rules that hold for all its years, and let go of it."""
    home.engine.membership.change_rules(lambda rules: rules.with_two_people_above(TWO_PEOPLE_ABOVE), by=None)
    home.engine.close()


@contextmanager
def _home(of: Path, place: Path, *, seed: int) -> Iterator[Installation]:
    shutil.copytree(of, place)
    home = Installation.reopen(place, clock=BusyClock(seed))
    try:
        yield home
    finally:
        home.engine.close()


def _everything(home: Installation) -> dict[str, list[Row]]:
    """Every row that says what happened, in the order it was written."""
    connection = sqlite.connect_read_only(home.settings.database_file)
    try:
        return {table: [dict(row) for row in connection.execute(f'SELECT * FROM "{table}" ORDER BY rowid')] for table in TABLES}
    finally:
        connection.close()


def _take_time(exchanges: list[Row], chance: Random) -> None:
    """How long calls took is measured by this machine's clock: another time each time. From here on it is as long as calls to a vendor take."""
    for row in exchanges:
        ended = datetime.fromisoformat(row["at"]) + timedelta(milliseconds=row["took_ms"])
        row["took_ms"] = round(chance.lognormvariate(5, 0.7))
        row["at"] = leaf_time(ended - timedelta(milliseconds=row["took_ms"]))


#: In the order in which their rows refer to each other.
TABLES = (
    *("execution_request", "draft", "draft_revision", "draft_approval", "confirmation", "execution", "execution_attempt"),
    *("receipt_artifact", "vendor_exchange", "usual_bundle", "device", "event_log", "event_opening"),
)
