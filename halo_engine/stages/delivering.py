"""Sends what the outbox holds, in a thread beside a worker: at least once, one message at a time to each endpoint, until it is taken or given up.

A message is claimed in one transaction, sent outside any, and what came of it recorded in another. Whoever dies in between leaves a claim that runs
out; the next one sends the same message under the same id, by which the receiver knows it. An endpoint that is slow holds up nobody else's messages:
each has a thread of its own while something is sent to it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

from halo_engine import telemetry
from halo_engine.clock import Clock
from halo_engine.model import event
from halo_engine.model.errors import HaloError, NotFound
from halo_engine.model.webhook import (
    KEPT,
    LEASE,
    Answered,
    Delivery,
    DeliveryState,
    Endpoint,
    signed_headers,
    wait_after,
)
from halo_engine.store.session import Books, Store
from halo_engine.webhooks.sender import Sender

log = logging.getLogger(__name__)

#: How often the outbox is looked into. Each look is a read.
_POLL_S = 0.5
#: Every so many looks, what ended long ago is forgotten.
_TIDY_EVERY = 1200
#: Endpoints that are spoken to at the same time.
_AT_ONCE = 32

_GONE = "It answered 410 Gone: it wants no more messages."
_SILENT = "A message was tried for three days, and in all that time it took none."


class Delivering:
    """The messages of all households in these books."""

    def __init__(self, store: Store, clock: Clock, sender: Sender, *, key: bytes) -> None:
        self._store, self._clock, self._sender, self._key = store, clock, sender, key
        self._busy: set[str] = set()
        self._lock = threading.Lock()
        #: Set when there may be something to do before the next look.
        self._wake = threading.Event()

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Deliver in a thread of its own while the block runs. At its end what is being sent is waited for, and nothing more is begun."""
        stop = threading.Event()
        thread = threading.Thread(target=self._serve, args=(stop,), name="webhooks")
        thread.start()
        try:
            yield
        finally:
            stop.set()
            self._wake.set()
            thread.join()

    def _serve(self, stop: threading.Event) -> None:
        looks = 0
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="webhook") as pool:
            while not stop.is_set():
                try:
                    self._send_due(pool)
                    if looks % _TIDY_EVERY == 0:
                        self.tidy()
                except Exception as error:  # noqa: BLE001 - a database that is away, or a bug, must not end it: executions go on, too
                    log.warning("Webhooks rest: %s", error if isinstance(error, HaloError) else type(error).__name__)
                looks += 1
                self._wake.wait(_POLL_S)
                self._wake.clear()

    def _send_due(self, pool: ThreadPoolExecutor) -> None:
        """Claim one message for each endpoint that has any and is not being spoken to, as far as there are threads."""
        while (busy := self._spoken_to()) is not None and (claimed := self._claim(busy)) is not None:
            delivery, endpoint = claimed
            with self._lock:
                self._busy.add(endpoint.id)
            pool.submit(self._deliver, delivery, endpoint)

    def _spoken_to(self) -> frozenset[str] | None:
        """None when there are as many as there may be."""
        with self._lock:
            return frozenset(self._busy) if len(self._busy) < _AT_ONCE else None

    def _deliver(self, delivery: Delivery, endpoint: Endpoint) -> None:
        """In a thread of the pool. What is due to the same endpoint after it is looked for at once."""
        try:
            self._send(delivery, endpoint)
        except Exception as error:  # noqa: BLE001 - the claim runs out, and the message is sent again
            log.warning("%s rests: %s", delivery.id, error if isinstance(error, HaloError) else type(error).__name__)
        finally:
            with self._lock:
                self._busy.discard(endpoint.id)
            self._wake.set()

    def send_due(self) -> int:
        """Send what is due, one after the other, and return how many that were: for whoever has no thread for it."""
        sent = 0
        while (claimed := self._claim(frozenset())) is not None:
            self._send(*claimed)
            sent += 1
        return sent

    def send_now(self, message_id: str, *, household_id: str) -> Delivery:
        """Send one message that is due in the caller's own thread, or wait for whoever has it already; as it stands afterwards."""
        until = self._clock.now() + LEASE
        while True:
            with self._store.reading() as books:
                delivery = books.webhooks.delivery(household_id, message_id)
            now = self._clock.now()
            if delivery.state is DeliveryState.PENDING and delivery.due_at <= now:
                if (claimed := self._claim_this(delivery)) is not None:
                    self._send(*claimed)
            elif delivery.state is DeliveryState.SENDING and now < until:
                self._clock.sleep_until(now + timedelta(seconds=_POLL_S))
            else:
                return delivery

    def tidy(self) -> int:
        """Forget what ended long ago; how many that were."""
        before = self._clock.now() - KEPT
        with self._store.reading() as books:
            if not books.webhooks.count_ended_before(before):
                return 0
        with self._store.transaction() as books:
            return books.webhooks.forget_before(before)

    def _claim(self, busy: frozenset[str]) -> tuple[Delivery, Endpoint] | None:
        """What is due first, with its endpoint; None where nothing is. Nobody else sends it until the lease is over."""
        while True:
            # A read, because nearly always there is nothing.
            with self._store.reading() as books:
                due = books.webhooks.due(books.now, besides=busy)
            if due is None:
                return None
            if (claimed := self._claim_this(due)) is not None:
                return claimed

    def _claim_this(self, due: Delivery) -> tuple[Delivery, Endpoint] | None:
        """None where somebody else has it by now, or where nobody is to be told any more."""
        with self._store.transaction() as books:
            try:
                endpoint = books.webhooks.get(due.household_id, due.endpoint_id)
            except NotFound:
                return None
            if endpoint.disabled_at is not None:
                dropped = {"state": DeliveryState.DROPPED, "finished_at": books.now}
                books.webhooks.replace(due, due.model_copy(update=dropped))
                return None
            claim = {"state": DeliveryState.SENDING, "attempts": due.attempts + 1, "due_at": books.now + LEASE}
            claimed = due.model_copy(update=claim)
            return (claimed, endpoint) if books.webhooks.replace(due, claimed) else None

    def _send(self, claimed: Delivery, endpoint: Endpoint) -> None:
        headers = signed_headers(self._key, endpoint, claimed, self._clock.now())
        answered = self._sender.send(endpoint.url, claimed.body_text.encode(), headers)
        self._record(claimed, answered)
        telemetry.detail("webhook.tried", endpoint=endpoint.id, message=claimed.id, attempt_number=claimed.attempts, status=answered.status)

    def _record(self, claimed: Delivery, answered: Answered) -> None:
        with self._store.transaction() as books:
            after = self._after(claimed, answered, books)
            if after.state is DeliveryState.GIVEN_UP:
                # The household's row before the message's, as whoever removes an endpoint does: in opposite orders they would wait for each other.
                books.events.hold(claimed.household_id)
            # Where the claim ran out meanwhile, somebody else has it, and this answer counts for nothing.
            if not books.webhooks.replace(claimed, after):
                return
            if answered.is_gone:
                _disable(books, claimed, _GONE)
            elif after.state is DeliveryState.GIVEN_UP and not books.webhooks.has_taken_since(claimed.endpoint_id, claimed.created_at):
                _disable(books, claimed, _SILENT)

    def _after(self, claimed: Delivery, answered: Answered, books: Books) -> Delivery:
        if answered.is_taken:
            state, wait = DeliveryState.DELIVERED, None
        else:
            wait = None if answered.is_gone else wait_after(claimed.attempts, answered, books.now, chance=int(self._clock.token_hex(2), 16))
            state = DeliveryState.PENDING if wait is not None else DeliveryState.GIVEN_UP
        return claimed.model_copy(
            update={
                "state": state,
                "due_at": books.now + wait if wait is not None else books.now,
                "last_status": answered.status,
                "last_error": answered.error,
                "finished_at": None if wait is not None else books.now,
            }
        )


def _disable(books: Books, delivery: Delivery, because: str) -> None:
    if books.webhooks.disable(delivery.endpoint_id, because, books.now):
        books.events.append(event.WebhookDisabled(reason=because), household_id=delivery.household_id, entity_id=delivery.endpoint_id)
