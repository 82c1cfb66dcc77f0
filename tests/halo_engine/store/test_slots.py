"""Slots: a worker is known by a lock that dies with it. On both kinds of books."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from sqlalchemy import text

from halo_engine.model.errors import StoreFailed, StoreNotWritable
from halo_engine.store import slots as slots_module
from halo_engine.store.session import Store
from halo_engine.store.slots import FileSlots


class TestASlot:
    def test_is_one_workers(self, store: Store) -> None:
        """The second worker gets another one."""
        with store.slots.take() as first, store.slots.take() as second:
            assert (first.name, second.name) == ("slot-0", "slot-1")
            assert first.is_held()

    def test_is_free_again_when_its_worker_is_gone(self, store: Store) -> None:
        """The same slot, so that what its last worker left is found by the next."""
        with store.slots.take():
            pass
        with store.slots.take() as again:
            assert again.name == "slot-0"

    def test_tells_whether_its_worker_lives(self, store: Store) -> None:
        """Whoever can take the lock knows that nobody has it, and nobody can get it in the meantime."""
        with store.slots.take() as slot, store.slots.if_dead(slot.name) as is_dead:
            assert not is_dead
        with store.slots.if_dead("slot-0") as is_dead, store.slots.take() as other:
            assert is_dead
            assert other.name == "slot-1"

    def test_nobody_ever_took_is_dead(self, store: Store) -> None:
        """A name from books that were moved here from another machine."""
        with store.slots.if_dead("slot-77") as is_dead:
            assert is_dead

    def test_shows_that_somebody_works(self, store: Store) -> None:
        """Before anybody takes over from a worker, and after."""
        assert not store.slots.is_anyone_there()
        with store.slots.take():
            assert store.slots.is_anyone_there()
        assert not store.slots.is_anyone_there()

    def test_is_refused_where_there_are_too_many(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        """A thousand workers on one set of books are a mistake."""
        monkeypatch.setattr(slots_module, "_SLOTS", 1)
        with store.slots.take(), pytest.raises(StoreFailed, match="slots are taken"), store.slots.take():
            pass


class TestAFileSlot:
    def test_dies_with_its_process(self, tmp_path: Path) -> None:
        """Killed, not closed: nobody runs a line of ours."""
        slots, (told, telling) = FileSlots(tmp_path / "slots"), os.pipe()
        child = os.fork()
        if child == 0:
            with slots.take():
                os.write(telling, b"held")
                signal.pause()
            os._exit(0)
        assert os.read(told, 4) == b"held"
        assert slots.is_anyone_there()
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert not slots.is_anyone_there()

    def test_is_not_a_link_to_somewhere_else(self, tmp_path: Path) -> None:
        """A name in the directory is not followed out of it."""
        (tmp_path / "slots").mkdir()
        (tmp_path / "slots" / "slot-0").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(StoreNotWritable), FileSlots(tmp_path / "slots").take():
            pass
        assert not (tmp_path / "elsewhere").exists()


def test_an_advisory_slot_is_lost_with_its_session(postgres_url: str, tmp_path: Path) -> None:
    """The database was restarted: the process lives on, the lock does not."""
    from halo_engine.clock import SystemClock
    from halo_engine.store.session import open_store

    store = open_store(database_file=tmp_path / "none", database_url=postgres_url, clock=SystemClock())
    with store.slots.take() as slot:
        with store.queue_engine.connect() as connection:
            connection.execute(text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = 1212239951"))
        assert not slot.is_held()
    store.close()
