"""A server of the protocol for one desk: it lists the tools, calls them, and turns every trouble into an answer.

The library's own server is taken bare, without prompts, resources, sampling or logging: what is not offered cannot be abused. Each connection (or,
over HTTP, each call) has a server of its own, so that none holds anything of another's.
"""

from __future__ import annotations

import logging
from functools import cache
from importlib.metadata import version
from typing import Any

import anyio
from anyio import to_thread
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    InputRequiredResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    ToolAnnotations,
)
from mcp_types import Tool as ListedTool
from pydantic import ValidationError

from halo_engine.model.errors import HaloError, StoreFailed
from server.mcp import asking
from server.mcp import documents as form
from server.mcp.tools import TOOLS, Desk, Tool

log = logging.getLogger(__name__)

INSTRUCTIONS = (
    "Halo drafts what a household asks for and does exactly what one of its members confirmed, once. Draft with `draft`, show the card to the "
    "person, and ask for a yes with `request_confirmation`. You cannot confirm: only a person can, in Halo itself. " + form.CAUTION
)

#: A client may send as much as it likes at once; this much of it is worked on.
_AT_ONCE = 8

# The library's lines quote what was sent.
logging.getLogger("mcp").addHandler(logging.NullHandler())
logging.getLogger("mcp").propagate = False


def serve_desk(desk: Desk) -> Server[Any]:
    """A server that acts for `desk` and for nobody else."""
    limiter = anyio.CapacityLimiter(_AT_ONCE)

    async def listed(_context: ServerRequestContext[Any], _params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[_listed(name) for name in TOOLS])

    async def called(context: ServerRequestContext[Any], params: CallToolRequestParams) -> CallToolResult | InputRequiredResult:
        tool = TOOLS.get(params.name)
        if tool is None:
            # Not its name: that is the sender's text.
            raise MCPError(INVALID_PARAMS, "There is no such tool. List them with tools/list.")
        result = await to_thread.run_sync(_result, tool, desk, params.arguments or {}, limiter=limiter)
        if isinstance(result, form.ToConfirm):
            if (question := asking.instead(context, params, result)) is not None:
                return question
            if await asking.aloud(context, result):
                # A person may have acted while the page was open.
                result = await to_thread.run_sync(_result, tool, desk, params.arguments or {}, limiter=limiter)
        return result if isinstance(result, CallToolResult) else _answer(result)

    server: Server[Any] = Server(
        "halo",
        version=version("halo-household"),
        title="Halo",
        instructions=INSTRUCTIONS,
        get_tool_input_schema=lambda name: _listed(name).input_schema if name in TOOLS else None,
        on_list_tools=listed,
        on_call_tool=called,
    )
    # What it would name its spans after is the sender's text.
    server.middleware.clear()
    return server


@cache
def _listed(name: str) -> ListedTool:
    tool = TOOLS[name]
    return ListedTool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=form.input_schema(tool.takes),
        output_schema=form.output_schema(tool.gives),
        annotations=ToolAnnotations(
            title=tool.title,
            read_only_hint=tool.only_looks,
            destructive_hint=tool.drops,
            idempotent_hint=tool.again_is_same,
            # Drafting asks shops for prices.
            open_world_hint=not tool.only_looks,
        ),
    )


def _result(tool: Tool[Any], desk: Desk, arguments: dict[str, Any]) -> form.Result | CallToolResult:
    """What the tool gives, or why it gives nothing: for the program to read and do better, and never a traceback."""
    try:
        result: form.Result = tool.act(desk, tool.takes.model_validate(arguments))
    except ValidationError as error:
        return _refused("invalid_arguments", "These arguments are not of the form this tool takes.", _where(tool, error))
    except StoreFailed as error:
        return _refused(error.code, error.public, error.public_hint)
    except HaloError as error:
        return _refused(error.code, error.message, error.public_hint)
    except Exception as error:  # noqa: BLE001 - whatever it is, the connection stays; its text may hold anything
        log.warning("The tool %s failed: %s", tool.name, type(error).__name__)
        return _refused("unexpected", "Something went wrong in Halo itself.", "Nothing is known to have been done; look with `status`.")
    return result


def _where(tool: Tool[Any], error: ValidationError) -> str:
    """Names of our own fields only: an unknown one's is the sender's text."""
    known = sorted({str(item["loc"][0]) for item in error.errors() if item["loc"]} & set(tool.takes.model_fields))
    return f"Look at: {', '.join(known)}." if known else "There is an argument too many."


def _answer(result: form.Result) -> CallToolResult:
    """Structured, and once more as text for clients that know no other."""
    value = result.model_dump(mode="json", exclude_none=True)
    text = result.model_dump_json(exclude_none=True, indent=2)
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=value)


def _refused(code: str, message: str, hint: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=f"{code}: {message} {hint}".strip())], is_error=True)
