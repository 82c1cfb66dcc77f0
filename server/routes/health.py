"""Whether the process lives, and whether it can work."""

from __future__ import annotations

from fastapi import APIRouter

from halo_engine.queries import Queries
from halo_engine.settings import Settings


def router(settings: Settings) -> APIRouter:
    """`GET /healthz`: the process answers. `GET /readyz`: the books can be read (503 with the reason when not)."""
    routes = APIRouter(tags=["health"])

    @routes.get("/healthz", operation_id="getHealth")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @routes.get("/readyz", operation_id="getReadiness")
    def readiness() -> dict[str, str]:
        with Queries.open(settings):
            return {"status": "ready"}

    return routes
