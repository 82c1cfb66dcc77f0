"""Scenarios: a household, what somebody types, what goes wrong, what time goes by, and what has to come of it.

`halo sim scenario run`, the contract tests and the documentation read the same files, `fixtures/scenarios/*.yaml`. A step is a command line as
it would be typed; it runs through `halo_cli.main.run`, in a throw-away home on simulated vendors, on a clock that stands still until something
moves it. So a scenario can say everything a person can, and nothing that a person cannot.
"""

from __future__ import annotations

import io
import json
import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from halo_cli import session
from halo_engine.clock import FakeClock
from halo_engine.model.errors import InvalidInput, NotFound
from halo_engine.settings import Settings
from halo_sim.data import fixtures_root
from halo_sim.ledger import read_ledger

#: The exit code of `halo` with these arguments.
Run: TypeAlias = Callable[[list[str]], int]


class Step(BaseModel):
    """One command and what it must come to; what is not given is not looked at.

    `$DRAFT`, `$HASH`, `$EXECUTION` and `$REQUEST` stand for what the commands before have printed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    halo: str
    exit: int = 0
    #: The kind of the card, as `draft` or `terms_changed`.
    card: str | None = None
    #: Of the execution.
    status: str | None = None
    #: As the card shows it.
    cost: str | None = None
    #: Each must stand somewhere in what was printed.
    says: tuple[str, ...] = ()


class Household(BaseModel):
    """Whose home it is. The first member is the owner."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "Home"
    members: tuple[str, ...] = ("Alex", "Sam")


class Scenario(BaseModel):
    """One story. `ledger` is all that the vendors did, each as `order $49.95`; `alarm` is what the audit must raise, where it may not be clean."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    about: str
    now: AwareDatetime
    household: Household = Household()
    steps: tuple[Step, ...] = Field(min_length=1)
    ledger: tuple[str, ...]
    alarm: str | None = None


@dataclass(frozen=True)
class Told:
    """A scenario that was played, and what went otherwise than expected, in sentences."""

    scenario: Scenario
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.problems

    def lines(self) -> tuple[str, ...]:
        """For people."""
        verdict = "as expected" if self.ok else "OTHERWISE"
        return (f"{self.scenario.name}: {verdict}. {self.scenario.about}", *(f"  {problem}" for problem in self.problems))

    def payload(self) -> dict[str, Any]:
        """For `--json`."""
        return {"name": self.scenario.name, "ok": self.ok, "problems": list(self.problems)}


def shipped() -> tuple[Scenario, ...]:
    """Every scenario in the fixtures, by name."""
    return tuple(read(path) for path in sorted((fixtures_root() / "scenarios").glob("*.yaml")))


def chosen(names: list[str]) -> tuple[Scenario, ...]:
    """Those called `names`, or all for none. Raises `NotFound`."""
    known = {story.name: story for story in shipped()}
    for name in names:
        if name not in known:
            raise NotFound(f"There is no scenario {name!r}.", hint="halo sim scenario list")
    return tuple(known[name] for name in names) if names else tuple(known.values())


def read(path: Path) -> Scenario:
    """The scenario in a file, named after it. Raises `InvalidInput` with what is wrong and where."""
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Scenario.model_validate({"name": path.stem, **given})
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput(f"{path}: {'.'.join(str(part) for part in first['loc'])}: {first['msg']}.") from error
    except (OSError, TypeError, ValueError, yaml.YAMLError) as error:
        raise InvalidInput(f"{path} is not a scenario: {error}.") from error


def play(scenario: Scenario, run: Run) -> Told:
    """Tell it from the beginning in a home of its own, up to the first step that goes otherwise. `run` is `halo_cli.main.run`."""
    with TemporaryDirectory(prefix="halo-scenario-") as place, _only_this_home(), session.at(FakeClock(scenario.now)):
        return _Play(Path(place), run).tell(scenario)


@dataclass
class _Play:
    """One telling: the home, and what the commands have printed so far that later ones refer to."""

    home: Path
    run: Run
    known: dict[str, str] = field(default_factory=dict)

    def tell(self, scenario: Scenario) -> Told:
        members = " ".join(f"--member {shlex.quote(member)}" for member in scenario.household.members)
        opening = Step(halo=f"init --name {shlex.quote(scenario.household.name)} {members}")
        for number, step in enumerate((opening, *scenario.steps)):
            problems = self._problems(step)
            if problems:
                return Told(scenario, tuple(f"step {number}, halo {step.halo}: {problem}" for problem in problems))
        audit = Step(halo="audit verify", exit=1 if scenario.alarm else 0, says=(scenario.alarm,) if scenario.alarm else ())
        return Told(scenario, (*self._ledger_problems(scenario), *self._problems(audit)))

    def _problems(self, step: Step) -> list[str]:
        code, printed = self._run(shlex.split(Template(step.halo).safe_substitute(self.known)))
        answer = _object(printed)
        self._remember(answer)
        card: Mapping[str, Any] = answer.get("card") or {}
        compared = {
            "exit": (step.exit, code),
            "card": (step.card, card.get("kind")),
            "cost": (step.cost, card.get("cost")),
            "status": (step.status, (answer.get("execution") or {}).get("status")),
        }
        wrong = [f"{name} is {is_}, not {wanted}" for name, (wanted, is_) in compared.items() if wanted is not None and wanted != is_]
        text = json.dumps(answer, ensure_ascii=False)
        return [*wrong, *(f"it does not say “{words}”: {text}" for words in step.says if words not in text)]

    def _run(self, words: list[str]) -> tuple[int, str]:
        out = io.StringIO()
        with redirect_stdout(out), redirect_stderr(io.StringIO()):
            code = self.run([*words, "--json", "--no-input", "--home", str(self.home)])
        return code, out.getvalue()

    def _remember(self, answer: Mapping[str, Any]) -> None:
        """The newest draft that can be confirmed: the one that was asked for, or the revised one."""
        draft, execution = answer.get("draft") or {}, answer.get("execution") or {}
        found = {
            "DRAFT": draft.get("id") or answer.get("draft_id"),
            "HASH": draft.get("draft_hash") or answer.get("draft_hash"),
            "EXECUTION": execution.get("id"),
            "REQUEST": answer.get("request_id"),
        }
        self.known |= {name: str(value) for name, value in found.items() if value}

    def _ledger_problems(self, scenario: Scenario) -> list[str]:
        did = tuple(f"{entry.kind} {entry.charged.display}" for entry in read_ledger(Settings(home=self.home).simulator_file))
        return [] if did == scenario.ledger else [f"the ledger says {list(did)}, not {list(scenario.ledger)}"]


def _object(printed: str) -> dict[str, Any]:
    try:
        value = json.loads(printed)
    except ValueError:
        return {"printed": printed}
    return value if isinstance(value, dict) else {"printed": printed}


@contextmanager
def _only_this_home() -> Iterator[None]:
    """A scenario is about simulated vendors and shipped settings, whatever this shell is set up for."""
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("HALO_")}
    try:
        yield
    finally:
        os.environ.update(kept)
