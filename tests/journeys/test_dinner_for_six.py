"""BOOK works end to end: a table, changed in words before the yes, then booked as it stands."""

from __future__ import annotations

from typing import Any

from halo_engine.model.card import CardKind
from halo_engine.model.execution import ExecutionStatus
from tests.installation import Installation
from tests.journeys.terminal import Terminal


def test_through_the_engine(home: Installation) -> None:
    """Two become six at eight o'clock; only that is booked, and the first terms can no longer be confirmed."""
    first = home.ask("book a table for two at Nopa tomorrow at 7:30pm")
    second = home.engine.modify(str(first.draft_id), "make it 8pm for six people", member=None)
    assert second.kind is CardKind.DRAFT
    assert {change.field for change in second.changes} >= {"when", "people"}
    assert home.carry_out(second).status is ExecutionStatus.DONE
    (entry,) = home.ledger()
    assert (entry.detail["party_size"], entry.detail["time"]) == (6, "20:00:00")


def test_with_a_question_first(home: Installation) -> None:
    """What is missing is asked for once, and the answer finishes the draft."""
    card = home.ask("book a table at Nopa tomorrow at 7:30pm")
    assert (card.kind, card.summary) == (CardKind.CLARIFICATION, "For how many people?")
    assert home.ask("2", answers=card.request_id).kind is CardKind.DRAFT


def test_through_the_terminal(terminal: Terminal) -> None:
    """Draft, modify, confirm: the booking is the modified one."""
    asked = _table(terminal)
    changed = terminal.json("modify", asked["draft_id"], "for four people")
    stale = terminal.halo("confirm", asked["draft_id"], "--hash", asked["draft_hash"], "--json")
    assert stale.code == 6
    done = terminal.confirm(changed)
    (entry,) = terminal.ledger()
    assert done["execution"]["status"] == "done"
    assert entry["detail"]["party_size"] == 4
    assert entry["reference"] == done["execution"]["vendor_reference"]


def _table(terminal: Terminal) -> dict[str, Any]:
    """A draft for two, on the first evening this week that still has a table for four: real dates are not all alike."""
    for day in ("tomorrow", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"):
        answer = terminal.halo("ask", f"book a table for 4 at Nopa {day} at 7pm", "--json")
        if answer.code == 5:
            answer = terminal.halo("ask", "1", "--answers", answer.json["request_id"], "--json")
        if answer.code == 0:
            four = answer.json
            return terminal.json("modify", four["draft_id"], "for two people")
    raise AssertionError("Nopa has no table all week")
