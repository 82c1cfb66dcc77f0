"""How words are read with whatever parser there is, so that the log can say who spoke.

A `Reader` says what it took. `Plain` makes one of any parser; `WithFallback` asks one reader and, where that could not read, a parser. The offline
parser never guesses more than the household's own words say, so a model that is down costs precision, not safety.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Protocol

from halo_engine.model.errors import ParserFailed
from halo_engine.model.reading import Reading, Spoke
from halo_engine.parsing.parser import ParseContext, Parser

log = logging.getLogger(__name__)


class Unread(ParserFailed):
    """The words could not be read right now."""

    def __init__(self, why: str, message: str) -> None:
        super().__init__(message)
        #: One word for the log: late, unreachable, status_503, refused, cut_off, …
        self.why = why
        #: What it cost all the same.
        self.spoke: Spoke | None = None

    @property
    def code(self) -> str:
        """As published for every parser's failure."""
        return "parser_failed"


class Reader(Protocol):
    """Words in, intent out, and what it took."""

    def read(self, text: str, context: ParseContext) -> Reading:
        """The intent of `text`, and who read it. Raises `Unread`."""
        ...


class Plain:
    """Any parser as a `Reader`."""

    def __init__(self, parser: Parser, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._parser, self._monotonic = parser, monotonic

    def read(self, text: str, context: ParseContext) -> Reading:
        """As the parser reads it, timed."""
        began = self._monotonic()
        intent = self._parser.parse(text, context)
        latency_ms = max(0, round((self._monotonic() - began) * 1000))
        return Reading(intent=intent, spoke=Spoke(parser=self._parser.name, latency_ms=latency_ms))


class WithFallback:
    """Asks `first`; where it raises `Unread`, asks what `otherwise` makes, and says so. `otherwise` is made when it is needed first."""

    def __init__(self, first: Reader, otherwise: Callable[[], Parser], *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._first, self._make, self._monotonic = first, otherwise, monotonic
        self._second: Parser | None = None

    def read(self, text: str, context: ParseContext) -> Reading:
        """As whoever could read it read it. `latency_ms` is what the person waited, for both."""
        began = self._monotonic()
        try:
            return self._first.read(text, context)
        except Unread as error:
            failed = error
        log.info("%s", failed.message)
        if self._second is None:
            self._second = self._make()
        intent = self._second.parse(text, context)
        latency_ms = max(0, round((self._monotonic() - began) * 1000))
        told = {"parser": self._second.name, "latency_ms": latency_ms, "fallback_reason": failed.why}
        spoke = failed.spoke.model_copy(update=told) if failed.spoke else Spoke.model_validate(told)
        return Reading(intent=intent, spoke=spoke)
