"""Messages as they come in, read as hostile before the library reads them, and the answer to those that are none."""

from __future__ import annotations

from fastapi.responses import JSONResponse
from mcp_types import INVALID_REQUEST, PARSE_ERROR, ErrorData, JSONRPCError, jsonrpc_message_adapter
from pydantic import ValidationError

from halo_engine.model.strict_json import JsonError, check_values, loads
from server.body import MAX_VALUES


def wrong_with(body: bytes) -> tuple[int, str] | None:
    """Why these bytes are no message of the protocol, as a code and a sentence with nothing of them in it; None where they are one."""
    try:
        check_values(body, MAX_VALUES)
        loads(body)
    except JsonError as error:
        return PARSE_ERROR, f"The message is {error}."
    try:
        jsonrpc_message_adapter.validate_json(body, by_name=False)
    except (ValidationError, ValueError):
        return INVALID_REQUEST, "It is not a single JSON-RPC message."
    return None


def error_of(code: int, message: str) -> JSONRPCError:
    """The error that belongs to no message."""
    return JSONRPCError(jsonrpc="2.0", id=None, error=ErrorData(code=code, message=message))


def refusal(code: int, message: str) -> JSONResponse:
    """The same over HTTP."""
    body = error_of(code, message).model_dump(mode="json", by_alias=True, exclude_unset=True)
    return JSONResponse(body, 400, {"Cache-Control": "no-store"})
