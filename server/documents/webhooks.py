"""Who outside is told what happens here, and every message on its way there. The messages themselves are in docs/webhooks.md."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field

from halo_engine.model.webhook import TO_SEND, Delivery
from server.documents.base import Body, Document, Instant
from server.documents.words import DeliveryState, WebhookEventType


class CreateWebhookEndpoint(Body):
    """Where to tell what happens: https, on the public internet. Without event types all of them, also those of later releases."""

    url: Annotated[str, Field(max_length=2000)]
    event_types: Annotated[tuple[Annotated[str, Field(max_length=60)], ...], Field(max_length=50)] = ()


class WebhookEndpoint(Document):
    """Where it is told. `disabled_because` is there where it is told nothing any more."""

    id: str
    url: str
    event_types: tuple[WebhookEventType, ...]
    created_at: Instant
    disabled_at: Instant | None = None
    disabled_because: str | None = None


class NewWebhookEndpoint(Document):
    """An endpoint, and what its messages are signed with: `whsec_…`, as the libraries of Standard Webhooks take it. Keep it as a secret."""

    endpoint: WebhookEndpoint
    secret: str


class WebhookEndpointList(Document):
    """In the order they were added."""

    webhooks: tuple[WebhookEndpoint, ...]


class RemovedWebhookEndpoint(Document):
    """Which one is told nothing more."""

    id: str


class WebhookDelivery(Document):
    """One message to one endpoint. `id` is its `webhook-id`. `last_status` is what was answered last; `last_error` is why no answer came;
    `due_at` is when it is sent next, where it still is."""

    id: str
    endpoint_id: str
    event_type: WebhookEventType
    state: DeliveryState
    attempts: int
    created_at: Instant
    due_at: Instant | None = None
    finished_at: Instant | None = None
    last_status: int | None = None
    last_error: str | None = None

    @classmethod
    def of(cls, value: Delivery) -> Self:
        told = {name: getattr(value, name) for name in cls.model_fields}
        return cls.model_validate(told if value.state in TO_SEND else told | {"due_at": None})


class WebhookDeliveryList(Document):
    """The newest first."""

    deliveries: tuple[WebhookDelivery, ...]
    next_cursor: str | None = None
