"""Who outside is told what happens here. An owner's business alone.

A secret is in no answer that is kept: of a new endpoint the answer is kept without it, and the secret is derived anew whenever it is answered again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import Response

from halo_engine.model.errors import NotFound
from halo_engine.model.ids import Prefix, prefix_of
from halo_engine.store.acts import Reached
from server.answers import Answerable, answer, found
from server.auth import AtHome, ByAPerson, Caller
from server.body import read
from server.documents.webhooks import (
    CreateWebhookEndpoint,
    NewWebhookEndpoint,
    RemovedWebhookEndpoint,
    WebhookDelivery,
    WebhookDeliveryList,
    WebhookEndpoint,
    WebhookEndpointList,
)
from server.errors import problems
from server.once import Posting
from server.paging import Paged, page_of

routes = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])


@routes.post(
    "", operation_id="createWebhookEndpoint", response_model=NewWebhookEndpoint, responses=problems(403, 404, 409), dependencies=[ByAPerson]
)
def create(home: AtHome, post: Posting, body: Annotated[CreateWebhookEndpoint, read(CreateWebhookEndpoint)]) -> Response:
    """Tell an address of yours what happens from here on, and get the secret that its messages are signed with."""
    webhooks = home.engine.webhooks

    def resume(reached: Sequence[Reached]) -> Answerable | None:
        added = [each.entity_id for each in reached if each.event_type == "webhook.added"]
        return WebhookEndpoint.of(webhooks.secret(added[0], by=post.member).endpoint) if added else None

    given = post.once(body, lambda: WebhookEndpoint.of(webhooks.add(body.url, body.event_types, by=post.member).endpoint), resume=resume)
    if given.status_code != 200:
        return given
    new = webhooks.secret(json.loads(bytes(given.body))["id"], by=post.member)
    shown = answer(NewWebhookEndpoint(endpoint=WebhookEndpoint.of(new.endpoint), secret=new.secret.get_secret_value()))
    if "idempotent-replayed" in given.headers:
        shown.headers["Idempotent-Replayed"] = "true"
    return shown


@routes.get("", operation_id="listWebhookEndpoints", response_model=WebhookEndpointList, responses=problems(403))
def endpoints(home: AtHome, caller: Caller) -> Response:
    """Everybody who is told, also those who are told nothing any more. Only an owner sees them."""
    return found(WebhookEndpointList(webhooks=tuple(map(WebhookEndpoint.of, home.engine.webhooks.all(by=caller.user_id)))))


@routes.delete(
    "/{endpoint_id}",
    operation_id="deleteWebhookEndpoint",
    response_model=RemovedWebhookEndpoint,
    responses=problems(403, 404),
    dependencies=[ByAPerson],
)
def remove(home: AtHome, post: Posting, endpoint_id: str) -> Response:
    """Tell it nothing more, and forget it with every message to it."""
    webhooks, which = home.engine.webhooks, _an_endpoint(endpoint_id)

    def resume(reached: Sequence[Reached]) -> Answerable | None:
        return RemovedWebhookEndpoint(id=which) if reached else None

    return post.once(None, lambda: RemovedWebhookEndpoint(id=webhooks.remove(which, by=post.member).id), resume=resume)


@routes.post(
    "/{endpoint_id}/test",
    operation_id="testWebhookEndpoint",
    response_model=WebhookDelivery,
    responses=problems(403, 404, 409),
    dependencies=[ByAPerson],
)
def test(home: AtHome, post: Posting, endpoint_id: str) -> Response:
    """Send it a message that tells of nothing. A worker sends it like any other; how that went is in its deliveries."""
    webhooks, which = home.engine.webhooks, _an_endpoint(endpoint_id)
    return post.once(None, lambda: WebhookDelivery.of(webhooks.test(which, by=post.member)))


@routes.get(
    "/{endpoint_id}/deliveries",
    operation_id="listWebhookDeliveries",
    response_model=WebhookDeliveryList,
    responses=problems(403, 404, 422),
)
def deliveries(home: AtHome, caller: Caller, page: Paged, endpoint_id: str) -> Response:
    """What was sent to it, or is to be sent, the newest first. What has ended is kept for 30 days."""
    before = page.after[1] if page.after else None
    newest = home.engine.webhooks.deliveries(_an_endpoint(endpoint_id), by=caller.user_id, limit=page.limit + 1, before=before)
    shown, cursor = page_of(newest, page, key=lambda one: (one.created_at, one.id))
    return found(WebhookDeliveryList(deliveries=tuple(map(WebhookDelivery.of, shown)), next_cursor=cursor))


def _an_endpoint(identifier: str) -> str:
    if prefix_of(identifier) is not Prefix.WEBHOOK_ENDPOINT:
        raise NotFound("There is no such webhook in this household.", hint="List them with: halo webhooks list")
    return identifier
