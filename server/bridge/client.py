"""The way out: sends a message by the bridge's REST interface, and says by which GUID the thread knows it.

It goes through httpx's transport and not through its client: the client logs every URL, and in this one stands the password, because the bridge
takes it nowhere else.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Final

import httpx

from halo_engine.model.strict_json import JsonError, loads
from halo_engine.store.bridge_files import BridgeSetup

_MAX_ANSWER_BYTES: Final = 1024 * 1024
#: A Mac that is asleep takes this long to answer; a card that takes longer is sent again.
_TIMEOUT: Final = {"connect": 5.0, "read": 30.0, "write": 10.0, "pool": 10.0}


class NotDelivered(Exception):
    """The bridge did not take the message, or did not say that it had."""


class BridgeClient:
    """One bridge. It may be used by several threads."""

    def __init__(self, setup: BridgeSetup, *, transport: httpx.BaseTransport | None = None) -> None:
        self._setup = setup
        self._transport = transport or _network(setup.url)

    def close(self) -> None:
        self._transport.close()

    def send(self, text: str, *, chat_id: str, temporary_id: str) -> str:
        """The GUID of the message that was sent. Raises `NotDelivered`, which says nothing of the message or the bridge."""
        # Never as an inline reply: an answer to one names the first message of its thread, and so would point at the wrong card.
        body = {"chatGuid": chat_id, "tempGuid": temporary_id, "message": text, "method": self._setup.method}
        url = httpx.URL(f"{self._setup.url.rstrip('/')}/api/v1/message/text", params={"password": self._setup.password.get_secret_value()})
        request = httpx.Request("POST", url, json=body, extensions={"timeout": dict(_TIMEOUT)})
        try:
            status, answer = self._answer(request)
            return _guid(status, loads(answer))
        except (httpx.HTTPError, httpx.InvalidURL, JsonError, OSError):
            # Not chained: these errors carry the request with them.
            raise NotDelivered from None

    def _answer(self, request: httpx.Request) -> tuple[int, bytes]:
        response = self._transport.handle_request(request)
        try:
            body = bytearray()
            for chunk in response.iter_raw():
                body += chunk
                if len(body) > _MAX_ANSWER_BYTES:
                    raise NotDelivered
            return response.status_code, bytes(body)
        finally:
            response.close()


def _guid(status: int, answer: object) -> str:
    data = answer.get("data") if isinstance(answer, Mapping) else None
    guid = data.get("guid") if isinstance(data, Mapping) else None
    failed = status != 200 or not isinstance(data, Mapping) or data.get("error") not in (None, 0)
    if failed or not isinstance(guid, str) or not (0 < len(guid) <= 200 and guid.isascii() and guid.isprintable()):
        raise NotDelivered
    return guid


def _network(url: str) -> httpx.HTTPTransport:
    verify: ssl.SSLContext | bool = ssl.create_default_context() if url.startswith("https:") else False
    # No environment: a proxy somebody set for the web must not carry the household's messages.
    return httpx.HTTPTransport(verify=verify, trust_env=False, limits=httpx.Limits(max_connections=4, max_keepalive_connections=0))
