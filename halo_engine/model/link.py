"""A card's link: where a card can be read, and nothing more. Whoever has it sees what the thread has seen already, and can do nothing with it.

Everybody in a thread sees a link, and scanners fetch it. So it carries the opaque id of what the card is about, the revision that was shown, an
expiry, and a signature that keeps others from trying ids; no name, no amount, no hash of terms. Who may do what is asked of the person, never of
the link. `sign` and `read` are pure: the key and the time are handed in.

A link has one spelling. What is read is signed anew and compared as a whole, so that no parser's leniency (padding, order, case, doubled or unknown
parameters) can make a second one.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

from pydantic import AwareDatetime, Field

from halo_engine.model.card import Card
from halo_engine.model.errors import InvalidInput, NotFound
from halo_engine.model.ids import Prefix, prefix_of
from halo_engine.model.value import Value

#: The most that an MSMessage takes (Apple, `MSMessageErrorCode.urlExceedsMaxSize`).
MAX_CHARS = 5000
#: A thread is scrolled back; what is older than this is asked for again.
LIVES = timedelta(days=30)
_DAY = timedelta(days=1)

_VERSION = 1
#: What a card can be about.
_ABOUT = frozenset((Prefix.REQUEST, Prefix.DRAFT, Prefix.EXECUTION))
_TAIL = re.compile(
    r"/m/(?P<of>[a-z]{3}_[0-9a-z]{26})\?v=1&r=(?P<revision>0|[1-9][0-9]{0,8})&exp=(?P<exp>[1-9][0-9]{0,10})&sig=[A-Za-z0-9_-]{43}",
    re.ASCII,
)


class Link(Value):
    """What a link says. `revision` is 0 for what has none."""

    of: str
    revision: int = Field(ge=0, lt=10**9)
    expires_at: AwareDatetime


def link_key(secret: bytes) -> bytes:
    """The key of an installation's links. Its secret makes other keys too, each under a label of its own."""
    return hmac.new(secret, b"halo/card-link", hashlib.sha256).digest()


def about(card: Card) -> str | None:
    """What `card` is about, by id: an execution, a draft or a request."""
    return card.execution_id or card.draft_id or card.request_id


def link_to(card: Card, *, now: datetime) -> Link:
    """The link of `card`, by what it is about. Raises `InvalidInput` for a card of nothing."""
    of = about(card)
    if of is None:
        raise InvalidInput("This card is not about anything that could be looked up.")
    return Link(of=of, revision=card.revision or 0, expires_at=now + LIVES)


def end_of_day(now: datetime) -> datetime:
    """From when a link is given for `now`: one and the same on a whole day (UTC), because a card that is asked for again has to be the same bytes."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + _DAY


def sign(link: Link, *, site: str, key: bytes) -> str:
    """`link` at `site` (`https://host`, without a slash at its end). Raises `InvalidInput` for what no card can be about and for too long a site."""
    if prefix_of(link.of) not in _ABOUT:
        raise InvalidInput("There is no link to that.")
    expires = int(link.expires_at.timestamp())
    # Named line by line, and with the site: a signature under this key means nothing else and nowhere else.
    signed = "\n".join(("halo/card-link/v1", site, link.of, str(link.revision), str(expires)))
    signature = urlsafe_b64encode(hmac.new(key, signed.encode(), hashlib.sha256).digest()).decode().rstrip("=")
    url = f"{site}/m/{link.of}?v={_VERSION}&r={link.revision}&exp={expires}&sig={signature}"
    if len(url) >= MAX_CHARS:
        raise InvalidInput("The site's address is too long for a link.", hint="Shorten the setting public_url.")
    return url


def read(url: str, *, site: str, key: bytes, now: datetime) -> Link:
    """What `url` says, where it is a link that was signed with `key` for `site` and is not over.

    Raises `NotFound`, the same for everything that is wrong with it: whoever guesses learns nothing.
    """
    link = _unsigned(url, site)
    # Before the expiry, so that the answer takes as long for a wrong signature as for one that is over.
    genuine = link is not None and hmac.compare_digest(sign(link, site=site, key=key).encode(), url.encode())
    if link is None or not genuine or now >= link.expires_at:
        raise NotFound("There is no such card.", hint="")
    return link


def _unsigned(url: str, site: str) -> Link | None:
    """What the characters say, whoever wrote them."""
    if len(url) >= MAX_CHARS or not url.isascii() or not url.startswith(f"{site}/m/"):
        return None
    match = _TAIL.fullmatch(url, len(site))
    if match is None or prefix_of(match["of"]) not in _ABOUT:
        return None
    return Link(of=match["of"], revision=int(match["revision"]), expires_at=datetime.fromtimestamp(int(match["exp"]), UTC))
