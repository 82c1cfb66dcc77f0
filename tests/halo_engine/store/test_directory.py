"""The data directory is private, and it is Halo's own."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from halo_engine.model.errors import StoreNotWritable
from halo_engine.store.directory import prepare_directory, prepare_file


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class TestADirectory:
    def test_is_made_private_with_all_above_it(self, tmp_path: Path) -> None:
        """Nobody else enters, whatever the umask."""
        prepare_directory(tmp_path / "a" / "b")
        assert (mode(tmp_path / "a"), mode(tmp_path / "a" / "b")) == (0o700, 0o700)

    def test_that_was_left_open_is_closed(self, tmp_path: Path) -> None:
        """Halo's own directory is put right."""
        (tmp_path / "halo.db").touch()
        tmp_path.chmod(0o755)
        prepare_directory(tmp_path)
        assert mode(tmp_path) == 0o700

    def test_used_for_other_things_is_refused_and_left_alone(self, tmp_path: Path) -> None:
        """`--home ~` must not close somebody's home to everybody else."""
        (tmp_path / "letters.txt").touch()
        tmp_path.chmod(0o755)
        with pytest.raises(StoreNotWritable, match="used for other things"):
            prepare_directory(tmp_path)
        assert mode(tmp_path) == 0o755

    def test_that_is_a_file_is_refused(self, tmp_path: Path) -> None:
        """A clear error, not a crash."""
        (tmp_path / "file").touch()
        with pytest.raises(StoreNotWritable):
            prepare_directory(tmp_path / "file")


class TestAFile:
    def test_that_is_a_link_is_refused(self, tmp_path: Path) -> None:
        """The books are where they seem to be."""
        (tmp_path / "elsewhere").touch(mode=0o644)
        (tmp_path / "halo.db").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(StoreNotWritable, match="link"):
            prepare_file(tmp_path / "halo.db")
        assert mode(tmp_path / "elsewhere") == 0o644
