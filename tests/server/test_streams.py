"""An execution followed as it happens, by way of a real server on a real socket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from tests.installation import Installation
from tests.server.calling import Phone, phone, served

#: Fast enough for a test; nothing in it depends on how fast.
QUICK = {"serve_poll_s": 0.05, "serve_heartbeat_s": 0.1, "serve_streams_each": 2}


@dataclass
class Told:
    """One event of a stream."""

    event: str = "message"
    id: int | None = None
    data: dict[str, Any] = field(default_factory=dict)


@pytest.fixture
def quick(home: Installation) -> Installation:
    return Installation(home.settings.model_copy(update=QUICK), home.clock, home.world, home.engine)


@pytest.fixture
def url(quick: Installation) -> Iterator[str]:
    with served(quick) as at:
        yield at


@pytest.fixture
def caller(quick: Installation, client: TestClient) -> Phone:
    return phone(quick, client)


def bearer(caller: Phone, **headers: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {caller.token}", **headers}


def confirmed(home: Installation) -> str:
    """An execution that nobody has carried on yet."""
    return home.confirm(home.ask("order 2 packs of AA batteries")).id


def lines(response: httpx.Response) -> Iterator[Told | None]:
    """Events; None for a line that only says that the stream is still there."""
    now = Told()
    for line in response.iter_lines():
        if line.startswith(": still here"):
            yield None
        name, _, value = line.partition(": ")
        match name:
            case "event":
                now.event = value
            case "id":
                now.id = int(value)
            case "data":
                now.data = json.loads(value)
            case "" if not line and (now.data or now.id):
                yield now
                now = Told()


def events(url: str, caller: Phone, execution_id: str, **headers: str) -> list[Told]:
    """Everything until the stream ends."""
    address = f"{url}/v1/executions/{execution_id}/events"
    with httpx.stream("GET", address, headers=bearer(caller, **headers), timeout=10) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        return [told for told in lines(response) if told is not None]


class TestAStream:
    def test_tells_everything_of_what_has_ended_and_ends(self, quick: Installation, url: str, caller: Phone) -> None:
        execution = quick.carry_out(quick.ask("order 2 packs of AA batteries"))
        told = events(url, caller, execution.id)
        assert [each.event for each in told] == [
            "draft.confirmed",
            "execution.submitting",
            "execution.done",
            "execution.attempt_finished",
            "receipt.stored",
            "end",
        ]
        assert told[-1].data == {"status": "done"}
        assert [each.data["seq"] for each in told[:-1]] == [each.id for each in told[:-1]]

    def test_goes_on_after_the_last_event_that_was_heard(self, quick: Installation, url: str, caller: Phone) -> None:
        execution = quick.carry_out(quick.ask("order 2 packs of AA batteries"))
        whole = events(url, caller, execution.id)
        for heard in whole[:-1]:
            rest = events(url, caller, execution.id, **{"Last-Event-ID": str(heard.id)})
            assert [each.id for each in rest] == [each.id for each in whole if each.id is None or each.id > (heard.id or 0)]

    def test_tells_everything_to_who_heard_a_log_that_is_no_more(self, quick: Installation, url: str, caller: Phone) -> None:
        """A backup was put back: the number is ahead of the log, and what came before it in this one was never heard."""
        execution = quick.carry_out(quick.ask("order 2 packs of AA batteries"))
        ahead = {"Last-Event-ID": str(quick.verify().events + 1)}
        assert events(url, caller, execution.id, **ahead) == events(url, caller, execution.id)

    def test_tells_what_happens_while_it_is_followed(self, quick: Installation, url: str, caller: Phone) -> None:
        execution_id = confirmed(quick)
        with httpx.stream("GET", f"{url}/v1/executions/{execution_id}/events", headers=bearer(caller), timeout=10) as response:
            told = lines(response)
            assert next(each for each in told if each).event == "draft.confirmed"
            # It rests, and says so.
            assert next(told) is None
            quick.engine.execute(execution_id, wait_s=600)
            assert [each.event for each in told if each][-1] == "end"

    def test_says_nothing_of_anothers(self, quick: Installation, url: str, caller: Phone) -> None:
        for unknown in ("exe_01m82q6t97ej09ctc09cve8c7q", "dft_01m82q6t97ej09ctc09cve8c7q", "x", "%00"):
            assert httpx.get(f"{url}/v1/executions/{unknown}/events", headers=bearer(caller)).status_code == 404
        assert httpx.get(f"{url}/v1/executions/{confirmed(quick)}/events").status_code == 401

    @pytest.mark.parametrize("last", ["x", "-1", "1e3", str(2**63), ""])
    def test_refuses_a_place_that_is_none(self, quick: Installation, url: str, caller: Phone, last: str) -> None:
        refused = httpx.get(f"{url}/v1/executions/{confirmed(quick)}/events", headers=bearer(caller), params={"last_event_id": last})
        assert refused.status_code == 422

    def test_ends_with_the_token(self, quick: Installation, url: str, caller: Phone) -> None:
        with httpx.stream("GET", f"{url}/v1/executions/{confirmed(quick)}/events", headers=bearer(caller), timeout=10) as response:
            told = lines(response)
            assert next(each for each in told if each).event == "draft.confirmed"
            quick.engine.devices.revoke(caller.device_id, by=None)
            assert [each for each in told if each] == []

    def test_ends_when_the_token_has_run_out(self, quick: Installation, url: str, caller: Phone) -> None:
        with httpx.stream("GET", f"{url}/v1/executions/{confirmed(quick)}/events", headers=bearer(caller), timeout=10) as response:
            told = lines(response)
            assert next(each for each in told if each).event == "draft.confirmed"
            quick.later(days=91)
            assert [each for each in told if each] == []

    def test_is_one_of_few(self, quick: Installation, url: str, caller: Phone, client: TestClient) -> None:
        address = f"{url}/v1/executions/{confirmed(quick)}/events"
        with httpx.stream("GET", address, headers=bearer(caller)) as first, httpx.stream("GET", address, headers=bearer(caller)) as second:
            assert (first.status_code, second.status_code) == (200, 200)
            refused = httpx.get(address, headers=bearer(caller))
            assert (refused.status_code, refused.json()["code"]) == (429, "too_many_streams")
            with httpx.stream("GET", address, headers=bearer(phone(quick, client))) as of_another:
                assert of_another.status_code == 200

    def test_makes_room_when_its_client_has_gone(self, quick: Installation, url: str, caller: Phone) -> None:
        address = f"{url}/v1/executions/{confirmed(quick)}/events"
        for _ in range(6):
            with httpx.stream("GET", address, headers=bearer(caller), timeout=10) as response:
                assert next(each for each in lines(response) if each).event == "draft.confirmed"
            # Its going is heard in the server's own time; whoever comes next may have to come again.
            for _ in range(100):
                with httpx.stream("GET", address, headers=bearer(caller), timeout=10) as again:
                    if again.status_code == 200:
                        break
