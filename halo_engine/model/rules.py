"""Who may say yes to what in a household: what its owner has set, as one frozen value.

Stored whole and changed whole, never in parts, and every field has to be there: a rule that was left out must not read as a rule that allows.
A role that is not listed for a verb may not confirm it. What costs nothing counts as zero, so that "may book but not cancel" can be said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import StringConstraints, model_validator

from halo_engine.model.household import Role
from halo_engine.model.money import Money
from halo_engine.model.value import Value

#: The verbs that a household starts with; a test keeps them equal to the verbs there are. A later one is nobody's until an owner allows it.
VERBS = ("ORDER", "REORDER", "CANCEL", "BOOK")

VerbName = Annotated[str, StringConstraints(pattern=r"^[A-Z_]{1,40}$")]


def is_within(amount: Money, limit: Money) -> bool:
    """Whether `amount` is no more than `limit`. A limit in one currency allows nothing in another: what a dollar is worth is not Halo's to decide."""
    return amount.cents == 0 or (amount.currency == limit.currency and amount <= limit)


class Allowance(Value):
    """A role may confirm a verb up to an amount; without one, as far as the spending limit of the installation goes."""

    role: Role
    verb: VerbName
    up_to: Money | None


class ConfirmRules(Value):
    """What a household has agreed on. The spending limit of the installation stays above all of it."""

    allowances: tuple[Allowance, ...]
    #: Above this, two different members have to say yes to the very same terms. None: one is always enough.
    two_people_above: Money | None
    #: Up to this, whoever asked may confirm it alone; above it somebody else has to say yes, too. None: whoever asked is like anybody else.
    asker_alone_up_to: Money | None
    #: Above this, a yes has to be signed with the key of a device (`model.signing`). Zero: always, also to what costs nothing. None: never.
    signed_above: Money | None

    @model_validator(mode="after")
    def _is_clear(self) -> Self:
        if len({(each.role, each.verb) for each in self.allowances}) != len(self.allowances):
            raise ValueError("a role has two allowances for one verb")
        amounts = (self.two_people_above, self.asker_alone_up_to, self.signed_above, *(each.up_to for each in self.allowances))
        if any(amount is not None and amount.cents < 0 for amount in amounts):
            raise ValueError("an amount is below zero")
        return self

    def allowance(self, role: Role, verb: str) -> Allowance | None:
        """How far `role` may confirm `verb`; None where it may not at all."""
        return next((each for each in self.allowances if (each.role, each.verb) == (role, verb)), None)

    def people_needed(self, amount: Money) -> int:
        """How many different members have to say yes to `amount`."""
        return 1 if self.two_people_above is None or is_within(amount, self.two_people_above) else 2

    def asker_may_alone(self, amount: Money) -> bool:
        """Whether the yes of whoever asked is enough."""
        return self.asker_alone_up_to is None or is_within(amount, self.asker_alone_up_to)

    def must_be_signed(self, amount: Money) -> bool:
        """Whether a yes to `amount` has to be signed."""
        return self.signed_above is not None and (self.signed_above.cents == 0 or not is_within(amount, self.signed_above))

    def allowing(self, role: Role, verb: str, *, up_to: Money | None) -> ConfirmRules:
        """These rules, where `role` may confirm `verb` up to that amount."""
        others = self.forbidding(role, verb).allowances
        return self._with(allowances=(*others, Allowance(role=role, verb=verb, up_to=up_to)))

    def forbidding(self, role: Role, verb: str) -> ConfirmRules:
        """These rules, where `role` may not confirm `verb`."""
        return self._with(allowances=tuple(each for each in self.allowances if (each.role, each.verb) != (role, verb)))

    def with_two_people_above(self, amount: Money | None) -> ConfirmRules:
        return self._with(two_people_above=amount)

    def with_asker_alone_up_to(self, amount: Money | None) -> ConfirmRules:
        return self._with(asker_alone_up_to=amount)

    def with_signed_above(self, amount: Money | None) -> ConfirmRules:
        return self._with(signed_above=amount)

    def _with(self, **changed: object) -> ConfirmRules:
        """Checked like any other: a copy would not be."""
        return ConfirmRules.model_validate({**dict(self), **changed})


#: The names in rules that were written before a yes could be signed.
_BEFORE_SIGNATURES = {"allowances", "two_people_above", "asker_alone_up_to"}


def rules_kept(fields: Any) -> ConfirmRules:
    """Rules as they were kept, in the books or in the log. Raises `ValueError` for what are none.

    Rules of exactly the three names there were before signatures say nothing of them because nobody could sign; in any others a name that is
    missing is an error.
    """
    is_of_old = isinstance(fields, Mapping) and fields.keys() == _BEFORE_SIGNATURES
    return ConfirmRules.model_validate({**fields, "signed_above": None} if is_of_old else fields)


#: Of a household that has set nothing: the grown members confirm everything, and one yes is enough.
DEFAULT_RULES = ConfirmRules(
    allowances=tuple(Allowance(role=role, verb=verb, up_to=None) for role in (Role.OWNER, Role.ADULT) for verb in VERBS),
    two_people_above=None,
    asker_alone_up_to=None,
    signed_above=None,
)
