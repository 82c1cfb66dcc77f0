"""A household's own rules: who may set them, and what stands where they cannot be read."""

from __future__ import annotations

from functools import partial

import pytest

from halo_engine.model.errors import (
    Conflict,
    HaloError,
    NotAuthorised,
    StoreDamaged,
)
from halo_engine.model.household import Role
from halo_engine.model.money import Money
from halo_engine.model.rules import ConfirmRules
from tests.halo_engine.stages.ruling import batteries, executions, log, people, refused, rule, rules_of, stands
from tests.halo_engine.store.raw import sql
from tests.installation import Installation


class TestRulesThatCannotBeRead:
    @pytest.mark.parametrize(
        "text",
        [
            *("", "null", "{}", "[]", "nonsense", "NaN", '{"allowances": []}', "[" * 100_000),
            '{"allowances": [], "two_people_above": null, "asker_alone_up_to": null, "more": 1}',
            '{"allowances": [], "two_people_above": {"cents": 1.5}, "asker_alone_up_to": null}',
            '{"allowances": [], "two_people_above": {"cents": -1}, "asker_alone_up_to": null}',
            '{"allowances": [], "two_people_above": {"cents": 1}, "two_people_above": null, "asker_alone_up_to": null}',
            '{"allowances": [{"role": "king", "verb": "ORDER", "up_to": null}], "two_people_above": null, "asker_alone_up_to": null}',
        ],
    )
    def test_let_nobody_confirm(self, home: Installation, text: str) -> None:
        """A rule that is damaged, left out or said twice is no rule that allows; nothing is written, and the card says so, too."""
        card = batteries(home)
        before = len(log(home))
        sql(home.engine._store, "UPDATE preference SET confirm_rules_json = :text", text=text)
        for act in (
            partial(home.confirm, card, member="Alex"),
            partial(stands, home, card),
            partial(rule, home, lambda rules: rules),
            partial(rules_of, home),
        ):
            with pytest.raises(StoreDamaged, match="Who may confirm what cannot be read"):
                act()
        assert (executions(home), len(log(home))) == (0, before)


class TestAnOwner:
    def test_changes_the_rules_and_the_log_tells(self, anywhere: Installation) -> None:
        """The whole of what stands from then on, and who did it; nothing where nothing changed."""
        rules = rule(anywhere, lambda rules: rules.with_two_people_above(Money(cents=1)))
        assert rule(anywhere, lambda _: rules) == rules
        assert rules_of(anywhere) == rules
        changes = [event for event in log(anywhere) if event.event_type == "household.rules_changed"]
        assert [(event.user_id, ConfirmRules.model_validate(event.payload["rules"])) for event in changes] == [(people(anywhere)[0], rules)]
        assert anywhere.verify().ok

    @pytest.mark.parametrize("who", ["Sam", "Kim"])
    def test_is_who_changes_anything(self, home: Installation, who: str) -> None:
        """Nobody else, not even themselves."""
        before = len(log(home))
        for act in (
            partial(home.engine.membership.change_rules, lambda rules: rules.with_two_people_above(Money(cents=1)), by=who),
            partial(home.engine.membership.change_role, who, Role.OWNER, by=who),
            partial(home.engine.membership.add, "Mallory", Role.OWNER, by=who),
        ):
            with pytest.raises(NotAuthorised, match="Only an owner"):
                act()
        assert len(log(home)) == before

    def test_is_never_the_last_to_go(self, home: Installation) -> None:
        """A household without an owner could never change its rules again."""
        membership = home.engine.membership
        with pytest.raises(Conflict, match="Alex is the only owner"):
            membership.change_role("Alex", Role.ADULT, by="Alex")
        membership.change_role("Sam", Role.OWNER, by="Alex")
        assert membership.change_role("Alex", Role.GUEST, by="Alex").role is Role.GUEST
        with pytest.raises(NotAuthorised):
            membership.change_role("Alex", Role.OWNER, by="Alex")

    def test_takes_somebody_in(self, anywhere: Installation) -> None:
        """Who is then a member like the others; the log has their role and not their name."""
        added = anywhere.engine.membership.add(" Jo ", Role.GUEST, by="alex")
        with anywhere.queries() as queries:
            assert queries.members()[-1] == added
        assert added.display_name == "Jo"
        assert log(anywhere)[-1].payload == {"role": "guest"}
        assert refused(anywhere, batteries(anywhere), "Jo") is NotAuthorised
        with pytest.raises(Conflict, match="JO lives here already"):
            anywhere.engine.membership.add("JO", Role.ADULT, by=None)

    @pytest.mark.parametrize("name", ["", "  ", "x" * 101, "A\nB", "\x1b[31m", "usr_01kjta8tm0e9pvhs8gc5sh4kst"])
    def test_takes_no_name_that_is_none(self, home: Installation, name: str) -> None:
        """Nor one that could be taken for somebody's id."""
        with pytest.raises(HaloError, match="A name has"):
            home.engine.membership.add(name, Role.ADULT, by=None)
