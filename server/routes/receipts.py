"""What proves that something was done."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from halo_engine import shapes
from server.answers import answer
from server.auth import AtHome

routes = APIRouter(prefix="/v1/receipts", tags=["receipts"])


@routes.get("/{execution_id}", operation_id="getReceipt")
def receipt(home: AtHome, execution_id: str) -> Response:
    """The receipt of an execution; 404 where nothing was done, and so there is none."""
    with home.queries() as queries:
        return answer(shapes.receipt(queries.receipt(execution_id)))
