"""How each kind of card looks, in one table: its word, its sign, its accent. The terminal, the picture and the web page all read it here.

A state is never told by colour alone: the sign and the word say it too. The accents differ in lightness as well as in hue, and every pair of
ink and ground that is used meets WCAG AA (a test computes it).
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from halo_engine.model.card import CardKind


class Accent(StrEnum):
    """The one colour of a card."""

    BLUE = "blue"
    AMBER = "amber"
    GREY = "grey"
    VIOLET = "violet"
    GREEN = "green"
    RED = "red"


class Shade(NamedTuple):
    """One accent on a light ground, on a dark one, and by rich's name on a terminal."""

    light: str
    dark: str
    terminal: str


class Look(NamedTuple):
    """How one kind is marked. `mark` is the sign as strokes in a box of 16 by 16, for where it is drawn."""

    word: str
    sign: str
    accent: Accent
    mark: str


class Theme(NamedTuple):
    """The grounds and inks of a drawn card. `caution` is the box of a warning, `rise` and `fall` are amounts that went up and down."""

    ground: str
    edge: str
    rule: str
    ink: str
    quiet: str
    panel: str
    caution: str
    caution_ink: str
    rise: str
    fall: str


SHADES: dict[Accent, Shade] = {
    Accent.BLUE: Shade("#0A5FD9", "#6CABFF", "blue"),
    Accent.AMBER: Shade("#A34E00", "#FFB454", "dark_orange3"),
    Accent.GREY: Shade("#5C5C63", "#B0B0B8", "grey42"),
    Accent.VIOLET: Shade("#6A3FC8", "#BDA4FF", "medium_purple3"),
    Accent.GREEN: Shade("#157A3C", "#57D08A", "green4"),
    Accent.RED: Shade("#BF2330", "#FF8A87", "red3"),
}

_RING = "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 0 0 0-11z"

LOOKS: dict[CardKind, Look] = {
    CardKind.DRAFT: Look("Draft", "○", Accent.BLUE, _RING),
    CardKind.TERMS_CHANGED: Look("Terms changed", "≠", Accent.AMBER, "M3 6h10M3 10.2h10M10.6 2.6L5.4 13.6"),
    CardKind.SUPERSEDED: Look("Replaced", "–", Accent.GREY, "M5.6 5.4V3H13v7.4h-2.4M3 5.6h7.4V13H3z"),
    CardKind.CLARIFICATION: Look("One question", "?", Accent.VIOLET, "M5.3 5.6a2.7 2.7 0 1 1 4.1 2.3C8.4 8.5 8 9 8 10M8 13.2v.01"),
    CardKind.NOT_SUPPORTED: Look("Not supported", "–", Accent.GREY, "M3 8h10"),
    CardKind.UNAVAILABLE: Look("Not possible", "–", Accent.AMBER, _RING + "M4.4 4.4l7.2 7.2"),
    CardKind.EXECUTING: Look("Executing", "▸", Accent.BLUE, "M5 3.2l7 4.8l-7 4.8z"),
    CardKind.CHECKING: Look("Checking", "…", Accent.AMBER, "M3 8v.01M8 8v.01M13 8v.01"),
    CardKind.DONE: Look("Done", "✓", Accent.GREEN, "M2.8 8.6l3.6 3.6l6.8-8"),
    CardKind.PARTIAL: Look("Partly done", "◐", Accent.AMBER, _RING + "M7.6 3v10M6.2 3.6v8.8M4.6 5v6"),
    CardKind.FAILED: Look("Failed", "✗", Accent.RED, "M3.6 3.6l8.8 8.8M12.4 3.6l-8.8 8.8"),
    CardKind.HANDED_OFF: Look("Over to you", "→", Accent.AMBER, "M2.6 8h10.6M8.8 3.6L13.2 8l-4.4 4.4"),
    CardKind.NEEDS_ATTENTION: Look("Needs attention", "!", Accent.RED, "M8 2.6v7M8 13.2v.01"),
    CardKind.CANCELLED: Look("Cancelled", "–", Accent.GREY, _RING + "M5.6 8h4.8"),
    CardKind.EXPIRED: Look("Expired", "–", Accent.GREY, _RING + "M8 5v3.2l2.1 1.4"),
}

LIGHT = Theme(
    ground="#FFFFFF",
    edge="#DCDCE1",
    rule="#E6E6EA",
    ink="#16161A",
    quiet="#62626A",
    panel="#F5F5F7",
    caution="#FFF3E0",
    caution_ink="#7A3A00",
    rise="#A34E00",
    fall="#157A3C",
)
DARK = Theme(
    ground="#1C1C1F",
    edge="#38383D",
    rule="#343439",
    ink="#F4F4F6",
    quiet="#A9A9B2",
    panel="#2A2A2E",
    caution="#3A2A12",
    caution_ink="#FFC77D",
    rise="#FFB454",
    fall="#57D08A",
)

#: What a verb is about, as strokes in a box of 24 by 24.
_VERB_ICONS = {
    "ORDER": "M6.2 8.2h11.6l1 11.3H5.2zM9 10.6V7a3 3 0 0 1 6 0v3.6",
    "REORDER": "M5 11.4a7 7 0 0 1 12.2-4l2 2.2M19.4 4.8v4.8h-4.8M19 12.6a7 7 0 0 1-12.2 4l-2-2.2M4.6 19.2v-4.8h4.8",
    "BOOK": "M5 6.4h14v13.1H5zM5 10.6h14M9 4.2v4M15 4.2v4",
    "CANCEL": "M12 4.2a7.8 7.8 0 1 0 0 15.6a7.8 7.8 0 0 0 0-15.6zM9.2 9.2l5.6 5.6M14.8 9.2l-5.6 5.6",
}
_SPEECH = "M5 5.2h14v10.4h-7.2L8 19.2v-3.6H5z"

#: What stands before a warning, and before a policy.
WARNING_SIGN, POLICY_SIGN = "▲", "·"
#: The sign of a warning, as strokes in a box of 16 by 16.
WARNING_MARK = "M8 2.2L14.6 13.6H1.4zM8 6.6v3M8 11.6v.01"


def verb_icon(verb: str | None) -> str:
    """The strokes that stand for a verb; a speech bubble for a card that has none."""
    return _VERB_ICONS.get(verb or "", _SPEECH)
