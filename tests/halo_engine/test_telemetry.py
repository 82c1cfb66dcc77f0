"""The log of a process: what a line looks like, where it goes, and that nothing suffers from it."""

from __future__ import annotations

import json
import logging
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from halo_engine import telemetry
from halo_engine.clock import FakeClock
from halo_engine.model.errors import InvalidInput, NotFound
from halo_engine.model.money import Money
from halo_engine.settings import Settings
from tests.installation import NOON, Installation


@pytest.fixture(autouse=True)
def _stopped() -> Iterator[None]:
    yield
    telemetry.stop()


def started(home: Path, **settings: Any) -> Path:
    """A log that is on; the file that it is written to."""
    home.mkdir(mode=0o700, exist_ok=True)
    telemetry.start(Settings(home=home, log_file="halo.jsonl", **settings))
    return home / "logs" / "halo.jsonl"


def lines(file: Path) -> list[dict[str, Any]]:
    """Every line, each a JSON object of its own."""
    return [json.loads(line) for line in file.read_text().split("\n")[:-1]]


def _fail(hidden: str) -> None:
    raise ValueError(f"password={hidden}")


class TestALine:
    def test_says_when_how_bad_what_whose_and_of_which_request(self, tmp_path: Path) -> None:
        """In that order, and then the facts."""
        file = started(tmp_path)
        with telemetry.about(household_id="hsh_1", request_id="cmd-1", execution_id="exe_1"):
            telemetry.fact("vendor.called", status=200, why=None)
        (line,) = lines(file)
        assert list(line) == ["timestamp", "level", "event", "household_id", "request_id", "execution_id", "status"]
        assert {**line, "timestamp": ""} == {
            "timestamp": "",
            "level": "info",
            "event": "vendor.called",
            "household_id": "hsh_1",
            "request_id": "cmd-1",
            "execution_id": "exe_1",
            "status": 200,
        }

    def test_is_about_nothing_any_more_when_the_block_has_ended(self, tmp_path: Path) -> None:
        """Empty, and not what was before."""
        file = started(tmp_path)
        with telemetry.about(household_id="hsh_1"), telemetry.turn("cmd"):
            telemetry.bind(draft_id="dft_1")
        telemetry.fact("later")
        (line,) = lines(file)
        assert (line["household_id"], line["request_id"], "draft_id" in line) == ("", "", False)

    def test_is_one_whatever_is_in_it(self, tmp_path: Path) -> None:
        """Nobody can write a line of their own, and what belongs to no log is gone."""
        file = started(tmp_path, zinc_api_key=SecretStr("canary-zinc"))
        telemetry.fact(
            "a\nb", note='x\n{"event":"forged"}\u2028\x1b[2J', cost=Money(cents=5), key=SecretStr("canary-1"), said="canary-zinc"
        )
        (line,) = lines(file)
        assert len(file.read_bytes().splitlines()) == 1
        assert (line["cost"], line["key"], line["said"]) == ({"cents": 5, "currency": "USD"}, "‹redacted: secret›", "‹redacted: secret›")

    def test_comes_from_libraries_too_when_it_is_a_warning(self, tmp_path: Path) -> None:
        """Redacted as ours; below a warning libraries write whole requests."""
        file = started(tmp_path, log_level="debug")
        logging.getLogger("sqlalchemy.engine").info("SELECT 'canary'")
        logging.getLogger("somebody").debug("canary")
        logging.getLogger("somebody").warning("Bearer %s", "canary")
        logging.getLogger("halo_engine.durable").info("rests")
        told = [(line["logger"], line["level"], line["event"]) for line in lines(file)]
        assert told == [("somebody", "warning", "Bearer ‹redacted: token›"), ("halo_engine.durable", "info", "rests")]

    def test_has_the_traceback_of_an_error_without_its_secrets(self, tmp_path: Path) -> None:
        """Which line it was, and never the value of a variable."""
        file = started(tmp_path)
        try:
            _fail("canary")
        except ValueError:
            logging.getLogger("server").exception("failed")
        (line,) = lines(file)
        assert "test_telemetry.py" in line["exception"]
        assert "password=‹redacted: secret›" in line["exception"]

    def test_is_left_out_below_the_level(self, tmp_path: Path) -> None:
        """`detail` is for whoever looks for a fault."""
        file = started(tmp_path)
        telemetry.detail("small")
        telemetry.fact("big")
        assert [line["event"] for line in lines(file)] == ["big"]


class TestTheFile:
    def test_is_its_owners_alone(self, tmp_path: Path) -> None:
        """Also where it was there before, for everybody."""
        (tmp_path / "logs").mkdir()
        (tmp_path / "logs" / "halo.jsonl").write_text("before\n")
        (tmp_path / "logs" / "halo.jsonl").chmod(0o644)
        file = started(tmp_path)
        telemetry.fact("now")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert file.read_text().startswith("before\n")

    def test_is_no_link(self, tmp_path: Path) -> None:
        """Whoever can lay a link there must not choose what is written to."""
        (tmp_path / "logs").mkdir()
        (tmp_path / "logs" / "halo.jsonl").symlink_to(tmp_path / "victim")
        with pytest.raises(InvalidInput, match="cannot be written"):
            started(tmp_path)
        assert not (tmp_path / "victim").exists()

    def test_is_no_pipe_that_nobody_reads(self, tmp_path: Path) -> None:
        """Opening one for writing waits for ever."""
        (tmp_path / "logs").mkdir()
        os.mkfifo(tmp_path / "logs" / "halo.jsonl")
        with pytest.raises(InvalidInput):
            started(tmp_path)

    def test_that_cannot_be_written_any_more_stops_nobody(self, tmp_path: Path) -> None:
        """A full disk is no reason not to order."""
        started(tmp_path)
        assert isinstance(telemetry._handler, telemetry._File)
        os.close(telemetry._handler._descriptor)
        telemetry._handler._descriptor = os.open("/dev/full", os.O_WRONLY)
        telemetry.fact("lost")

    def test_is_stderr_for_a_dash(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """As servers are run; nothing of it on stdout."""
        telemetry.start(Settings(home=tmp_path, log_file="-"))
        telemetry.fact("told")
        out, err = capsys.readouterr()
        assert (out, json.loads(err)["event"]) == ("", "told")


class TestAnOrder:
    def test_can_be_followed_from_its_words_to_its_receipt(self, tmp_path: Path) -> None:
        """By one id; every line says whose it is; the moves are told after they are committed, with attempt, class and wait."""
        home = Installation.open(tmp_path / "home", clock=FakeClock(NOON))
        file = started(tmp_path / "home")
        card = home.ask("order 2 packs of AA batteries")
        home.fault("lose_answer")
        done = home.carry_out(card)
        home.engine.close()
        told = lines(file)
        assert {line["household_id"] for line in told} == {done.household_id}
        trip = [line["event"] for line in told if line.get("execution_request_id") == card.request_id and line["event"] != "vendor.called"]
        assert trip[0] == "request.parsed"
        assert [event for event in trip if event.startswith("execution.") and "attempt" not in event] == [
            "execution.submitting",
            "execution.unknown",
            "execution.done",
        ]
        assert trip[-1] == "receipt.stored"
        (lost,) = [line for line in told if line.get("classification")]
        assert (lost["step"], lost["status"], lost["classification"]) == ("commit", "unknown", "ambiguous")
        paths = [line["path"] for line in told if line["event"] == "vendor.called"]
        assert "/amazon/ordering/2022-10-30/orders/‹redacted: key›" in paths
        assert "batteries" not in file.read_text().lower()

    def test_that_is_refused_says_why(self, tmp_path: Path) -> None:
        """By the code of the error and not by its words, which may quote somebody."""
        home = Installation.open(tmp_path / "home", clock=FakeClock(NOON))
        file = started(tmp_path / "home")
        with pytest.raises(NotFound):
            home.engine.cancel("dft_01jd9k7q3mf0jv7p2t8z6c4x5e", member=None)
        home.engine.close()
        (line,) = lines(file)
        assert (line["event"], line["step"], line["outcome"]) == ("step.ended", "cancel", "not_found")
        assert (line["draft_id"], line["level"]) == ("dft_01jd9k7q3mf0jv7p2t8z6c4x5e", "info")

    def test_that_is_rolled_back_is_not_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A line about what never was would lead whoever reads it astray."""
        home = Installation.open(tmp_path / "home", clock=FakeClock(NOON))
        card = home.ask("order 2 packs of AA batteries")
        file = started(tmp_path / "home")

        def fails(_books: object, _execution: object) -> None:
            raise RuntimeError

        monkeypatch.setattr(home.engine._confirming, "_enqueue", fails)
        with pytest.raises(RuntimeError):
            home.confirm(card)
        home.engine.close()
        assert [(line["event"], line["outcome"]) for line in lines(file)] == [("step.ended", "crashed")]


class TestWithoutALog:
    def test_nothing_is_imported_for_it(self) -> None:
        """A command that is not logged does not wait for what would log it."""
        code = "import sys, halo_engine.engine, halo_cli.session, halo_cli.main; print('structlog' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout == "False\n"

    def test_nothing_is_bound_or_written(self, tmp_path: Path) -> None:
        """Off is off."""
        telemetry.start(Settings(home=tmp_path))
        telemetry.bind(draft_id="dft_1")
        with telemetry.turn("cmd"):
            telemetry.fact("nothing")
        assert not telemetry._bound.get()
        assert list(tmp_path.iterdir()) == []
