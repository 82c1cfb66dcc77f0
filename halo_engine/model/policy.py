"""Who may confirm what. Small rules with one `check`, composed; every rule that was evaluated is recorded with the confirmation."""

from __future__ import annotations

from typing import Protocol

from halo_engine.model.draft import Terms
from halo_engine.model.household import Member, Role
from halo_engine.model.money import Money
from halo_engine.model.value import Value


class Verdict(Value):
    """What one rule found. `reason` is for the person when it was not allowed."""

    policy: str
    allowed: bool
    reason: str


class Policy(Protocol):
    """One rule."""

    def check(self, terms: Terms, member: Member) -> Verdict: ...


class MayConfirm:
    """Only grown members confirm."""

    def check(self, terms: Terms, member: Member) -> Verdict:
        allowed = member.role in (Role.OWNER, Role.ADULT)
        return Verdict(policy="may_confirm", allowed=allowed, reason=f"{member.display_name} is a {member.role.value}")


class SpendingLimit:
    """No single confirmation may allow more than the household's limit."""

    def __init__(self, limit: Money) -> None:
        self._limit = limit

    def check(self, terms: Terms, member: Member) -> Verdict:
        # A limit in one currency allows nothing in another: what a dollar is worth is not Halo's to decide.
        free = terms.maximum.cents == 0
        allowed = free or (terms.maximum.currency == self._limit.currency and terms.maximum <= self._limit)
        return Verdict(
            policy="spending_limit", allowed=allowed, reason=f"the limit is {self._limit.display}, this is {terms.maximum.display}"
        )


def evaluate(policies: tuple[Policy, ...], terms: Terms, member: Member) -> tuple[Verdict, ...]:
    """Every rule's verdict, also after one has said no: the record shows them all."""
    return tuple(policy.check(terms, member) for policy in policies)
