"""Who may confirm what, and how a card says it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from halo_engine.model.draft import Terms
from halo_engine.model.household import Member, Role
from halo_engine.model.ids import Prefix
from halo_engine.model.money import Money
from halo_engine.model.policy import (
    EXPECTED,
    Case,
    DailyLimit,
    HouseholdDailyLimit,
    Limits,
    MayConfirm,
    NotTheAskerAlone,
    Signed,
    Situation,
    SpendingLimit,
    Spent,
    TwoPeople,
    Verdict,
    approval_words,
    decisive,
    evaluate,
    policies,
    refusals,
    wants_only_another,
    wants_signature,
    without_reasons,
)
from halo_engine.model.rules import DEFAULT_RULES, VERBS, ConfirmRules
from halo_engine.model.signing import Signature
from tests.halo_engine.model.samples import NOON, an_id, member, terms, usd

LIMIT = usd(50_000)
#: Of a day so high that they are in no test's way but their own.
LIMITS = Limits(once=LIMIT, member_a_day=usd(10_000_000), household_a_day=usd(10_000_000))


def person(number: int, name: str, role: Role) -> Member:
    return member(role, name).model_copy(update={"id": an_id(Prefix.USER, number)})


ALEX = person(1, "Alex", Role.OWNER)
SAM = person(2, "Sam", Role.ADULT)
KIM = person(3, "Kim", Role.CHILD)
JO = person(4, "Jo", Role.ADULT)


def costing(cents: int, currency: str = "USD", **given: Any) -> Terms:
    amount = Money(cents=cents, currency=currency)
    return terms(lines=(), charges=(), total=Money(cents=0, currency=currency), maximum=amount, **given)


def case(
    by: Member = ALEX,
    of: Terms | None = None,
    *,
    rules: ConfirmRules = DEFAULT_RULES,
    members: Sequence[Member] = (ALEX, SAM, KIM),
    asked: Sequence[Member] = (KIM,),
    said: Sequence[Member] = (),
) -> Case:
    """A yes `by` somebody; `said` are those who have said theirs before."""
    asked_by, approved_by = tuple(each.id for each in asked), tuple(each.id for each in said)
    situation = Situation(rules=rules, members=tuple(members), asked_by=asked_by, approved_by=approved_by)
    return Case(terms=of or terms(), member=by, situation=situation)


def words(of: Terms | None = None, **given: Any) -> tuple[str, ...]:
    found = case(of=of, **given)
    return approval_words(found.terms, found.situation, LIMIT)


class TestMayConfirm:
    @pytest.mark.parametrize("verb", VERBS)
    @pytest.mark.parametrize(("who", "allowed"), [(ALEX, True), (SAM, True), (KIM, False), (person(5, "Pat", Role.GUEST), False)])
    def test_lets_the_grown_members_where_nothing_was_set(self, who: Member, allowed: bool, verb: str) -> None:
        """Owners and adults confirm every verb; children and guests ask. Every role there is has its answer here."""
        assert MayConfirm().check(case(who, terms(verb=verb))).allowed is allowed

    @pytest.mark.parametrize(("cents", "allowed"), [(0, True), (1999, True), (2000, True), (2001, False)])
    def test_is_held_to_the_roles_amount_to_the_cent(self, cents: int, allowed: bool) -> None:
        """A child who may order for twenty dollars may not for one cent more."""
        rules = DEFAULT_RULES.allowing(Role.CHILD, "ORDER", up_to=usd(2000))
        assert MayConfirm().check(case(KIM, costing(cents), rules=rules)).allowed is allowed

    def test_says_why_not(self) -> None:
        """The role, and the amount where it is that."""
        assert MayConfirm().check(case(KIM)).reason == "Kim is a child"
        assert MayConfirm().check(case(ALEX, terms(verb="PAY"))).reason == "Alex is an owner"
        rules = DEFAULT_RULES.allowing(Role.ADULT, "ORDER", up_to=usd(2000))
        said = MayConfirm().check(case(SAM, costing(2001), rules=rules)).reason
        assert said == "Sam is an adult and may confirm ORDER up to $20.00, this is $20.01"

    def test_knows_one_verb_from_another(self) -> None:
        """Adults may book and not cancel, though cancelling is free; and nobody a verb that is unknown."""
        rules = DEFAULT_RULES.forbidding(Role.ADULT, "CANCEL")
        assert MayConfirm().check(case(SAM, costing(0, verb="BOOK"), rules=rules)).allowed
        assert not MayConfirm().check(case(SAM, costing(0, verb="CANCEL"), rules=rules)).allowed
        assert not MayConfirm().check(case(ALEX, costing(0, verb="PAY"), rules=rules)).allowed

    def test_does_not_pass_another_currency(self) -> None:
        """Unless the role has no amount of its own: then the spending limit says no."""
        rules = DEFAULT_RULES.allowing(Role.ADULT, "ORDER", up_to=usd(2000))
        assert not MayConfirm().check(case(SAM, costing(1, "EUR"), rules=rules)).allowed
        assert MayConfirm().check(case(SAM, costing(0, "EUR"), rules=rules)).allowed
        assert not SpendingLimit(LIMIT).check(case(ALEX, costing(1, "EUR"))).allowed


class TestSpendingLimit:
    @pytest.mark.parametrize(("limit", "allowed"), [(3690, False), (3691, True), (3692, True), (0, False)])
    def test_is_held_to_the_cent(self, limit: int, allowed: bool) -> None:
        """The limit itself may be spent, one cent more may not."""
        assert SpendingLimit(usd(limit)).check(case()).allowed is allowed

    def test_is_held_against_the_maximum_and_not_the_total(self) -> None:
        """What may be charged at the most counts."""
        assert not SpendingLimit(usd(3691)).check(case(of=terms(maximum=usd(3692)))).allowed

    def test_stays_whatever_a_household_allows(self) -> None:
        """An allowance above it is no allowance."""
        rules = DEFAULT_RULES.allowing(Role.OWNER, "ORDER", up_to=usd(10**9))
        verdicts = evaluate(policies(LIMITS), case(ALEX, costing(50_001), rules=rules))
        assert [verdict.policy for verdict in refusals(verdicts)] == ["spending_limit"]

    def test_does_not_pass_another_currency(self) -> None:
        """A limit in euros says nothing about dollars, so it allows none."""
        assert not SpendingLimit(Money(cents=10**9, currency="EUR")).check(case()).allowed


class TestTwoPeople:
    RULES = DEFAULT_RULES.with_two_people_above(usd(3690))

    @pytest.mark.parametrize(
        ("by", "said", "enough"),
        [
            pytest.param(ALEX, (), False, id="one"),
            pytest.param(ALEX, (ALEX,), False, id="one twice"),
            pytest.param(ALEX, (ALEX, ALEX), False, id="one three times"),
            pytest.param(ALEX, (SAM,), True, id="two"),
            pytest.param(ALEX, (KIM,), False, id="one and a child"),
            pytest.param(KIM, (ALEX,), False, id="a child and one"),
            pytest.param(ALEX, (JO,), False, id="one and somebody who does not live here"),
        ],
    )
    def test_are_counted_by_who_may(self, by: Member, said: Sequence[Member], enough: bool) -> None:
        """Two different members, each of them allowed to by their role as it is now."""
        assert TwoPeople().check(case(by, rules=self.RULES, said=said)).allowed is enough

    def test_are_wanted_above_the_amount_only(self) -> None:
        """To the cent."""
        assert TwoPeople().check(case(of=costing(3690), rules=self.RULES)).allowed
        assert not TwoPeople().check(case(of=costing(3691), rules=self.RULES)).allowed

    def test_are_counted_by_the_role_of_this_moment(self) -> None:
        """Who said yes as an adult and is a child now has not said it."""
        demoted = SAM.model_copy(update={"role": Role.CHILD})
        assert not TwoPeople().check(case(ALEX, rules=self.RULES, members=(ALEX, demoted), said=(SAM,))).allowed

    def test_may_be_the_asker_and_another(self) -> None:
        """Whoever asked may be one of them."""
        rules = self.RULES.with_asker_alone_up_to(usd(0))
        both = case(SAM, rules=rules, asked=(ALEX,), said=(ALEX,))
        assert refusals(evaluate(policies(LIMITS), both)) == ()

    @pytest.mark.parametrize(
        ("by", "said", "reason"),
        [
            (ALEX, (), "2 have to say yes, and Alex did"),
            (ALEX, (SAM,), "2 have to say yes, and Alex and Sam did"),
            (KIM, (), "2 have to say yes, and nobody did"),
        ],
    )
    def test_are_told_who_did(self, by: Member, said: Sequence[Member], reason: str) -> None:
        """The record is read by people, too."""
        assert TwoPeople().check(case(by, rules=self.RULES, said=said)).reason == reason
        assert TwoPeople().check(case()).reason == "1 has to say yes, and Alex did"


class TestNotTheAskerAlone:
    RULES = DEFAULT_RULES.with_asker_alone_up_to(usd(3690))

    @pytest.mark.parametrize(
        ("by", "asked", "said", "enough"),
        [
            pytest.param(ALEX, (ALEX,), (), False, id="who asked"),
            pytest.param(ALEX, (ALEX,), (ALEX,), False, id="who asked, twice"),
            pytest.param(SAM, (ALEX,), (), True, id="somebody else"),
            pytest.param(ALEX, (SAM, ALEX), (), False, id="who changed what another asked for"),
            pytest.param(ALEX, (ALEX, SAM), (SAM,), True, id="both who asked"),
            pytest.param(ALEX, (ALEX,), (KIM,), False, id="who asked, and a child"),
            pytest.param(ALEX, (KIM,), (), True, id="what a child asked for"),
            pytest.param(KIM, (ALEX,), (), False, id="a child, whose yes is none"),
        ],
    )
    def test_wants_somebody_else(self, by: Member, asked: Sequence[Member], said: Sequence[Member], enough: bool) -> None:
        """Instead of whoever asked, or beside them."""
        assert NotTheAskerAlone().check(case(by, rules=self.RULES, asked=asked, said=said)).allowed is enough

    def test_wants_it_above_the_amount_only(self) -> None:
        """To the cent."""
        assert NotTheAskerAlone().check(case(of=costing(3690), rules=self.RULES, asked=(ALEX,))).allowed
        assert not NotTheAskerAlone().check(case(of=costing(3691), rules=self.RULES, asked=(ALEX,))).allowed

    def test_tells_who_asked(self) -> None:
        """Somebody, where they do not live here any more."""
        assert NotTheAskerAlone().check(case(asked=(ALEX, KIM))).reason == "Alex and Kim asked for it"
        assert NotTheAskerAlone().check(case(asked=(JO,))).reason == "Somebody asked for it"


class TestASituation:
    TWO = DEFAULT_RULES.with_two_people_above(usd(3690))
    ASKER = DEFAULT_RULES.with_asker_alone_up_to(usd(3690))

    @pytest.mark.parametrize(("rules", "may"), [(DEFAULT_RULES, False), (TWO, True), (ASKER, True)])
    def test_may_want_another_where_one_yes_is_not_always_enough(self, rules: ConfirmRules, may: bool) -> None:
        """Not for less than the household's amount."""
        assert case(rules=rules).situation.may_want_another(costing(3691)) is may
        assert case(rules=rules).situation.may_want_another(costing(3690)) is False

    def test_keeps_each_yes_once(self) -> None:
        """However often it is said; and whether it was signed."""
        first = case(ALEX, said=(SAM,)).kept()
        assert (first.approved_by, first.signed_by) == ((SAM.id, ALEX.id), ())
        assert Case(terms=terms(), member=ALEX, situation=first).kept() == first
        second = signed_case(signed=True, by=ALEX, said=(SAM,))
        found = second.model_copy(update={"situation": second.situation.model_copy(update={"signed_by": (SAM.id,)})}).kept()
        assert (found.approved_by, found.signed_by) == ((SAM.id, ALEX.id), (SAM.id, ALEX.id))


class TestEvaluate:
    def test_can_be_kept_without_the_names_of_people(self) -> None:
        """What was found stays; the words go."""
        verdicts = evaluate(policies(LIMITS), case(KIM))
        bare = without_reasons(verdicts)
        assert [(each.policy, each.allowed, each.reason) for each in bare] == [(each.policy, each.allowed, "") for each in verdicts]

    def test_asks_every_rule_even_after_a_no(self) -> None:
        """The record shows all of them, in order."""
        verdicts = evaluate(policies(LIMITS.model_copy(update={"once": usd(1)})), case(KIM))
        assert [(verdict.policy, verdict.allowed) for verdict in verdicts] == [
            ("may_confirm", False),
            ("spending_limit", False),
            ("two_people", False),
            ("not_the_asker_alone", True),
            ("signed", True),
            ("daily_limit", True),
            ("household_daily_limit", True),
        ]

    def test_asks_every_rule_that_is_expected(self) -> None:
        """The two lists are one."""
        assert tuple(verdict.policy for verdict in evaluate(policies(LIMITS), case())) == EXPECTED


class TestRefusals:
    @pytest.mark.parametrize("missing", EXPECTED)
    def test_name_a_rule_that_was_not_asked(self, missing: str) -> None:
        """What was left out has allowed nothing, and is no mere want of another."""
        verdicts = tuple(verdict for verdict in evaluate(policies(LIMITS), case()) if verdict.policy != missing)
        refused = refusals(verdicts)
        assert [(verdict.policy, verdict.allowed) for verdict in refused] == [(missing, False)]
        assert not wants_only_another(refused, verdicts)

    def test_are_every_rule_where_none_was_asked(self) -> None:
        """An empty record is no yes."""
        assert tuple(verdict.policy for verdict in refusals(())) == EXPECTED

    def test_want_only_another_where_the_yes_itself_is_good(self) -> None:
        """Not where the member may not, nor where it costs too much."""
        rules = DEFAULT_RULES.with_two_people_above(usd(0)).with_asker_alone_up_to(usd(0))

        def only_another(by: Member, limit: Money) -> bool:
            verdicts = evaluate(policies(LIMITS.model_copy(update={"once": limit})), case(by, rules=rules, asked=(by,)))
            return wants_only_another(refusals(verdicts), verdicts)

        assert (only_another(ALEX, LIMIT), only_another(KIM, LIMIT), only_another(ALEX, usd(1))) == (True, False, False)
        assert not wants_only_another((), (Verdict(policy="two_people", allowed=True, reason=""),))


class TestTheWordsOnACard:
    BIG = costing(48_000)
    TWO = DEFAULT_RULES.with_two_people_above(usd(20_000))
    ASKER = DEFAULT_RULES.with_asker_alone_up_to(usd(0))

    def test_are_one_short_sentence_where_nothing_was_set(self) -> None:
        """They are on every card."""
        assert words() == ("Alex or Sam may confirm.",)
        assert words(members=(ALEX, SAM, KIM, JO)) == ("Alex, Sam or Jo may confirm.",)
        assert words(members=(ALEX, KIM)) == ("Alex may confirm.",)

    def test_name_who_is_left_by_the_amount(self) -> None:
        """Not everybody may for so much."""
        assert words(self.BIG, rules=DEFAULT_RULES.allowing(Role.ADULT, "ORDER", up_to=usd(100))) == ("Alex may confirm.",)

    def test_say_that_two_are_needed_and_which(self) -> None:
        """Of two the two, of more any two."""
        assert words(self.BIG, rules=self.TWO) == ("$480.00 needs two people: Alex and Sam.",)
        three = (ALEX, SAM, KIM, JO)
        assert words(self.BIG, rules=self.TWO, members=three) == ("$480.00 needs two people: any two of Alex, Sam and Jo.",)
        only_alex = ("$480.00 needs two people, but only Alex may confirm.",)
        assert words(self.BIG, rules=self.TWO, members=(ALEX, KIM)) == only_alex
        assert words(self.BIG, rules=self.TWO, members=(ALEX, KIM), said=(ALEX,)) == only_alex

    def test_say_who_has_said_yes_and_who_still_has_to(self) -> None:
        """Once, however often it was said."""
        said = ("$480.00 needs two people.", "Alex has said yes; Sam still has to.")
        assert words(self.BIG, rules=self.TWO, said=(ALEX, ALEX, KIM)) == said
        assert words(self.BIG, rules=self.TWO, said=(SAM,), members=(ALEX, SAM, JO)) == (
            "$480.00 needs two people.",
            "Sam has said yes; Alex or Jo still has to.",
        )

    def test_say_that_who_asked_is_not_enough(self) -> None:
        """By name, because everybody reads the card."""
        assert words(rules=self.ASKER, asked=(ALEX,)) == ("Alex asked for it, so somebody else has to confirm: Sam.",)
        assert words(rules=self.ASKER, asked=(ALEX,), members=(ALEX, KIM)) == (
            "Alex asked for it, so somebody else has to confirm, but only Alex may confirm.",
        )
        assert words(rules=self.ASKER, asked=(KIM,)) == ("Alex or Sam may confirm.",)
        assert words(rules=self.ASKER, asked=(ALEX, SAM)) == ("Alex and Sam asked for it, so two people have to confirm: Alex and Sam.",)
        assert words(rules=self.ASKER, asked=(ALEX,), said=(ALEX,)) == (
            "Alex asked for it, so somebody else has to confirm.",
            "Alex has said yes; Sam still has to.",
        )

    def test_say_that_nobody_may(self) -> None:
        """And why, where it is the amount."""
        assert words(costing(50_001)) == ("Nobody may confirm this: the limit is $500.00.",)
        assert words(terms(verb="PAY")) == ("Nobody here may confirm this.",)


def signed_case(*, signed: bool, **given: Any) -> Case:
    found = case(rules=DEFAULT_RULES.with_signed_above(usd(0)), **given)
    signature = Signature(jws="x", nonce="0" * 64, device_id="dev", key_thumbprint="t", expires_at=NOON)
    return found.model_copy(update={"signature": signature if signed else None})


class TestSigned:
    def test_wants_it_where_the_household_does(self) -> None:
        assert Signed().check(signed_case(signed=True)).allowed
        assert not Signed().check(signed_case(signed=False)).allowed
        assert Signed().check(case()).allowed

    def test_does_not_count_a_kept_yes_that_was_not(self) -> None:
        """What was said before the household wanted signatures has to be said once more."""
        found = signed_case(signed=True, said=[SAM])
        assert found.approvers() == (ALEX,)
        signed = found.situation.model_copy(update={"signed_by": (SAM.id,)})
        assert found.model_copy(update={"situation": signed}).approvers() == (ALEX, SAM)

    def test_is_said_on_the_card(self) -> None:
        said = ("Alex or Sam may confirm.", "The yes has to be signed by a device.")
        assert words(rules=DEFAULT_RULES.with_signed_above(usd(0))) == said

    def test_says_what_it_found(self) -> None:
        found = [Signed().check(each).reason for each in (signed_case(signed=True), signed_case(signed=False), case())]
        assert found == ["it is signed", "it has to be signed", "it need not be signed"]

    def test_is_told_after_what_a_signature_would_not_change(self) -> None:
        refused = refusals(evaluate(policies(LIMITS), signed_case(signed=False, by=KIM)))
        assert not wants_signature(refused)
        assert decisive(refused).policy == "may_confirm"
        assert wants_signature(refusals(evaluate(policies(LIMITS), signed_case(signed=False))))
        strict = LIMITS.model_copy(update={"member_a_day": usd(0)})
        assert decisive(refusals(evaluate(policies(strict), signed_case(signed=False)))).policy == "daily_limit"

    def test_is_wanted_beside_another_yes(self) -> None:
        """It would not be enough, but it would be kept; where only another is missing, a signature changes nothing."""
        rules = DEFAULT_RULES.with_two_people_above(usd(0)).with_asker_alone_up_to(usd(0))
        found = case(asked=(ALEX,), rules=rules.with_signed_above(usd(0)))
        refused = refusals(evaluate(policies(LIMITS), found))
        assert [verdict.policy for verdict in refused] == ["two_people", "not_the_asker_alone", "signed"]
        assert wants_signature(refused)
        assert decisive(refused) == refused[0]
        assert not wants_signature(refusals(evaluate(policies(LIMITS), case(asked=(ALEX,), rules=rules))))
        assert not wants_signature(())
        strict = LIMITS.model_copy(update={"member_a_day": usd(0)})
        assert decisive(refusals(evaluate(policies(strict), found))).policy == "daily_limit"


class TestALimitOfADay:
    @pytest.mark.parametrize(("spent", "allowed"), [(0, True), (900, True), (901, False)])
    def test_is_held_to_the_cent(self, spent: int, allowed: bool) -> None:
        found = case(of=costing(100))
        situation = found.situation.model_copy(update={"spent": Spent(by_member={ALEX.id: spent})})
        of_them = found.model_copy(update={"situation": situation})
        assert DailyLimit(usd(1000)).check(of_them).allowed is allowed
        assert HouseholdDailyLimit(usd(1000)).check(of_them).allowed is allowed
        other = of_them.model_copy(update={"member": SAM})
        assert DailyLimit(usd(1000)).check(other).allowed
        assert HouseholdDailyLimit(usd(1000)).check(other).allowed is allowed

    def test_may_be_used_up_at_once(self) -> None:
        """By whoever has spent nothing yet."""
        assert DailyLimit(usd(100)).check(case(of=costing(100))).allowed
        assert not DailyLimit(usd(100)).check(case(of=costing(101))).allowed

    def test_of_a_household_is_for_all_of_them_together(self) -> None:
        found = case(of=costing(1, "EUR"))
        spent = found.situation.model_copy(update={"spent": Spent(by_member={ALEX.id: 400, SAM.id: 500})})
        of_them = found.model_copy(update={"situation": spent})
        limit = Money(cents=901, currency="EUR")
        assert HouseholdDailyLimit(limit).check(of_them).allowed
        assert not HouseholdDailyLimit(limit - Money(cents=1, currency="EUR")).check(of_them).allowed
        said = HouseholdDailyLimit(limit).check(of_them).reason
        assert said == "the household may confirm €9.01 in 24 hours, €9.00 of it is used, and this is €0.01"

    def test_is_not_in_the_way_of_what_costs_nothing(self) -> None:
        found = case(of=costing(0))
        full = found.situation.model_copy(update={"spent": Spent(by_member={ALEX.id: 10**9})})
        assert DailyLimit(usd(0)).check(found.model_copy(update={"situation": full})).allowed

    def test_allows_nothing_in_another_currency(self) -> None:
        assert not DailyLimit(usd(1000)).check(case(of=costing(1, "EUR"))).allowed
