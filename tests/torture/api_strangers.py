"""A-03: every route, asked by one household for what is another's, by every id there is and by every way an id can be said.

A point is a route and who asks. What is another household's must be answered byte for byte like what never was, nothing of it may come out anywhere,
and nothing of it may change. Both households ask: a view that falls back to the first household of the books would be right for that one.
"""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from halo_engine.model.ids import Prefix, make_id, prefix_of
from halo_engine.queries import Queries
from halo_engine.store.drafts import Drafts
from tests.torture.api import Answer, Endpoint, Headers, Served, bearing, endpoints, served
from tests.torture.api_cases import ID_FIELDS, body_for, takes_a_body
from tests.torture.api_families import Family, families, rows_of
from tests.torture.harness import Bug, Kind, Problem, Row, sample

#: Asked beside the plain call: other forms of the same thing, and questions by which it might be told that it exists.
_VARIANTS: tuple[tuple[bytes, Headers], ...] = (
    (b"", ()),
    (b"", ((b"if-none-match", b"*"),)),
    (b"format=json", ((b"accept", b"application/json"),)),
    (b"format=txt", ()),
    (b"format=html", ()),
    (b"format=svg", ()),
    (b"format=png", ()),
)
_WHO = ("child", "one", "other")
_FILTERS = ("household_id", "user_id", "member_id", "draft_id", "execution_id", "device_id", "of", "about", "after", "since", "cursor")


@functools.cache
def known_endpoints() -> list[Endpoint]:
    """Those of the application as it is."""
    with tempfile.TemporaryDirectory(prefix="halo-routes-") as place, served(families().copy(Path(place))) as there:
        return endpoints(there.app)


def _points(random: Random) -> Sequence[str]:
    # A child looks at what its parents look at; what it does is another thing.
    return sample(random, [f"{who}:{each.method}:{each.path}" for each in known_endpoints() for who in _WHO[each.method == "GET" :]])


def _attempt(point: str, place: Path) -> Iterator[Problem]:
    who, method, path = point.split(":", 2)
    both = families()
    me, they = (both.other, both.one) if who == "other" else (both.one, both.other)
    home = both.copy(place)
    with served(home) as there:
        asker = _Asker(there, Endpoint(method, path), me, they, child=who == "child")
        yield from asker.by_key()
        before = rows_of(home.engine, they.household_id)
        yield from asker.by_path()
        yield from asker.by_body()
        yield from asker.by_filter(Random(point))
        if rows_of(home.engine, they.household_id) != before:
            yield Problem(Kind.DOUBLE, f"{method} {path} changed something of another household")


class _Asker:
    """Somebody of one household at one route, who knows every id of another household."""

    def __init__(self, there: Served, endpoint: Endpoint, me: Family, they: Family, *, child: bool) -> None:
        self._there, self._endpoint, self._they, self._keys = there, endpoint, they, 0
        self._me, self._token = me, me.child_token if child else me.token
        self._foreign = _one_of_each(they)

    def by_path(self) -> Iterator[Problem]:
        """Every id in the place of each name of the path."""
        for name in self._endpoint.names:
            for foreign in self._foreign:
                body = self._body({})
                for query, headers in _variants(self._endpoint):
                    paths = [self._path(name, each) for each in (foreign, never(foreign))]
                    yield from self._same([(path, query, headers, body) for path in paths], foreign)

    def by_body(self) -> Iterator[Problem]:
        """Every id in the place of each id that a body can name."""
        if not takes_a_body(self._endpoint):
            return
        for field in ID_FIELDS.intersection(json.loads(self._body({}) or b"{}")):
            for foreign in self._foreign:
                bodies = [self._body({field: each}) for each in (foreign, never(foreign))]
                yield from self._same([(self._path(), b"", (), body) for body in bodies], foreign)

    def by_filter(self, random: Random) -> Iterator[Problem]:
        """Ids of each kind as whatever a list might be narrowed by, and as the last event that was heard."""
        if self._endpoint.method != "GET":
            return
        for foreign in [each for each in self._foreign if each[:3] == "evt"]:
            heard = [((b"last-event-id", each.encode()),) for each in (foreign, never(foreign))]
            yield from self._same([(self._path(), b"", headers, b"") for headers in heard], foreign)
        for name in _FILTERS:
            foreign = self._they.household_id if name == "household_id" else random.choice(self._foreign)
            asked = [f"{name}={each}".encode() for each in (foreign, never(foreign))]
            yield from self._same([(self._path(), query, (), b"") for query in asked], foreign)

    def by_key(self) -> Iterator[Problem]:
        """The key that the other household used for the same act."""
        if self._endpoint.method == "GET":
            return
        theirs = bearing(self._they.token, idempotency_key="one-key-for-both")
        body = self._body({})
        self._there.call(self._endpoint.method, self._path(), theirs, body)
        answer = self._there.call(self._endpoint.method, self._path(), bearing(self._token, idempotency_key="one-key-for-both"), body)
        if answer.headers.get("idempotent-replayed") or _leaks(answer, self._they, body):
            yield Problem(Kind.WRONG, f"{self._endpoint.path} answered with what another household was told under the same key")

    def _same(self, calls: Sequence[tuple[str, bytes, Headers, bytes]], foreign: str) -> Iterator[Problem]:
        answers = []
        for path, query, headers, body in calls:
            self._keys += 1
            sent = [*bearing(self._token, idempotency_key=f"stranger-{self._keys}"), *headers]
            answers.append(self._there.call(self._endpoint.method, path, sent, body, query=query))
        theirs, nobodys = answers
        where = (
            f"{self._endpoint.method} {self._endpoint.path} for another household's {prefix_of(foreign)} ({calls[0][1]!r} {calls[0][2]})"
        )
        if leaked := _leaks(theirs, self._they, calls[0][0].encode() + calls[0][1] + calls[0][3] + repr(calls[0][2]).encode()):
            yield Problem(Kind.WRONG, f"{where} tells {leaked}")
        if theirs.raised or nobodys.raised:
            yield Problem(Kind.WRONG, f"{where}: {theirs.raised or nobodys.raised!r}")
        elif _shape(theirs, foreign) != _shape(nobodys, never(foreign)):
            yield Problem(
                Kind.WRONG,
                f"{where} is {theirs.status} {theirs.body[:200]!r}, and for what never was {nobodys.status} {nobodys.body[:200]!r}",
            )

    def _path(self, name: str = "", identifier: str = "") -> str:
        """With `identifier` for `name`, and ids that never were for the others."""
        return self._endpoint.filled(lambda each: identifier if each == name else never("dft_"))

    def _body(self, ids: Mapping[str, str]) -> bytes:
        return body_for(self._endpoint, ids)


def _variants(endpoint: Endpoint) -> Sequence[tuple[bytes, Headers]]:
    if endpoint.method != "GET":
        return _VARIANTS[:1]
    return _VARIANTS if "/cards/" in endpoint.path or endpoint.path.startswith("/m/") else _VARIANTS[:2]


def never(like: str) -> str:
    """An id of the same kind, which nobody ever had."""
    return make_id(Prefix(like[:3]), unix_ms=1_772_000_000_000, entropy=0x5EED)


def _one_of_each(family: Family) -> list[str]:
    """At most two of each kind: the oldest and the newest."""
    by_kind: dict[str, list[str]] = {}
    for each in sorted(family.ids):
        by_kind.setdefault(each[:3], []).append(each)
    return [each for several in by_kind.values() for each in (several[0], *several[1:][-1:])]


def _leaks(answer: Answer, family: Family, sent: bytes) -> str:
    """What of the family is in the answer, and was not in what was asked."""
    said = answer.body + repr(answer.headers).encode()
    return ", ".join(
        word.decode() for word in (*family.words, *(each.encode() for each in family.ids)) if word in said and word not in sent
    )


_OF_EACH_CALL = ("request_id", "trace_id")


def _shape(answer: Answer, asked: str) -> tuple[int, dict[str, str], bytes]:
    """An answer without what is another one for every call, and without the id that was asked for."""
    headers = {name: value for name, value in answer.headers.items() if name not in ("x-request-id", "date", "traceparent", "etag")}
    body = answer.body.replace(asked.encode(), b"(the id)")
    if headers.get("content-type", "").startswith("text/plain; version="):
        # Counters, which count these calls too.
        return answer.status, {}, b""
    if "json" in headers.get("content-type", "") and isinstance(value := json.loads(body or b"null"), dict):
        body = json.dumps({name: each for name, each in value.items() if name not in _OF_EACH_CALL}).encode()
    # What was made in the course of it differs by its ids and its times.
    return answer.status, {} if answer.status < 300 else headers, b"" if answer.status in (200, 201) and b"dft_" in body else body


# The bugs that this has to catch.


@contextmanager
def _first_household_answers() -> Iterator[None]:
    """Views are opened for the first household of the books, whoever asks."""
    opening = Queries.open

    def wrong(settings: Any, *, clock: Any, household_id: str | None = None) -> Any:
        return opening(settings, clock=clock)

    with patch.object(Queries, "open", wrong):
        yield


@contextmanager
def _drafts_of_anybody() -> Iterator[None]:
    """A draft is found by its id alone."""
    get = Drafts.get

    def wrong(drafts: Any, household_id: str, draft_id: str) -> Any:
        statement = "SELECT household_id FROM draft WHERE id = ?"
        whose = drafts._connection.exec_driver_sql(statement, (draft_id,)).scalar()
        return get(drafts, whose or household_id, draft_id)

    with patch.object(Drafts, "get", wrong):
        yield


BUGS = (
    Bug(
        "the-first-household-answers",
        _first_household_answers.__doc__ or "",
        _first_household_answers,
        "A-03",
        ("other:GET:/v1/household",),
    ),
    Bug("drafts-of-anybody", _drafts_of_anybody.__doc__ or "", _drafts_of_anybody, "A-03", ("one:POST:/v1/draft/cancel",)),
)

ROWS = (Row(id="A-03", title="every route, asked for what is another household's", ci=None, points=_points, attempt=_attempt),)
