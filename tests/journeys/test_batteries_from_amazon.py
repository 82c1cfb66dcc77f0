"""ORDER works end to end: a draft, a yes, an Amazon order, a receipt; and a second yes buys nothing."""

from __future__ import annotations

from halo_engine.model.card import CardKind
from halo_engine.model.execution import ExecutionStatus
from tests.installation import Installation
from tests.journeys.terminal import Terminal

WORDS = "order 2 packs of AA batteries"


def test_through_the_engine(home: Installation) -> None:
    """Words to receipt; Halo's books and Amazon's agree."""
    card = home.ask(WORDS, member="Sam")
    assert card.kind is CardKind.DRAFT
    assert card.title.startswith("Draft: Order")
    execution = home.carry_out(card, member="Alex")
    (entry,) = home.ledger()
    assert execution.status is ExecutionStatus.DONE
    assert (execution.vendor_reference, execution.final_cost) == (entry.reference, entry.charged)
    assert [line["quantity"] for line in home.bought()] == [2]
    assert home.verify().ok


def test_through_the_terminal(terminal: Terminal) -> None:
    """`ask`, `confirm`, `receipt` and `sim ledger` agree to the cent, and the second `confirm` is the same execution."""
    asked = terminal.json("ask", WORDS)
    done = terminal.confirm(asked)
    (entry,) = terminal.ledger()
    receipt = terminal.json("receipt", done["execution"]["id"])
    assert asked["draft"]["estimated_cost_cents"] == done["execution"]["final_cost_cents"] == entry["charged_cents"]
    assert receipt["external_reference_id"] == entry["reference"]
    assert terminal.confirm(asked)["execution"]["id"] == done["execution"]["id"]
    assert len(terminal.ledger()) == 1
    assert terminal.json("audit", "verify")["ok"] is True
    assert done["execution"]["id"] in terminal.halo("activity").out
