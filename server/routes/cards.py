"""The card of a request, a draft or an execution, as it stands now: as JSON, or drawn."""

from __future__ import annotations

import re
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response

from halo_engine.model.card import Card
from server.answers import encoded, tagged
from server.auth import AtHome
from server.documents import cards as documents
from server.errors import NotAcceptable, problems

Format = Literal["json", "txt", "html", "svg", "png"]

_TYPES: dict[Format, str] = {
    "json": "application/json",
    "txt": "text/plain",
    "html": "text/html",
    "svg": "image/svg+xml",
    "png": "image/png",
}
#: A drawn card is a picture: should a vendor's text ever get through as markup, it loads and runs nothing.
_STILL = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; sandbox"}

_TEXT: dict[str, Any] = {"schema": {"type": "string"}}
#: A picture in bytes has no schema in OpenAPI 3.1: its media type says all.
_DRAWN: dict[int | str, dict[str, Any]] = {
    200: {"content": {kind: {} if kind == "image/png" else _TEXT for name, kind in _TYPES.items() if name != "json"}}
}

routes = APIRouter(prefix="/v1/cards", tags=["cards"])


#: Ten times the longest card there is. Dots cost time and memory by the line, and a picture that long shows nobody anything.
_MOST_DRAWN_CHARS = 20_000


@routes.get("/{of}", operation_id="getCard", response_model=documents.Card, responses=_DRAWN | problems(404, 406))
def card(home: AtHome, request: Request, of: str, format: Format | None = None) -> Response:  # noqa: A002 - the name in the query
    """The card of a request, a draft or an execution, as it stands now: in `format`, or in what Accept likes best; JSON where neither says."""
    chosen = format or _liked(request.headers.get("accept", "*/*"))
    found = home.door.card(of)
    content = encoded(documents.Card.of_card(found, home.link(found))) if chosen == "json" else _drawn(found, chosen)
    return tagged(content, _TYPES[chosen], {"Vary": "Accept"} if chosen == "json" else {**_STILL, "Vary": "Accept"})


def _drawn(card: Card, chosen: Format) -> bytes:
    # Drawing needs fonts and templates: not before somebody wants a picture.
    match chosen:
        case "html":
            from cards import html

            drawn = html.render(card)
        case "svg":
            from cards import svg

            drawn = svg.render(card)
        case "png":
            if len(card.alt_text) > _MOST_DRAWN_CHARS:
                raise NotAcceptable(hint="It is too long for a picture. Ask for ?format=html.")
            from cards import png

            return png.render(card)
        case _:
            from cards import text

            # Lines of text end in one: in a terminal the next thing stands below it.
            drawn = f"{text.render(card)}\n"
    return drawn.encode(errors="replace")


def _liked(accept: str) -> Format:
    """The first format that is asked for, by the greatest weight. Raises `NotAcceptable`."""
    wanted = sorted(((_weight(part), -position, part) for position, part in enumerate(accept.lower()[:1000].split(","))), reverse=True)
    for weight, _, part in wanted:
        kind = part.partition(";")[0].strip()
        found = next((name for name, each in _TYPES.items() if kind in (each, f"{each.partition('/')[0]}/*", "*/*")), None)
        if found and weight:
            return found
    raise NotAcceptable(hint="Ask for ?format=json.")


def _weight(part: str) -> int:
    """In thousandths, as RFC 9110 §12.4.2 has it; one that cannot be read is none."""
    weight = re.search(r";\s*q=([^;]*)", part)
    if weight is None:
        return 1000
    known = re.fullmatch(r"([01])(?:\.([0-9]{0,3}))?\s*", weight[1])
    return int(f"{known[1]}{known[2] or '':0<3}") if known else 0
