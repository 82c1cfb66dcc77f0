"""Who may confirm what."""

from __future__ import annotations

import pytest

from halo_engine.model.household import Role
from halo_engine.model.money import Money
from halo_engine.model.policy import MayConfirm, SpendingLimit, evaluate
from tests.halo_engine.model.samples import member, terms, usd


class TestMayConfirm:
    @pytest.mark.parametrize(("role", "allowed"), [(Role.OWNER, True), (Role.ADULT, True), (Role.CHILD, False), (Role.GUEST, False)])
    def test_lets_the_grown_members(self, role: Role, allowed: bool) -> None:
        """Owners and adults confirm; children and guests ask. Every role there is has its answer here."""
        verdict = MayConfirm().check(terms(), member(role))
        assert (verdict.allowed, verdict.reason) == (allowed, f"Sam is a {role.value}")


class TestSpendingLimit:
    @pytest.mark.parametrize(("limit", "allowed"), [(3690, False), (3691, True), (3692, True), (0, False)])
    def test_is_held_to_the_cent(self, limit: int, allowed: bool) -> None:
        """The limit itself may be spent, one cent more may not."""
        assert SpendingLimit(usd(limit)).check(terms(), member()).allowed is allowed

    def test_is_held_against_the_maximum_and_not_the_total(self) -> None:
        """What may be charged at the most counts."""
        assert not SpendingLimit(usd(3691)).check(terms(maximum=usd(3692)), member()).allowed

    def test_does_not_pass_another_currency(self) -> None:
        """A limit in euros says nothing about dollars, so it allows none."""
        assert not SpendingLimit(Money(cents=10**9, currency="EUR")).check(terms(), member()).allowed


class TestEvaluate:
    def test_asks_every_rule_even_after_a_no(self) -> None:
        """The record shows all of them, in order."""
        verdicts = evaluate((MayConfirm(), SpendingLimit(usd(1))), terms(), member(Role.CHILD))
        assert [(verdict.policy, verdict.allowed) for verdict in verdicts] == [("may_confirm", False), ("spending_limit", False)]
