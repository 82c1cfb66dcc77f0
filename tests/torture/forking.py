"""A process that has imported everything and does nothing but fork: a child that buys, one that sells, one that holds the books' lock.

A start of Python with all its imports takes a second, a fork a hundredth of one. `forks()` is this side of it; `python -m tests.torture.forking`
the other, which reads one order a line and answers each with one line. A child told to wait stops before it begins, so that it can be traced from
its first step; what became of it is in its report, a file.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import gc
import importlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from halo_engine.clock import FakeClock
from halo_engine.engine import Engine
from halo_engine.model.errors import HaloError, StoreFailed
from halo_engine.settings import load_settings
from halo_engine.store import sqlite
from halo_engine.vendors.http import _tls
from halo_sim.http import SimServer, SimTransport
from halo_sim.world import World
from tests.installation import NOON, vendors_at

_ROOT = Path(__file__).parents[2]
_PR_SET_PDEATHSIG = 1

#: A minute after the yes: with another clock than the one that confirmed, because two clocks that start alike give the same identifiers.
SOON = NOON + timedelta(minutes=1)

#: No fault here takes longer; a child that does is a bug.
PATIENCE_S = 60


@dataclass(frozen=True)
class Said:
    """How a child that bought ended: in a status, in an error, in a traceback; or it said nothing, because it was killed."""

    status: str | None = None
    error: str | None = None
    is_store_failed: bool = False
    traceback: str | None = None


# The children.


@dataclass(frozen=True)
class Purchase:
    """What a buying child is to do. Without a `url` the vendors are in its own process."""

    home: str
    execution_id: str
    report: str
    url: str | None = None
    #: `wal`, or `truncate` for what Halo uses on a machine with an old SQLite.
    journal: str = "wal"
    #: What is around it in the child: a context manager by name, `package.module:function`, called with `how`.
    around: str | None = None
    how: Mapping[str, Any] | None = None


def buy(purchase: Purchase) -> None:
    """Carry the execution out, and report how that ended."""
    said = _bought(purchase)
    Path(purchase.report).write_text(json.dumps(said.__dict__))


def _bought(purchase: Purchase) -> Said:
    try:
        with ExitStack() as stack:
            if purchase.around:
                stack.enter_context(_named(purchase.around)(**(purchase.how or {})))
            return _carried_out(purchase)
    except BaseException:  # noqa: BLE001 - whatever else comes out is what is looked for
        return Said(traceback=traceback.format_exc())


def _carried_out(purchase: Purchase) -> Said:
    try:
        _set_journal(purchase.journal)
        settings = load_settings(home=Path(purchase.home), environ=vendors_at(purchase.url) if purchase.url else {})
        clock = FakeClock(SOON, seed=2)
        transport = None if purchase.url else SimTransport(World.open(settings.simulator_file, clock))
        with Engine.open(settings, clock=clock, transport=transport) as engine:
            return Said(status=engine.execute(purchase.execution_id, wait_s=600).status.value)
    except HaloError as error:
        return Said(error=error.code, is_store_failed=isinstance(error, StoreFailed))


def _set_journal(journal: str) -> None:
    if journal == "truncate":
        sqlite.WAL_IS_SAFE_FROM = (99, 0, 0)


def _named(name: str) -> Callable[..., AbstractContextManager[None]]:
    module, _, function = name.partition(":")
    found: Callable[..., AbstractContextManager[None]] = getattr(importlib.import_module(module), function)
    return found


class _Shop(SimServer):
    """Vendors who finish what they have begun before they close."""

    daemon_threads = False
    block_on_close = True

    def close_well(self) -> None:
        """Answer what has come, and wait for every answer that is under way."""
        self.shutdown()
        while select.select([self], [], [], 0)[0]:
            self.handle_request()
        self.server_close()


def sell(shop: _Shop) -> None:
    """Be the vendors until told to end; whoever has reached them by then is served."""
    thread = threading.Thread(target=shop.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    signal.sigwait({signal.SIGTERM})
    shop.close_well()
    thread.join()


def hold(database: str, ready: int, hold_s: float) -> None:
    """Write in the books for `hold_s` seconds, as a process would that is slow or stopped."""
    connection = sqlite.driver.connect(database, isolation_level=None, timeout=0)
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TABLE held (a)")
    except sqlite.driver.OperationalError:
        # Somebody else is writing at this moment.
        return
    os.write(ready, b"!")
    select.select([], [], [], hold_s)
    connection.execute("ROLLBACK")


# The process that forks them.


def _fork(work: Callable[[], None], *, waits: bool = False) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        # A child does not outlive whoever is waiting for it.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        os.close(0)
        if waits:
            os.kill(os.getpid(), signal.SIGSTOP)
        work()
        os._exit(0)
    except BaseException:  # noqa: BLE001 - a child never returns into the loop of its parent
        traceback.print_exc()
        os._exit(70)


def _order_buy(order: dict[str, Any], waits: bool) -> dict[str, Any]:
    pid = _fork(functools.partial(buy, Purchase(**order)), waits=waits)
    if waits:
        os.waitpid(pid, os.WUNTRACED)
    return {"pid": pid}


def _order_sell(world: str) -> dict[str, Any]:
    # Bound before the fork: the address is known at once, and whoever calls early waits in the kernel's queue.
    shop = _Shop(World.open(Path(world), FakeClock(SOON, seed=3)), "127.0.0.1", 0)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    pid = _fork(lambda: sell(shop))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    shop.socket.close()
    return {"pid": pid, "url": shop.url}


def _order_hold(database: str, hold_s: float) -> dict[str, Any]:
    read, write = os.pipe()
    pid = _fork(lambda: hold(database, write, hold_s))
    os.close(write)
    held = os.read(read, 1)
    os.close(read)
    return {"pid": pid, "held": bool(held)}


def _order_wait(pid: int) -> dict[str, Any]:
    return {"code": os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}


def _order_warm(home: str, execution_id: str) -> dict[str, Any]:
    """Carry it out once in this very process: what that imports, reads and compiles, every child then has."""
    with tempfile.TemporaryDirectory(prefix="halo-warm-") as place:
        shutil.copytree(home, Path(place) / "home")
        buy(Purchase(str(Path(place) / "home"), execution_id, str(Path(place) / "report")))
    # Children do not copy what the collector would otherwise touch.
    gc.freeze()
    return {}


_ORDERS: Mapping[str, Callable[..., dict[str, Any]]] = {
    "buy": _order_buy,
    "sell": _order_sell,
    "hold": _order_hold,
    "wait": _order_wait,
    "warm": _order_warm,
}


def serve() -> None:
    """Take orders until there are no more."""
    import dbos  # noqa: F401 - so that the children have it

    # A tenth of a second that every child would spend again.
    _tls()
    for line in sys.stdin:
        order = json.loads(line)
        sys.stdout.write(json.dumps(_ORDERS[order.pop("do")](**order)) + "\n")
        sys.stdout.flush()


# This side.


class Forks:
    """The forking process, as whoever gives it orders sees it."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.torture.forking"]
        self._process = subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, do: str, **order: Any) -> dict[str, Any]:
        """Its answer to one order."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **order}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the forking process has died")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def buy(self, purchase: Purchase, *, waits: bool = False) -> int:
        """The process that buys. With `waits` it stands still until it gets SIGCONT."""
        return int(self.ask("buy", order=purchase.__dict__, waits=waits)["pid"])

    @functools.cache  # noqa: B019 - there is one of these a process
    def warm(self, home: Path, execution_id: str) -> None:
        """Have it ready for children that buy this."""
        self.ask("warm", home=str(home), execution_id=execution_id)

    def wait(self, pid: int) -> int:
        """How a child ended: its exit code, or minus the signal that killed it."""
        watchdog = threading.Timer(PATIENCE_S, os.kill, (pid, signal.SIGKILL))
        watchdog.daemon = True
        watchdog.start()
        try:
            return int(self.ask("wait", pid=pid)["code"])
        finally:
            watchdog.cancel()
            watchdog.join()

    @contextmanager
    def selling(self, world: Path) -> Iterator[str]:
        """The address of the vendors of `world`, in a process of their own. At the end they finish what has reached them."""
        seller = self.ask("sell", world=str(world))
        try:
            yield str(seller["url"])
        finally:
            os.kill(seller["pid"], signal.SIGTERM)
            self.wait(seller["pid"])

    @contextmanager
    def holding(self, database: Path, *, hold_s: float) -> Iterator[bool]:
        """Another process writes in `database`, for `hold_s` seconds at most. Whether it could begin at all: not while somebody else writes."""
        holder = self.ask("hold", database=str(database), hold_s=hold_s)
        try:
            yield bool(holder["held"])
        finally:
            os.kill(holder["pid"], signal.SIGKILL)
            self.wait(holder["pid"])

    def close(self) -> None:
        """No more orders."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@functools.cache
def forks() -> Forks:
    """The forking process of this process, started when it is first needed."""
    opened = Forks()
    atexit.register(opened.close)
    return opened


def said(report: Path) -> Said:
    """What a child reported."""
    return Said(**json.loads(report.read_text())) if report.exists() else Said()


if __name__ == "__main__":
    serve()
