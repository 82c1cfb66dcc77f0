"""The tools of the storage rows do what they say: a kill kills, a fault strikes, a disk is full, a power failure loses what was not synced."""

from __future__ import annotations

import signal
from pathlib import Path
from random import Random

import pytest

from tests.torture import power, small_disk, strace
from tests.torture.forking import Purchase, Said, forks, said
from tests.torture.power import File
from tests.torture.syscalls import clean, prepared, purchase, world

needs_strace = pytest.mark.skipif(strace.missing() is not None, reason=str(strace.missing()))
needs_mount = pytest.mark.skipif(small_disk.missing() is not None, reason=str(small_disk.missing()))


class TestAChild:
    @needs_strace
    def test_is_killed_at_the_chosen_call(self, tmp_path: Path) -> None:
        """It dies of the signal, has reported nothing, and the vendors have heard of nothing before the first connection."""
        job = prepared("order", tmp_path)
        with forks().selling(world(tmp_path)) as url:
            code = strace.run(purchase(job, tmp_path, url, "wal"), "-e", "trace=connect", "-e", strace.kill_at("connect", 1))
        assert code == -signal.SIGKILL
        assert said(tmp_path / "report") == Said()

    @needs_strace
    def test_is_told_of_the_disks_error(self, tmp_path: Path) -> None:
        """A disk that fails for good is an error of the books."""
        job = prepared("order", tmp_path)
        fault = strace.fail_at("pwrite64", "ENOSPC", 1, for_good=True)
        with forks().selling(world(tmp_path)) as url:
            strace.run(purchase(job, tmp_path, url, "wal"), "-e", "trace=pwrite64", "-e", fault)
        assert said(tmp_path / "report").is_store_failed

    @needs_mount
    def test_finds_its_disk_full(self, tmp_path: Path) -> None:
        """With no room at all nothing can be sent, since nothing can be written down; nobody else sees that disk."""
        job = prepared("order", tmp_path)
        how = {"home": str(tmp_path / "home"), "small": str(tmp_path / "small"), "room_kib": 0}
        with forks().selling(world(tmp_path)) as url:
            bought = Purchase(str(tmp_path / "small"), job.execution_id, str(tmp_path / "report"), url, "wal", _SMALL, how)
            forks().wait(forks().buy(bought))
        assert said(tmp_path / "report").error == "store_not_writable"
        assert list((tmp_path / "small").iterdir()) == []

    def test_that_buys_undisturbed_is_done(self, tmp_path: Path) -> None:
        """Without a fault it comes to its end."""
        job = prepared("order", tmp_path)
        with forks().selling(world(tmp_path)) as url:
            code = forks().wait(forks().buy(purchase(job, tmp_path, url, "truncate")))
        assert (code, said(tmp_path / "report").status) == (0, "done")


_SMALL = "tests.torture.small_disk:small_disk"


class TestWhatAChildSays:
    @pytest.mark.parametrize(
        ("told", "is_clean"),
        [
            (Said(status="done"), True),
            (Said(error="store_not_writable", is_store_failed=True), True),
            (Said(error="not_found"), False),
            (Said(traceback="Traceback\nValueError: 1"), False),
            (Said(), False),
        ],
    )
    def test_about_a_bad_disk_is_an_error_of_the_books(self, told: Said, is_clean: bool) -> None:
        """Another error, a traceback or silence is a problem."""
        assert (not list(clean(0, told))) is is_clean


class TestATrace:
    def test_joins_calls_that_were_interrupted(self) -> None:
        """Two processes at once: each call is read where it ended."""
        lines = [
            "7 fdatasync(5</h/halo.db-wal> <unfinished ...>",
            '8 sendto(9<socket:[1]>, "GET / HTTP/1.1\\r\\n", 16, 0, NULL, 0) = 16',
            "7 <... fdatasync resumed>)          = 0",
            "8 +++ exited with 0 +++",
        ]
        calls = list(strace.parse(lines))
        assert [(call.name, call.target, call.worked) for call in calls] == [
            ("sendto", "socket:[1]", True),
            ("fdatasync", "/h/halo.db-wal", True),
        ]

    def test_knows_a_call_that_failed(self) -> None:
        """An injected error is an error."""
        (call,) = strace.parse(["7 fsync(5</h/halo.db>) = -1 EIO (Input/output error) (INJECTED)"])
        assert not call.worked


class TestAFileWithoutPower:
    def test_keeps_what_was_synced(self) -> None:
        """Whatever the chance."""
        file = File(bytearray(b"old"))
        file.since.append((0, b"new"))
        file.sync()
        assert {file.survivor(Random(seed)) for seed in range(50)} == {b"new"}

    def test_may_lose_what_was_not(self) -> None:
        """The old, the new, and a part of it."""
        file = File(bytearray(b"o" * 1024), [(0, b"n" * 1024)])
        found = {file.survivor(Random(seed)) for seed in range(200)}
        assert found == {b"o" * 1024, b"n" * 1024, b"n" * 512 + b"o" * 512}

    def test_may_not_exist_at_all(self) -> None:
        """Nor need a file that was never synced."""
        assert None in {File(None, [(0, b"x")]).survivor(Random(seed)) for seed in range(50)}

    @pytest.mark.skipif(power.missing() is not None, reason=str(power.missing()))
    def test_is_how_a_child_dies(self, tmp_path: Path) -> None:
        """At the chosen change it is gone, and what is left of its books lies apart."""
        _, code = power._buy("order", "wal", tmp_path, fails_at=20, seed=1)
        assert code == power._DARK
        assert "halo.db" in {file.name for file in (tmp_path / "after").iterdir()}
