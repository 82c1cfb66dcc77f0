"""The simulator's panel: the same as `halo sim …`, and nothing at all with live vendors."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from halo_cli.tui.parts.sections import SectionTable
from halo_cli.tui.parts.small_forms import Form
from halo_sim.faults import FAULTS, list_faults
from halo_sim.world import read_offset
from tests.halo_cli.tui.driver import Tui, tui
from tests.halo_cli.tui.looks import SIZES, Screen, screen
from tests.halo_cli.tui.test_household import fill, turn_to
from tests.installation import Installation

PAGE = "9"


@pytest.fixture
def home(tmp_path: Path) -> Installation:
    return Installation.open(tmp_path)


def armed(home: Installation) -> list[tuple[str, str | None, int | None, int | None]]:
    return [(one.name, one.target, one.amount, one.times_left) for one in list_faults(home.world)]


def table(at: Tui) -> SectionTable:
    return at.page.query_one(SectionTable)


class TestTheLedger:
    def test_is_what_the_vendors_did(self, home: Installation) -> None:
        async def look(at: Tui) -> tuple[str, str]:
            before = at.text
            home.carry_out(home.ask("order 2 packs of AA batteries"))
            await at.press("f5")
            return before, at.text

        before, after = tui(home, look, page=PAGE)
        assert "The vendors have done nothing yet." in before
        (entry,) = home.ledger()
        for words in (entry.reference, entry.charged.display, f"Charged altogether: {entry.charged.display}."):
            assert words in after


class TestFaults:
    def test_are_armed_where_and_as_often_as_said_and_removed(self, home: Installation) -> None:
        async def arm(at: Tui) -> tuple[object, object]:
            await turn_to(at, "Faults")
            while table(at).row != "lose_answer":
                table(at).action_cursor_down()
            await at.press("enter")
            await fill(at, "amazon.place_order", "3")
            were = armed(home)
            assert "● at amazon.place_order, 3 more" in at.text
            await at.press("d")
            return were, armed(home)

        assert tui(home, arm, page=PAGE) == ([("lose_answer", "amazon.place_order", None, 3)], [])

    def test_are_told_what_they_cannot_be(self, home: Installation) -> None:
        async def arm(at: Tui) -> str:
            await turn_to(at, "Faults")
            await at.press("enter")
            await fill(at, "", "often")
            assert isinstance(at.dialog, Form)
            return at.text

        assert "That is no whole number." in tui(home, arm, page=PAGE)
        assert armed(home) == []

    def test_are_all_that_there_are(self, home: Installation) -> None:
        async def look(at: Tui) -> list[str]:
            await turn_to(at, "Faults")
            return [row.key for row in table(at).listing.rows]

        assert sorted(tui(home, look, page=PAGE)) == sorted(FAULTS)


class TestTheClock:
    def test_is_moved_set_and_put_back(self, home: Installation) -> None:
        async def move(at: Tui) -> list[tuple[timedelta, str]]:
            await turn_to(at, "Clock")
            seen = []
            for keys, typed in ((["down"], ""), (["down"] * 3, "1w2d"), (["down"], "2026-12-24T18:00:00Z"), (["down"], "")):
                await at.press(*keys, "enter")
                if typed:
                    await fill(at, typed)
                seen.append((read_offset(home.settings.simulator_file), at.notice))
            return seen

        (by_a_day, _), (by_nine_more, _), (_, set_), (back, said) = tui(home, move, page=PAGE)
        assert (by_a_day, by_nine_more, back) == (timedelta(days=1), timedelta(days=10), timedelta(0))
        assert set_.startswith("It is 2026-12-24T18:00")
        assert said.endswith("the real time.")

    def test_stays_where_a_span_is_none(self, home: Installation) -> None:
        async def move(at: Tui) -> str:
            await turn_to(at, "Clock")
            await at.press(*["down"] * 4, "enter")
            await fill(at, "soon")
            return at.text

        assert "'soon' is not a span of time." in tui(home, move, page=PAGE)
        assert read_offset(home.settings.simulator_file) == timedelta(0)


class TestScenarios:
    def test_are_played_apart_from_this_home(self, home: Installation) -> None:
        async def play(at: Tui) -> str:
            await turn_to(at, "Scenarios")
            at.page.set_filter("gym_fee")
            await at.press("enter")
            return at.text

        assert "✓ as expected" in tui(home, play, page=PAGE)
        assert home.ledger() == ()


class TestLiveVendors:
    def test_have_no_simulator(self, tmp_path: Path) -> None:
        """Nothing is shown, no key does anything, and no world is made."""
        Installation.open(tmp_path).engine.close()
        home = Installation.reopen(tmp_path, clock=Installation.open(tmp_path / "clock").clock, vendors="live")
        home.settings.simulator_file.unlink()

        async def look(at: Tui) -> str:
            for key in ("right", "enter", "a", "d", "f5"):
                await at.press(key)
                assert at.dialog is None
            return at.text

        assert "The vendors are live" in tui(home, look, page=PAGE)
        assert not home.settings.simulator_file.exists()


@pytest.mark.parametrize("size", SIZES)
def test_looks_as_agreed(home: Installation, snapshot: SnapshotAssertion, size: str) -> None:
    home.carry_out(home.ask("order 2 packs of AA batteries"))
    home.fault("price_up", amount=300)
    pictures: dict[str, str] = {}

    async def look(at: Tui) -> None:
        for section in ("Ledger", "Faults", "Clock", "Scenarios"):
            await turn_to(at, section)
            pictures[section.lower()] = screen(at)

    tui(home, look, page=PAGE, size=SIZES[size])
    for name, drawn in pictures.items():
        # The caller's reference is made of the home's own secret, and the world's clock is this machine's.
        assert re.sub(r"(own reference:|It is) .*", r"\1 …", drawn) == snapshot(name=name, extension_class=Screen)
