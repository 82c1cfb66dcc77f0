"""`halo sim`: faults, the clock, scenarios and recordings, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from halo_engine.clock import SystemClock
from halo_sim.http import serving
from halo_sim.world import World
from tests.halo_cli.conftest import Halo

DAY_S = 86_400


class TestFault:
    def test_shows_what_is_armed(self, halo: Halo) -> None:
        """Nothing, then what was ordered, with its amount."""
        assert halo("sim", "fault", "--json").json["waiting"] == []
        halo("sim", "fault", "slow", "--amount", "5", "--target", "amazon", "--times", "2")
        (armed,) = halo("sim", "fault", "--json").json["waiting"]
        assert (armed["name"], armed["target"], armed["amount"], armed["times_left"]) == ("slow", "amazon", 5, 2)
        assert halo("sim", "fault", "--clear", "--json").json["waiting"] == []

    def test_lists_positions_and_names(self, halo: Halo) -> None:
        """What strikes where, and what can be typed to meet it."""
        said = halo("sim", "fault", "--list").out
        assert "mid reply" in said
        assert "sku_price_up" in said


class TestClock:
    def test_is_moved_set_and_reset(self, halo: Halo) -> None:
        """And says so."""
        assert halo("sim", "clock", "show", "--json").json["moved_s"] == 0
        assert halo("sim", "clock", "advance", "31d", "--json").json["moved_s"] == 31 * DAY_S
        assert halo("sim", "clock", "advance", "-1d12h", "--json").json["moved_s"] == 31 * DAY_S - 129_600
        assert halo("sim", "clock", "set", "2027-01-01T00:00:00Z", "--json").json["now"].startswith("2027-01-01T00:00:")
        assert "the real time" in halo("sim", "clock", "reset").out

    def test_ends_a_draft_for_halo_too(self, halo: Halo) -> None:
        """The engine in the same home lives by it."""
        asked = halo("ask", "order 2 packs of AA batteries", "--json").json
        halo("sim", "clock", "advance", "1d")
        assert halo("confirm", asked["draft_id"], "--hash", asked["draft_hash"]).code == 6
        assert halo("draft", "show", asked["draft_id"], "--json").json["card"]["kind"] == "expired"

    @pytest.mark.parametrize("words", [("advance", "soon"), ("advance", "999999d"), ("set", "tomorrow"), ("set", "1999-01-01T00:00:00Z")])
    def test_refuses_what_is_no_time(self, halo: Halo, words: tuple[str, ...]) -> None:
        """With what would be one."""
        ran = halo("sim", "clock", *words)
        assert ran.code == 2
        assert "hint:" in ran.err


class TestScenario:
    def test_lists_and_runs_by_name(self, halo: Halo) -> None:
        """The flows are there, and one is told."""
        assert {one["name"] for one in halo("sim", "scenario", "list", "--json").json["scenarios"]} >= {
            "order",
            "reorder",
            "cancel",
            "book",
        }
        assert halo("sim", "scenario", "run", "gym_fee", "--json").json == {
            "ok": True,
            "scenarios": [{"name": "gym_fee", "ok": True, "problems": []}],
        }
        assert halo("sim", "scenario", "run", "nobody").code == 1

    def test_of_ones_own_that_goes_otherwise_is_exit_1(self, halo: Halo, tmp_path: Path) -> None:
        """With the sentence that says where."""
        file = tmp_path / "mine.yaml"
        file.write_text("about: x\nnow: 2026-03-03T17:00:00Z\nsteps: [{halo: ask hello, card: draft}]\nledger: []\n")
        ran = halo("sim", "scenario", "run", "--file", str(file))
        assert ran.code == 1
        assert "not draft" in ran.out


class TestRecordings:
    def test_are_made_replayed_and_held_against_the_simulator(self, halo: Halo, home: Path, tmp_path: Path) -> None:
        """A command is recorded at a base URL, answered again from the file, and the simulator agrees with it."""
        file, words = tmp_path / "order.json", ("ask", "order 2 packs of AA batteries")
        halo("init")
        with serving(World.open(tmp_path / "world.db", SystemClock())) as url:
            where = ("--vendor", "amazon", "--base-url", f"{url}/amazon", "--out", str(file))
            recorded = halo("sim", "record", *where, *words, "--json")
        assert (recorded.code, recorded.json["calls"], recorded.json["exit"]) == (0, 5, 0)
        assert "halo-sim-secret" not in file.read_text()
        assert "halo sim record" in json.loads(file.read_text())["log"]["creator"]["name"]
        replayed = halo("sim", "replay", str(file), *words, "--json")
        assert replayed.json == {"exit": 0, "left": 0}
        assert halo("sim", "diff", str(file), "--json").json["differences"] == []

    def test_refuse_what_nobody_recorded(self, halo: Halo, tmp_path: Path) -> None:
        """And what is no recording, and a vendor nobody knows."""
        from halo_sim.data import fixtures_root

        file = fixtures_root() / "vendors" / "amazon" / "recordings" / "order.json"
        assert halo("sim", "replay", str(file), "ask", "order dish soap").code == 2
        assert halo("sim", "diff", str(tmp_path / "none.json")).code == 2
        where = ("--vendor", "nobody", "--base-url", "http://127.0.0.1:9", "--out", str(tmp_path / "x.json"))
        assert halo("sim", "record", *where, "activity").code == 2
