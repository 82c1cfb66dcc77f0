"""The simulated bridge on a loopback port: the REST interface that Halo calls, and `/sim`, by which a person or a test acts in the chat.

| | |
|---|---|
| `GET /api/v1/ping`, `POST /api/v1/message/text` | as the real bridge has them, with its password in the query |
| `GET /sim/thread` | everything in the chat |
| `POST /sim/says` | `{"handle", "text", "reply_to"}` |
| `POST /sim/taps`, `POST /sim/untaps` | `{"handle", "on", "kind"}` |
| `POST /sim/faults` | `{"sends": ["refused", …], "copies": 2}` |
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, get_args
from urllib.parse import parse_qs, urlsplit

from halo_sim.background import in_background
from halo_sim.bluebubbles import Bridge, Message, SendFault
from halo_sim.wire import MAX_BODY_BYTES

_TIMEOUT_S = 10


class BridgeServer(ThreadingHTTPServer):
    """One bridge on 127.0.0.1. Bound when made; `serve_forever` answers."""

    daemon_threads = True

    def __init__(self, bridge: Bridge, port: int = 0) -> None:
        self.bridge = bridge
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def serving(bridge: Bridge, port: int = 0) -> Iterator[str]:
    """A server in a thread for as long as the block runs; its URL."""
    with in_background(BridgeServer(bridge, port)) as server:
        yield server.url


def shown(message: Message) -> dict[str, Any]:
    """A message for whoever looks on."""
    return {
        "guid": message.guid,
        "from": message.handle or "me",
        "text": message.text,
        "reply_to": message.reply_to,
        "tapback": message.tapback and ("-" if message.removed else "") + message.tapback,
        "on": message.on,
        "delivered": message.delivered,
        "at": message.at.isoformat(),
    }


class _Handler(BaseHTTPRequestHandler):
    server: BridgeServer
    protocol_version = "HTTP/1.1"
    timeout = _TIMEOUT_S

    def do_GET(self) -> None:
        path, bridge = urlsplit(self.path).path, self.server.bridge
        if path == "/sim/thread":
            self._send(200, {"chat": bridge.chat.guid, "thread": [shown(message) for message in bridge.thread]})
        elif path == "/api/v1/ping" and self._has_password():
            self._send(200, {"status": 200, "message": "Ping received!", "data": "pong"})
        else:
            self._refuse()

    def do_POST(self) -> None:
        body = self._body()
        path = urlsplit(self.path).path
        if body is None:
            self._send(400, {"status": 400, "message": "The body must be a JSON object."})
        elif path.startswith("/sim/"):
            self._act(path.removeprefix("/sim/"), body)
        elif path == "/api/v1/message/text" and self._has_password():
            self._message(body)
        else:
            self._refuse()

    def _message(self, body: Mapping[str, Any]) -> None:
        status, answer = self.server.bridge.send(body)
        if answer is None:
            self.close_connection = True
            return
        self._send(status, answer)

    def _act(self, what: str, body: Mapping[str, Any]) -> None:
        bridge = self.server.bridge
        try:
            match what:
                case "says":
                    message = bridge.says(str(body["handle"]), str(body["text"]), reply_to=body.get("reply_to"))
                case "taps":
                    message = bridge.taps(str(body["handle"]), str(body["on"]), str(body["kind"]))
                case "untaps":
                    message = bridge.untaps(str(body["handle"]), str(body["on"]), str(body["kind"]))
                case "faults":
                    bridge.fail_sends(*(fault for fault in body.get("sends", ()) if fault in get_args(SendFault)))
                    bridge.copies = int(body.get("copies", bridge.copies))
                    self._send(200, {"copies": bridge.copies})
                    return
                case _:
                    self._refuse()
                    return
        except (KeyError, ValueError, TypeError) as error:
            self._send(400, {"message": f"Not understood: {error}"})
            return
        self._send(200, shown(message))

    def _has_password(self) -> bool:
        query = parse_qs(urlsplit(self.path).query)
        given = next((query[name][0] for name in ("password", "guid", "token") if name in query), "")
        return hmac.compare_digest(given.encode(), self.server.bridge.password.encode())

    def _refuse(self) -> None:
        is_known = urlsplit(self.path).path.startswith("/api/v1/")
        self._send(401 if is_known else 404, {"status": 401 if is_known else 404, "message": "Unauthorized" if is_known else "Not Found"})

    def _body(self) -> Mapping[str, Any] | None:
        length = self.headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or len(length) > 9 or int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            return None
        try:
            body = json.loads(self.rfile.read(int(length)) or b"{}")
        except (ValueError, RecursionError):
            return None
        return body if isinstance(body, dict) else None

    def _send(self, status: int, answer: Mapping[str, Any]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name the base class has
        """Silent: the password stands in the path."""
