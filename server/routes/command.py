"""Words in: what they mean. Nothing is kept and nothing happens."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import Response

from server.answers import answer
from server.auth import AtHome
from server.body import LONG, read
from server.documents.intents import HearCommand, Heard, Intent, ParseCommand
from server.errors import problems

routes = APIRouter(prefix="/v1/command", tags=["command"])


@routes.post("/parse", operation_id="parseCommand", response_model=Intent)
def parse(home: AtHome, command: Annotated[ParseCommand, read(ParseCommand, most=LONG)]) -> Response:
    """What words mean, as an Intent. Nothing is kept and nothing happens."""
    if command.model_fields_set == {"text"}:
        return answer(Intent.of(home.door.parse(command.text)))
    intent = home.words(command.text, now=command.now, zone=command.tz, requested=command.requested)
    return answer(Intent.of(intent))


@routes.post("/hear", operation_id="hearCommand", response_model=Heard, responses=problems(404))
def hear(home: AtHome, command: Annotated[HearCommand, read(HearCommand, most=LONG)]) -> Response:
    """What words say to the card of a request: confirm, modify, cancel, unsure or none. Said here, nothing comes of it."""
    return answer(Heard(reply=home.door.heard(command.text, request_id=command.about)))
