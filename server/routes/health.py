"""Whether the process lives, and whether it can work. The only questions that anybody may ask."""

from __future__ import annotations

from fastapi import APIRouter

from server.auth import AtHome

routes = APIRouter(tags=["health"])


@routes.get("/healthz", operation_id="getHealth")
def health() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@routes.get("/readyz", operation_id="getReadiness")
def readiness(home: AtHome) -> dict[str, str]:
    """The books can be read; 503 with the reason when not."""
    with home.queries():
        return {"status": "ready"}
