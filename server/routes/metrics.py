"""Two kinds of numbers: the household's figures for its members, and the process's for whoever runs it."""

from __future__ import annotations

import hmac
import ipaddress
from datetime import date
from typing import Annotated, Literal, cast
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BeforeValidator
from starlette.exceptions import HTTPException

from halo_engine.metrics import Metrics
from halo_engine.model.day import day_in
from server.answers import PRIVATE, found
from server.auth import AtHome, Caller
from server.documents import metrics as documents
from server.errors import problems
from server.home import Home
from server.process.meter import Meter
from server.process.reports import Reports

#: What a proxy adds: who asks by way of one is somewhere else.
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")

routes = APIRouter(prefix="/v1", tags=["metrics"])
unguarded = APIRouter(include_in_schema=False)


def _as_written(value: object) -> object:
    """What has the form of a day: the library would also count seconds, since 1970."""
    if isinstance(value, str) and day_in(value) is None:
        raise ValueError("a day is YYYY-MM-DD")
    return value


Day = Annotated[date, BeforeValidator(_as_written)]
By = Annotated[Literal["verb", "vendor", "member", "month"] | None, Query(description="Also for each of these.")]


@routes.get("/metrics", operation_id="getMetrics", response_model=documents.Metrics, responses=problems(422, 503))
def metrics(
    request: Request,
    home: AtHome,
    caller: Caller,
    by: By = None,
    since: Annotated[Day | None, Query(description="The first day of the household.")] = None,
    until: Annotated[Day | None, Query(description="The last one.")] = None,
) -> Response:
    """How often it worked, how long it took and what it cost. Worked out anew every few seconds at most."""
    reports = cast("Reports[documents.Metrics]", request.app.state.reports)
    asked = caller.household_id, by, since, until
    return found(reports.get(asked, lambda: _report(home, caller.household_id, by, since, until)))


def _report(home: Home, household_id: str, by: By, since: date | None, until: date | None) -> documents.Metrics:
    with Metrics.open(home.settings, clock=home.clock, household_id=household_id) as opened:
        return documents.Metrics.of_report(opened.report(by, since=since, until=until), opened.series())


@unguarded.get("/metrics")
def process_metrics(request: Request) -> Response:
    """The process in numbers, in Prometheus's form. To whoever else asks there is nothing here."""
    installation, meter = request.app.state.installation, cast(Meter, request.app.state.meter)
    token = installation.settings.metrics_token
    if not (_is_on_this_machine(request) if token is None else _has(request, token.get_secret_value())):
        raise HTTPException(404)
    return Response(meter.text(), 200, PRIVATE, "text/plain; version=0.0.4; charset=utf-8")


def _has(request: Request, token: str) -> bool:
    scheme, _, shown = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(shown.strip().encode(), token.encode())


def _is_on_this_machine(request: Request) -> bool:
    """Whoever asks by way of a proxy here comes from here too, so a name in `Host` that is not this machine's says no as well."""
    if any(name in request.headers for name in _FORWARDED) or request.client is None:
        return False
    return _is_loopback(request.client.host) and _is_loopback(_named(request))


def _named(request: Request) -> str:
    """The host that was called. Not of `request.url`, which reads the query, too, and fails on one that is no text."""
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
