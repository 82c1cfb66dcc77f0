"""A span for each call, by OpenTelemetry, where somebody has asked for it and the library is installed; else nothing is imported.

A span says which route, which method, how it was answered and the name of the call. No path, query, header or body is in one, nobody's id, and
nothing of what went wrong.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from halo_engine.model.errors import InvalidInput
from halo_engine.settings import Settings
from server import request_ids
from server.process.routes import template_of

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter


def endpoint_of(settings: Settings) -> str | None:
    """Whereto traces go, where they go anywhere."""
    return settings.otel_endpoint or os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or None


def provider_to(endpoint: str, *, exporter: SpanExporter | None = None) -> Any:
    """What makes spans and sends them to `endpoint`, in a thread of its own. Raises `InvalidInput` where the library is not installed."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
    except ImportError as error:
        raise InvalidInput(
            "Traces are asked for, and OpenTelemetry is not installed.", hint="In Halo's directory: pip install '.[otel]'"
        ) from error
    provider = TracerProvider(resource=Resource({"service.name": "halo"}), shutdown_on_exit=False)
    sending = (
        BatchSpanProcessor(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces")) if exporter is None else SimpleSpanProcessor(exporter)
    )
    provider.add_span_processor(sending)
    return provider


class Traced:
    """A span for each call; part of the caller's trace where its `traceparent` says which (W3C Trace Context)."""

    def __init__(self, app: ASGIApp, provider: Any) -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._app, self._tracer = app, provider.get_tracer("halo.server")
        self._came_from = TraceContextTextMapPropagator().extract

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with self._span(scope) as span:
            try:
                await self._app(scope, receive, sent)
            finally:
                route = template_of(scope)
                span.update_name(f"{scope['method']} {route}")
                span.set_attributes({"http.route": route, "http.response.status_code": status, "halo.request_id": request_ids.current()})

    @contextmanager
    def _span(self, scope: Scope) -> Iterator[Any]:
        from opentelemetry.trace import SpanKind

        parents = [value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"]
        context = self._came_from({"traceparent": parents[0]} if len(parents) == 1 else {})
        # What an exception says may quote anything.
        how = {"record_exception": False, "set_status_on_exception": False}
        attributes = {"http.request.method": scope["method"]}
        with self._tracer.start_as_current_span(
            scope["method"], context=context, kind=SpanKind.SERVER, attributes=attributes, **how
        ) as span:
            yield span
