"""The cards of the gallery, each from a life that was really led: engine, books and simulated vendors, in a home that is thrown away.

Nothing here is a list of verbs. A verb's examples are asked; the first that comes to a draft leads every life a draft can lead. A way into a stage is
tried in a home of its own, on a clock that stands still and with chance from a seed, so that the same card comes of it every time. Where no way leads
there, as where nothing can move a price that is none, there is no such card, and the gallery says so.
"""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

from halo_cli import session
from halo_cli.households import default_plan
from halo_engine.clock import FakeClock
from halo_engine.engine import Engine
from halo_engine.model.card import Card, CardKind, superseded_card
from halo_engine.model.errors import HaloError
from halo_engine.model.form import FormField, form_of
from halo_engine.model.link import link_key, link_to, sign
from halo_engine.settings import Settings
from halo_engine.verbs import VERBS
from halo_sim.faults import add_fault
from halo_sim.world import World

#: A Tuesday, at noon in New York: the examples are said on it.
NOON = datetime(2026, 3, 3, 17, 0, tzinfo=UTC)
#: Cards that belong to no verb.
ANY = "any"

_SITE = "https://halo.example"
#: Anybody may know it. A throw-away home's own key signs nothing that is shown.
_KEY = link_key(b"the gallery's links lead nowhere")
_DAY_S = 86_400
_FOR_GOOD = 1_000_000


@dataclass(frozen=True)
class Drawn:
    """One card of the gallery: whose it is, at which stage of its life, and what was said."""

    verb: str
    stage: str
    said: str
    card: Card

    @property
    def url(self) -> str:
        """Its link, signed with a key that everybody knows."""
        return sign(link_to(self.card, now=NOON), site=_SITE, key=_KEY)


@dataclass(frozen=True)
class Gallery:
    """Every card, in the order in which they are shown; `missing` are the stages that no way led to, by verb."""

    cards: tuple[Drawn, ...]
    missing: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class _Home:
    """A home while somebody lives in it."""

    settings: Settings
    clock: FakeClock
    engine: Engine
    world: World

    def ask(self, words: str, *, answers: str | None = None) -> Card:
        return self.engine.draft(words, member=None, channel="gallery", answers=answers)

    def card(self, of: str) -> Card:
        with session.open_queries(self.settings) as queries:
            return queries.card(of)

    def confirm(self, draft: Card) -> str:
        """The execution that a yes to `draft` starts."""
        return self.engine.confirm(draft.draft_id or "", draft_hash=draft.draft_hash or "", member=None).id

    def carry_on(self, execution_id: str, *, wait_s: int = _DAY_S) -> Card:
        return self.card(self.engine.execute(execution_id, wait_s=wait_s).id)

    def fault(self, name: str, *, times: int = 1) -> None:
        add_fault(self.world, name, times=times)


#: What is done with an open draft, and the card that comes of it.
Way = Callable[[_Home, Card], Card]


def _as_drafted(_home: _Home, draft: Card) -> Card:
    return draft


def _modified(home: _Home, draft: Card, *, nth: int) -> Card:
    """With one change made, counting from 0; the draft itself where that makes no difference to it."""
    values = next(islice(_changes(home.engine.form(draft.draft_id or ""), draft.verb or ""), nth, None), None)
    if values is None:
        return draft
    try:
        changed = home.engine.amend(draft.draft_id or "", values, member=None)
    except HaloError:
        return draft
    return changed if changed.changes else draft


def _changes(form: tuple[FormField, ...], verb: str) -> Iterator[Mapping[str, str]]:
    """One field filled in otherwise; then the whole form as another example would have it."""
    yield from ({field.name: value} for field in form for value in _others(field))
    spec = VERBS[verb].spec
    for example in spec.examples[1:]:
        wanted = {field.name: field.value for field in form_of(spec.params.model_validate(example.params))}
        yield {field.name: wanted[field.name] for field in form if field.name in wanted}


def _others(field: FormField) -> tuple[str, ...]:
    """What a person might put there instead."""
    match field.kind:
        case "number":
            return (str(int(field.value) + 1),) if field.value else ()
        case "choice":
            return tuple(choice for choice in field.choices if choice != field.value)
        case "date" if field.value:
            return tuple((datetime.fromisoformat(field.value) + timedelta(days=days)).date().isoformat() for days in (1, 2, 7))
        case _:
            return ()


def _superseded(home: _Home, draft: Card, *, nth: int) -> Card:
    changed = _modified(home, draft, nth=nth)
    if changed is draft:
        return draft
    with session.open_queries(home.settings) as queries:
        return superseded_card(queries.revisions(draft.draft_id or "")[0], revision=changed.revision or 0)


def _terms_changed(home: _Home, draft: Card, *, drift: str) -> Card:
    """The draft that stands in its place when `drift` came between the card and the yes."""
    execution_id = home.confirm(draft)
    home.fault(drift)
    stopped = home.carry_on(execution_id)
    return home.card(stopped.draft_id or "")


def _cancelled(home: _Home, draft: Card) -> Card:
    return home.engine.cancel(draft.draft_id or "", member=None)


def _expired(home: _Home, draft: Card) -> Card:
    home.clock.advance(timedelta(seconds=home.settings.draft_lives_s))
    return home.card(draft.draft_id or "")


def _executing(home: _Home, draft: Card) -> Card:
    return home.card(home.confirm(draft))


def _checking(home: _Home, draft: Card) -> Card:
    home.fault("lose_answer")
    return home.carry_on(home.confirm(draft), wait_s=0)


def _done(home: _Home, draft: Card) -> Card:
    return home.carry_on(home.confirm(draft))


def _failed(home: _Home, draft: Card) -> Card:
    home.fault("unavailable", times=_FOR_GOOD)
    return _done(home, draft)


def _needs_attention(home: _Home, draft: Card) -> Card:
    """The answer is lost, and then nobody can be asked for it."""
    home.fault("lose_answer")
    execution_id = home.confirm(draft)
    home.carry_on(execution_id, wait_s=0)
    home.fault("unavailable", times=_FOR_GOOD)
    return home.carry_on(execution_id)


@dataclass(frozen=True)
class _Stage:
    """A stage of a draft's life: the card that shows it, and the ways that may lead there. The first that does is taken."""

    kind: CardKind
    ways: tuple[Way, ...]
    revision: int | None = None


#: So many changes are tried, each in a home of its own, until one makes a difference.
_CHANGES = 6
_DRIFTS = ("price_up", "fee_changed", "slot_gone")

STAGES: Mapping[str, _Stage] = MappingProxyType(
    {
        "draft": _Stage(CardKind.DRAFT, (_as_drafted,)),
        "modified": _Stage(CardKind.DRAFT, tuple(partial(_modified, nth=nth) for nth in range(_CHANGES)), revision=2),
        "superseded": _Stage(CardKind.SUPERSEDED, tuple(partial(_superseded, nth=nth) for nth in range(_CHANGES)), revision=1),
        "terms_changed": _Stage(CardKind.TERMS_CHANGED, tuple(partial(_terms_changed, drift=drift) for drift in _DRIFTS)),
        "cancelled": _Stage(CardKind.CANCELLED, (_cancelled,)),
        "expired": _Stage(CardKind.EXPIRED, (_expired,)),
        "executing": _Stage(CardKind.EXECUTING, (_executing,)),
        "checking": _Stage(CardKind.CHECKING, (_checking,)),
        "done": _Stage(CardKind.DONE, (_done,)),
        "failed": _Stage(CardKind.FAILED, (_failed,)),
        "needs_attention": _Stage(CardKind.NEEDS_ATTENTION, (_needs_attention,)),
    }
)

#: What is shown once, whatever the verb: the words, and what is done with the draft they come to.
ONCE: Mapping[str, tuple[str, Way]] = MappingProxyType(
    {
        "question": ("order AAA batteries", _as_drafted),
        "question_of_times": ("book a table for two at Nopa tomorrow at 3am", _as_drafted),
        "question_without_options": ("book a table at Nopa tomorrow at 7:30pm", _as_drafted),
        "not_supported": ("remind me to water the plants", _as_drafted),
        "unavailable": ("order sku_out_of_stock", _as_drafted),
        "handed_off": ("cancel vireo mobile", _done),
    }
)


def hang(verbs: tuple[str, ...] | None = None, *, tell: Callable[[int], None] = lambda _: None) -> Gallery:
    """The whole gallery; of `verbs`, `ANY` among them, their part of it alone. `tell` hears how many cards there are so far."""
    with TemporaryDirectory(prefix="halo-gallery-") as place:
        homes = _Homes(Path(place))
        cards: list[Drawn] = []
        missing: dict[str, tuple[str, ...]] = {}
        for verb in verbs or (*VERBS, ANY):
            for drawn in _once(homes) if verb == ANY else chain(_life(homes, verb), _more_examples(homes, verb)):
                cards.append(drawn)
                tell(len(cards))
            has = {drawn.stage for drawn in cards if drawn.verb == verb}
            if verb != ANY and (lacks := tuple(stage for stage in STAGES if stage not in has)):
                missing[verb] = lacks
        return Gallery(tuple(cards), missing)


class _Homes:
    """Makes homes that differ in nothing but their seed. The empty books are laid out once and copied, which is quicker."""

    def __init__(self, place: Path) -> None:
        self._empty, self._homes, self._made = place / "empty", place, 0
        with session.at(FakeClock(NOON)), session.open_engine(Settings(home=self._empty)):
            pass

    @contextmanager
    def home(self, of: str) -> Iterator[_Home]:
        """A home with a household in it, whose chance and ids are those of every home of the same name."""
        self._made += 1
        place = self._homes / str(self._made)
        shutil.copytree(self._empty, place)
        settings, clock = Settings(home=place), FakeClock(NOON, seed=zlib.crc32(of.encode()))
        with session.at(clock), session.open_engine(settings) as engine:
            engine.found_household(default_plan())
            yield _Home(settings, clock, engine, session.open_world(settings))
        shutil.rmtree(place)


def _life(homes: _Homes, verb: str) -> Iterator[Drawn]:
    """The life of the first example that comes to a draft."""
    said = next(
        (example.text for example in VERBS[verb].spec.examples if _card(homes, example.text, _as_drafted, of=verb).draft_hash), None
    )
    if said is None:
        return
    for name, stage in STAGES.items():
        cards = (_card(homes, said, way, of=verb) for way in stage.ways)
        found = next((card for card in cards if card.kind is stage.kind and stage.revision in (None, card.revision)), None)
        if found:
            yield Drawn(verb, name, said, found)


def _more_examples(homes: _Homes, verb: str) -> Iterator[Drawn]:
    """What the other examples come to; a question with options also as the draft that the first answer makes of it."""
    for number, example in enumerate(VERBS[verb].spec.examples[1:], 2):
        with homes.home(f"{verb} {number}") as home:
            card = home.ask(example.text)
            yield Drawn(verb, f"example_{number}", example.text, card)
            if card.options:
                yield Drawn(verb, f"example_{number}_answered", example.text, home.ask("1", answers=card.request_id))


def _once(homes: _Homes) -> Iterator[Drawn]:
    """What belongs to no verb."""
    for stage, (said, way) in ONCE.items():
        yield Drawn(ANY, stage, said, _card(homes, said, way, of=stage))


def _card(homes: _Homes, said: str, way: Way, *, of: str) -> Card:
    with homes.home(of) as home:
        return way(home, home.ask(said))
