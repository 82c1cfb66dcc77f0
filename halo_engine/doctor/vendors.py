"""Whether the vendors' machines answer: a connection, and TLS where the address says so. Nothing is asked for, so nothing is spent."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from halo_engine.doctor.finding import Finding, ok, warning
from halo_engine.doctor.home import VENDOR_URLS
from halo_engine.settings import Settings

_PATIENCE_S = 4.0


def reachable(settings: Settings) -> Iterator[Finding]:
    if settings.vendors == "simulator":
        yield ok("vendors", "The vendors are simulated, in this process")
        return
    places = {urlsplit(url) for each in VENDOR_URLS if not (url := str(getattr(settings, each))).startswith("http://simulator.invalid")}
    doors = sorted({(place.scheme, place.hostname or "", place.port or (443 if place.scheme == "https" else 80)) for place in places})
    with ThreadPoolExecutor(max_workers=8) as at_once:
        answers = list(at_once.map(_knock, doors))
    for (_, host, port), trouble in zip(doors, answers, strict=True):
        if trouble:
            yield warning(
                "vendors", f"{host}:{port} does not answer: {trouble}.", f"curl -sI {host}:{port}; look at the network, and at the URL"
            )
        else:
            yield ok("vendors", f"{host}:{port} answers")


def _knock(door: tuple[str, str, int]) -> str:
    """Why nobody opened; empty where somebody did."""
    scheme, host, port = door
    try:
        with socket.create_connection((host, port), timeout=_PATIENCE_S) as connection:
            if scheme == "https":
                ssl.create_default_context().wrap_socket(connection, server_hostname=host).close()
    except (OSError, ValueError) as error:
        return error.strerror or type(error).__name__ if isinstance(error, OSError) else "no such address"
    return ""
