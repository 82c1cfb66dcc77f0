"""A few days of one household, small enough to be counted by hand: what the figures must say is written in the tests beside it."""

from __future__ import annotations

from pathlib import Path

from halo_engine.clock import FakeClock
from halo_engine.metrics import Metrics
from halo_sim.faults import clear_faults
from tests.installation import Installation

BATTERIES = "B035L4KKAX"
ORDER = "order 2 packs of AA batteries"
TABLE = "book a table for two at Nopa tomorrow at 7:30pm"


def lived(home: Path, *, clock: FakeClock, **settings: str) -> Installation:
    """Ten requests on two days."""
    house = Installation.open(home, clock=clock, **settings)
    _first_day(house)
    house.later(days=1)
    _second_day(house)
    return house


def _first_day(house: Installation) -> None:
    """3 March: (1) batteries, (2) a cancellation by Sam, (3) a table after one question, (4) a draft that nobody wants."""
    card = house.ask(ORDER)
    house.later(seconds=20)
    house.carry_out(card)
    card = house.ask("cancel streamly", member="Sam")
    house.later(seconds=40)
    house.carry_out(card, member="Sam")
    question = house.ask("book a table at Nopa tomorrow at 7:30pm")
    card = house.ask("2", answers=question.request_id)
    house.later(seconds=60)
    house.carry_out(card)
    unwanted = house.ask(ORDER)
    house.engine.cancel(str(unwanted.draft_id), member=None)


def _second_day(house: Installation) -> None:
    """4 March: (5) a price that rose, and the new one confirmed, (6) a lost answer that is found, (7) a vendor that is down for a while, (8) one that
    stays down, (9) a lost answer that nobody finds, (10) nothing Halo does."""
    card = house.ask(ORDER)
    house.fault("price_up", target=BATTERIES, amount=150)
    house.later(seconds=10)
    stopped = house.carry_out(card)
    again = house.engine.retry(stopped.id, member=None)
    house.later(seconds=5)
    house.carry_out(again, member="Sam")
    clear_faults(house.world)
    card = house.ask(ORDER)
    house.fault("lose_answer")
    house.carry_out(card)
    card = house.ask(ORDER)
    house.fault("unavailable", times=3)
    house.carry_out(card)
    clear_faults(house.world)
    card = house.ask(ORDER)
    house.fault("unavailable", times=999)
    house.carry_out(card)
    clear_faults(house.world)
    card = house.ask(TABLE)
    house.fault("drop_before")
    house.carry_out(card)
    clear_faults(house.world)
    house.ask("water the plants every day")


def metrics(house: Installation) -> Metrics:
    """As a face would open it."""
    return Metrics.open(house.settings, clock=house.clock)
