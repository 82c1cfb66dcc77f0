"""CANCEL, as a card shows it before anybody confirms: when it ends, what comes back, what it costs, what is lost."""

from __future__ import annotations

from typing import Any

import pytest

from halo_engine.model.card import Card
from halo_engine.model.execution import ExecutionStatus
from halo_engine.model.money import Money
from halo_engine.vendors.subscriptions import Subscription, Subscriptions
from halo_engine.vendors.subscriptions_dialect import Ending
from tests.installation import Installation


def row(card: Card, label: str) -> str:
    return next(row.text for row in card.rows if row.label == label)


class TestTheCard:
    @pytest.mark.parametrize(
        ("words", "paid_back"),
        [
            ("cancel lingopath", "nothing: it runs until the end of what is paid"),
            ("cancel lingopath now", "the part of the period that is left, as the provider counts it"),
            ("cancel forkful now", "the whole of the period that is paid"),
            ("cancel streamly now", "nothing: what is paid is not paid back"),
        ],
    )
    def test_says_what_is_paid_back(self, home: Installation, words: str, paid_back: str) -> None:
        """By when it ends, and by the provider's own rule."""
        assert row(home.ask(words), "Paid back") == paid_back

    def test_says_that_the_notice_comes_too_late(self, home: Installation) -> None:
        """Thirty days before the first of April are over."""
        card = home.ask("cancel the gym")
        assert card.policies == ("Notice of 30 days. It is too late for this period: it renews once more.",)
        assert (card.cost, row(card, "Payment"), row(card, "Ends")) == ("$49.00", "Visa •••• 0000", "Thu 30 Apr 2026")

    def test_says_the_notice_that_is_kept(self, home: Installation) -> None:
        """Five days are left, so it ends with the period."""
        card = home.ask("cancel forkful")
        assert card.policies == ("Notice of 5 days.",)
        assert row(card, "Ends") == row(card, "Next renewal")

    def test_says_what_is_lost(self, home: Installation) -> None:
        """In the provider's words."""
        assert {"You lose: Your watchlist and downloads", "You lose: 4 screens at once"} <= set(home.ask("cancel streamly").warnings)


class TestWhatIsOver:
    def test_ended_also_where_the_provider_has_not_tidied_up(self, home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """A record that is still ending, on a day that has passed, has ended; also for who wants it to end now."""
        home.carry_out(home.ask("cancel streamly"))
        home.later(days=60)
        everything = Subscriptions.subscriptions

        def stale(adapter: Subscriptions) -> tuple[Subscription, ...]:
            return tuple(one.model_copy(update={"status": "ending"}) if one.ends_at else one for one in everything(adapter))

        monkeypatch.setattr(Subscriptions, "subscriptions", stale)
        for words in ("cancel streamly", "cancel streamly right away"):
            assert "cancelled already: it ended on Thu 12 Mar 2026" in home.ask(words).summary


class TestAFee:
    def test_is_the_total_and_the_most(self, home: Installation) -> None:
        """Money like any other."""
        with home.queries() as queries:
            terms = queries.draft(str(home.ask("cancel the gym").draft_id)).terms
        assert (terms.total, terms.maximum) == (Money(cents=4900), Money(cents=4900))

    def test_that_rises_after_the_yes_is_a_new_decision(self, home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """The registry is asked again before anything is sent."""
        card = home.ask("cancel the gym")
        _charge(monkeypatch, Money(cents=4901))
        assert home.carry_out(card).status is ExecutionStatus.TERMS_CHANGED
        assert home.ledger() == ()

    def test_that_rises_in_the_last_moment_is_not_paid(self, home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """Between the check and the call there is one more look."""
        card = home.ask("cancel the gym")
        asked = iter([Money(cents=4900), *[Money(cents=9900)] * 9])
        get = Subscriptions.get

        def later(adapter: Subscriptions, provider_id: str) -> Subscription | None:
            return _costing(get(adapter, provider_id), next(asked))

        monkeypatch.setattr(Subscriptions, "get", later)
        assert home.carry_out(card).status is ExecutionStatus.TERMS_CHANGED
        assert home.ledger() == ()


def _charge(monkeypatch: pytest.MonkeyPatch, fee: Money) -> None:
    get = Subscriptions.get
    monkeypatch.setattr(Subscriptions, "get", lambda adapter, provider_id: _costing(get(adapter, provider_id), fee))


def _costing(found: Any, fee: Money) -> Subscription:
    changed: Subscription = found.model_copy(update={"provider": found.provider.model_copy(update={"fee": fee})})
    return changed


class TestAPlantedBug:
    def test_that_accepts_an_offer_is_told_by_the_books(self, home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """With the other button pressed, the provider's books show a discount where an end was confirmed, and Halo does not call it done."""
        accept = property(lambda ending: {} if ending.decline is None else {"accept_offer": "true", "confirm_token": ending.decline})
        monkeypatch.setattr(Ending, "decline_fields", accept)
        execution = home.carry_out(home.ask("cancel the newspaper"))
        assert [entry.kind for entry in home.ledger()] == ["offer"]
        assert execution.status is not ExecutionStatus.DONE

    def test_that_skips_the_look_before_the_repeat_is_stopped_by_the_providers_state(
        self, home: Installation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Recurly has no keys: without the read a repeat is sent, and only the provider's refusal keeps it from counting twice."""
        monkeypatch.setattr(Subscriptions, "_settled_before", lambda *_: None)
        first, second = home.ask("cancel cineloft"), home.ask("cancel cineloft")
        home.carry_out(first)
        home.carry_out(second)
        assert len(home.ledger()) == 1
