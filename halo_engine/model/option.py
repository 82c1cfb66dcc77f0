"""One to three answers to a question, and which of them somebody's words name."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import AwareDatetime, Field, model_serializer

from halo_engine.model.value import Value


class Option(Value):
    """One answer to a clarification: what it says, why it stands where it stands, and the parameters it sets."""

    label: str
    reason: str = ""
    params: dict[str, Any] = Field(default_factory=dict)
    #: When it begins, on the place's own clock, where that is what the options are about: a date and a time alone say no instant.
    starts: AwareDatetime | None = None

    @model_serializer(mode="wrap")
    def _omit_absent_start(self, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        data = handler(self)
        if self.starts is None:
            data.pop("starts", None)
        return data


_NUMBERED = re.compile(
    # "no. 2" is the second; "no one" and "no two" are none.
    r"(?:(?:option|number|no\.?|nr\.?|#)?\s*([1-9])|(?:(?:option|number)\s+)?(one|two|three))[.)]?"
    r"|(?:the\s+)?(?:(first|second|third|last)|([1-3])(?:st|nd|rd))(?:\s+one)?"
)
_NTH = {"one": 1, "two": 2, "three": 3, "first": 1, "second": 2, "third": 3, "last": 0}
_CHEAPEST = re.compile(r"(?:the\s+)?cheap(?:est|er)(?:\s+one)?")
_AGREES = frozenset(("yes", "yeah", "yep", "y", "ok", "okay", "sure", "that one", "that"))
_DECLINES = frozenset(("no", "nope", "none", "none of them", "neither", "not", "nothing", "never", "never mind", "cancel", "stop", "wrong"))
#: Fewer letters begin too many words: "no" is not Northcell.
_BEGINNING_CHARS = 4
_FILLERS = frozenset(
    ("the", "a", "an", "one", "please", "pls", "i", "mean", "meant", "it's", "its", "take", "that", "would", "like", "at", "and")
)
_ANSWER_CHARS = 200


def option_meant(options: Sequence[Option], said: str) -> Option | None:
    """The option that an answer names for certain: by its number, its words, their beginning, or some that only it has. None for anything else."""
    words = " ".join(said.casefold().split()).strip(" .!,")
    if not words or len(words) > _ANSWER_CHARS or words in _DECLINES:
        return None
    exact = next((option for option in options if option.label.casefold() == words), None)
    return exact or _numbered(options, words) or _alone(options, words)


def _numbered(options: Sequence[Option], words: str) -> Option | None:
    match = _NUMBERED.fullmatch(words)
    if not match:
        return None
    digit, word, nth, ordinal = match.groups()
    at = int(digit or ordinal) if digit or ordinal else _NTH[word or nth]
    # The last one has number 0: it stands before the first, going round.
    return options[at - 1] if at <= len(options) and options else None


def _alone(options: Sequence[Option], words: str) -> Option | None:
    """The only option that fits; none where several do."""
    if len(options) == 1 and words in _AGREES:
        return options[0]
    if _CHEAPEST.fullmatch(words):
        fits = [option for option in options if "the cheapest" in option.reason]
    else:
        said = frozenset(_LABEL_WORD.findall(words)) - _FILLERS
        begins = [
            option
            for option in options
            if len(words) >= _BEGINNING_CHARS and not words.isdigit() and option.label.casefold().startswith(words)
        ]
        # A number alone may be meant as how many.
        has = [
            option for option in options if said and not words.isdigit() and said <= frozenset(_LABEL_WORD.findall(option.label.casefold()))
        ]
        fits = begins or has
    return fits[0] if len(fits) == 1 else None


_LABEL_WORD = re.compile(r"[^\W_]+(?:[':.][^\W_]+)*")
