"""Asks every question, each by itself: what makes one of them impossible to answer is a finding, and the others are asked all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from halo_engine.clock import Clock
from halo_engine.doctor import books, home, machine, vendors
from halo_engine.doctor.finding import Finding, Level, problem
from halo_engine.model.errors import HaloError, NotInitialised
from halo_engine.settings import Settings

#: The settings of a home, and the time in it. Either may raise what is wrong with it.
Load = Callable[[Path], Settings]
TimeIn = Callable[[Settings], Clock]


def examine(place: Path, *, load: Load, time_in: TimeIn) -> tuple[Finding, ...]:
    """Everything there is to say about the home at `place`."""
    return tuple(_all(place, load, time_in))


def is_well(findings: Iterable[Finding]) -> bool:
    """Whether nothing is a problem."""
    return all(finding.level is not Level.PROBLEM for finding in findings)


def _all(place: Path, load: Load, time_in: TimeIn) -> Iterator[Finding]:
    for name, ask in (
        ("python", machine.python),
        ("sqlite", machine.sqlite_version),
        ("model", machine.model),
        ("disk", lambda: machine.disk(place)),
        ("home", lambda: home.directory(place)),
        ("modes", lambda: home.modes(place)),
    ):
        yield from _asked(name, ask, place)
    try:
        settings = load(place)
    except HaloError as error:
        yield problem("settings", error.message, error.hint)
        return
    for name, look in (
        ("settings", home.contradictions),
        ("packages", machine.packages),
        ("secret_key", home.secret),
        ("parser", home.language_model),
        ("vendors", vendors.reachable),
    ):
        yield from _asked(name, lambda look=look: look(settings), place)  # type: ignore[misc]
    # Where no directory is, that has been said.
    if place.is_dir() or settings.database_url is not None:
        yield from _of_books(settings, time_in)


def _of_books(settings: Settings, time_in: TimeIn) -> Iterator[Finding]:
    try:
        clock = time_in(settings)
        reader = books.reader_of(settings)
    except ImportError:
        # Said of the packages already.
        return
    except Exception as error:  # noqa: BLE001 - whatever is broken is what was asked for
        where = "PostgreSQL runs, and HALO_DATABASE_URL" if settings.database_url else "the file is there, and its mode"
        broken = _broken("database", error, settings.home)
        yield broken if broken.mend else broken.model_copy(update={"mend": f"Look whether {where} is right"})
        return
    try:
        found = list(_asked("database", lambda: books.database(settings, reader), settings.home))
        yield from found
        if any(each.name == "database" and each.level is Level.PROBLEM for each in found):
            return
        yield from _asked("household", lambda: books.household(settings, reader, clock), settings.home)
        yield from _asked("device_keys", lambda: books.device_keys(settings, reader, clock.now()), settings.home)
        yield from _asked("executions", lambda: books.executions(settings, reader, clock.now()), settings.home)
    finally:
        reader.close()


def _asked(name: str, ask: Callable[[], Iterable[Finding]], place: Path) -> Iterator[Finding]:
    try:
        yield from ask()
    except Exception as error:  # noqa: BLE001 - whatever is broken is what was asked for
        yield _broken(name, error, place)


def _broken(name: str, error: Exception, place: Path) -> Finding:
    match error:
        case NotInitialised():
            return problem(name, error.message, home.at("halo init", place))
        case HaloError():
            return problem(name, error.message, error.hint)
        case OSError():
            return problem(name, f"{error.filename or 'Something'} cannot be read: {error.strerror}.", "Check its owner and its mode")
        case _:
            # Never the message: it may hold anything.
            return problem(
                name, f"It could not be looked at ({type(error).__name__}).", "Keep the home as it is, and run: halo audit verify"
            )
