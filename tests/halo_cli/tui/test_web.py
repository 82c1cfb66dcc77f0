"""`halo tui --web`: who gets in, who does not, what a browser really shows, and that nothing is left behind."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import httpx
import pytest
from aiohttp import web as http

from halo_cli.chat import themes
from halo_cli.tui import web
from tests.halo_cli.tui.chromium import CHROMIUM, Picture, Tab, browser
from tests.installation import Installation

_HALO = [sys.executable, "-m", "halo_cli", "tui", "--web", "--json"]


@contextmanager
def served(home: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The dashboard of `home` being served, and its address."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("HALO_")}
    with subprocess.Popen(
        [*_HALO, "--home", str(home), *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environ
    ) as process:
        try:
            assert process.stdout
            yield process, json.loads(process.stdout.readline())["url"]
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Named so that a shell would run what is in it."""
    place = tmp_path_factory.mktemp("web") / 'it\'s $(touch pwned) "home"; touch pwned'
    Installation.open(place).engine.close()
    return place


@pytest.fixture(scope="module")
def url(home: Path) -> Iterator[str]:
    with served(home) as (_, address):
        yield address


@asynccontextmanager
async def visiting(url: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """What our own page does: open the socket."""
    origin = {"Origin": f"http://{urlsplit(url).netloc}"}
    async with asyncio.timeout(60), aiohttp.ClientSession() as session, session.ws_connect(f"{url}ws", headers=origin) as socket:
        yield socket


async def told(socket: aiohttp.ClientWebSocketResponse, *, until: bytes) -> bytes:
    """What a terminal in a browser is told until it is told that."""
    said = b""
    while until not in said:
        message = await socket.receive()
        said += message.data if message.type is aiohttp.WSMsgType.BINARY else b""
        assert not socket.closed, said
    return said


def upgrade(url: str, **headers: str) -> int:
    """The status with which a websocket is refused or begun."""
    wanted = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    with httpx.stream("GET", f"{url}ws", headers={**wanted, **headers}, timeout=20) as answer:
        return answer.status_code


def children(of: int) -> list[int]:
    """The processes that it started and that are still there."""
    return [int(each) for each in Path(f"/proc/{of}/task/{of}/children").read_text().split()]


def is_there(process: int) -> bool:
    state = Path(f"/proc/{process}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"


def until_gone(processes: list[int], *, patience_s: int = 30) -> list[int]:
    end = time.monotonic() + patience_s
    while any(map(is_there, processes)) and time.monotonic() < end:
        time.sleep(0.05)
    return [each for each in processes if is_there(each)]


class TestWhoGetsIn:
    def test_whoever_has_the_address_and_nobody_else(self, url: str) -> None:
        at = urlsplit(url)
        origin, secret = f"http://{at.netloc}", at.path.strip("/")
        assert httpx.get(url).status_code == 200
        wrong = [f"{origin}/", f"{origin}/{'0' * len(secret)}/", f"{origin}/{secret[:-1]}/", f"{origin}/{secret}x/", f"{origin}/{secret}"]
        wrong += [f"{one}static/textual.js" for one in wrong[:4]]
        assert [httpx.get(one).status_code for one in wrong] == [403] * len(wrong)
        assert upgrade(f"{origin}/{'0' * len(secret)}/", Origin=origin) == 403

    def test_no_page_of_another_site(self, url: str) -> None:
        """The socket is opened by our own page alone: a page of another site that had the address would be told by the browser who it is."""
        own = f"http://{urlsplit(url).netloc}"
        for origin in ("https://example.com", "null", "http://127.0.0.1:1", f"{own}.example.com"):
            assert upgrade(url, Origin=origin) == 403
            assert httpx.get(url, headers={"Origin": origin}).status_code == 403
        assert upgrade(url) == 403

    def test_no_foreign_name_for_this_machine(self, url: str) -> None:
        """A name of somebody's that was pointed at this machine after the page was loaded."""
        at = urlsplit(url)
        for host in ("example.com", f"example.com:{at.port}", "127.0.0.1", f"127.0.0.1.example.com:{at.port}", ""):
            assert httpx.get(url, headers={"Host": host}).status_code in (400, 403)
            assert upgrade(url, Host=host, Origin=f"http://{host}") in (400, 403)

    def test_is_on_this_machine_alone(self) -> None:
        with web.listener(0) as sock:
            assert sock.getsockname()[0] == "127.0.0.1"

    def test_only_so_many_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each is a process; and each of them goes when its page does."""
        monkeypatch.setattr(web, "MOST_VISITORS", 2)
        monkeypatch.setattr(web, "_PATIENCE_S", 0.2)

        async def visit() -> tuple[int, list[int], list[int]]:
            with web.listener(0) as sock:
                port = sock.getsockname()[1]
                dashboard = web.Dashboard([sys.executable, "-c", "import time; time.sleep(600)"], port=port, token="t")
                runner = http.AppRunner(await dashboard.make_app(), shutdown_timeout=5)
                await runner.setup()
                await http.SockSite(runner, sock).start()
                before, headers = children(os.getpid()), {"Origin": f"http://127.0.0.1:{port}"}
                async with aiohttp.ClientSession(headers=headers) as session:
                    address = f"http://127.0.0.1:{port}/t/ws"
                    async with session.ws_connect(address), session.ws_connect(address):
                        while len(started := [each for each in children(os.getpid()) if each not in before]) < 2:
                            await asyncio.sleep(0.01)
                        async with session.get(address) as third:
                            status = third.status
                await runner.cleanup()
                return status, started, [each for each in started if is_there(each)]

        status, started, left = asyncio.run(visit())
        assert (status, len(started), left) == (503, 2, [])


class TestThePage:
    def test_fetches_nothing_from_anywhere_else(self, url: str) -> None:
        page = httpx.get(url)
        files = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert [one for one in files if not one.startswith(("static/", "data:"))] == []
        told = {one: httpx.get(f"{url}{one}") for one in files if one.startswith("static/")}
        assert {answer.status_code for answer in told.values()} == {200}
        linked = re.findall(r"""url\(["']?([^)"']+)|@import""", told["static/page.css"].text)
        assert [one for one in linked if httpx.get(f"{url}static/{one}").status_code != 200] == []
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]

    def test_tells_nobody_its_address_and_is_kept_nowhere(self, url: str) -> None:
        for answer in (httpx.get(url), httpx.get(f"{url}static/page.js"), httpx.get(f"{url}static/nothing")):
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert answer.headers["Cache-Control"] == "no-store"
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]

    def test_serves_nothing_but_its_own_files(self, url: str) -> None:
        for path in ("static/", "static/..%2f..%2f..%2fetc%2fpasswd", "static/app_index.html", "static/web.py", "download/x"):
            assert httpx.get(f"{url}{path}").status_code in (403, 404)


class TestTheDashboard:
    def test_is_of_the_same_home_whatever_it_is_called(self, home: Path, url: str) -> None:
        async def visit() -> bytes:
            async with visiting(url) as socket:
                return await told(socket, until=b"for you")

        assert b"Alex (owner)" in asyncio.run(visit())
        assert not [*home.parent.rglob("pwned"), *Path.cwd().glob("pwned")]

    def test_is_for_the_same_member_and_ends_with_the_server(self, home: Path) -> None:
        async def visit(url: str, process: subprocess.Popen[str]) -> tuple[bytes, list[int]]:
            async with visiting(url) as socket:
                said = await told(socket, until=b"for you")
                started = children(process.pid)
                process.send_signal(signal.SIGINT)
                async for _ in socket:
                    pass
            return said, started

        with served(home, "--as", "Sam") as (process, url):
            said, started = asyncio.run(visit(url, process))
            assert process.wait(30) == 130
        assert b"Sam (adult)" in said
        assert len(started) == 1
        assert until_gone(started) == []

    def test_does_not_outlive_a_server_that_is_killed(self, home: Path) -> None:
        async def visit(url: str, process: subprocess.Popen[str]) -> list[int]:
            async with visiting(url) as socket:
                await told(socket, until=b"for you")
                started = children(process.pid)
                process.kill()
            return started

        with served(home) as (process, url):
            started = asyncio.run(visit(url, process))
            process.wait(30)
        assert len(started) == 1
        assert until_gone(started) == []


class TestTheCommand:
    def halo(self, *words: str, code: str = "") -> subprocess.CompletedProcess[str]:
        start = [sys.executable, "-c", code] if code else [sys.executable, "-m", "halo_cli"]
        return subprocess.run([*start, "tui", *words], capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)

    def test_says_how_to_install_what_is_missing(self, home: Path) -> None:
        code = "import sys; sys.modules['textual_serve'] = None; from halo_cli.main import main; main()"
        ran = self.halo("--web", "--home", str(home), code=code)
        assert (ran.returncode, ran.stdout) == (2, "")
        assert "pip install '.[web]'" in ran.stderr

    def test_says_who_does_not_live_here_before_it_serves(self, home: Path) -> None:
        ran = self.halo("--web", "--home", str(home), "--as", "Nobody")
        assert ran.returncode == 1
        assert "Nobody of that name lives here" in ran.stderr

    def test_wants_a_port_only_for_the_browser_and_one_that_is_free(self, home: Path) -> None:
        assert self.halo("--port", "8090", "--home", str(home)).returncode == 2
        with web.listener(0) as taken:
            ran = self.halo("--web", "--port", str(taken.getsockname()[1]), "--home", str(home))
        assert ran.returncode == 2
        assert "--port" in ran.stderr


@pytest.mark.skipif(CHROMIUM is None, reason="NO CHROMIUM: what a browser really shows was NOT looked at (apt-get install chromium)")
class TestInARealBrowser:
    def test_shows_the_household_in_its_colours_and_takes_keys(self, url: str, tmp_path: Path) -> None:
        async def look() -> tuple[Picture, Tab, bytes]:
            async with browser(tmp_path / "profile", size=(1200, 760)) as tab:
                await tab.do("Page.navigate", url=url)
                await tab.until(lambda now: b"for you" in now.came)
                await tab.press("8")
                await tab.until(lambda now: b"May confirm" in now.came)
                await tab.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
                png = await tab.picture()
                Path(tmp_path / "page.png").write_bytes(png)
                return Picture.read(png), tab, tab.came

        picture, tab, came = asyncio.run(look())
        assert (picture.width, picture.height) == (1200, 760)
        # Mostly the background, with a bar of the panel's colour, the cursor's, and letters.
        assert picture.share(str(themes.DARK.background)) > 600
        assert picture.share(str(themes.DARK.panel)) >= 15
        assert picture.share(str(themes.DARK.primary)) >= 5
        assert len(picture.colours) > 50
        assert b"Alex" in came
        assert {urlsplit(one).netloc for one in tab.asked if not one.startswith("data:")} == {urlsplit(url).netloc}
        assert [one for one in tab.said if '"error"' in one or "Refused" in one] == []
