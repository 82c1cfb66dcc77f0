"""Who said yes to what: rows F5 to F8 and F11 of the faults seen in the field."""

from __future__ import annotations

from datetime import timedelta

import pytest

from halo_engine.model.event import Event
from halo_engine.model.money import Money
from tests.server.bridge.group import ALEX, KIM, SAM, STRANGER, Group

STREAMLY = "halo cancel streamly"


class TestATapback:
    def test_on_an_earlier_revision_confirms_nothing(self, chat: Group) -> None:
        """F5: it is about the terms that were on that very card, and they stand no more. The card that stands is shown."""
        first = chat.card(ALEX, "halo book a haircut at Shear Joy on friday at 3pm")
        (second,) = chat.says(ALEX, "make it 4pm", to=first)
        (answer,) = chat.taps(SAM, first)
        assert "That card does not stand any more; this one does. Nothing was done." in (answer.text or "")
        assert "4:00" in (answer.text or "") or "16:00" in (answer.text or "")
        assert chat.home.ledger() == ()
        # The card that was sent anew is as good as the one before it.
        chat.taps(SAM, answer)
        assert len(chat.home.ledger()) == 1
        assert chat.taps(ALEX, second) == []
        assert len(chat.home.ledger()) == 1

    @pytest.mark.parametrize("numbered", [False, True])
    def test_means_the_same_by_name_and_by_number(self, chat: Group, numbered: bool) -> None:
        """Bridges tell of it in two ways."""
        chat.bridge.numbered = numbered
        draft = chat.card(ALEX, STREAMLY)
        assert chat.taps(SAM, draft, "laugh") == []
        assert chat.taps(SAM, draft, "love") == []
        assert chat.home.ledger() == ()
        assert len(chat.taps(SAM, draft)) == 2

    def test_that_was_taken_back_says_nothing_and_undoes_nothing(self, chat: Group) -> None:
        """F7: what was confirmed stays confirmed."""
        draft = chat.card(ALEX, STREAMLY)
        assert chat.untaps(SAM, draft) == []
        chat.taps(ALEX, draft)
        assert chat.untaps(ALEX, draft) == []
        assert len(chat.home.ledger()) == 1

    def test_that_comes_after_its_removal_does_not_count(self, chat: Group) -> None:
        """Out of order: at the end there is no thumb on the card, so there was no yes. A new one counts."""
        draft = chat.card(ALEX, STREAMLY)
        with chat.bridge.holding() as held:
            chat.bridge.taps(SAM, draft.guid, "like", ago=timedelta(seconds=20))
            chat.bridge.untaps(SAM, draft.guid, "like", ago=timedelta(seconds=10))
            held.reverse()
        chat.settle()
        assert chat.home.ledger() == ()
        # The removal of one person's is not that of another's.
        assert len(chat.taps(ALEX, draft)) == 2

    def test_given_again_after_its_removal_counts(self, chat: Group) -> None:
        """The last word is a yes."""
        draft = chat.card(ALEX, STREAMLY)
        chat.untaps(SAM, draft, ago=timedelta(seconds=10))
        assert len(chat.taps(SAM, draft)) == 2

    def test_of_a_child_is_logged_and_not_counted(self, chat: Group) -> None:
        """F6: the log says who tried; the card waits on for somebody who may."""
        draft = chat.card(KIM, STREAMLY)
        (answer,) = chat.taps(KIM, draft)
        assert "Kim may not confirm this" in (answer.text or "")
        assert len(chat.events("draft.confirmation_refused")) == 1
        assert chat.home.ledger() == ()
        assert len(chat.taps(ALEX, draft)) == 2
        chat.holds()

    def test_of_a_stranger_is_logged_without_who_it_was(self, chat: Group) -> None:
        """F6: nothing is answered, and the handle stands nowhere."""
        draft = chat.card(ALEX, STREAMLY)
        assert chat.taps(STRANGER, draft) == []
        assert chat.says(STRANGER, "yes", to=draft) == []
        assert [event.payload["how"] for event in chat.events("draft.answer_not_counted")] == ["tapback", "reply"]
        assert STRANGER not in str([event.payload for event in _all(chat)])
        assert chat.home.ledger() == ()
        chat.holds()

    def test_on_what_cannot_be_undone_is_not_enough(self, chat: Group) -> None:
        """A thumb slips: it is told what to say instead."""
        draft = chat.card(ALEX, "halo order 2 packs of AA batteries")
        (answer,) = chat.taps(SAM, draft)
        assert "yes $49.95" in (answer.text or "")
        assert chat.home.ledger() == ()

    @pytest.mark.parametrize("words", ["yes", "ok?"])
    @pytest.mark.parametrize("kind", ["like", "dislike"])
    def test_on_a_sentence_about_a_card_is_none_on_the_card(self, chat: Group, words: str, kind: str) -> None:
        """A thumb under "Kim may not confirm this" agrees with that; it buys nothing and drops nothing. The card itself waits on."""
        draft = chat.card(KIM, STREAMLY)
        (said,) = chat.says(KIM, words, to=draft)
        assert chat.taps(ALEX, said, kind) == []
        assert chat.home.ledger() == ()
        assert len(chat.taps(ALEX, draft)) == 2

    def test_on_a_card_that_spends_is_not_enough(self, chat: Group) -> None:
        """And the card says so, without saying of it that it could not be undone."""
        draft = chat.card(ALEX, "halo order 2 packs of AA batteries")
        assert "👍 is not enough: reply “yes $49.95” to confirm" in (draft.text or "")
        chat.taps(SAM, draft)
        assert chat.home.ledger() == ()

    def test_on_a_card_that_is_done_is_thanks(self, chat: Group) -> None:
        """Nobody is answered for being kind."""
        draft = chat.card(ALEX, STREAMLY)
        _executing, done = chat.taps(SAM, draft)
        assert chat.taps(ALEX, done) == []
        assert chat.taps(ALEX, done, "love") == []

    def test_of_no_on_what_was_confirmed_says_where_it_stands(self, chat: Group) -> None:
        """It came too late, and nobody is left to think that it did not."""
        draft = chat.card(ALEX, STREAMLY)
        chat.taps(SAM, draft)
        (answer,) = chat.taps(ALEX, draft, "dislike")
        assert "confirmed already" in (answer.text or "")
        assert "Done: Cancel Streamly" in (answer.text or "")


class TestAReply:
    @pytest.mark.parametrize(
        "words", ["ok?", "yes but make it two weeks later", "maybe", "who asked for this", "👍?", "yes, if it is cheap"]
    )
    def test_that_is_no_clear_yes_confirms_nothing(self, chat: Group, words: str) -> None:
        """F7 and F8: unsure is asked again."""
        draft = chat.card(ALEX, STREAMLY)
        chat.says(SAM, words, to=draft)
        assert chat.home.ledger() == ()

    def test_with_a_condition_changes_and_does_not_confirm(self, chat: Group) -> None:
        """F7: "yes but make it 3" is a change."""
        draft = chat.card(ALEX, "halo order 2 packs of AA batteries")
        (answer,) = chat.says(SAM, "yes but make it 3", to=draft)
        assert "3 ×" in (answer.text or "") or "reply" in (answer.text or "").lower()
        assert chat.home.ledger() == ()


class TestTwoPeople:
    def test_have_to_say_yes_to_the_same_card(self, chat: Group) -> None:
        """Where the household has agreed so: the first yes is kept and told, the second one, by somebody else, does it. Once."""
        limit = Money(cents=2_000)
        chat.home.engine.membership.change_rules(lambda rules: rules.with_two_people_above(limit), by="Alex")
        draft = chat.card(ALEX, "halo order 2 packs of AA batteries")
        (kept,) = chat.says(ALEX, "yes $49.95", to=draft)
        assert "Sam still has to" in (kept.text or "")
        assert chat.home.ledger() == ()
        # The same person again is one person.
        chat.says(ALEX, "yes $49.95", to=draft)
        assert chat.home.ledger() == ()
        chat.says(SAM, "yes $49.95", to=draft)
        assert len(chat.home.ledger()) == 1
        chat.holds()


class TestAnExpiredDraft:
    def test_is_shown_as_expired_and_asked_for_again_by_one_tap(self, chat: Group) -> None:
        """F11: never silently dropped; a yes to the expired card is a new draft at today's prices, and no more."""
        draft = chat.card(ALEX, STREAMLY)
        chat.home.later(minutes=40)
        (expired,) = chat.taps(SAM, draft)
        assert "Expired: Cancel Streamly" in (expired.text or "")
        assert "👍 or reply “again”" in (expired.text or "")
        (again,) = chat.taps(SAM, expired)
        assert (again.text or "").startswith("Draft: Cancel Streamly")
        assert chat.home.ledger() == ()
        (told,) = chat.says(ALEX, "again", to=expired)
        assert "asked again already" in (told.text or "")
        assert len(chat.taps(ALEX, again)) == 2

    def test_is_asked_for_again_in_words(self, chat: Group) -> None:
        """A reply does as well."""
        draft = chat.card(ALEX, STREAMLY)
        chat.home.later(minutes=40)
        (expired,) = chat.says(SAM, "yes", to=draft)
        (again,) = chat.says(SAM, "Again!", to=expired)
        assert (again.text or "").startswith("Draft: Cancel Streamly")


class TestWordsThatComeLate:
    def test_are_not_acted_on(self, chat: Group) -> None:
        """A Mac that slept tells in the morning what was said in the evening; whoever said it is told so, once."""
        (answer,) = chat.says(ALEX, STREAMLY, ago=timedelta(minutes=11))
        assert "arrived late" in (answer.text or "")
        assert chat.says(SAM, "halo order milk", ago=timedelta(minutes=12)) == []
        assert chat.home.ledger() == ()
        assert (chat.card(ALEX, STREAMLY).text or "").startswith("Draft")


def _all(chat: Group) -> list[Event]:
    return [event for kind in ("draft.answer_not_counted", "member.address_given", "request.parsed") for event in chat.events(kind)]
