"""What a household has agreed on, as a value."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from halo_engine.model.household import Role
from halo_engine.model.money import Money
from halo_engine.model.rules import DEFAULT_RULES, VERBS, Allowance, ConfirmRules, is_within, rules_kept
from halo_engine.store.values import rules_json, rules_value
from halo_engine.verbs import VERBS as THERE_ARE
from tests.halo_engine.model.samples import usd

EUROS = Money(cents=1, currency="EUR")


class TestTheDefault:
    def test_names_every_verb_there_is(self) -> None:
        """The reason: a verb that nobody is named for is nobody's to confirm. Whoever adds one decides here."""
        assert set(VERBS) == set(THERE_ARE)

    @pytest.mark.parametrize("verb", VERBS)
    @pytest.mark.parametrize("role", Role)
    def test_lets_grown_members_confirm_everything(self, role: Role, verb: str) -> None:
        """And children and guests nothing."""
        allowance = DEFAULT_RULES.allowance(role, verb)
        assert (allowance is not None) is (role in (Role.OWNER, Role.ADULT))
        assert allowance is None or allowance.up_to is None

    def test_knows_no_verb_that_is_not_there(self) -> None:
        """An unknown verb is nobody's, and so is the name in small letters."""
        assert [DEFAULT_RULES.allowance(Role.OWNER, verb) for verb in ("PAY", "order", "")] == [None, None, None]

    def test_wants_one_person(self) -> None:
        """Whatever it costs, and whoever asked."""
        assert (DEFAULT_RULES.people_needed(usd(10**9)), DEFAULT_RULES.asker_may_alone(usd(10**9))) == (1, True)


class TestAnAmount:
    @pytest.mark.parametrize(("cents", "within"), [(0, True), (4999, True), (5000, True), (5001, False)])
    def test_is_held_to_the_cent(self, cents: int, within: bool) -> None:
        """The limit itself is within it."""
        assert is_within(usd(cents), usd(5000)) is within
        assert DEFAULT_RULES.with_two_people_above(usd(5000)).people_needed(usd(cents)) == (1 if within else 2)
        assert DEFAULT_RULES.with_asker_alone_up_to(usd(5000)).asker_may_alone(usd(cents)) is within

    def test_in_another_currency_is_within_nothing(self) -> None:
        """Unless it is nothing itself."""
        assert not is_within(EUROS, usd(10**9))
        assert is_within(EUROS * 0, usd(0))
        assert DEFAULT_RULES.with_two_people_above(usd(10**9)).people_needed(EUROS) == 2
        assert not DEFAULT_RULES.with_asker_alone_up_to(usd(10**9)).asker_may_alone(EUROS)


class TestAChange:
    def test_takes_the_place_of_what_stood(self) -> None:
        """One allowance for a role and a verb, and the others as they were."""
        rules = DEFAULT_RULES.allowing(Role.ADULT, "BOOK", up_to=usd(100)).allowing(Role.ADULT, "BOOK", up_to=usd(200))
        assert rules.allowance(Role.ADULT, "BOOK") == Allowance(role=Role.ADULT, verb="BOOK", up_to=usd(200))
        assert len(rules.allowances) == len(DEFAULT_RULES.allowances)
        assert rules.forbidding(Role.ADULT, "BOOK").allowance(Role.ADULT, "BOOK") is None

    @pytest.mark.parametrize("amount", [usd(-1), Money(cents=-1, currency="EUR")])
    def test_takes_no_amount_below_zero(self, amount: Money) -> None:
        """In none of its places."""
        for change in (DEFAULT_RULES.with_two_people_above, DEFAULT_RULES.with_asker_alone_up_to, DEFAULT_RULES.with_signed_above):
            with pytest.raises(ValidationError):
                change(amount)
        with pytest.raises(ValidationError):
            DEFAULT_RULES.allowing(Role.GUEST, "BOOK", up_to=amount)

    def test_comes_back_from_the_books_as_it_was(self) -> None:
        """Written and read, word for word."""
        rules = DEFAULT_RULES.allowing(Role.CHILD, "ORDER", up_to=usd(2000)).with_two_people_above(usd(0)).with_asker_alone_up_to(EUROS)
        assert rules_value(rules_json(rules)) == rules
        signed = rules.with_signed_above(usd(4995))
        assert rules_kept(signed.model_dump(mode="json")) == signed


class TestAnAllowance:
    @pytest.mark.parametrize("verb", ["", "order", "ORDER ", "ORDER\n", "ÖRDER", "O" * 41])
    def test_is_for_the_name_of_a_verb(self, verb: str) -> None:
        """What is no such name can never be asked for, and would be a rule that nobody can find again."""
        with pytest.raises(ValidationError):
            Allowance(role=Role.ADULT, verb=verb, up_to=None)


class TestRulesOfTwoMinds:
    def test_are_none(self) -> None:
        """Two allowances for one role and verb would leave open which one counts."""
        twice = Allowance(role=Role.ADULT, verb="ORDER", up_to=usd(1))
        with pytest.raises(ValidationError):
            ConfirmRules(allowances=(twice, twice), two_people_above=None, asker_alone_up_to=None, signed_above=None)


class TestAYesThatIsSigned:
    @pytest.mark.parametrize(("above", "cents", "asked"), [(None, 50_000, False), (4995, 4995, False), (4995, 4996, True), (0, 1, True)])
    def test_is_wanted_above_the_amount(self, above: int | None, cents: int, asked: bool) -> None:
        """To the cent."""
        rules = DEFAULT_RULES.with_signed_above(None if above is None else usd(above))
        assert rules.must_be_signed(usd(cents)) is asked

    def test_is_wanted_always_above_nothing(self) -> None:
        """Also where nothing is charged: a cancellation is a yes, too."""
        assert DEFAULT_RULES.with_signed_above(usd(0)).must_be_signed(usd(0))
        assert not DEFAULT_RULES.with_signed_above(usd(1)).must_be_signed(usd(0))

    def test_is_wanted_for_another_currency(self) -> None:
        """What a dollar is worth is not Halo's to decide."""
        assert DEFAULT_RULES.with_signed_above(usd(50_000)).must_be_signed(Money(cents=1, currency="EUR"))


class TestRulesThatWereKept:
    def test_are_read_as_written_before_signatures(self) -> None:
        """Exactly the three names there were then; nobody could sign, so nobody had to."""
        kept = DEFAULT_RULES.model_dump(mode="json")
        del kept["signed_above"]
        assert rules_kept(kept) == DEFAULT_RULES

    @pytest.mark.parametrize("kept", [None, [], "rules", 7, ["allowances", "two_people_above", "asker_alone_up_to"]])
    def test_are_named_fields(self, kept: object) -> None:
        """Whatever else stands there is none."""
        with pytest.raises(ValueError, match="ConfirmRules"):
            rules_kept(kept)

    @pytest.mark.parametrize("name", ["allowances", "two_people_above", "asker_alone_up_to"])
    def test_are_not_read_with_any_other_name_missing(self, name: str) -> None:
        """A rule that was left out is no rule that allows."""
        kept = DEFAULT_RULES.model_dump(mode="json")
        del kept[name]
        with pytest.raises(ValueError, match="Field required"):
            rules_kept(kept)
        del kept["signed_above"]
        with pytest.raises(ValueError, match="Field required"):
            rules_kept(kept)
