"""The description of this API, for generators of clients and for people who look."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import Response

from server.answers import tagged

#: Beside the code, so that it travels with it; `server.openapi` writes it.
FILE = Path(__file__).parents[1] / "openapi.json"

routes = APIRouter(include_in_schema=False)


@routes.get("/openapi.json", operation_id="getDescription")
def description() -> Response:
    """The file in the repository, as it is."""
    return tagged(_content(), "application/json")


@cache
def _content() -> bytes:
    return FILE.read_bytes()
