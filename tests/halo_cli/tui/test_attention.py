"""The queue of what needs attention: what is known, the vendor's record, and a person who settles it."""

from __future__ import annotations

from pathlib import Path

from halo_cli.tui.pages.attention import ActButton, AttentionPage
from halo_cli.tui.parts.settle_dialogs import ItDidNotHappen, ItHappened
from halo_engine.model.household import Role
from halo_engine.queries import InNeed
from tests.halo_cli.tui.driver import Tui, tui
from tests.halo_cli.tui.homes import happened_after_all, in_need
from tests.installation import Installation


async def press(at: Tui, act: str) -> None:
    """That button, as somebody who has read what stands there."""
    await at.wait_a_second()
    next(button for button in at.app.dashboard.query(ActButton) if button.act == act).focus()
    await at.press("enter")


def acts(at: Tui) -> list[str]:
    return [button.act for button in at.app.dashboard.query(ActButton)]


def queue(home: Installation) -> tuple[InNeed, ...]:
    with home.queries() as queries:
        return queries.attention(limit=9)


class TestTheQueue:
    def test_says_what_is_known_and_what_to_do(self, tmp_path: Path) -> None:
        """Who confirmed it, that it was sent and under which key, and why nobody can tell; and the steps at the vendor's."""
        home, _ = in_need(tmp_path)

        async def journey(at: Tui) -> None:
            assert isinstance(at.page, AttentionPage)
            (item,) = queue(home)
            for words in ("Alex confirmed it on 3 Mar 12:00", item.execution.vendor_key, "has no record of it", "Sign in at Nopa"):
                assert words in at.text
            assert "1 needs attention" in at.text

        tui(home, journey, page="2")

    def test_says_when_there_is_nothing(self, tmp_path: Path) -> None:
        async def journey(at: Tui) -> None:
            assert "Every outcome is known." in at.text

        tui(tmp_path, journey, page="2")

    def test_shows_what_the_vendors_record_says_now(self, tmp_path: Path) -> None:
        """And that a record without it is no proof."""
        home, _ = in_need(tmp_path)

        async def journey(at: Tui) -> None:
            await press(at, "look")
            assert "The vendor's record does not show it." in at.text
            assert "not yet a no" in at.text

        tui(home, journey, page="2")

    def test_shows_a_vendor_that_cannot_be_asked_as_a_sentence(self, tmp_path: Path) -> None:
        home, _ = in_need(tmp_path)
        home.fault("unavailable", times=99)

        async def journey(at: Tui) -> None:
            await press(at, "look")
            shown = at.text
            assert "Traceback" not in shown
            assert "tells nothing" in shown or "could not" in shown

        tui(home, journey, page="2")


class TestThePerson:
    def test_records_that_it_happened_with_the_vendors_number(self, tmp_path: Path) -> None:
        """Then it leaves the queue, and nothing can be asked again."""
        home, _ = in_need(tmp_path)

        async def journey(at: Tui) -> None:
            await press(at, "happened")
            assert isinstance(at.dialog, ItHappened)
            await at.press("enter")
            assert at.dialog, "without a number nothing is recorded"
            await at.type("RES-77")
            await at.press("enter")
            assert at.dialog is None
            assert "Recorded: it happened, as RES-77." in at.notice
            assert "retry" not in acts(at)
            assert "happened" not in acts(at)
            assert "attention" not in at.lines[0]

        tui(home, journey, page="2", member="Sam")
        (item,) = queue(home)
        assert item.settled
        assert item.settled.payload["reference"] == "RES-77"
        with home.queries() as queries:
            assert item.settled.user_id == next(member.id for member in queries.members() if member.display_name == "Sam")

    def test_records_that_it_did_not_and_asks_again(self, tmp_path: Path) -> None:
        """Typed, not pressed; what comes of asking again is a draft that waits for a yes of its own."""
        home, _ = in_need(tmp_path)

        async def journey(at: Tui) -> None:
            await press(at, "not")
            assert isinstance(at.dialog, ItDidNotHappen)
            await at.type("yes")
            await at.press("enter")
            assert at.dialog, "anything but the words records nothing"
            await at.press("escape")
            await press(at, "not")
            await at.type("did not happen")
            await at.press("enter")
            assert acts(at)[0] == "retry"
            await press(at, "retry")
            assert at.page.key == "1"
            assert "Draft: Book Nopa" in at.text

        tui(home, journey, page="2")
        with home.queries() as queries:
            assert [draft.terms.title for draft in queries.waiting()] == ["Book Nopa"]
        assert home.ledger() == ()

    def test_is_warned_where_the_vendors_record_shows_it(self, tmp_path: Path) -> None:
        """A booking that the vendor shows after all: its number is there to be taken over, and a no is doubted."""
        home, _ = happened_after_all(tmp_path)

        async def journey(at: Tui) -> None:
            await press(at, "look")
            assert "The vendor has it" in at.text
            await press(at, "not")
            assert "The vendor's record shows it" in at.text
            await at.press("escape")
            await press(at, "happened")
            await at.press("enter")
            assert at.dialog is None

        tui(home, journey, page="2")
        (item,) = queue(home)
        assert item.settled
        assert item.settled.payload["reference"] in {entry.reference for entry in home.ledger()}

    def test_pressing_twice_records_once(self, tmp_path: Path) -> None:
        """The second Enter lands on what does nothing, and after half a second at the earliest."""
        home, _ = in_need(tmp_path)

        async def journey(at: Tui) -> None:
            await press(at, "not")
            await at.type("did not happen")
            await at.pilot.press("enter", "enter", "enter")
            await at.settle()
            assert at.page.key == "2"

        tui(home, journey, page="2")
        assert len(queue(home)) == 1
        with home.queries() as queries:
            assert queries.waiting() == ()

    def test_who_may_not_confirm_may_not_settle(self, tmp_path: Path) -> None:
        """And is told so in a sentence."""
        home, _ = in_need(tmp_path)
        home.engine.membership.add("Robin", Role.GUEST, by=None)

        async def journey(at: Tui) -> None:
            await press(at, "not")
            await at.type("did not happen")
            await at.press("enter")
            assert "Robin may not settle this" in at.notice

        tui(home, journey, page="2", member="Robin")
        assert queue(home)[0].settled is None
