"""Step 1: words to an `Intent`. A model, local or remote, only ever fills that form; nothing it says can do anything else."""

from __future__ import annotations

import re

from halo_engine.model.errors import InvalidInput
from halo_engine.model.intent import UNSUPPORTED, Intent
from halo_engine.model.reading import Reading
from halo_engine.parsing.fallback import Reader
from halo_engine.parsing.parser import ParseContext, finish, unchanged
from halo_engine.verb import Verbs

# Neither database can keep these: a zero byte in a PostgreSQL text, half a surrogate pair in UTF-8.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class Parse:
    """Reads words with one parser, and holds what it says to the verbs' own forms."""

    def __init__(self, parser: Reader, verbs: Verbs, *, max_text_chars: int, minimum_confidence: float) -> None:
        self._parser, self._specs = parser, tuple(verb.spec for verb in verbs.values())
        self._max_text_chars, self._minimum_confidence = max_text_chars, minimum_confidence

    def read(self, text: str, context: ParseContext) -> Intent:
        """What `text` asks for. Raises `InvalidInput` for nothing at all or far too much; anything else has an answer, UNSUPPORTED if need be."""
        return self.reading(text, context).intent

    def reading(self, text: str, context: ParseContext) -> Reading:
        """As `read`, and who read it, for the log."""
        if not text.strip():
            raise InvalidInput("There are no words to read.", hint='Say what you want, such as: halo ask "order 2 packs of AA batteries"')
        if len(text) > self._max_text_chars:
            raise InvalidInput(f"That is more than {self._max_text_chars:,} characters.", hint="Say it shorter.")
        reading = self._parser.read(storable(text), context)
        intent = finish(reading.intent, self._specs)
        # A guess must not become a draft, and not change one.
        if context.current is not None and intent.confidence < self._minimum_confidence:
            intent = unchanged(context.current)
        elif intent.verb != UNSUPPORTED and intent.confidence < self._minimum_confidence:
            intent = Intent(verb=UNSUPPORTED, confidence=intent.confidence, entities=intent.entities)
        return reading.model_copy(update={"intent": intent})


def storable(text: str) -> str:
    """`text` with what no database can keep replaced, character for character."""
    return _UNSTORABLE.sub("�", text)
