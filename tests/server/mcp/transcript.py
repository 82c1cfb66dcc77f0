"""Prints what a client of the Model Context Protocol and Halo say to each other, for real: `python -m tests.server.mcp.transcript`."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import anyio

from halo_engine.clock import FakeClock, SystemClock
from tests.installation import Installation
from tests.server.calling import BATTERIES
from tests.server.mcp.talking import given, opener, over_stdio

_LEFT_OUT = ("caution", "params", "policies")
_WIDTH = 150


def main() -> None:
    """A throw-away home, `halo mcp` as a subprocess, and the protocol's own client."""
    with tempfile.TemporaryDirectory() as place:
        home = Installation.open(Path(place) / "halo", clock=FakeClock(SystemClock().now()), public_url="https://halo.example")
        with home.engine:
            anyio.run(_talk, home)


async def _talk(home: Installation) -> None:
    asked: list[str] = []
    async with over_stdio(home, elicitation_callback=opener(asked)) as client:
        print("program: halo mcp")
        tools = (await client.list_tools()).tools
        print(f"halo:    {', '.join(tool.name for tool in tools)}\n")

        async def told(tool: str, **arguments: Any) -> dict[str, Any]:
            print(f"program: {tool} {json.dumps(arguments)}")
            value = await given(client, tool, **arguments)
            if tool == "request_confirmation":
                print(f"halo:    open this page for a person: {asked[-1][:60]}…\nprogram: accept (and that confirms nothing)")
            print("halo:    " + "\n         ".join(_lines(value)) + "\n")
            return value

        drafted = await told("draft", text=BATTERIES)
        await told("modify", draft_id=drafted["draft_id"], text="make it 3")
        await told("request_confirmation", draft_id=drafted["draft_id"])
        await told("status", id=drafted["draft_id"])
        print("(a member confirms the card in Halo, and it is carried out)\n")
        with home.queries() as queries:
            card = queries.card(drafted["draft_id"])
        execution = await anyio.to_thread.run_sync(home.carry_out, card)
        await told("status", id=drafted["draft_id"])
        await told("receipt", execution_id=execution.id)
        await told("verify")


def _lines(value: dict[str, Any]) -> list[str]:
    """The parts that say something, one a line; texts of several lines as they are."""
    shown = {name: part for name, part in value.items() if part not in ([], {}, "") and name not in _LEFT_OUT}
    texts = {name: part if isinstance(part, str) else json.dumps(part, ensure_ascii=False) for name, part in shown.items()}
    return [line if len(line) <= _WIDTH else f"{line[:_WIDTH]}…" for name, text in texts.items() for line in f"{name}: {text}".splitlines()]


if __name__ == "__main__":
    main()
