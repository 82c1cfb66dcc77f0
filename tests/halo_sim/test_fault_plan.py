"""Faults by seed: the same number, the same bad day; and whatever the day brings, no confirmation has two effects."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from halo_engine.engine import Engine
from halo_engine.model.execution import FINAL
from halo_sim.fault_plan import STRIKING, FaultPlan
from halo_sim.faults import add_fault, list_faults
from halo_sim.http import SimTransport
from halo_sim.world import World
from tests.halo_sim.callers import Amazon
from tests.installation import Installation

DAYS = int(os.environ.get("HALO_SOAK_DAYS", "8"))
#: Lies that nothing but the ledger can find out: an order that is said to be placed and is not, and another order's number.
LIES = ("phantom", "repeat_order_id")
ACTS = ("order 2 packs of AA batteries", "book a table for two at Nopa tomorrow at 7:30pm", "cancel streamly")


class TestAPlan:
    def test_is_decided_by_its_seed(self) -> None:
        """And by nothing else, such as the order of calls between operations."""
        days = [[FaultPlan.from_seed(7).choice("amazon.place_order", nth) for nth in range(200)] for _ in range(2)]
        assert days[0] == days[1] != [FaultPlan.from_seed(8).choice("amazon.place_order", nth) for nth in range(200)]

    def test_strikes_its_share(self) -> None:
        """A tenth of the calls, give or take."""
        plan = FaultPlan.from_seed(1, share=1_000)
        struck = [fault for nth in range(10_000) if (fault := plan.choice("resy.book", nth))]
        assert 850 < len(struck) < 1_150
        assert set(struck) == set(STRIKING)

    def test_refuses_what_makes_no_sense(self) -> None:
        """A lasting fault, no fault, an impossible share."""
        wrong: tuple[dict[str, Any], ...] = ({"names": ("price_up",)}, {"names": ()}, {"share": 10_001})
        for how in wrong:
            with pytest.raises(ValueError, match=r"share|plan"):
                FaultPlan.from_seed(1, **how)

    def test_leaves_nothing_behind(self, world: World) -> None:
        """A fault that found nothing to strike is gone after its call."""
        plan = FaultPlan.from_seed(1, share=10_000, names=("slot_gone", "lose_answer"))
        with httpx.Client(transport=SimTransport(world, plan), base_url="http://sim.example") as http:
            assert Amazon(http).search("dish soap")["products"]
        assert list_faults(world) == ()


@pytest.mark.parametrize("seed", range(DAYS))
def test_a_bad_day_has_at_most_one_effect_a_confirmation(tmp_path: Path, seed: int) -> None:
    """A third of all calls are struck. `HALO_SOAK_DAYS` makes it as many days as there is time for; the test's id is the seed."""
    home = Installation.open(tmp_path / "home")
    cards = [home.ask(text) for text in ACTS]
    home.engine.close()
    plan = FaultPlan.from_seed(seed, share=3_000, without=LIES)
    home.engine = Engine.open(home.settings, clock=home.clock, transport=SimTransport(home.world, plan))
    ends = [home.carry_out(card, wait_s=3_000) for card in cards]
    assert all(end.status in FINAL for end in ends), ends
    per_kind = [entry.kind for entry in home.ledger()]
    assert len(per_kind) == len(set(per_kind)), (seed, per_kind)
    assert home.verify().ok, home.verify().problems
    home.engine.close()


def test_an_order_that_was_faked_is_what_only_the_ledger_can_tell(home: Installation) -> None:
    """Why the lies are left out above: Halo believes what a vendor confirms, and a statement of account comes later."""
    card = home.ask(ACTS[0])
    add_fault(home.world, "phantom", target="amazon.place_order")
    assert home.carry_out(card).status in FINAL
    assert home.ledger() == ()
