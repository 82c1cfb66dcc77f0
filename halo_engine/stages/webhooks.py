"""Beside the four steps: who outside is told what happened. An owner's business alone.

Secrets are derived from the installation's and from the endpoint's id and version: nothing that could be stolen from the books is kept. What is to
be told is written by `store.webhooks.Outbox`, and sent by `stages.delivering`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from halo_engine.clock import Clock
from halo_engine.model import event
from halo_engine.model.canonical import sha256_hex
from halo_engine.model.errors import Conflict, InvalidInput, NotAuthorised
from halo_engine.model.household import Member, Role
from halo_engine.model.ids import Prefix
from halo_engine.model.webhook import (
    MOST_ENDPOINTS,
    TEST,
    TO_SEND,
    Delivery,
    DeliveryState,
    Endpoint,
    NewEndpoint,
    chosen,
    message,
    secret_of,
    written,
)
from halo_engine.model.webhook_address import target_of
from halo_engine.store.session import Books, Store


@dataclass(frozen=True)
class _Owned:
    """A transaction of an owner's."""

    books: Books
    household_id: str
    owner: Member

    def log(self, payload: event.Payload, endpoint_id: str) -> None:
        self.books.events.append(payload, household_id=self.household_id, entity_id=endpoint_id, user_id=self.owner.id)


class Webhooks:
    """The household's endpoints. Everybody but an owner gets `NotAuthorised`; `by` is a name or an id, without one the first member."""

    def __init__(self, store: Store, clock: Clock, *, key: bytes, allow_loopback: bool) -> None:
        self._store, self._clock, self._key, self._allow_loopback = store, clock, key, allow_loopback

    def add(self, url: str, event_types: Sequence[str] = (), *, by: str | None) -> NewEndpoint:
        """Tell `url` of these from here on, by default of all. Raises `InvalidInput` for where no webhook is sent, `Conflict` for one too many."""
        target, wanted = target_of(url, allow_loopback=self._allow_loopback), chosen(event_types)
        with self._owned(by) as owned:
            if len(owned.books.webhooks.all(owned.household_id)) >= MOST_ENDPOINTS:
                raise Conflict(f"There are {MOST_ENDPOINTS} webhooks already.", hint="Remove one first with: halo webhooks remove ID")
            endpoint = Endpoint(
                id=self._clock.new_id(Prefix.WEBHOOK_ENDPOINT),
                household_id=owned.household_id,
                url=target.url,
                event_types=wanted,
                secret_version=1,
                created_by=owned.owner.id,
                created_at=owned.books.now,
            )
            owned.books.webhooks.add(endpoint)
            owned.log(event.WebhookAdded(url_sha256=sha256_hex(target.url.encode()), event_types=wanted), endpoint.id)
        return self._with_secret(endpoint)

    def all(self, *, by: str | None) -> tuple[Endpoint, ...]:
        """In the order they were added, also those that are disabled."""
        with self._looking(by) as owned:
            return owned.books.webhooks.all(owned.household_id)

    def remove(self, endpoint_id: str, *, by: str | None) -> Endpoint:
        """Tell it nothing more, and forget it with all that was to be told to it. Raises `NotFound`."""
        with self._owned(by) as owned:
            endpoint = owned.books.webhooks.get(owned.household_id, endpoint_id)
            owned.books.webhooks.remove(endpoint)
            owned.books.acts.forget_about(endpoint.id)
            owned.log(event.WebhookRemoved(), endpoint.id)
            return endpoint

    def enable(self, endpoint_id: str, *, by: str | None) -> Endpoint:
        """Tell it again, from here on. Raises `NotFound`."""
        with self._owned(by) as owned:
            endpoint = owned.books.webhooks.get(owned.household_id, endpoint_id)
            if endpoint.disabled_at is None:
                return endpoint
            owned.log(event.WebhookEnabled(), endpoint.id)
            return owned.books.webhooks.enable(endpoint)

    def secret(self, endpoint_id: str, *, by: str | None) -> NewEndpoint:
        """The endpoint with the secret that stands. Raises `NotFound`."""
        with self._looking(by) as owned:
            return self._with_secret(owned.books.webhooks.get(owned.household_id, endpoint_id))

    def new_secret(self, endpoint_id: str, *, by: str | None) -> NewEndpoint:
        """The next secret. For a day messages are signed with the one before it, too: so no message is refused while it is put in place."""
        with self._owned(by) as owned:
            endpoint = owned.books.webhooks.get(owned.household_id, endpoint_id)
            renewed = owned.books.webhooks.renew_secret(endpoint, owned.books.now)
            owned.log(event.WebhookSecretChanged(version=renewed.secret_version), endpoint.id)
        return self._with_secret(renewed)

    def test(self, endpoint_id: str, *, by: str | None) -> Delivery:
        """A message that tells of nothing, to be sent like any other. Raises `Conflict` for an endpoint that is disabled."""
        with self._owned(by) as owned:
            endpoint, now = self._enabled(owned, endpoint_id), owned.books.now
            data = {"household_id": owned.household_id, "endpoint_id": endpoint.id}
            return owned.books.webhooks.put(
                endpoint, TEST, message(TEST, now, data), message_id=self._clock.new_id(Prefix.WEBHOOK_MESSAGE), at=now
            )

    def deliveries(
        self, endpoint_id: str | None = None, *, by: str | None, limit: int = 50, before: str | None = None
    ) -> tuple[Delivery, ...]:
        """The newest messages first, to one endpoint or to all. Raises `NotFound`."""
        with self._looking(by) as owned:
            if endpoint_id is not None:
                owned.books.webhooks.get(owned.household_id, endpoint_id)
            return owned.books.webhooks.deliveries(owned.household_id, endpoint_id, limit=limit, before=before)

    def delivery(self, message_id: str, *, by: str | None) -> Delivery:
        """One message as it stands. Raises `NotFound`."""
        with self._looking(by) as owned:
            return owned.books.webhooks.delivery(owned.household_id, message_id)

    def redeliver(self, message_id: str, *, by: str | None) -> Delivery:
        """The same message once more, under the same id: whoever has it already leaves it. Raises `NotFound`, `Conflict` while it is on its way."""
        with self._owned(by) as owned:
            ended = owned.books.webhooks.delivery(owned.household_id, message_id)
            self._enabled(owned, ended.endpoint_id)
            if ended.state in TO_SEND:
                raise Conflict("That message is still to be sent.", hint="A worker sends it: halo worker")
            again = ended.model_copy(update={"state": DeliveryState.PENDING, "due_at": owned.books.now, "finished_at": None})
            if not owned.books.webhooks.replace(ended, again):
                raise Conflict("That message was changed by somebody else.", hint="Look again with: halo webhooks deliveries")
            return again

    def _enabled(self, owned: _Owned, endpoint_id: str) -> Endpoint:
        endpoint = owned.books.webhooks.get(owned.household_id, endpoint_id)
        if endpoint.disabled_at is not None:
            raise Conflict("That webhook is disabled.", hint=f"Enable it first with: halo webhooks enable {endpoint.id}")
        return endpoint

    def _with_secret(self, endpoint: Endpoint) -> NewEndpoint:
        return NewEndpoint(endpoint=endpoint, secret=written(secret_of(self._key, endpoint.id, endpoint.secret_version)))

    @contextmanager
    def _owned(self, by: str | None) -> Iterator[_Owned]:
        """In which nobody else tells of anything: so no message is written to an endpoint that is just being removed."""
        with self._store.transaction() as books:
            owned = _of(books, by)
            books.events.hold(owned.household_id)
            yield owned

    @contextmanager
    def _looking(self, by: str | None) -> Iterator[_Owned]:
        with self._store.reading() as books:
            yield _of(books, by)


def _of(books: Books, by: str | None) -> _Owned:
    household = books.households.home()
    member = books.households.member(household.id, by)
    if member.role is not Role.OWNER:
        raise NotAuthorised("Only an owner decides who is told what happens here.", hint="Nothing was done.")
    return _Owned(books=books, household_id=household.id, owner=member)


def listed(text: str) -> tuple[str, ...]:
    """Event types as they are written in a command, with commas. Raises `InvalidInput` for none."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise InvalidInput("No event type is named.", hint="Leave it out for all of them.")
    return chosen(names)
