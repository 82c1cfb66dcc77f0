"""A problem as the bytes of an answer, for what is refused before there is a request that the application could be asked about."""

from __future__ import annotations

from contextvars import copy_context
from http import HTTPStatus

from fastapi.responses import Response

from server import errors, request_ids
from server.errors import Kind


def as_bytes(kind: Kind) -> bytes:
    """The whole answer. The connection ends with it."""
    found = copy_context().run(_problem, kind)
    status = HTTPStatus(found.status_code)
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        *(f"{name}: {value}" for name, value in found.headers.items()),
        "connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + bytes(found.body)


def _problem(kind: Kind) -> Response:
    request_ids.begin({"headers": ()})
    return errors.problem(kind, hint=kind.hint)
