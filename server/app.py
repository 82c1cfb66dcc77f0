"""The application: routes, and one form for everything that goes wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import Depends, FastAPI

from halo_engine import telemetry
from halo_engine.clock import Clock, SystemClock
from halo_engine.settings import Settings, load_settings
from server import errors
from server.auth import calling
from server.bridge import mounting
from server.home import Home
from server.logs import Told
from server.once import Kept
from server.routes import activity, cards, command, drafts, executions, health, household, receipts, requests


def create_app(settings: Settings, *, clock: Clock) -> FastAPI:
    """An application over `settings`. Nothing is opened until it is asked for."""
    app = FastAPI(title="Halo", version=version("halo-household"), docs_url=None, redoc_url=None, lifespan=_closing)
    telemetry.start(settings)
    app.state.home, app.state.kept = Home(settings, clock), Kept()
    app.add_middleware(Told, home=app.state.home)
    errors.install(app)
    app.include_router(health.routes)
    for subject in (household, command, drafts, executions, receipts, cards, activity, requests):
        # Before anything else of a request is looked at, it is known who sends it.
        app.include_router(subject.routes, dependencies=[Depends(calling)])
    mounting.mount(app, app.state.home)
    return app


def from_environment() -> FastAPI:
    """The application over the settings of `HALO_HOME`: what `halo serve`, or any ASGI server, starts by name."""
    return create_app(load_settings(), clock=SystemClock())


@asynccontextmanager
async def _closing(app: FastAPI) -> AsyncIterator[None]:
    yield
    app.state.home.close()
