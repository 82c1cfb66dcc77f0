"""A card as one web page, for whoever has the link and no Messages: it shows and grants nothing. The server and the gallery call `render`.

No script, no form and no request to anywhere. What could be pressed in Messages is said in words. The page's own policy allows
exactly one style, by its hash: a text that found a way out of its escaping would still not be able to dress itself. `page` is the same card where
its link leads: with Halo's name, what the reader has to know, and one link, which opens the app.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from markupsafe import Markup

from cards import looks, words
from cards.templating import template
from halo_engine.model.card import Card


def render(card: Card) -> str:
    """`card` as a complete HTML document, light or dark as its reader likes."""
    return template("card.html.jinja").render(**_shown(card, _card_style()))


def page(card: Card, *, notice: str, open_url: str | None, how: Sequence[str]) -> str:
    """`card` where its link leads: under a `notice`, if it is not what was linked, and above `how` to act on it. Those three are our own words."""
    return template("page.html.jinja").render(**_shown(card, _page_style()), notice=notice, open_url=open_url, how=how)


def missing() -> str:
    """The page of a link that leads to nothing."""
    style = _page_style()
    return template("missing.html.jinja").render(style=style.text, policy=style.policy, icon=looks.verb_icon(None))


def page_policy() -> str:
    """The policy of both pages, for their headers."""
    return _page_style().policy


def _shown(card: Card, style: _Style) -> dict[str, Any]:
    shown, look = words.harmless(card), looks.LOOKS[card.kind]
    return {
        "card": shown,
        "look": look,
        "hash": card.hash,
        "icon": looks.verb_icon(shown.verb),
        "warning_mark": looks.WARNING_MARK,
        "headline": words.headline(shown, state=look.word),
        "explanation": words.explanation(shown),
        "changes": words.told(shown.changes),
        "moves": lambda change: words.moves(words.change_heading(change)),
        "cost_label": words.cost_label(shown),
        "caution_label": words.caution_label(shown),
        "where_to_act": words.where_to_act(shown),
        "says": words,
        "fine_print": (*words.id_lines(shown), words.hash_line(card.hash)),
        "style": style.text,
        "policy": style.policy,
    }


class _Style(NamedTuple):
    """The one style of a page, and the policy that allows it and nothing else."""

    text: Markup
    policy: str


@cache
def _card_style() -> _Style:
    return _allowed(_card_css())


@cache
def _page_style() -> _Style:
    blue = looks.SHADES[looks.Accent.BLUE]
    return _allowed(_card_css() + template("page.css.jinja").render(light=blue.light, dark=blue.dark))


def _card_css() -> str:
    return template("card.css.jinja").render(light=looks.LIGHT, dark=looks.DARK, shades=looks.SHADES)


def _allowed(css: str) -> _Style:
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    # Our own files, with our own colours in them: markup on purpose.
    return _Style(Markup(css), policy)  # noqa: S704
