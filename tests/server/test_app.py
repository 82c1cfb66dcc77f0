"""The HTTP face: what it answers, and that nothing sent to it is a 500."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from halo_engine.clock import FakeClock
from halo_engine.settings import load_settings
from server.app import create_app
from tests.installation import NOON, Installation
from tests.server.calling import Phone

BAD_BODIES = (
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
    b'{"text": {"$gt": ""}}',
    b'{"text": true}',
    b'{"draft_id": NaN, "draft_hash": Infinity}',
    b'{"draft_id": 1, "draft_hash": 2}',
    b'{"draft_id": "\\ud800", "draft_hash": "\\ud800"}',
    b'{"draft_id": null, "draft_hash": null}',
    b'{"draft_id": "dft_0", "values": {"SECRET": 1}}',
    b'{"draft_id": "dft_0", "values": ["SECRET"]}',
    b"[" * 60_000,
    b"\xff\xfe",
    b"\xef\xbb\xbf{}",
    b'{"text": ' + b"1" * 5_000 + b"}",
)
POSTS = ("command/parse", "command/hear", "draft/create", "draft/modify", "draft/confirm", "draft/cancel")


class TestHealth:
    def test_answers(self, client: TestClient) -> None:
        """The process lives and its books can be read; nobody has to say who they are."""
        assert client.get("/healthz").json() == {"status": "ok"}
        assert client.get("/readyz").json()["status"] == "ready"

    def test_says_why_it_is_not_ready(self, tmp_path: Path) -> None:
        """Without books it is a 503 that says what to do."""
        settings = load_settings(home=tmp_path / "empty", environ={})
        with TestClient(create_app(settings, clock=FakeClock(NOON))) as client:
            answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["code"]) == (503, "not_initialised")
        assert answer.headers["Retry-After"]


class TestParsing:
    def test_gives_the_intent(self, phone: Phone) -> None:
        """The same form as `halo parse`."""
        body = {"text": "order 2 packs of AA batteries", "now": "2026-03-03T12:00:00Z", "tz": "America/New_York"}
        intent = phone.post("/v1/command/parse", body).json()
        assert (intent["verb"], intent["params"]["items"][0]["quantity"]) == ("ORDER", 2)

    def test_without_more_is_as_the_household_means_it(self, home: Installation, phone: Phone) -> None:
        """Its time, its zone, its bundles."""
        text = "book nopa tomorrow at 7 for four people"
        read = home.engine.parse(text).model_dump(mode="json")
        said = {name: value for name, value in read["params"].items() if value is not None}
        assert phone.post("/v1/command/parse", {"text": text}).json() == {**read, "params": said}

    @pytest.mark.parametrize(
        "body", [b'{"text": "a", "now": "2026-03-03T12:00:00"}', b'{"text": "a", "tz": "Mars/Olympus"}', b'{"text": ""}']
    )
    def test_against_what_cannot_be_is_a_problem(self, phone: Phone, body: bytes) -> None:
        answer = phone.send("/v1/command/parse", body)
        assert answer.status_code == 422
        assert "Mars" not in answer.text


class TestABadBody:
    @pytest.mark.parametrize("path", POSTS)
    def test_is_a_problem_that_echoes_nothing(self, phone: Phone, path: str) -> None:
        """Whatever is sent, the answer is a 4xx in the one form, without the sender's text in it."""
        for body in BAD_BODIES:
            answer = phone.send(f"/v1/{path}", body)
            assert answer.status_code == 422, body[:40]
            assert answer.headers["content-type"] == "application/problem+json"
            assert {"type", "title", "status", "code"} <= set(answer.json())
            assert "SECRET" not in answer.text

    @pytest.mark.parametrize("path", POSTS)
    def test_that_is_too_much_is_refused(self, phone: Phone, path: str) -> None:
        """A body has an end."""
        assert phone.send(f"/v1/{path}", b" " * (9 * 1024 * 1024)).status_code == 413


class TestAnUnknownRoute:
    @pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("DELETE", "/healthz", 405)])
    def test_is_a_problem_too(self, client: TestClient, method: str, path: str, status: int) -> None:
        """Also the framework's own errors have the one form."""
        answer = client.request(method, path)
        assert (answer.status_code, answer.json()["status"]) == (status, status)


class TestABug:
    def test_is_a_problem_that_tells_nothing(self, home: Installation, phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
        """What went wrong is for the log of whoever runs the server."""

        def broken(_: object) -> None:
            raise RuntimeError("SECRET")

        monkeypatch.setattr("server.home.Home.queries", broken)
        client = TestClient(phone.client.app, raise_server_exceptions=False)
        answer = client.get("/v1/activity", headers=phone.headers())
        assert (answer.status_code, answer.json()["code"]) == (500, "unexpected")
        assert "SECRET" not in answer.text
