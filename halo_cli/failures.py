"""Errors become words and an exit code here, and nowhere else. No traceback reaches a person; unforeseen ones go to `logs/crash.log`."""

from __future__ import annotations

import os
import stat
import traceback
from pathlib import Path
from typing import Any

from halo_cli import exit_codes
from halo_cli.exit_codes import ExitCode
from halo_cli.output import Output, write_error
from halo_engine.model.card import draft_card
from halo_engine.model.errors import HaloError, NeedsAnother, TermsChanged
from halo_engine.model.redaction import PLAIN
from halo_engine.model.text import inert

#: Through no link that somebody has laid there; and a pipe that nobody reads would hold the command for ever.
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK


def report_foreseen(error: HaloError, *, as_json: bool) -> ExitCode:
    """Message and hint. Changed terms also show the draft that stands now, with what differs.

    A yes that is kept is no error to whoever said it: the card is above already, and this says whose is wanted yet.
    """
    if isinstance(error, NeedsAnother) and not as_json:
        Output(json=False).say(f"Your yes is kept. Nothing was done yet. {error.message}")
        return exit_codes.of_error(error)
    extra: dict[str, Any] = {}
    if isinstance(error, TermsChanged):
        card = draft_card(error.current)
        extra = {"draft": error.current.contract(), "card": card.model_dump(mode="json")}
        Output(json=as_json).show(card)
    write_error(error.code, error.message, error.hint, as_json=as_json, extra=extra)
    return exit_codes.of_error(error)


def report_unforeseen(error: Exception, *, as_json: bool, home: Path | None) -> ExitCode:
    """A short apology, and where the details are."""
    log = _keep(error, home)
    hint = f"The details are in {log}" if log else "Nothing is known to have been done; look with: halo activity"
    write_error("unexpected", f"Something went wrong in Halo itself ({type(error).__name__}). Sorry.", hint, as_json=as_json)
    return ExitCode.FAILED


def _keep(error: Exception, home: Path | None) -> Path | None:
    """Append to the crash log, readable by its owner only; None where that cannot be done."""
    if home is None or not home.is_dir():
        return None
    log = home / "logs" / "crash.log"
    frames = "".join(traceback.format_tb(error.__traceback__))
    # The message may hold anything from anywhere: one line of it, made harmless and without what looks like a secret.
    entry = f"{_stamp()} {type(error).__name__}: {PLAIN.text(inert(str(error)))}\n{frames}\n"
    try:
        log.parent.mkdir(mode=0o700, exist_ok=True)
        with os.fdopen(os.open(log, _APPEND, 0o600), "w", encoding="utf-8", errors="backslashreplace") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            file.write(entry)
    except OSError:
        return None
    return log


def _stamp() -> str:
    from halo_engine.clock import SystemClock
    from halo_engine.model.draft import iso_utc

    return iso_utc(SystemClock().now())
