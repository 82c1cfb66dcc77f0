"""A bridge to a thread of messages, as BlueBubbles is one, with a group chat inside. Its thread is the judge of what was really sent.

People act by its methods (`says`, `taps`, `untaps`), and each act is posted to a webhook as the real bridge posts it. Deliveries can be lost,
doubled, held back and turned round, and sends can fail in the ways they do: refused, timed out, taken and lost later. It knows nothing of Halo.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Literal

import httpx

from halo_engine.clock import Clock

#: As the Mac's own database numbers them; taken back is a thousand more.
TAPBACKS: Mapping[str, int] = {"love": 2000, "like": 2001, "dislike": 2002, "laugh": 2003, "emphasize": 2004, "question": 2005}

#: How a send goes wrong: refused; sent, but the answer is an error; taken and reported as not delivered later; no answer at all.
SendFault = Literal["refused", "sent_but_error", "lost_later", "no_guid", "silence"]

Event = Mapping[str, Any]


@dataclass(frozen=True)
class Message:
    """One entry of the thread. `handle` is empty for what was sent through the bridge."""

    guid: str
    handle: str
    text: str | None
    at: datetime
    reply_to: str | None = None
    tapback: str | None = None
    on: str | None = None
    removed: bool = False
    temp_guid: str | None = None
    #: Whether people in the chat see it.
    delivered: bool = True

    @property
    def is_from_me(self) -> bool:
        return not self.handle


@dataclass
class Chat:
    """A group. `numbered` tapbacks are what some versions of the bridge send instead of names."""

    guid: str = "iMessage;+;chat4815162342"
    name: str = "Home"
    participants: list[str] = field(default_factory=list)


class Bridge:
    """The state of one bridge with one chat. Every method may be called from any thread."""

    def __init__(
        self,
        clock: Clock,
        *,
        chat: Chat | None = None,
        password: str = "bb-sim-password",  # noqa: S107 - made up
        webhook: str | None = None,
    ) -> None:
        self.chat, self.password, self.webhook = chat or Chat(), password, webhook
        self._clock = clock
        self._changed = threading.Condition()
        self._numbers = count(1)
        self._thread: list[Message] = []
        self._faults: list[SendFault] = []
        self._held: list[Event] | None = None
        #: How often each event is delivered; 0 loses it.
        self.copies = 1
        #: Whether tapbacks have numbers instead of names.
        self.numbered = False
        #: What people do with a message that they see before the bridge has answered whoever sent it.
        self.before_answer: Callable[[Message], object] | None = None
        #: The status of each delivery; 0 where nobody answered.
        self.answers: list[int] = []

    # What people do

    def says(self, handle: str, text: str, *, reply_to: str | None = None, ago: timedelta = timedelta(0)) -> Message:
        """Somebody writes, perhaps as an inline reply; `ago` is how long ago that was."""
        message = Message(guid=self._guid(), handle=handle, text=text, at=self._clock.now() - ago, reply_to=reply_to)
        return self._happens(message)

    def taps(self, handle: str, guid: str, kind: str, *, ago: timedelta = timedelta(0)) -> Message:
        """Somebody reacts to a message."""
        return self._taps(handle, guid, kind, ago, removed=False)

    def untaps(self, handle: str, guid: str, kind: str, *, ago: timedelta = timedelta(0)) -> Message:
        """Somebody takes a reaction back."""
        return self._taps(handle, guid, kind, ago, removed=True)

    def edits(self, guid: str, text: str) -> None:
        """Somebody changes what they wrote."""
        with self._changed:
            place, before = next((place, one) for place, one in enumerate(self._thread) if one.guid == guid)
            self._thread[place] = after = replace(before, text=text)
        self.deliver(self.event(after, kind="updated-message"))

    def _taps(self, handle: str, guid: str, kind: str, ago: timedelta, *, removed: bool) -> Message:
        at = self._clock.now() - ago
        message = Message(guid=self._guid(), handle=handle, text=None, at=at, tapback=kind, on=guid, removed=removed)
        if kind not in TAPBACKS:
            raise ValueError(f"{kind!r} is not one of: {', '.join(TAPBACKS)}")
        return self._happens(message)

    def _happens(self, message: Message) -> Message:
        with self._changed:
            self._thread.append(message)
            self._changed.notify_all()
        self.deliver(self.event(message))
        return message

    # What went wrong

    def fail_sends(self, *faults: SendFault) -> None:
        """What the next sends come to."""
        with self._changed:
            self._faults.extend(faults)

    @contextmanager
    def holding(self) -> Iterator[list[Event]]:
        """Events of this block are held back, and delivered at its end as the list stands then: turn it round, or double or drop some."""
        held: list[Event] = []
        self._held = held
        try:
            yield held
        finally:
            self._held = None
            for event in held:
                self.deliver(event)

    # What comes of it

    @property
    def thread(self) -> tuple[Message, ...]:
        """Everything in the chat, oldest first."""
        with self._changed:
            return tuple(self._thread)

    @property
    def sent(self) -> tuple[Message, ...]:
        """What came through the bridge and can be seen, oldest first."""
        return tuple(message for message in self.thread if message.is_from_me and message.delivered)

    def wait_for(self, holds: Callable[[Sequence[Message]], bool], *, timeout_s: float = 20) -> bool:
        """Wait until it holds of what was sent."""
        with self._changed:
            return self._changed.wait_for(lambda: holds([one for one in self._thread if one.is_from_me and one.delivered]), timeout_s)

    def send(self, body: Mapping[str, Any]) -> tuple[int, Event | None]:
        """`POST /api/v1/message/text`: the status and the answer; no answer where the connection is to be broken."""
        with self._changed:
            fault = self._faults.pop(0) if self._faults else None
        if body.get("chatGuid") != self.chat.guid:
            return 500, _error(500, "Chat does not exist!")
        if not body.get("message") or (body.get("method", "apple-script") == "apple-script" and not body.get("tempGuid")):
            return 400, _error(400, "A 'tempGuid' and a 'message' are required.")
        if fault == "refused":
            return 500, _error(500, "Message Send Error")
        message = Message(
            guid=self._guid(),
            handle="",
            text=str(body["message"]),
            at=self._clock.now(),
            reply_to=body.get("selectedMessageGuid"),
            temp_guid=body.get("tempGuid"),
            delivered=fault not in ("lost_later", "silence"),
        )
        with self._changed:
            self._thread.append(message)
            self._changed.notify_all()
        if fault == "silence":
            return 0, None
        # The echo often comes before the answer does.
        self.deliver(self.event(message))
        if self.before_answer:
            self.before_answer(message)
        return self._answer(message, fault)

    def _answer(self, message: Message, fault: SendFault | None) -> tuple[int, Event | None]:
        if fault == "sent_but_error":
            return 500, _error(500, "Message Send Error")
        data = {**self.event(message)["data"], "tempGuid": message.temp_guid}
        if fault == "no_guid":
            data = {**data, "guid": None}
        return 200, {"status": 200, "message": "Message sent!", "data": data}

    def loses(self, guid: str) -> None:
        """What was sent turns out not to be delivered, and the bridge says so."""
        with self._changed:
            place, before = next((place, one) for place, one in enumerate(self._thread) if one.guid == guid)
            self._thread[place] = after = replace(before, delivered=False)
        event = self.event(after, kind="message-send-error")
        self.deliver({**event, "data": {**event["data"], "error": 22}})

    # Webhooks

    def event(self, message: Message, *, kind: str = "new-message") -> Event:
        """A message as the bridge tells of it."""
        tapback: str | int | None = None
        if message.tapback:
            number = TAPBACKS[message.tapback] + (1000 if message.removed else 0)
            tapback = number if self.numbered else ("-" if message.removed else "") + message.tapback
        data = {
            "originalROWID": len(self._thread),
            "guid": message.guid,
            "text": message.text,
            "handle": {"originalROWID": 3, "address": message.handle, "service": "iMessage"} if message.handle else None,
            "handleId": 3 if message.handle else 0,
            "attachments": [],
            "subject": None,
            "error": 0,
            "dateCreated": int(message.at.timestamp() * 1000),
            "dateRead": None,
            "dateDelivered": None,
            "isFromMe": message.is_from_me,
            "itemType": 0,
            "groupTitle": None,
            "groupActionType": 0,
            "balloonBundleId": None,
            "associatedMessageGuid": f"p:0/{message.on}" if message.on else None,
            "associatedMessageType": tapback,
            "expressiveSendStyleId": None,
            "threadOriginatorGuid": message.reply_to,
            "chats": [{"guid": self.chat.guid, "displayName": self.chat.name, "style": 43, "isArchived": False}],
        }
        return {"type": kind, "data": data}

    def deliver(self, event: Event | bytes) -> None:
        """Post it to the webhook, as often as `copies` says; hold it back inside `holding`. Bytes are posted as they are."""
        if self._held is not None and not isinstance(event, bytes):
            self._held.append(event)
            return
        for _ in range(self.copies if self.webhook else 0):
            self._post(event if isinstance(event, bytes) else json.dumps(event).encode())

    def _post(self, body: bytes) -> None:
        try:
            with httpx.Client(trust_env=False, timeout=10) as client:
                status = client.post(str(self.webhook), content=body, headers={"content-type": "application/json"}).status_code
        except httpx.HTTPError:
            # The real one does not try again either.
            status = 0
        with self._changed:
            self.answers.append(status)
            self._changed.notify_all()

    def _guid(self) -> str:
        return f"{next(self._numbers):08X}-5151-4B1D-9E0C-{self._clock.token_hex(6).upper()}"


def _error(status: int, message: str) -> Event:
    return {"status": status, "message": message, "error": {"type": "iMessage Error", "message": message}, "data": None}
