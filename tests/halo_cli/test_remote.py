"""The door behind a server: which servers it trusts, how it bears with bad ones, and that nothing it repeats is done twice."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from halo_cli.remote import RemoteDoor
from halo_engine.clock import FakeClock
from halo_engine.model.errors import HaloError, InvalidInput, NotAuthorised, NotFound, ServerAway
from tests.installation import NOON, Installation
from tests.server.calling import BATTERIES, served

TOKEN = "hdv_" + "0" * 64
HOUSEHOLD = {"me": "usr_me", "household": {}, "members": []}
EXECUTION = "exe_01m811frhbec2ry6ja3p5hhbpq"


def answering(answer: Callable[[httpx.Request], httpx.Response]) -> RemoteDoor:
    """A door to a server that answers as it is told to."""
    return RemoteDoor("https://halo.example", TOKEN, clock=FakeClock(NOON), transport=httpx.MockTransport(answer))


def always(answer: httpx.Response) -> RemoteDoor:
    """A door to a server that has one answer."""
    return answering(lambda _: answer)


@contextmanager
def on_a_socket(handle: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """Something at an address that is no Halo."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            handle(self)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class TestAnAddress:
    @pytest.mark.parametrize(
        "url", ["https://halo.example", "https://halo.example:8443/home/", "http://127.0.0.1:8080", "http://localhost/", "http://[::1]:1"]
    )
    def test_is_one_where_a_token_is_safe(self, url: str) -> None:
        RemoteDoor(url, TOKEN).close()

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "halo.example",
            "ftp://halo.example",
            "file:///etc/passwd",
            "http://halo.example",
            "http://192.168.1.5:8080",
            "http://127.0.0.1.halo.example",
            "http://localhost.example",
            "http://127.0.0.1@halo.example",
            "https://user:secret@halo.example",
            "https://halo.example/?a=b",
            "https://halo.example/#a",
            "https://",
            "https://[::1",
            "https://halo.example:99999",
            "https://halo.\u0435xample",
            "http://\u0661\u0662\u0667.0.0.1",
        ],
    )
    def test_is_refused_otherwise(self, url: str) -> None:
        with pytest.raises(InvalidInput):
            RemoteDoor(url, TOKEN)

    def test_may_be_unsafe_only_on_purpose(self) -> None:
        RemoteDoor("http://192.168.1.5:8080", TOKEN, insecure=True).close()

    @pytest.mark.parametrize("token", ["", "hdv_", "SECRET\r\nX: y", "hdv_" + "g" * 64])
    def test_wants_a_token(self, token: str) -> None:
        with pytest.raises(InvalidInput) as raised:
            RemoteDoor("https://halo.example", token)
        assert "SECRET" not in raised.value.message + raised.value.hint


class TestAServer:
    def test_that_is_away_is_an_error_that_says_so(self) -> None:
        """Nobody listens on port 1; the pauses pass on the door's clock."""
        with (
            RemoteDoor("http://127.0.0.1:1", TOKEN, clock=FakeClock(NOON)) as door,
            pytest.raises(ServerAway, match="could not be reached") as raised,
        ):
            door.household()
        assert "halo serve" in raised.value.hint

    @pytest.mark.parametrize(
        "answer",
        [
            httpx.Response(200, content=b"<html>hello</html>"),
            httpx.Response(200, content=b""),
            httpx.Response(200, content=b"[]"),
            httpx.Response(200, content=b'{"household": NaN}'),
            httpx.Response(200, json={"household": {"id": 1}}),
            httpx.Response(200, json={"household": {"id": "h", "name": "n", "time_zone": "z", "more": "2026-01-01T00:00:00Z"}}),
            httpx.Response(204),
            httpx.Response(302, headers={"Location": "https://elsewhere.example"}),
            httpx.Response(500, content=b"boom"),
            httpx.Response(502),
            httpx.Response(200, content=b" " * (9 * 1024 * 1024)),
            httpx.Response(200, content=b"\x1f\x8b", headers={"Content-Encoding": "gzip"}),
        ],
        ids=range(12),
    )
    def test_that_is_no_halo_is_one_too(self, answer: httpx.Response) -> None:
        """Not followed anywhere, not read without end, and no traceback."""
        with pytest.raises(ServerAway):
            always(answer).household()

    def test_that_is_newer_is_understood_as_far_as_this_goes(self) -> None:
        """The reason: a server says more from one release to the next, and a terminal elsewhere is not replaced on the same day."""
        home = {"id": "h", "name": "n", "time_zone": "Europe/Berlin", "created_at": "2026-01-01T00:00:00Z", "more": 1}
        assert always(httpx.Response(200, json={"household": home, "more": 1})).household().name == "n"

    def test_that_sends_us_elsewhere_learns_nothing_there(self) -> None:
        """The token goes to the address that was given, and nowhere else."""
        asked: list[str] = []

        def moved(request: httpx.Request) -> httpx.Response:
            asked.append(request.url.host)
            return httpx.Response(307, headers={"Location": "https://elsewhere.example/v1/household"})

        with pytest.raises(ServerAway):
            answering(moved).household()
        assert asked == ["halo.example"]

    def test_that_never_ends_is_cut(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A byte at a time would be an answer for ever; there is a total deadline."""
        from halo_engine.vendors.http import Limits

        monkeypatch.setattr("halo_cli.remote._LIMITS", Limits(total_s=0.5))

        def drip(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(200)
            handler.end_headers()
            try:
                for _ in range(200):
                    handler.wfile.write(b" ")
                    threading.Event().wait(0.05)
            except OSError:
                return

        with on_a_socket(drip) as url, RemoteDoor(url, TOKEN) as door, pytest.raises(ServerAway):
            door.household()

    @pytest.mark.parametrize(
        ("status", "problem", "code"),
        [
            (404, {"code": "not_found", "title": "There is none.", "detail": "There is none. Look.", "hint": "Look."}, "not_found"),
            (422, {"code": "bad_body", "title": "No."}, "invalid_input"),
            (409, {"code": "draft_expired", "title": "Over."}, "draft_expired"),
            (409, {"code": "already_confirmed"}, "already_confirmed"),
            (403, {"code": "needs_another"}, "needs_another"),
            (503, {"code": "vendor_failed"}, "vendor_failed"),
            (401, {"code": "unauthenticated"}, "not_authorised"),
            (418, {}, "invalid_input"),
            (500, {"code": "unexpected"}, "server_away"),
            (404, {"code": "__class__", "detail": 7}, "not_found"),
        ],
    )
    def test_tells_errors_that_are_the_engines(self, status: int, problem: dict[str, Any], code: str) -> None:
        door = answering(lambda _: httpx.Response(status, json=problem))
        with pytest.raises(HaloError) as raised:
            door.form("dft_01m811frhbec2ry6ja3p5hhbpq")
        assert raised.value.code == code
        if "hint" in problem:
            assert (raised.value.message, raised.value.hint) == ("There is none.", "Look.")


class TestAnActWhoseAnswerIsLost:
    @staticmethod
    def _losing(times: int, sent: list[httpx.Request]) -> RemoteDoor:
        def lossy(request: httpx.Request) -> httpx.Response:
            if request.method == "GET":
                return httpx.Response(200, json=HOUSEHOLD)
            sent.append(request)
            if len(sent) <= times:
                raise httpx.ReadError("the line is cut")
            return httpx.Response(409, json={"code": "conflict", "title": "Done already."})

        return answering(lossy)

    def test_is_sent_again_under_the_same_key(self) -> None:
        sent: list[httpx.Request] = []
        with pytest.raises(HaloError, match="Done already"):
            self._losing(2, sent).cancel("dft_0", member="usr_me")
        assert len(sent) == 3
        assert len({request.headers["idempotency-key"] for request in sent}) == 1
        assert len({request.content for request in sent}) == 1

    def test_is_given_up_and_says_that_it_may_be_done(self) -> None:
        sent: list[httpx.Request] = []
        with pytest.raises(ServerAway) as raised:
            self._losing(99, sent).cancel("dft_0", member="usr_me")
        assert "may have been done" in raised.value.hint
        assert len(sent) == 3

    def test_has_another_key_than_the_next_act(self) -> None:
        sent: list[httpx.Request] = []
        door = self._losing(0, sent)
        for _ in range(2):
            with pytest.raises(HaloError):
                door.cancel("dft_0", member="usr_me")
        assert len({request.headers["idempotency-key"] for request in sent}) == 2

    def test_waits_while_the_first_is_still_being_done(self) -> None:
        answers = iter([(409, "idempotency_in_flight"), (409, "idempotency_in_flight"), (409, "already_cancelled")])

        def busy(request: httpx.Request) -> httpx.Response:
            if request.method == "GET":
                return httpx.Response(200, json=HOUSEHOLD)
            status, code = next(answers)
            return httpx.Response(status, json={"code": code, "title": "No."})

        with pytest.raises(HaloError) as raised:
            answering(busy).cancel("dft_0", member="usr_me")
        assert raised.value.code == "already_cancelled"

    def test_is_done_once_at_a_real_server(self, tmp_path: Path) -> None:
        """The request arrives, the answer is lost on the way; asked again, the server says what it said."""
        home = Installation.open(tmp_path / "home")

        class Lossy(httpx.HTTPTransport):
            lost = 0

            def handle_request(self, request: httpx.Request) -> httpx.Response:
                response = super().handle_request(request)
                if request.method == "POST" and not self.lost:
                    response.read()
                    Lossy.lost = self.lost = 1
                    raise httpx.ReadError("the line is cut")
                return response

        token = home.engine.devices.add("phone", by=None).token.get_secret_value()
        with served(home) as url, RemoteDoor(url, token, transport=Lossy()) as door:
            card = door.draft(BATTERIES, member=door.me, channel="test")
            assert [one.card for one in door.said(limit=10)] == [card]
        home.engine.close()


class TestTheMemberWhoActs:
    def test_is_the_tokens_or_nobody(self, tmp_path: Path) -> None:
        """What would be done in another one's name is not sent at all."""
        home = Installation.open(tmp_path / "home")
        token = home.engine.devices.add("phone", by="Kim").token.get_secret_value()
        with served(home) as url, RemoteDoor(url, token) as door:
            alex = door.members()[0]
            assert alex.id != door.me
            with pytest.raises(NotAuthorised):
                door.draft(BATTERIES, member=alex.id, channel="test")
            assert door.said(limit=10) == ()
        home.engine.close()

    def test_is_shut_out_when_its_device_is_revoked(self, tmp_path: Path) -> None:
        home = Installation.open(tmp_path / "home")
        new = home.engine.devices.add("phone", by=None)
        with served(home) as url, RemoteDoor(url, new.token.get_secret_value()) as door:
            me = door.me
            home.engine.devices.revoke(new.device.id, by=None)
            with pytest.raises(NotAuthorised, match="does not know this device"):
                door.draft(BATTERIES, member=me, channel="test")
        home.engine.close()


class TestWaiting:
    def test_asks_now_and_then_and_not_without_end(self) -> None:
        """A minute of waiting is not a thousand questions; and it ends when it is over."""
        asked: list[str] = []

        def executing(request: httpx.Request) -> httpx.Response:
            asked.append(request.url.path)
            return httpx.Response(200, json={"kind": "executing", "title": "Executing", "summary": "", "execution_id": EXECUTION})

        clock = FakeClock(NOON)
        door = RemoteDoor("https://halo.example", TOKEN, clock=clock, transport=httpx.MockTransport(executing))
        assert door.carry_on(EXECUTION, wait_s=60).kind.value == "executing"
        assert (clock.now() - NOON).total_seconds() == 60
        assert 10 < len(asked) <= 300

    def test_of_something_else_than_an_execution_is_refused(self) -> None:
        with pytest.raises(NotFound):
            answering(lambda _: httpx.Response(500)).carry_on("dft_01m811frhbec2ry6ja3p5hhbpq", wait_s=60)


class TestTheToken:
    def test_is_in_no_error(self) -> None:
        """Whatever the server says."""
        problem = json.dumps({"code": "conflict", "title": "No."})
        for answer in (httpx.Response(401), httpx.Response(409, content=problem), httpx.Response(500), httpx.Response(200)):
            with pytest.raises(HaloError) as raised:
                always(answer).household()
            assert TOKEN not in f"{raised.value!r} {raised.value.hint} {raised.value.__cause__!r}"
