"""What proves that something was done."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from server.answers import found
from server.auth import AtHome
from server.documents.executions import Receipt
from server.errors import problems

routes = APIRouter(prefix="/v1/receipts", tags=["receipts"])


@routes.get("/{execution_id}", operation_id="getReceipt", response_model=Receipt, responses=problems(404))
def receipt(home: AtHome, execution_id: str) -> Response:
    """The receipt of an execution; a 404 where nothing was done, and so there is none."""
    with home.queries() as queries:
        return found(Receipt.of(queries.receipt(execution_id)))
