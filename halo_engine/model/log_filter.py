"""What somebody types to find events in the log, read into one value. The log browser and `halo_engine.trail` use it.

Every token narrows: `execution.` is a type or the beginning of one, an identifier is what the event is about or the trip it belongs to,
`2026-03-06` a day of the household's, `by:alex` who acted; anything else is text that stands somewhere in the event.
"""

from __future__ import annotations

import re
from datetime import date

from halo_engine.model.day import day_in
from halo_engine.model.ids import prefix_of
from halo_engine.model.text import inert
from halo_engine.model.value import Value

#: More words than this find nothing that fewer would not.
MAX_WORDS = 6
_MAX_CHARS = 300
_TYPE = re.compile(r"[a-z_]+\.[a-z_.]*")


class LogFilter(Value):
    """Which events are wanted. Empty fields ask for nothing; an empty filter is every event."""

    words: tuple[str, ...] = ()
    type_prefix: str = ""
    about: str = ""
    by: str = ""
    day: date | None = None

    @property
    def is_empty(self) -> bool:
        return self == LogFilter()

    @property
    def told(self) -> str:
        """The filter as a person reads it back."""
        parts = [f"{self.type_prefix}…" if self.type_prefix.endswith(".") else self.type_prefix]
        parts += [f"about {self.about}" if self.about else "", f"by {self.by}" if self.by else "", f"on {self.day}" if self.day else ""]
        parts += [f"“{word}”" for word in self.words]
        return " · ".join(filter(None, parts))

    @classmethod
    def parse(cls, text: str) -> LogFilter:
        """Never fails: what is none of the other things is a word."""
        found = cls()
        for token in inert(text, max_chars=_MAX_CHARS).split():
            found = found.model_copy(update=found._read(token))
        return found

    def _read(self, token: str) -> dict[str, object]:
        name, _, value = token.partition(":")
        if name in ("by", "member") and value:
            return {"by": value.lower()}
        if name == "type" and value:
            return {"type_prefix": value.lower()}
        if day := day_in(value if name == "day" else token):
            return {"day": day}
        if prefix_of(token):
            return {"about": token}
        if _TYPE.fullmatch(token):
            return {"type_prefix": token}
        return {"words": (*self.words, token)[:MAX_WORDS]}
