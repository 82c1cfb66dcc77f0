"""C-01-http: the yes to one draft comes from two members' phones and four servers at the same moment, over HTTP.

Each server is a process with an application of its own over the same books, as behind a balancer. The member whose yes was first gets the execution
on every phone; everybody else gets a conflict that says who was first, and when. A few rounds go over real sockets (`socket-…`), each server on its
own.
"""

from __future__ import annotations

import functools
import http.client
import json
import re
import shutil
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import uvicorn

from halo_engine.clock import FakeClock
from server.app import create_app
from tests.installation import NOON, Installation
from tests.torture import postgres
from tests.torture.api import OFTEN, bearing, served
from tests.torture.crowd import Meet, together
from tests.torture.harness import Bug, Kind, Problem, Row, judge
from tests.torture.jobs import JOBS, kept_place

#: Drafts in one home: so many races are run by one crowd.
RACES = 25
SERVERS = 4
#: All that whoever comes too late needs: the clock of these homes stands at noon in New York.
_WHO_AND_WHEN = re.compile(r"(Alex|Sam) confirmed this draft at 2026-03-03T17:00:00Z[.,].* exe_[0-9a-z]{26}\.$")


@dataclass(frozen=True)
class _Field:
    """A home with `RACES` open drafts and two phones, closed, to be copied."""

    home: Path
    url: str | None
    drafts: tuple[tuple[str, str], ...]
    tokens: tuple[str, str]


@functools.cache
def _field(books: str) -> _Field:
    """Made once a process."""
    home = kept_place("halo-http-field-") / "home"
    url = postgres.fresh_database() if books == "postgres" else None
    made = Installation.open(home, clock=FakeClock(NOON), **_at(url))
    cards = [made.ask(JOBS["order"]) for _ in range(RACES)]
    tokens = [made.engine.devices.add("Phone", by=member).token.get_secret_value() for member in ("Alex", "Sam")]
    made.engine.close()
    return _Field(home, url, tuple((str(card.draft_id), str(card.draft_hash)) for card in cards), (tokens[0], tokens[1]))


def _at(url: str | None) -> dict[str, str]:
    return OFTEN | ({"database_url": url} if url else {})


def _points(random: Random) -> Iterator[str]:
    """Mostly on SQLite and without sockets; every fourth on PostgreSQL, every fourth over real ones."""
    other = "sqlite" if postgres.missing() else "postgres"
    while True:
        for how in ("sqlite", "socket-sqlite", other, f"socket-{other}"):
            yield f"{how}-{random.randrange(10**6)}"


def _attempt(point: str, place: Path) -> Iterator[Problem]:
    *how, number = point.split("-")
    field = _field(how[-1])
    shutil.copytree(field.home, place / "home")
    url = postgres.fresh_database(like=field.url) if field.url else None
    random = Random(number)
    # In every fifth race some confirm what never stood.
    wrong = [[race % 5 == 4 and random.random() < 0.5 for _ in range(2 * SERVERS)] for race in range(RACES)]
    serve = _over_a_socket if "socket" in how else _in_process
    works = [partial(serve, place / "home", url, field, [each[2 * n : 2 * n + 2] for each in wrong], n) for n in range(SERVERS)]
    told = together(works)
    yield from _agreed(field, wrong, [[each[race] for server in told for each in server] for race in range(RACES)])
    there = Installation.reopen(place / "home", clock=FakeClock(NOON, seed=99), **_at(url))
    yield from _as_in_the_books(there)
    if url:
        postgres.drop_database(url)


def _in_process(home: Path, url: str | None, field: _Field, wrong: Sequence[Sequence[bool]], number: int, meet: Meet) -> Any:
    """One of the servers, whose two callers come at the same moment."""
    mine = Installation.reopen(home, clock=FakeClock(NOON, seed=200 + number), **_at(url))
    said: list[list[list[Any]]] = [[], []]
    with served(mine) as there:
        for race, (draft_id, draft_hash) in enumerate(field.drafts):
            bodies = [_body(draft_id, draft_hash, is_wrong=wrong[race][who]) for who in range(2)]
            keys = [f"race-{number}-{race}-{who}" for who in range(2)]
            calls = [("POST", "/v1/draft/confirm", bearing(field.tokens[w], idempotency_key=keys[w]), bodies[w]) for w in range(2)]
            meet()
            for who, answer in enumerate(there.together(calls)):
                said[who].append([answer.status, answer.json()])
    return said


def _over_a_socket(home: Path, url: str | None, field: _Field, wrong: Sequence[Sequence[bool]], number: int, meet: Meet) -> Any:
    """As `_in_process`, through a real server on loopback."""
    mine = Installation.reopen(home, clock=FakeClock(NOON, seed=200 + number), **_at(url))
    said: list[list[list[Any]]] = [[], []]
    with _listening(mine) as port:
        for race, (draft_id, draft_hash) in enumerate(field.drafts):
            callers = [
                threading.Thread(target=_post, args=(port, field.tokens[who], f"race-{number}-{race}-{who}", body, said[who]))
                for who, body in enumerate(_body(draft_id, draft_hash, is_wrong=wrong[race][who]) for who in range(2))
            ]
            meet()
            for caller in callers:
                caller.start()
            for caller in callers:
                caller.join()
    mine.engine.close()
    return said


@contextmanager
def _listening(home: Installation) -> Iterator[int]:
    server = uvicorn.Server(uvicorn.Config(create_app(home.settings, clock=home.clock), log_level="error", access_log=False))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        while not server.started:
            threading.Event().wait(0.01)
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join()


def _post(port: int, token: str, key: str, body: bytes, said: list[list[Any]]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {name.decode(): value.decode() for name, value in bearing(token, idempotency_key=key, content_type="application/json")}
    connection.request("POST", "/v1/draft/confirm", body, headers)
    answer = connection.getresponse()
    said.append([answer.status, json.loads(answer.read())])
    connection.close()


def _body(draft_id: str, draft_hash: str, *, is_wrong: bool) -> bytes:
    return json.dumps({"draft_id": draft_id, "draft_hash": "0" * 64 if is_wrong else draft_hash}).encode()


def _agreed(field: _Field, wrong: Sequence[Sequence[bool]], told: Sequence[Sequence[Any]]) -> Iterator[Problem]:
    """Of every race: one execution, for all who were right and are the member who was first; a conflict for everybody else."""
    for race, answers in enumerate(told):
        # Alex and Sam take turns at every server.
        asked = list(zip(answers, ("Alex", "Sam") * SERVERS, wrong[race], strict=True))
        right = [(status, answer, who) for (status, answer), who, is_wrong in asked if not is_wrong]
        won = {(answer["execution_id"], who) for status, answer, who in right if status == 200}
        if len(won) > 1 or (right and not won):
            yield Problem(Kind.DOUBLE, f"race {race}: a yes was answered with {right!r:.600}")
        winner = next(iter(won))[1] if won else ""
        if any(who == winner and status != 200 for status, _, who in right):
            yield Problem(Kind.WRONG, f"race {race}: {winner} was first, and was not told what that started: {right!r:.600}")
        for status, answer in [(status, answer) for status, answer, who in right if status != 200]:
            yield from _said(race, winner, status, answer)
        for (status, answer), _, _ in [each for each in asked if each[2]]:
            if status != 409 or answer["code"] not in ("terms_changed", "already_confirmed"):
                yield Problem(Kind.WRONG, f"race {race}: a yes to other terms was answered with {status} {answer!r:.300}")
            elif answer["code"] == "already_confirmed":
                yield from _said(race, winner, status, answer)


def _said(race: int, winner: str, status: int, answer: Any) -> Iterator[Problem]:
    """Whoever comes too late is told who was first, when, and what came of it."""
    told = _WHO_AND_WHEN.match(answer.get("detail", "")) if (status, answer["code"]) == (409, "already_confirmed") else None
    if told is None or winner not in ("", told[1]):
        yield Problem(Kind.WRONG, f"race {race}: {winner} was first, and another one was told {status} {answer!r:.300}")


def _as_in_the_books(there: Installation) -> Iterator[Problem]:
    with there.queries() as queries:
        executions = [one.id for one in queries.executions(limit=1000)]
    if len(executions) != RACES:
        yield Problem(Kind.DOUBLE, f"{RACES} drafts were confirmed, and there are {len(executions)} executions")
    for execution_id in executions[:3]:
        there.engine.execute(execution_id, wait_s=600)
    # A few were carried out and the rest were not, to be quick: those are not stuck.
    yield from (problem for problem in judge(there) if problem.kind is not Kind.STUCK)
    there.engine.close()


# The bug that this has to catch.


@contextmanager
def _any_hash_will_do() -> Iterator[None]:
    """A yes is a yes, whatever terms it was to."""
    with patch("hmac.compare_digest", lambda _mine, _theirs: True):
        yield


BUGS = (Bug("any-hash-will-do-over-http", _any_hash_will_do.__doc__ or "", _any_hash_will_do, "C-01-http", ("sqlite-1",)),)

ROWS = (
    Row(
        id="C-01-http",
        title="two members confirm one draft at once over HTTP, at four servers",
        ci=4,
        points=_points,
        attempt=_attempt,
    ),
)
