"""A server that speaks chat completions over loopback, because the `openai` client carries its own transport and sees no other."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class ModelServer:
    """Gives the replies it was told, in order, the last one again and again."""

    def __init__(self) -> None:
        self.replies: list[tuple[int, bytes]] = []
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answer_headers: dict[str, str] = {}
        self.released = threading.Event()
        self.hold = False
        self.drip = False
        self.sent_whole = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def stop(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        model = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                model.headers.append({name.lower(): value for name, value in self.headers.items()})
                model.requests.append(json.loads(body) | {"path": self.path, "authorization": self.headers["Authorization"]})
                status, reply = model.replies[min(len(model.requests), len(model.replies)) - 1]
                if model.hold:
                    model.released.wait(10)
                try:
                    self._send(status, reply)
                except OSError:
                    self.close_connection = True

            def _send(self, status: int, reply: bytes) -> None:
                self.send_response(status)
                for name, value in ({"Content-Type": "application/json"} | model.answer_headers).items():
                    self.send_header(name, value)
                if status == 307:
                    self.send_header("Location", f"{model.base_url}/chat/completions")
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                for byte in reply if model.drip else ():
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    if model.released.wait(0.05):
                        return
                model.sent_whole = True
                if not model.drip:
                    self.wfile.write(reply)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class names it so
                pass

        return Handler


class RawServer:
    """Hands the first connection to `talk`, byte for byte: for answers that no well-behaved server gives."""

    def __init__(self, talk: Callable[[socket.socket, threading.Event], None]) -> None:
        self._stopped = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._talk = talk
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}/v1"

    def stop(self) -> None:
        self._stopped.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()

    def _serve(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.recv(65_536)
                    self._talk(connection, self._stopped)
                except OSError:
                    continue


def completion(content: str | None, *, finish_reason: str = "stop", usage: Any = None, **message: Any) -> tuple[int, bytes]:
    """A whole chat completion, as the public documentation shows it."""
    choice = {"index": 0, "finish_reason": finish_reason, "message": {"role": "assistant", "content": content} | message}
    whole = {"id": "c", "object": "chat.completion", "created": 1, "model": "tiny", "choices": [choice]}
    return 200, json.dumps(whole | ({"usage": usage} if usage is not None else {})).encode()


def answered(
    verb: str,
    params: dict[str, Any] | None,
    *,
    entities: list[tuple[str, str]] | None = None,
    confidence: float = 0.9,
    usage: Any = None,
) -> tuple[int, bytes]:
    """A completion that fills the schema."""
    spans = [{"type": kind, "text": text} for kind, text in entities or []]
    answer = {
        "verb": verb,
        "confidence": confidence,
        "entities": spans,
        "params": {verb: params} if params is not None else {},
        "remainder": None,
    }
    return completion(json.dumps(answer), usage=usage)


def item(**given: Any) -> dict[str, Any]:
    """Milk, with `given` on top."""
    return {"name": "milk", "quantity": 1, "attributes": [], "max_price_cents": None} | given
