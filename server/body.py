"""Request bodies, read as hostile: bounded, strict JSON, and closed models. The framework's own reading answers 500 to a NaN."""

from __future__ import annotations

from typing import Any, TypeVar

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

from halo_engine.model.strict_json import JsonError, check_values, loads
from halo_engine.settings import Settings
from server.documents.problems import FieldProblem
from server.errors import BadBody

#: A message of the greatest length the engine reads, escaped: for the few routes that take one. The others take what the settings say.
LONG = 8 * 1024 * 1024
#: Several times what any body here can mean. A text counts as one, however long; a million numbers would keep everybody waiting.
MAX_VALUES = 1000
#: What is read in less than a millisecond or two is not worth a thread.
_AT_ONCE = 64 * 1024

M = TypeVar("M", bound=BaseModel)


class Reading:
    """A dependency that reads the body as `model`; the schema finds the model here."""

    def __init__(self, model: type[BaseModel], most: int | None = None) -> None:
        self.model, self._most = model, most

    async def __call__(self, request: Request) -> BaseModel:
        settings: Settings = request.app.state.installation.settings
        return await read_body(request, self.model, self._most or settings.max_body_bytes)


def read(model: type[BaseModel], *, most: int | None = None) -> Any:
    """For a route's parameter: `body: Annotated[CreateThing, read(CreateThing)]`; of so many bytes, where it is not what the settings say."""
    return Depends(Reading(model, most))


async def read_body(request: Request, model: type[M], most: int, *, values: int = MAX_VALUES) -> M:
    """The body as `model`.

    Raises `BadBody` for anything else, 415 for what says that it is no JSON, and 413 without reading on where it is more than `most` bytes.
    """
    _must_be_json(request)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise HTTPException(413)
    if len(body) <= _AT_ONCE:
        return _made(bytes(body), model, values)
    return await run_in_threadpool(_made, bytes(body), model, values)


def _made(body: bytes, model: type[M], values: int) -> M:
    try:
        check_values(body, values)
        return model.model_validate(loads(body))
    except JsonError as error:
        raise BadBody(hint=f"It is {error}.") from None
    except ValidationError as error:
        raise _bad(error, model) from None


def _must_be_json(request: Request) -> None:
    """What `curl -d` says by itself is let pass: it says nothing about the body."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("", "application/json", "application/x-www-form-urlencoded") and not kind.endswith("+json"):
        raise HTTPException(415)


def _bad(error: ValidationError, model: type[BaseModel]) -> BadBody:
    told = {str(item["loc"][0]): item["type"] for item in reversed(error.errors()) if item["loc"]}
    # Names of our own fields only: an unknown field's name is the sender's text, and so is a key inside one.
    known = sorted(name for name in told if name in model.model_fields)
    hint = f"Look at: {', '.join(known)}." if known else "There is a field too many."
    said = [FieldProblem(field=name, message="It is missing." if told[name] == "missing" else "It cannot be that.") for name in known]
    return BadBody(hint=hint, fields=said)
