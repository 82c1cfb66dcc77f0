"""Words in: what they mean. Drafting and confirming come with devices that say who is asking."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict

from halo_engine.clock import Clock
from halo_engine.engine import words_reader
from halo_engine.settings import Settings
from server.body import read_body


class ParseCommand(BaseModel):
    """The body of `parseCommand`: the words, and what they are read against."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str
    now: AwareDatetime | None = None
    tz: str | None = None
    requested: tuple[str, ...] = ()


async def _command(request: Request) -> ParseCommand:
    return await read_body(request, ParseCommand)


def router(settings: Settings, clock: Clock) -> APIRouter:
    """`POST /v1/command/parse`: the Intent of the words. Nothing is kept and nothing happens."""
    routes = APIRouter(prefix="/v1/command", tags=["command"])
    read = words_reader(settings, clock)

    @routes.post("/parse", operation_id="parseCommand")
    def parse(command: Annotated[ParseCommand, Depends(_command)]) -> dict[str, Any]:
        intent = read(command.text, now=command.now, zone=command.tz, requested=command.requested)
        return intent.model_dump(mode="json")

    return routes
