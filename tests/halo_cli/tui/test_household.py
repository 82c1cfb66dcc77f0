"""The set-up of the household: what is shown, what asks first, and who may change what."""

from __future__ import annotations

from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from halo_cli.tui.pages.household import HouseholdPage
from halo_cli.tui.parts.small_forms import Form, Sure, TokenShown
from halo_engine.model.household import Role
from halo_engine.model.money import Money
from halo_engine.model.rules import DEFAULT_RULES, ConfirmRules
from tests.halo_cli.tui.driver import Tui, tui
from tests.halo_cli.tui.looks import SIZES, Screen, screen
from tests.installation import Installation

PAGE = "8"
FIFTY = Money(cents=5000)
_HOSTILE = "[@click=app.leave]tablet[/] [red]"


@pytest.fixture
def home(tmp_path: Path) -> Installation:
    return Installation.open(tmp_path)


async def turn_to(at: Tui, section: str) -> None:
    for _ in range(5):
        if at.page.crumbs == (section,):
            await at.settle()
            return
        await at.pilot.press("right")
    raise AssertionError(section)


async def fill(at: Tui, *values: str) -> None:
    """The fields of the form from the first on, and Enter in the last. What was in a field is replaced."""
    assert isinstance(at.dialog, Form), at.notice
    for place, value in enumerate(values):
        await at.pilot.press(*([] if place == 0 else ["tab"]), "home", "shift+end", "delete")
        await at.type(value)
    await at.press("enter")


async def agree(at: Tui) -> None:
    assert isinstance(at.dialog, Sure), at.notice
    await at.press("right", "enter")


def rules(home: Installation) -> ConfirmRules:
    with home.queries() as queries:
        return queries.rules()


class TestPeople:
    def test_are_shown_with_what_each_may_confirm(self, home: Installation) -> None:
        async def look(at: Tui) -> str:
            return at.text

        shown = tui(home, look, page=PAGE)
        for words in ("Alex", "owner", "everything", "Kim", "child", "nothing"):
            assert words in shown

    def test_move_in_when_an_owner_has_agreed_to_what_they_may(self, home: Installation) -> None:
        async def add(at: Tui) -> str:
            await at.press("a")
            await fill(at, "Pat")
            asked = at.text
            await agree(at)
            return asked + at.text

        said = tui(home, add, page=PAGE)
        assert "An adult may confirm everything." in said
        assert "Pat lives here now." in said
        with home.queries() as queries:
            assert [(each.display_name, each.role) for each in queries.members()][-1] == ("Pat", Role.ADULT)

    def test_have_their_new_role_in_the_header_at_once(self, home: Installation) -> None:
        """Also whoever acts, when somebody else has changed it."""

        async def look(at: Tui) -> None:
            await at.press("f2")
            assert "✎ Sam (adult)" in at.lines[0]
            with home.queries() as queries:
                sam = next(each for each in queries.members() if each.display_name == "Sam")
            home.engine.membership.change_role(sam.id, Role.CHILD, by="Alex")
            await at.press("f5")
            assert "✎ Sam (child)" in at.lines[0]

        tui(home, look, page=PAGE)

    def test_keep_their_role_where_the_question_is_left(self, home: Installation) -> None:
        async def nearly(at: Tui) -> None:
            await at.press("down", "enter", "enter", "up", "enter", "tab", "enter")
            assert isinstance(at.dialog, Sure)
            # The focus is on leaving it as it is.
            await at.press("enter")

        tui(home, nearly, page=PAGE)
        with home.queries() as queries:
            assert [each.role for each in queries.members()] == [Role.OWNER, Role.ADULT, Role.CHILD]


class TestRights:
    def test_are_said_before_they_change(self, home: Installation) -> None:
        async def change(at: Tui) -> str:
            await turn_to(at, "Rights")
            await at.press("down", "down", "enter")
            await fill(at, "20")
            assert rules(home) == DEFAULT_RULES
            asked = at.text
            await agree(at)
            return asked

        asked = tui(home, change, page=PAGE)
        assert "Until now: A child may confirm nothing." in asked
        assert "From now on: A child may confirm ORDER up to $20.00." in asked
        assert rules(home) == DEFAULT_RULES.allowing(Role.CHILD, "ORDER", up_to=Money(cents=2000))

    @pytest.mark.parametrize(
        ("row", "expected", "says"),
        [
            (4, DEFAULT_RULES.with_two_people_above(FIFTY), "Above $50.00, two people have to say yes."),
            (5, DEFAULT_RULES.with_asker_alone_up_to(FIFTY), "Above $50.00, whoever asked cannot confirm alone."),
            (6, DEFAULT_RULES.with_signed_above(FIFTY), "Above $50.00, a yes has to be signed by a device."),
        ],
    )
    def test_ask_for_more_than_one_yes_above_an_amount(self, home: Installation, row: int, expected: ConfirmRules, says: str) -> None:
        """Two people, somebody else than whoever asked, or a signature; and the page shows what stands then."""

        async def change(at: Tui) -> str:
            await turn_to(at, "Rights")
            await at.press(*["down"] * row, "enter")
            await fill(at, "50")
            await agree(at)
            return at.text

        assert says in tui(home, change, page=PAGE)
        assert rules(home) == expected

    def test_are_asked_for_again_where_an_amount_is_none(self, home: Installation) -> None:
        async def change(at: Tui) -> str:
            await turn_to(at, "Rights")
            await at.press("enter")
            await fill(at, "a lot")
            assert isinstance(at.dialog, Form)
            return at.text

        shown = tui(home, change, page=PAGE)
        assert "That is no amount." in shown
        assert "a lot" in shown
        assert rules(home) == DEFAULT_RULES

    @pytest.mark.parametrize("member", ["Sam", "Kim"])
    def test_are_changed_by_nobody_but_an_owner(self, home: Installation, member: str) -> None:
        async def change(at: Tui) -> list[str]:
            said = []
            for keys in (["a"], ["enter"], ["right", "enter"]):
                await at.press(*keys)
                assert at.dialog is None
                said.append(at.notice)
            return said

        said = tui(home, change, page=PAGE, member=member)
        assert set(said) == {f"Only an owner changes who may do what; {member} is not one. Nothing was changed. Ask Alex."}

    def test_are_refused_by_the_engine_to_whoever_was_an_owner_a_moment_ago(self, home: Installation) -> None:
        """The page only spares the question: what it read may be old by now."""

        async def change(at: Tui) -> str:
            await turn_to(at, "Rights")
            await at.press("down", "enter")
            await fill(at, "nothing")
            home.engine.membership.change_role("Sam", Role.OWNER, by="Alex")
            home.engine.membership.change_role("Alex", Role.ADULT, by="Sam")
            await agree(at)
            return at.notice

        assert "Only an owner changes who may do what" in tui(home, change, page=PAGE)
        assert rules(home) == DEFAULT_RULES


class TestUsuals:
    def test_are_saved_in_words_replaced_when_agreed_and_removed(self, home: Installation) -> None:
        def saved() -> dict[str, int]:
            with home.queries() as queries:
                return {usual.name: usual.items[0].quantity for usual in queries.usuals()}

        before = saved()

        async def keep(at: Tui) -> list[dict[str, int]]:
            await turn_to(at, "Usuals")
            seen = []
            for items, agreed in (("order 2 packs of AA batteries", False), ("order 3 packs of AA batteries", True)):
                await at.press("a")
                await fill(at, "remotes", items)
                if agreed:
                    await agree(at)
                seen.append(saved())
            page = at.page
            assert isinstance(page, HouseholdPage)
            while (row := page.table.chosen) and row.cells[0] != "remotes":
                await at.press("down")
            await at.press("d")
            await agree(at)
            return [*seen, saved()]

        assert tui(home, keep, page=PAGE) == [{**before, "remotes": 2}, {**before, "remotes": 3}, before]


class TestDevices:
    def test_show_their_token_this_once(self, home: Installation) -> None:
        async def add(at: Tui) -> tuple[str, str]:
            await turn_to(at, "Devices")
            await at.press("a")
            await fill(at, "kitchen tablet")
            assert isinstance(at.dialog, TokenShown)
            (token,) = [word for word in at.text.split() if word.startswith("hdv_")]
            assert home.engine.devices.with_token(token)
            await at.press("escape")
            return token, at.text

        token, after = tui(home, add, page=PAGE, size=(80, 24))
        assert token not in after
        assert "kitchen tablet" in after
        assert [path for path in home.settings.home.rglob("*") if path.is_file() and token.encode() in path.read_bytes()] == []

    def test_are_shut_out_when_it_was_agreed_to(self, home: Installation) -> None:
        token = home.engine.devices.add("phone", by=None).token.get_secret_value()

        async def revoke(at: Tui) -> str:
            await turn_to(at, "Devices")
            await at.press("d", "enter")
            assert home.engine.devices.with_token(token)
            await at.press("d")
            await agree(at)
            return at.text

        assert "no, revoked" in tui(home, revoke, page=PAGE)
        assert home.engine.devices.with_token(token) is None

    def test_of_somebody_else_are_an_owners_business(self, home: Installation) -> None:
        token = home.engine.devices.add("phone", by="Alex").token.get_secret_value()

        async def revoke(at: Tui) -> str:
            await turn_to(at, "Devices")
            await at.press("d")
            await agree(at)
            return at.notice

        assert "Only an owner decides about somebody else's devices." in tui(home, revoke, page=PAGE, member="Sam")
        assert home.engine.devices.with_token(token)

    def test_may_be_called_anything(self, home: Installation) -> None:
        """A name is text: no markup, no button."""
        home.engine.devices.add(_HOSTILE, by=None)

        async def look(at: Tui) -> str:
            await turn_to(at, "Devices")
            shown = at.text
            await at.press("d")
            return shown + at.text

        assert tui(home, look, page=PAGE).count(_HOSTILE) >= 3


class TestPreferences:
    def test_show_no_more_of_a_card_than_its_end(self, home: Installation) -> None:
        async def look(at: Tui) -> str:
            await turn_to(at, "Preferences")
            return at.text

        shown = tui(home, look, page=PAGE)
        assert "Visa •••• 0000" in shown
        assert "America/New_York" in shown


class TestTheFilter:
    def test_leaves_what_has_the_words_in_it(self, home: Installation) -> None:
        async def look(at: Tui) -> list[bool]:
            at.page.set_filter("child")
            await at.settle()
            return ["Kim" in at.text, "Sam" in at.text]

        assert tui(home, look, page=PAGE) == [True, False]


@pytest.mark.parametrize("size", SIZES)
def test_looks_as_agreed(home: Installation, snapshot: SnapshotAssertion, size: str) -> None:
    home.engine.devices.add("Kitchen tablet", by=None)
    pictures: dict[str, str] = {}

    async def look(at: Tui) -> None:
        for section in ("People", "Rights", "Usuals", "Devices", "Preferences"):
            await turn_to(at, section)
            pictures[section.lower()] = screen(at)

    tui(home, look, page=PAGE, size=SIZES[size])
    for name, drawn in pictures.items():
        assert drawn == snapshot(name=name, extension_class=Screen)
