"""The application: routes, and one form for everything that goes wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import Depends, FastAPI

from halo_engine import telemetry
from halo_engine.clock import Clock
from halo_engine.settings import Settings
from server import errors
from server.auth import calling
from server.bridge import mounting
from server.conditional import Conditional
from server.home import Installation
from server.logs import Told
from server.mcp import over_http
from server.process import tracing
from server.process.gate import Gate
from server.process.looking import Looking
from server.process.meter import Meter, Metered
from server.process.reports import Reports
from server.process.state import Ending
from server.process.streams import Streams
from server.rates import Rates
from server.routes import (
    activity,
    cards,
    command,
    description,
    devices,
    drafts,
    executions,
    health,
    household,
    metrics,
    pages,
    receipts,
    requests,
    signing,
    streams,
    usuals,
    webhooks,
)


def create_app(settings: Settings, *, clock: Clock) -> FastAPI:
    """An application over `settings`. Nothing is opened until it is asked for."""
    app = FastAPI(title="Halo", version=version("halo-household"), openapi_url=None, lifespan=_closing)
    telemetry.start(settings)
    app.state.installation, app.state.rates = Installation(settings, clock), Rates(settings, clock)
    app.state.ending, app.state.meter = Ending(), Meter()
    app.state.streams = Streams(settings, lambda: app.state.installation.clock, app.state.ending, app.state.meter)
    app.state.reports = Reports[object]()
    app.state.meter.also(Looking(app.state.installation))
    # From the inside out.
    app.add_middleware(Gate, most=settings.serve_requests)
    app.add_middleware(Metered, meter=app.state.meter)
    app.add_middleware(Conditional)
    if endpoint := tracing.endpoint_of(settings):
        app.state.provider = tracing.provider_to(endpoint)
        app.add_middleware(tracing.Traced, provider=app.state.provider)
    app.add_middleware(Told)
    errors.install(app)
    app.include_router(health.routes)
    app.include_router(pages.routes)
    app.include_router(description.routes)
    app.include_router(devices.unguarded)
    for subject in (household, command, drafts, executions, receipts, cards, activity, requests, devices, usuals, webhooks, signing):
        # Before anything else of a request is looked at, it is known who sends it.
        app.include_router(subject.routes, dependencies=[Depends(calling)])
    app.include_router(streams.routes, dependencies=[Depends(calling)])
    app.include_router(metrics.routes, dependencies=[Depends(calling)])
    app.include_router(metrics.unguarded)
    if over_http.is_installed():
        app.include_router(over_http.routes, dependencies=[Depends(calling)])
    # A bridge knows no tokens: it is attached to the first household.
    mounting.mount(app, app.state.installation.home())
    return app


@asynccontextmanager
async def _closing(app: FastAPI) -> AsyncIterator[None]:
    yield
    app.state.streams.shut()
    if provider := getattr(app.state, "provider", None):
        # What is left of the last seconds is sent.
        provider.shutdown()
    app.state.installation.close()
