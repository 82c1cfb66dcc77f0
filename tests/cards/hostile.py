"""Texts that try to be more than text, and cards that have one in every place where a text can stand."""

from __future__ import annotations

from hypothesis import strategies as st

from halo_engine.model.card import Card
from tests.cards.examples import CARDS

TEXTS = {
    "markup": "</text></svg><script>alert(1)</script><img src=x onerror=alert(1)><!--",
    "attributes": "\" onload=\"alert(1)\" style='position:fixed' x='",
    "cdata": "]]><![CDATA[<script/>&lt;&#x3c;&nbsp;%2e",
    "template": "{{7*7}} {% for x in ''.__class__.__mro__ %}{# #}${7*7}",
    "style": "</style><style>*{display:none}</style> ;}} @import url(//evil.example)",
    "escapes": "\x1b[2J\x1b[31mred\x1b[0m \x9b31m \x1b]8;;https://evil.example\x07link\x1b]8;;\x07",
    "bidi": "pay \u202e00.1$\u202c \u2066x\u2069 \u200fright\u061c",
    "zero width": "a\u200bb\u200dc\u2060d\ufeffe\u00adf\u3164g",
    "half characters": "a\udcffb\ud800c\ufffe\uffff",
    "controls": "a\x00b\x08c\r\nd\te\x7ff\x85g\u2028h\u2029i",
    "pile": "Z" + "\u0301\u0336\u20dd" * 80 + "o",
    "rich": "[bold red]markup[/] [link=file:///etc]x[/link] :skull:",
    "wide": "伊藤園 お〜いお茶 🍵👩‍👩‍👧 ﷽ שלום العربية",
    "one word": "W" * 400,
}
FLOOD = "flood " * 180_000
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=80) | st.sampled_from(sorted(TEXTS.values()))


def card_of(text: str) -> Card:
    """A card with `text` wherever a text can stand, but for its ids."""
    fact, option = {"label": text, "text": text}, {"label": text, "reason": text}
    return Card.model_validate(
        CARDS["draft_order"].model_dump()
        | {
            "title": text,
            "summary": text,
            "verb": text,
            "lines": [{"quantity": 2, "text": text, "detail": text, "amount": text}, {"text": text, "amount": text}],
            "rows": [fact, fact],
            "cost": text,
            "warnings": [text],
            "policies": [text],
            "approval": [text],
            "changes": [{"field": text, "before": text, "after": text, "words": text}],
            "options": [option],
            "note": text,
        }
    )


def squeezed(text: str) -> str:
    """`text` without its spaces: lines break where they must."""
    return "".join(text.split())
