"""What comes of what was said in the thread: who said it, about which card, and what is answered.

What a yes means is not decided here but in `halo_engine.thread`. This finds the member and the card that was shown, sees to it that nothing counts
twice, and stays silent where a person would: to strangers, to thanks, to a reaction that was taken back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from halo_engine.clock import Clock
from halo_engine.correspondence import Correspondence
from halo_engine.model.card import Button, Card, CardKind
from halo_engine.model.household import Member
from halo_engine.model.message import CardMessage, MessageStatus
from halo_engine.model.reply import Reply, Tapback
from halo_engine.model.text import without_commands
from halo_engine.thread import Door, Thread, Turn
from server.bridge import words
from server.bridge.inbound import Answered, Heard, Invoked, SendFailed, Tapped
from server.bridge.postman import Postman
from server.bridge.shown import Shown

#: A Mac that was asleep delivers what was said hours ago as if it were new. What is older than this is not acted on.
_LATE = timedelta(minutes=10)
#: By how much the Mac's clock may be behind Halo's. Words can only be about a card that was there when they were spoken.
_CLOCKS = timedelta(seconds=1)
_AGAIN = frozenset({"again", "retry", "try again", "ask again", "once more"})
_AGAIN_BUTTONS = frozenset({Button.ASK_AGAIN, Button.RETRY})


class Conversation:
    """One thread of one household."""

    def __init__(
        self,
        door: Door,
        kept: Correspondence,
        shown: Shown,
        postman: Postman,
        clock: Clock,
        *,
        invocation: str,
        question_lives_s: int,
    ) -> None:
        self._door, self._thread = door, Thread(door, channel="messages", wording=words.WITHOUT_BUTTONS)
        self._kept, self._shown, self._postman, self._clock = kept, shown, postman, clock
        self._invocation, self._question_lives = invocation, timedelta(seconds=question_lives_s)
        self._last_told_late: datetime | None = None

    def take(self, heard: Heard) -> None:
        """Act on one thing that was heard, once."""
        if isinstance(heard, SendFailed):
            self._postman.failed(heard.message)
            return
        member = self._kept.whose(heard.sender) if heard.sender else None
        if member is None:
            self._from_a_stranger(heard)
        elif isinstance(heard, Tapped) and heard.removed:
            # It says nothing and undoes nothing; only, the tapback itself must not count if it comes after this.
            self._kept.take_back(_tap(heard, member), chat_id=heard.chat_id, at=heard.at)
        elif self._kept.claim(heard.message_id, chat_id=heard.chat_id):
            self._from(member, heard)

    def _from_a_stranger(self, heard: Invoked | Answered | Tapped) -> None:
        """Nothing is answered, since an answer would tell that there is somebody to talk to. An answer to a card is kept, as it is of members."""
        if isinstance(heard, Invoked) or (isinstance(heard, Tapped) and heard.removed):
            return
        if self._kept.claim(heard.message_id, chat_id=heard.chat_id):
            on, how = (heard.on, "tapback") if isinstance(heard, Tapped) else (heard.to, "reply")
            self._kept.not_counted(on, how=how, address=heard.sender)

    def _from(self, member: Member, heard: Invoked | Answered | Tapped) -> None:
        match heard:
            case Invoked():
                self._invoked(member, heard)
            case Answered(to=message):
                self._about(message, member, heard)
            case Tapped(on=message) if message.status is MessageStatus.SAID:
                # A thumb on a sentence agrees with the sentence; nobody had the terms before their eyes.
                pass
            case Tapped(on=message) if not self._kept.was_taken_back(_tap(heard, member), at=heard.at):
                self._about(message, member, heard)

    # Words that point at no card

    def _invoked(self, member: Member, heard: Invoked) -> None:
        chat_id, now = heard.chat_id, self._clock.now()
        if now - heard.at > _LATE:
            # Once for all that comes at once.
            if self._last_told_late is None or now - self._last_told_late > _LATE:
                self._say(words.TOO_LATE, member, chat_id)
            self._last_told_late = now
        elif not heard.text.strip():
            self._say(words.NOTHING_SAID.format(invocation=self._invocation), member, chat_id)
        else:
            waiting = self._that_wait(member, heard, now)
            cards = tuple(waiting.values())
            turn = self._thread.say(heard.text, member=member.id, waiting=cards)
            if turn.ends and cards:
                self._kept.answered(next(message for message, card in waiting.items() if card is cards[0]))
            self._tell(turn, member, chat_id, about=cards)

    def _that_wait(self, member: Member, heard: Invoked, now: datetime) -> dict[CardMessage, Card]:
        """The cards that the words may be about, newest first, each once: those that were there when they were spoken and still stand."""
        found: dict[CardMessage, Card] = {}
        for message in self._kept.waiting(heard.chat_id):
            is_old = message.card_kind == CardKind.CLARIFICATION and now - message.sent_at > self._question_lives
            if is_old or message.sent_at > heard.at + _CLOCKS or any(message.shows == newer.shows for newer in found):
                continue
            card = self._shown.standing(message)
            if card and (Button.CONFIRM in card.buttons or (card.kind is CardKind.CLARIFICATION and card.asked_by == member.id)):
                found[message] = card
        return found

    # Answers to a card

    def _about(self, message: CardMessage, member: Member, heard: Answered | Tapped) -> None:
        card = self._shown.card(message)
        if card is None:
            is_question = message.card_kind == CardKind.CLARIFICATION
            self._say(words.ANSWERED_ALREADY if is_question else words.CANNOT_BE_FOUND, member, heard.chat_id)
        elif _AGAIN_BUTTONS.intersection(card.buttons):
            self._again(message, card, member, heard)
        elif isinstance(heard, Tapped):
            self._tapped(message, card, member, heard)
        elif confirmed := self._shown.confirmed(message):
            self._tell(Turn(card=confirmed, note=words.CONFIRMED_ALREADY), member, heard.chat_id)
        else:
            turn = self._thread.reply(heard.text, member=member.id, to=card)
            if turn.ends:
                self._kept.answered(message)
            self._tell(turn, member, heard.chat_id, about=(card,))

    def _tapped(self, message: CardMessage, card: Card, member: Member, heard: Tapped) -> None:
        if Button.CONFIRM not in card.buttons:
            # A heart for a card that is done is thanks.
            return
        confirmed = self._shown.confirmed(message)
        if confirmed is None:
            self._tell(self._thread.tap(heard.tapback, member=member.id, on=card), member, heard.chat_id, about=(card,))
        elif heard.tapback is Tapback.DISLIKE:
            self._tell(Turn(card=confirmed, note=words.CONFIRMED_ALREADY), member, heard.chat_id)

    def _again(self, message: CardMessage, card: Card, member: Member, heard: Answered | Tapped) -> None:
        """A draft whose time was over, or a failure: a yes to it is a new draft, which spends nothing. Once a card."""
        if not self._says_again(card, heard):
            if isinstance(heard, Answered):
                self._tell(self._thread.reply(heard.text, member=member.id, to=card), member, heard.chat_id, about=(card,))
            return
        if message.status is MessageStatus.ANSWERED:
            self._say(words.ASKED_AGAIN_ALREADY, member, heard.chat_id)
            return
        button = next(one for one in card.buttons if one in _AGAIN_BUTTONS)
        turn = self._thread.press(button, member=member.id, on=card)
        if turn.card and not turn.note:
            self._kept.mark(message, MessageStatus.ANSWERED)
        self._tell(turn, member, heard.chat_id)

    def _says_again(self, card: Card, heard: Answered | Tapped) -> bool:
        if isinstance(heard, Tapped):
            return heard.tapback is Tapback.LIKE
        said = " ".join(heard.text.casefold().strip(" .!").split())
        return said in _AGAIN or (card.request_id is not None and self._door.heard(heard.text, request_id=card.request_id) is Reply.CONFIRM)

    # What is answered

    def _tell(self, turn: Turn, member: Member, chat_id: str, *, about: Sequence[Card] = ()) -> None:
        """`about` are the cards in the thread that it may be about."""
        note = words.sentence(without_commands(turn.note), to=member.display_name, invocation=self._invocation) if turn.note else ""
        stands_as_shown = bool(turn.card and turn.card.draft_hash and turn.card.draft_hash in {card.draft_hash for card in about})
        if turn.card and not (note and stands_as_shown):
            self._postman.card(turn.card, chat_id=chat_id, note=note)
        elif note:
            # The card itself is in the thread already. Where several wait, a reply to the sentence would say nothing of which is meant.
            self._postman.sentence(note, chat_id=chat_id, about=about[0] if len(about) == 1 else None)

    def _say(self, text: str, member: Member, chat_id: str) -> None:
        sentence = words.sentence(text, to=member.display_name, invocation=self._invocation)
        self._postman.sentence(sentence, chat_id=chat_id, about=None)


def _tap(heard: Tapped, member: Member) -> str:
    """Whose tapback on which message, and which one."""
    return f"{heard.on.message_id}\n{member.id}\n{heard.tapback.value}"
