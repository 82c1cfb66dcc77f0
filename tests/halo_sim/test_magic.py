"""The names with a documented outcome: each is real, and comes to what its line in the table says."""

from __future__ import annotations

import pytest

from halo_engine.model.card import Button
from halo_engine.model.execution import ExecutionStatus
from halo_sim.data import catalogue, fixtures_root, venues
from halo_sim.faults import FAULTS, POSITIONS
from halo_sim.magic import TABLE
from tests.house.source import ROOT
from tests.installation import Installation

#: What the engine makes of each: how it ends, and how many effects the ledger has. None: there is nothing to confirm.
ENDS = {
    "sku_price_up": (ExecutionStatus.TERMS_CHANGED, 0),
    "sku_sells_out": (ExecutionStatus.FAILED, 0),
    "sku_out_of_stock": (None, 0),
    "place_then_timeout": (ExecutionStatus.DONE, 1),
    "place_dropped": (ExecutionStatus.DONE, 1),
    "place_rate_limited": (ExecutionStatus.DONE, 1),
    "place_unavailable": (ExecutionStatus.DONE, 1),
    "place_error_after": (ExecutionStatus.DONE, 1),
    "place_html": (ExecutionStatus.DONE, 1),
    "place_overcharged": (ExecutionStatus.DONE, 1),
    "slot_gone": (ExecutionStatus.TERMS_CHANGED, 0),
    "fee_changed": (ExecutionStatus.TERMS_CHANGED, 0),
    "book_then_timeout": (ExecutionStatus.DONE, 1),
    "book_dropped": (ExecutionStatus.NEEDS_ATTENTION, 0),
    "venue_sold_out": (None, 0),
}


def test_every_name_is_in_the_fixtures() -> None:
    """Under the reference that the table gives."""
    known = {product.title: product.asin for product in catalogue().values()} | {
        venue.name: str(venue.venue_id) for venue in venues().values()
    }
    assert {one.name: one.reference for one in TABLE}.items() <= known.items()
    assert {one.name for one in TABLE} == ENDS.keys()


@pytest.mark.parametrize("name", ENDS)
def test_comes_to_what_is_written(home: Installation, name: str) -> None:
    """Typed by a person, confirmed, carried out; the judge is the ledger."""
    is_product = any(product.title == name for product in catalogue().values())
    card = home.ask(f"order {name}" if is_product else f"book {name} for two tomorrow at 7pm")
    status, effects = ENDS[name]
    if status is None:
        assert Button.CONFIRM not in card.buttons
        return
    assert home.carry_out(card).status is status
    assert len(home.ledger()) == effects


def test_the_page_about_the_simulator_says_the_same() -> None:
    """`docs/simulator.md` lists every fault with its position, every name, and every scenario."""
    page = (ROOT / "docs" / "simulator.md").read_text(encoding="utf-8")
    wanted = [f"| `{name}` | {POSITIONS[name]} | {what} |" for name, what in FAULTS.items()]
    wanted += [f"| `{one.name}` | {one.outcome} |" for one in TABLE]
    wanted += [f"| `{path.stem}` |" for path in (fixtures_root() / "scenarios").glob("*.yaml")]
    assert [row for row in wanted if row not in page] == []
