"""What a thread of messages is made of: by what a member is known there, and which card a message showed."""

from __future__ import annotations

import re
from enum import StrEnum

from pydantic import AwareDatetime

from halo_engine.model.card import Card, CardKind
from halo_engine.model.errors import InvalidInput
from halo_engine.model.household import Member
from halo_engine.model.value import Value

_PHONE = re.compile(r"\+?[\d\s().\-/]{3,40}")
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,190}")


def normal_address(text: str) -> str:
    """One form for each handle: a phone number as `+` and digits, or bare digits where no country is named; an e-mail address in lower case.

    Raises `InvalidInput` for anything else, without repeating it.
    """
    given = text.strip()
    if given.isascii() and given.isprintable():
        if _EMAIL.fullmatch(given):
            return given.lower()
        digits = re.sub(r"\D", "", given)
        if _PHONE.fullmatch(given) and 3 <= len(digits) <= 15:
            return f"+{digits}" if given.startswith("+") else digits
    raise InvalidInput("That is neither a phone number nor an e-mail address.", hint="Such as +14155550123 or ana@example.com.")


class MemberAddress(Value):
    """A handle, and whose it is."""

    address: str
    member: Member


class MessageStatus(StrEnum):
    """What became of a message."""

    #: Handed to the bridge, which has not answered yet.
    SENDING = "sending"
    SENT = "sent"
    #: Sent, as a sentence about the card: it can be replied to, but a reaction to it is none to the card.
    SAID = "said"
    #: Nobody was shown it. That is no answer of anybody's: the draft waits, and the card is sent again.
    NOT_RENDERED = "not_rendered"
    #: Another message shows the same, or what it showed does not stand any more.
    REPLACED = "replaced"
    #: Its one use was made of it, such as asking again.
    ANSWERED = "answered"
    #: Somebody else's message, which was acted on. Only that it was is kept.
    HEARD = "heard"


#: In `card_kind`, where a row is about no card.
HEARD, TAKEN_BACK = "heard", "taken_back"


class CardMessage(Value):
    """A message that showed a card; or, of kind `heard` or `taken_back`, somebody else's that must not count twice."""

    message_id: str
    household_id: str
    chat_id: str
    request_id: str | None = None
    draft_id: str | None = None
    draft_hash: str | None = None
    execution_id: str | None = None
    card_kind: str
    status: MessageStatus
    sent_at: AwareDatetime

    @property
    def shows(self) -> tuple[str | None, ...]:
        """What two messages have in common that show the same."""
        return (self.chat_id, self.card_kind, self.request_id, self.draft_id, self.draft_hash, self.execution_id)

    @classmethod
    def of(
        cls, card: Card, *, message_id: str, household_id: str, chat_id: str, at: AwareDatetime, execution_id: str | None
    ) -> CardMessage:
        """The message in which `card` is about to be sent. `execution_id` is the one whose end it tells, where that is not the card's own."""
        return cls(
            message_id=message_id,
            household_id=household_id,
            chat_id=chat_id,
            request_id=card.request_id,
            draft_id=card.draft_id,
            draft_hash=card.draft_hash,
            execution_id=execution_id or card.execution_id,
            card_kind=card.kind.value,
            status=MessageStatus.SENDING,
            sent_at=at,
        )


#: Cards of an execution that goes on.
UNDER_WAY = (CardKind.EXECUTING, CardKind.CHECKING)
#: Cards that wait for an answer.
WAITING = (CardKind.DRAFT, CardKind.TERMS_CHANGED, CardKind.CLARIFICATION)
