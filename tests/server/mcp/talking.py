"""Programs that speak the protocol to Halo: by the protocol's own client over a real subprocess or a real socket, and by hand."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, ElicitResult

from tests.installation import Installation


@asynccontextmanager
async def over_stdio(home: Installation, *, member: str | None = None, **how: Any) -> AsyncIterator[Client]:
    """A client that has started `halo mcp` and speaks to it."""
    command = ["-m", "halo_cli", "mcp", "--home", str(home.settings.home), *(["--as", member] if member else [])]
    # The other process reads its settings for itself.
    reached = {"HALO_PUBLIC_URL": home.settings.public_url} if home.settings.public_url else {}
    async with Client(StdioServerParameters(command=sys.executable, args=command, env={**os.environ, **reached}), **how) as client:
        yield client


@asynccontextmanager
async def over_http(url: str, token: str, **how: Any) -> AsyncIterator[Client]:
    """A client of a server on a real socket, with a device's token."""
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=60) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http), **how) as client,
    ):
        yield client


def opener(asked: list[str], action: str = "accept") -> Callable[..., Any]:
    """What a client does when it is asked to open a page: note which, and answer `action`, as a program would that wants a yes."""

    async def answer(_context: Any, params: Any) -> ElicitResult:
        asked.append(params.url)
        return ElicitResult(action=action, content={"confirm": True} if action == "accept" else None)

    return answer


async def given(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """What a tool gives, which must be no error."""
    result = await client.call_tool(tool, arguments)
    assert isinstance(result, CallToolResult)
    assert not result.is_error, result
    value: dict[str, Any] = result.structured_content
    return value


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    """Why a tool gives nothing."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error, result
    return str(result.content[0].text)  # type: ignore[union-attr]


def message(method: str, params: Any = None, *, number: Any = 1) -> dict[str, Any]:
    """One request, by hand."""
    return {"jsonrpc": "2.0", "id": number, "method": method} | ({} if params is None else {"params": params})


def call(tool: str, arguments: Any = None) -> dict[str, Any]:
    """One call of a tool, by hand."""
    return message("tools/call", {"name": tool} | ({} if arguments is None else {"arguments": arguments}))
