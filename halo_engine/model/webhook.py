"""Outbound webhooks by Standard Webhooks 1.0: who is told, what a message says, how it is signed, and when it is sent again.

Pure: `store.webhooks` keeps these, `stages.webhooks` changes them, `stages.delivering` sends them.

A message says that something happened, to what, and for how much. Names, words and addresses are not in it: it goes to somebody else's machine, and
whoever may know more asks the API for it.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime, Field, SecretStr

from halo_engine.model.draft import iso_utc
from halo_engine.model.errors import InvalidInput
from halo_engine.model.execution import FINAL
from halo_engine.model.money import Money
from halo_engine.model.value import Value

#: What `test` sends. It is not chosen: whoever tests an endpoint wants to see it arrive.
TEST = "webhook.test"
CONFIRMED = "execution.confirmed"
RECEIPT = "receipt.created"
#: What can be asked for. Receivers are told to expect more.
EVENT_TYPES = (CONFIRMED, *(f"execution.{status.value}" for status in sorted(FINAL)), RECEIPT)
#: What an event of the log is called in a message, by its type there.
ANNOUNCED = {name: name for name in EVENT_TYPES if name not in (CONFIRMED, RECEIPT)} | {
    "draft.confirmed": CONFIRMED,
    "receipt.stored": RECEIPT,
}

#: A household that needs more of them needs one program that passes things on.
MOST_ENDPOINTS = 20
#: Waits before the tries after the first one, as Standard Webhooks recommends: ten tries in 75 hours.
WAITS = tuple(timedelta(seconds=seconds) for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400))
#: The longest that a receiver may put us off with `Retry-After`.
LONGEST_WAIT = timedelta(days=1)
#: For this long after a new secret was made, messages are signed with the one before it, too.
BOTH_SECRETS = timedelta(hours=24)
#: A try takes fifteen seconds at most: whoever claimed a message and has not told by then how it went has died.
LEASE = timedelta(seconds=60)
#: What has ended is kept this long for whoever looks.
KEPT = timedelta(days=30)
#: Before the first wait is stretched, this many parts in a thousand of it at most: so that many messages do not come back in one moment.
_JITTER_PERMILLE = 200


class Endpoint(Value):
    """Where a household wants to be told. No event types means all there are, also those of later releases."""

    id: str
    household_id: str
    url: str
    event_types: tuple[str, ...] = ()
    secret_version: int = Field(ge=1)
    secret_changed_at: AwareDatetime | None = None
    created_by: str
    created_at: AwareDatetime
    disabled_at: AwareDatetime | None = None
    disabled_because: str | None = None

    def wants(self, event_type: str) -> bool:
        """Whether it is told of events of this type."""
        return not self.event_types or event_type in self.event_types


class NewEndpoint(Value):
    """An endpoint with its secret."""

    endpoint: Endpoint
    secret: SecretStr


class DeliveryState(StrEnum):
    """Where a message to one endpoint stands."""

    PENDING = "pending"
    #: Somebody has claimed it, until `due_at`.
    SENDING = "sending"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"
    #: Its endpoint was disabled before it was delivered.
    DROPPED = "dropped"


#: What is still to be sent.
TO_SEND = (DeliveryState.PENDING, DeliveryState.SENDING)


class Delivery(Value):
    """One message to one endpoint. `attempts` counts the claims, and so tells an answer that comes late from the one that is waited for."""

    id: str
    endpoint_id: str
    household_id: str
    event_id: str
    event_type: str
    body_text: str
    state: DeliveryState
    attempts: int = Field(ge=0)
    due_at: AwareDatetime
    last_status: int | None = None
    last_error: str | None = None
    created_at: AwareDatetime
    finished_at: AwareDatetime | None = None


class Answered(Value):
    """How a try went. `status` is None where no answer came, and then `error` says why; it never repeats what the other side said."""

    status: int | None = None
    error: str | None = None
    retry_after: str | None = None

    @property
    def is_taken(self) -> bool:
        """Whether the receiver has the message."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """Whether the receiver wants nothing more, ever."""
        return self.status == 410


def chosen(event_types: Sequence[str]) -> tuple[str, ...]:
    """The event types as they are kept. Raises `InvalidInput` for one that there is not."""
    for each in event_types:
        if each not in EVENT_TYPES:
            raise InvalidInput("There is no such event type.", hint=f"There are: {', '.join(EVENT_TYPES)}.")
    return tuple(name for name in EVENT_TYPES if name in event_types)


def message(event_type: str, at: datetime, data: dict[str, Any]) -> dict[str, Any]:
    """The body of a message; what is None is left out."""
    return {"type": event_type, "timestamp": iso_utc(at), "data": {name: value for name, value in data.items() if value is not None}}


def amount(cents: int | None, currency: str | None) -> dict[str, Any] | None:
    """Money as it goes over the wire; None where there is none."""
    if cents is None or currency is None:
        return None
    money = Money(cents=cents, currency=currency)
    return {"cents": money.cents, "currency": money.currency, "display": money.display}


def webhook_key(secret: bytes) -> bytes:
    """The key that an installation's webhook secrets are made with. Its secret makes other keys too, each under a label of its own."""
    return hmac.new(secret, b"halo/webhooks", hashlib.sha256).digest()


def secret_of(key: bytes, endpoint_id: str, version: int) -> bytes:
    """The secret of an endpoint, which is derived whenever it is needed, and kept nowhere."""
    return hmac.new(key, f"{endpoint_id}/{version}".encode(), hashlib.sha256).digest()


def written(secret: bytes) -> SecretStr:
    """A secret as receivers are given it."""
    return SecretStr(f"whsec_{b64encode(secret).decode()}")


def signature(secret: bytes, *, message_id: str, timestamp: int, body: bytes) -> str:
    """One entry of the header `webhook-signature`."""
    signed = hmac.new(secret, b"%s.%d.%s" % (message_id.encode(), timestamp, body), hashlib.sha256).digest()
    return f"v1,{b64encode(signed).decode()}"


def signed_headers(key: bytes, endpoint: Endpoint, delivery: Delivery, now: datetime) -> dict[str, str]:
    """The three headers of Standard Webhooks. While a new secret is young, there are two signatures: either secret verifies the message."""
    timestamp, changed = int(now.timestamp()), endpoint.secret_changed_at
    is_young = changed is not None and now < changed + BOTH_SECRETS
    versions = [endpoint.secret_version, endpoint.secret_version - 1] if is_young else [endpoint.secret_version]
    body = delivery.body_text.encode()
    made = (signature(secret_of(key, endpoint.id, version), message_id=delivery.id, timestamp=timestamp, body=body) for version in versions)
    return {"webhook-id": delivery.id, "webhook-timestamp": str(timestamp), "webhook-signature": " ".join(made)}


def wait_after(attempts: int, answered: Answered, now: datetime, *, chance: int) -> timedelta | None:
    """How long to wait after that many tries; None when there is no other. `chance` is any number, and stretches the wait a little.

    A receiver that says when to come back (429, 503) is not asked before, and cannot put us off for longer than `LONGEST_WAIT`.
    """
    if not 1 <= attempts <= len(WAITS):
        return None
    wait = WAITS[attempts - 1] * (1000 + chance % _JITTER_PERMILLE) / 1000
    asked = _retry_after(answered.retry_after, now) if answered.status in (429, 503) else None
    return max(wait, min(asked, LONGEST_WAIT)) if asked else wait


def _retry_after(text: str | None, now: datetime) -> timedelta | None:
    """Seconds, or a date (RFC 9110 §10.2.3); None for anything else."""
    text = (text or "").strip()
    if text.isascii() and text.isdigit():
        # A number of any length: whatever is longer than this is capped anyway.
        return timedelta(seconds=int(text[:9]) if len(text) <= 9 else 10**9)
    try:
        at = parsedate_to_datetime(text)
        return max(timedelta(0), at - now)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
