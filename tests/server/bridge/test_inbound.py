"""What of a webhook is read, and what it is read as."""

from __future__ import annotations

from typing import Any

import pytest

from halo_engine.model.errors import InvalidInput
from halo_engine.model.message import CardMessage, MessageStatus, normal_address
from halo_engine.model.reply import Tapback
from server.bridge.inbound import Answered, Heard, Invoked, SendFailed, Tapped, Webhook, read, without_invocation
from tests.installation import NOON

CHAT = "iMessage;+;chat1"
OURS = CardMessage(message_id="OURS", household_id="hsh", chat_id=CHAT, card_kind="draft", status=MessageStatus.SENT, sent_at=NOON)


def heard(kind: str = "new-message", **data: Any) -> Heard | None:
    """What a message by somebody in the chat is read as, with `data` in it."""
    message = {
        "guid": "G",
        "text": "halo order milk",
        "handle": {"address": "+1 415 555 0101"},
        "isFromMe": False,
        "dateCreated": 1_772_557_200_000,
        "chats": [{"guid": CHAT}],
        **data,
    }
    webhook = Webhook(type=kind, data=message)
    return read(webhook, chats={CHAT}, invocation="halo", ours=lambda message_id: OURS if message_id == "OURS" else None)


class TestWords:
    @pytest.mark.parametrize(
        ("text", "rest"),
        [
            ("halo order milk", "order milk"),
            ("Halo, order milk", "order milk"),
            ("HALO: order milk", "order milk"),
            ("\n halo — order milk", "order milk"),
            ("halo", ""),
            ("halo!", ""),
        ],
    )
    def test_that_begin_with_the_name_are_read_without_it(self, text: str, rest: str) -> None:
        assert without_invocation(text, "halo") == rest

    @pytest.mark.parametrize(
        "text", ["halogen", "halo's here", "halo’s here", "halo-like", "halo_x", "hello halo", "", "h\u200balo order", "@halo"]
    )
    def test_that_do_not_are_not_read(self, text: str) -> None:
        assert without_invocation(text, "halo") is None
        assert heard(text=text) is None

    def test_of_a_member_in_the_chat_are_an_invocation(self) -> None:
        assert heard() == Invoked("G", CHAT, "+14155550101", NOON, "order milk")

    def test_in_answer_to_a_card_need_no_name(self) -> None:
        assert heard(text="yes", threadOriginatorGuid="OURS") == Answered("G", CHAT, "+14155550101", NOON, OURS, "yes")
        assert heard(text="Halo, yes", threadOriginatorGuid="OURS") == Answered("G", CHAT, "+14155550101", NOON, OURS, "yes")
        assert heard(text="yes", threadOriginatorGuid="THEIRS") is None

    def test_are_never_shown_by_what_holds_them(self) -> None:
        """A value that ends in an error or a log brings no words with it."""
        for one in (heard(), heard(text="yes please", threadOriginatorGuid="OURS"), Webhook(type="new-message", data={"text": "secret"})):
            assert not {"milk", "please", "secret"} & set(repr(one).replace("'", " ").split())


class TestATapback:
    @pytest.mark.parametrize("guid", ["p:0/OURS", "p:12/OURS", "bp:OURS", "OURS"])
    @pytest.mark.parametrize(
        ("given", "tapback", "removed"),
        [
            ("like", Tapback.LIKE, False),
            ("-like", Tapback.LIKE, True),
            (2001, Tapback.LIKE, False),
            ("2002", Tapback.DISLIKE, False),
            (3005, Tapback.QUESTION, True),
            (2000, Tapback.LOVE, False),
        ],
    )
    def test_on_a_card_is_read_in_every_form(self, guid: str, given: object, tapback: Tapback, removed: bool) -> None:
        for kind in ("new-message", "updated-message"):
            found = heard(kind, text=None, associatedMessageGuid=guid, associatedMessageType=given)
            assert found == Tapped("G", CHAT, "+14155550101", NOON, OURS, tapback, removed)

    @pytest.mark.parametrize(
        "given", [None, 0, 1000, 1999, 2006, 3006, 4001, True, 2001.5, "sticker", "--like", "Like", "", [2001], {"like": 1}]
    )
    def test_of_no_known_kind_is_nothing(self, given: object) -> None:
        assert heard(associatedMessageGuid="p:0/OURS", associatedMessageType=given) is None

    @pytest.mark.parametrize("guid", ["p:0/THEIRS", "p:/OURS", "x:OURS", "p:0/p:0/OURS", ["OURS"], 5, "OURS" * 100, "OURS\x00"])
    def test_on_anything_else_is_nothing(self, guid: object) -> None:
        assert heard(associatedMessageGuid=guid, associatedMessageType="like") is None


class TestWhoseMessage:
    @pytest.mark.parametrize("mark", [True, None, "false", 0, 1])
    def test_is_read_only_where_it_is_said_not_to_be_halos(self, mark: object) -> None:
        assert heard(isFromMe=mark) is None

    @pytest.mark.parametrize("handle", [None, "x", {}, {"address": None}, {"address": "\x1b[31m"}, {"address": ["+14155550101"]}])
    def test_without_a_handle_is_nobodys(self, handle: object) -> None:
        found = heard(handle=handle)
        assert isinstance(found, Invoked)
        assert found.sender == ""

    @pytest.mark.parametrize("chats", [None, [], [{}], [{"guid": "other"}], {"guid": CHAT}, [CHAT], [{"guid": [CHAT]}]])
    def test_is_read_only_in_the_chats_that_were_named(self, chats: object) -> None:
        assert heard(chats=chats) is None

    def test_answers_a_card_only_in_the_chat_that_it_was_sent_to(self) -> None:
        elsewhere = OURS.model_copy(update={"chat_id": "iMessage;+;chat2"})
        reply = {"guid": "G", "text": "yes", "isFromMe": False, "dateCreated": 1_772_557_200_000, "chats": [{"guid": CHAT}]}
        for answer in ({"threadOriginatorGuid": "OURS"}, {"associatedMessageGuid": "OURS", "associatedMessageType": "like"}):
            webhook = Webhook(type="new-message", data={**reply, **answer})
            assert read(webhook, chats={CHAT, "iMessage;+;chat2"}, invocation="halo", ours=lambda _: elsewhere) is None

    @pytest.mark.parametrize("at", [None, "now", -5, 0, 10**30, True, 1.5])
    def test_needs_a_time(self, at: object) -> None:
        assert heard(dateCreated=at) is None


class TestAFailedSend:
    def test_is_about_a_card_of_halos(self) -> None:
        assert heard("message-send-error", guid="OURS", isFromMe=True) == SendFailed(OURS)
        assert heard("message-send-error", guid="other", tempGuid="OURS") == SendFailed(OURS)
        assert heard("updated-message", guid="OURS", isFromMe=True, error=22) == SendFailed(OURS)
        assert heard("message-send-error", guid="THEIRS") is None
        assert heard("updated-message", guid="OURS", isFromMe=True, error=0) is None


class TestAHandle:
    @pytest.mark.parametrize(
        ("given", "normal"),
        [
            ("+1 (415) 555-0101", "+14155550101"),
            ("+14155550101", "+14155550101"),
            ("415.555.0101", "4155550101"),
            (" Ana@Example.COM ", "ana@example.com"),
        ],
    )
    def test_has_one_form(self, given: str, normal: str) -> None:
        assert normal_address(given) == normal

    @pytest.mark.parametrize("given", ["", "Ana", "+", "++1415", "a@b@c", "+1415\x00", "٤١٥٥٥٥", "1" * 40, "; DROP"])
    def test_is_a_number_or_an_address(self, given: str) -> None:
        with pytest.raises(InvalidInput):
            normal_address(given)
