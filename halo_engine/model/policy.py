"""Who may confirm what. Small rules with one `check`, composed; every rule that was evaluated is recorded with the confirmation.

The confirm transaction alone decides by them. The sentences of `approval_words`, which stand on cards, ask the very same rules about every member,
so that what a card promises is what a yes does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

from halo_engine.model.draft import Terms
from halo_engine.model.household import Member
from halo_engine.model.money import Money
from halo_engine.model.rules import ConfirmRules, is_within
from halo_engine.model.signing import Signature
from halo_engine.model.value import Value


class Verdict(Value):
    """What one rule found. `reason` is for the person when it was not allowed."""

    policy: str
    allowed: bool
    reason: str


def without_reasons(verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """What was found, without the words, in which people are named."""
    return tuple(verdict.model_copy(update={"reason": ""}) for verdict in verdicts)


class Spent(Value):
    """What the yeses of the last 24 hours may cost, or have cost where that is known; not those that ended without an effect."""

    by_member: dict[str, int]

    @property
    def by_household(self) -> int:
        return sum(self.by_member.values())


NOTHING_SPENT = Spent(by_member={})


class Limits(Value):
    """The installation's own, above whatever a household has set: of one yes, and of all in 24 hours."""

    once: Money
    member_a_day: Money
    household_a_day: Money


class Situation(Value):
    """What a yes to a draft meets at that moment: the rules, the people, who asked, and who has said yes to the very same hash before.

    Whoever changed a draft has asked for what it is now, so `asked_by` names them, too. People are named by their id.
    """

    rules: ConfirmRules
    members: tuple[Member, ...]
    asked_by: tuple[str, ...]
    approved_by: tuple[str, ...] = ()
    #: Of those, whose yes was signed.
    signed_by: tuple[str, ...] = ()
    #: Nothing where only the card is drawn: it changes by the minute, and the confirm transaction alone decides by it.
    spent: Spent = NOTHING_SPENT

    def may_want_another(self, terms: Terms) -> bool:
        """Whether there are members whose yes to `terms` alone would not be enough."""
        return self.rules.people_needed(terms.maximum) > 1 or not self.rules.asker_may_alone(terms.maximum)

    def counting(self, terms: Terms) -> tuple[str, ...]:
        """Whose kept yes counts: where it has to be signed, one from before the household wanted that is none any more."""
        must_be_signed = self.rules.must_be_signed(terms.maximum)
        return tuple(each for each in self.approved_by if not must_be_signed or each in self.signed_by)


class Case(Value):
    """One member's yes to these terms, in that situation; `signature` is the one it came with, already found to be good."""

    terms: Terms
    member: Member
    situation: Situation
    signature: Signature | None = None

    def approvers(self) -> tuple[Member, ...]:
        """Who has said yes, this one included, and may say it now: once each, however often they did, and nobody who may not any more."""
        said = {*self.situation.counting(self.terms), self.member.id}
        return tuple(each for each in self.situation.members if each.id in said and _refused_by_role(self, each) is None)

    def kept(self) -> Situation:
        """The situation after this yes was kept."""
        said, signed = self.situation.approved_by, self.situation.signed_by
        more = {"approved_by": tuple(dict.fromkeys((*said, self.member.id)))}
        return self.situation.model_copy(update=more | ({"signed_by": (*signed, self.member.id)} if self.signature else {}))


class Policy(Protocol):
    """One rule."""

    name: ClassVar[str]

    def check(self, case: Case) -> Verdict: ...


class MayConfirm:
    """A member confirms what the household lets their role confirm, and no more of it."""

    name: ClassVar[str] = "may_confirm"

    def check(self, case: Case) -> Verdict:
        refused = _refused_by_role(case, case.member)
        return Verdict(policy=self.name, allowed=refused is None, reason=refused or _role_of(case.member))


class SpendingLimit:
    """No single confirmation may allow more than the installation's limit, whatever a household has set."""

    name: ClassVar[str] = "spending_limit"

    def __init__(self, limit: Money) -> None:
        self._limit = limit

    def check(self, case: Case) -> Verdict:
        most = case.terms.maximum
        reason = f"the limit is {self._limit.display}, this is {most.display}"
        return Verdict(policy=self.name, allowed=is_within(most, self._limit), reason=reason)


class TwoPeople:
    """Above the household's amount, two different members have to say yes to the very same hash."""

    name: ClassVar[str] = "two_people"

    def check(self, case: Case) -> Verdict:
        needed = case.situation.rules.people_needed(case.terms.maximum)
        said = [each.display_name for each in case.approvers()]
        reason = f"{needed} {'has' if needed == 1 else 'have'} to say yes, and {_listed(said, 'and') or 'nobody'} did"
        return Verdict(policy=self.name, allowed=len(said) >= needed, reason=reason)


class NotTheAskerAlone:
    """Above the household's amount, the yes of whoever asked is not enough: somebody else's is needed, instead of theirs or beside it.

    Two different people are enough in any case, so that a draft which one member asked for and the only other one changed can still be confirmed.
    """

    name: ClassVar[str] = "not_the_asker_alone"

    def check(self, case: Case) -> Verdict:
        approvers, asked_by = case.approvers(), case.situation.asked_by
        somebody_else = len(approvers) > 1 or any(each.id not in asked_by for each in approvers)
        allowed = somebody_else or case.situation.rules.asker_may_alone(case.terms.maximum)
        return Verdict(policy=self.name, allowed=allowed, reason=f"{_askers(case.situation)} asked for it")


class Signed:
    """Above the household's amount, a yes counts only with the signature of a device of whoever says it."""

    name: ClassVar[str] = "signed"

    def check(self, case: Case) -> Verdict:
        asked = case.situation.rules.must_be_signed(case.terms.maximum)
        reason = "it is signed" if case.signature else "it has to be signed" if asked else "it need not be signed"
        return Verdict(policy=self.name, allowed=case.signature is not None or not asked, reason=reason)


class DailyLimit:
    """What one member confirms in 24 hours stays within the installation's limit: a slip repeated, or a stolen device, ends there."""

    name: ClassVar[str] = "daily_limit"

    def __init__(self, limit: Money) -> None:
        self._limit = limit

    def check(self, case: Case) -> Verdict:
        spent = case.situation.spent.by_member.get(case.member.id, 0)
        return _within_a_day(self.name, f"{case.member.display_name} may confirm", spent, case.terms.maximum, self._limit)


class HouseholdDailyLimit:
    """As `DailyLimit`, for everybody of the household together."""

    name: ClassVar[str] = "household_daily_limit"

    def __init__(self, limit: Money) -> None:
        self._limit = limit

    def check(self, case: Case) -> Verdict:
        return _within_a_day(self.name, "the household may confirm", case.situation.spent.by_household, case.terms.maximum, self._limit)


def _within_a_day(policy: str, who_may: str, spent_cents: int, most: Money, limit: Money) -> Verdict:
    # What costs nothing is never in the way, and the limit of one yes has refused other currencies.
    allowed = most.cents == 0 or (most.currency == limit.currency and spent_cents + most.cents <= limit.cents)
    spent = Money(cents=spent_cents, currency=limit.currency)
    reason = f"{who_may} {limit.display} in 24 hours, {spent.display} of it is used, and this is {most.display}"
    return Verdict(policy=policy, allowed=allowed, reason=reason)


#: Of these every verdict is expected: one that is missing is a no, because a rule that was not asked has not allowed anything.
EXPECTED = (
    MayConfirm.name,
    SpendingLimit.name,
    TwoPeople.name,
    NotTheAskerAlone.name,
    Signed.name,
    DailyLimit.name,
    HouseholdDailyLimit.name,
)

#: A no of these is not about the member: their yes is good, and another one is needed beside it.
_WANTS_ANOTHER = {TwoPeople.name, NotTheAskerAlone.name}


def policies(limits: Limits) -> tuple[Policy, ...]:
    """Every rule there is, with the installation's limits."""
    lasting = _lasting(limits.once)
    return (*lasting, Signed(), DailyLimit(limits.member_a_day), HouseholdDailyLimit(limits.household_a_day))


def _lasting(limit: Money) -> tuple[Policy, ...]:
    """Those that are about people and terms, and so the same for as long as a card is looked at."""
    return (MayConfirm(), SpendingLimit(limit), TwoPeople(), NotTheAskerAlone())


def evaluate(rules: tuple[Policy, ...], case: Case) -> tuple[Verdict, ...]:
    """Every rule's verdict, also after one has said no: the record shows them all."""
    return tuple(rule.check(case) for rule in rules)


def refusals(verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """Every no, in order; a rule that was not asked says no, too."""
    asked = {verdict.policy for verdict in verdicts}
    missing = (Verdict(policy=name, allowed=False, reason=f"the rule {name} was not asked") for name in EXPECTED if name not in asked)
    return (*(verdict for verdict in verdicts if not verdict.allowed), *missing)


def wants_only_another(refused: Sequence[Verdict], verdicts: Sequence[Verdict]) -> bool:
    """Whether all that is missing is somebody else's yes."""
    return bool(refused) and all(verdict in verdicts and verdict.policy in _WANTS_ANOTHER for verdict in refused)


def wants_signature(refused: Sequence[Verdict]) -> bool:
    """Whether the yes would count, or be kept, if it were signed."""
    names = {verdict.policy for verdict in refused}
    return Signed.name in names and names <= {Signed.name, *_WANTS_ANOTHER}


def decisive(refused: Sequence[Verdict]) -> Verdict:
    """The no that a person is told: one that nobody else's yes can change, where there is one."""
    return next((verdict for verdict in refused if verdict.policy not in {Signed.name, *_WANTS_ANOTHER}), refused[0])


def _refused_by_role(case: Case, member: Member) -> str | None:
    """Why `member`'s role may not confirm these terms; None where it may."""
    verb, most = case.terms.verb, case.terms.maximum
    allowance = case.situation.rules.allowance(member.role, verb)
    if allowance is None:
        return _role_of(member)
    if allowance.up_to is None or is_within(most, allowance.up_to):
        return None
    return f"{_role_of(member)} and may confirm {verb} up to {allowance.up_to.display}, this is {most.display}"


def _role_of(member: Member) -> str:
    role = member.role.value
    return f"{member.display_name} is {'an' if role[0] in 'ao' else 'a'} {role}"


def approval_words(terms: Terms, situation: Situation, limit: Money) -> tuple[str, ...]:
    """Who may say yes, for the card: in the ordinary case one short sentence. Everybody sees a card, so people are called by their names."""
    words = _who_may(terms, situation, limit)
    return (*words, "The yes has to be signed by a device.") if situation.rules.must_be_signed(terms.maximum) else words


class Whose(Value):
    """Whose yes counts as things stand, and whose of them is enough: with what was said before, or alone."""

    may: tuple[Member, ...]
    enough: tuple[Member, ...]


def whose_yes(terms: Terms, situation: Situation, limit: Money) -> Whose:
    """Who may confirm `terms`, by the very rules that the confirm transaction asks."""
    rules = _lasting(limit)
    refused = {each: _noes(evaluate(rules, Case(terms=terms, member=each, situation=situation))) for each in situation.members}
    may = tuple(each for each in situation.members if all(verdict.policy in _WANTS_ANOTHER for verdict in refused[each]))
    return Whose(may=may, enough=tuple(each for each in may if not refused[each]))


def _who_may(terms: Terms, situation: Situation, limit: Money) -> tuple[str, ...]:
    whose = whose_yes(terms, situation, limit)
    may, enough = whose.may, whose.enough
    if not may:
        over = not is_within(terms.maximum, limit)
        return (f"Nobody may confirm this: the limit is {limit.display}." if over else "Nobody here may confirm this.",)
    if enough == may:
        return (f"{_either(may)} may confirm.",)
    said = [each for each in may if each.id in situation.counting(terms)]
    left = [each for each in enough if each not in said]
    why = _why_another(terms, situation, may)
    if said and left:
        # One has: where two have, every yes is enough.
        return (f"{why}.", f"{_both(said)} has said yes; {_either(left)} still has to.")
    return (f"{why}{_of_whom(may, enough)}.",)


def _noes(verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    return tuple(verdict for verdict in verdicts if not verdict.allowed)


def _why_another(terms: Terms, situation: Situation, may: Sequence[Member]) -> str:
    if situation.rules.people_needed(terms.maximum) > 1:
        return f"{terms.maximum.display} needs two people"
    nobody_else = len(may) > 1 and all(each.id in situation.asked_by for each in may)
    return f"{_askers(situation)} asked for it, so {'two people have' if nobody_else else 'somebody else has'} to confirm"


def _of_whom(may: Sequence[Member], enough: Sequence[Member]) -> str:
    """Whose yes is wanted: one of `enough`, else any two who may."""
    if enough:
        return f": {_either(enough)}"
    if len(may) == 1:
        return f", but only {_both(may)} may confirm"
    return f": {_both(may)}" if len(may) == 2 else f": any two of {_both(may)}"


def _askers(situation: Situation) -> str:
    return _both([each for each in situation.members if each.id in situation.asked_by]) or "Somebody"


def _either(members: Sequence[Member]) -> str:
    return _listed([each.display_name for each in members], "or")


def _both(members: Sequence[Member]) -> str:
    return _listed([each.display_name for each in members], "and")


def _listed(names: Sequence[str], joined_by: str) -> str:
    """`Alex, Sam or Jo`."""
    *others, last = names or [""]
    return f"{', '.join(others)} {joined_by} {last}" if others else last
