"""One try: a POST to a receiver, and how it went. It never raises, never follows a redirect, and never repeats what the receiver said.

Of the answer only the status and `Retry-After` are looked at; its body is not read at all. Proxies and credentials of the environment are not used.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from functools import cache
from typing import Final, Protocol

import httpcore
import httpx

from halo_engine.model.errors import InvalidInput
from halo_engine.model.webhook import Answered
from halo_engine.model.webhook_address import target_of
from halo_engine.webhooks.network import End, Guarded, RefusedError, Resolver, TooLateError, UnresolvedError, system_resolver

#: What Standard Webhooks recommends as the least and the most that a receiver should be given is 15 to 30 seconds.
TOTAL_S: Final = 15.0
_LATE = "It did not answer in time."


class Sender(Protocol):
    """Whoever takes a message to a receiver."""

    def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answered:
        """How it went."""
        ...


class HttpSender:
    """Over the network. `tls` is what certificates are judged by."""

    def __init__(
        self, *, allow_loopback: bool, resolve: Resolver = system_resolver, total_s: float = TOTAL_S, tls: ssl.SSLContext | None = None
    ) -> None:
        self._allow_loopback, self._resolve, self._total_s, self._tls = allow_loopback, resolve, total_s, tls

    def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answered:
        """How it went."""
        try:
            return self._sent(url, body, headers)
        except (InvalidInput, RefusedError):
            # The rules may have changed since the endpoint was added, and so may what its name resolves to.
            return Answered(error="Its address is not on the public internet.")
        except UnresolvedError:
            return Answered(error="Its name could not be resolved.")
        except (TooLateError, httpcore.TimeoutException):
            return Answered(error=_LATE)
        except (httpcore.ConnectError, ssl.SSLError) as error:
            return Answered(error=_untrusted(error) or "No connection could be made.")
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError):
            return Answered(error="The connection broke, or what came was not HTTP.")
        except Exception as error:  # noqa: BLE001 - whatever a receiver does, it must not stop the messages of others
            return Answered(error=f"It could not be sent: {type(error).__name__}.")

    def _sent(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answered:
        target, end = target_of(url, allow_loopback=self._allow_loopback), End(self._total_s)
        own = {"Host": target.host_header, "Content-Type": "application/json", "User-Agent": "Halo-Webhooks/1", "Connection": "close"}
        backend, tls = Guarded(target, self._resolve, end), self._tls or _tls()
        with (
            httpcore.ConnectionPool(ssl_context=tls, network_backend=backend, retries=0, max_keepalive_connections=0, http2=False) as pool,
            pool.stream("POST", target.url, headers=list((own | dict(headers)).items()), content=body) as response,
        ):
            after = next((value for name, value in response.headers if name.lower() == b"retry-after"), b"")
            return Answered(status=response.status, retry_after=after.decode("latin-1")[:100] or None)


def _untrusted(error: Exception) -> str | None:
    return "Its certificate is not to be trusted." if "CERTIFICATE_VERIFY_FAILED" in str(error) else None


@cache
def _tls() -> ssl.SSLContext:
    # Building one takes a tenth of a second, so the process shares it. Without the environment's own ideas of whom to trust.
    return httpx.create_ssl_context(trust_env=False)
