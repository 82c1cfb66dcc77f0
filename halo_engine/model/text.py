"""Text from people, vendors and models is data: `inert` and `readable` keep it so.

Stored text stays as it was given; what is shown, or read by a parser, goes through here. `without_commands` is about what Halo itself says.
"""

from __future__ import annotations

import re
import unicodedata

# Terminal control sequences: CSI, then OSC and the other string sequences up to their terminator, then any two-character escape.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b.?",
    re.DOTALL,
)

# Characters that are invisible or reorder what is seen: soft hyphen, combining grapheme joiner, Hangul and Khmer fillers, zero-width, bidi
# controls, variation selectors, shorthand and musical format controls, tags.
_HIDDEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def inert(text: str, *, max_chars: int = 500) -> str:
    """`text` on one line, without anything that could move a cursor, hide, reorder or flood; cut to `max_chars` with an ellipsis."""
    if len(text) <= max_chars and _is_plain(text):
        return " ".join(text.split())
    # Escape sequences are cut before the length, so that half of one is never left over.
    bounded = _ESCAPES.sub("", text[: 8 * max_chars])
    # Scripts bring format controls of their own, which nobody sees either.
    visible = "".join(c for c in _HIDDEN.sub("", bounded) if unicodedata.category(c) != "Cf")
    printable = "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Cn", "Co", "Zl", "Zp") else c for c in visible)
    line = " ".join(printable.split())
    cut = len(line) > max_chars or len(text) > 8 * max_chars
    return f"{line[: max_chars - 1].rstrip()}…" if cut else line


def readable(text: str) -> str:
    """`text` with every character a reader would not see turned into a space, of the same length, so that offsets still count in the original."""
    if _is_plain(text):
        return text
    spaced = _HIDDEN.sub(" ", _ESCAPES.sub(lambda escape: " " * len(escape[0]), text))
    return "".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Cs") else c for c in spaced)


_BETWEEN_SENTENCES = re.compile(r"(?<=[.!?])\s+")
# As hints bring one in. The word alone is no command: there is an ice cream of that name.
_COMMAND = re.compile(r"(?:: |\()halo [a-z]|\bHALO_[A-Z]")


def without_commands(words: str) -> str:
    """What Halo says, without the sentences that say what to type at a prompt: for whoever has none before them."""
    return " ".join(sentence for sentence in _BETWEEN_SENTENCES.split(words) if not _COMMAND.search(sentence))


def _is_plain(text: str) -> bool:
    """Whether everything in it is seen, as in nearly all text: then there is nothing to look for character by character.

    What Python calls printable is of none of the categories that are looked for; some of what is hidden is a letter or a mark, though.
    """
    return text.isprintable() and (text.isascii() or not _HIDDEN.search(text))
