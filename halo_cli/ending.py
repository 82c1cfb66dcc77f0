"""How a command ends that is told to: by SIGTERM, or because the terminal it runs in was closed.

What has a socket open and nothing to finish (`halo sim serve`, `halo sim bridge`) ends in good order. What has begun a thing that is complete or not
there (`halo backup`, `halo restore`) is interrupted, as by Ctrl-C. `halo serve` and `halo worker` have something to finish, and do that themselves.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from halo_cli.exit_codes import ExitCode


def end_in_good_order_at_sigterm() -> None:
    """SIGTERM is how whoever runs this says that it was enough: what is open is closed, and that is no failure. Ctrl-C is 130, as anywhere."""
    signal.signal(signal.SIGTERM, _end)


def _end(_number: int, _frame: object) -> None:
    raise typer.Exit(ExitCode.DONE)


@contextmanager
def interrupted_when_told_to_end() -> Iterator[None]:
    """Inside the block SIGTERM and SIGHUP are a Ctrl-C, so that what was half done is taken away again: keys lie in it."""
    # Whoever asked for a signal to be ignored, as `nohup` does, meant it.
    before = {number: found for number in (signal.SIGTERM, signal.SIGHUP) if (found := signal.getsignal(number)) is not signal.SIG_IGN}
    for number in before:
        signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number, found in before.items():
            signal.signal(number, found)


def _interrupt(number: int, _frame: object) -> None:
    # Once: a second one must not interrupt the tidying.
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
