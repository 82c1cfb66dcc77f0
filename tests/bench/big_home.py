"""Makes a home that was lived in for years: `python -m tests.bench.big_home DIR --events 1000000 --seed 1`.

Every trip in it is a real one (`trips`): lived by the engine, and then copied to other days with what makes a copy another trip. Ids, times, salts,
nonces and the vendors' references are new, people are others in the same role, and whatever is a hash of something is that of the copy: of the terms,
the draft, the receipt, a commitment, an event, and so down the chain. The check of the log finds nothing wrong with it (`test_big_home`).

A trip is made into texts with holes once (`Template`), so that a copy is one `%` and a few hashes. The same seed gives the same home.
"""

from __future__ import annotations

import argparse
import hashlib
import heapq
import json
import re
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from halo_engine.clock import FakeClock
from halo_engine.model.canonical import canonical_json, sha256_hex
from halo_engine.model.draft import Draft
from halo_engine.model.household import Role
from halo_engine.model.ids import ALPHABET, Prefix, make_id
from halo_engine.stages.confirm import vendor_key
from halo_engine.stages.founding import MemberPlan
from halo_engine.store import sqlite
from halo_engine.store.values import event_value
from tests.bench.trips import TABLES, Row, Trip, founded, lived
from tests.installation import Installation, household_plan

#: When the years end; until then the household lived.
UNTIL = datetime(2026, 11, 1, tzinfo=UTC)
YEARS = 8
#: Who may stand in for whom: a copy of what Sam did is done by any adult.
_PEOPLE = {"Sam": (Role.ADULT, ("Sam", "Robin", "Jo")), "Kim": (Role.CHILD, ("Kim", "Noa")), "Alex": (Role.OWNER, ("Alex",))}
#: How busy each hour of the day in UTC is, from 0 on: the household lives in New York.
_HOURS = (9, 8, 5, 3, 1, 1, 0, 0, 0, 0, 1, 4, 8, 7, 6, 6, 7, 8, 6, 5, 6, 8, 11, 12)
_BATCH = 2000
#: Between texts; none holds it, because JSON does not.
_CUT = "\x1f"


def make(place: Path, *, events: int, seed: int, told: Callable[[int], None] = lambda _: None) -> int:
    """A home in `place`, which must not be there yet, with `events` events or a few more; how many. `told` hears of progress."""
    chance = Random(f"big home {seed}")
    start = UNTIL - timedelta(days=365 * YEARS)
    with tempfile.TemporaryDirectory(prefix="halo-trips-") as folder:
        home = _founded(place, start - timedelta(days=1), seed)
        templates = [Template.of(trip, home) for trip in lived(Path(folder), seed=seed)]
    plan = _days(templates, events - home.seq, chance)
    return Writing(home, chance, told).write(plan, start=start)


# The home.


@dataclass(frozen=True)
class Home:
    """The home as it was founded, and where its chain ends."""

    database: Path
    secret: bytes
    household: str
    #: Ids by name.
    people: Mapping[str, str]
    seq: int
    head: str


def _founded(place: Path, at: datetime, seed: int) -> Home:
    installation = Installation.reopen(place, clock=FakeClock(at, seed=seed))
    plan = household_plan()
    others = [MemberPlan(name=name, role=role) for known, (role, names) in _PEOPLE.items() for name in names if name != known]
    household = installation.engine.found_household(plan.model_copy(update={"members": (*plan.members, *others)}))
    founded(installation)
    with installation.queries() as queries:
        people = {member.display_name: member.id for member in queries.members()}
    found = installation.verify()
    secret = bytes.fromhex(installation.settings.key_file.read_text())
    return Home(installation.settings.database_file, secret, household.id, people, found.events, found.head)


def _days(templates: Sequence[Template], events: int, chance: Random) -> list[Template]:
    """Trips that come to at least so many events, each kind as often as it happens."""
    ways: dict[str, list[Template]] = {}
    for template in templates:
        ways.setdefault(template.trip.kind.name, []).append(template)
    weights = [each.trip.kind.weight / len(ways[each.trip.kind.name]) for each in templates]
    drawn: list[Template] = []
    while events > 0:
        for template in chance.choices(templates, weights, k=max(1, events // 16)):
            drawn.append(template)
            events -= len(template.leaves)
            if events <= 0:
                break
    return drawn


# A trip as texts with holes.

_ID = rf"(?<=[a-z]{{3}}_)[0-7][{ALPHABET}]{{25}}(?![0-9a-z])"
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{6})?Z"
_HOLE = re.compile(
    rf"(?P<id>{_ID})|(?P<time>{_TIME})|(?P<key>halo-[0-9a-f]{{27}})|(?P<hash>\b[0-9a-f]{{64}}\b)|(?P<salt>\b[0-9a-f]{{32}}\b)"
    rf"|(?P<reference>\b\d{{3}}-\d{{7}}-\d{{7}}\b)|(?P<name>\b(?:{'|'.join(_PEOPLE)})\b)|(?<=\"latency_ms\":)(?P<latency>\d+)(?![^}}]*\"none\")"
)
#: Written where an event has its place in the chain, which only the writing knows.
_PREVIOUS, _SEQ = "0" * 63 + "9", 987_654_321


class Leaf(NamedTuple):
    """An event: its row but for its place in the chain, and what is hashed, before, between and after what is known last."""

    after: timedelta
    cells: tuple[Any, ...]
    before: int
    between: int
    behind: int


@dataclass
class Template:
    """One trip, ready to be copied. Numbers among its cells are those of texts."""

    trip: Trip
    home: Home
    began: datetime
    #: The hole of everything that is not the same in every copy, by what stood there: its name, and of what kind it is.
    holes: dict[str, tuple[str, str]] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    #: All of them, because one `%` is quicker than many.
    together: str = ""
    #: Holes that are the SHA-256 of a text, in an order in which each knows what it needs.
    hashes: list[tuple[str, str]] = field(default_factory=list)
    rows: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    leaves: list[Leaf] = field(default_factory=list)
    #: The names of the holes of ids and of times, with how long after the beginning they are.
    ids: list[tuple[str, int]] = field(default_factory=list)
    times: list[tuple[str, timedelta, str]] = field(default_factory=list)
    keys: list[tuple[str, str]] = field(default_factory=list)
    others: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, trip: Trip, home: Home) -> Template:
        began = min(_read_time(row["created_at"]) for row in trip.rows["event_log"]).replace(microsecond=0)
        template = cls(trip, home, began)
        template._find_hashes()
        for table in TABLES:
            for row in trip.rows[table] if table != "event_log" else ():
                template.rows.append((table, tuple(map(template._cell, row.values()))))
        for row in trip.rows["event_log"]:
            template.leaves.append(template._leaf(row))
        template._sort_holes()
        template.together = _CUT.join(template.texts)
        return template

    def _find_hashes(self) -> None:
        """What is a hash of what; the terms first, because everything else tells their hash."""
        rows = self.trip.rows
        drafts = [(row, Draft.model_validate({**json.loads(row["draft_json"]), "status": "open"})) for row in rows["draft_revision"]]
        told = [(row["draft_hash"], canonical_json(draft.terms.material()).decode()) for row, draft in drafts]
        told += [(sha256_hex(row["draft_json"].encode()), row["draft_json"]) for row, _ in drafts]
        told += [(sha256_hex(row["content_text"].encode()), row["content_text"]) for row in rows["receipt_artifact"]]
        for row in rows["event_opening"]:
            opened = row["salt"] + canonical_json({"v": json.loads(row["value_json"])}).decode()
            told.append((sha256_hex(opened.encode()), opened))
        for digest, text in told:
            if sha256_hex(text.encode()) != digest:
                raise ValueError(f"not the text of {digest}: {text}")
            self.holes[digest] = (f"h{len(self.holes)}", "told")
        self.hashes = [(self.holes[digest][0], self._with_holes(text)) for digest, text in told]

    def _with_holes(self, text: str) -> str:
        return _HOLE.sub(self._hole, text.replace("%", "%%"))

    def _hole(self, match: re.Match[str]) -> str:
        found, kind = match[0], str(match.lastgroup)
        if kind == "hash" and found not in self.holes and found not in self._tokens():
            # Of something that is not the household's, such as the fingerprint of a prompt.
            return found
        if kind == "id" and found == self.trip.household[4:]:
            return self.home.household[4:]
        # By its event and not by what was measured, or chance would decide how many holes there are.
        of = f"latency of event {len(self.leaves)}" if kind == "latency" else found
        name, _ = self.holes.setdefault(of, (f"h{len(self.holes)}", kind))
        return f"%({name})s"

    def _tokens(self) -> set[str]:
        return {row["token_sha256"] for row in self.trip.rows["device"]}

    def _cell(self, value: Any) -> Any:
        """The number of the text, or whatever it always is, in a list of one."""
        if not isinstance(value, str) or (holed := self._with_holes(value)) == value.replace("%", "%%"):
            return [value]
        return self._text(holed)

    def _text(self, holed: str) -> int:
        self.texts.append(holed)
        return len(self.texts) - 1

    def _leaf(self, row: Row) -> Leaf:
        event = event_value(row).model_copy(update={"prev_hash": _PREVIOUS, "seq": _SEQ})
        before, rest = event.leaf().decode().split(_PREVIOUS)
        between, behind = rest.split(str(_SEQ))
        pieces = [self._text(self._with_holes(piece)) for piece in (before, between, behind)]
        cells = tuple(map(self._cell, ({**row, "seq": None, "prev_hash": None, "hash": None}).values()))
        return Leaf(event.created_at - self.began, cells, *pieces)

    def _sort_holes(self) -> None:
        people = {id_[4:]: name for name, id_ in self.trip.people.items()}
        execution_of = {row["vendor_key"]: row["id"] for row in self.trip.rows["execution"]}
        for found, (name, kind) in self.holes.items():
            if kind == "id" and found in people:
                self.others.append((name, f"id of {people[found]}"))
            elif kind == "id":
                self.ids.append((name, _id_ms(found) - round(self.began.timestamp() * 1000)))
            elif kind == "time":
                self.times.append((name, _read_time(found) - self.began, "microseconds" if "." in found else "seconds"))
            elif kind == "key":
                self.keys.append((name, self.holes[execution_of[found][4:]][0]))
            elif kind != "told":
                self.others.append((name, f"name of {found}" if kind == "name" else kind))
        # Within a millisecond ids stay in the order they were made in.
        suffix_of = {name: found for found, (name, _) in self.holes.items()}
        self.ids.sort(key=lambda each: suffix_of[each[0]])

    # A copy.

    def copy(self, at: datetime, number: int, chance: Random) -> list[str]:
        """The texts of a copy that begins at `at`; its `number` is another for every copy."""
        ms = round(at.timestamp() * 1000)
        cast = {name: chance.choice(names) for name, (_, names) in _PEOPLE.items()}
        filled = {
            name: make_id(Prefix.EVENT, unix_ms=ms + after, entropy=(number << 50) + (place << 42) + chance.getrandbits(42))[4:]
            for place, (name, after) in enumerate(self.ids)
        }
        for name, after, precision in self.times:
            filled[name] = f"{(at + after).replace(tzinfo=None).isoformat(timespec=precision)}Z"
        for name, execution in self.keys:
            filled[name] = vendor_key(self.home.secret, f"{Prefix.EXECUTION.value}_{filled[execution]}")
        for name, kind in self.others:
            filled[name] = self._other(kind, cast, chance)
        for name, text in self.hashes:
            filled[name] = sha256_hex((text % filled).encode())
        return (self.together % filled).split(_CUT)

    def _other(self, kind: str, cast: Mapping[str, str], chance: Random) -> str:
        match kind.split(" of "):
            case ["id", name]:
                return self.home.people[cast[name]][4:]
            case ["name", name]:
                return cast[name]
            case ["salt"]:
                return f"{chance.getrandbits(128):032x}"
            case ["hash"]:
                return f"{chance.getrandbits(256):064x}"
            case ["latency"]:
                return str(round(chance.lognormvariate(3, 0.8)) + 1)
            case _:
                return f"{chance.randrange(1000):03}-{chance.randrange(10**7):07}-{chance.randrange(10**7):07}"


def _read_time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _id_ms(suffix: str) -> int:
    number = 0
    for digit in suffix[:10]:
        number = number << 5 | ALPHABET.index(digit)
    return number


# The writing.


class Writing:
    """Fills a founded home, in one transaction."""

    def __init__(self, home: Home, chance: Random, told: Callable[[int], None]) -> None:
        self._home, self._chance, self._told = home, chance, told
        self._seq, self._head = home.seq, home.head
        #: Events that wait for those of trips that begin before them: time, id, row, what is hashed.
        self._waiting: list[tuple[datetime, str, list[Any], tuple[str, str, str]]] = []
        self._batches: dict[str, list[Sequence[Any]]] = {table: [] for table in TABLES}

    def write(self, trips: Sequence[Template], *, start: datetime) -> int:
        """`trips` one after another, as they overlap; how many events there are then."""
        connection = sqlite.driver.connect(self._home.database, isolation_level=None)
        # Nobody else has this file yet: half of it is worth nothing.
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -400000", "foreign_keys = OFF"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN")
        columns = [each[1] for each in connection.execute("PRAGMA table_info(event_log)")]
        self._id, self._places = columns.index("id"), [columns.index(name) for name in ("seq", "prev_hash", "hash")]
        for number, (at, trip) in enumerate(zip(self._times(start, len(trips)), trips, strict=True)):
            self._copy(trip, at, number)
            self._chain(until=at)
            if number % _BATCH == 0:
                self._flush(connection)
        self._chain(until=datetime.max.replace(tzinfo=UTC))
        self._flush(connection)
        connection.execute("COMMIT")
        sqlite.choose_journal(connection)
        connection.close()
        return self._seq

    def _times(self, start: datetime, count: int) -> list[datetime]:
        """When they begin, in order, at hours at which people are awake. The longest trip takes hours; it ends before the years do."""
        days, chance = (UNTIL - start).days - 1, self._chance
        hours = chance.choices(range(24), _HOURS, k=count)
        seconds = (chance.randrange(days) * 86_400 + hour * 3_600 + chance.randrange(3_600) for hour in hours)
        return [start + timedelta(seconds=each) for each in sorted(seconds)]

    def _copy(self, trip: Template, at: datetime, number: int) -> None:
        texts = trip.copy(at, number, self._chance)
        for table, cells in trip.rows:
            self._batches[table].append([texts[cell] if type(cell) is int else cell[0] for cell in cells])
        for after, cells, before, between, behind in trip.leaves:
            row = [texts[cell] if type(cell) is int else cell[0] for cell in cells]
            heapq.heappush(self._waiting, (at + after, row[self._id], row, (texts[before], texts[between], texts[behind])))

    def _chain(self, *, until: datetime) -> None:
        """Give what happened before `until` its place in the chain."""
        seq_at, previous_at, hash_at = self._places
        while self._waiting and self._waiting[0][0] < until:
            _, _, row, (before, between, behind) = heapq.heappop(self._waiting)
            self._seq += 1
            leaf = f"\x00{before}{self._head}{between}{self._seq}{behind}"
            row[seq_at], row[previous_at] = self._seq, self._head
            self._head = row[hash_at] = hashlib.sha256(leaf.encode()).hexdigest()
            self._batches["event_log"].append(row)

    def _flush(self, connection: Any) -> None:
        for table, rows in self._batches.items():
            if rows:
                holes = ", ".join("?" * len(rows[0]))
                connection.executemany(f'INSERT INTO "{table}" VALUES ({holes})', rows)
                rows.clear()
        self._told(self._seq)


def main(arguments: Sequence[str] | None = None) -> None:
    """Make one."""
    parser = argparse.ArgumentParser(prog="big-home", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("place", type=Path, help="a data directory that is not there yet")
    parser.add_argument("--events", type=int, default=1_000_000, help="at least so many (1000000)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same home (1)")
    options = parser.parse_args(arguments)
    if options.place.exists() or options.events < 1:
        parser.error("a place that is not there yet, and at least one event")
    made = make(options.place, events=options.events, seed=options.seed, told=_progress)
    sys.stderr.write(f"\r{options.place}: {made:,} events\n")


def _progress(events: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{events:,}")
        sys.stderr.flush()


if __name__ == "__main__":
    main()
