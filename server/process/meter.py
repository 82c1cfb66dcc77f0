"""What this process does, in numbers, for whoever runs it: `GET /metrics` in the form that Prometheus reads.

Labels are of our own making and few: a route by its template, never by its path, and no household, member or device.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.process_collector import ProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.process.routes import template_of

_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10, 30)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

#: A gauge by its name: what it is, its label or an empty text, and the values by label.
Looked = Mapping[str, tuple[str, str, Mapping[str, float]]]


class Meter:
    """The numbers of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("halo_http_requests", "Answered, by status class.", ("route", "method", "status"), registry=self.registry)
        self.took = Histogram(
            "halo_http_request_seconds", "Until the answer was whole.", ("route", "method"), buckets=_BUCKETS_S, registry=self.registry
        )
        self.under_way = Gauge("halo_http_requests_in_flight", "Being answered now, without streams.", registry=self.registry)
        self.streams = Gauge("halo_event_streams", "Streams of events open now.", registry=self.registry)
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def also(self, look: Callable[[], Looked]) -> None:
        """Numbers that are looked up whenever somebody asks."""
        self.registry.register(_Looking(look))

    def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return generate_latest(self.registry)


class _Looking:
    def __init__(self, look: Callable[[], Looked]) -> None:
        self._look = look

    def describe(self) -> Iterable[Metric]:
        # Asked for when it is registered, and the books are not to be opened for that.
        return ()

    def collect(self) -> Iterable[Metric]:
        for name, (told, label, values) in self._look().items():
            family = GaugeMetricFamily(name, told, labels=[label] if label else [])
            for key, value in values.items():
                family.add_metric([key] if label else [], value)
            yield family


class Metered:
    """Counts every call."""

    def __init__(self, app: ASGIApp, meter: Meter) -> None:
        self._app, self._meter = app, meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status, is_stream = time.monotonic(), 500, scope["path"].endswith("/events")

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        if not is_stream:
            self._meter.under_way.inc()
        try:
            await self._app(scope, receive, sent)
        finally:
            route, method = template_of(scope), scope["method"] if scope["method"] in _METHODS else "other"
            self._meter.requests.labels(route, method, f"{status // 100}xx").inc()
            if not is_stream:
                self._meter.under_way.dec()
                self._meter.took.labels(route, method).observe(time.monotonic() - began)
