"""The application: routes, and one form for everything that goes wrong."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import FastAPI

from halo_engine.clock import Clock, SystemClock
from halo_engine.settings import Settings, load_settings
from server import errors
from server.routes import command, health


def create_app(settings: Settings, *, clock: Clock) -> FastAPI:
    """An application over `settings`. Nothing is opened until it is asked for."""
    app = FastAPI(title="Halo", version=version("halo-household"), docs_url=None, redoc_url=None)
    errors.install(app)
    app.include_router(health.router(settings))
    app.include_router(command.router(settings, clock))
    return app


def from_environment() -> FastAPI:
    """The application over the settings of `HALO_HOME`: what `halo serve`, or any ASGI server, starts by name."""
    return create_app(load_settings(), clock=SystemClock())
