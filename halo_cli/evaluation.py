"""How well words are understood: every case of `fixtures/utterances/` read by a parser, and compared with what it means.

`halo eval` prints the report; nothing else reads it. The comparing is as lenient as the published form of an Intent: what a thing is called may
stand in its name or in its attributes, in any case and order and with or without an article. Counts, amounts, days and times are exact.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter_ns
from typing import Any, TypeAlias

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict

from halo_cli import reply_cases
from halo_engine.model.errors import HaloError, InvalidInput
from halo_engine.model.intent import UNSUPPORTED, Intent
from halo_engine.parsing.parser import ParseContext, finish
from halo_engine.verbs import VERBS
from halo_sim.data import fixtures_root

#: `read(text, context)`, as `stages.parse.Parse.read`.
Reader: TypeAlias = Callable[[str, ParseContext], Intent]
#: An item of an ORDER, or a change of a REORDER.
_Thing: TypeAlias = Mapping[str, Any]

_SPECS = tuple(verb.spec for verb in VERBS.values())

# Words that may come or go without another thing being meant.
_ARTICLES = frozenset({"a", "an", "the", "of", "in", "with", "my", "our", "some"})
_JOINTS = frozenset({"and", "then", "also", "plus", "so", "but", "please", "after", "that", "first", "second"})

_COUNTS = frozenset({"quantity", "party_size", "change_quantity"})
_THINGS = frozenset({"item", "change", "subscription", "bundle", "venue", "service", "merchant"})
_MOMENTS = frozenset({"date", "time", "time_until", "deliver_by", "when"})
_NUMBERS = frozenset({"party_size", "budget_cents"}) | _MOMENTS
#: What is read in pairs: the list in the params, and what its parts are called in the report.
_LISTS = {"items": ("item", "quantity", "max_price"), "changes": ("change", "change_quantity", "")}

#: Why an error would hurt, worst first.
ACTED, OTHER, QUANTITY, MOMENT = "acted when not asked", "did another thing", "wrong quantity", "wrong date or time"
HARMS = (ACTED, OTHER, QUANTITY, MOMENT)


class Case(BaseModel):
    """Words, what they are read against, and what they mean. Not `understood` means that what stands (`current`) must stay as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    set: str
    text: str
    now: AwareDatetime
    zone: str
    requested: tuple[str, ...] = ()
    current: dict[str, Any] | None = None
    subscriptions: tuple[str, ...] = ()
    bundles: tuple[str, ...] = ()
    verb: str
    understood: bool = True
    params: dict[str, Any] = {}
    missing: tuple[str, ...] = ()
    remainder: str | None = None

    @property
    def standing(self) -> Intent | None:
        """The intent that the words may change."""
        return None if self.current is None else finish(_intent(self.current["verb"], self.current["params"]), _SPECS)

    @property
    def context(self) -> ParseContext:
        return ParseContext(
            now=self.now,
            zone=self.zone,
            requested=self.requested,
            current=self.standing,
            subscriptions=self.subscriptions,
            bundles=self.bundles,
        )

    @property
    def meant(self) -> Intent:
        """The Intent that is right."""
        stays = self.standing if not self.understood else None
        return stays or finish(_intent(self.verb, self.params), _SPECS)


@dataclass(frozen=True, slots=True)
class Slot:
    """One field of a right Intent beside what was understood; None is nothing."""

    name: str
    meant: Any
    said: Any

    @property
    def right(self) -> bool:
        if self.name == "remainder":
            return _alike(self.meant, self.said)
        if isinstance(self.meant, tuple) and isinstance(self.said, tuple):
            return sorted(self.meant) == sorted(self.said)
        return bool(self.meant == self.said)

    @property
    def misleads(self) -> bool:
        """Whether something else was understood. Nothing is harmless: it is asked for."""
        return self.said is not None and not self.right

    @property
    def names_another(self) -> bool:
        """Whether something is named that has no word in common with what was meant."""
        return self.name in _THINGS and self.misleads and not set(self.said) & set(self.meant or ())


@dataclass(frozen=True)
class Outcome:
    """What a parser made of a case, and how long it took. `error` is why it could not read it."""

    case: Case
    said: Intent
    took_ns: int
    error: str | None = None

    @property
    def verb_right(self) -> bool:
        return self.error is None and self.said.verb == self.case.verb

    @property
    def slots(self) -> tuple[Slot, ...]:
        return tuple(_slots(self.case.meant, self.said, left=self.case.remainder))

    @property
    def right(self) -> bool:
        """Whether the whole Intent is."""
        return self.verb_right and all(slot.right for slot in self.slots)

    @property
    def harm(self) -> str | None:
        """The worst of what acting on it would do wrong."""
        if self.said.verb == UNSUPPORTED or self.right:
            return None
        if self.case.verb == UNSUPPORTED or not self.case.understood:
            return ACTED
        if self.said.verb != self.case.verb or any(slot.names_another for slot in self.slots):
            return OTHER
        misled = {slot.name for slot in self.slots if slot.misleads}
        return QUANTITY if misled & _COUNTS else MOMENT if misled & _MOMENTS else None


@dataclass(frozen=True)
class Report:
    """The outcomes of a run, and the figures they come to. Shares are between 0 and 1."""

    outcomes: tuple[Outcome, ...]

    @property
    def right(self) -> float:
        return _share(outcome.right for outcome in self.outcomes)

    @property
    def verb_right(self) -> float:
        return _share(outcome.verb_right for outcome in self.outcomes)

    @property
    def wrong(self) -> tuple[Outcome, ...]:
        """Harmful ones first."""
        order = {harm: rank for rank, harm in enumerate(HARMS)}
        wrong = [outcome for outcome in self.outcomes if not outcome.right]
        return tuple(sorted(wrong, key=lambda outcome: order.get(outcome.harm or "", len(order))))

    def harms(self, harm: str) -> tuple[Outcome, ...]:
        return tuple(outcome for outcome in self.outcomes if outcome.harm == harm)

    def of_verb(self, verb: str) -> Report:
        """Of the cases that mean `verb`."""
        return Report(tuple(outcome for outcome in self.outcomes if outcome.case.verb == verb))

    def precision_and_recall(self) -> dict[str, tuple[float, float, int]]:
        """By slot: precision, recall and how often it was meant. Only where nothing stood before: what is kept is not understood."""
        slots = [slot for outcome in self.outcomes if outcome.case.current is None for slot in outcome.slots]
        names = sorted({slot.name for slot in slots})
        return {name: _figures([slot for slot in slots if slot.name == name]) for name in names}

    def calibration_error(self, *, bins: int = 10) -> float:
        """The expected difference between how sure the parser was of the verb and how often it was right."""
        sure = [outcome for outcome in self.outcomes if outcome.case.current is None and outcome.error is None]
        binned: dict[int, list[Outcome]] = {}
        for outcome in sure:
            binned.setdefault(min(int(outcome.said.confidence * bins), bins - 1), []).append(outcome)
        gaps = (abs(sum(o.said.confidence for o in found) - sum(o.verb_right for o in found)) for found in binned.values())
        return sum(gaps) / max(len(sure), 1)

    def latency_ms(self, percent: int) -> float:
        """The time within which `percent` of the cases were read."""
        took = sorted(outcome.took_ns for outcome in self.outcomes) or [0]
        return took[min(len(took) * percent // 100, len(took) - 1)] / 1e6


def sets() -> dict[str, Path]:
    """The shipped sets by name."""
    found = sorted((fixtures_root() / "utterances").glob("*.yaml"))
    return {path.stem: path for path in found if path.stem != reply_cases.NAME}


def cases(names: Sequence[str]) -> tuple[Case, ...]:
    """The cases of the sets called `names`, or of all for none. Raises `InvalidInput` for a name that there is not."""
    known = sets()
    for name in names:
        if name not in (*known, reply_cases.NAME):
            raise InvalidInput(f"There is no set {name!r}.", hint=f"There are: {', '.join(sorted((*known, reply_cases.NAME)))}.")
    return tuple(case for name in names or known if name in known for case in _read(known[name]))


def run(cases: Sequence[Case], read: Reader) -> Report:
    """Read every case. Raises `HaloError` where nothing can be read at all."""
    # The first reading loads a model, or finds out that there is nobody to ask.
    if cases:
        read("order milk", cases[0].context)
    return Report(tuple(_outcome(case, read) for case in cases))


def _outcome(case: Case, read: Reader) -> Outcome:
    context = case.context
    began = perf_counter_ns()
    try:
        return Outcome(case, read(case.text, context), perf_counter_ns() - began)
    except HaloError as error:
        return Outcome(case, Intent.unsupported(confidence=0.0), perf_counter_ns() - began, error=error.message)


def _read(path: Path) -> list[Case]:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    shared = {key: value for key, value in document.items() if key != "cases"}
    return [Case.model_validate({"set": path.stem, **shared, **case}) for case in document["cases"]]


def _intent(verb: str, params: dict[str, Any]) -> Intent:
    return Intent(verb=verb, confidence=1.0, params=params)


# Comparing


def _slots(meant: Intent, said: Intent, *, left: str | None) -> Iterator[Slot]:
    """Every field that either fills, side by side. Of two different verbs none agree."""
    if meant.verb == said.verb:
        yield from _fields(meant.params, said.params)
        yield from _filled("remainder", _words(left), _words(said.remainder))
    else:
        yield from _fields(meant.params, {})
        yield from _fields({}, said.params)


def _fields(meant: Mapping[str, Any], said: Mapping[str, Any]) -> Iterator[Slot]:
    for field in dict.fromkeys((*meant, *said)):
        if field in _LISTS:
            yield from _things(field, meant.get(field) or (), said.get(field) or ())
        else:
            yield from _filled(field, _value(field, meant.get(field)), _value(field, said.get(field)))


def _things(field: str, meant: Sequence[_Thing], said: Sequence[_Thing]) -> Iterator[Slot]:
    called, quantity, price = _LISTS[field]
    for mine, yours in _paired(meant, said):
        yield from _filled(called, _called(mine), _called(yours))
        yield from _filled(quantity, mine.get("quantity"), yours.get("quantity"))
        yield from _filled(price, mine.get("max_price_cents"), yours.get("max_price_cents"))


def _paired(meant: Sequence[_Thing], said: Sequence[_Thing]) -> Iterator[tuple[_Thing, _Thing]]:
    """Each thing beside the one that is called most like it; what is left on either side stands alone, or is the same thing misheard."""
    likeness = {(a, b): _likeness(_called(mine), _called(yours)) for a, mine in enumerate(meant) for b, yours in enumerate(said)}
    mine_left, yours_left = dict(enumerate(meant)), dict(enumerate(said))
    for a, b in sorted(likeness, key=lambda pair: (-likeness[pair], pair)):
        if likeness[a, b] and a in mine_left and b in yours_left:
            yield mine_left.pop(a), yours_left.pop(b)
    if len(mine_left) == len(yours_left) == 1:
        yield from zip(mine_left.values(), yours_left.values(), strict=True)
        return
    yield from ((mine, {}) for mine in mine_left.values())
    yield from (({}, yours) for yours in yours_left.values())


def _likeness(mine: Sequence[str] | None, yours: Sequence[str] | None) -> float:
    """From 0 for no word in common to 1 for the same words."""
    ours, theirs = Counter(mine or ()), Counter(yours or ())
    return 2 * (ours & theirs).total() / max((ours + theirs).total(), 1)


def _called(thing: _Thing) -> tuple[str, ...] | None:
    """The words of a thing's name and attributes."""
    words = [word for part in (thing.get("name"), *(thing.get("attributes") or ())) for word in _words(part) or ()]
    return tuple(words) or None


def _value(field: str, value: Any) -> Any:
    return value if field in _NUMBERS or value is None else _words(str(value))


def _words(text: str | None) -> tuple[str, ...] | None:
    """Words as they sound: without case, articles, punctuation and what cannot be seen."""
    seen = "".join(character for character in text or "" if unicodedata.category(character) != "Cf").casefold().replace("’", "'")
    return tuple(word for word in re.findall(r"[\w']+", seen) if word not in _ARTICLES) or None


def _filled(name: str, meant: Any, said: Any) -> Iterator[Slot]:
    if meant is not None or said is not None:
        yield Slot(name, meant, said)


def _alike(meant: Sequence[str] | None, said: Sequence[str] | None) -> bool:
    """Whether most words of what was left for later are the same: a card shows it to a person, and nothing acts on it."""
    ours, theirs = (frozenset(words or ()) - _JOINTS for words in (meant, said))
    return bool(meant) == bool(said) and 2 * len(ours & theirs) >= len(ours | theirs)


# Figures


def _figures(slots: Sequence[Slot]) -> tuple[float, float, int]:
    right = sum(slot.right for slot in slots)
    said, meant = (sum(getattr(slot, side) is not None for slot in slots) for side in ("said", "meant"))
    return right / max(said, 1), right / max(meant, 1), meant


def _share(held: Iterable[bool]) -> float:
    found = list(held)
    return sum(found) / max(len(found), 1)
