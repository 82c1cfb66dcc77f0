"""What a household does in its group chat, from the words to the vendors' own books."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.server.bridge.group import ALEX, KIM, SAM, STRANGER, Group, group

STREAMLY = "halo cancel streamly"


class TestAThread:
    @pytest.mark.parametrize(
        ("words", "yes", "kind"),
        [
            ("Halo, order 2 packs of AA batteries", "yes $49.95", "order"),
            ("halo: reorder dog supplies", None, "order"),
            ("HALO cancel streamly", None, "cancellation"),
            ("halo book a table for two at Nopa tomorrow at 7:30pm", None, "booking"),
            ("halo book a haircut at Shear Joy on friday at 3pm", None, "booking"),
        ],
    )
    def test_carries_a_request_to_its_end(self, chat: Group, words: str, yes: str | None, kind: str) -> None:
        """One person asks, another says yes to that card, and everybody sees how it ends. It is done once, and the log is whole."""
        draft = chat.card(ALEX, words)
        assert chat.home.ledger() == ()
        answers = chat.says(SAM, yes or _yes(draft.text or ""), to=draft) if _is_final(draft.text or "") else chat.taps(SAM, draft)
        titles = [(answer.text or "").splitlines()[0].partition(":")[0] for answer in answers]
        assert titles == ["Executing", "Done"]
        (effect,) = chat.home.ledger()
        assert effect.kind == kind
        chat.holds()

    def test_asks_and_is_answered_by_number(self, chat: Group) -> None:
        """A question is answered in a reply to it; the answer gives a draft."""
        question = chat.card(SAM, "halo book a table at Nopa on friday at 7pm")
        assert (question.text or "").startswith("One question")
        (answer,) = chat.says(ALEX, "4 people", to=question)
        assert (answer.text or "").startswith(("Draft: Book", "One question"))
        (gone,) = chat.says(ALEX, "5 people", to=question)
        assert "answered already" in (gone.text or "")

    def test_changes_a_draft_by_a_reply(self, chat: Group) -> None:
        """Words that say what should be different make the next revision, which is what is bought."""
        first = chat.card(ALEX, "halo order 2 packs of AA batteries")
        (second,) = chat.says(SAM, "make it 3", to=first)
        assert "3 ×" in (second.text or "")
        chat.says(SAM, "yes $74.92", to=second)
        assert [line["quantity"] for line in chat.home.bought()] == [3]

    def test_drops_a_draft_by_a_thumb_down(self, chat: Group) -> None:
        """A no ends it, and a yes that comes later finds nothing to confirm."""
        draft = chat.card(ALEX, STREAMLY)
        (cancelled,) = chat.taps(SAM, draft, "dislike")
        assert (cancelled.text or "").startswith("Cancelled")
        (late,) = chat.taps(ALEX, draft)
        assert "does not stand any more" in (late.text or "")
        assert chat.home.ledger() == ()

    def test_is_kept_in_postgresql_as_well(self, tmp_path: Path, postgres_url: str) -> None:
        """The same thread over the other kind of books."""
        with group(tmp_path / "home", database_url=postgres_url) as chat:
            first = chat.card(ALEX, "halo order 2 packs of AA batteries")
            (second,) = chat.says(SAM, "make it 3", to=first)
            chat.bridge.copies = 2
            assert len(chat.says(SAM, "yes $74.92", to=second)) == 2
            assert chat.says(STRANGER, "halo cancel streamly") == []
            assert [line["quantity"] for line in chat.home.bought()] == [3]
            chat.holds()

    def test_tells_whoever_only_calls_what_to_say(self, chat: Group) -> None:
        """Its name alone asks for nothing."""
        assert "such as: halo order paper towels" in (chat.card(ALEX, "Halo?").text or "")

    def test_never_says_to_press_what_is_not_there(self, chat: Group) -> None:
        """There is no button and no command line in a thread of messages."""
        order = chat.card(ALEX, "halo order 2 packs of AA batteries")
        chat.taps(SAM, order)
        chat.says(SAM, "hmm, dunno?", to=order)
        chat.says(KIM, "halo yes")
        chat.says(KIM, "halo what is the capital of France")
        said = "\n".join(message.text or "" for message in chat.bridge.sent).lower()
        assert [word for word in ("press", "button", "choices:", "dft_", "req_", "halo ask", "halo activity") if word in said] == []

    def test_talks_about_the_newest_card_to_whoever_points_at_none(self, chat: Group) -> None:
        """Words without a reply need the amount; the bare yes is asked for it, and then it is done."""
        draft = chat.card(ALEX, "halo order 2 packs of AA batteries")
        (asked,) = chat.says(SAM, "halo yes")
        assert "$49.95" in (asked.text or "")
        assert chat.home.ledger() == ()
        executing, _done = chat.says(SAM, "halo yes $49.95")
        assert (executing.text or "").startswith("Executing")
        assert draft.guid != executing.guid
        assert len(chat.home.ledger()) == 1

    def test_takes_an_answer_to_its_own_sentence_for_one_about_the_card(self, chat: Group) -> None:
        """Who is told what to say replies to that."""
        draft = chat.card(ALEX, "halo order 2 packs of AA batteries")
        (told,) = chat.taps(SAM, draft)
        assert "$49.95" in (told.text or "")
        assert len(chat.says(SAM, "yes $49.95", to=told)) == 2


def _is_final(text: str) -> bool:
    return "👍 is not enough" in text


def _yes(text: str) -> str:
    return text.partition("reply “")[2].partition("”")[0]
