"""The one thread in which a bridge's messages are acted on and cards are sent, in the order in which things happened.

The webhook only lays down what may be read and answers at once: a bridge does not wait for a vendor. Executions are carried on in threads of their
own, which lay down their news here too, so that "Executing" is always sent before "Done". Whatever a process that died did not say is found in the
books when the next one starts: an execution whose terms were shown in a chat, and a chat that has not been told how it ended.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial

from halo_engine.correspondence import Correspondence
from halo_engine.model.card import CardKind
from halo_engine.model.errors import HaloError
from halo_engine.model.message import UNDER_WAY
from halo_engine.store.bridge_files import BridgeFiles
from halo_engine.thread import Door
from server.bridge import words
from server.bridge.client import BridgeClient
from server.bridge.conversation import Conversation
from server.bridge.early import Early
from server.bridge.inbound import Heard, SendFailed, Webhook, read, read_unplaced
from server.bridge.postman import Postman
from server.bridge.shown import Shown
from server.home import Home

log = logging.getLogger(__name__)

#: More than a household says while a vendor is asked; beyond it the bridge is told to come back.
_MOST_WAITING = 200
_MOST_FOLLOWED = 20
#: How often it is looked whether a card is to be sent again or an end to be told.
_LOOK_S = 1.0
#: How long an execution is carried on before its stand is looked at, and how long after a failure of ours.
_CARRY_S, _REST_S = 2.0, 2.0


@dataclass(frozen=True, slots=True)
class _News:
    """An execution came to something that a chat should be told."""

    execution_id: str
    chat_id: str


class Full(Exception):
    """More is waiting than can be kept."""


class Room:
    """One thread of messages, served. A context manager: at its end what was begun is finished."""

    def __init__(
        self,
        door: Door,
        kept: Correspondence,
        postman: Postman,
        conversation: Conversation,
        early: Early,
        *,
        chats: frozenset[str],
        invocation: str,
    ) -> None:
        self._door, self._kept, self._postman, self._conversation = door, kept, postman, conversation
        self._early, self._chats, self._invocation = early, chats, invocation
        self._waiting: queue.SimpleQueue[Heard | _News | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._quiet = threading.Condition()
        #: What was laid down and is not done, executions that are followed among it.
        self._busy = 0
        self._following: set[tuple[str, str]] = set()
        self._threads: set[threading.Thread] = set()
        self._thread = threading.Thread(target=self._serve, name="bridge")

    def __enter__(self) -> Room:
        self._kept.start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._waiting.put(None)
        self._thread.join()
        for thread in list(self._threads):
            thread.join()

    def hear(self, webhook: Webhook) -> None:
        """Lay down what of it may be read; everything else is gone with the return. Raises `Full`, and what reading the books raises."""
        is_sending = self._early.is_sending()
        heard = read(webhook, chats=self._chats, invocation=self._invocation, ours=self._kept.shown_in)
        if heard is None and is_sending and (unplaced := read_unplaced(webhook, chats=self._chats)):
            heard = self._early.hold(unplaced)
        if heard is None or (not isinstance(heard, SendFailed) and self._kept.was_heard(heard.message_id)):
            return
        with self._quiet:
            if self._busy >= _MOST_WAITING:
                raise Full
        self._put(heard)

    def settle(self, timeout_s: float) -> bool:
        """Wait until everything that was laid down is done. True if it is."""
        with self._quiet:
            return self._quiet.wait_for(lambda: self._busy == 0, timeout=timeout_s)

    def _put(self, item: Heard | _News) -> None:
        with self._quiet:
            self._busy += 1
        self._waiting.put(item)

    def _done(self) -> None:
        with self._quiet:
            self._busy -= 1
            self._quiet.notify_all()

    def _serve(self) -> None:
        while not self._stopping.is_set():
            try:
                item = self._waiting.get(timeout=_LOOK_S)
            except queue.Empty:
                self._guarded(self._look)
                self._take_up_early()
                continue
            if item is None:
                return
            try:
                # Somebody is there, so what nobody was shown is shown first.
                self._guarded(partial(self._postman.send_again, at_once=not isinstance(item, _News | SendFailed)))
                self._guarded(partial(self._act, item))
                self._guarded(self._look)
            finally:
                self._take_up_early()
                self._done()

    def _take_up_early(self) -> None:
        for tapped in self._early.placed():
            self._put(tapped)

    def _act(self, item: Heard | _News) -> None:
        if isinstance(item, _News):
            self._tell(item)
            return
        try:
            self._conversation.take(item)
        except Exception:
            member = None if isinstance(item, SendFailed) else self._kept.whose(item.sender)
            if member and not isinstance(item, SendFailed):
                said = words.sentence(words.WENT_WRONG, to=member.display_name, invocation=self._invocation)
                self._postman.sentence(said, chat_id=item.chat_id, about=None)
            raise

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:  # noqa: BLE001 - the room stays open, whatever it is
            # The kind alone: what an error says may hold what somebody said.
            log.warning(
                "Something in the thread could not be acted on: %s", error.code if isinstance(error, HaloError) else type(error).__name__
            )

    def _look(self) -> None:
        self._postman.send_again(at_once=False)
        for execution_id, chat_id in self._kept.ends_to_tell():
            key = (execution_id, chat_id)
            # For a chat that was taken off the list it is only carried on.
            is_of_interest = chat_id in self._chats or not self._has_ended(execution_id)
            if is_of_interest and key not in self._following and len(self._following) < _MOST_FOLLOWED:
                self._following.add(key)
                with self._quiet:
                    self._busy += 1
                thread = threading.Thread(target=self._follow, args=key, name=f"follows {execution_id}")
                self._threads.add(thread)
                thread.start()

    def _follow(self, execution_id: str, chat_id: str) -> None:
        try:
            while not self._stopping.is_set():
                self._guarded(lambda: self._carry_on(execution_id, chat_id))
                if self._has_ended(execution_id):
                    return
        finally:
            self._following.discard((execution_id, chat_id))
            self._threads.discard(threading.current_thread())
            self._done()

    def _carry_on(self, execution_id: str, chat_id: str) -> None:
        try:
            card = self._door.carry_on(execution_id, wait_s=_CARRY_S)
        except Exception:
            self._stopping.wait(_REST_S)
            raise
        if card.kind is not CardKind.EXECUTING:
            self._put(_News(execution_id, chat_id))

    def _has_ended(self, execution_id: str) -> bool:
        """Whether the execution has ended, so that nobody has to follow it."""
        try:
            return self._door.card(execution_id).kind not in UNDER_WAY
        except HaloError:
            return False

    def _tell(self, news: _News) -> None:
        if news.chat_id not in self._chats:
            return
        card = self._door.card(news.execution_id)
        if self._kept.is_told(news.execution_id, card.kind, chat_id=news.chat_id):
            return
        if card.kind is CardKind.TERMS_CHANGED and card.draft_id:
            # What can be answered is the draft with the new terms.
            card = self._door.card(card.draft_id)
        self._postman.card(card, chat_id=news.chat_id, execution_id=news.execution_id)


@contextmanager
def open_room(home: Home) -> Iterator[Room]:
    """The room of a home to which a bridge is attached. Raises `NotFound` where none is, and what opening the books raises."""
    settings, clock = home.settings, home.clock
    setup = BridgeFiles(settings.home).setup()
    with Correspondence.open(settings, clock=clock) as kept, closing(BridgeClient(setup)) as client:
        shown, early = Shown(home.queries), Early(kept.shown_in)
        chats, invocation, lives_s = frozenset(setup.chats), settings.invocation, settings.draft_lives_s
        postman = Postman(client, kept, shown, early, clock, chats=chats, invocation=invocation)
        conversation = Conversation(home.door, kept, shown, postman, clock, invocation=invocation, question_lives_s=lives_s)
        with Room(home.door, kept, postman, conversation, early, chats=chats, invocation=invocation) as room:
            yield room
