"""The queue of a file's writers in one process: everybody in their turn, and nobody waits for somebody who has gone."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from halo_engine.model.errors import StoreBusy
from halo_engine.store import sqlite
from halo_engine.store.sqlite import Writers, writers_of


class TestTheQueue:
    def test_lets_one_in_at_a_time_in_the_order_they_came(self) -> None:
        writers, order, inside = Writers(), [], []
        threads = []

        def write(number: int) -> None:
            with writers:
                inside.append(number)
                assert len(inside) == 1
                order.append(number)
                inside.remove(number)

        with writers:
            for number in range(8):
                threads.append(threading.Thread(target=write, args=(number,)))
                threads[-1].start()
                while len(writers._waiting) <= number:
                    pass
        for thread in threads:
            thread.join()
        assert order == list(range(8))

    def test_is_one_for_a_file(self, tmp_path: Path) -> None:
        assert writers_of(tmp_path / "halo.db") is writers_of(tmp_path / "." / "halo.db")
        assert writers_of(tmp_path / "halo.db") is not writers_of(tmp_path / "other.db")

    def test_says_so_where_it_takes_too_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 10)
        writers = Writers()
        with writers, pytest.raises(StoreBusy), writers:
            pass
        with writers:
            assert not writers._waiting

    def test_goes_on_after_somebody_was_interrupted(self) -> None:
        """Ctrl-C while waiting: whoever writes next is not made to wait for the one who has gone."""
        writers, let_go = Writers(), threading.Event()

        def interrupted(*_: object) -> None:
            raise KeyboardInterrupt

        # A runner of tests may ignore the signal of Ctrl-C itself.
        before = signal.signal(signal.SIGUSR1, interrupted)

        def write_for_long() -> None:
            with writers:
                # The signal comes while this one writes and the other waits.
                while not writers._waiting:
                    pass
                os.kill(os.getpid(), signal.SIGUSR1)
                assert let_go.wait(20)

        thread = threading.Thread(target=write_for_long)
        thread.start()
        while not writers._is_busy:
            pass
        with pytest.raises(KeyboardInterrupt), writers:
            pass
        let_go.set()
        thread.join()
        signal.signal(signal.SIGUSR1, before)
        with writers:
            assert not writers._waiting

    def test_is_empty_in_a_process_that_was_forked_while_somebody_wrote(self, tmp_path: Path) -> None:
        writers = writers_of(tmp_path / "halo.db")
        with writers:
            child = os.fork()
            if child == 0:
                with writers:
                    os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
