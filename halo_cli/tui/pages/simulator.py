"""The simulated vendors: what they really did, what shall go wrong, what time it is, and the stories that are told of them.

Everything here is what `halo sim …` does, by the same functions. With live vendors there is nothing to see and nothing to press.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from halo_cli import scenarios, session, typed
from halo_cli.sim_time import Moved, moved
from halo_cli.tui.pages import simulator_words as words
from halo_cli.tui.pages.simulator_words import Panel, Played
from halo_cli.tui.parts.rows import Listing
from halo_cli.tui.parts.sections import Section, SectionPage
from halo_cli.tui.parts.small_forms import Field
from halo_engine.model.errors import InvalidInput
from halo_sim import faults
from halo_sim.ledger import read_ledger
from halo_sim.world import World

#: No story takes as long.
_STORY_S = 300
_LIVE = "The vendors are live: there is nothing simulated to look at, and nothing here to press."


class SimulatorPage(SectionPage):
    """Ledger, faults, clock, scenarios."""

    title, short, key = "Simulator", "Sim", "9"
    help = "What the simulated vendors really did, what shall go wrong at them, what time it is there, and stories to play. Never with live vendors."

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._panel: Panel | None = None
        self._played: dict[str, Played] = {}

    @property
    def is_live(self) -> bool:
        return self.desk.settings.vendors == "live"

    @property
    def sections(self) -> tuple[Section, ...]:
        if self.is_live:
            return (Section("Live", {}),)
        total = self._panel.total if self._panel else ""
        return (
            Section("Ledger", {}, about=f"{total}  These are the vendors' own books; Halo itself never reads them."),
            Section("Faults", {"enter": self._arm, "remove": self._disarm}),
            Section("Clock", {"enter": self._move}, about=f"It is {self._panel.time.words}." if self._panel else ""),
            Section("Scenarios", {"enter": self._play}, about="Each is played in a home of its own, which goes when it is over."),
        )

    def on_shown(self) -> None:
        if self.is_live:
            self.bar.add_class("-hidden")
            self.fill(live=Listing((), (), _LIVE))
        else:
            self.ask(self._read, self._came, group="reading", exclusive=True)

    def _read(self) -> Panel:
        world = self._world()
        return Panel(
            entries=read_ledger(world.path),
            armed=faults.list_faults(world),
            time=moved(world, lambda _world: None),
            stories=self._panel.stories if self._panel else scenarios.shipped(),
        )

    def _world(self) -> World:
        return session.open_world(self.desk.settings)

    def _came(self, panel: Panel) -> None:
        self._panel = panel
        self.fill(
            ledger=words.ledger(panel.entries, self.zone.key),
            faults=words.faults(panel.armed),
            clock=words.clock(),
            scenarios=words.stories(panel.stories, self._played),
        )

    # What shall go wrong

    def _arm(self) -> None:
        name = self.table.row
        if name is None:
            return
        amount = faults.DEFAULT_AMOUNTS.get(name)
        fields = (
            Field("target", "Where", hint="any; or a product, venue, vendor, operation"),
            *((Field("amount", "Amount", str(amount), hint="a number"),) if amount is not None else ()),
            *((Field("times", "How often", "1", hint="a number"),) if name not in faults.LASTING else ()),
        )
        self.fill_in(f"Fault: {name}", fields, partial(self._armed, name), does="Let it happen", note=faults.FAULTS[name])

    def _armed(self, name: str, filled: dict[str, str]) -> None:
        amount = words.number(filled["amount"]) if filled.get("amount") else None
        times = words.number(filled["times"]) if filled.get("times") else 1
        arm = partial(faults.add_fault, name=name, target=filled["target"] or None, amount=amount, times=times)
        self._with_world(words.checked(arm), said=f"{name} is armed.")

    def _disarm(self) -> None:
        name = self.table.row
        if name is not None and self._panel and any(one.name == name for one in self._panel.armed):
            self._with_world(lambda world: faults.clear_faults(world, name), said=f"{name} is not armed any more.")
        else:
            self.say("That fault is not armed.")

    # What time it is

    def _move(self) -> None:
        match self.table.row:
            case "span":
                note = "Such as 31d, 90m, 1w2d; -2h goes back."
                self.fill_in("Let time go by", (Field("span", "How long", hint="31d"),), self._by_span, does="Let it go by", note=note)
            case "set":
                note = "Such as 2026-12-24T18:00:00Z; without a zone it is UTC."
                fields = (Field("at", "When", self._panel.time.now if self._panel else ""),)
                self.fill_in("Set the time", fields, self._to_instant, does="Set it", note=note)
            case "reset":
                self._at(lambda world: world.reset_clock())
            case str() as text:
                self._by(typed.span(text))
            case None:
                return

    def _by_span(self, filled: dict[str, str]) -> None:
        self._by(typed.span(filled["span"]))

    def _by(self, span: timedelta) -> None:
        self._at(lambda world: world.move_clock(span))

    def _to_instant(self, filled: dict[str, str]) -> None:
        at = typed.instant(filled["at"])
        self._at(lambda world: world.set_clock(at))

    def _at(self, move: Callable[[World], None]) -> None:
        def is_then(now: Moved) -> None:
            self.is_done(f"It is {now.words}.")

        self.ask(lambda: moved(self._world(), move), is_then)

    # Stories

    def _play(self) -> None:
        name = self.table.row
        if name is None or name in (told.name for told in self._played.values() if told.is_going_on):
            return
        self._tell_played(Played(name))
        self.ask(partial(_played, name), self._tell_played, otherwise=lambda trouble: self._tell_played(Played(name, "", (trouble.words,))))

    def _tell_played(self, told: Played) -> None:
        self._played[told.name] = told
        if self._panel:
            self.fill(scenarios=words.stories(self._panel.stories, self._played))
        if not told.is_going_on:
            self.say(f"{told.name}: {told.verdict}.")

    # How anything is done

    def _with_world(self, act: Callable[[World], None], *, said: str) -> None:
        self.ask(lambda: act(self._world()), lambda _done: self.is_done(said))


def _played(name: str) -> Played:
    """By the very command, in a process of its own: a story sets this process's clock and streams, and they are the dashboard's."""
    words_said = [sys.executable, "-P", "-m", "halo_cli", "sim", "scenario", "run", name, "--json", "--no-input"]
    try:
        # Every word but the name is ours, and the name is one of the shipped.
        ran = subprocess.run(words_said, capture_output=True, text=True, timeout=_STORY_S, check=False, stdin=subprocess.DEVNULL)  # noqa: S603
        (told,) = json.loads(ran.stdout)["scenarios"]
    except (subprocess.TimeoutExpired, ValueError, KeyError) as error:
        raise InvalidInput(f"{name} could not be played.", hint=f"Try: halo sim scenario run {name}") from error
    return Played(name, "as expected" if told["ok"] else "OTHERWISE than expected", tuple(told["problems"]))
