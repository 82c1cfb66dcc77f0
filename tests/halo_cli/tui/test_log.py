"""The log browser: a page at a time, found, followed, and each event with its proof."""

from __future__ import annotations

from pathlib import Path

from syrupy.assertion import SnapshotAssertion

from halo_cli.tui.pages.log import GoTo, LogPage
from halo_cli.tui.parts import log_lines
from halo_cli.tui.parts.log_rows import WholeLog
from halo_cli.tui.parts.paged_table import KEPT, PagedTable
from halo_engine.model import event
from halo_engine.model.trails import Line
from tests.halo_cli.tui.driver import Tui, tui
from tests.halo_cli.tui.plain import plain
from tests.halo_engine.store.raw import sql, without_triggers
from tests.installation import Installation

HOSTILE = "[bold red]\x1b]0;owned\x07\x1b[31m towels\u202e [/] @click=app.quit\n$primary"


def page_of(at: Tui) -> LogPage:
    assert isinstance(at.page, LogPage)
    return at.page


def grow(home: Installation, count: int, *, name: str = "bundle") -> None:
    """As many events, in one transaction."""
    household = home.queries().household().id
    with home.engine._store.transaction() as books:
        for number in range(count):
            books.events.append(
                event.UsualSaved(name=f"{name} {number}", items=number), household_id=household, entity_id=f"usl_{name}_{number}"
            )


def lived(tmp_path: Path) -> Installation:
    home = Installation.open(tmp_path / "home")
    home.carry_out(home.ask("order 2 paper towels under $90"))
    return home


class TestTheLog:
    def test_is_shown_from_its_end_and_opens_an_event(self, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
        """The newest at the bottom and marked; Enter tells all of one, and the arrows go on to the next."""

        async def journey(at: Tui) -> None:
            page = page_of(at)
            assert page.table.key == 8
            assert plain(at) == snapshot(name="log")
            await at.press("up", "up", "up", "up", "enter")
            assert plain(at) == snapshot(name="event")
            assert "✓ its content gives this hash" in at.text
            assert page.crumbs[-1] == "#4"
            await at.press("n")
            assert page.crumbs[-1] == "#5"
            await at.press("escape")
            assert not page.is_open
            assert page.table.key == 5

        tui(lived(tmp_path), journey, page="6", size=(110, 40))

    def test_fits_eighty_columns(self, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
        """And twenty-four lines."""

        async def journey(at: Tui) -> None:
            assert plain(at) == snapshot

        tui(lived(tmp_path), journey, page="6", size=(80, 24))

    def test_says_what_to_do_while_nothing_is_found(self, tmp_path: Path) -> None:
        """Instead of an empty table."""

        async def journey(at: Tui) -> None:
            page_of(at).set_filter("nothing-has-this")
            await at.settle()
            assert "No event has that in it." in at.text
            page_of(at).set_filter("")
            await at.settle()
            assert "household.created" in at.text

        tui(tmp_path, journey, page="6")

    def test_keeps_only_what_is_near_in_memory(self, tmp_path: Path) -> None:
        """From one end of four thousand events to the other, and through the middle."""

        async def journey(at: Tui) -> None:
            page = page_of(at)
            await at.press("home")
            assert page.table.key == 1
            for _ in range(30):
                page.table.action_screens(4)
                await at.pilot.pause()
            await at.settle()
            for seq in (2_000, 1_500, 3_900, 700):
                assert page.table.move_to_key(seq)
                await at.settle()
                assert f"{seq:,}" in at.text
                assert page.table.row is not None
            assert page.table.kept <= KEPT
            await at.press("end")
            assert page.table.key == 4_001

        home = Installation.open(tmp_path / "home")
        grow(home, 4_000)
        tui(home, journey, page="6")

    def test_is_at_its_end_though_it_was_drawn_empty(self, tmp_path: Path) -> None:
        """A table that does not know yet that it can be scrolled goes to the place it is to show."""

        async def journey(at: Tui) -> None:
            page = page_of(at)
            table: PagedTable[Line] = PagedTable(log_lines.COLUMNS, page._cells, ask=page._ask_rows)
            page.table.display = False
            await page.mount(table)
            await at.settle()
            table.show(WholeLog(301, page.open_trail), at=301)
            await at.settle()
            assert table.row is not None
            assert table.scroll_offset.y > 250

        home = Installation.open(tmp_path / "home")
        grow(home, 300)
        tui(home, journey, page="6")

    def test_goes_to_a_number_or_an_id(self, tmp_path: Path) -> None:
        """And says so where there is none."""

        async def journey(at: Tui) -> None:
            page = page_of(at)
            for typed, key in (("1,200", 1_200), ("#7", 7)):
                await at.press("g")
                assert isinstance(at.dialog, GoTo)
                await at.type(typed)
                await at.press("enter")
                assert page.table.key == key
            await at.press("colon")
            await at.type("99999999999999999999")
            await at.press("enter")
            assert "There is no event" in at.notice
            with at.home.queries() as queries:
                wanted = queries._reader.rows("SELECT id FROM event_log WHERE seq = 44")[0]["id"]
            await at.open(wanted)
            assert page.crumbs[-1] == "#44"
            assert page.table.key == 44

        home = Installation.open(tmp_path / "home")
        grow(home, 1_500)
        tui(home, journey, page="6")


class TestFollowing:
    def test_shows_what_happens_and_stops_for_who_reads(self, tmp_path: Path) -> None:
        """Whoever goes back keeps the event they are at, while the log grows; End follows again."""

        async def journey(at: Tui) -> None:
            page = page_of(at)
            assert page.follows
            grow(at.home, 50, name="while")
            page.look_again()
            await at.settle()
            assert page.table.key == 351
            assert "351 events" in at.text
            await at.press("up", "up")
            assert not page.follows
            top = page.table.scroll_offset.y
            grow(at.home, 50, name="later")
            page.look_again()
            await at.settle()
            assert (page.table.key, page.table.scroll_offset.y) == (349, top)
            await at.press("f")
            assert page.follows
            assert page.table.key == 401

        home = Installation.open(tmp_path / "home")
        grow(home, 300)
        tui(home, journey, page="6")


class TestAFilter:
    def test_finds_and_follows_what_it_finds(self, tmp_path: Path) -> None:
        """How far it has looked stands in the crumbs; what is new and fits joins what was found; what does not is left out."""

        async def journey(at: Tui) -> None:
            page = page_of(at)
            await at.press("slash")
            await at.type("usual. needle")
            await at.press("enter")
            assert page.crumbs[0] == "3 of 5,004 events"
            assert "“needle”" in at.text
            await at.press("up")
            kept = page.table.key
            grow(at.home, 2, name="needle")
            grow(at.home, 2, name="straw")
            page.look_again()
            await at.settle()
            assert page.crumbs[0] == "5 of 5,008 events"
            assert page.table.key == kept
            page.set_filter("")
            await at.settle()
            assert page.table.key == kept

        home = Installation.open(tmp_path / "home")
        grow(home, 4_000)
        grow(home, 3, name="needle")
        grow(home, 1_000)
        tui(home, journey, page="6")

    def test_of_a_trip_is_one_key(self, tmp_path: Path) -> None:
        """From any event of it, and Escape ends it."""

        async def journey(at: Tui) -> None:
            page = page_of(at)
            await at.press("up", "t")
            assert page.crumbs[1] == "7 of 8 events"
            assert "household.created" not in at.text
            await at.press("escape")
            assert page.crumbs[0] == "8 events"
            await at.press("home", "t")
            assert "of no trip" in at.notice

        tui(lived(tmp_path), journey, page="6")

    def test_that_is_changed_ends_the_search_before_it(self, tmp_path: Path) -> None:
        """No answer of an older search is mixed in."""

        async def journey(at: Tui) -> None:
            page = page_of(at)
            page.set_filter("usual.")
            page.set_filter("nee")
            page.set_filter("needle")
            await at.settle()
            assert page.crumbs[0] == "3 of 2,004 events"

        home = Installation.open(tmp_path / "home")
        grow(home, 2_000)
        grow(home, 3, name="needle")
        tui(home, journey, page="6")


class TestAlteredBooks:
    def test_are_shown_for_what_they_are(self, tmp_path: Path) -> None:
        """One that is missing, one that cannot be read, one whose content does not give its hash."""

        async def journey(at: Tui) -> None:
            assert "✗ missing" in at.text
            assert "✗ cannot be read" in at.text
            await at.open(_id_of(at.home, 4))
            assert "its content does not give this hash: it was altered" in at.text

        home = lived(tmp_path)
        store = home.engine._store
        without_triggers(store, "event_log", "UPDATE event_log SET entity_id = 'forged' WHERE seq = 4")
        without_triggers(store, "event_log", "UPDATE event_log SET event_payload_json = 'no json' WHERE seq = 5")
        without_triggers(store, "event_log", "DELETE FROM event_log WHERE seq = 7")
        tui(home, journey, page="6")

    def test_cannot_do_anything_to_the_screen(self, tmp_path: Path) -> None:
        """Markup, escape codes, direction marks and actions in every text: they stand there as text, in the list and in the event."""

        async def journey(at: Tui) -> None:
            for _ in range(2):
                assert "[bold red] towels [/] @click=app.quit $primary" in at.text
                assert "\x1b" not in at.text
                assert "\u202e" not in at.text
                await at.press("enter")

        home = Installation.open(tmp_path / "home")
        grow(home, 1)
        with home.engine._store.transaction() as books:
            books.events.append(
                event.ConfirmationRefused(reason=HOSTILE, presented_hash=""), household_id=home.queries().household().id, entity_id=HOSTILE
            )
        tui(home, journey, page="6", size=(160, 30))

    def test_tell_what_was_erased(self, tmp_path: Path) -> None:
        """The words are gone, the event holds."""

        async def journey(at: Tui) -> None:
            await at.open(_id_of(at.home, 2))
            assert "erased: only the commitment is left" in at.text
            assert "✓ its content gives this hash" in at.text
            assert "paper towels" not in at.text

        home = lived(tmp_path)
        sql(home.engine._store, "DELETE FROM event_opening")
        tui(home, journey, page="6")


def _id_of(home: Installation, seq: int) -> str:
    with home.queries() as queries:
        return str(queries._reader.rows("SELECT id FROM event_log WHERE seq = :seq", seq=seq)[0]["id"])
