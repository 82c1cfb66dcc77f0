"""A worker in this process: `halo worker` is nothing else, and `halo serve` carries on what its callers confirm."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from halo_cli import session
from halo_cli.output import Lines, Output
from halo_engine import shapes
from halo_engine.model.errors import HaloError
from halo_engine.model.execution import Execution
from halo_engine.settings import Settings

_TRY_AGAIN_S = 5.0


def work(settings: Settings, out: Output, stop: threading.Event, *, until_idle: bool, ready: Callable[[str], None]) -> None:
    """Carry on whatever is confirmed in this home, and print each execution that ends, until `stop` is set."""
    with session.open_engine(settings) as engine:
        engine.worker(told=lambda execution: _print(out, execution)).serve(stop, until_idle=until_idle, ready=ready)


@contextmanager
def beside(settings: Settings, out: Output) -> Iterator[None]:
    """A worker in a thread of its own for as long as the block runs; at its end what was begun is finished first."""
    stop = threading.Event()
    thread = threading.Thread(target=_work_beside, args=(settings, out, stop), name="worker")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _work_beside(settings: Settings, out: Output, stop: threading.Event) -> None:
    told = None
    while not stop.is_set():
        try:
            with session.open_engine(settings) as engine:
                engine.worker(told=lambda execution: out.say(_line(execution))).serve(stop)
        except Exception as error:  # noqa: BLE001 - whatever it is: the server stays, and tries for a worker again
            reason = error.message if isinstance(error, HaloError) else f"{type(error).__name__}."
            if reason != told:
                out.say(f"error: nothing is carried on here: {reason}")
            told = reason
            stop.wait(_TRY_AGAIN_S)


def _print(out: Output, execution: Execution) -> None:
    out.result(shapes.execution(execution), Lines((_line(execution),)))


def _line(execution: Execution) -> str:
    cost = execution.final_cost.display if execution.final_cost else ""
    return "  ".join(part for part in (execution.id, f"{execution.status.value:<15}", cost, execution.error_message) if part)
