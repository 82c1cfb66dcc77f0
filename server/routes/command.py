"""Words in: what they mean. Nothing is kept and nothing happens."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel, ConfigDict

from server.answers import answer
from server.auth import AtHome
from server.body import read_body


class ParseCommand(BaseModel):
    """The words, and what they are read against. Without the rest: this household, now."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str
    now: AwareDatetime | None = None
    tz: str | None = None
    requested: tuple[str, ...] = ()


class HearCommand(BaseModel):
    """Words about the card of a request."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str
    about: str


async def _parse(request: Request) -> ParseCommand:
    return await read_body(request, ParseCommand)


async def _hear(request: Request) -> HearCommand:
    return await read_body(request, HearCommand)


routes = APIRouter(prefix="/v1/command", tags=["command"])


@routes.post("/parse", operation_id="parseCommand")
def parse(home: AtHome, command: Annotated[ParseCommand, Depends(_parse)]) -> Response:
    """The Intent of the words."""
    if command.model_fields_set == {"text"}:
        return answer(home.door.parse(command.text).model_dump(mode="json"))
    intent = home.words(command.text, now=command.now, zone=command.tz, requested=command.requested)
    return answer(intent.model_dump(mode="json"))


@routes.post("/hear", operation_id="hearCommand")
def hear(home: AtHome, command: Annotated[HearCommand, Depends(_hear)]) -> Response:
    """What the words say to the card of that request: confirm, modify, cancel, unsure or none. Said here, nothing comes of it."""
    return answer({"reply": home.door.heard(command.text, request_id=command.about).value})
