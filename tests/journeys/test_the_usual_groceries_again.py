"""REORDER works end to end: the last order, or a Usual, again."""

from __future__ import annotations

from halo_engine.model.execution import ExecutionStatus
from tests.installation import Installation
from tests.journeys.terminal import Terminal


def test_of_a_usual_through_the_engine(home: Installation) -> None:
    """Every line of the bundle is ordered, as often as it says."""
    execution = home.carry_out(home.ask("reorder the weekly groceries"))
    with home.queries() as queries:
        usual = next(usual for usual in queries.usuals() if usual.name == "weekly groceries")
    ordered = {line["asin"]: line["quantity"] for line in home.bought()}
    assert execution.status is ExecutionStatus.DONE
    assert ordered == {item.reference: item.quantity for item in usual.items}


def test_of_the_last_order_is_of_halos_own_newest(home: Installation) -> None:
    """What was just bought is what "again" means."""
    home.carry_out(home.ask("order 2 packs of AA batteries"))
    home.later(days=3)
    home.carry_out(home.ask("reorder"))
    first, second = home.bought()
    assert first == second


def test_with_another_quantity_through_the_engine(home: Installation) -> None:
    """ "Same as last time but" changes one line and leaves the others."""
    plain = home.ask("reorder the dog supplies")
    home.engine.cancel(str(plain.draft_id), member=None)
    home.carry_out(home.ask("reorder the dog supplies but 3 dog treats"))
    assert sorted(line["quantity"] for line in home.bought()) == [1, 1, 3]


def test_through_the_terminal(terminal: Terminal) -> None:
    """Draft, confirm, Done, and the receipt in the feed."""
    done = terminal.confirm(terminal.json("ask", "reorder the weekly groceries"))
    assert done["execution"]["status"] == "done"
    assert done["card"]["kind"] == "done"
    feed = terminal.json("activity")
    assert [entry["id"] for entry in feed["activity"]] == [done["execution"]["id"]]
    assert done["receipt"]["external_reference_id"] == terminal.ledger()[0]["reference"]
