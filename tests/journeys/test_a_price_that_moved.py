"""Between the card and the yes the price rises: nothing is bought, and the new price is a new decision."""

from __future__ import annotations

from tests.journeys.terminal import Terminal


def test_through_the_terminal(terminal: Terminal) -> None:
    """Exit code 6, a revised draft with the difference, no order; confirmed anew it is bought at the new price."""
    asked = terminal.json("ask", "order 2 packs of AA batteries")
    assert terminal.halo("sim", "fault", "price_up", "--cents", "150").code == 0
    stopped = terminal.confirm(asked, expect=6)
    revised = stopped["draft"]
    changes = {change["field"]: (change["before"], change["after"]) for change in revised["changes"]}
    assert changes["total"] == ("$49.95", "$53.20")
    assert terminal.ledger() == []
    assert terminal.confirm({"draft_id": revised["id"], "draft_hash": revised["draft_hash"]})["execution"]["final_cost_cents"] == 5320
    assert [entry["charged_cents"] for entry in terminal.ledger()] == [5320]
    assert terminal.json("audit", "verify")["ok"] is True
