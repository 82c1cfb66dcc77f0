"""A span for each call, and nothing of anybody's in it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from server.app import create_app
from server.process import tracing
from server.process.tracing import Traced
from tests.installation import Installation
from tests.server.calling import BATTERIES, phone

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def kept() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def client(home: Installation, kept: InMemorySpanExporter) -> Iterator[TestClient]:
    provider = tracing.provider_to("http://127.0.0.1:9", exporter=kept)
    app = create_app(home.settings, clock=home.clock)
    app.add_middleware(Traced, provider=provider)
    with TestClient(app) as test_client:
        yield test_client
    provider.shutdown()


def last(kept: InMemorySpanExporter) -> ReadableSpan:
    return kept.get_finished_spans()[-1]


class TestASpan:
    def test_says_which_route_and_how_it_was_answered(self, client: TestClient, kept: InMemorySpanExporter) -> None:
        client.get("/v1/drafts/dft_x?secret=1", headers={"X-Request-Id": "my-own-name"})
        span = last(kept)
        assert span.name == "GET /v1/drafts/{draft_id}"
        assert dict(span.attributes or {}) == {
            "http.request.method": "GET",
            "http.route": "/v1/drafts/{draft_id}",
            "http.response.status_code": 401,
            "halo.request_id": "my-own-name",
        }

    def test_is_part_of_the_callers_trace(self, client: TestClient, kept: InMemorySpanExporter) -> None:
        client.get("/healthz", headers={"traceparent": PARENT})
        assert last(kept).context.trace_id == 0x0AF7651916CD43DD8448EB211C80319C
        for none in ("nonsense", PARENT + PARENT, "00-" + "0" * 32 + "-" + "0" * 16 + "-01"):
            client.get("/healthz", headers={"traceparent": none})
            assert last(kept).parent is None

    def test_has_nothing_of_what_was_said_and_by_whom(self, home: Installation, client: TestClient, kept: InMemorySpanExporter) -> None:
        caller = phone(home, client)
        drafted = caller.draft()
        caller.confirm(drafted)
        caller.get(f"/v1/cards/{drafted['draft_id']}", format="nonsense-canary")
        told = "".join(span.to_json() for span in kept.get_finished_spans())
        for secret in (
            caller.token,
            caller.device_id,
            drafted["draft_id"],
            drafted["draft_hash"],
            BATTERIES,
            "nonsense-canary",
            "usr_",
            "hsh_",
        ):
            assert secret not in told


class TestWithoutAnybodyToTellIt:
    def test_nothing_is_imported(self) -> None:
        look = "import sys; import server.serving; print(any(name.startswith('opentelemetry.sdk') for name in sys.modules))"
        assert subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout == "False\n"

    def test_it_is_said_by_a_setting_or_by_the_environment(self, home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
        assert tracing.endpoint_of(home.settings) is None
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
        assert tracing.endpoint_of(home.settings) == "http://127.0.0.1:4318"
        assert tracing.endpoint_of(home.settings.model_copy(update={"otel_endpoint": "http://else:1"})) == "http://else:1"
