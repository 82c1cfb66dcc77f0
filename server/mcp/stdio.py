"""One program on this machine, over standard input and output: `halo mcp`. Nothing but the protocol is ever written there.

A line is read as hostile although it comes from a parent process: what that passes on may be anybody's.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import AsyncIterator
from typing import BinaryIO, cast

import anyio
from anyio import to_thread
from mcp.server.stdio import stdio_server
from mcp.shared._stream_protocols import WriteStream
from mcp.shared.message import SessionMessage
from mcp_types import INVALID_REQUEST

from halo_engine.clock import SystemClock
from halo_engine.model.errors import NotFound
from halo_engine.settings import Settings
from server.home import Home, Installation
from server.mcp.messages import error_of, wrong_with
from server.mcp.serving import serve_desk
from server.mcp.tools import Desk

#: Of one line. The longest words there are, escaped, and room to spare.
MAX_LINE_BYTES = 256 * 1024


def serve(settings: Settings, *, member: str | None) -> None:
    """Serve the home of `settings` until standard input ends. Raises `NotFound` for an unknown member, `NotInitialised` and `StoreFailed`."""
    # A thread that waits for a line cannot be woken. The books are safe against worse than ending at once.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    installation = Installation(settings, SystemClock())
    try:
        home = installation.home()
        anyio.run(_served, Desk(home, _member_id(home, member)))
    except* BrokenPipeError:
        # The program has gone without a word.
        pass
    finally:
        installation.close()


def _member_id(home: Home, who: str | None) -> str:
    """The member that is meant by a name or an id; the first one where nobody is named."""
    members = home.door.members()
    if who is None:
        return members[0].id
    found = [member.id for member in members if who == member.id or who.casefold() == member.display_name.casefold()]
    if len(found) != 1:
        raise NotFound(
            "There is no such member here." if not found else "More than one member has that name.", hint="See: halo members list"
        )
    return found[0]


async def _served(desk: Desk) -> None:
    lines = Lines(sys.stdin.buffer)
    server = serve_desk(desk)
    async with stdio_server(stdin=cast("anyio.AsyncFile[str]", lines)) as (read, write):
        lines.answers = write
        await server.run(read, write, server.create_initialization_options())


class Lines:
    """The messages that come in, one a line. What is none is answered here: the library would pass over it, and a client would wait for ever."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.answers: WriteStream[SessionMessage] | None = None

    async def __aiter__(self) -> AsyncIterator[str]:
        while line := await to_thread.run_sync(self._file.readline, MAX_LINE_BYTES + 1, abandon_on_cancel=True):
            if len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
                await self._skip()
                await self._refuse(INVALID_REQUEST, "The message is too large.")
            elif line.strip():
                if trouble := wrong_with(line):
                    await self._refuse(*trouble)
                else:
                    yield line.decode()

    async def _skip(self) -> None:
        """To the end of the line, without keeping it."""
        while rest := await to_thread.run_sync(self._file.readline, MAX_LINE_BYTES, abandon_on_cancel=True):
            if rest.endswith(b"\n"):
                return

    async def _refuse(self, code: int, message: str) -> None:
        if self.answers is not None:
            await self.answers.send(SessionMessage(error_of(code, message)))
