"""Whose a handle is, and which card a message showed: what a bridge to a thread of messages keeps. The bridge and `halo bridge` ask here.

Nothing anybody said passes through it. It opens the books itself, beside the engine: a message that was sent is a fact of the thread, not of a draft.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from datetime import datetime, timedelta
from functools import cached_property
from types import TracebackType
from typing import Self

from halo_engine.clock import Clock
from halo_engine.model import event
from halo_engine.model.card import Card, CardKind
from halo_engine.model.household import Member
from halo_engine.model.message import HEARD, TAKEN_BACK, CardMessage, MemberAddress, MessageStatus, normal_address
from halo_engine.settings import Settings
from halo_engine.store.bridge_files import BridgeFiles
from halo_engine.store.directory import prepare_directory
from halo_engine.store.session import Store, open_store

#: Of so many cards in a chat, one may still wait for an answer.
_LOOK_BACK = 20
#: How long it is kept that somebody's message was heard. No bridge delivers a message again after so long.
_HEARD_IS_KEPT = timedelta(days=30)


class Correspondence:
    """One household's handles and messages. A context manager."""

    def __init__(self, store: Store, clock: Clock, *, salt: bytes) -> None:
        self._store, self._clock, self._salt = store, clock, salt

    @classmethod
    def open(cls, settings: Settings, *, clock: Clock) -> Self:
        """Raises `NotFound` where this home has no key for a bridge, `StoreFailed` and its kinds for the books."""
        salt = BridgeFiles(settings.home).key().encode()
        prepare_directory(settings.home)
        return cls(open_store(database_file=settings.database_file, database_url=settings.database_address, clock=clock), clock, salt=salt)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._store.close()

    @cached_property
    def _home_id(self) -> str:
        with self._store.reading() as books:
            return books.households.home().id

    # Who

    def addresses(self) -> tuple[MemberAddress, ...]:
        with self._store.reading() as books:
            return books.addresses.all(self._home_id)

    def give_address(self, who: str, handle: str) -> MemberAddress:
        """Say that `handle` is the member's. Raises `InvalidInput`, `NotFound`, and `Conflict` where it is somebody else's."""
        address = normal_address(handle)
        with self._store.transaction() as books:
            member = books.households.member(self._home_id, who)
            if books.addresses.give(member, address):
                payload = event.AddressGiven(address_id=self._veiled(address))
                books.events.append(payload, household_id=member.household_id, entity_id=member.id)
        return MemberAddress(address=address, member=member)

    def take_address(self, handle: str) -> MemberAddress:
        """Forget a handle. Raises `InvalidInput` and `NotFound`."""
        address = normal_address(handle)
        with self._store.transaction() as books:
            member = books.addresses.take(self._home_id, address)
            payload = event.AddressTaken(address_id=self._veiled(address))
            books.events.append(payload, household_id=member.household_id, entity_id=member.id)
        return MemberAddress(address=address, member=member)

    def whose(self, address: str) -> Member | None:
        """The member whose the normalised address is."""
        with self._store.reading() as books:
            return books.addresses.whose(self._home_id, address)

    def not_counted(self, message: CardMessage, *, how: str, address: str) -> None:
        """Keep that somebody who is no member answered a card. Of who it was, only enough to tell two apart."""
        if message.draft_id is None:
            return
        payload = event.AnswerNotCounted(how=how, sender_id=self._veiled(address))
        with self._store.transaction() as books:
            books.events.append(payload, household_id=self._home_id, entity_id=message.draft_id)

    def _veiled(self, address: str) -> str:
        return hmac.new(self._salt, b"halo/address" + address.encode(errors="replace"), hashlib.sha256).hexdigest()[:16]

    # What was heard

    def claim(self, message_id: str, *, chat_id: str) -> bool:
        """Whether this message of somebody's is heard for the first time. It is kept that it was, and nothing else of it."""
        with self._store.transaction() as books:
            return books.messages.claim(self._kept(message_id, chat_id, HEARD, books.now))

    def was_heard(self, message_id: str) -> bool:
        with self._store.reading() as books:
            return books.messages.get(self._home_id, message_id) is not None

    def take_back(self, tap: str, *, chat_id: str, at: datetime) -> None:
        """Keep when a tapback was taken back: it may arrive before the tapback does. `tap` names whose and which it was."""
        with self._store.transaction() as books:
            books.messages.take_back(self._kept(self._tap_id(tap), chat_id, TAKEN_BACK, at))

    def was_taken_back(self, tap: str, *, at: datetime) -> bool:
        """Whether the tapback that was given at `at` has been taken back since."""
        with self._store.reading() as books:
            kept = books.messages.get(self._home_id, self._tap_id(tap))
        return kept is not None and kept.sent_at >= at

    def _tap_id(self, tap: str) -> str:
        return f"tap:{self._veiled(tap)}"

    def _kept(self, message_id: str, chat_id: str, kind: str, at: datetime) -> CardMessage:
        return CardMessage(
            message_id=message_id,
            household_id=self._home_id,
            chat_id=chat_id,
            card_kind=kind,
            status=MessageStatus.HEARD,
            sent_at=at,
        )

    # What was sent

    def shown_in(self, message_id: str) -> CardMessage | None:
        """The message of ours with that id, where it showed a card."""
        with self._store.reading() as books:
            return books.messages.shown_in(self._home_id, message_id)

    def sending(self, card: Card, *, temporary_id: str, chat_id: str, execution_id: str | None) -> CardMessage:
        """Keep that `card` is about to be sent."""
        with self._store.transaction() as books:
            message = CardMessage.of(
                card, message_id=temporary_id, household_id=self._home_id, chat_id=chat_id, at=books.now, execution_id=execution_id
            )
            books.messages.add(message)
            return message

    def sent(self, message: CardMessage, *, message_id: str) -> None:
        with self._store.transaction() as books:
            books.messages.sent(message, message_id)

    def said(self, message: CardMessage, *, message_id: str) -> None:
        """What was sent under `message` is a sentence about its card, which does not show it."""
        with self._store.transaction() as books:
            books.messages.said(message, message_id)

    def answered(self, question: CardMessage) -> None:
        """The question waits no more, though nothing took its place."""
        with self._store.transaction() as books:
            books.messages.answered(question)

    def mark(self, message: CardMessage, status: MessageStatus) -> None:
        with self._store.transaction() as books:
            books.messages.mark(message, status)

    def start(self) -> None:
        """Nobody else sends for this home: what a process that died was sending counts as not shown. What was heard long ago is forgotten."""
        with self._store.transaction() as books:
            books.messages.lost_on_the_way(self._home_id)
            books.messages.forget_heard(self._home_id, before=books.now - _HEARD_IS_KEPT)

    def undelivered(self) -> tuple[CardMessage, ...]:
        """Tries that failed, newest first."""
        with self._store.reading() as books:
            return books.messages.undelivered(self._home_id)

    def tries(self) -> Counter[tuple[str | None, ...]]:
        """How often it was tried to show each thing, by `CardMessage.shows`."""
        with self._store.reading() as books:
            return books.messages.tries(self._home_id)

    def waiting(self, chat_id: str) -> tuple[CardMessage, ...]:
        """The cards in a chat that waited for an answer when they were sent, newest first."""
        with self._store.reading() as books:
            return books.messages.waiting(self._home_id, chat_id, limit=_LOOK_BACK)

    def ends_to_tell(self) -> tuple[tuple[str, str], ...]:
        """Executions and chats that wait to be told how it ended."""
        with self._store.reading() as books:
            return books.messages.ends_to_tell(self._home_id)

    def is_told(self, execution_id: str, kind: CardKind, *, chat_id: str) -> bool:
        """Whether the chat has a card of `kind` of this execution, or one that says how it ended."""
        with self._store.reading() as books:
            return books.messages.is_told(execution_id, kind, chat_id=chat_id)
