"""What people do with a card before the bridge has said what it calls it."""

from __future__ import annotations

from datetime import timedelta

from halo_engine.model.message import CardMessage, MessageStatus
from halo_engine.model.reply import Tapback
from halo_sim.bluebubbles import Message
from server.bridge.early import Early
from server.bridge.inbound import Unplaced
from tests.installation import NOON
from tests.server.bridge.group import ALEX, SAM, Group

STREAMLY = "halo cancel streamly"
CHAT = "iMessage;+;chat1"


class TestAThumbThatIsQuickerThanTheBridge:
    def test_counts(self, chat: Group) -> None:
        """It was on that very card; once, although the bridge told of it twice."""
        chat.bridge.copies = 2
        chat.bridge.before_answer = lambda sent: _is_draft(sent) and chat.bridge.taps(SAM, sent.guid, "like")
        chat.says(ALEX, STREAMLY)
        assert len(chat.home.ledger()) == 1
        assert len(chat.events("draft.confirmed")) == 1
        chat.holds()

    def test_that_comes_after_its_removal_does_not_count(self, chat: Group) -> None:
        """The removal is held as well, and in its order."""

        def slip(sent: Message) -> None:
            if _is_draft(sent):
                chat.bridge.untaps(SAM, sent.guid, "like")
                chat.bridge.taps(SAM, sent.guid, "like", ago=timedelta(seconds=1))

        chat.bridge.before_answer = slip
        assert len(chat.says(ALEX, STREAMLY)) == 1
        assert chat.home.ledger() == ()

    def test_on_what_never_arrived_says_nothing(self, chat: Group) -> None:
        """The bridge gave no GUID: nobody knows what it was on."""
        chat.bridge.fail_sends("no_guid")
        chat.bridge.before_answer = lambda sent: _is_draft(sent) and chat.bridge.taps(SAM, sent.guid, "like")
        chat.says(ALEX, STREAMLY)
        assert chat.home.ledger() == ()
        assert _held(chat) == []

    def test_on_a_message_between_people_is_held_no_longer_than_the_send(self, chat: Group) -> None:
        """Then it is gone, unkept and unanswered; a reply is not held at all."""
        theirs = chat.bridge.says(ALEX, "what a day")
        held = []

        def live_on(sent: Message) -> None:
            if _is_draft(sent):
                chat.bridge.taps(SAM, theirs.guid, "like")
                held.extend(_held(chat))
                chat.bridge.says(SAM, "indeed", reply_to=theirs.guid)
                chat.bridge.says(SAM, "yes", reply_to=sent.guid)
                assert _held(chat) == held

        chat.bridge.before_answer = live_on
        assert len(chat.says(ALEX, STREAMLY)) == 1
        assert [type(each) for each in held] == [Unplaced]
        assert _held(chat) == []
        assert chat.home.ledger() == ()


class TestEarly:
    def test_holds_only_so_many(self) -> None:
        """A flood is no memory leak."""
        early = Early(_ours)
        with early.sending():
            for number in range(500):
                assert early.hold(_tap(f"G{number}")) is None
            assert len(early._held) == 50
        assert len(early.placed()) == 50
        assert early.placed() == ()

    def test_places_only_what_is_on_a_message_to_the_same_chat(self) -> None:
        """What was reacted to elsewhere is no card of this chat."""
        early = Early(_ours)
        with early.sending():
            early.hold(_tap("G1", chat_id="elsewhere"))
            early.hold(_tap("G2", on_id="THEIRS"))
        assert early.placed() == ()

    def test_looks_at_once_where_the_message_has_arrived_meanwhile(self) -> None:
        """Between the look into the books and this the send may have ended."""
        placed = Early(_ours).hold(_tap("G"))
        assert placed is not None
        assert placed.on.message_id == "OURS"


def _is_draft(sent: Message) -> bool:
    return (sent.text or "").startswith("Draft")


def _held(chat: Group) -> list[Unplaced]:
    return list(chat.room._early._held)


def _tap(message_id: str, *, chat_id: str = CHAT, on_id: str = "OURS") -> Unplaced:
    return Unplaced(message_id, chat_id, SAM, NOON, on_id, Tapback.LIKE, removed=False)


def _ours(message_id: str) -> CardMessage | None:
    ours = CardMessage(message_id="OURS", household_id="hsh", chat_id=CHAT, card_kind="draft", status=MessageStatus.SENT, sent_at=NOON)
    return ours if message_id == "OURS" else None
