"""`halo serve` as a process: how it begins, how it ends, and what it tells of itself."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from halo_engine.settings import load_settings
from server.app import create_app
from server.process.gate import Gate
from tests.installation import Installation
from tests.server.calling import Phone, phone
from tests.server.serving import Server, hear, serving, token_for

_SLOW = b"POST /v1/command/parse HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %b\r\nContent-Length: 16\r\n\r\n"


@pytest.fixture
def served(home: Installation) -> Iterator[tuple[Server, bytes]]:
    """A process that serves `home`, and a token for it."""
    token = token_for(home.settings.home)
    with serving(home.settings.home, "--no-worker") as server:
        yield server, token.encode()


class TestEnding:
    def test_lets_what_is_under_way_end_and_takes_nothing_new(self, served: tuple[Server, bytes]) -> None:
        server, token = served
        with server.connect() as under_way:
            under_way.sendall(_SLOW % token)
            time.sleep(0.2)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            with pytest.raises(ConnectionRefusedError):
                server.connect()
            assert server.process.poll() is None
            under_way.sendall(b'{"text":"hello"}')
            heard = hear(under_way)
        assert heard.statuses == (200,)
        assert heard.answers[0].headers["connection"] == "close"
        assert server.process.wait(timeout=30) == 0

    def test_tells_those_who_follow_to_come_again(self, home: Installation, served: tuple[Server, bytes]) -> None:
        server, token = served
        execution = home.confirm(home.ask("order 2 packs of AA batteries"))
        headers = {"Authorization": f"Bearer {token.decode()}"}
        with httpx.stream("GET", f"{server.url}/v1/executions/{execution.id}/events", headers=headers, timeout=10) as response:
            lines = response.iter_lines()
            assert next(lines) == "retry: 2000"
            assert "event: draft.confirmed" in (next(lines), next(lines), next(lines))
            server.process.send_signal(signal.SIGTERM)
            rest = list(lines)
        assert ": this stream ends here; come again" in rest
        assert "event: end" not in rest
        assert server.process.wait(timeout=30) == 0

    def test_at_once_by_a_second_signal(self, served: tuple[Server, bytes]) -> None:
        server, token = served
        with server.connect() as under_way:
            under_way.sendall(_SLOW % token)
            time.sleep(0.2)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            assert server.process.poll() is None
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(timeout=5) == -signal.SIGTERM

    def test_by_ctrl_c_says_so(self, served: tuple[Server, bytes]) -> None:
        assert served[0].end(signal.SIGINT)[0] == 130

    def test_is_told_at_once_to_whoever_pressed_it(self, served: tuple[Server, bytes]) -> None:
        """The reason: somebody who sees nothing happen presses it again, and that cuts answers short."""
        server, token = served
        with server.connect() as under_way:
            under_way.sendall(_SLOW % token)
            time.sleep(0.2)
            server.process.send_signal(signal.SIGINT)
            assert server.process.stderr is not None
            assert any("Draining" in line for line in iter(server.process.stderr.readline, ""))
            assert server.process.poll() is None
            under_way.sendall(b'{"text":"hello"}')
            assert hear(under_way).statuses == (200,)
        assert server.process.wait(timeout=30) == 130


class TestReadiness:
    def test_ends_as_soon_as_the_process_is_to(self, client: TestClient) -> None:
        assert client.get("/readyz").json() == {"status": "ready", "workers": 0}
        client.app.state.ending.begin()  # type: ignore[attr-defined]
        refused = client.get("/readyz")
        assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (503, "draining", "5")
        assert client.get("/healthz").json() == {"status": "ok"}

    def test_is_not_there_before_the_books_are(self, tmp_path: Path, home: Installation) -> None:
        settings = load_settings(home=tmp_path / "nothing", environ={})
        with TestClient(create_app(settings, clock=home.clock)) as nobody:
            refused = nobody.get("/readyz")
        assert (refused.status_code, refused.json()["code"]) == (503, "not_initialised")


class TestTooMuchAtOnce:
    def test_is_told_to_come_again(self, home: Installation) -> None:
        app = create_app(home.settings.model_copy(update={"serve_requests": 1}), clock=home.clock)
        with TestClient(app) as client:
            caller = phone(home, client)
            # The one place is taken by a call that has not ended.
            gate: Any = app.middleware_stack
            while not isinstance(gate, Gate):
                gate = getattr(gate, "app", None) or gate._app
            gate._under_way = 1
            refused = caller.get("/v1/household")
            assert (refused.status_code, refused.json()["code"], refused.json()["retryable"]) == (503, "busy", True)
            assert refused.headers["retry-after"] == "5"
            assert client.get("/healthz").status_code == 200
            gate._under_way = 0
            assert caller.get("/v1/household").status_code == 200


class TestTheNumbersOfTheProcess:
    def ask(self, client: TestClient, host: str = "127.0.0.1", **headers: str) -> Any:
        return TestClient(client.app, base_url=f"http://{host}", client=("127.0.0.1", 50000)).get("/metrics", headers=headers)

    def test_count_calls_by_the_template_of_their_route(self, client: TestClient, phone: Phone) -> None:
        phone.get(f"/v1/drafts/{phone.draft()['draft_id']}")
        client.get("/no/such/path")
        told = self.ask(client).text
        assert 'halo_http_requests_total{method="GET",route="/v1/drafts/{draft_id}",status="2xx"} 1.0' in told
        assert 'halo_http_requests_total{method="GET",route="none",status="4xx"} 1.0' in told
        assert "halo_open_drafts 1.0" in told
        assert "halo_books_readable 1.0" in told

    def test_name_nobody(self, home: Installation, client: TestClient, phone: Phone) -> None:
        drafted = phone.draft()
        phone.get(f"/v1/cards/{drafted['draft_id']}")
        told = self.ask(client).text
        with home.queries() as queries:
            household, names = queries.household(), [member.display_name for member in queries.members()]
        for secret in (drafted["draft_id"], phone.token, phone.device_id, household.id, household.name, "usr_", "batteries", *names):
            assert secret not in told

    def test_are_for_this_machine(self, client: TestClient) -> None:
        assert self.ask(client).status_code == 200
        assert self.ask(client, **{"X-Forwarded-For": "203.0.113.9"}).status_code == 404
        assert self.ask(client, host="halo.example").status_code == 404
        assert client.get("/metrics").status_code == 404

    def test_are_for_whoever_has_the_token_where_there_is_one(self, home: Installation) -> None:
        settings = home.settings.model_copy(update={"metrics_token": SecretStr("scrape-me-gently")})
        with TestClient(create_app(settings, clock=home.clock), base_url="http://halo.example") as client:
            assert client.get("/metrics", headers={"Authorization": "Bearer scrape-me-gently"}).status_code == 200
            assert client.get("/metrics", headers={"Authorization": "Bearer another"}).status_code == 404
            assert self.ask(client).status_code == 404


class TestTheHouseholdsFigures:
    def test_are_its_members_to_read(self, phone: Phone, client: TestClient) -> None:
        phone.draft()
        told = phone.get("/v1/metrics", by="verb").json()
        assert told["total"]["figures"]["drafts"] == {"unit": "count", "value": 1}
        assert told["rows"][0]["key"] == "ORDER"
        assert told["days"][-1]["charged"] == {"cents": 0, "currency": "USD", "display": "$0.00"}
        assert client.get("/v1/metrics").status_code == 401

    def test_refuse_days_that_are_none(self, phone: Phone) -> None:
        assert phone.get("/v1/metrics", since="yesterday").status_code == 422
        assert phone.get("/v1/metrics", since="2026-03-02", until="2026-03-01").status_code == 422
