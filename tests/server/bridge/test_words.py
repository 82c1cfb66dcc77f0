"""Words that point at no card: which card they may be about."""

from __future__ import annotations

from datetime import timedelta

from halo_engine.model.draft import Draft, DraftStatus
from tests.server.bridge.group import ALEX, KIM, SAM, Group

BATTERIES = "halo order 2 packs of AA batteries"
QUESTION = "halo book a table at Nopa on friday at 7pm"


class TestWordsWithAnAmount:
    def test_are_never_about_a_card_that_came_after_them(self, chat: Group) -> None:
        """Said before Kim asked and heard after: they are a yes to the card that was there."""
        chat.card(ALEX, BATTERIES)
        (first,) = _waiting(chat)
        chat.home.later(minutes=6)
        chat.card(KIM, BATTERIES)
        kims = next(draft for draft in _waiting(chat) if draft.id != first.id)
        chat.says(SAM, "halo yes $49.95", ago=timedelta(minutes=5))
        assert _status(chat, kims) is DraftStatus.OPEN
        assert _status(chat, first) is DraftStatus.CONFIRMED
        chat.holds()

    def test_are_no_yes_where_nothing_waited_yet(self, chat: Group) -> None:
        """However well the amount fits."""
        chat.home.later(minutes=6)
        chat.card(ALEX, BATTERIES)
        chat.says(SAM, "halo yes $49.95", ago=timedelta(minutes=5))
        assert chat.home.ledger() == ()

    def test_are_no_yes_to_a_revision_that_came_after_them(self, chat: Group) -> None:
        """Neither to that, nor to the one before it, which stands no more."""
        first = chat.card(ALEX, BATTERIES)
        chat.home.later(minutes=6)
        chat.says(KIM, "make it 3", to=first)
        for amount in ("$49.95", "$74.92"):
            chat.says(SAM, f"halo yes {amount}", ago=timedelta(minutes=5))
        assert chat.home.ledger() == ()

    def test_that_fit_two_cards_confirm_neither(self, chat: Group) -> None:
        """Nor does a reply to the sentence that asks which one: it is about both."""
        chat.card(ALEX, BATTERIES)
        chat.card(KIM, BATTERIES)
        (told,) = chat.says(SAM, "halo yes $49.95")
        assert "reply to the card you mean" in (told.text or "")
        chat.says(SAM, "yes $49.95", to=told)
        assert chat.home.ledger() == ()

    def test_are_about_one_card_however_often_it_was_sent(self, chat: Group) -> None:
        """The same terms, shown twice, are not two cards to choose from."""
        first = chat.card(ALEX, BATTERIES)
        chat.says(ALEX, "make it 3", to=first)
        chat.says(SAM, "yes", to=first)
        assert len(chat.says(SAM, "halo yes $74.92")) == 2
        assert len(chat.home.ledger()) == 1


class TestAQuestion:
    def test_waits_for_whoever_was_asked(self, chat: Group) -> None:
        """What others say next is theirs, however well it would fit; the question can still be answered."""
        chat.card(ALEX, QUESTION)
        assert "Nopa" not in (chat.card(SAM, "halo 4 people").text or "")
        assert (chat.card(SAM, "halo cancel streamly").text or "").startswith("Draft: Cancel Streamly")

    def test_is_answered_by_the_next_words_of_whoever_was_asked(self, chat: Group) -> None:
        """They need not point at it."""
        chat.card(ALEX, QUESTION)
        answer = chat.card(ALEX, "halo 4 people")
        assert "Nopa" in (answer.text or "")

    def test_that_was_declined_waits_no_more(self, chat: Group) -> None:
        """What is said after "no" is a new request, not its answer."""
        chat.card(ALEX, QUESTION)
        (told,) = chat.says(ALEX, "halo no")
        assert "Nothing was drafted" in (told.text or "")
        assert "Nopa" not in (chat.card(ALEX, "halo 4 people").text or "")
        assert (chat.card(ALEX, "halo cancel streamly").text or "").startswith("Draft: Cancel Streamly")

    def test_that_was_declined_in_a_reply_waits_no_more(self, chat: Group) -> None:
        """As one that was declined in words that point at nothing."""
        question = chat.card(ALEX, QUESTION)
        chat.says(ALEX, "no", to=question)
        assert "Nopa" not in (chat.card(ALEX, "halo 4 people").text or "")


def _waiting(chat: Group) -> tuple[Draft, ...]:
    with chat.home.queries() as queries:
        return queries.waiting()


def _status(chat: Group, draft: Draft) -> DraftStatus:
    with chat.home.queries() as queries:
        return queries.draft(draft.id).status
