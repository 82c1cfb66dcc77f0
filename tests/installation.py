"""A whole Halo for a test: real engine, real books, the simulator in process, and a clock that the test moves."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import yaml

from halo_engine.audit import Audit, Verification
from halo_engine.clock import FakeClock
from halo_engine.engine import Engine
from halo_engine.model.card import Card
from halo_engine.model.execution import Execution
from halo_engine.model.household import Role, UsualItem
from halo_engine.queries import Queries
from halo_engine.settings import Settings, load_settings
from halo_engine.stages.founding import HouseholdPlan, MemberPlan, UsualPlan
from halo_sim.data import fixtures_root
from halo_sim.faults import add_fault
from halo_sim.http import SimTransport
from halo_sim.ledger import Entry, read_ledger
from halo_sim.world import World
from tests.blank import put_books

#: A Tuesday, at noon in New York.
NOON = datetime(2026, 3, 3, 17, 0, tzinfo=UTC)


#: A test buys in one moment of its clock what a household buys in a month. Those about the limits of a day set their own.
_A_LIFE_IN_A_MOMENT = {"daily_spending_limit_cents": "100000000", "household_daily_spending_limit_cents": "100000000"}


@dataclass
class Installation:
    """One data directory with everything in it opened."""

    settings: Settings
    clock: FakeClock
    world: World
    engine: Engine

    @classmethod
    def open(cls, home: Path, *, clock: FakeClock | None = None, merchant: str = "amazon", **settings: str) -> Installation:
        """A founded household in `home` that buys at `merchant`; `settings` are given as the environment would."""
        installation = cls.reopen(home, clock=clock or FakeClock(NOON), **settings)
        installation.engine.found_household(household_plan().model_copy(update={"default_merchant": merchant}))
        return installation

    @classmethod
    def reopen(cls, home: Path, *, clock: FakeClock, **settings: str) -> Installation:
        """What is in `home`, as another process would open it."""
        given = _A_LIFE_IN_A_MOMENT | settings
        loaded = load_settings(home=home, environ={f"HALO_{name.upper()}": value for name, value in given.items()})
        if loaded.database_address is None:
            put_books(loaded.database_file)
        world = World.open(loaded.simulator_file, clock)
        return cls(loaded, clock, world, Engine.open(loaded, clock=clock, transport=SimTransport(world)))

    def ask(self, text: str, *, member: str | None = None, answers: str | None = None) -> Card:
        """The card for `text`."""
        return self.engine.draft(text, member=member, channel="test", answers=answers)

    def confirm(self, card: Card, *, member: str | None = None) -> Execution:
        """Confirm what `card` shows, without carrying it out."""
        assert card.draft_id is not None
        assert card.draft_hash is not None
        return self.engine.confirm(card.draft_id, draft_hash=card.draft_hash, member=member)

    def carry_out(self, card: Card, *, member: str | None = None, wait_s: float = 600) -> Execution:
        """Confirm what `card` shows and see it through."""
        return self.engine.execute(self.confirm(card, member=member).id, wait_s=wait_s)

    def card(self, execution: Execution) -> Card:
        """The card that shows where `execution` stands."""
        with self.queries() as queries:
            return queries.card(execution.id)

    def fault(self, name: str, **how: Any) -> None:
        """Let the simulated vendors misbehave."""
        add_fault(self.world, name, **how)

    def ledger(self) -> tuple[Entry, ...]:
        """The vendors' own books: the judge."""
        return read_ledger(self.settings.simulator_file)

    def bought(self) -> list[dict[str, Any]]:
        """The lines of the orders in the ledger, oldest first."""
        return [dict(line) for entry in self.ledger() for line in cast(Sequence[Mapping[str, Any]], entry.detail.get("lines", ()))]

    def queries(self) -> Queries:
        """The read side."""
        return Queries.open(self.settings, clock=self.clock)

    def verify(self) -> Verification:
        """The state of the log."""
        with Audit.open(self.settings, clock=self.clock) as audit:
            return audit.verify()

    def later(self, **by: float) -> None:
        """Move the time."""
        self.clock.advance(timedelta(**by))


#: Where each vendor is under the address of a simulator.
_PLACES = {
    "amazon_url": "amazon",
    "amazon_auth_url": "lwa/auth/o2/token",
    "zinc_url": "zinc",
    "resy_url": "resy",
    "square_url": "square",
    "subscriptions_url": "subscriptions",
}


def vendors_at(url: str) -> dict[str, str]:
    """The environment of a Halo whose vendors are a simulator on a real socket at `url`."""
    return {f"HALO_{name.upper()}": f"{url}/{place}" for name, place in _PLACES.items()} | {"HALO_VENDORS": "live"}


@functools.cache
def household_plan() -> HouseholdPlan:
    """The household of the fixtures, with a child who asks and does not confirm."""
    given = yaml.safe_load((fixtures_root() / "households" / "home.yaml").read_text())
    usuals = tuple(
        UsualPlan(
            name=usual["name"],
            items=tuple(UsualItem(reference=item["asin"], name=item["name"], quantity=item["quantity"]) for item in usual["items"]),
        )
        for usual in given["usuals"]
    )
    members = (*(MemberPlan(**member) for member in given["members"]), MemberPlan(name="Kim", role=Role.CHILD))
    return HouseholdPlan(
        name=given["name"],
        time_zone=given["time_zone"],
        members=members,
        payment_method_masked=given["payment_method_masked"],
        shipping_address=given["shipping_address"],
        usuals=usuals,
    )
