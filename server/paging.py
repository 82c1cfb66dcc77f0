"""Lists a page at a time, by a cursor that says where the last page ended: nothing is skipped or shown twice when something new comes in between.

A cursor is opaque to whoever has it. It is checked strictly when it comes back: it names a time and an id of ours, and grants nothing.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from fastapi import Depends, Query

from halo_engine.model.event import leaf_time
from halo_engine.model.ids import prefix_of
from server.errors import BadCursor

MOST = 200
_LONGEST = 120

V = TypeVar("V")

#: Where a page ended: the time and the id of its last entry.
Place = tuple[datetime, str]


@dataclass(frozen=True)
class Page:
    """At most `limit` entries that come after the entry at `after`."""

    limit: int
    after: Place | None


async def paged(
    limit: Annotated[int, Query(ge=1, le=MOST, description="How many at the most.")] = 50,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before this one.")] = None,
) -> Page:
    """Raises `BadCursor`."""
    return Page(limit, place_of(cursor) if cursor is not None else None)


Paged = Annotated[Page, Depends(paged)]


def page_of(entries: Sequence[V], page: Page, *, key: Callable[[V], Place]) -> tuple[Sequence[V], str | None]:
    """What is shown of `entries`, of which one more than that was asked for, and where the next page begins; None at the end."""
    shown = entries[: page.limit]
    return shown, cursor_to(key(shown[-1])) if len(entries) > page.limit else None


def cursor_to(place: Place) -> str:
    """The cursor of the page after `place`."""
    return base64.urlsafe_b64encode(f"{leaf_time(place[0])} {place[1]}".encode()).decode().rstrip("=")


def place_of(cursor: str) -> Place:
    """Where a cursor points. Raises `BadCursor` for all but what `cursor_to` writes."""
    try:
        if len(cursor) > _LONGEST:
            raise BadCursor
        at, _, identifier = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True).decode("ascii").partition(" ")
        place = datetime.strptime(at, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC), identifier
    except (ValueError, binascii.Error):
        raise BadCursor from None
    # Written anew it must be the same: there is one cursor for a place.
    if prefix_of(identifier) is None or cursor_to(place) != cursor:
        raise BadCursor
    return place
