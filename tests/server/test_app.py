"""The HTTP face: what it answers, and that nothing sent to it is a 500."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from halo_engine.clock import FakeClock
from halo_engine.settings import load_settings
from server.app import create_app
from tests.installation import NOON, Installation


@pytest.fixture
def client(home: Installation) -> Iterator[TestClient]:
    """A client of the application, in process."""
    with TestClient(create_app(home.settings, clock=home.clock)) as test_client:
        yield test_client


class TestHealth:
    def test_answers(self, client: TestClient) -> None:
        """The process lives and its books can be read."""
        assert client.get("/healthz").json() == {"status": "ok"}
        assert client.get("/readyz").json() == {"status": "ready"}

    def test_says_why_it_is_not_ready(self, tmp_path: Path) -> None:
        """Without books it is a 503 that says what to do."""
        settings = load_settings(home=tmp_path / "empty", environ={})
        with TestClient(create_app(settings, clock=FakeClock(NOON))) as client:
            answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["code"]) == (503, "not_initialised")
        assert answer.headers["Retry-After"]


class TestParsing:
    def test_gives_the_intent(self, client: TestClient) -> None:
        """The same form as `halo parse`."""
        body = {"text": "order 2 packs of AA batteries", "now": "2026-03-03T12:00:00Z", "tz": "America/New_York"}
        intent = client.post("/v1/command/parse", json=body).json()
        assert (intent["verb"], intent["params"]["items"][0]["quantity"]) == ("ORDER", 2)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"[]",
            b"null",
            b'"\\ud800"',
            b'{"text": NaN}',
            b'{"text": 1e999}',
            b'{"text": "\\ud800"}',
            b'{"\\ud800": 1}',
            b'{"text": "a", "text": "b"}',
            b'{"text": "a", "surprise": "sk_live_SECRET"}',
            b'{"text": ["a"]}',
            b'{"text": "a", "now": "2026-03-03T12:00:00"}',
            b'{"text": "a", "tz": "Mars/Olympus"}',
            b'{"text": ""}',
            b"[" * 100_000,
            b"\xff\xfe",
            b'{"text": ' + b"1" * 5_000 + b"}",
        ],
        ids=range(18),
    )
    def test_of_a_bad_body_is_a_problem_that_echoes_nothing(self, client: TestClient, body: bytes) -> None:
        """Whatever is sent, the answer is a 4xx in the one form, without the sender's text in it."""
        answer = client.post("/v1/command/parse", content=body)
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        assert {"type", "title", "status", "code"} <= set(answer.json())
        assert "SECRET" not in answer.text
        assert "Mars" not in answer.text

    def test_of_too_much_is_refused(self, client: TestClient) -> None:
        """A body has an end."""
        assert client.post("/v1/command/parse", content=b" " * (9 * 1024 * 1024)).status_code == 413


class TestAnUnknownRoute:
    @pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("DELETE", "/healthz", 405)])
    def test_is_a_problem_too(self, client: TestClient, method: str, path: str, status: int) -> None:
        """Also the framework's own errors have the one form."""
        answer = client.request(method, path)
        assert (answer.status_code, answer.json()["status"]) == (status, status)
