"""One text as the model read it: its words that anybody can see, the spans that were marked, and where each stands in the text as given."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property

from halo_engine.model.intent import UNSUPPORTED, Entity
from halo_engine.model.text import readable
from halo_engine.parsing.labels import ENTITY_TYPES
from halo_engine.parsing.tagger import Mark, Scores, Tagger
from halo_engine.parsing.values.folding import fold

#: Only this much is read for meaning: nobody needs more to ask for one thing, and time stays bounded for any text.
READ_CHARS = 2_000

#: As much as the model reads at once: no character is more than one piece, of which it has room for 512.
WINDOW_CHARS = 480

_SENTENCE_END = re.compile(r"[.!?\n]\s+")

#: How what the model marks is published, where it has another name there.
_PUBLISHED = {kind: kind for kind in ENTITY_TYPES} | {
    "deadline": "date",
    "left_out": "item",
    "replaced": "item",
    "when_end": "date",
    "when_now": "date",
}


_CHOICE = re.compile(r"\bor\b|/")
_LIST = re.compile(r"\s*(?:,|&|\+|,?\s*\band\b(?:\s+(?:also|then))?|,?\s*\bplus\b)(?:\s+(?:the|my|our|also))*\s*")


@dataclass(frozen=True)
class Span:
    """Words that were marked. `words` are as the person wrote them, on one line; `start` and `end` count in `Visible.text`."""

    type: str
    start: int
    end: int
    words: str

    @property
    def low(self) -> str:
        """The words folded: lower case, plain quotes."""
        return fold(self.words)


class Visible:
    """A text without what nobody sees. `text` is what is read; `given` is what was given."""

    def __init__(self, given: str) -> None:
        self.given = given
        # Twice as much is looked at, so that invisible characters cannot push the words out.
        shown = readable(given[: 2 * READ_CHARS])
        kept = [at for at, character in enumerate(shown) if not _is_hidden(given[at], character)][:READ_CHARS]
        self.text = "".join(_as_read(given[at], shown[at]) for at in kept)
        self.cut = bool(kept) and kept[-1] + 1 < len(given.rstrip())
        self._at = kept

    @property
    def beginning(self) -> Visible:
        """As much of it as the model reads at once, in whole sentences if there are any."""
        if len(self.text) <= WINDOW_CHARS:
            return self
        ends = [match.end() for match in _SENTENCE_END.finditer(self.text, 0, WINDOW_CHARS)]
        return self._part(0, ends[-1] if ends else WINDOW_CHARS)

    @property
    def end(self) -> Visible:
        """As `beginning`, from the other end."""
        begins = [match.end() for match in _SENTENCE_END.finditer(self.text, max(0, len(self.text) - WINDOW_CHARS))]
        return self._part(begins[0] if begins else max(0, len(self.text) - WINDOW_CHARS), len(self.text))

    def _part(self, start: int, end: int) -> Visible:
        part = copy(self)
        part.text, part._at = self.text[start:end], self._at[start:end]  # noqa: SLF001 - its own kind
        part.cut = self.cut or end < len(self.text)
        return part

    def entity(self, kind: str, start: int, end: int) -> Entity | None:
        """The entity of a span of `text`, with its place in `given`. None for what could not be written as UTF-8."""
        first, last = self._at[start], self._at[end - 1] + 1
        words = self.given[first:last]
        return (
            None if any("\ud800" <= character <= "\udfff" for character in words) else Entity(type=kind, text=words, start=first, end=last)
        )

    def words(self, start: int, end: int) -> str:
        """The words of a span of `text`, on one line."""
        return " ".join(self.text[start:end].split())

    @property
    def unread(self) -> str:
        """The beginning of what came after the part that was read, on one line."""
        end = self._at[-1] + 1 if self._at else 0
        return " ".join(readable(self.given[end : end + READ_CHARS]).split()) if self.cut else ""


def _as_read(given: str, shown: str) -> str:
    # Lines keep a list apart, and a figure is one in any script.
    if given == "\n":
        return given
    value = unicodedata.decimal(shown, None)
    return shown if value is None else str(value)


def _is_hidden(given: str, shown: str) -> bool:
    # A line break that is shown as a space stays one; a zero-width character inside a word must not cut it in two.
    return shown == " " and given != " " and not given.isspace() and unicodedata.category(given) in ("Cf", "Mn", "Lo")


@dataclass(frozen=True)
class MarkedText:
    """A text, what the model scored, and its spans in the order of the words."""

    visible: Visible
    scores: Scores
    spans: tuple[Span, ...]

    @property
    def verb(self) -> str:
        """The likeliest verb, or UNSUPPORTED."""
        return max(self.scores.verbs, key=lambda verb: self.scores.verbs[verb])

    def of(self, *kinds: str) -> list[Span]:
        """The spans of these kinds, in order."""
        return [span for span in self.spans if span.type in kinds]

    def first(self, *kinds: str) -> Span | None:
        """The first span of these kinds."""
        return next(iter(self.of(*kinds)), None)

    def one(self, kind: str) -> Span | None:
        """The span of a kind of which only one can be meant: the first of a list, the last after a correction; None for none, or a choice."""
        spans = self.of(kind)
        if len(spans) < 2:
            return spans[0] if spans else None
        joint = self.between(spans[-2].end, spans[-1].start)
        if _CHOICE.search(joint):
            return None
        return spans[0] if _LIST.fullmatch(joint) else spans[-1]

    def between(self, start: int, end: int) -> str:
        """The folded words between two places."""
        return self.low[start:end]

    @cached_property
    def low(self) -> str:
        """The whole text, folded."""
        return fold(self.visible.text)

    @property
    def entities(self) -> tuple[Entity, ...]:
        """What was marked, as the Intent publishes it."""
        found = (self.visible.entity(_PUBLISHED[span.type], span.start, span.end) for span in self.spans if span.type in _PUBLISHED)
        return tuple(entity for entity in found if entity)

    @property
    def _others(self) -> list[str]:
        """What else was named where only the first of a list is done: "cancel Hulu and Netflix"."""
        lists = [spans for kind in ("subscription", "bundle", "venue") if (spans := self.of(kind))[1:] and self.one(kind) is spans[0]]
        return [span.words for spans in lists for span in spans[1:]]

    @property
    def rest(self) -> str | None:
        """The words of a second request, and of what was not read; None where there are none."""
        said = [span.words for span in self.of("rest")] + self._others + [self.visible.unread]
        return " ".join(words for words in said if words)[:2_000] or None


def mark(tagger: Tagger, text: str, *, about: str | None, requested: Iterable[str]) -> MarkedText:
    """`text` as the model reads it: its beginning, or its end where a long text comes to the point only there.

    What stands in the middle of a page is part of the page: a command there was not given to Halo.
    """
    visible = Visible(text)
    asked = tuple(requested)
    marked = _marked(tagger, visible.beginning, about=about, requested=asked)
    if marked.verb != UNSUPPORTED or visible.cut or len(visible.text) <= WINDOW_CHARS:
        return marked
    end = _marked(tagger, visible.end, about=about, requested=asked)
    return marked if end.verb == UNSUPPORTED else end


def _marked(tagger: Tagger, visible: Visible, *, about: str | None, requested: Iterable[str]) -> MarkedText:
    scores = tagger.read(visible.text, about=about, requested=requested)
    ends = ((each, each.start + len(visible.text[each.start : _end(each, scores.spans)].rstrip())) for each in scores.spans)
    spans = (Span(each.type, each.start, end, visible.words(each.start, end)) for each, end in ends)
    return MarkedText(visible, scores, tuple(span for span in spans if span.words))


def _end(name: Mark, marks: Sequence[Mark]) -> int:
    """Where a mark ends; a name ends where a day or a time begins: of "NOPA TMRW" the place is Nopa."""
    if name.type not in ("venue", "service", "location", "subscription"):
        return name.end
    return min((mark.start for mark in marks if mark.type in ("date", "time") and name.start < mark.start < name.end), default=name.end)
