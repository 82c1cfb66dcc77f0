"""A household that sets its own rules of who may confirm, and what its books tell of it."""

from __future__ import annotations

import json
from collections.abc import Callable

from halo_engine.model.card import Card
from halo_engine.model.errors import (
    HaloError,
)
from halo_engine.model.event import Event
from halo_engine.model.money import Money
from halo_engine.model.rules import ConfirmRules
from tests.halo_engine.store.raw import count, log_of, rows
from tests.installation import Installation

#: What the batteries cost.
COST = 4995


def rule(home: Installation, change: Callable[[ConfirmRules], ConfirmRules]) -> ConfirmRules:
    return home.engine.membership.change_rules(change, by=None)


def two_people(home: Installation, above: int = COST - 1) -> None:
    rule(home, lambda rules: rules.with_two_people_above(Money(cents=above)))


def not_the_asker(home: Installation, up_to: int = COST - 1) -> None:
    rule(home, lambda rules: rules.with_asker_alone_up_to(Money(cents=up_to)))


def batteries(home: Installation, member: str = "Kim") -> Card:
    return home.ask("order 2 packs of AA batteries", member=member)


def stands(home: Installation, card: Card) -> Card:
    with home.queries() as queries:
        return queries.card(str(card.draft_id))


def people(home: Installation) -> list[str]:
    """The members' ids: Alex, Sam, Kim."""
    with home.queries() as queries:
        return [member.id for member in queries.members()]


def rules_of(home: Installation) -> ConfirmRules:
    with home.queries() as queries:
        return queries.rules()


def log(home: Installation) -> tuple[Event, ...]:
    return log_of(home.engine._store, home.engine._home_id)


def found_by_the_rules(home: Installation, event: Event) -> list[tuple[str, bool, str]]:
    """What each rule found, and why: the reasons lie in the opening of what the event commits to."""
    statement = "SELECT value_json FROM event_opening WHERE event_id = :id AND field = 'reasons'"
    (opening,) = rows(home.engine._store, statement, id=event.id)
    reasons = json.loads(opening["value_json"])
    return [(each["policy"], each["allowed"], reason) for each, reason in zip(event.payload["verdicts"], reasons, strict=True)]


def of_drafts(home: Installation) -> list[str]:
    return [event.event_type for event in log(home) if event.entity_type == "draft"]


def executions(home: Installation) -> int:
    return count(home.engine._store, "execution")


def refused(home: Installation, card: Card, member: str) -> type[HaloError] | None:
    """How `member`'s yes was refused, None where it was not."""
    try:
        home.confirm(card, member=member)
    except HaloError as error:
        return type(error)
    return None
