"""Texts with their marks written in: what the model would have said, without the model."""

from __future__ import annotations

import re

from halo_engine.parsing.labels import REPLIES, VERBS
from halo_engine.parsing.marked_text import MarkedText, Span, Visible
from halo_engine.parsing.tagger import Scores

_MARK = re.compile(r"<([a-z_]+):\s*([^>]*)>")


def marked(markup: str, verb: str = "ORDER") -> MarkedText:
    """ "order <quantity: 2> packs of <item: milk>" as the model would have read it, sure that it is `verb`."""
    text, spans, at = "", [], 0
    for match in _MARK.finditer(markup):
        text += markup[at : match.start()]
        spans.append(Span(match[1], len(text), len(text) + len(match[2]), match[2]))
        text += match[2]
        at = match.end()
    text += markup[at:]
    scores = Scores({name: float(name == verb) for name in VERBS}, {name: float(name == "none") for name in REPLIES}, ())
    return MarkedText(Visible(text), scores, tuple(spans))
