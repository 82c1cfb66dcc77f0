"""What a command works with: the settings, the clock, the engine or the queries, and what was typed or piped in.

The one place in this face that knows the simulator has to be plugged in where the vendors are simulated.
"""

from __future__ import annotations

import shlex
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

from halo_cli import logs
from halo_engine.clock import Clock, SystemClock
from halo_engine.model.errors import InvalidInput, NotInitialised, StoreDamaged, StoreNotWritable
from halo_engine.settings import Settings, home_of, load_settings

if TYPE_CHECKING:
    import httpx

    from halo_engine.audit import Audit
    from halo_engine.engine import Engine
    from halo_engine.queries import Queries
    from halo_sim.world import World

_base: ContextVar[Clock] = ContextVar("base", default=SystemClock())  # noqa: B039 - the wall clock is the same for everybody
#: None is the network.
_wire: ContextVar[httpx.BaseTransport | None] = ContextVar("wire", default=None)


def settings_of(home: Path | None) -> Settings:
    """The settings of `home`, or of `HALO_HOME`, or of the platform's data directory."""
    if home is not None and "\0" in str(home):
        raise InvalidInput("A directory's name has no NUL character.")
    settings = load_settings(home=home)
    logs.began(settings)
    return settings


@contextmanager
def open_engine(settings: Settings, *, clock: Clock | None = None) -> Iterator[Engine]:
    """The door, with the simulated vendors behind it where the settings say so."""
    from halo_engine import telemetry
    from halo_engine.engine import Engine

    with Engine.open(settings, clock=clock_of(settings, clock), transport=_transport(settings, clock)) as engine:
        engine.warn = _warn
        if telemetry.is_on():
            telemetry.bind(household_id=engine.household_id)
        yield engine


def _warn(text: str) -> None:
    from halo_cli.output import Output

    Output(json=False).say(text)


@contextmanager
def open_queries(settings: Settings) -> Iterator[Queries]:
    """The read-only views. Raises `NotInitialised` when there is no household."""
    from halo_engine.queries import Queries

    with Queries.open(settings, clock=clock_of(settings)) as queries:
        yield queries


@contextmanager
def open_audit(settings: Settings) -> Iterator[Audit]:
    """The log, to be checked. Raises `NotInitialised` when there is no household."""
    from halo_engine.audit import Audit

    with Audit.open(settings, clock=clock_of(settings)) as audit:
        yield audit


def clock_of(settings: Settings, base: Clock | None = None) -> Clock:
    """The time in this home: `base` (default: the process's clock), moved as the simulated vendors' clock was moved."""
    base = base or _base.get()
    if settings.vendors == "live":
        return base
    from halo_sim.world import moved_clock

    return moved_clock(base, settings.simulator_file)


@contextmanager
def at(clock: Clock) -> Iterator[None]:
    """The commands that run inside this block live by `clock`: so a scenario is told in no time."""
    token = _base.set(clock)
    try:
        yield
    finally:
        _base.reset(token)


@contextmanager
def through(transport: httpx.BaseTransport) -> Iterator[None]:
    """The commands that run inside this block ask live vendors by way of `transport`: so their talk is recorded."""
    token = _wire.set(transport)
    try:
        yield
    finally:
        _wire.reset(token)


def open_world(settings: Settings, *, clock: Clock | None = None) -> World:
    """The simulated vendors' side of this home. Raises `StoreFailed` when its file cannot be used."""
    from halo_sim.world import World

    try:
        # The world moves its clock itself.
        return World.open(settings.simulator_file, clock or _base.get())
    except (OSError, sqlite3.OperationalError) as error:
        raise StoreNotWritable(f"{settings.simulator_file.parent} cannot be written: {error}.") from error
    except sqlite3.DatabaseError as error:
        raise StoreDamaged(f"{settings.simulator_file} is not a simulated world: {error}.") from error


def _transport(settings: Settings, clock: Clock | None) -> httpx.BaseTransport | None:
    if settings.vendors == "live":
        return _wire.get()
    from halo_sim.http import SimTransport

    return SimTransport(open_world(settings, clock=clock))


def has_household(settings: Settings) -> bool:
    """Whether this home has been initialised."""
    try:
        with open_queries(settings):
            return True
    except NotInitialised:
        return False


def next_command(settings: Settings, *words: str, member: str | None = None) -> str:
    """A command to try next, for the same home and by the same member: with `--home` only where it would not be found without."""
    # Without it, what one member began would be confirmed in the owner's name.
    who = [] if member is None else ["--as", member]
    place = [] if home_of() == settings.home else ["--home", str(settings.home)]
    return shlex.join(["halo", *words, *who, *place])


def text_of(path: Path, *, max_bytes: int = 65_536) -> str:
    """What stands in a small file that a person names. Raises `InvalidInput` where it cannot be read, is too long or is no text."""
    try:
        with path.open("rb") as file:
            raw = file.read(max_bytes + 1)
        if len(raw) > max_bytes:
            raise InvalidInput(f"{path} is longer than {max_bytes:,} bytes.")
        return raw.decode("utf-8")
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path} cannot be read.", hint="Name a file of text.") from error


def words(text: str, settings: Settings) -> str:
    """`text` as given, or stdin for `-`. Raises `InvalidInput` for what is not UTF-8 or far too long."""
    return _from_stdin(settings.max_text_chars) if text == "-" else text


def _from_stdin(max_chars: int) -> str:
    # No character is longer than four bytes; one more says that there was more.
    raw = sys.stdin.buffer.read(4 * max_chars + 1)
    if len(raw) > 4 * max_chars:
        raise InvalidInput(f"The text is longer than {max_chars:,} characters.")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInput("What came in on stdin is not UTF-8.", hint="Check the file's encoding.") from None


def may_ask(*, no_input: bool, json: bool) -> bool:
    """Whether a person is there to be asked."""
    return not no_input and not json and sys.stdin.isatty() and sys.stdout.isatty()


def ask_person(question: str) -> str | None:
    """What the person typed, or None at the end of the input. The question goes to stderr, like all talk."""
    sys.stderr.write(question)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        sys.stderr.write("\n")
        return None
    return line.strip()
