"""T-04: secrets are planted wherever Halo is given any, a job is done at DEBUG in spite of a fault or a death, and then they are searched for.

The vendors accept the canaries, so that the roads that succeed are walked too; the tokens they issue are canaries as well. What is searched is
everything below the point's place: the books with their journal, the log, the crash log, and whatever each command printed.
"""

from __future__ import annotations

import base64
import io
import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import halo_engine
from halo_cli import main, session
from halo_engine import telemetry
from halo_engine.clock import FakeClock
from halo_engine.model.card import Card
from halo_engine.model.errors import HaloError
from halo_engine.model.redaction import Redactor
from halo_engine.settings import Settings
from halo_sim import amazon, resy, square, zinc
from halo_sim import subscriptions_chargebee as chargebee
from halo_sim import subscriptions_google_play as google_play
from halo_sim import subscriptions_recurly as recurly
from halo_sim import subscriptions_stripe as stripe
from tests import canaries
from tests.canaries import CARD, SETTINGS
from tests.installation import NOON, Installation
from tests.torture.crash import Lines, in_child
from tests.torture.harness import Bug, Kind, Problem, Row, sample
from tests.torture.jobs import DIALECTS, JOBS

_FAULTS = (
    "none",
    "lose_answer",
    "server_error",
    "token_expired",
    "drop_before",
    "malformed_json",
    "html_page",
    "cut_mid_reply",
    "price_up",
)
#: Where in the execution a process dies, in lines.
_DEATHS = (200, 500, 800, 1100, 1400, 1700)
#: Long enough for every look-up and every retry; sleeping moves the clock.
_TO_THE_END_S = 400_000

_VENDORS_TAKE = (
    (amazon, "CLIENT_SECRET", "{amazon_client_secret}"),
    (amazon, "REFRESH_TOKEN", "{amazon_refresh_token}"),
    (zinc, "API_KEY", "{zinc_api_key}"),
    (resy, "API_KEY", "{resy_api_key}"),
    (resy, "PASSWORD", "{resy_password}"),
    (square, "ACCESS_TOKEN", "{square_access_token}"),
    *((dialect, "BEARER", "Bearer {subscriptions_api_key}") for dialect in (stripe, google_play)),
    *((dialect, "BASIC", "Basic {basic}") for dialect in (chargebee, recurly)),
)
_BASIC = base64.b64encode(f"{SETTINGS['subscriptions_api_key']}:".encode()).decode()


@contextmanager
def _planted() -> Iterator[None]:
    with ExitStack() as stack:
        for vendor, name, form in _VENDORS_TAKE:
            stack.enter_context(patch.object(vendor, name, form.format(**SETTINGS, basic=_BASIC)))
        yield


def _points(random: Random) -> list[str]:
    jobs = (*JOBS, *DIALECTS)
    return sample(random, [f"{job}-{what}" for job in jobs for what in (*_FAULTS, *map(str, _DEATHS))])


def _attempt(point: str, place: Path) -> Iterable[Problem]:
    job, what = point.split("-", 1)
    with _planted(), _logged(place):
        home = Installation.open(place / "home", clock=FakeClock(NOON), merchant="zinc" if job == "zinc" else "amazon", **SETTINGS)
        issued = _work(home, {**JOBS, **DIALECTS}[job], what)
        home.engine.close()
        _print(home, place / "said")
        sought = {**SETTINGS, **canaries.keys(place / "home"), **issued, "the card": CARD, **_vendor_keys(place / "home")}
        hits = [*canaries.in_files(place, sought, _may), *canaries.in_bytes(_beside_the_words(place / "home"), {"the card": CARD})]
    yield from (Problem(Kind.WRONG, hit) for hit in hits)
    if not (place / "log.jsonl").stat().st_size:
        yield Problem(Kind.WRONG, "nothing was logged, so nothing was searched")


@contextmanager
def _logged(place: Path) -> Iterator[None]:
    place.mkdir(exist_ok=True)
    telemetry.stop()
    telemetry.start(Settings.model_validate({"home": place, "log_file": str(place / "log.jsonl"), "log_level": "debug", **SETTINGS}))
    try:
        yield
    finally:
        telemetry.stop()


def _may(name: str, file: str) -> bool:
    """Its own file; the vendors' own books for what they issue and for the key they know an order by; and ours for what somebody said."""
    if name.startswith("issued"):
        return file.startswith("home/simulator/")
    if name.startswith("vendor key"):
        return file.startswith(("home/simulator/", "home/halo.db"))
    if name == "the card":
        return file.startswith("home/halo.db") or file == "said/activity"
    return canaries.in_its_own_file(name, file)


def _work(home: Installation, text: str, what: str) -> dict[str, str]:
    """Ask, confirm, and see it through whatever happens; what the vendors issued meanwhile."""
    with suppress(HaloError):
        home.ask(f"pay with {CARD[:4]} {CARD[4:8]} {CARD[8:12]} {CARD[12:]}, that is {CARD}")
    card = home.ask(text)
    if what.isdigit():
        _die(home, card, int(what))
        home.later(seconds=301)
    elif what != "none":
        home.fault(what, **({"amount": 100} if what == "price_up" else {}))
    with suppress(HaloError):
        home.carry_out(card, wait_s=_TO_THE_END_S)
    with suppress(HaloError), home.queries() as queries:
        for entry in queries.activity(limit=9):
            if entry.kind == "execution":
                home.engine.execute(entry.id, wait_s=_TO_THE_END_S)
    return _issued(home.settings)


def _die(home: Installation, card: Card, line: int) -> None:
    """As another process that is killed at that line, if it lives as long."""

    def work() -> None:
        again = Installation.reopen(home.settings.home, clock=FakeClock(NOON, seed=2), **SETTINGS)
        with Lines(halo_engine, die_at=line):
            again.carry_out(card)

    in_child(work)


def _issued(settings: Settings) -> dict[str, str]:
    with closing(sqlite3.connect(settings.simulator_file)) as world:
        tokens = [*world.execute("SELECT token FROM tokens"), *world.execute("SELECT book_token FROM holds")]
    # The last part of one would be enough for whoever has it.
    return {f"issued {number}": token for number, (token,) in enumerate(tokens)}


def _vendor_keys(home: Path) -> dict[str, str]:
    with closing(sqlite3.connect(home / "halo.db")) as books:
        return {f"vendor key {number}": key for number, (key,) in enumerate(books.execute("SELECT vendor_key FROM execution"))}


def _print(home: Installation, place: Path) -> None:
    """Everything that the commands print of it, into files."""
    with home.queries() as queries:
        executions = [entry.id for entry in queries.activity(limit=9) if entry.kind == "execution"]
    shown = [["show", each, *how] for each in executions for how in ([], ["--json"])]
    place.mkdir()
    with session.at(home.clock):
        for number, words in enumerate([*shown, *(["receipt", each] for each in executions), ["activity", "--json"], ["audit", "verify"]]):
            said = io.StringIO()
            with redirect_stdout(said), redirect_stderr(said):
                main.run([*words, "--home", str(home.settings.home)])
            (place / (f"{number}" if words[0] != "activity" else "activity")).write_text(said.getvalue())


def _beside_the_words(home: Path) -> bytes:
    """Every table of the books but those that keep what somebody said."""
    with closing(sqlite3.connect(home / "halo.db")) as books:
        names = [name for (name,) in books.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        others = [name for name in names if name not in ("execution_request", "event_opening")]
        return repr([row for name in others for row in books.execute(f'SELECT * FROM "{name}"')]).encode()


# The bugs that this has to catch.


def _as_it_is(_self: Redactor, given: Any, **_: object) -> Any:
    return given.decode(errors="replace") if isinstance(given, bytes) else given


@contextmanager
def _redacts_nothing() -> Iterator[None]:
    with patch.object(Redactor, "text", _as_it_is):
        yield


@contextmanager
def _httpx_tells_its_urls() -> Iterator[None]:
    before = logging.getLogger("httpx").level
    with patch.object(Redactor, "value", _as_it_is):
        logging.getLogger("httpx").setLevel(logging.INFO)
        try:
            yield
        finally:
            logging.getLogger("httpx").setLevel(before)


def _bug(name: str, what: str, plant: Callable[[], AbstractContextManager[None]], points: list[str]) -> Bug:
    return Bug(name=name, what=what, plant=plant, row="T-04", points=points)


BUGS = (
    _bug("what is said to vendors is kept as it is", "exchanges are written without a redaction", _redacts_nothing, ["book-none"]),
    _bug("the log tells what it hears", "httpx logs its URLs, and nothing redacts the log", _httpx_tells_its_urls, ["order-lose_answer"]),
)

ROWS = (
    Row(
        id="T-04",
        title="planted secrets, searched for in everything that was written and said, after faults and deaths at DEBUG",
        ci=12,
        points=_points,
        attempt=_attempt,
    ),
)
