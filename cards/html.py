"""A card as one web page, for whoever has the link and no Messages: it shows and grants nothing. The server and the gallery call `render`.

No script, no form, no link and no request to anywhere. What could be pressed in Messages is said in words. The page's own policy allows
exactly one style, by its hash: a text that found a way out of its escaping would still not be able to dress itself.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import NamedTuple

from markupsafe import Markup

from cards import looks, words
from cards.templating import template
from halo_engine.model.card import Card


def render(card: Card) -> str:
    """`card` as a complete HTML document, light or dark as its reader likes."""
    shown, look, style = words.harmless(card), looks.LOOKS[card.kind], _style()
    return template("card.html.jinja").render(
        card=shown,
        look=look,
        hash=card.hash,
        icon=looks.verb_icon(shown.verb),
        warning_mark=looks.WARNING_MARK,
        headline=words.headline(shown, state=look.word),
        explanation=words.explanation(shown),
        changes=words.told(shown.changes),
        moves=lambda change: words.moves(words.change_heading(change)),
        cost_label=words.cost_label(shown),
        caution_label=words.caution_label(shown),
        where_to_act=words.where_to_act(shown),
        says=words,
        fine_print=(*words.id_lines(shown), words.hash_line(card.hash)),
        style=style.text,
        policy=style.policy,
    )


class _Style(NamedTuple):
    """The one style of the page, and the policy that allows it and nothing else."""

    text: Markup
    policy: str


@cache
def _style() -> _Style:
    css = template("card.css.jinja").render(light=looks.LIGHT, dark=looks.DARK, shades=looks.SHADES)
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    # Our own file, with our own colours in it: markup on purpose.
    return _Style(Markup(css), policy)  # noqa: S704
