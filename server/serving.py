"""`halo serve`'s server: the application on one listening socket, until a signal ends it. Called by the terminal's face, by name.

A first SIGTERM or Ctrl-C drains it: it is no longer ready, stops listening, tells streams to come back elsewhere, and lets requests under way end. A
second one ends it where it stands, which loses nothing but answers: what is in the books is there, and what was begun is taken over.
"""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from fastapi import FastAPI
from uvicorn.config import LOGGING_CONFIG

from halo_engine import telemetry
from halo_engine.clock import SystemClock
from halo_engine.settings import Settings
from server.app import create_app
from server.process.protocol import Limited, LimitedConfig, Limits
from server.process.state import Ending

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def serve(settings: Settings, listener: socket.socket, *, draining: Callable[[], None]) -> int | None:
    """Serve until a signal; the one that ended it. Called in the process's first thread. `draining` is called as soon as a signal came."""
    app = create_app(settings, clock=SystemClock())
    server = _Server(config_of(app, settings), app.state.ending, draining, delay_s=settings.serve_drain_delay_s)
    server.run([listener])
    return server.ended_by


def config_of(app: FastAPI, settings: Settings) -> LimitedConfig:
    """How `app` is served."""
    config = LimitedConfig(
        app,
        http=Limited,
        loop="auto",
        ws="none",
        lifespan="on",
        access_log=False,
        server_header=False,
        # The server's own default believes whoever calls from this machine.
        proxy_headers=bool(settings.serve_trusted_proxies),
        forwarded_allow_ips=list(settings.serve_trusted_proxies),
        # A request that nobody can read is the client's affair, and there may be thousands.
        log_level="error",
        timeout_keep_alive=settings.serve_keep_alive_s,
        timeout_graceful_shutdown=settings.serve_drain_s,
        # Where there is a log of our own, it hears the server's warnings.
        log_config=None if telemetry.is_on() else LOGGING_CONFIG,
    )
    config.limits = Limits.of(settings)
    return config


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ending: Ending, draining: Callable[[], None], *, delay_s: float) -> None:
        super().__init__(config)
        self._ending, self._draining, self._delay_s = ending, draining, delay_s
        self._is_told = False
        self._asked_at: float | None = None
        self.ended_by: int | None = None

    async def on_tick(self, counter: int) -> bool:
        """A balancer may have to see first that this process is not ready."""
        if self._asked_at is not None and not self._is_told:
            # Here and not in the signal's handler: that may have come in the middle of a write.
            self._is_told = True
            self._draining()
        is_over = await super().on_tick(counter)
        return is_over and (self._asked_at is None or time.monotonic() - self._asked_at >= self._delay_s)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._ending.begin()
        self._ending.tell()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # Not put back afterwards: a second signal ends this process at once, also while the worker beside it drains.
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                signal.signal(number, self.handle_exit)
        yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        self._ending.begin()
        self._asked_at, self.ended_by, self.should_exit = time.monotonic(), sig, True
