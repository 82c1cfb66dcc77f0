"""A real browser without a window, driven over its DevTools protocol: what a page shows, as a picture, and what it asked of whom."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import subprocess
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--enable-unsafe-swiftshader", "--disable-dev-shm-usage", "--no-first-run")
_PATIENCE_S = 60


@dataclass
class Picture:
    """The pixels of a PNG as Chromium writes it: eight bits, RGB or RGBA, not interlaced."""

    width: int
    height: int
    colours: dict[tuple[int, int, int], int]

    @classmethod
    def read(cls, png: bytes) -> Picture:
        """By the book (PNG, third edition), as far as a screenshot needs it: no library for pictures is installed."""
        assert png[:8] == b"\x89PNG\r\n\x1a\n"
        width, height, depth, kind = int.from_bytes(png[16:20]), int.from_bytes(png[20:24]), png[24], png[25]
        assert (depth, kind in (2, 6)) == (8, True)
        packed, at = b"", 8
        while at < len(png):
            size, name = int.from_bytes(png[at : at + 4]), png[at + 4 : at + 8]
            packed += png[at + 8 : at + 8 + size] if name == b"IDAT" else b""
            at += size + 12
        each = 3 if kind == 2 else 4
        colours: dict[tuple[int, int, int], int] = {}
        for line in _lines(zlib.decompress(packed), width * each, each):
            for start in range(0, len(line), each):
                pixel = (line[start], line[start + 1], line[start + 2])
                colours[pixel] = colours.get(pixel, 0) + 1
        return cls(width, height, colours)

    def share(self, colour: str) -> int:
        """Of a thousand pixels, how many have the colour `#rrggbb`."""
        red, green, blue = bytes.fromhex(colour.removeprefix("#"))
        return 1000 * self.colours.get((red, green, blue), 0) // sum(self.colours.values())


def _lines(raw: bytes, size: int, each: int) -> list[bytearray]:
    lines, before = [], bytearray(size)
    for start in range(0, len(raw), size + 1):
        how, line = raw[start], bytearray(raw[start + 1 : start + 1 + size])
        for place in range(size) if how else ():
            left = line[place - each] if place >= each else 0
            above, corner = before[place], before[place - each] if place >= each else 0
            line[place] = (line[place] + (0, left, above, (left + above) // 2, _paeth(left, above, corner))[how]) & 255
        lines.append(line)
        before = line
    return lines


def _paeth(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    return min((left, above, corner), key=lambda one: abs(guess - one))


@dataclass
class Tab:
    """One page."""

    socket: aiohttp.ClientWebSocketResponse
    #: The address of everything that was asked for, and what was said on the page's console.
    asked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    #: What came over the page's websockets, as text.
    came: bytes = b""
    _numbers: count[int] = field(default_factory=count)

    async def do(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command, and its result; what happens meanwhile is kept."""
        number = next(self._numbers)
        await self.socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            message = await self._next()
            if message.get("id") == number:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result

    async def _next(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads((await self.socket.receive(_PATIENCE_S)).data)
        match message.get("method"):
            case "Network.requestWillBeSent":
                self.asked.append(message["params"]["request"]["url"])
            case "Network.webSocketCreated":
                self.asked.append(message["params"]["url"])
            case "Network.webSocketFrameReceived":
                frame = message["params"]["response"]
                self.came += base64.b64decode(frame["payloadData"]) if frame["opcode"] == 2 else frame["payloadData"].encode()
            case "Runtime.consoleAPICalled" | "Log.entryAdded" | "Runtime.exceptionThrown":
                self.said.append(json.dumps(message["params"]))
        return message

    async def until(self, is_so: Callable[[Tab], bool]) -> None:
        """Until `is_so`, by what has come by then."""
        async with asyncio.timeout(_PATIENCE_S):
            while not is_so(self):
                await self._next()

    async def evaluate(self, script: str) -> Any:
        return (await self.do("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True))["result"].get("value")

    async def press(self, key: str) -> None:
        await self.do("Input.dispatchKeyEvent", type="keyDown", key=key, text=key)
        await self.do("Input.dispatchKeyEvent", type="keyUp", key=key)

    async def picture(self) -> bytes:
        return base64.b64decode((await self.do("Page.captureScreenshot", format="png"))["data"])


@asynccontextmanager
async def browser(profile: Path, *, size: tuple[int, int] = (1200, 760)) -> AsyncIterator[Tab]:
    """A browser of its own, with one page that is as large as `size`."""
    assert CHROMIUM
    window = f"--window-size={size[0]},{size[1]}"
    command = [CHROMIUM, *_FLAGS, window, "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        port = await _port(profile / "DevToolsActivePort")
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                page = next(one for one in await answer.json() if one["type"] == "page")
            async with session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                tab = Tab(socket)
                for domain in ("Page", "Network", "Runtime", "Log"):
                    await tab.do(f"{domain}.enable")
                await tab.do("Emulation.setDeviceMetricsOverride", width=size[0], height=size[1], deviceScaleFactor=1, mobile=False)
                yield tab
    finally:
        process.terminate()
        process.wait(30)


async def _port(file: Path) -> str:
    async with asyncio.timeout(_PATIENCE_S):
        while not (file.exists() and file.read_text().count("\n")):
            await asyncio.sleep(0.05)
    return file.read_text().splitlines()[0]
