"""A device of a member, and the server it calls: in this process for most tests, on a real socket where that matters."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import uvicorn
from fastapi.testclient import TestClient

from halo_engine.model.card import Card
from server.app import create_app
from tests.installation import Installation

BATTERIES = "order 2 packs of AA batteries"


@dataclass
class Phone:
    """A device with a token, calling `client`. Answers are of the type that the test client's own library has."""

    client: TestClient
    token: str
    device_id: str
    _keys: Iterator[int] = field(default_factory=count)

    def headers(self, key: str | None = None) -> dict[str, str]:
        """With one name for every call, so that two answers that say the same are the same."""
        key = key or f"{self.device_id}-{next(self._keys)}"
        return {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key, "X-Request-Id": "of-this-test"}

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(path, params=query, headers=self.headers())

    def post(self, path: str, body: Mapping[str, Any] | None = None, *, key: str | None = None) -> Any:
        return self.client.post(path, json=body, headers=self.headers(key))

    def send(self, path: str, content: bytes) -> Any:
        """A POST of these very bytes."""
        return self.client.post(path, content=content, headers=self.headers())

    def draft(self, text: str = BATTERIES) -> dict[str, Any]:
        """What comes of the words, which must be a draft."""
        drafted: dict[str, Any] = self.post("/v1/draft/create", {"text": text}).json()
        assert drafted["draft_hash"], drafted
        return drafted

    def confirm(self, drafted: Mapping[str, Any]) -> Any:
        return self.post("/v1/draft/confirm", {name: drafted[name] for name in ("draft_id", "draft_hash")})


def card_of(shown: Mapping[str, Any]) -> Card:
    """The card of an answer as the engine's value: as a person reads an amount follows from its cents."""
    maximum = {name: value for name, value in shown.get("maximum", {}).items() if name != "display"}
    return Card.model_validate({**shown, "maximum": maximum} if maximum else shown)


def phone(home: Installation, client: TestClient, *, member: str | None = None) -> Phone:
    """A new device of `member`, by default the owner's."""
    new = home.engine.devices.add("Phone", by=member)
    return Phone(client=client, token=new.token.get_secret_value(), device_id=new.device.id)


@contextmanager
def served(home: Installation) -> Iterator[str]:
    """The address of a real server over `home`, on loopback."""
    # Its own logging would close every handler there is, the log of the test among them.
    config = uvicorn.Config(create_app(home.settings, clock=home.clock), log_config=None, log_level="warning", access_log=False)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # As `halo serve` does.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
                threading.Event().wait(0.01)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
