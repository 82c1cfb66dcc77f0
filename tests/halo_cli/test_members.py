"""`halo members`, and what a household's rules mean for `halo confirm` and the cards."""

from __future__ import annotations

import pytest

from halo_engine.model.rules import DEFAULT_RULES
from tests.halo_cli.conftest import Halo, Ran

DEFAULT = {"BOOK": None, "CANCEL": None, "ORDER": None, "REORDER": None}
ALL = [("Alex", "owner"), ("Sam", "adult")]


@pytest.fixture(autouse=True)
def _a_household(halo: Halo) -> None:
    """Alex owns it, Sam is an adult."""
    assert halo("init").code == 0


def people(ran: Ran) -> list[tuple[str, str]]:
    assert ran.code == 0, ran.err
    return [(each["display_name"], each["role"]) for each in ran.json["members"]]


class TestMembers:
    def test_lists_who_may_confirm_what(self, halo: Halo) -> None:
        ran = halo("members")
        assert ran.code == 0
        lines = [line.split()[:3] for line in ran.out.splitlines()]
        assert ["Alex", "owner", "everything"] in lines
        assert "Nobody confirms more than $500.00 at once." in ran.out

    def test_answers_programs_with_one_object(self, halo: Halo) -> None:
        ran = halo("members", "--json")
        assert people(ran) == ALL
        assert ran.json["rules"] == {
            "may_confirm_up_to_cents": {"owner": DEFAULT, "adult": DEFAULT, "child": {}, "guest": {}},
            "two_people_above_cents": None,
            "asker_alone_up_to_cents": None,
            "signed_above_cents": None,
        }
        assert ran.json["spending_limit_cents"] == 50_000
        assert len(DEFAULT_RULES.allowances) == 8

    def test_takes_options_before_the_command_as_after_it(self, halo: Halo, home: object) -> None:
        """An option that was not heeded would change another home."""
        assert people(halo("members", "--json", "--home", str(home), "add", "Jo")) == [*ALL, ("Jo", "adult")]


class TestAdd:
    def test_takes_somebody_in(self, halo: Halo) -> None:
        assert people(halo("members", "add", "Kim", "--role", "child", "--json")) == [*ALL, ("Kim", "child")]

    @pytest.mark.parametrize(
        ("given", "code", "words"),
        [
            (("Kim", "--role", "king"), 2, "Give one of: adult, child, guest."),
            (("Kim", "--role", "owner"), 2, "Nobody moves in as an owner."),
            (("sam",), 1, "sam lives here already."),
            ((" ",), 2, "A name has"),
            (("a\x1bb",), 2, "A name has"),
            (("Kim", "--as", "Sam"), 4, "Only an owner"),
        ],
    )
    def test_refuses_what_cannot_be(self, halo: Halo, given: tuple[str, ...], code: int, words: str) -> None:
        ran = halo("members", "add", *given)
        assert (ran.code, words in ran.err) == (code, True)
        assert people(halo("members", "--json")) == ALL


class TestRole:
    def test_is_given_by_an_owner(self, halo: Halo) -> None:
        assert people(halo("members", "role", "sam", "OWNER", "--json")) == [("Alex", "owner"), ("Sam", "owner")]
        assert people(halo("members", "role", "Alex", "guest", "--as", "Sam", "--json")) == [("Alex", "guest"), ("Sam", "owner")]

    @pytest.mark.parametrize(
        ("given", "code", "words"),
        [
            (("Alex", "adult"), 1, "Alex is the only owner."),
            (("Mallory", "adult"), 1, "Nobody of that name"),
            (("Sam", "owner", "--as", "Sam"), 4, "Only an owner"),
        ],
    )
    def test_is_not_taken_by_others(self, halo: Halo, given: tuple[str, ...], code: int, words: str) -> None:
        ran = halo("members", "role", *given)
        assert (ran.code, words in ran.err) == (code, True)


class TestAllow:
    def test_sets_an_amount_for_a_role_and_a_verb(self, halo: Halo) -> None:
        ran = halo("members", "allow", "child", "order", "--up-to", "$20", "--json")
        assert ran.json["rules"]["may_confirm_up_to_cents"]["child"] == {"ORDER": 2000}
        assert halo("members", "allow", "adult", "cancel", "--nothing").code == 0
        listed = halo("members", "add", "Kim", "--role", "child").out
        assert "ORDER up to $20.00" in listed
        assert "ORDER, REORDER and BOOK" in listed

    def test_says_what_holds_for_a_role_that_nobody_has(self, halo: Halo) -> None:
        assert "A guest may confirm BOOK up to $80.00." in halo("members", "allow", "guest", "book", "--up-to", "80").out.splitlines()
        assert "A guest may confirm nothing." in halo("members", "allow", "guest", "book", "--nothing").out.splitlines()
        assert "An adult may confirm everything." in halo("members", "allow", "adult", "order").out.splitlines()

    def test_without_an_amount_is_up_to_the_limit(self, halo: Halo) -> None:
        assert halo("members", "allow", "guest", "book", "--json").json["rules"]["may_confirm_up_to_cents"]["guest"] == {"BOOK": None}

    @pytest.mark.parametrize(
        "given",
        [
            ("child", "pay"),
            ("king", "order"),
            ("child", "order", "--up-to", "20", "--nothing"),
            *(("child", "order", f"--up-to={text}") for text in ("-1", "1.5", "1e3", "NaN", "", "٣", "20 EUR", "1.999")),
        ],
    )
    def test_refuses_what_cannot_be(self, halo: Halo, given: tuple[str, ...]) -> None:
        assert halo("members", "allow", *given).code == 2
        assert halo("members", "--json").json["rules"]["may_confirm_up_to_cents"]["child"] == {}


class TestTwo:
    def test_sets_an_amount_or_takes_it_back(self, halo: Halo) -> None:
        assert halo("members", "two", "--above", "1,200.50", "--json").json["rules"]["two_people_above_cents"] == 120_050
        assert "Above $1,200.50, two people have to say yes." in halo("members").out
        assert halo("members", "two", "--never", "--json").json["rules"]["two_people_above_cents"] is None

    @pytest.mark.parametrize("given", [(), ("--above", "1", "--never")])
    def test_wants_to_know_which(self, halo: Halo, given: tuple[str, ...]) -> None:
        assert halo("members", "two", *given).code == 2


class TestAsker:
    def test_sets_an_amount_or_takes_it_back(self, halo: Halo) -> None:
        assert halo("members", "asker", "--up-to", "0", "--json").json["rules"]["asker_alone_up_to_cents"] == 0
        assert "Above $0.00, whoever asked cannot confirm alone." in halo("members").out
        assert halo("members", "asker", "--always", "--json").json["rules"]["asker_alone_up_to_cents"] is None


class TestAnAmountWithoutItsOption:
    @pytest.mark.parametrize(
        ("given", "hint"),
        [
            (("two", "50"), "halo members two --above 50"),
            (("asker", "50", "--always"), "halo members asker --up-to 50"),
            (("two", "many"), "halo members two --above AMOUNT"),
        ],
    )
    def test_is_told_which(self, halo: Halo, given: tuple[str, ...], hint: str) -> None:
        ran = halo("members", *given)
        assert (ran.code, hint in ran.err) == (2, True)
        rules = halo("members", "--json").json["rules"]
        assert (rules["two_people_above_cents"], rules["asker_alone_up_to_cents"]) == (None, None)


class TestWhatToTypeNext:
    ORDER = "order 2 packs of AA batteries"

    def test_is_a_yes_of_whoever_asked_where_that_is_enough(self, halo: Halo) -> None:
        said = halo("ask", self.ORDER, "--as", "sam").err
        assert "Confirm it with: halo confirm" in said
        assert "--as sam" in said

    def test_is_somebody_elses_yes_where_whoever_asked_is_not_enough(self, halo: Halo) -> None:
        """The reason: a command that Halo itself says to type must not be one that it then refuses."""
        halo("members", "asker", "--up-to", "0")
        said = halo("ask", self.ORDER, "--as", "Sam").err
        assert "Confirm it as one of them with: halo confirm" in said
        assert "--as NAME" in said
        assert "--as Sam" not in said

    def test_is_the_owners_yes_where_nobody_is_named(self, halo: Halo) -> None:
        """Whoever names nobody speaks as the owner, and Alex did not ask."""
        halo("members", "asker", "--up-to", "0")
        draft = halo("ask", self.ORDER, "--as", "Sam", "--json").json
        said = halo("draft", "show", draft["draft_id"]).err
        assert "Confirm it with: halo confirm" in said
        assert "--as" not in said
        assert halo("confirm", draft["draft_id"], "--hash", draft["draft_hash"]).code == 0

    def test_is_somebody_elses_yes_where_whoever_asked_may_not_confirm(self, halo: Halo) -> None:
        halo("members", "add", "Kim", "--role", "child")
        said = halo("ask", self.ORDER, "--as", "Kim").err
        assert "Confirm it as one of them with: halo confirm" in said
        assert "--as Kim" not in said

    def test_is_another_yes_where_one_is_kept(self, halo: Halo) -> None:
        halo("members", "two", "--above", "20")
        drafted = halo("ask", self.ORDER, "--json").json
        halo("confirm", drafted["draft_id"], "--hash", drafted["draft_hash"])
        assert "--as NAME" in halo("draft", "show", drafted["draft_id"]).err

    def test_is_nothing_where_nobodys_yes_is_enough(self, halo: Halo) -> None:
        halo("members", "allow", "owner", "order", "--nothing")
        halo("members", "allow", "adult", "order", "--nothing")
        assert "halo confirm" not in halo("ask", self.ORDER).err


class TestConfirmingWhatNeedsAnother:
    def test_keeps_the_yes_shows_the_card_and_says_who(self, halo: Halo) -> None:
        """Exit code 4, and then the other one's yes buys it."""
        halo("members", "two", "--above", "20")
        drafted = halo("ask", "order 2 packs of AA batteries", "--json").json
        assert drafted["card"]["approval"] == ["$49.95 needs two people: Alex and Sam."]
        confirm = ("confirm", drafted["draft_id"], "--hash", drafted["draft_hash"])
        for _ in range(2):
            first = halo(*confirm)
            assert first.code == 4
            assert first.err == "Your yes is kept. Nothing was done yet. $49.95 needs two people. Alex has said yes; Sam still has to.\n"
            assert "Alex has said yes; Sam still has to." in first.out
        answer = halo(*confirm, "--json")
        assert (answer.code, answer.json["error"]["code"]) == (4, "needs_another")
        assert "Sam still has to" in halo("draft", "show", drafted["draft_id"]).out
        assert halo(*confirm, "--as", "Sam").code == 0
        execution = drafted["draft_id"].replace("dft", "exe", 1)
        assert "Confirmed by Alex and Sam" in halo("show", execution).out
        assert halo("show", execution, "--json").json["confirmation"]["approved_by"] == ["Alex", "Sam"]
        assert halo("audit", "verify").code == 0

    def test_is_refused_where_the_rules_say_no(self, halo: Halo) -> None:
        halo("members", "allow", "adult", "order", "--up-to", "49.94")
        drafted = halo("ask", "order 2 packs of AA batteries", "--json").json
        refused = halo("confirm", drafted["draft_id"], "--hash", drafted["draft_hash"], "--as", "Sam")
        assert refused.code == 4
        assert "Sam is an adult and may confirm ORDER up to $49.94, this is $49.95." in refused.err
