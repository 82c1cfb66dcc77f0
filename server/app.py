"""The application: routes, and one form for everything that goes wrong."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import FastAPI

from halo_engine.clock import Clock
from halo_engine.settings import Settings
from server import errors
from server.routes import command, health


def create_app(settings: Settings, *, clock: Clock) -> FastAPI:
    """An application over `settings`. Nothing is opened until it is asked for."""
    app = FastAPI(title="Halo", version=version("halo-household"), docs_url=None, redoc_url=None)
    errors.install(app)
    app.include_router(health.router(settings))
    app.include_router(command.router(settings, clock))
    return app
