"""The simulated vendors' side as rows and sentences. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from halo_cli import views
from halo_cli.scenarios import Scenario
from halo_cli.sim_time import Moved
from halo_cli.tui.parts.rows import Listing, Row
from halo_engine.model.errors import InvalidInput
from halo_engine.model.money import Money
from halo_sim.faults import FAULTS, POSITIONS, Fault
from halo_sim.ledger import Entry
from halo_sim.world import World


@dataclass(frozen=True)
class Panel:
    """All that the page shows, as it was at one moment."""

    entries: tuple[Entry, ...]
    armed: tuple[Fault, ...]
    time: Moved
    stories: tuple[Scenario, ...]

    @property
    def total(self) -> str:
        return f"Charged altogether: {Money.total(entry.charged for entry in self.entries).display}."


class Played(NamedTuple):
    """What came of a story; nothing yet while it is played."""

    name: str
    verdict: str = ""
    problems: tuple[str, ...] = ()

    @property
    def is_going_on(self) -> bool:
        return not self.verdict and not self.problems


def ledger(entries: Sequence[Entry], zone: str) -> Listing:
    """The newest first: what happens now is looked for."""
    table = views.ledger(entries, zone)
    pairs = zip(entries, table.rows, strict=True)
    rows = tuple(Row(str(place), row, _under(entry)) for place, (entry, row) in enumerate(pairs))[::-1]
    return Listing(table.columns, rows, "The vendors have done nothing yet.", gives_way=3, numbers=frozenset({4}))


def _under(entry: Entry) -> tuple[str, ...]:
    caller = (f"The caller's own reference: {entry.client_reference}",) if entry.client_reference else ()
    return (*caller, *(f"{name}: {_plain(value)}" for name, value in entry.detail.items()))


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def faults(armed: Sequence[Fault]) -> Listing:
    """Those that are armed first."""
    order = sorted(FAULTS, key=lambda name: not any(one.name == name for one in armed))
    rows = tuple(
        Row(name, (_sign(name, armed), name, POSITIONS[name].value, FAULTS[name]), (FAULTS[name], *_standing(name, armed)))
        for name in order
    )
    return Listing(("Armed", "Fault", "Strikes at", "What happens"), rows, "", gives_way=3)


def _sign(name: str, armed: Sequence[Fault]) -> str:
    count = sum(one.name == name for one in armed)
    return f"● {count}" if count else "–"


def _standing(name: str, armed: Sequence[Fault]) -> tuple[str, ...]:
    return tuple(
        f"● at {one.target or 'any'}"
        f"{'' if one.amount is None else f', amount {one.amount}'}, "
        f"{'until it is removed' if one.times_left is None else f'{one.times_left} more'}"
        for one in armed
        if one.name == name
    )


def clock() -> Listing:
    spans = (("1h", "an hour"), ("1d", "a day"), ("1w", "a week"), ("31d", "31 days"))
    rows = (
        *(Row(span, (f"Let {name} go by",), ("Drafts, holds, quotes, tokens, renewals and deliveries go by it.",)) for span, name in spans),
        Row("span", ("Let another time go by…",), ("As long as you say; it can also go back.",)),
        Row("set", ("Set the time…",), ("It goes on from there.",)),
        Row("reset", ("Back to the real time",), ("What was moved is taken back.",)),
    )
    return Listing(("What Enter does",), rows, "", gives_way=0)


def stories(told: Sequence[Scenario], played: Mapping[str, Played]) -> Listing:
    rows = tuple(
        Row(
            story.name,
            (story.name, str(len(story.steps)), _verdict(played.get(story.name)), story.about),
            _told(story, played.get(story.name)),
        )
        for story in told
    )
    return Listing(("Scenario", "Steps", "Played", "About"), rows, "", gives_way=3, numbers=frozenset({1}))


def _verdict(played: Played | None) -> str:
    if played is None:
        return "–"
    if played.is_going_on:
        return "… playing"
    return "✓ as expected" if not played.problems else "▲ otherwise"


def _told(story: Scenario, played: Played | None) -> tuple[str, ...]:
    return (story.about, *(f"halo {step.halo}" for step in story.steps[:6]), *(played.problems if played else ()))


def number(text: str) -> int:
    """Raises `InvalidInput`."""
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise InvalidInput("That is no whole number.", hint="Such as 1 or 150.")
    return int(text)


def checked(act: Callable[[World], None]) -> Callable[[World], None]:
    """`act`, whose refusals a person can read."""

    def done(world: World) -> None:
        try:
            act(world)
        except ValueError as error:
            raise InvalidInput(f"{error}.", hint="Nothing was armed.") from error

    return done
