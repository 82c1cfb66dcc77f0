"""The one client: what it sends, how often, and how it ends."""

from __future__ import annotations

import logging
import socket
import struct
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from halo_engine import telemetry
from halo_engine.clock import FakeClock
from halo_engine.settings import Settings
from halo_engine.vendors import http as http_module
from halo_engine.vendors.http import MAX_RETRY_AFTER_S, Answer, Call, Limits, MayHaveBeenSent, NotSent, VendorHttp, leaving_until
from tests.halo_engine.vendors.kit import NOW, Script, client, loopback, ok, raw, swallow_request

CALL = Call(method="POST", url="http://vendor.invalid/orders", json={"n": 1})


def until(connection: socket.socket, answer: bytes) -> None:
    swallow_request(connection)
    connection.sendall(answer)


class TestCommit:
    @pytest.mark.parametrize("step", [raw("", 503), raw("", 429), httpx.ConnectError("x"), httpx.ReadTimeout("x")])
    def test_is_sent_once(self, step: httpx.Response | Exception) -> None:
        """No status and no failure makes the client send it again."""
        script = Script(step)
        client(script).commit(CALL)
        assert len(script.sent) == 1

    @pytest.mark.parametrize("error", [httpx.ConnectError("x"), httpx.ConnectTimeout("x"), httpx.PoolTimeout("x")])
    def test_was_not_sent_without_a_connection(self, error: Exception) -> None:
        """Nothing left, so it is certainly not done."""
        assert isinstance(client(Script(error)).commit(CALL), NotSent)

    @pytest.mark.parametrize(
        "error",
        [
            httpx.ReadTimeout("x"),
            httpx.WriteTimeout("x"),
            httpx.WriteError("x"),
            httpx.ReadError("x"),
            httpx.RemoteProtocolError("x"),
            httpx.LocalProtocolError("x"),
            OSError("x"),
        ],
    )
    def test_may_have_been_sent_after_that(self, error: Exception) -> None:
        """Anything that goes wrong later leaves it open whether it was done."""
        assert isinstance(client(Script(error)).commit(CALL), MayHaveBeenSent)

    @pytest.mark.parametrize("url", ["http://[", "ftp://vendor.invalid/", "nowhere"])
    def test_is_not_sent_to_a_nonsense_address(self, url: str) -> None:
        """A mistake in the settings ends as an answer, not as a crash."""
        assert isinstance(client(None).commit(Call(method="GET", url=url)), NotSent)

    def test_is_not_sent_with_a_header_that_cannot_be_written(self) -> None:
        """A token with a letter beyond ASCII never reaches the wire."""
        script = Script()
        assert isinstance(client(script).commit(Call(method="GET", url="http://v.invalid/", headers={"x": "ü"})), NotSent)
        assert script.sent == []

    @pytest.mark.parametrize("late", [timedelta(0), timedelta(hours=3)])
    def test_does_not_leave_when_its_time_is_over(self, late: timedelta) -> None:
        """Whoever slept until then may not send any more: others act on its silence."""
        script, clock = Script(ok({})), FakeClock(NOW)
        http = client(script, clock)
        with leaving_until(NOW + timedelta(seconds=5), clock):
            clock.advance(timedelta(seconds=5) + late)
            assert isinstance(http.commit(CALL), NotSent)
        assert script.sent == []
        assert isinstance(http.commit(CALL), Answer)


class TestRead:
    @pytest.mark.parametrize("first", [raw("", 429), raw("", 502), raw("", 503), raw("", 504), httpx.ConnectError("x")])
    def test_tries_again_while_the_vendor_is_busy(self, first: httpx.Response | Exception) -> None:
        """One hiccup is not worth an error."""
        reply = client(Script(first, ok({"fine": True}))).read(CALL)
        assert isinstance(reply, Answer)
        assert reply.json() == {"fine": True}

    def test_gives_up_after_three(self) -> None:
        """The third answer stands."""
        script = Script(*[raw("", 503)] * 3)
        reply = client(script).read(CALL)
        assert isinstance(reply, Answer)
        assert (reply.status, len(script.sent)) == (503, 3)

    @pytest.mark.parametrize("step", [raw("", 500), raw("", 404), httpx.ReadTimeout("x")])
    def test_does_not_repeat_what_repeating_cannot_mend(self, step: httpx.Response | Exception) -> None:
        """A broken vendor is not asked three times at twenty seconds each."""
        script = Script(step)
        client(script).read(CALL)
        assert len(script.sent) == 1

    def test_waits_as_long_as_it_is_asked_to(self) -> None:
        """Two seconds of the clock pass, none of ours."""
        clock = FakeClock(NOW)
        client(Script(httpx.Response(429, headers={"retry-after": "2"}), ok({})), clock).read(CALL)
        assert clock.now() == NOW + timedelta(seconds=2)

    def test_does_not_wait_for_a_vendor_that_asks_for_minutes(self) -> None:
        """A person is waiting: the answer goes up instead."""
        script = Script(httpx.Response(429, headers={"retry-after": "120"}))
        reply = client(script).read(CALL)
        assert isinstance(reply, Answer)
        assert reply.retry_after_s == 120


class TestRetryAfter:
    @pytest.mark.parametrize(
        ("header", "seconds"),
        [
            ("0", 0),
            ("30", 30),
            ("1000000000000", MAX_RETRY_AFTER_S),
            ("9" * 5000, MAX_RETRY_AFTER_S),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
            ("Sun, 22 Nov 2026 12:00:10 GMT", 10),
            ("Sun, 22 Nov 2026 11:00:00 GMT", 0),
            ("Sun, 22 Nov 9999 12:00:10 GMT", MAX_RETRY_AFTER_S),
            ("Sun, 99 Nov 2026 12:00:10 GMT", None),
        ],
    )
    def test_is_bounded(self, header: str, seconds: int | None) -> None:
        """Whatever the vendor writes, the wait is neither negative nor longer than the bound."""
        reply = client(Script(httpx.Response(429, headers={"retry-after": header}))).commit(CALL)
        assert isinstance(reply, Answer)
        assert reply.retry_after_s == seconds


class TestBody:
    def test_may_not_be_larger_than_the_cap(self) -> None:
        """Reading stops at the cap, not at the end."""
        served: list[int] = []

        def endless() -> Iterator[bytes]:
            while True:
                served.append(1)
                yield b"x" * 1000

        reply = client(Script(httpx.Response(200, content=endless())), limits=Limits(max_body_bytes=5_000)).commit(CALL)
        assert isinstance(reply, MayHaveBeenSent)
        assert len(served) == 6

    def test_may_not_drip_beyond_the_deadline(self) -> None:
        """Every chunk comes in time, all of them together do not."""
        now_s = [0.0]

        def drip() -> Iterator[bytes]:
            while True:
                now_s[0] += 0.4
                yield b"x"

        http = VendorHttp(Script(httpx.Response(200, content=drip())), FakeClock(NOW), monotonic=lambda: now_s[0])
        reply = http.commit(CALL)
        assert isinstance(reply, MayHaveBeenSent)
        assert reply.why == "no complete answer within 30 s"
        assert now_s[0] < 31

    def test_is_not_unpacked(self) -> None:
        """A compressed answer was not asked for, and may be a bomb."""

        def squeezed(_request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(b"\x1f\x8b"))

        assert isinstance(client(Script(squeezed)).commit(CALL), MayHaveBeenSent)

    def test_is_read_only_when_wanted(self) -> None:
        """An HTML page is an answer; that it is not JSON matters to whoever reads it."""
        reply = client(Script(raw("<html>"))).commit(CALL)
        assert isinstance(reply, Answer)


class TestRequest:
    def test_asks_for_plain_bytes(self) -> None:
        """No compression, and a name."""
        script = Script(ok({}))
        client(script).commit(CALL)
        assert script.sent[0].headers["accept-encoding"] == "identity"
        assert script.sent[0].headers["user-agent"].startswith("halo/")

    def test_keeps_no_cookies(self) -> None:
        """What one answer sets, the next request does not carry."""
        script = Script(httpx.Response(200, headers={"set-cookie": "session=1; Path=/"}), ok({}))
        http = client(script)
        http.commit(CALL)
        http.commit(CALL)
        assert "cookie" not in script.sent[1].headers

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_is_never_redirected(self, status: int) -> None:
        """A redirect is an answer like another: no second request, so no credential for another host."""
        script = Script(httpx.Response(status, headers={"location": "http://169.254.169.254/"}))
        reply = client(script).read(CALL)
        assert isinstance(reply, Answer)
        assert (reply.status, len(script.sent)) == (status, 1)


class TestSecrets:
    def test_are_in_no_log_and_no_repr(self, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
        """At DEBUG, through failure and success, neither header nor query nor body is written."""
        caplog.set_level(logging.DEBUG)
        telemetry.start(Settings(home=tmp_path, log_file="log", log_level="debug"))
        call = Call(
            method="POST",
            url="http://vendor.invalid/x",
            headers={"authorization": "canary-header"},
            query={"key": "canary-query"},
            form={"password": "canary-body"},
        )
        http = client(Script(ok({"token": "canary-answer"}), httpx.ReadTimeout("canary-error")))
        replies = [http.commit(call), http.commit(call)]
        telemetry.stop()
        log = (tmp_path / "logs" / "log").read_text()
        assert "canary" not in caplog.text + log + repr(call) + repr(replies)
        assert '"host": "vendor.invalid", "path": "/x"' in log


class TestOnRealSockets:
    """Where in-process transports cannot show what sockets do."""

    def test_an_answer_comes_through(self) -> None:
        """The ordinary case, so that the others mean something."""
        with loopback(lambda c: until(c, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")) as url:
            reply = client(None).commit(Call(method="GET", url=url))
        assert isinstance(reply, Answer)

    def test_a_machine_that_slept_while_it_connected_sends_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Between the check and the first byte lie a name, a connection and a handshake: it is checked again."""
        heard: list[bytes] = []
        still_in_time = iter([True, False])
        token = http_module._may_leave.set(lambda: next(still_in_time))
        with loopback(lambda c: heard.append(c.recv(100))) as url:
            reply = client(None).commit(Call(method="GET", url=url))
        http_module._may_leave.reset(token)
        assert isinstance(reply, NotSent)
        assert heard == [b""]

    def test_nobody_listening_is_not_sent(self) -> None:
        """A refused connection is known not to have carried anything."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        assert isinstance(client(None).commit(Call(method="GET", url=url)), NotSent)

    def test_a_server_that_never_answers_is_cut_off(self) -> None:
        """The total deadline holds where not even a header comes, long before the read timeout."""

        def stall(connection: socket.socket) -> None:
            until(connection, b"HTTP/1.1 200 OK\r\nX-Slow: ")
            connection.recv(1)

        limits = Limits(read_s=20, total_s=0.15)
        started = time.monotonic()
        with loopback(stall) as url:
            reply = client(None, limits=limits).commit(Call(method="GET", url=url))
        assert isinstance(reply, MayHaveBeenSent)
        assert reply.why == "no complete answer within 0.15 s"
        assert time.monotonic() - started < 5

    @pytest.mark.parametrize(
        "answer",
        [
            b"",
            b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"\x00\x01\x02 rubbish\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nX: " + b"h" * 200_000,
        ],
        ids=["nothing", "cut short", "broken chunk", "not HTTP", "endless header"],
    )
    def test_a_broken_answer_may_have_been_sent(self, answer: bytes) -> None:
        """The request arrived; what became of it is open."""
        with loopback(lambda c: until(c, answer)) as url:
            reply = client(None).commit(Call(method="GET", url=url))
        assert isinstance(reply, MayHaveBeenSent)

    def test_a_reset_may_have_been_sent(self) -> None:
        """The vendor may have acted before it hung up."""

        def reset(connection: socket.socket) -> None:
            swallow_request(connection)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        with loopback(reset) as url:
            reply = client(None).commit(Call(method="GET", url=url))
        assert isinstance(reply, MayHaveBeenSent)

    def test_every_call_has_a_connection_of_its_own(self) -> None:
        """A commit never rides on a connection that the vendor may just have closed."""
        connections: list[int] = []

        def count(connection: socket.socket) -> None:
            connections.append(1)
            until(connection, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            connection.recv(1)

        with loopback(count) as url:
            http = client(None)
            http.commit(Call(method="GET", url=url))
            http.commit(Call(method="GET", url=url))
        assert len(connections) == 2
