"""How much of the server one caller can have: of its time to read, of its places, and of its belief."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from pydantic import ValidationError
from starlette.types import Receive, Scope, Send

from halo_engine.model.strict_json import loads
from halo_engine.settings import Settings
from server.app import create_app
from server.process.gate import Gate
from server.routes.description import FILE
from server.serving import config_of
from tests.installation import Installation
from tests.server.calling import Phone, phone

#: The only routes that take a long text.
LONG = {"createDraft", "modifyDraft", "parseCommand", "hearCommand"}
TAKING = {
    (method, path): operation["operationId"]
    for path, operations in json.loads(FILE.read_text(encoding="utf-8"))["paths"].items()
    for method, operation in operations.items()
    if "requestBody" in operation
}


class TestABody:
    def test_is_long_only_where_a_long_text_is_taken(self, phone: Phone) -> None:
        body = b" " * (64 * 1024 + 1)
        answers = {each: phone.client.request(*each, content=body, headers=phone.headers()) for each in TAKING}
        assert {TAKING[each] for each, answer in answers.items() if answer.status_code != 413} == LONG

    def test_of_somebody_unknown_is_short(self, client: TestClient) -> None:
        assert client.post("/v1/devices/enrol", content=b" " * 4097).status_code == 413
        assert client.post("/v1/devices/enrol", json={"code": "AAAA-BBBB-CCCC", "name": "a" * 90}).status_code == 403

    def test_of_many_values_is_refused_before_anything_is_made_of_them(self, phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("server.body.loads", lambda _: pytest.fail("It was read."))
        for values in (b"0,", b"{},", b'"",', b'"\\"",', b"[[],[]],"):
            answer = phone.send("/v1/draft/create", b'{"text":[' + values * 200_000 + b"0]}")
            assert (answer.status_code, answer.json()["code"]) == (422, "bad_body"), values

    def test_of_one_long_text_is_read(self, phone: Phone) -> None:
        about = phone.draft()["request_id"]
        for text in ('[{,\\"' * 30_000, "yes" + "," * 900_000):
            assert phone.post("/v1/command/hear", {"about": about, "text": text}).json()["reply"] in ("none", "unsure", "confirm")

    def test_that_is_large_is_read_beside_the_event_loop(self, phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
        """Small ones are read at once: a thread would cost more."""
        read_in: list[bool] = []

        def reading(body: bytes) -> Any:
            try:
                asyncio.get_running_loop()
            except RuntimeError:
                read_in.append(False)
            else:
                read_in.append(True)
            return loads(body)

        monkeypatch.setattr("server.body.loads", reading)
        about = phone.draft()["request_id"]
        phone.post("/v1/command/hear", {"about": about, "text": "a" * 100_000})
        assert read_in == [True, False]


def gate_of(app: FastAPI) -> Gate:
    found: Any = app.middleware_stack or app.build_middleware_stack()
    while not isinstance(found, Gate):
        found = getattr(found, "app", None) or found._app
    return found


class TestASlowBody:
    """Of a server with one place."""

    def meanwhile(self, home: Installation, *, is_taken: bool) -> tuple[httpx.Response, httpx.Response, int]:
        """What another call gets while a body is on its way, and what that one gets; where the place is taken when the rest comes, and where not."""
        app = create_app(home.settings.model_copy(update={"serve_requests": 1}), clock=home.clock)
        caller = phone(home, TestClient(app))

        async def calls() -> tuple[httpx.Response, httpx.Response, int]:
            begun, rest = asyncio.Event(), asyncio.Event()

            async def slowly() -> AsyncIterator[bytes]:
                yield b'{"text":'
                begun.set()
                await rest.wait()
                yield b'"hello"}'

            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=caller.headers()) as client:
                slow = asyncio.create_task(client.post("/v1/command/parse", content=slowly()))
                await begun.wait()
                other = await client.get("/v1/household")
                gate = gate_of(app)
                gate.change(is_taken)
                rest.set()
                answer = await slow
                gate.change(-is_taken)
                return other, answer, gate._under_way

        return asyncio.run(calls())

    def test_keeps_nobody_out(self, home: Installation) -> None:
        other, slow, left = self.meanwhile(home, is_taken=False)
        assert (other.status_code, slow.status_code, left) == (200, 200, 0)

    def test_that_finds_no_place_in_the_end_is_told_to_come_again(self, home: Installation) -> None:
        other, slow, left = self.meanwhile(home, is_taken=True)
        assert (other.status_code, slow.status_code, slow.json()["code"], left) == (200, 503, "busy", 0)
        assert slow.headers["retry-after"] == "5"


class TestAProxy:
    def seen(self, home: Installation, *trusted: str, proxy: str = "127.0.0.1") -> Any:
        app = FastAPI()

        @app.get("/")
        def seen(request: Request) -> dict[str, Any]:
            assert request.client is not None
            return {"from": request.client.host, "by": request.scope["scheme"]}

        config = config_of(app, home.settings.model_copy(update={"serve_trusted_proxies": trusted}))
        config.load()
        forwarded = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
        return TestClient(config.loaded_app, client=(proxy, 50000)).get("/", headers=forwarded).json()

    @pytest.fixture(autouse=True)
    def _log(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # The server's own would close every handler there is.
        monkeypatch.setattr("server.serving.LOGGING_CONFIG", None)

    def test_is_believed_by_nobodys_default(self, home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """Also where the environment of another server says that everybody is one."""
        monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
        assert self.seen(home) == {"from": "127.0.0.1", "by": "http"}

    def test_is_believed_where_it_is_named(self, home: Installation) -> None:
        assert self.seen(home, "10.0.0.0/24", "127.0.0.1") == {"from": "203.0.113.9", "by": "https"}
        assert self.seen(home, "10.0.0.0/24", proxy="10.0.0.7")["from"] == "203.0.113.9"
        assert self.seen(home, "10.0.0.0/24", proxy="10.0.1.7") == {"from": "10.0.1.7", "by": "http"}

    @pytest.mark.parametrize("name", ["*", "proxy.example", "10.0.0.1/8"])
    def test_is_named_by_its_address(self, home: Installation, name: str) -> None:
        with pytest.raises(ValidationError):
            Settings(home=home.settings.home, serve_trusted_proxies=(name,))


class TestAQueryThatIsNoText:
    def test_is_answered(self, home: Installation) -> None:
        app = create_app(home.settings, clock=home.clock)

        async def asked(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "query_string": b"a=\xff\xfe"} if scope["type"] == "http" else scope, receive, send)

        client = TestClient(asked, base_url="http://127.0.0.1", client=("127.0.0.1", 50000))
        statuses = {"/metrics": 200, "/healthz": 200, "/v1/activity": 401, "/no/such": 404}
        assert {path: client.get(path).status_code for path in statuses} == statuses
