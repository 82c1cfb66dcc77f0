"""What is sent, when sending fails, when things arrive twice or not at all, and when the server dies in between: row F9, and exactly once."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from halo_engine.clock import FakeClock
from halo_engine.correspondence import Correspondence
from halo_engine.model.draft import Draft
from halo_engine.model.message import MessageStatus
from halo_engine.store.bridge_files import BridgeFiles, BridgeSetup
from halo_sim.bluebubbles import SendFault
from server.bridge.client import BridgeClient
from tests.installation import NOON
from tests.server.bridge.group import ALEX, PASSWORD, SAM, Group, group, served

STREAMLY = "halo cancel streamly"
SILENT: tuple[SendFault, ...] = ("refused", "silence", "no_guid")


class TestACardThatWasNotDelivered:
    @pytest.mark.parametrize("fault", SILENT)
    def test_is_not_a_card_that_was_declined(self, chat: Group, fault: SendFault) -> None:
        """F9: the draft waits as it did; somebody speaks, and the card is there."""
        chat.bridge.fail_sends(fault)
        chat.bridge.says(ALEX, STREAMLY)
        chat.settle()
        assert [draft.status.value for draft in _waiting(chat)] == ["open"]
        again, _told = chat.says(SAM, "halo")
        assert (again.text or "").startswith("Draft: Cancel Streamly")
        assert len(chat.taps(SAM, again)) == 2

    def test_is_sent_again_by_itself_and_not_for_ever(self, chat: Group) -> None:
        """With waits that grow; then it is left to whoever speaks next, and then nobody is bothered any more."""
        refusals: list[SendFault] = ["refused"] * 20
        chat.bridge.fail_sends(*refusals)
        chat.bridge.says(ALEX, STREAMLY)
        chat.settle()
        tried = _tries(chat)
        for _ in range(3):
            chat.says(SAM, "halo")
        assert _tries(chat) > tried
        for _ in range(5):
            chat.says(SAM, "halo")
        assert _tries(chat) == 5
        assert [draft.status.value for draft in _waiting(chat)] == ["open"]

    def test_when_the_bridge_says_so_later(self, chat: Group) -> None:
        """It was taken, and lost; the same terms are shown anew, and the old message confirms as well, should somebody see it after all."""
        chat.bridge.fail_sends("lost_later")
        chat.bridge.says(ALEX, STREAMLY)
        chat.settle()
        lost = chat.bridge.thread[-1]
        chat.bridge.loses(lost.guid)
        chat.settle()
        assert _statuses(chat)[lost.guid] is MessageStatus.NOT_RENDERED
        chat.says(SAM, "halo")
        (shown, *_) = [message for message in chat.bridge.sent if (message.text or "").startswith("Draft")]
        assert len(chat.taps(ALEX, shown)) == 2

    def test_that_is_lost_again_and_again_is_not_sent_for_ever(self, chat: Group) -> None:
        """The bridge takes it each time, and loses it: that it was taken does not start the count anew."""
        chat.bridge.fail_sends("lost_later")
        chat.bridge.says(ALEX, STREAMLY)
        for _ in range(8):
            chat.settle()
            drafts = [message for message in chat.bridge.thread if (message.text or "").startswith("Draft")]
            chat.bridge.loses(drafts[-1].guid)
            chat.settle()
            chat.says(SAM, "halo")
        assert len([message for message in chat.bridge.thread if (message.text or "").startswith("Draft")]) == 5

    def test_is_still_sent_again_after_a_sentence_about_it_was_delivered(self, chat: Group) -> None:
        """The sentence showed nobody the terms."""
        chat.bridge.fail_sends("lost_later")
        chat.bridge.says(ALEX, STREAMLY)
        chat.settle()
        lost = chat.bridge.thread[-1]
        with chat.bridge.holding() as held:
            chat.bridge.loses(lost.guid)
            chat.bridge.says(SAM, "ok?", reply_to=lost.guid)
            held.reverse()
        chat.settle()
        assert any((one.text or "").startswith("Draft") for one in (*chat.bridge.sent, *chat.says(SAM, "halo")))

    def test_is_not_sent_again_where_it_does_not_stand_any_more(self, chat: Group) -> None:
        """What it showed is over."""
        chat.bridge.fail_sends("refused")
        chat.bridge.says(ALEX, STREAMLY)
        chat.settle()
        (draft,) = _waiting(chat)
        chat.home.engine.cancel(draft.id, member=None)
        chat.home.later(minutes=20)
        assert not [message for message in chat.says(SAM, "halo") if (message.text or "").startswith("Draft")]

    def test_of_which_only_the_answer_was_lost_confirms_nothing_by_a_guid_nobody_knows(self, chat: Group) -> None:
        """People see it, Halo does not know which it is: a thumb on it is not heard, and the card is sent again."""
        chat.bridge.fail_sends("sent_but_error")
        (seen,) = chat.says(ALEX, STREAMLY)
        chat.taps(SAM, seen)
        assert chat.home.ledger() == ()


class TestAnEndThatWasNotDelivered:
    def test_is_told_by_what_stands_when_the_bridge_is_back(self, chat: Group) -> None:
        """The price rose after the yes, and by the time anybody can be told the new terms have expired: that is told, once."""
        card = chat.card(ALEX, "halo order 2 packs of AA batteries")
        chat.home.fault("price_up", amount=500)
        chat.bridge.fail_sends("refused", "refused", "refused")
        assert chat.says(ALEX, "yes $49.95", to=card) == []
        chat.home.later(minutes=40)
        chat.bridge.fail_sends()
        chat.says(SAM, "halo")
        chat.says(SAM, "halo")
        titles = [(message.text or "").splitlines()[0] for message in chat.bridge.sent]
        assert [title.partition(":")[0] for title in titles].count("Expired") == 1
        assert chat.home.ledger() == ()

    def test_is_not_told_for_ever(self, chat: Group) -> None:
        """Of each thing that stood, five tries."""
        draft = chat.card(ALEX, STREAMLY)
        refusals: list[SendFault] = ["refused"] * 60
        chat.bridge.fail_sends(*refusals)
        assert chat.taps(SAM, draft) == []
        for _ in range(12):
            chat.says(SAM, "halo")
        assert 5 <= _tries(chat) <= 10
        tried = _tries(chat)
        chat.says(SAM, "halo")
        assert _tries(chat) == tried


class TestAChatThatWasTakenOffTheList:
    def test_is_written_to_no_more(self, tmp_path: Path, clock: FakeClock) -> None:
        """Neither the card that is still to be sent, nor how something ended: that is carried on all the same, and told by the terminal."""
        with group(tmp_path / "home", clock=clock) as chat:
            chat.card(ALEX, STREAMLY)
            (waiting,) = _waiting(chat)
            chat.bridge.fail_sends("refused")
            chat.says(ALEX, "halo order paper towels")
            home, bridge = chat.home, chat.bridge
            chat.room.__exit__()
            bridge.copies = 0
            home.engine.confirm(waiting.id, draft_hash=waiting.draft_hash, member="Sam")
            files = BridgeFiles(home.settings.home)
            files.save(BridgeSetup(url=files.setup().url, password=SecretStr(PASSWORD), chats=("iMessage;+;new",)), clock)
            before = bridge.sent
            home.later(minutes=1)
            event = bridge.event(bridge.says(SAM, "halo"))
            bridge.copies = 1
            with served(home, bridge) as again:
                for number in range(3):
                    data = {**event["data"], "guid": f"G{number}", "chats": [{"guid": "iMessage;+;new"}]}
                    again.tells({**event, "data": data})
                assert len(home.ledger()) == 1
            assert bridge.sent == before


class TestWhatWasHeardLongAgo:
    def test_is_forgotten_at_the_start(self, chat: Group) -> None:
        """Within a month a message counts once; what is older no bridge delivers again, and nothing is kept of it."""
        draft = chat.card(ALEX, STREAMLY)
        chat.untaps(SAM, draft)
        with Correspondence.open(chat.home.settings, clock=chat.home.clock) as kept:
            asked = next(one.guid for one in chat.bridge.thread if not one.is_from_me)
            chat.home.later(days=29)
            kept.start()
            assert kept.was_heard(asked)
            chat.home.later(days=2)
            kept.start()
            assert not kept.was_heard(asked)
            assert kept.shown_in(draft.guid) is not None


class TestAWebhook:
    def test_that_comes_twice_counts_once(self, chat: Group) -> None:
        """One request, one draft, one yes, one effect."""
        chat.bridge.copies = 3
        draft = chat.card(ALEX, "halo order 2 packs of AA batteries")
        assert len(chat.says(SAM, "yes $49.95", to=draft)) == 2
        assert len(chat.home.ledger()) == 1
        assert len(chat.events("request.parsed")) == 1
        assert len(chat.events("draft.confirmed")) == 1
        chat.holds()

    def test_that_comes_out_of_order_confirms_only_what_was_shown(self, chat: Group) -> None:
        """The yes before the change, or the change before the yes: never other terms than those on the card that was answered."""
        first = chat.card(ALEX, "halo order 2 packs of AA batteries")
        with chat.bridge.holding() as held:
            chat.bridge.says(SAM, "yes $49.95", reply_to=first.guid)
            chat.bridge.says(ALEX, "make it 3", reply_to=first.guid)
            held.reverse()
        chat.settle()
        assert chat.home.ledger() == ()
        assert len(_waiting(chat)) == 1

    def test_of_a_tapback_that_comes_much_later_counts_once(self, chat: Group) -> None:
        """The same tapback, delivered again a day later."""
        draft = chat.card(ALEX, STREAMLY)
        chat.taps(SAM, draft)
        chat.home.later(hours=24)
        assert chat.tells(chat.bridge.event(next(one for one in chat.bridge.thread if one.tapback))) == []
        assert len(chat.home.ledger()) == 1

    def test_of_an_edited_message_is_not_another_request(self, chat: Group) -> None:
        """Neither of what was acted on, nor of what was none of Halo's business."""
        chat.card(ALEX, STREAMLY)
        asked = next(one for one in chat.bridge.thread if not one.is_from_me)
        chat.bridge.edits(asked.guid, "halo order 5 packs of AA batteries")
        chat.settle()
        assert len(_waiting(chat)) == 1

    def test_that_is_lost_does_nothing(self, chat: Group) -> None:
        """And the next one is heard."""
        chat.bridge.copies = 0
        assert chat.says(ALEX, STREAMLY) == []
        chat.bridge.copies = 1
        assert len(chat.says(ALEX, STREAMLY)) == 1


class TestHalosOwnMessages:
    def test_are_never_heard(self, chat: Group) -> None:
        """Echoes: by their mark; and where a bridge forgets the mark and the sender, no text of Halo's begins with its name."""
        draft = chat.card(ALEX, STREAMLY)
        requests = len(chat.events("request.parsed"))
        own = chat.bridge.event(draft)
        for data in ({}, {"isFromMe": None}, {"isFromMe": False, "handle": {"address": ALEX}, "guid": "ECHO-1"}):
            assert chat.tells({**own, "data": {**own["data"], **data}}) == []
        spoken = {**own["data"], "text": STREAMLY, "guid": "ECHO-2"}
        assert chat.tells({**own, "data": spoken}) == []
        del spoken["isFromMe"]
        assert chat.tells({**own, "data": {**spoken, "handle": {"address": ALEX}}}) == []
        assert len(chat.events("request.parsed")) == requests

    def test_do_not_begin_with_the_invocation_word(self, tmp_path: Path) -> None:
        """Even where a household calls it by a word that cards begin with."""
        with group(tmp_path / "home", clock=FakeClock(NOON), invocation="draft") as chat:
            card = chat.card(ALEX, "draft: cancel streamly")
            assert (card.text or "").startswith("· Draft: Cancel Streamly")
            echo = chat.bridge.event(card)
            assert chat.tells({**echo, "data": {**echo["data"], "isFromMe": False, "guid": "ECHO", "handle": {"address": ALEX}}}) == []


class TestAServerThatDied:
    def test_after_a_yes_tells_the_end_when_it_is_back(self, tmp_path: Path, clock: FakeClock) -> None:
        """Whoever carried it on meanwhile, the chat hears how it ended; once."""
        with group(tmp_path / "home", clock=clock) as chat:
            draft = chat.card(ALEX, STREAMLY)
            home, bridge = chat.home, chat.bridge
            bridge.copies = 0
            bridge_url = bridge.webhook
            (waiting,) = _waiting(chat)
            chat.room._stopping.set()
            execution = home.engine.confirm(waiting.id, draft_hash=waiting.draft_hash, member="Sam")
            home.engine.execute(execution.id, wait_s=60)
            before = len(bridge.sent)
            bridge.copies = 1
            with served(home, bridge) as again:
                assert bridge.wait_for(lambda sent: len(sent) > before)
                again.settle()
                (done,) = bridge.sent[before:]
                assert (done.text or "").startswith("Done: Cancel Streamly")
                assert again.taps(SAM, draft) == []
            with served(home, bridge) as once_more:
                once_more.says(SAM, "halo")
                assert [one.text for one in bridge.sent[before + 1 :] if (one.text or "").startswith("Done")] == []
            bridge.webhook = bridge_url

    def test_while_it_sent_a_card_sends_it_again(self, tmp_path: Path, clock: FakeClock) -> None:
        """Whether it was shown nobody knows: it is shown again, and both are the same terms."""
        with group(tmp_path / "home", clock=clock) as chat:
            draft = chat.card(ALEX, STREAMLY)
            home, bridge = chat.home, chat.bridge
            with Correspondence.open(home.settings, clock=clock) as kept:
                message = kept.shown_in(draft.guid)
                assert message is not None
                kept.mark(message, MessageStatus.SENDING)
            with served(home, bridge) as again:
                answers = again.says(SAM, "halo")
                assert any((one.text or "").startswith("Draft: Cancel Streamly") for one in answers)


class TestTheWayOut:
    def test_carries_no_password_into_a_log(self, chat: Group, caplog: pytest.LogCaptureFixture) -> None:
        """At the most talkative level of every library."""
        caplog.set_level("DEBUG")
        chat.card(ALEX, STREAMLY)
        assert "canary-bridge-password" not in caplog.text
        assert "canary-bridge-password" not in repr(BridgeClient.__dict__)

    def test_never_replies_inline(self, chat: Group) -> None:
        """The bridge tells of an answer to an inline reply as one to the message at the root, so it would be about the wrong card."""
        first = chat.card(ALEX, "halo order 2 packs of AA batteries")
        chat.says(ALEX, "make it 3", to=first)
        assert [message.reply_to for message in chat.bridge.sent] == [None, None]


def _waiting(chat: Group) -> tuple[Draft, ...]:
    with chat.home.queries() as queries:
        return queries.waiting()


def _tries(chat: Group) -> int:
    with Correspondence.open(chat.home.settings, clock=chat.home.clock) as kept:
        return len(kept.undelivered())


def _statuses(chat: Group) -> dict[str, MessageStatus]:
    with Correspondence.open(chat.home.settings, clock=chat.home.clock) as kept:
        found = {message.guid: kept.shown_in(message.guid) for message in chat.bridge.thread}
    return {guid: message.status for guid, message in found.items() if message}
