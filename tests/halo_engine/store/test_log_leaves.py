"""A log as the leaves of its tree: each hash in its place, and nothing where one is not what it says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from halo_engine.clock import FakeClock
from halo_engine.model.errors import StoreDamaged
from halo_engine.model.event import Event, UsualRemoved
from halo_engine.model.merkle import extends, root_of
from halo_engine.store import tables
from halo_engine.store.log_leaves import LogLeaves
from halo_engine.store.reader import Reader
from halo_engine.store.session import Store, open_store
from halo_engine.store.values import to_json
from tests.blank import put_books
from tests.halo_engine.store.family import Family
from tests.halo_engine.store.raw import log_of, without_triggers


@pytest.fixture
def store(tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    """On SQLite alone: only there can a column hold what no log ever held."""
    put_books(tmp_path / "halo.db")
    with closing(open_store(database_file=tmp_path / "halo.db", database_url=None, clock=clock)) as opened:
        yield opened


@pytest.fixture
def leaves(family: Family, tmp_path: Path) -> Iterator[LogLeaves]:
    """Of a log with four events."""
    with family.store.transaction() as books:
        for name in ("a", "b", "c"):
            family.log(books, UsualRemoved(name=name), "usl_1")
    with closing(Reader.open(database_file=tmp_path / "halo.db", database_url=None)) as reader:
        yield LogLeaves(reader, family.household.id)


def hashes(family: Family) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(event.hash) for event in log_of(family.store, family.household.id))


def after(leaves: LogLeaves, number: int, leaf: bytes | None) -> tuple[bytes, ...]:
    with leaves.moment():
        return leaves.after(number, leaf)


def damage(family: Family, change: str) -> None:
    """By an owner of the database."""
    without_triggers(family.store, "event_log", change)


def add(family: Family, **given: Any) -> Event:
    """One event more, whose own hash is right, written past the log."""
    last = log_of(family.store, family.household.id)[-1]
    event = last.model_copy(update={"id": "evt_forged", "seq": 5, "prev_hash": last.hash} | given).sealed()
    row = {**event.model_dump(exclude={"payload"}), "event_payload_json": to_json(event.payload)}
    with family.store._engine.begin() as connection:
        connection.execute(insert(tables.EventLog), row)
    return event


class TestTheLeaves:
    def test_are_the_hashes_in_their_order(self, leaves: LogLeaves, family: Family, strangers: Family) -> None:
        """Of one household's events; all of them, the first of them, or those after one."""
        assert hashes(strangers)
        expected = hashes(family)
        assert len(expected) == 4
        assert (leaves.all(until=4), leaves.all(until=2), leaves.all(until=0)) == (expected, expected[:2], ())
        assert (after(leaves, 0, None), after(leaves, 3, expected[2]), after(leaves, 4, expected[3])) == (expected, expected[3:], ())
        assert [leaves.hash_of(number) for number in (0, 1, 4, 5)] == [None, expected[0], expected[3], None]

    def test_have_a_name_among_all_logs(self, leaves: LogLeaves, family: Family) -> None:
        """It is in every checkpoint that was ever signed."""
        assert leaves.origin == f"halo.local/{family.household.id}"

    def test_prove_that_the_log_only_grew(self, leaves: LogLeaves, family: Family) -> None:
        """From nothing there is nothing to prove."""
        assert leaves.growth(0, 4) == ()
        expected = hashes(family)
        proof = leaves.growth(2, 4)
        assert extends(earlier=2, earlier_root=root_of(expected[:2]), size=4, root=root_of(expected), proof=proof)

    def test_go_on_from_the_leaf_before_them_alone(self, leaves: LogLeaves, family: Family) -> None:
        with pytest.raises(StoreDamaged, match=r"The log was altered at event 3\.$") as caught:
            after(leaves, 2, hashes(family)[0])
        assert "halo audit verify" in caught.value.hint

    @pytest.mark.parametrize(
        "given", [{"seq": 6}, {"prev_hash": "ab" * 32}, {"prev_hash": "0" * 64}], ids=["a gap", "another before it", "none before it"]
    )
    def test_are_in_one_line_without_gaps(self, leaves: LogLeaves, family: Family, given: dict[str, object]) -> None:
        """Also where every hash is right: whoever writes past the log can compute one."""
        add(family, **given)
        with pytest.raises(StoreDamaged, match="altered at event 5"):
            after(leaves, 0, None)
        with pytest.raises(StoreDamaged, match="altered at event 5"):
            after(leaves, 4, hashes(family)[3])

    def test_go_on_with_whatever_goes_on_from_them(self, leaves: LogLeaves, family: Family) -> None:
        """The same event without a fault: what is refused above is refused for that."""
        added = bytes.fromhex(add(family).hash)
        assert after(leaves, 4, hashes(family)[3]) == (added,)

    @pytest.mark.parametrize(
        "change",
        [
            "event_payload_json = '{}'",
            "event_payload_json = '['",
            "event_payload_json = x'00'",
            "entity_type = x'00'",
            "schema_version = 7",
            "hash = 'none'",
            f"hash = '{'0' * 64}'",
            f"hash = '{'0' * 66}'",
            f"schema_version = 7, hash = '{'0' * 64}'",
        ],
    )
    def test_are_the_hashes_of_what_is_there(self, leaves: LogLeaves, family: Family, change: str) -> None:
        """At the newest event, which no later one gives away."""
        damage(family, f"UPDATE event_log SET {change} WHERE seq = 4")
        with pytest.raises(StoreDamaged, match="altered at event 4"):
            after(leaves, 0, None)

    @pytest.mark.parametrize("carried", ["none", "abcd", "00" * 33, ""])
    def test_are_of_32_bytes(self, leaves: LogLeaves, family: Family, carried: str) -> None:
        """What carries another hash carries none."""
        damage(family, f"UPDATE event_log SET hash = '{carried}' WHERE seq = 3")
        assert leaves.hash_of(3) is None
        with pytest.raises(StoreDamaged, match="altered at event 3"):
            leaves.all(until=4)

    def test_are_as_many_as_are_asked_for(self, leaves: LogLeaves, family: Family) -> None:
        """Where the end was cut off, the first that is missing is named."""
        assert len(leaves.all(until=len(hashes(family)))) == 4
        with pytest.raises(StoreDamaged, match="altered at event 5"):
            leaves.all(until=5)
