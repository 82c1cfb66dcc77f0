"""Whether the process lives, and whether it can work. The only questions that anybody may ask."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from halo_engine.watching import Watch
from server import errors
from server.answers import answer
from server.auth import AtInstallation
from server.documents.health import Health
from server.errors import problems

routes = APIRouter(tags=["health"])


@routes.get("/healthz", operation_id="getHealth", response_model=Health)
async def health() -> Response:
    """Whether the process answers."""
    return answer(Health(status="ok"))


@routes.get("/readyz", operation_id="getReadiness", response_model=Health, responses=problems(503))
def readiness(request: Request, installation: AtInstallation) -> Response:
    """Whether calls should be sent here: the books can be read and are of this version, and the process is not about to end. A 503 says why not.

    Without a worker it is ready all the same: what is confirmed waits for one.
    """
    if request.app.state.ending.has_begun:
        raise errors.Draining
    # Opened here, books of an older version are brought to this one.
    _ = installation.engine
    with installation.home().queries(), Watch.open(installation.settings) as watch:
        watch.check_version()
        return answer(Health(status="ready", workers=watch.workers()))
