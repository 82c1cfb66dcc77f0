"""BOOK works for what is not a table: a haircut, with its price and its terms on the card, booked once."""

from __future__ import annotations

import pytest

from halo_engine.model.card import Card, CardKind, draft_card
from halo_engine.model.execution import ExecutionStatus
from tests.installation import Installation
from tests.journeys.terminal import Terminal

WORDS = "book a haircut at Shear Joy on friday at 3pm"


@pytest.fixture
def card(home: Installation) -> Card:
    """Friday at three, waiting for its yes."""
    return home.ask(WORDS)


def row(card: Card, label: str) -> str:
    return next(row.text for row in card.rows if row.label == label)


def test_through_the_engine(home: Installation, card: Card) -> None:
    """What it costs and what binds is on the card; after the yes there is one booking, at that time."""
    assert (card.cost, row(card, "Price")) == ("$0.00", "$65.00, paid there")
    assert "Not showing up costs $20.00." in card.warnings
    assert "Free to cancel until Thu 5 Mar 15:00." in card.policies
    execution = home.carry_out(card)
    (entry,) = home.ledger()
    assert execution.status is ExecutionStatus.DONE
    assert (entry.vendor, entry.kind, entry.reference) == ("square", "booking", execution.vendor_reference)
    # Three in the afternoon in New York.
    assert (entry.detail["start_at"], entry.client_reference) == ("2026-03-06T20:00:00Z", execution.vendor_key)
    assert home.verify().ok


def test_with_a_question_first(home: Installation) -> None:
    """Several places cut hair: one question, and the answer finishes the draft."""
    asked = home.ask("haircut on friday at 3pm")
    assert (asked.kind, asked.summary, len(asked.options)) == (CardKind.CLARIFICATION, "Which one?", 3)
    chosen = home.ask("2", answers=asked.request_id)
    assert chosen.kind is CardKind.DRAFT
    assert row(chosen, "Where").startswith("Oak & Ash Barbers")


def test_at_another_time_when_that_one_is_not_free(home: Installation) -> None:
    """The nearest ones are offered."""
    asked = home.ask("book a dental cleaning thursday at 10am")
    assert asked.kind is CardKind.CLARIFICATION
    again = home.ask("1", answers=asked.request_id)
    assert (again.kind, row(again, "When").split(" at ")[1][:5]) == (CardKind.DRAFT, asked.options[0].label)


def test_on_another_day(home: Installation, card: Card) -> None:
    """Changed in words before the yes."""
    changed = home.engine.modify(str(card.draft_id), "make it saturday at noon", member=None)
    assert {change.field for change in changed.changes} >= {"when"}
    home.carry_out(changed)
    assert home.ledger()[0].detail["start_at"] == "2026-03-07T17:00:00Z"


@pytest.mark.parametrize("fault", ["lose_answer", "drop_before", "error_after", "unavailable", "reset_on_body"])
def test_is_booked_exactly_once_when_an_answer_is_lost(home: Installation, card: Card, fault: str) -> None:
    """Before the effect or after it: the same key, and one booking."""
    home.fault(fault, target="square.create_booking")
    execution = home.carry_out(card)
    (entry,) = home.ledger()
    assert execution.status is ExecutionStatus.DONE
    assert entry.client_reference == execution.vendor_key
    assert home.verify().ok


def test_after_a_rate_limit(home: Installation, card: Card) -> None:
    """Nothing was done, so it is done after the wait."""
    home.fault("rate_limited", target="square.create_booking")
    assert home.carry_out(card).status is ExecutionStatus.DONE
    assert len(home.ledger()) == 1


def test_that_somebody_else_takes_becomes_a_new_draft(home: Installation, card: Card) -> None:
    """The same time with somebody else, or the nearest one, which nobody has confirmed yet."""
    home.fault("slot_gone", target="square.create_booking")
    execution = home.carry_out(card)
    assert execution.status is ExecutionStatus.TERMS_CHANGED
    assert home.ledger() == ()
    with home.queries() as queries:
        revised = queries.draft(str(execution.revised_draft_id))
    assert {change.field for change in revised.changes} & {"when", "with"}
    assert home.carry_out(draft_card(revised)).status is ExecutionStatus.DONE


@pytest.mark.parametrize(("fault", "target"), [("price_up", "VSJCUT"), ("fee_changed", "LSHEARJOY")])
def test_that_would_cost_more_is_a_new_decision(home: Installation, card: Card, fault: str, target: str) -> None:
    """Also what is paid there, and what is paid for not coming."""
    home.fault(fault, target=target)
    assert home.carry_out(card).status is ExecutionStatus.TERMS_CHANGED
    assert home.ledger() == ()


def test_twice_at_the_same_time_is_warned_of(home: Installation, card: Card) -> None:
    """The household's own appointment is a term of the second one."""
    home.carry_out(card)
    second = home.ask("book a facial at Dewdrop Facials on friday at 3pm")
    if second.kind is CardKind.CLARIFICATION:
        second = home.ask("1", answers=second.request_id)
    overlaps = row(second, "When").split(" at ")[1][:5] in ("14:30", "15:00", "15:30")
    warned = "The household has an appointment on Fri 6 Mar 15:00 already." in second.warnings
    assert warned is overlaps


def test_at_a_place_that_looks_first_is_done_only_when_it_has_said_yes(home: Installation) -> None:
    """The vet confirms every appointment: until then it is accepted and not done."""
    card = home.ask("book a vet check-up at Pawprint Veterinary on friday at 10am")
    if card.kind is CardKind.CLARIFICATION:
        card = home.ask("1", answers=card.request_id)
    assert any("has to accept it first" in warning for warning in card.warnings)
    waiting = home.carry_out(card, wait_s=1)
    assert waiting.status is ExecutionStatus.ACCEPTED
    assert home.engine.execute(waiting.id, wait_s=600).status is ExecutionStatus.DONE
    assert len(home.ledger()) == 1


def test_through_the_terminal(terminal: Terminal) -> None:
    """Asked, answered until it is a draft, confirmed: one booking, and its reference in the receipt."""
    answer = terminal.halo("ask", "book a haircut at Shear Joy on friday at 3pm", "--json")
    while answer.code == 5:
        answer = terminal.halo("ask", "1", "--answers", answer.json["request_id"], "--json")
    assert answer.code == 0
    done = terminal.confirm(answer.json)
    (entry,) = terminal.ledger()
    assert (done["execution"]["status"], entry["vendor"], entry["kind"]) == ("done", "square", "booking")
    assert entry["reference"] in done["receipt"]["content_text"]
