"""CANCEL works end to end: with a warning before, and the provider's confirmation after."""

from __future__ import annotations

from halo_engine.model.execution import ExecutionStatus
from halo_engine.model.money import Money
from tests.installation import Installation
from tests.journeys.terminal import Terminal


def test_through_the_engine(home: Installation) -> None:
    """The card warns of what cannot be undone; the provider's books then show it ending."""
    card = home.ask("cancel streamly")
    assert any("cannot be undone" in warning for warning in card.warnings)
    assert home.carry_out(card).status is ExecutionStatus.DONE
    (entry,) = home.ledger()
    assert (entry.kind, entry.detail["mode"]) == ("cancellation", "period_end")
    assert "ends on" in home.ask("cancel streamly").summary


def test_that_costs_a_fee_shows_it_before_and_ends_when_the_card_said(home: Installation) -> None:
    """A fee is money like any other, and the notice moves the end to where the provider puts it."""
    card = home.ask("cancel the gym")
    assert card.cost == "$49.00"
    home.carry_out(card)
    (entry,) = home.ledger()
    assert entry.charged == Money(cents=4900)
    # The provider counts in UTC; the card says the household's date, which is the evening before.
    assert (entry.detail["ends_at"], next(row.text for row in card.rows if row.label == "Ends")) == (
        "2026-05-01T00:00:00Z",
        "Thu 30 Apr 2026",
    )


def test_of_a_provider_without_an_api_is_handed_over(home: Installation) -> None:
    """What Halo cannot do itself is never called done."""
    card = home.ask("cancel vireo mobile")
    assert any("Halo cannot cancel" in warning for warning in card.warnings)
    execution = home.carry_out(card)
    assert execution.status is ExecutionStatus.HANDED_OFF
    assert execution.handoff_url
    assert home.ledger() == ()


def test_through_the_terminal(terminal: Terminal) -> None:
    """The warning is on the card, the confirmation in the receipt."""
    asked = terminal.json("ask", "cancel streamly")
    assert asked["card"]["warnings"]
    done = terminal.confirm(asked)
    (entry,) = terminal.ledger()
    assert (done["execution"]["status"], entry["kind"], entry["charged_cents"]) == ("done", "cancellation", 0)
    assert entry["reference"] in done["receipt"]["content_text"]
