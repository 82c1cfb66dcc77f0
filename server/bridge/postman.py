"""Sends cards and sentences to the thread, keeps which message showed which card, and sends again what nobody was shown.

A card that was not delivered is not a card that was declined: its draft waits as it did, and it is sent again, a bounded number of times.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Protocol

from halo_engine.clock import Clock
from halo_engine.correspondence import Correspondence
from halo_engine.model.card import Card
from halo_engine.model.message import CardMessage, MessageStatus
from server.bridge import words
from server.bridge.client import BridgeClient, NotDelivered
from server.bridge.early import Early
from server.bridge.shown import Shown

log = logging.getLogger(__name__)

#: How long after a try the next one is made. Somebody who speaks to Halo need not wait for it.
_WAITS = tuple(timedelta(seconds=s) for s in (5, 30, 120, 600))
_MOST_TRIES = len(_WAITS) + 1


class Taken(Protocol):
    """Keeps what a message is called that the bridge took, and what it was."""

    def __call__(self, message: CardMessage, *, message_id: str) -> None: ...


class Postman:
    """One bridge's way out. Used by one thread at a time."""

    def __init__(
        self,
        client: BridgeClient,
        kept: Correspondence,
        shown: Shown,
        early: Early,
        clock: Clock,
        *,
        chats: frozenset[str],
        invocation: str,
    ) -> None:
        self._client, self._kept, self._shown, self._early, self._clock = client, kept, shown, early, clock
        self._chats, self._invocation = chats, invocation

    def card(self, card: Card, *, chat_id: str, note: str = "", execution_id: str | None = None) -> None:
        """Show `card`. `execution_id` is the execution whose end it tells, where the card is of another draft."""
        text = words.message(card, note=note, invocation=self._invocation)
        self._send(text, card, chat_id, execution_id, taken=self._kept.sent)

    def sentence(self, text: str, *, chat_id: str, about: Card | None) -> None:
        """Say something. A reply to it is an answer to the card that it is about; a reaction to it is none: what it shows is no terms."""
        if about is not None:
            self._send(text, about, chat_id, None, taken=self._kept.said)
            return
        try:
            self._client.send(text, chat_id=chat_id, temporary_id=self._temporary_id())
        except NotDelivered:
            log.warning("A sentence could not be delivered.")

    def send_again(self, *, at_once: bool) -> None:
        """What nobody was shown and still stands; `at_once` without waiting, because somebody is there."""
        # A chat that was taken off the list is not written to any more.
        failed = [message for message in self._kept.undelivered() if message.chat_id in self._chats]
        tries = self._kept.tries() if failed else {}
        for newest in {message.shows: message for message in reversed(failed)}.values():
            count = tries.get(newest.shows, 1)
            if count >= _MOST_TRIES or not (at_once or self._clock.now() >= newest.sent_at + _WAITS[count - 1]):
                continue
            card = self._shown.standing(newest)
            if card is None:
                for message in failed:
                    if message.shows == newest.shows:
                        self._kept.mark(message, MessageStatus.REPLACED)
            else:
                self.card(card, chat_id=newest.chat_id, execution_id=newest.execution_id)

    def failed(self, message: CardMessage) -> None:
        """The bridge says that this one was not delivered after all."""
        if message.status in (MessageStatus.SENT, MessageStatus.SENDING):
            self._kept.mark(message, MessageStatus.NOT_RENDERED)

    def _send(self, text: str, card: Card, chat_id: str, execution_id: str | None, *, taken: Taken) -> None:
        message = self._kept.sending(card, temporary_id=self._temporary_id(), chat_id=chat_id, execution_id=execution_id)
        with self._early.sending():
            try:
                message_id = self._client.send(text, chat_id=chat_id, temporary_id=message.message_id)
            except NotDelivered:
                self._kept.mark(message, MessageStatus.NOT_RENDERED)
                log.warning("A card could not be delivered; it is sent again.")
                return
            taken(message, message_id=message_id)

    def _temporary_id(self) -> str:
        return f"halo-{self._clock.token_hex(12)}"
