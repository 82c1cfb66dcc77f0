"""The tools of the vendor rows: that the proxy really breaks sockets, that nothing else changes, and that every kind of row can fail."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import pytest

from halo_engine.model.execution import Classification, ExecutionStatus
from halo_engine.model.outcome import Reason, Rejected
from halo_engine.stages.execute import Executing
from halo_engine.vendors import amazon, http, wire
from halo_engine.vendors.amazon_auth import AccessTokens
from tests.torture.harness import Problem, tried
from tests.torture.jobs import JOBS
from tests.torture.proxy import SHAPING, TOXICS, Position, Proxy, Toxic, open_proxy, refusing_port, silent_port
from tests.torture.vendor_rows import ROWS
from tests.torture.vendor_world import calls, on_sockets

_ROW = {row.id: row for row in ROWS}
_REQUEST = b"GET /lwa/ HTTP/1.1\r\nHost: x\r\n\r\n"


@contextmanager
def _vendor(answer: bytes) -> Iterator[tuple[str, int]]:
    """A vendor that has one answer."""

    def say(line: Any, _ask: Any) -> None:
        line.read_request()
        line.send(answer)
        line.hang_up()

    with open_proxy(("127.0.0.1", 1)) as vendor:
        for _ in range(8):
            vendor.next(say)
        yield "127.0.0.1", vendor.port


def _asked(proxy: Proxy) -> bytes:
    """What comes back on one connection, until it ends."""
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as connection:
        connection.sendall(_REQUEST)
        received = b""
        while more := connection.recv(65536):
            received += more
        return received


class TestTheProxy:
    ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n" + b"x" * 400

    def test_passes_everything_on_when_nothing_is_asked_of_it(self) -> None:
        """Byte for byte."""
        with _vendor(self.ANSWER) as vendor, open_proxy(vendor) as proxy:
            assert _asked(proxy) == self.ANSWER

    @pytest.mark.parametrize("name", ["reset_peer", "connection_reset"])
    def test_resets_what_it_is_told_to_reset(self, name: str) -> None:
        """The kernel says so, not the test."""
        with _vendor(self.ANSWER) as vendor, open_proxy(vendor) as proxy:
            proxy.next(Toxic(name, Position.BEFORE, effect=True, random=Random(1)))
            with pytest.raises(ConnectionResetError):
                _asked(proxy)

    @pytest.mark.parametrize("name", sorted(set(TOXICS) - SHAPING - {"reset_peer", "connection_reset"}))
    def test_ends_the_call_in_the_middle_of_the_answer(self, name: str) -> None:
        """Some of it came, and not all."""
        with _vendor(self.ANSWER) as vendor, open_proxy(vendor) as proxy:
            proxy.next(Toxic(name, Position.MIDDLE, effect=True, random=Random(2)))
            received = _asked(proxy)
        assert received.startswith(b"HTTP/1.1 200")
        assert received != self.ANSWER

    @pytest.mark.parametrize("name", sorted(SHAPING - {"limit_data", "chunked_dribble", "slow_close"}))
    def test_only_slows_what_it_shapes(self, name: str) -> None:
        """All of it comes, in its own time."""
        with _vendor(self.ANSWER) as vendor, open_proxy(vendor) as proxy:
            proxy.next(Toxic(name, Position.BEFORE, effect=True, random=Random(1)))
            assert _asked(proxy) == self.ANSWER

    def test_has_roads_that_are_refused_and_roads_that_are_silent(self) -> None:
        """As the kernel refuses, and as a full queue is silent."""
        with refusing_port() as refusing, silent_port() as silent:
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", refusing), timeout=1)
            with pytest.raises(TimeoutError):
                socket.create_connection(("127.0.0.1", silent), timeout=0.2)


@pytest.mark.parametrize("job", JOBS)
def test_a_job_without_a_fault_is_done_once_on_sockets(job: str, tmp_path: Path) -> None:
    """The scene itself breaks nothing: every call goes through the proxy, and the job is done."""
    with on_sockets(job, tmp_path, limits=http.Limits()) as scene:
        execution = scene.carried(wait_s=3600)
        assert scene.proxy is not None
        assert scene.proxy.accepted == len(scene.wire.heard)
        assert list(scene.ended()) == []
    assert execution.status is ExecutionStatus.DONE


@pytest.mark.parametrize("row_id", _ROW)
def test_points_are_the_same_for_the_same_seed(row_id: str) -> None:
    """A point that was printed can be tried again; another seed tries others."""
    points = [[point for point, _ in zip(_ROW[row_id].points(Random(seed)), range(20), strict=False)] for seed in (1, 1, 2)]
    assert points[0] == points[1] != points[2]
    assert len(set(points[0])) == 20
    assert not any(set(point) & set(" \t\n") for point in points[0])


def test_every_job_is_looked_up_once_its_answer_is_lost() -> None:
    """Else the points that strike a look-up would strike nothing."""
    assert all(calls(job).find for job in JOBS)


# Planted bugs, each with a point at which its row has to catch it.


def _lost_is_a_no() -> AbstractContextManager[Any]:
    def end(self: Executing, job: Any, attempt: Any, message: str) -> Any:
        return self._end(job, attempt, ExecutionStatus.FAILED, Classification.AMBIGUOUS, error_message=message)

    return patch.object(Executing, "_unknown", end)


def _waits_as_told() -> AbstractContextManager[Any]:
    return patch.object(http, "MAX_RETRY_AFTER_S", 10**9)


def _three_deadlines() -> AbstractContextManager[Any]:
    make = http._Watchdog.__init__
    return patch.object(http._Watchdog, "__init__", lambda self, total_s, *more: make(self, total_s * 12, *more))


def _unreadable_is_a_no() -> AbstractContextManager[Any]:
    placed = amazon._placed

    def sure(*args: Any) -> Any:
        outcome = placed(*args)
        return Rejected(reason=Reason.OTHER, message="no") if outcome.kind == "unknown" else outcome

    return patch.object(amazon, "_placed", sure)


def _unreadable_is_a_traceback() -> AbstractContextManager[Any]:
    return patch.object(amazon, "UnreadableError", wire.Wire)


def _follows() -> AbstractContextManager[Any]:
    make = http.VendorHttp.__init__

    def follow(self: Any, *args: Any, **named: Any) -> None:
        make(self, *args, **named)
        self._client.follow_redirects = True

    return patch.object(http.VendorHttp, "__init__", follow)


def _looks_once() -> AbstractContextManager[Any]:
    return patch.object(Executing, "_next_look_up", lambda *_: None)


def _signs_in_thrice() -> AbstractContextManager[Any]:
    def thrice(self: AccessTokens) -> str:
        return [self._refreshed().secret.get_secret_value() for _ in range(3)][-1]

    return patch.object(AccessTokens, "current", thrice)


@contextmanager
def _says_what_it_is_told() -> Iterator[None]:
    def raw(text: str, **_: Any) -> str:
        return text

    with patch("halo_engine.vendors.wire.inert", raw), patch("cards.words.inert", raw):
        yield


# A client that follows redirects, which is one of the bugs, leaves connections open.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("plant", "row_id", "point"),
    [
        (_lost_is_a_no, "V-01", "order.do.place_order.before.reset_peer.yes.0"),
        (_waits_as_told, "V-02", "order.do.place_order.429.wait-huge.no"),
        (_three_deadlines, "V-03", "order.do.place_order.hang.yes"),
        (_unreadable_is_a_no, "V-04", "order.do.place_order.cut-100"),
        (_unreadable_is_a_traceback, "V-05", "order.do.place_order.0.null"),
        (_follows, "V-06", "order.do.products_by_asins.302.other_host.no"),
        (_lost_is_a_no, "V-07", "order.other_number.yes"),
        (_looks_once, "V-08", "order.100"),
        (_looks_once, "V-09", "order.ignored-10"),
        (_signs_in_thrice, "V-10", "order.do.products_by_asins.good.1"),
        (_says_what_it_is_told, "V-11", "order.title.ansi_clear.pipe"),
        (_says_what_it_is_told, "V-11", "order.title.osc_8.terminal"),
    ],
)
def test_planted_bug_is_caught(plant: Callable[[], AbstractContextManager[Any]], row_id: str, point: str) -> None:
    """The row can fail: the same point that is fine without the bug is not with it."""
    assert tried(_ROW[row_id], point) == []
    with plant():
        found: list[Problem] = tried(_ROW[row_id], point)
    assert found != []
