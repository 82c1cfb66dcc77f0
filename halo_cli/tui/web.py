"""`halo tui --web`: the same dashboard in a browser, by textual-serve, on this machine only and for whoever has its address only.

Whoever reaches the port could act in the household's name, and every program on the machine, and every page in its browser, reaches the port. So
the address has a secret in its path, which comes before anything is served; the name that was asked for must be this machine's (a foreign name
that was pointed here would carry a foreign page's rights); and the websocket is opened by our own page alone. A path and not a cookie: a browser
sends its cookies to every port of a machine, whoever listens there.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import redirect_stdout, suppress
from pathlib import Path
from string import Template
from typing import Any

import textual_serve
from aiohttp import WSCloseCode, web
from textual_serve.app_service import AppService
from textual_serve.server import Server, to_int

from halo_cli.tui import browser

_HOST = "127.0.0.1"
#: Each is a process with an engine of its own.
MOST_VISITORS = 8
#: How long a dashboard may take to end before it is ended.
_PATIENCE_S = 5
_OURS = Path(browser.__file__).parent
_THEIRS = Path(textual_serve.__file__).parent / "static"
#: Everything that can be fetched, by name.
_FILES = {
    "page.css": _OURS / "page.css",
    "page.js": _OURS / "page.js",
    "xterm.css": _THEIRS / "css" / "xterm.css",
    "textual.js": _THEIRS / "js" / "textual.js",
    "RobotoMono-VariableFont_wght.ttf": _THEIRS / "fonts" / "RobotoMono-VariableFont_wght.ttf",
    "RobotoMono-Italic-VariableFont_wght.ttf": _THEIRS / "fonts" / "RobotoMono-Italic-VariableFont_wght.ttf",
}
_POLICY = (
    # The terminal writes its own styles.
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SHIELD = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_COLUMNS, _LINES = (20, 500), (10, 200)


def listener(port: int) -> socket.socket:
    """A socket on this machine's own address. Raises `OSError`."""
    return socket.create_server((_HOST, port))


def dashboard_command(*, home: Path, member: str | None) -> list[str]:
    """What is run for each visitor: the dashboard of the same home, for the same member. `-P`: nothing is imported from where one stands."""
    # With "=", so that no name and no directory can be taken for an option.
    who = [] if member is None else [f"--as={member}"]
    return [sys.executable, "-P", "-m", "halo_cli", "tui", f"--home={home}", *who]


def serve(sock: socket.socket, *, command: Sequence[str], token: str) -> None:
    """Serve until interrupted, and leave no dashboard running. SIGTERM ends it quietly, Ctrl-C raises `KeyboardInterrupt`."""
    for name in ("textual-serve", "aiohttp.server", "aiohttp.web"):
        # They would print tracebacks.
        logging.getLogger(name).addHandler(logging.NullHandler())
        logging.getLogger(name).propagate = False
    # textual-serve prints what a dashboard says on its stderr; that is no result.
    with redirect_stdout(sys.stderr):
        asyncio.run(_serve(sock, Dashboard(command, port=sock.getsockname()[1], token=token)))


def address(sock: socket.socket, token: str) -> str:
    """What a person opens."""
    return f"http://{_HOST}:{sock.getsockname()[1]}/{token}/"


async def _serve(sock: socket.socket, dashboard: Dashboard) -> None:
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    runner = web.AppRunner(await dashboard.make_app(), access_log=None, handle_signals=False, shutdown_timeout=2 * _PATIENCE_S)
    await runner.setup()
    try:
        await web.SockSite(runner, sock).start()
        await over.wait()
    finally:
        await runner.cleanup()


class Visitor(AppService):
    """One dashboard, in a process of its own that Ctrl-C in the terminal does not reach: the server ends it."""

    def __init__(self, command: Sequence[str], **wiring: Any) -> None:
        super().__init__("", **wiring)
        self._words = tuple(command)

    def _build_environment(self, width: int = 80, height: int = 24) -> dict[str, str]:
        return super()._build_environment(_between(width, _COLUMNS), _between(height, _LINES)) | {"TEXTUAL_DRIVER": browser.DRIVER}

    async def _open_app_process(self, width: int = 80, height: int = 24) -> asyncio.subprocess.Process:
        """As words, not as a line for a shell: a home may be called anything."""
        pipe = asyncio.subprocess.PIPE
        environment = self._build_environment(width, height)
        process = await asyncio.create_subprocess_exec(
            *self._words, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, start_new_session=True
        )
        assert process.stdin is not None  # noqa: S101 - it was asked for
        self._process, self._stdin = process, process.stdin
        return process

    async def set_terminal_size(self, width: int, height: int) -> None:
        await super().set_terminal_size(_between(width, _COLUMNS), _between(height, _LINES))

    async def ended(self) -> None:
        """When the dashboard has ended by itself."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def stop(self) -> None:
        """Ask it to end, and end it where it does not."""
        process = self._process
        if process is None:
            return
        with suppress(TimeoutError, ConnectionError):
            await asyncio.wait_for(super().stop(), _PATIENCE_S)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _PATIENCE_S)
        if process.returncode is None:
            process.kill()
            await process.wait()


class Dashboard(Server):
    """The page, its files and the websocket behind one secret."""

    def __init__(self, command: Sequence[str], *, port: int, token: str) -> None:
        super().__init__("", host=_HOST, port=port, title="Halo")
        self._words, self._token = tuple(command), token
        self._hosts = frozenset({f"{_HOST}:{port}", f"localhost:{port}"})
        self._page = Template((_OURS / "page.html").read_text(encoding="utf-8"))
        self._open: set[web.WebSocketResponse] = set()
        sockets = " ".join(sorted(f"ws://{host}" for host in self._hosts))
        self._shield = {"Content-Security-Policy": f"{_POLICY}; connect-src {sockets}", **_SHIELD}

    async def make_app(self) -> web.Application:
        app = web.Application(middlewares=[self._guard])
        app.add_routes(
            [
                web.get("/{token}/", self._show),
                web.get("/{token}/ws", self._visit),
                web.get("/{token}/static/{name}", self._file),
            ]
        )
        app.on_shutdown.append(self._say_goodbye)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
        """Nothing is answered before the secret, the host and, for the websocket, the page that asks are right. One answer for all that are not."""
        if not self._is_invited(request):
            return self._shielded(web.Response(status=403, text="Open the address that halo tui --web has printed.\n"))
        try:
            return self._shielded(await handler(request))
        except web.HTTPException as refusal:
            return self._shielded(web.Response(status=refusal.status, text=f"{refusal.reason}\n"))

    def _is_invited(self, request: web.Request) -> bool:
        shown = request.match_info.get("token", "").encode(errors="replace")
        knows = hmac.compare_digest(shown, self._token.encode())
        # A page of another site says so itself; what is not a page knows no secret.
        at_home = request.headers.get("Origin") in (None, f"http://{request.host}")
        is_ours = "Origin" in request.headers or not request.path.endswith("/ws")
        return knows and request.host in self._hosts and at_home and is_ours

    def _shielded(self, answer: web.StreamResponse) -> web.StreamResponse:
        """Nothing is fetched from elsewhere, nothing is kept, no page frames this one, and the address is told to nobody."""
        if not answer.prepared:
            answer.headers.update(self._shield)
        return answer

    async def _show(self, request: web.Request) -> web.Response:
        size = _between(to_int(request.query.get("fontsize", ""), 16), (8, 40))
        page = self._page.substitute(websocket=f"ws://{request.host}/{self._token}/ws", font_size=size)
        return web.Response(text=page, content_type="text/html")

    async def _file(self, request: web.Request) -> web.StreamResponse:
        path = _FILES.get(request.match_info["name"])
        if path is None:
            raise web.HTTPNotFound
        return web.FileResponse(path)

    async def _visit(self, request: web.Request) -> web.StreamResponse:
        """A dashboard for as long as the page is open."""
        if len(self._open) >= MOST_VISITORS:
            raise web.HTTPServiceUnavailable
        websocket = web.WebSocketResponse(heartbeat=15)
        self._open.add(websocket)
        visitor = Visitor(
            self._words,
            write_bytes=websocket.send_bytes,
            write_str=websocket.send_str,
            close=websocket.close,
            download_manager=self.download_manager,
        )
        try:
            await websocket.prepare(request)
            await visitor.start(to_int(request.query.get("width", ""), 80), to_int(request.query.get("height", ""), 24))
            await self._until_either_ends(websocket, visitor)
        finally:
            self._open.discard(websocket)
            await asyncio.shield(visitor.stop())
            await websocket.close()
        return websocket

    async def _until_either_ends(self, websocket: web.WebSocketResponse, visitor: Visitor) -> None:
        """The browser may leave, the dashboard may be left; and what no page of ours says is the same as leaving."""
        both = {asyncio.ensure_future(visitor.ended()), asyncio.ensure_future(self._process_messages(websocket, visitor))}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in both:
                one.cancel()
            await asyncio.gather(*both, return_exceptions=True)

    async def _say_goodbye(self, _app: web.Application) -> None:
        goodbyes = (one.close(code=WSCloseCode.GOING_AWAY) for one in tuple(self._open))
        await asyncio.gather(*goodbyes, return_exceptions=True)


def _between(number: object, ends: tuple[int, int]) -> int:
    """A size as it may be: a browser says any number, and a screen of it is made."""
    return min(max(number if isinstance(number, int) else ends[0], ends[0]), ends[1])
