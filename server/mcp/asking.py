"""How a person is shown the page of a card, where the program in between can open one. Whatever comes back of it says nothing.

A program could answer "accept" without anybody having looked. So no answer is read: what a person did is looked up in the books. There are two ways,
by the age of the protocol: the server asks aloud over a connection that stays (up to 2025), or gives the question instead of a result (from 2026).
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.shared.message import ServerMessageMetadata
from mcp_types import CallToolRequestParams, ElicitRequest, ElicitRequestURLParams, EmptyResult, InputRequiredResult
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from server.mcp.documents import ToConfirm

#: As long as somebody may take to find the window; after it the result is given, and the page stays where it is.
_WAIT_S = 120.0

_MESSAGE = "Read the card and confirm it in Halo, if it is what you want. This page and this window confirm nothing."


def instead(context: ServerRequestContext[Any], params: CallToolRequestParams, pending: ToConfirm) -> InputRequiredResult | None:
    """The question to give instead of a result; None where there is none to give, or one was given before."""
    asked_already = params.input_responses is not None or params.request_state is not None
    if pending.url is None or context.protocol_version not in MODERN_PROTOCOL_VERSIONS or asked_already or not _opens_pages(context):
        return None
    return InputRequiredResult(input_requests={"card": ElicitRequest(params=ElicitRequestURLParams(message=_MESSAGE, url=pending.url))})


async def aloud(context: ServerRequestContext[Any], pending: ToConfirm) -> bool:
    """Ask over the connection, where that can be done, and whether it was."""
    if pending.url is None or context.protocol_version in MODERN_PROTOCOL_VERSIONS or not _opens_pages(context):
        return False
    if not context.session.can_send_request:
        return False
    params = ElicitRequestURLParams(message=_MESSAGE, url=pending.url, elicitation_id=f"{pending.id}-{context.request_id}"[:100])
    await _asked(context, ElicitRequest(params=params))
    return True


async def _asked(context: ServerRequestContext[Any], question: ElicitRequest) -> None:
    about = ServerMessageMetadata(related_request_id=context.request_id)
    # A refusal, nonsense or silence: none of them changes anything.
    with suppress(Exception):
        await context.session.send_request(question, EmptyResult, request_read_timeout_seconds=_WAIT_S, metadata=about)


def _opens_pages(context: ServerRequestContext[Any]) -> bool:
    able = context.session.client_capabilities
    return able is not None and able.elicitation is not None and able.elicitation.url is not None
