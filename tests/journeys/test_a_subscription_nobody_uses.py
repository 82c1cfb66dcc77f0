"""CANCEL works end to end: with a warning before, and the provider's confirmation after."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from halo_engine.model.card import CardKind
from halo_engine.model.execution import ExecutionStatus
from halo_engine.model.money import Money
from halo_sim.http import SimTransport
from tests.halo_sim.callers import Subscriptions
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


@pytest.mark.parametrize("words", ["cancel streamly", "cancel trailmark"])
@pytest.mark.parametrize("answer", ["comes", "is lost"])
def test_has_one_date_on_the_card_and_in_the_receipt(home: Installation, words: str, answer: str) -> None:
    """The household's; the provider's midnight UTC is the evening before. Also when the cancellation had to be looked up."""
    card = home.ask(words)
    if answer == "is lost":
        home.fault("lose_answer")
    execution = home.carry_out(card)
    ends = next(row.text for row in card.rows if row.label == "Ends")
    with home.queries() as queries:
        assert f"ends on: {ends}" in queries.receipt(execution.id).content_text.splitlines()


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


@pytest.mark.parametrize("words", ["cancel streamly", "cancel forkful", "cancel cineloft", "cancel trailmark"])
def test_is_the_same_whoever_bills_for_it(home: Installation, words: str) -> None:
    """Stripe, Chargebee, Recurly or Google Play: one card, one effect, one receipt, and once cancelled it is cancelled."""
    card = home.ask(words)
    assert [row.label for row in card.rows][:2] == ["Ends", "Paid back"]
    execution = home.carry_out(card)
    (entry,) = home.ledger()
    assert (execution.status, entry.kind, entry.reference) == (ExecutionStatus.DONE, "cancellation", execution.vendor_reference)
    with home.queries() as queries:
        assert "ends on" in queries.receipt(execution.id).content_text
    again = home.ask(words)
    assert (again.kind, "is cancelled already" in again.summary) == (CardKind.UNAVAILABLE, True)
    assert home.verify().ok


@pytest.mark.parametrize("words", ["cancel stillwater", "cancel the newspaper", "cancel tunewave"])
def test_that_comes_with_an_offer_to_stay_is_cancelled_all_the_same(home: Installation, words: str) -> None:
    """The card says that an offer is declined; the provider's books show the end, and no offer."""
    card = home.ask(words)
    assert any("offer to stay, it is declined" in policy for policy in card.policies)
    assert home.carry_out(card).status is ExecutionStatus.DONE
    assert [entry.kind for entry in home.ledger()] == ["cancellation"]


def test_whose_offer_cannot_be_declined_goes_to_a_person(home: Installation) -> None:
    """Halo asks once more and then stops; nothing was accepted, and nothing is called done."""
    card = home.ask("cancel the newspaper")
    home.fault("retention_offer", times=2)
    execution = home.carry_out(card)
    assert execution.status is ExecutionStatus.HANDED_OFF
    assert execution.handoff_url == "https://daily-ledger.example/subscription/cancel"
    assert home.ledger() == ()


@pytest.mark.parametrize("words", ["cancel streamly", "cancel forkful", "cancel cineloft", "cancel trailmark"])
@pytest.mark.parametrize("fault", ["lose_answer", "drop_before", "unavailable"])
def test_is_cancelled_once_when_an_answer_is_lost(home: Installation, words: str, fault: str) -> None:
    """With keys or without."""
    card = home.ask(words)
    operation = {"streamly": "update", "forkful": "cancel_for_items", "cineloft": "cancel", "trailmark": "stop_renewals"}
    home.fault(fault, target=f"subscriptions.{operation[words.removeprefix('cancel ')]}")
    assert home.carry_out(card).status is ExecutionStatus.DONE
    assert len(home.ledger()) == 1


def test_confirmed_twice_over_is_cancelled_once(home: Installation) -> None:
    """Two drafts of the same end: the second finds it done."""
    first, second = home.ask("cancel cineloft"), home.ask("cancel cineloft")
    assert [home.carry_out(card).status for card in (first, second)] == [ExecutionStatus.DONE, ExecutionStatus.DONE]
    assert len(home.ledger()) == 1


def test_taken_back_at_the_providers_can_be_cancelled_again(home: Installation) -> None:
    """The undo is the person's own; a new cancellation is a new confirmation."""
    home.carry_out(home.ask("cancel streamly"))
    with httpx.Client(transport=SimTransport(home.world), base_url="http://sim.example") as http:
        Subscriptions(http).update("streamly", cancel_at_period_end="false")
    assert home.carry_out(home.ask("cancel streamly")).status is ExecutionStatus.DONE
    assert [entry.kind for entry in home.ledger()] == ["cancellation", "undo", "cancellation"]


def test_that_has_ended_is_not_cancelled_again(home: Installation) -> None:
    """The day it ended is what there is to say."""
    home.carry_out(home.ask("cancel streamly"))
    home.later(days=60)
    again = home.ask("cancel streamly right away")
    assert (again.kind, "it ended on" in again.summary) == (CardKind.UNAVAILABLE, True)
    assert len(home.ledger()) == 1


def test_that_ends_later_can_still_be_ended_now(home: Installation) -> None:
    """Another end is another decision."""
    home.carry_out(home.ask("cancel streamly"))
    assert home.carry_out(home.ask("cancel streamly right away")).status is ExecutionStatus.DONE
    assert [entry.detail["mode"] for entry in home.ledger()] == ["period_end", "immediate"]


def test_that_ended_between_the_card_and_the_yes_is_done(home: Installation) -> None:
    """What was wanted is so; nothing more is sent."""
    late = home.ask("cancel streamly right away")
    home.carry_out(home.ask("cancel streamly right away"))
    home.clock.advance(timedelta(minutes=1))
    assert home.carry_out(late).status is ExecutionStatus.DONE
    assert len(home.ledger()) == 1


@pytest.mark.parametrize(
    ("words", "how"), [("cancel vireo mobile", "vireo-mobile.example"), ("cancel the pool club", "harborview-pool.example")]
)
def test_of_a_provider_without_an_api_is_handed_over(home: Installation, words: str, how: str) -> None:
    """What Halo cannot do itself is never called done: the page or the instructions are what it comes to."""
    card = home.ask(words)
    assert any("Halo cannot cancel" in warning for warning in card.warnings)
    instructions = next(row.text for row in card.rows if row.label == "How")
    execution = home.carry_out(card)
    assert execution.status is ExecutionStatus.HANDED_OFF
    assert how in str(execution.handoff_url)
    assert execution.error_message == instructions
    assert home.ledger() == ()


def test_through_the_terminal(terminal: Terminal) -> None:
    """The warning is on the card, the confirmation in the receipt."""
    asked = terminal.json("ask", "cancel streamly")
    assert asked["card"]["warnings"]
    done = terminal.confirm(asked)
    (entry,) = terminal.ledger()
    assert (done["execution"]["status"], entry["kind"], entry["charged_cents"]) == ("done", "cancellation", 0)
    assert entry["reference"] in done["receipt"]["content_text"]
