"""A day told again: the very cards that were shown, to the byte, from the log and what it commits to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from halo_engine.audit import Audit, Replayed
from halo_engine.clock import FakeClock
from halo_engine.model.canonical import canonical_json
from halo_engine.model.card import Card, CardKind
from halo_engine.model.errors import NeedsAnother, StoreDamaged
from halo_engine.model.execution import Execution
from halo_engine.model.household import Role
from halo_engine.model.money import Money
from halo_engine.store.auditing.rebuilt import Rebuilt
from tests.halo_engine.store.raw import sql, without_triggers
from tests.installation import NOON, Installation


class Day:
    """A household whose cards are kept as they are shown. Time passes between what people do, so that each card has its own moment."""

    def __init__(self, home: Installation) -> None:
        self.home = home
        self.shown: list[tuple[str, bytes]] = []

    def ask(self, text: str, *, member: str | None = None, answers: str | None = None) -> Card:
        self.home.later(seconds=7)
        return self._keep(self.home.ask(text, member=member, answers=answers))

    def modify(self, card: Card, text: str) -> Card:
        self.home.later(seconds=7)
        return self._keep(self.home.engine.modify(card.draft_id or "", text, member=None))

    def cancel(self, card: Card) -> Card:
        self.home.later(seconds=7)
        return self._keep(self.home.engine.cancel(card.draft_id or "", member=None))

    def approve(self, card: Card, member: str) -> None:
        self.home.later(seconds=7)
        with suppress(NeedsAnother):
            self.home.confirm(card, member=member)
        self.look(card.draft_id or "")

    def carry_out(self, card: Card, *, member: str | None = None) -> Execution:
        self.home.later(seconds=7)
        execution = self.home.carry_out(card, member=member, wait_s=4000)
        self.look(execution.id)
        return execution

    def look(self, of: str) -> None:
        with self.home.queries() as queries:
            self._keep(queries.card(of))

    def _keep(self, card: Card) -> Card:
        of = card.execution_id or (card.draft_id if card.kind in _OF_DRAFTS else None) or card.request_id
        self.shown.append((str(of), written(card)))
        return card

    def again(self) -> Replayed:
        with Audit.open(self.home.settings, clock=self.home.clock) as audit:
            return audit.replay(NOON - timedelta(days=1), NOON + timedelta(days=400))


def written(card: Card) -> bytes:
    """Every byte of it, and of what a press of its options would mean."""
    return canonical_json(card.model_dump(mode="json"))


_OF_DRAFTS = {CardKind.DRAFT, CardKind.TERMS_CHANGED, CardKind.CANCELLED, CardKind.EXPIRED}


@pytest.fixture
def day(database_url: str | None, tmp_path: Path, clock: FakeClock) -> Iterator[Day]:
    url = {"database_url": database_url} if database_url else {}
    home = Installation.open(tmp_path / "home", clock=clock, **url)
    with home.engine:
        yield Day(home)


def live(day: Day) -> None:
    """Most of what can be shown in one."""
    home = day.home
    day.carry_out(day.ask("order paper towels"))
    asked = day.ask("book a table at nopa")
    answered = day.ask("friday at 7 for four people", answers=asked.request_id)
    if answered.draft_hash:
        day.carry_out(answered)
    day.cancel(day.modify(day.ask("order paper towels"), "make it 3"))
    day.ask("write a poem")
    home.later(seconds=1)
    home.engine.membership.change_rules(lambda rules: rules.with_two_people_above(Money(cents=4000)), by=None)
    dear = day.ask("order 2 packs of AA batteries")
    day.approve(dear, "Alex")
    home.engine.membership.change_role("Sam", Role.OWNER, by=None)
    day.carry_out(dear, member="Sam")
    home.engine.membership.change_rules(lambda rules: rules.with_two_people_above(None), by=None)
    home.fault("lose_answer")
    day.carry_out(day.ask("order dish soap"))
    home.fault("price_up")
    changed = day.carry_out(day.ask("order paper towels"))
    if changed.revised_draft_id:
        day.look(changed.revised_draft_id)
    day.ask("order dish soap")


class TestReplay:
    def test_draws_every_card_that_was_shown_to_the_byte(self, day: Day) -> None:
        live(day)
        told = day.again()
        drawn = {(each.of, written(each.card)) for each in told.cards}
        assert [of for of, card in day.shown if (of, card) not in drawn] == []
        assert {each.card.kind for each in told.cards} >= {CardKind.DRAFT, CardKind.CLARIFICATION, CardKind.NOT_SUPPORTED, CardKind.DONE}

    def test_compares_what_still_stands_with_the_books(self, day: Day) -> None:
        live(day)
        told = day.again()
        assert told.compared > 8
        assert told.differing == ()

    def test_knows_that_a_draft_expires(self, day: Day) -> None:
        """As the books do: by the time it is looked at."""
        day.ask("order dish soap")
        day.home.later(days=1)
        assert day.again().differing == ()

    def test_tells_only_of_the_days_it_was_asked_for(self, day: Day) -> None:
        day.ask("order paper towels")
        day.home.later(days=2)
        day.ask("order dish soap")
        with Audit.open(day.home.settings, clock=day.home.clock) as audit:
            (only,) = audit.replay(NOON + timedelta(days=1), NOON + timedelta(days=3)).cards
        assert "Dish" in only.card.title

    def test_names_what_the_books_show_otherwise(self, day: Day) -> None:
        execution = day.carry_out(day.ask("order paper towels"))
        sql(day.home.engine._store, "UPDATE execution SET error_message = 'Nothing was bought.'")
        assert execution.id in day.again().differing

    def test_refuses_a_draft_that_is_not_the_one_in_the_log(self, day: Day) -> None:
        """The bytes of a draft lie in the books: they must be those that the log commits to."""
        day.ask("order paper towels")
        without_triggers(
            day.home.engine._store, "draft_revision", "UPDATE draft_revision SET draft_json = replace(draft_json, 'owels', 'owelz')"
        )
        with pytest.raises(StoreDamaged, match="not the one that the log commits to"):
            day.again()

    def test_leaves_out_what_was_erased(self, day: Day) -> None:
        """Nobody has the words of a question any more, and the rest is told all the same."""
        poem = day.ask("write a poem")
        day.ask("order paper towels")
        day.home.engine.erasing.erase(str(poem.request_id), by=None)
        assert [each.card.kind for each in day.again().cards] == [CardKind.DRAFT]

    def test_would_show_another_card_if_an_event_were_not_told(self, day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
        """The planted bug: a rebuilding that forgets cancellations."""
        day.cancel(day.ask("order paper towels"))
        monkeypatch.setattr(Rebuilt, "_cancelled", lambda *_: None)
        assert day.again().differing != ()
