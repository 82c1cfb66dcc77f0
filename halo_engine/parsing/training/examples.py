"""What the model learns from: words, what they ask for, and which of them say so."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from halo_engine.parsing.labels import SPAN_TYPES


@dataclass(frozen=True)
class Span:
    """Words from `start` to `end` (characters) that are of `type`."""

    type: str
    start: int
    end: int


@dataclass(frozen=True)
class Example:
    """One text with what is known of it. What is not known is not learnt from: `verb` and `reply` None, types outside `annotated`."""

    text: str
    source: str
    verb: str | None = None
    spans: tuple[Span, ...] = ()
    annotated: frozenset[str] = frozenset(SPAN_TYPES)
    #: What was just asked for, as in `ParseContext.requested`.
    requested: tuple[str, ...] = ()
    #: The verb of the request that stands and that these words may change.
    about: str | None = None
    #: What the words say to a card: one of `REPLIES`.
    reply: str | None = None
    #: How much of the loss it is, beside an ordinary one.
    weight: float = 1.0

    def in_lower_case(self) -> Example:
        """The same, typed without the shift key. Only where no character changes its length."""
        lower = self.text.lower()
        return replace(self, text=lower) if len(lower) == len(self.text) else self


def is_held_back(text: str, percent: int) -> bool:
    """Whether `text` belongs to the development part: decided by its own bytes, so that nothing moves when a list grows."""
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:4]) % 100 < percent
