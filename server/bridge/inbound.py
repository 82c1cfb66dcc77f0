"""What may be read of what a bridge tells: words that begin with the household's invocation word, and answers to cards that Halo sent.

A household's thread is theirs. Everything else is dropped here, before it is kept, counted or logged anywhere; no error here carries any of it. The
order of the checks is the rule: whose message and which chat first, and the words last, and only of a message that may be read.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from halo_engine.model.errors import InvalidInput
from halo_engine.model.message import CardMessage, normal_address
from halo_engine.model.reply import Tapback

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: The year 2100: what is later is no time at which anybody wrote.
_LAST_MS = 4_102_444_800_000
_MAX_ID_CHARS = 200
_SEND_FAILED, _NEW, _UPDATED = "message-send-error", "new-message", "updated-message"
#: `p:0/GUID` names a part of a message, `bp:GUID` its balloon.
_PART = re.compile(r"(?:p:\d{1,4}/|bp:)")
_NUMBERED = dict(enumerate(Tapback, 2000))


class Webhook(BaseModel):
    """What a bridge posts. Fields that are none of Halo's business are not even kept here."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    type: str = Field(max_length=100)
    data: Any = Field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Invoked:
    """Somebody spoke to Halo. `text` is without the word by which they did."""

    message_id: str
    chat_id: str
    sender: str
    at: datetime
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answered:
    """Somebody replied to a card."""

    message_id: str
    chat_id: str
    sender: str
    at: datetime
    to: CardMessage
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Tapped:
    """Somebody reacted to a card, or took a reaction back."""

    message_id: str
    chat_id: str
    sender: str
    at: datetime
    on: CardMessage
    tapback: Tapback
    removed: bool


@dataclass(frozen=True, slots=True)
class SendFailed:
    """A card of Halo's was not delivered."""

    message: CardMessage


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A reaction to some message, which may turn out to be Halo's. There are no words in it."""

    message_id: str
    chat_id: str
    sender: str
    at: datetime
    on_id: str
    tapback: Tapback
    removed: bool

    def on(self, ours: Ours) -> Tapped | None:
        """What it is, if the message is Halo's."""
        message = _sent_to(self.chat_id, self.on_id, ours)
        return Tapped(self.message_id, self.chat_id, self.sender, self.at, message, self.tapback, self.removed) if message else None


Heard = Invoked | Answered | Tapped | SendFailed


class Ours(Protocol):
    """Finds the message of Halo's with an id."""

    def __call__(self, message_id: str) -> CardMessage | None: ...


def read(webhook: Webhook, *, chats: Collection[str], invocation: str, ours: Ours) -> Heard | None:
    """What was said to Halo, or None for everything that is not."""
    data = webhook.data
    if webhook.type not in (_SEND_FAILED, _NEW, _UPDATED) or not isinstance(data, Mapping):
        return None
    if webhook.type == _SEND_FAILED or (data.get("isFromMe") is True and data.get("error") not in (None, 0)):
        return _failed(data, ours)
    if (found := _somebodys(data, chats)) is None:
        return None
    message_id, chat_id, at = found
    if data.get("associatedMessageGuid"):
        return _tapped(data, message_id, chat_id, at, ours)
    # An edit of a message is not another one.
    return _words(data, message_id, chat_id, at, invocation, ours) if webhook.type == _NEW else None


def read_unplaced(webhook: Webhook, *, chats: Collection[str]) -> Unplaced | None:
    """A reaction to whatever message: for the moments in which Halo does not know yet by which GUID its own is called."""
    data = webhook.data
    if webhook.type not in (_NEW, _UPDATED) or not isinstance(data, Mapping) or (found := _somebodys(data, chats)) is None:
        return None
    (message_id, chat_id, at), kind = found, _kind(data.get("associatedMessageType"))
    on_id = _pointed_at(data.get("associatedMessageGuid"))
    return Unplaced(message_id, chat_id, _sender(data), at, on_id, *kind) if on_id and kind else None


def without_invocation(text: str, invocation: str) -> str | None:
    """What follows the invocation word; None where the text does not begin with it."""
    # "Halo's" and "halo-like" talk about it and not to it.
    found = re.match(rf"\s*{re.escape(invocation)}(?![\w'’‑-])[\s,:;.!?–—]*", text, re.IGNORECASE)
    return text[found.end() :] if found else None


def _somebodys(data: Mapping[str, Any], chats: Collection[str]) -> tuple[str, str, datetime] | None:
    """The GUID, the chat and the time of what somebody else wrote in a chat that counts."""
    # Exactly False: a bridge that does not say whose it is would have Halo talk to itself.
    if data.get("isFromMe") is not False or data.get("itemType") not in (None, 0) or data.get("dateRetracted"):
        return None
    message_id, chat_id, at = _identifier(data.get("guid")), _chat(data, chats), _time(data.get("dateCreated"))
    return None if message_id is None or chat_id is None or at is None else (message_id, chat_id, at)


def _words(data: Mapping[str, Any], message_id: str, chat_id: str, at: datetime, invocation: str, ours: Ours) -> Invoked | Answered | None:
    to = _ours(data.get("threadOriginatorGuid"), chat_id, ours)
    text = data.get("text")
    if not isinstance(text, str):
        return None
    spoken = without_invocation(text, invocation)
    if to is not None:
        return Answered(message_id, chat_id, _sender(data), at, to, text if spoken is None else spoken)
    return None if spoken is None else Invoked(message_id, chat_id, _sender(data), at, spoken)


def _tapped(data: Mapping[str, Any], message_id: str, chat_id: str, at: datetime, ours: Ours) -> Tapped | None:
    on = _ours(data["associatedMessageGuid"], chat_id, ours)
    kind = _kind(data.get("associatedMessageType"))
    if on is None or kind is None:
        return None
    tapback, removed = kind
    return Tapped(message_id, chat_id, _sender(data), at, on, tapback, removed)


def _kind(given: object) -> tuple[Tapback, bool] | None:
    """Which reaction, and whether it was taken back. Bridges give a name, its negation, or the number in the Mac's own database."""
    if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) == 4:
        given = int(given)
    if isinstance(given, int) and not isinstance(given, bool):
        removed = given >= 3000
        tapback = _NUMBERED.get(given - 1000 if removed else given)
        return (tapback, removed) if tapback else None
    name = given.removeprefix("-") if isinstance(given, str) else ""
    return (Tapback(name), name != given) if name in set(Tapback) else None


def _failed(data: Mapping[str, Any], ours: Ours) -> SendFailed | None:
    for name in ("guid", "tempGuid"):
        message_id = _identifier(data.get(name))
        if message_id and (message := ours(message_id)):
            return SendFailed(message)
    return None


def _ours(given: object, chat_id: str, ours: Ours) -> CardMessage | None:
    """The card that an answer points at: sent by Halo, and to this very chat."""
    message_id = _pointed_at(given)
    return _sent_to(chat_id, message_id, ours) if message_id else None


def _sent_to(chat_id: str, message_id: str, ours: Ours) -> CardMessage | None:
    message = ours(message_id)
    return message if message and message.chat_id == chat_id else None


def _pointed_at(given: object) -> str | None:
    """The GUID of a message, without the part of it that was meant."""
    message_id = _identifier(given)
    return _PART.sub("", message_id, count=1) if message_id and _PART.match(message_id) else message_id


def _identifier(given: object) -> str | None:
    fits = isinstance(given, str) and 0 < len(given) <= _MAX_ID_CHARS and given.isascii() and given.isprintable()
    return str(given) if fits else None


def _chat(data: Mapping[str, Any], chats: Collection[str]) -> str | None:
    listed = data.get("chats")
    guids = [chat.get("guid") for chat in listed[:50] if isinstance(chat, Mapping)] if isinstance(listed, list) else []
    return next((guid for guid in guids if isinstance(guid, str) and guid in chats), None)


def _time(given: object) -> datetime | None:
    """Milliseconds since 1970."""
    is_time = isinstance(given, int) and not isinstance(given, bool) and 0 < given < _LAST_MS
    return _EPOCH + timedelta(milliseconds=int(str(given))) if is_time else None


def _sender(data: Mapping[str, Any]) -> str:
    """The handle in its normal form; empty where there is none that anybody could have."""
    handle = data.get("handle")
    address = handle.get("address") if isinstance(handle, Mapping) else None
    try:
        return normal_address(address) if isinstance(address, str) else ""
    except InvalidInput:
        return ""
