"""The log in files: what is written is what was hashed, and what is read back is believed only as far as it proves itself."""

from __future__ import annotations

import csv
import functools
import hashlib
import io
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halo_engine.audit import Audit
from halo_engine.export.cells import COLUMNS, harmless
from halo_engine.export.checking import Verdict, check_export
from halo_engine.export.exporting import Format
from halo_engine.export.lines import FORMAT, Sum
from halo_engine.export.reading import MAX_LINE
from halo_engine.model.canonical import canonical_json
from halo_engine.model.errors import InvalidInput, StoreDamaged, StoreNotWritable
from halo_engine.model.event import GENESIS
from halo_engine.model.merkle import root_of
from halo_engine.model.note import Checkpoint
from tests.installation import Installation
from tests.torture import postgres
from tests.torture.jobs import kept_place, reopen


@functools.cache
def lived() -> Path:
    """A home in which something was bought on one day, and something asked for two days later. Made once a process."""
    installation = Installation.open(kept_place("halo-exported-") / "home")
    installation.carry_out(installation.ask("order 2 packs of AA batteries"))
    installation.later(days=2)
    installation.ask("order paper towels")
    installation.engine.close()
    return installation.settings.home


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Installation]:
    """The same for each test."""
    shutil.copytree(lived(), tmp_path / "home")
    installation = reopen(tmp_path / "home")
    yield installation
    installation.engine.close()


def export(home: Installation, form: Format = Format.NDJSON, **days: str) -> bytes:
    """What a stream gets."""
    file = io.BytesIO()
    with Audit.open(home.settings, clock=home.clock) as audit:
        audit.export(file, form, **days)
    return file.getvalue()


def rows(home: Installation, columns: str) -> list[Any]:
    """Of the log, as they lie in the books."""
    with closing(sqlite3.connect(home.settings.database_file)) as books:
        return books.execute(f"SELECT {columns} FROM event_log ORDER BY seq").fetchall()


def altered(home: Installation, statement: str, *values: str) -> None:
    """As somebody would who has the file."""
    with closing(sqlite3.connect(home.settings.database_file)) as books, books:
        books.execute("DROP TRIGGER event_log_refuses_update")
        books.execute(statement, values)


def checked(data: bytes, against: Checkpoint | None = None) -> Verdict:
    return check_export(io.BytesIO(data), against)


def remade(lines: list[dict[str, Any]]) -> bytes:
    """An export of these events, with numbers, links and the last line as they have to be."""
    written: list[bytes] = []
    digests: list[bytes] = []
    for number, line in enumerate(lines, 1):
        previous = digests[-1].hex() if digests else GENESIS
        written.append(canonical_json({**line, "seq": number, "prev_hash": previous}))
        digests.append(hashlib.sha256(b"\x00" + written[-1]).digest())
    last = {"count": len(lines), "export": FORMAT, "first": 1, "head": digests[-1].hex(), "root": root_of(digests).hex()}
    return b"\n".join([*written, canonical_json(last), b""])


class TestNdjson:
    def test_is_what_was_hashed_line_by_line(self, home: Installation) -> None:
        """A stranger needs nothing but SHA-256."""
        *lines, _last, end = export(home).split(b"\n")
        assert end == b""
        assert [hashlib.sha256(b"\x00" + line).hexdigest() for line in lines] == [row[0] for row in rows(home, "hash")]
        assert [json.loads(line)["prev_hash"] for line in lines] == [row[0] for row in rows(home, "prev_hash")]

    def test_ends_with_what_the_audit_says(self, home: Installation) -> None:
        """The head and the root that a checkpoint would sign."""
        last, verified = json.loads(export(home).splitlines()[-1]), home.verify()
        assert (last["count"], last["head"], last["root"]) == (verified.events, verified.head, verified.root)

    def test_holds_the_events_of_some_days(self, home: Installation) -> None:
        """Days begin where the household's clocks say so: noon in New York is on the day, and so is what comes before midnight there."""
        first = [json.loads(line) for line in export(home, until="2026-03-04").splitlines()[:-1]]
        later = [json.loads(line) for line in export(home, since="2026-03-05", until="2026-03-05").splitlines()[:-1]]
        assert [line["seq"] for line in (*first, *later)] == [row[0] for row in rows(home, "seq")]
        assert {line["created_at"][:10] for line in later} == {"2026-03-05"}

    def test_of_no_events_is_an_export(self, home: Installation) -> None:
        """It says that there are none."""
        assert checked(export(home, since="2030-01-01")).ok

    @pytest.mark.parametrize(
        ("since", "until"), [("2026-3-3", None), ("yesterday", None), (None, "2026-02-30"), ("2026-03-04", "2026-03-03")]
    )
    def test_refuses_what_is_no_day(self, home: Installation, since: str, until: str) -> None:
        """And days in the wrong order."""
        with pytest.raises(InvalidInput):
            export(home, since=since, until=until)

    def test_leaves_out_other_households(self, home: Installation) -> None:
        """Whoever shares a database shares no log."""
        before = export(home)
        with closing(sqlite3.connect(home.settings.database_file)) as books, books:
            books.execute("INSERT INTO household SELECT 'hsh_other', name, time_zone, '2027-01-01T00:00:00.000000Z' FROM household")
            names = [row[1] for row in books.execute("PRAGMA table_info(event_log)")]
            other = ", ".join({"id": "'evt_other'", "household_id": "'hsh_other'"}.get(name, name) for name in names)
            books.execute(f"INSERT INTO event_log SELECT {other} FROM event_log WHERE seq = 1")
        assert export(home) == before

    def test_tells_of_an_altered_event_and_writes_it_as_it_stands(self, home: Installation, tmp_path: Path) -> None:
        """It is evidence."""
        altered(home, "UPDATE event_log SET user_id = 'usr_nobody' WHERE seq = 3")
        with Audit.open(home.settings, clock=home.clock) as audit:
            total = audit.export(tmp_path / "log", Format.NDJSON)
        assert total.first_altered == 3
        assert checked((tmp_path / "log").read_bytes()).first_bad == 3

    def test_refuses_a_row_that_would_make_two_lines(self, home: Installation) -> None:
        """Nobody writes a second export into the first one."""
        altered(home, "UPDATE event_log SET event_payload_json = '{}' || char(10) || '{}' WHERE seq = 3")
        with pytest.raises(StoreDamaged, match="Event 3"):
            export(home)

    @pytest.mark.skipif(postgres.missing() is not None, reason=str(postgres.missing()))
    def test_is_the_same_from_postgresql(self, tmp_path: Path) -> None:
        """Only the times are kept in another way there."""
        url = postgres.fresh_database()
        there = Installation.open(tmp_path / "there", database_url=url)
        there.carry_out(there.ask("order 2 packs of AA batteries"))
        verdict = checked(export(there, since="2026-03-03", until="2026-03-03"))
        assert (verdict.ok, verdict.whole, verdict.root) == (True, True, there.verify().root)
        assert len(export(there, Format.PARQUET)) > 1000
        there.engine.close()


class TestAFile:
    def test_is_its_owners_alone(self, home: Installation, tmp_path: Path) -> None:
        """It tells what a household does."""
        for form in Format:
            path = tmp_path / f"log.{form}"
            with Audit.open(home.settings, clock=home.clock) as audit:
                audit.export(path, form)
            assert path.stat().st_mode & 0o777 == 0o600
        assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "log.csv", "log.ndjson", "log.parquet"]

    def test_is_complete_or_the_one_before(self, home: Installation, tmp_path: Path) -> None:
        """What fails half way leaves nothing behind."""
        path = tmp_path / "log"
        path.write_text("before")
        altered(home, "UPDATE event_log SET event_payload_json = char(10) WHERE seq = 5")
        with Audit.open(home.settings, clock=home.clock) as audit, pytest.raises(StoreDamaged):
            audit.export(path, Format.NDJSON)
        assert path.read_text() == "before"
        assert sorted(entry.name for entry in tmp_path.iterdir()) == ["home", "log"]

    def test_may_stand_in_a_directory_of_any_name(self, home: Installation, tmp_path: Path) -> None:
        """What has a meaning in a pattern or in SQL has none in a name."""
        place = tmp_path / "it's [a] *.? directory"
        place.mkdir()
        with Audit.open(home.settings, clock=home.clock) as audit:
            audit.export(place / "log.parquet", Format.PARQUET)
        assert [path.name for path in place.iterdir()] == ["log.parquet"]

    def test_is_refused_where_nothing_can_be_written(self, home: Installation, tmp_path: Path) -> None:
        """With a sentence."""
        with Audit.open(home.settings, clock=home.clock) as audit:
            for path in (tmp_path, tmp_path / "nowhere" / "log"):
                with pytest.raises(StoreNotWritable):
                    audit.export(path, Format.NDJSON)


class TestCsv:
    def test_has_every_event_under_its_columns(self, home: Installation) -> None:
        """As RFC 4180 has it: CRLF, and quotes where there have to be."""
        text = export(home, Format.CSV).decode()
        head, *cells = csv.reader(io.StringIO(text, newline=""), strict=True)
        assert head == list(COLUMNS)
        assert [cell[head.index("hash")] for cell in cells] == [row[0] for row in rows(home, "hash")]
        assert [cell[head.index("payload")] for cell in cells] == [row[0] for row in rows(home, "event_payload_json")]
        assert text.count("\r\n") == len(cells) + 1

    @pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "'=1", ";=1", ",=1", "|=1"])
    def test_has_no_formula_and_loses_nothing(self, home: Installation, cell: str) -> None:
        """An apostrophe in front, which whoever takes one away everywhere has undone."""
        assert harmless(cell) == f"'{cell}"
        altered(home, "UPDATE event_log SET entity_id = ? WHERE seq = 2", cell)
        found = list(csv.DictReader(io.StringIO(export(home, Format.CSV).decode(), newline="")))[1]["entity_id"]
        assert found == f"'{cell}"


class TestParquet:
    def test_has_every_event_in_typed_columns(self, home: Installation, tmp_path: Path) -> None:
        """With what they add up to in the file's metadata."""
        path = tmp_path / "log.parquet"
        with Audit.open(home.settings, clock=home.clock) as audit:
            total = audit.export(path, Format.PARQUET)
        with duckdb.connect() as connection:
            found = connection.execute("SELECT seq, payload, hash, strftime(created_at, '%Y') FROM read_parquet(?)", [str(path)]).fetchall()
            types = dict(connection.execute("SELECT column_name, column_type FROM (DESCRIBE FROM read_parquet(?))", [str(path)]).fetchall())
            told = dict(connection.execute("SELECT key, value FROM parquet_kv_metadata(?)", [str(path)]).fetchall())
        assert [row[:3] for row in found] == rows(home, "seq, event_payload_json, hash")
        assert {row[3] for row in found} == {"2026"}
        assert (types["seq"], types["created_at"], types["payload"]) == ("BIGINT", "TIMESTAMP WITH TIME ZONE", "VARCHAR")
        assert told[b"root"] == total.root.encode()


class TestACheck:
    def test_takes_what_was_exported(self, home: Installation) -> None:
        """The whole of it, and an excerpt, of which it says that it is one."""
        whole, part = checked(export(home)), checked(export(home, since="2026-03-05"))
        assert (whole.ok, whole.whole, whole.root) == (True, True, home.verify().root)
        assert (part.ok, part.whole, part.first > 1) == (True, False, True)

    @pytest.mark.parametrize(
        "other",
        [
            lambda line: line.replace(b'"seq":3', b'"seq": 3'),
            lambda line: line.replace(b'"seq":3', b'"seq":3.0'),
            lambda line: line.replace(b'"seq":3', b'"seq":3e0'),
            lambda line: line.replace(b'"seq":3', b'"seq":NaN'),
            lambda line: line.replace(b'"seq":3', b'"seq":true'),
            lambda line: line.replace(b'"seq":3', b'"seq":3,"seq":3'),
            lambda line: line.replace(b'"schema":2', b'"schema":3'),
            lambda line: line.replace(b'"evt_', b'"\\u0065vt_'),
            lambda line: line.replace(b'"evt_', b'"\\ud800'),
            lambda line: line.replace(b'"evt_', b'"\xff'),
            lambda line: line.replace(b'"evt_', b'"\xed\xa0\x80'),
            lambda line: b"\xef\xbb\xbf" + line,
            lambda line: line + b"\r",
            lambda line: b"[" * 100_000,
            lambda line: b'{"a":' * 100_000,
            lambda line: b"9" * 10_000,
            lambda line: b"",
            lambda line: b"null",
            lambda line: line.decode().encode("utf-16"),
        ],
    )
    def test_names_a_line_that_is_not_canonical(self, home: Installation, other: Callable[[bytes], bytes]) -> None:
        """There is one way to write an event."""
        lines = export(home).split(b"\n")
        assert lines[2] != other(lines[2])
        lines[2] = other(lines[2])
        assert checked(b"\n".join(lines)).first_bad == 3

    def test_names_what_breaks_a_promise(self, home: Installation) -> None:
        """Links that fit prove nothing about the gate."""
        lines = [json.loads(line) for line in export(home).splitlines()[:-1]]
        assert checked(remade(lines)).ok
        done = next(line for line in lines if line["event_type"] == "execution.done")
        done["payload"]["charged_cents"] = 10**6
        verdict = checked(remade(lines))
        assert verdict.first_bad == done["seq"]
        assert "charged more than confirmed" in verdict.problems[0]

    def test_misses_no_receipt_where_the_end_is_cut_off(self, home: Installation) -> None:
        """What was altered proves nothing against what stands before it."""
        lines = export(home).splitlines(keepends=True)
        receipt = next(number for number, line in enumerate(lines) if b'"receipt.stored"' in line)
        assert checked(b"".join(lines[:receipt])).first_bad == receipt + 1

    def test_holds_it_against_a_checkpoint(self, home: Installation) -> None:
        """A log that was made anew to its end fits itself, and not what somebody remembers."""
        data, verified = export(home), home.verify()
        lines = [json.loads(line) for line in data.splitlines()[:-1]]
        origin = f"halo.local/{lines[0]['household_id']}"
        remembered = Checkpoint(origin=origin, size=verified.events, root=bytes.fromhex(verified.root))
        assert checked(data, remembered).ok
        lines[1]["user_id"] = "usr_nobody"
        assert checked(remade(lines)).ok
        assert not checked(remade(lines), remembered).ok
        assert not checked(data, remembered.model_copy(update={"origin": "halo.local/hsh_other"})).ok
        assert not checked(export(home, since="2026-03-05"), remembered).ok
        assert checked(remade(lines[:-1]), remembered).first_bad == verified.events

    def test_is_not_misled_by_a_second_end(self, home: Installation) -> None:
        """What follows the last line is too much."""
        data = export(home)
        assert not checked(data + data).ok
        assert not checked(data + b"\n").ok

    def test_tells_a_file_that_is_none(self) -> None:
        """In one sentence, not in one for each line."""
        assert len(checked(b"a,b,c\r\n" * 1000).problems) == 1
        assert not checked(b"").ok
        assert checked(Sum().line() + b"\n").ok

    def test_holds_no_more_than_a_line(self) -> None:
        """However long a line is, and however many are bad."""
        endless = _Endless(MAX_LINE * 5)
        assert not check_export(io.BufferedReader(endless)).ok
        assert len(checked(b"{}\n" * 10_000 + Sum().line() + b"\n").problems) <= 101

    @settings(max_examples=150, deadline=None)
    @given(
        st.lists(
            st.one_of(st.binary(max_size=60), st.sampled_from([b"\n", b"{}", b'{"export":"halo-log/1"}\n', Sum().line() + b"\n"])),
            max_size=8,
        )
    )
    def test_ends_with_a_verdict_whatever_the_bytes(self, parts: list[bytes]) -> None:
        """Never with a traceback; and nothing is right but the empty export."""
        data = b"".join(parts)
        assert checked(data).ok == (data == Sum().line() + b"\n")

    @settings(max_examples=40, deadline=None)
    @given(data=st.data())
    def test_ends_with_a_verdict_whatever_the_events(self, data: st.DataObject) -> None:
        """Events of the right form may tell anything."""
        json_values = st.recursive(
            st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(codec="utf-8"), max_size=8),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=4),
            max_leaves=8,
        )
        payloads = data.draw(
            st.lists(st.tuples(st.sampled_from(_TYPES), st.dictionaries(st.sampled_from(_NAMES), json_values, max_size=6)), min_size=1)
        )
        lines = [_EVENT | {"event_type": kind, "payload": payload} for kind, payload in payloads]
        assert checked(remade(lines)).events == len(lines)


_NAMES = (
    "draft_hash",
    "expires_at",
    "verdicts",
    "maximum_cents",
    "currency",
    "approved_by",
    "people_needed",
    "rules",
    "roles",
    "members",
    "execution_id",
)
_TYPES = (
    "draft.created",
    "draft.confirmed",
    "draft.approved",
    "execution.done",
    "receipt.stored",
    "household.created",
    "household.rules_changed",
)
_EVENT = {
    "created_at": "2026-03-03T17:00:00.000000Z",
    "entity_id": "x",
    "entity_type": "x",
    "household_id": "hsh_x",
    "id": "evt_x",
    "schema": 1,
    "user_id": "usr_x",
}


class _Endless(io.RawIOBase):
    """A file of one line."""

    def __init__(self, size: int) -> None:
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = min(len(buffer), self._left)
        buffer[:size] = b"x" * size
        self._left -= size
        return size
