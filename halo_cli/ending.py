"""How a command that serves until it is stopped ends: what has a socket open and nothing to finish. `halo sim serve` and `halo sim bridge` use it.

`halo serve` and `halo worker` have something to finish, and do that themselves.
"""

from __future__ import annotations

import signal

import typer

from halo_cli.exit_codes import ExitCode


def end_in_good_order_at_sigterm() -> None:
    """SIGTERM is how whoever runs this says that it was enough: what is open is closed, and that is no failure. Ctrl-C is 130, as anywhere."""
    signal.signal(signal.SIGTERM, _end)


def _end(_number: int, _frame: object) -> None:
    raise typer.Exit(ExitCode.DONE)
