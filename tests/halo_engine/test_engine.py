"""The door: what it keeps beside the books, and that the log is held against them."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from pydantic import ValidationError

from halo_engine.clock import SystemClock
from halo_engine.engine import Engine
from halo_engine.model.errors import Conflict, InvalidInput, StoreNotWritable
from halo_engine.open_parse import words_reader
from halo_engine.settings import load_settings
from halo_engine.stages.founding import HouseholdPlan, MemberPlan
from tests.installation import NOON, Installation


class TestTheSecret:
    def test_is_one_whoever_comes_first(self, tmp_path: Path) -> None:
        """Four processes' worth of engines opened at once share one complete secret, and leave nothing beside it."""
        settings = load_settings(home=tmp_path / "home", environ={})
        Engine.open(settings, clock=SystemClock(), transport=None).close()
        settings.key_file.unlink()
        barrier = threading.Barrier(4)

        def open_one() -> None:
            barrier.wait()
            Engine.open(settings, clock=SystemClock(), transport=None).close()

        threads = [threading.Thread(target=open_one) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(bytes.fromhex(settings.key_file.read_text())) == 32
        assert [path.name for path in settings.home.glob("secret.key*")] == ["secret.key"]

    def test_that_is_damaged_is_not_made_anew(self, home: Installation) -> None:
        """Another secret would make the vendors forget our keys."""
        home.settings.key_file.write_text("abcd")
        with pytest.raises(StoreNotWritable, match="not complete"):
            Engine.open(home.settings, clock=home.clock, transport=None)


class TestTheLogBesideTheBooks:
    @pytest.mark.parametrize(
        ("forgery", "says"),
        [
            ("UPDATE receipt_artifact SET content_text = 'charged: nothing'", "receipt"),
            ("UPDATE receipt_artifact SET external_reference_id = '113-0'", "receipt"),
            ("DELETE FROM receipt_artifact", "not in the books"),
            ("UPDATE execution SET final_cost_cents = 1", "execution"),
            ("UPDATE execution SET status = 'failed'", "the log says done"),
        ],
    )
    def test_names_what_was_altered(self, home: Installation, forgery: str, says: str) -> None:
        """Whoever takes the guards off the tables is still told on by the log."""
        home.carry_out(home.ask("order 2 packs of AA batteries"))
        assert home.verify().ok
        with home.engine._store._engine.begin() as connection:
            for change in ("update", "delete"):
                connection.exec_driver_sql(f"DROP TRIGGER receipt_artifact_refuses_{change}")
            connection.exec_driver_sql(forgery)
        assert any(says in problem for problem in home.verify().problems)


class TestAPlan:
    @pytest.mark.parametrize(
        "plan",
        [
            {"time_zone": "Mars/Phobos", "members": (MemberPlan(name="Alex"),)},
            {"time_zone": "UTC", "members": ()},
            {"time_zone": "UTC", "members": (MemberPlan(name="Sam"), MemberPlan(name="sam"))},
        ],
    )
    def test_that_cannot_work_is_refused(self, plan: dict[str, object]) -> None:
        """A zone that does not exist, nobody at home, two people who cannot be told apart."""
        with pytest.raises(ValidationError):
            HouseholdPlan.model_validate({"name": "Home", **plan})


class TestFounding:
    def test_at_once_makes_one_household(self, tmp_path: Path, database_url: str | None) -> None:
        """Of four that found at the same moment one does, and the others are told."""
        environ = {"HALO_DATABASE_URL": database_url} if database_url else {}
        settings = load_settings(home=tmp_path / "home", environ=environ)
        Engine.open(settings, clock=SystemClock(), transport=None).close()
        barrier, told = threading.Barrier(4), []

        def found() -> None:
            with Engine.open(settings, clock=SystemClock(), transport=None) as engine:
                barrier.wait()
                try:
                    engine.found_household(HouseholdPlan(name="Home", time_zone="UTC", members=(MemberPlan(name="Alex"),)))
                except Conflict:
                    told.append("conflict")

        threads = [threading.Thread(target=found) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert told == ["conflict"] * 3


class TestReadingWords:
    def test_at_the_end_of_the_calendar_is_refused(self, tmp_path: Path) -> None:
        """There is no tomorrow on the last day there is."""
        read = words_reader(load_settings(home=tmp_path, environ={}), SystemClock())
        with pytest.raises(InvalidInput):
            read("book a haircut tomorrow at 3pm", now=NOON.replace(year=9999), zone="Pacific/Kiritimati", requested=())
