"""What is sealed says the same as the log, and is thrown away as soon as it might not."""

from __future__ import annotations

import json
import shutil
import stat
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from halo_engine.clock import FakeClock
from halo_engine.metrics import Metrics, MetricsReport, loading
from halo_engine.metrics.partials import DRAFTS, Partial
from halo_engine.metrics.sealed import Sealed
from halo_engine.settings import Settings
from halo_engine.store import sqlite
from tests.halo_engine.metrics.journeys import ORDER, metrics
from tests.installation import NOON, Installation


@pytest.fixture
def at_home(on_sqlite: Installation, tmp_path: Path) -> Iterator[Installation]:
    """A copy of the books, two days later: everything in them is of days that are over."""
    home = tmp_path / "home"
    shutil.copytree(on_sqlite.settings.home, home, ignore=shutil.ignore_patterns("sealed", "slots"))
    clock = FakeClock(on_sqlite.clock.now() + timedelta(days=2), seed=7)
    house = Installation.reopen(home, clock=clock)
    yield house
    house.engine.close()


@pytest.fixture(autouse=True)
def _seal_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "SEAL_FROM", 20)


def read(house: Installation) -> MetricsReport:
    with metrics(house) as opened:
        return opened.report("verb")


def files(house: Installation) -> list[Path]:
    return sorted((house.settings.home / "sealed").rglob("*.parquet"))


def unsealed(house: Installation, monkeypatch: pytest.MonkeyPatch) -> MetricsReport:
    """What the log alone says."""
    with monkeypatch.context() as patch:
        patch.setattr(loading, "SEAL_FROM", 10**9)
        patch.setattr(Sealed, "segments", lambda *_: ())
        return read(house)


class TestWhatIsSealed:
    def test_says_what_the_log_says_on_each_kind_of_books(self, house: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """Everything sealed, only looked at."""
        later = FakeClock(house.clock.now() + timedelta(days=2))
        direct = unsealed(house, monkeypatch)
        for _ in range(2):
            with Metrics.open(house.settings, clock=later) as opened:
                sealed = opened.report("verb")
                assert (sealed.total, sealed.rows) == (direct.total, direct.rows)
        assert len(files(house)) == 4
        shutil.rmtree(house.settings.home / "sealed")

    @pytest.mark.parametrize("cut", range(2, 72, 10))
    def test_says_the_same_wherever_it_is_cut(self, at_home: Installation, monkeypatch: pytest.MonkeyPatch, cut: int) -> None:
        """A trip may stand on both sides of a cut, or on three."""
        direct = unsealed(at_home, monkeypatch)
        monkeypatch.setattr(loading, "SEAL_FROM", 1)
        original = loading.Books._to_seal

        def up_to(books: loading.Books, reader: object, after: int) -> object:
            segment = original(books, reader, after)  # type: ignore[arg-type]
            last = cut if after < cut else cut + 4
            with loading._reader(books._settings) as own:
                hash_ = books._hash(own, last)
            return segment.model_copy(update={"last": last, "hash": hash_}) if segment and after < last else None

        monkeypatch.setattr(loading.Books, "_to_seal", up_to)
        assert [read(at_home), read(at_home)] == [direct, direct]
        assert len(files(at_home)) == 8

    def test_forgetting_what_stands_on_both_sides_is_noticed(self, at_home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """The planted bug: parts of one thing are counted as two."""
        monkeypatch.setattr(
            Partial, "whole", lambda self, sealed, live: f"SELECT * EXCLUDE (is_again) FROM {sealed} UNION ALL BY NAME {live}"
        )
        assert DRAFTS.whole("a", "b").startswith("SELECT * EXCLUDE")
        with pytest.raises(AssertionError):
            self.test_says_the_same_wherever_it_is_cut(at_home, monkeypatch, 38)

    def test_leaves_today_to_the_log(self, at_home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """And what happens after the sealing is in the figures at once."""
        read(at_home)
        sealed = files(at_home)
        at_home.carry_out(at_home.ask(ORDER))
        assert read(at_home) == unsealed(at_home, monkeypatch)
        assert files(at_home) == sealed

    def test_is_in_a_free_query_as_well(self, at_home: Installation) -> None:
        """Every event once, whether it is sealed or not."""
        read(at_home)
        at_home.ask(ORDER)
        with metrics(at_home) as opened:
            asked = opened.sql("SELECT count(*), count(DISTINCT seq), max(seq) FROM events")
        assert len(files(at_home)) == 4
        assert len({*asked.rows[0]}) == 1

    def test_can_be_read_by_its_owner_only(self, at_home: Installation) -> None:
        read(at_home)
        assert {stat.S_IMODE(path.stat().st_mode) for path in files(at_home)} == {0o600}
        top = at_home.settings.home / "sealed"
        assert {stat.S_IMODE(path.stat().st_mode) for path in (top, *top.rglob("*")) if path.is_dir()} == {0o700}

    def test_holds_no_words(self, at_home: Installation) -> None:
        """Nothing that may have to be erased: what people said and are called stays in the books."""
        at_home.ask("order xylophonesque batteries")
        at_home.later(days=2)
        read(at_home)
        for path in files(at_home):
            assert not any(word in path.read_bytes() for word in (b"xylophonesque", b"Alex", b"batteries"))

    def test_is_not_made_of_a_few_events(self, at_home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(loading, "SEAL_FROM", 50_000)
        read(at_home)
        assert files(at_home) == []


class TestWhatMightNotBeTrue:
    def test_of_another_past_is_thrown_away(self, at_home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """As after a restore: the log has another hash there, and the figures are the log's."""
        read(at_home)
        self._rewrite(at_home, "UPDATE event_log SET hash = '" + "e" * 64 + "' WHERE seq = (SELECT max(seq) FROM event_log)")
        monkeypatch.setattr(loading, "SEAL_FROM", 10**9)
        self._rewrite(at_home, "DELETE FROM event_log WHERE seq > 1")
        assert read(at_home).total == unsealed(at_home, monkeypatch).total
        assert files(at_home) == []

    def test_is_kept_only_by_its_hash(self, at_home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """The planted bug: the hash is not asked for, and the figures are of a past that is gone."""
        read(at_home)
        self._rewrite(at_home, "DELETE FROM event_log WHERE seq > 1")
        seals = Sealed.segments
        monkeypatch.setattr(Sealed, "segments", lambda self, _: seals(self, lambda _: {s.last: s.hash for s in self._named()}))
        monkeypatch.setattr(loading, "SEAL_FROM", 10**9)
        assert read(at_home).total != unsealed(at_home, monkeypatch).total

    @pytest.mark.parametrize("damage", ["cut", "emptied", "scrambled", "gone"])
    @pytest.mark.parametrize("which", range(4))
    def test_that_cannot_be_read_is_made_anew(
        self, at_home: Installation, monkeypatch: pytest.MonkeyPatch, damage: str, which: int
    ) -> None:
        direct = unsealed(at_home, monkeypatch)
        read(at_home)
        path = files(at_home)[which]
        content = path.read_bytes()
        path.unlink()
        if damage != "gone":
            path.write_bytes({"cut": content[: len(content) // 2], "emptied": b"", "scrambled": content[::-1]}[damage])
        assert read(at_home) == direct
        assert len(files(at_home)) in (0, 4)

    def test_that_cannot_be_written_is_done_without(self, at_home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """A file where the directory should be stands for a full disk, or one that is read only."""
        (at_home.settings.home / "sealed").write_text("in the way")
        assert read(at_home) == unsealed(at_home, monkeypatch)

    def test_with_a_gap_is_not_sealed(self, at_home: Installation) -> None:
        """A missing event is for the audit to tell, and not to be sealed over."""
        self._rewrite(at_home, "DELETE FROM event_log WHERE seq = 30")
        read(at_home)
        assert files(at_home) == []

    def test_by_several_at_once_is_the_same_for_all(self, at_home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """They write the same thing, each under a name of its own first."""
        direct = unsealed(at_home, monkeypatch)
        found: list[MetricsReport] = []
        start = threading.Barrier(4)

        def look(seed: int) -> None:
            start.wait()
            with Metrics.open(at_home.settings, clock=FakeClock(at_home.clock.now(), seed=seed)) as opened:
                found.append(opened.report("verb"))

        threads = [threading.Thread(target=look, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [direct] * 4
        assert len(files(at_home)) == 4
        assert list((at_home.settings.home / "sealed").rglob("*.unfinished")) == []

    def _rewrite(self, house: Installation, statement: str) -> None:
        connection = sqlite.driver.connect(str(house.settings.database_file))
        for trigger in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'event_log'").fetchall():
            connection.execute(f"DROP TRIGGER {trigger[0]}")
        connection.execute(statement)
        connection.commit()
        connection.close()


class TestOldLogs:
    def test_without_times_are_left_out_and_counted(self, at_home: Installation) -> None:
        """A log from before trips and times were kept: no figure is guessed."""
        self._age(at_home)
        figures = read(at_home).total.model_dump()["figures"]
        assert figures["confirm_latency"] | {"unit": ""} == {"unit": "", "p50_ms": None, "p95_ms": None, "counted": 0, "left_out": 9}
        assert figures["attempt_latency"]["left_out"] == 19
        assert figures["confirmation_latency"]["counted"] == 9
        assert (figures["success_rate"]["part"], figures["success_rate"]["whole"]) == (6, 9)
        # An answer cannot be told from a request of its own there.
        assert figures["requests"]["value"] == 11
        assert figures["reconfirm_rate"]["part"] == 1

    def test_whose_books_no_newer_halo_has_opened_are_read_too(self, at_home: Installation) -> None:
        """The columns are not even there."""
        self._age(at_home)
        connection = sqlite.driver.connect(str(at_home.settings.database_file))
        connection.execute("DROP INDEX ix_event_log_correlation_id")
        for column in ("correlation_id", "causation_id", "schema_version"):
            connection.execute(f"ALTER TABLE event_log DROP COLUMN {column}")
        connection.commit()
        connection.close()
        assert read(at_home).total.figures["requests"].model_dump()["value"] == 11

    def _age(self, house: Installation) -> None:
        connection = sqlite.driver.connect(str(house.settings.database_file))
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for seq, payload in connection.execute("SELECT seq, event_payload_json FROM event_log").fetchall():
            old = {key: value for key, value in json.loads(payload).items() if key not in ("took_ms", "request_id", "draft_sha256")}
            connection.execute("UPDATE event_log SET event_payload_json = ? WHERE seq = ?", (json.dumps(old), seq))
        connection.execute("UPDATE event_log SET correlation_id = '', causation_id = '', schema_version = 1")
        connection.commit()
        connection.close()


class TestAnEventThatCannotBeRead:
    def test_does_not_hide_the_others(self, at_home: Installation) -> None:
        """Whether the log holds is the audit's question."""
        connection = sqlite.driver.connect(str(at_home.settings.database_file))
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE event_log SET event_payload_json = '{\"half', created_at = 'never' WHERE seq = 2")
        connection.commit()
        connection.close()
        assert read(at_home).total.figures["executions"].model_dump()["value"] == 9


def test_a_home_with_signs_in_its_name(on_sqlite: Installation, tmp_path: Path) -> None:
    """What DuckDB would take for a pattern or the end of a text is a directory."""
    home = tmp_path / "it's [a] *home*?"
    shutil.copytree(on_sqlite.settings.home, home, ignore=shutil.ignore_patterns("sealed", "slots"))
    clock = FakeClock(NOON + timedelta(days=9))
    settings = Settings(home=home)
    for _ in range(2):
        with Metrics.open(settings, clock=clock) as opened:
            assert opened.report().total.figures["executions"].model_dump()["value"] == 9
    assert len(list((home / "sealed").rglob("*.parquet"))) == 4
