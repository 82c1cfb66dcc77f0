"""Which message showed which card, and which messages of others were acted on already. Never what anybody said."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, exists, func, insert, select, update
from sqlalchemy.orm import aliased
from sqlmodel import col

from halo_engine.model.card import CardKind
from halo_engine.model.ids import can_be_looked_up
from halo_engine.model.message import HEARD, TAKEN_BACK, UNDER_WAY, WAITING, CardMessage, MessageStatus
from halo_engine.store import tables


class Messages:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, message: CardMessage) -> None:
        self._connection.execute(insert(tables.CardMessage), {**message.model_dump(), "status": message.status.value})

    def get(self, household_id: str, message_id: str) -> CardMessage | None:
        """Whatever is kept under that id, which may be anybody's."""
        if not can_be_looked_up(message_id):
            return None
        row = self._connection.execute(_ONE, {"of": household_id, "which": message_id}).mappings().first()
        return _value(row) if row else None

    def shown_in(self, household_id: str, message_id: str) -> CardMessage | None:
        """The message of that id if it showed a card."""
        message = self.get(household_id, message_id)
        return message if message and message.card_kind not in (HEARD, TAKEN_BACK) else None

    def claim(self, message: CardMessage) -> bool:
        """Keep that somebody's message is acted on. False where it was kept before: then nothing more may come of it."""
        if self.get(message.household_id, message.message_id) is not None:
            return False
        self.add(message)
        return True

    def take_back(self, message: CardMessage) -> None:
        """Keep when a tapback was last taken back."""
        before = self.get(message.household_id, message.message_id)
        if before is None:
            self.add(message)
        elif before.sent_at < message.sent_at:
            self._connection.execute(_BECOMES, {"of_message": message.message_id, "sent_at": message.sent_at})

    def sent(self, before: CardMessage, message_id: str) -> None:
        """The bridge took it, and calls it `message_id`. Earlier tries to show the same are of no interest any more."""
        became = {"message_id": message_id, "status": MessageStatus.SENT.value}
        self._connection.execute(_BECOMES, {"of_message": before.message_id, **became})
        for other in self.undelivered(before.household_id):
            if other.shows == before.shows:
                self.mark(other, MessageStatus.REPLACED)

    def said(self, before: CardMessage, message_id: str) -> None:
        """The bridge took a sentence about a card, and calls it `message_id`. The card itself was not shown by that."""
        became = {"message_id": message_id, "status": MessageStatus.SAID.value}
        self._connection.execute(_BECOMES, {"of_message": before.message_id, **became})

    def mark(self, message: CardMessage, status: MessageStatus) -> None:
        self._connection.execute(_BECOMES, {"of_message": message.message_id, "status": status.value})

    def answered(self, question: CardMessage) -> None:
        """A question that was asked in a chat waits there no more."""
        which = {"of": question.household_id, "chat": question.chat_id, "request": question.request_id, "kind": question.card_kind}
        self._connection.execute(_ANSWERED, {**which, "status": MessageStatus.ANSWERED.value})

    def forget_heard(self, household_id: str, *, before: datetime) -> None:
        """Drop what was kept of other people's messages, and of tapbacks that were taken back, before that time."""
        self._connection.execute(_FORGET, {"of": household_id, "before": before})

    def lost_on_the_way(self, household_id: str) -> None:
        """Nobody is sending at this moment: what was being sent when a process died was not shown, as far as is known."""
        became = {"status": MessageStatus.NOT_RENDERED.value}
        self._connection.execute(_LOST, {"of": household_id, "from_status": MessageStatus.SENDING.value, **became})

    def undelivered(self, household_id: str) -> tuple[CardMessage, ...]:
        """Tries to show a card that failed, newest first."""
        return self._all(_OF_STATUS, of=household_id, of_status=MessageStatus.NOT_RENDERED.value)

    def tries(self, household_id: str) -> Counter[tuple[str | None, ...]]:
        """How often it was tried to show each thing (`CardMessage.shows`), whatever came of it: a success must not start the count anew."""
        rows = self._connection.execute(_TRIES, {"of": household_id})
        return Counter({tuple(row[:-1]): row[-1] for row in rows})

    def waiting(self, household_id: str, chat_id: str, *, limit: int) -> tuple[CardMessage, ...]:
        """The newest cards in a chat that waited for an answer when they were sent, newest first."""
        return self._all(_WAITING.limit(limit), of=household_id, chat=chat_id)

    def is_told(self, execution_id: str, kind: CardKind, *, chat_id: str) -> bool:
        """Whether a card of `kind`, or one that says how it ended, was sent to the chat or is to be sent again; not one that was given up."""
        told = {row.card_kind for row in self._connection.execute(_TOLD, {"which": execution_id, "chat": chat_id})}
        return kind.value in told or bool(told - {under_way.value for under_way in UNDER_WAY})

    def ends_to_tell(self, household_id: str) -> tuple[tuple[str, str], ...]:
        """Executions, and the chats in which the very terms they carry out were shown, that have not been told how it ended."""
        rows = self._connection.execute(_ENDS, {"of": household_id})
        return tuple((row.execution_id, row.chat_id) for row in rows)

    def _all(self, statement: Any, **parameters: Any) -> tuple[CardMessage, ...]:
        return tuple(_value(row) for row in self._connection.execute(statement, parameters).mappings())


def _value(row: Any) -> CardMessage:
    return CardMessage.model_validate(dict(row))


_HOUSEHOLDS = select(*tables.columns_of(tables.CardMessage)).where(col(tables.CardMessage.household_id) == bindparam("of"))
_NEWEST_FIRST = (col(tables.CardMessage.sent_at).desc(), col(tables.CardMessage.message_id).desc())
_ONE = _HOUSEHOLDS.where(col(tables.CardMessage.message_id) == bindparam("which"))
_OF_STATUS = _HOUSEHOLDS.where(col(tables.CardMessage.status) == bindparam("of_status")).order_by(*_NEWEST_FIRST)
_WAITING = _HOUSEHOLDS.where(
    col(tables.CardMessage.chat_id) == bindparam("chat"),
    col(tables.CardMessage.status) == MessageStatus.SENT.value,
    col(tables.CardMessage.card_kind).in_([kind.value for kind in WAITING]),
).order_by(*_NEWEST_FIRST)
_TOLD = select(col(tables.CardMessage.card_kind)).where(
    col(tables.CardMessage.execution_id) == bindparam("which"),
    col(tables.CardMessage.chat_id) == bindparam("chat"),
    col(tables.CardMessage.status) != MessageStatus.REPLACED.value,
)
_BECOMES = update(tables.CardMessage).where(col(tables.CardMessage.message_id) == bindparam("of_message"))
_ANSWERED = update(tables.CardMessage).where(
    col(tables.CardMessage.household_id) == bindparam("of"),
    col(tables.CardMessage.chat_id) == bindparam("chat"),
    col(tables.CardMessage.request_id) == bindparam("request"),
    col(tables.CardMessage.card_kind) == bindparam("kind"),
    col(tables.CardMessage.status).in_([MessageStatus.SENT.value, MessageStatus.NOT_RENDERED.value]),
)
_FORGET = delete(tables.CardMessage).where(
    col(tables.CardMessage.household_id) == bindparam("of"),
    col(tables.CardMessage.card_kind).in_([HEARD, TAKEN_BACK]),
    col(tables.CardMessage.sent_at) < bindparam("before"),
)
#: In the order of `CardMessage.shows`.
_WHAT_IS_SHOWN = (
    col(tables.CardMessage.chat_id),
    col(tables.CardMessage.card_kind),
    col(tables.CardMessage.request_id),
    col(tables.CardMessage.draft_id),
    col(tables.CardMessage.draft_hash),
    col(tables.CardMessage.execution_id),
)
_TRIES: Any = (
    select(*_WHAT_IS_SHOWN, func.count())
    .where(
        col(tables.CardMessage.household_id) == bindparam("of"),
        col(tables.CardMessage.status).not_in([MessageStatus.SAID.value, MessageStatus.HEARD.value]),
    )
    .group_by(*_WHAT_IS_SHOWN)
)
_LOST = update(tables.CardMessage).where(
    col(tables.CardMessage.household_id) == bindparam("of"), col(tables.CardMessage.status) == bindparam("from_status")
)

_end = aliased(tables.CardMessage)
_ENDS: Any = (
    select(col(tables.Execution.id).label("execution_id"), col(tables.CardMessage.chat_id).label("chat_id"))
    .join(
        tables.CardMessage,
        (col(tables.CardMessage.draft_id) == col(tables.Execution.draft_id))
        & (col(tables.CardMessage.draft_hash) == col(tables.Execution.draft_hash)),
    )
    .where(
        col(tables.Execution.household_id) == bindparam("of"),
        ~exists().where(
            col(_end.execution_id) == col(tables.Execution.id),
            col(_end.chat_id) == col(tables.CardMessage.chat_id),
            col(_end.card_kind).not_in([kind.value for kind in UNDER_WAY]),
            # What was given up because it stood no more was told to nobody, unless another message showed the same.
            col(_end.status) != MessageStatus.REPLACED.value,
        ),
    )
    .distinct()
    .order_by(col(tables.Execution.id), col(tables.CardMessage.chat_id))
)
