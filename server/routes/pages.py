"""What a card's link leads to: a page that anybody with the link can read, and on which nobody can do anything.

There is no token here. The signed link finds its card, and the card its household; nothing else of that household is on the page. Everything that is
wrong with a link looks the same. Beside it: the file by which an iPhone opens such links in Halo's app, and the word to robots to stay away.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from halo_engine.model.card import Button, Card
from halo_engine.model.errors import NotFound
from halo_engine.model.ids import Prefix, prefix_of
from halo_engine.model.link import Link, about
from halo_engine.queries import household_of
from server.auth import AtInstallation
from server.home import Home, Installation

routes = APIRouter(include_in_schema=False)

_HEADERS = {
    # What stands may be another card a second later, and the link is not for those who come by.
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Vary": "Accept",
}
_LOOK_ONLY = "Whoever has the link can read this page. It confirms nothing, and nobody can act on it here."
_PLACES = {Prefix.DRAFT: "draft", Prefix.EXECUTION: "execution", Prefix.REQUEST: "request"}


@routes.api_route("/m/{of}", methods=["GET", "HEAD"], operation_id="getCardPage")
def card_page(installation: AtInstallation, request: Request, of: str) -> Response:
    """The card as it stands now, for people."""
    try:
        link = installation.engine.linked(_as_signed(request, installation))
        home = installation.home(household_of(installation.settings, link.of))
        card = home.door.card(link.of)
        notice = _notice(home, link, card)
    except NotFound:
        if _wants_json(request):
            raise NotFound("There is no such card.", hint="") from None
        return _missing()
    return _page(card, notice)


@routes.api_route("/.well-known/apple-app-site-association", methods=["GET", "HEAD"], operation_id="getUniversalLinks")
async def universal_links(installation: AtInstallation) -> Response:
    """Which links an iPhone opens in Halo's app (Apple, "Supporting associated domains"); a 404 where there is no such app."""
    if installation.settings.apple_app_id is None:
        raise NotFound("There is no app that opens links to here.", hint="Whoever runs this server sets apple_app_id.")
    where = f"{urlsplit(installation.settings.public_url or '').path}/m/*"
    details = {"appIDs": [installation.settings.apple_app_id], "components": [{"/": where, "comment": "A card, by its signed link"}]}
    return JSONResponse({"applinks": {"details": [details]}}, headers={"Cache-Control": "public, max-age=3600"})


@routes.api_route("/robots.txt", methods=["GET", "HEAD"], operation_id="getRobots")
async def robots() -> Response:
    """Nothing here is for them."""
    return PlainTextResponse("User-agent: *\nDisallow: /\n", headers={"Cache-Control": "public, max-age=3600"})


def _as_signed(request: Request, installation: Installation) -> str:
    """The link as it was written: what came in, letter for letter, at our own site. A proxy may have called us by any name, under any path."""
    path = request.scope.get("raw_path", b"").decode("latin-1")
    query = request.scope["query_string"].decode("latin-1")
    return f"{installation.settings.public_url or ''}{path[path.rfind('/m/') :]}?{query}"


def _notice(home: Home, link: Link, card: Card) -> str:
    """What a reader has to know who was sent a link to something else."""
    if not link.revision or prefix_of(link.of) is not Prefix.DRAFT:
        return ""
    with home.queries() as queries:
        stands = queries.draft(link.of).revision
    if stands != link.revision:
        return f"This has changed since the link was sent. The link was to revision {link.revision}; revision {stands} stands now."
    if card.execution_id:
        return "The link was to a draft. It has been confirmed since; this is where it stands now."
    return ""


def _page(card: Card, notice: str) -> Response:
    # Templates are not read before somebody wants a page.
    from cards import html

    drawn = html.page(card, notice=notice, open_url=_in_app(card), how=(*_how(card), _LOOK_ONLY))
    return _html(drawn, 200)


def _missing() -> Response:
    from cards import html

    return _html(html.missing(), 404)


def _html(text: str, status: int) -> Response:
    from cards import html

    policy = {"Content-Security-Policy": f"{html.page_policy()}; frame-ancestors 'none'"}
    return Response(text.encode(errors="replace"), status, _HEADERS | policy, "text/html")


def _how(card: Card) -> tuple[str, ...]:
    """How a member acts on it, where there is something to do."""
    match card.buttons, card.options:
        case (Button.CONFIRM, *_), _:
            act = "confirm"
        case (), ():
            return ()
        case (), _:
            act = "answer"
        case _:
            act = "ask again"
    return (f"To {act}, open it in the Halo app, or answer the card in your thread of messages.",)


def _in_app(card: Card) -> str | None:
    """The app's own address of a card: it opens the app there, and the app asks who is looking."""
    of = about(card)
    kind = prefix_of(of) if of else None
    return f"halo://{_PLACES[kind]}/{of}" if kind in _PLACES else None


def _wants_json(request: Request) -> bool:
    """Whether a program asks; a browser names HTML, and whoever names nothing gets the page."""
    accept = request.headers.get("accept", "").lower()
    return "json" in accept and "html" not in accept
