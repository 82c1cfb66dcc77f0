"""Several households in one set of books: a token opens the home of its own, and nothing of another one can be reached or told from nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from halo_engine.engine import Engine
from server.app import create_app
from tests.installation import Installation, household_plan
from tests.server.calling import Phone


@pytest.fixture
def neighbours(home: Installation) -> Engine:
    """Another household in the same books."""
    plan = household_plan().model_copy(update={"name": "The neighbours", "time_zone": "Europe/Berlin"})
    return home.engine.of(home.engine.found_household_beside(plan).id)


@pytest.fixture
def stranger(home: Installation, neighbours: Engine) -> Iterator[Phone]:
    """Their phone."""
    new = neighbours.devices.add("Phone", by=None)
    with TestClient(create_app(home.settings, clock=home.clock)) as client:
        yield Phone(client=client, token=new.token.get_secret_value(), device_id=new.device.id)


class TestAToken:
    def test_opens_its_own_home(self, phone: Phone, stranger: Phone) -> None:
        assert phone.get("/v1/household").json()["household"]["name"] != "The neighbours"
        assert stranger.get("/v1/household").json()["household"]["name"] == "The neighbours"

    def test_asks_and_confirms_there(self, home: Installation, phone: Phone, stranger: Phone) -> None:
        """A whole order of the second household: in its own books, by its own people, in its own log."""
        drafted = stranger.draft()
        started = stranger.confirm(drafted)
        assert started.status_code == 200
        engine = home.engine.of(stranger.get("/v1/household").json()["household"]["id"])
        engine.execute(started.json()["execution_id"], wait_s=600)
        assert stranger.get(f"/v1/receipts/{started.json()['execution_id']}").status_code == 200
        assert len(home.ledger()) == 1
        assert phone.get("/v1/executions").json()["executions"] == []
        assert home.verify().ok

    def test_finds_nothing_elsewhere(self, phone: Phone, stranger: Phone) -> None:
        """What is another household's looks as what never was, to the byte."""
        drafted = phone.draft()
        nowhere = f"dft_{'0' * 26}"
        for path in ("drafts/{}", "drafts/{}/form", "cards/{}"):
            answers = [stranger.get(f"/v1/{path.format(of)}") for of in (drafted["draft_id"], nowhere)]
            assert [answer.status_code for answer in answers] == [404, 404]
            bodies = [{name: said for name, said in answer.json().items() if name != "request_id"} for answer in answers]
            assert bodies[0] == bodies[1]

    def test_confirms_nothing_elsewhere(self, home: Installation, phone: Phone, stranger: Phone) -> None:
        drafted = phone.draft()
        assert stranger.confirm(drafted).status_code == 404
        assert home.ledger() == ()
        with home.queries() as queries:
            assert len(queries.waiting()) == 1
