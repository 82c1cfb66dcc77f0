"""Reading connections that are kept between looks."""

from __future__ import annotations

from pathlib import Path

import pytest

from halo_engine.model.errors import NotInitialised, StoreFailed
from halo_engine.store import sqlite
from halo_engine.store.reader import Readers


def books(path: Path, *names: str) -> Path:
    with sqlite.driver.connect(str(path)) as connection:
        connection.execute("CREATE TABLE said (name TEXT)")
        connection.executemany("INSERT INTO said VALUES (?)", [(name,) for name in names])
    connection.close()
    return path


def said(readers: Readers) -> list[str]:
    reader = readers.open()
    try:
        return [str(row["name"]) for row in reader.rows("SELECT name FROM said")]
    finally:
        reader.close()


class TestReaders:
    def test_are_used_again(self, tmp_path: Path) -> None:
        readers = Readers(database_file=books(tmp_path / "books.db", "Ann"), database_url=None)
        first = readers.open()
        first.close()
        assert readers.open() is first

    def test_see_what_was_written_since(self, tmp_path: Path) -> None:
        readers = Readers(database_file=books(tmp_path / "books.db", "Ann"), database_url=None)
        assert said(readers) == ["Ann"]
        with sqlite.driver.connect(str(tmp_path / "books.db")) as connection:
            connection.execute("INSERT INTO said VALUES ('Ben')")
        connection.close()
        assert said(readers) == ["Ann", "Ben"]

    def test_belong_to_one_at_a_time(self, tmp_path: Path) -> None:
        readers = Readers(database_file=books(tmp_path / "books.db", "Ann"), database_url=None)
        assert readers.open() is not readers.open()

    def test_never_read_a_file_that_was_replaced(self, tmp_path: Path) -> None:
        readers = Readers(database_file=books(tmp_path / "books.db", "Ann"), database_url=None)
        assert said(readers) == ["Ann"]
        books(tmp_path / "others.db", "Ben").replace(tmp_path / "books.db")
        assert said(readers) == ["Ben"]

    def test_say_when_the_file_is_gone(self, tmp_path: Path) -> None:
        readers = Readers(database_file=books(tmp_path / "books.db", "Ann"), database_url=None)
        said(readers)
        (tmp_path / "books.db").unlink()
        with pytest.raises(NotInitialised):
            readers.open()

    def test_are_not_kept_after_a_failure(self, tmp_path: Path) -> None:
        readers = Readers(database_file=books(tmp_path / "books.db", "Ann"), database_url=None)
        first = readers.open()
        with pytest.raises(StoreFailed):
            first.rows("SELECT nothing FROM said WHERE")
        first.close()
        assert readers.open() is not first

    def test_cannot_write(self, tmp_path: Path) -> None:
        readers = Readers(database_file=books(tmp_path / "books.db", "Ann"), database_url=None)
        with pytest.raises(StoreFailed):
            readers.open().rows("INSERT INTO said VALUES ('Ben')")
