"""Request bodies, read as hostile: bounded, strict JSON, and closed models. The framework's own reading answers 500 to a NaN."""

from __future__ import annotations

from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

from halo_engine.model.strict_json import JsonError, loads
from server.errors import BadBody

#: A message of the greatest length the engine reads, escaped.
MAX_BYTES = 8 * 1024 * 1024

M = TypeVar("M", bound=BaseModel)


async def read_body(request: Request, model: type[M]) -> M:
    """The body as `model`. Raises `BadBody` for anything else, and 413 for one that is too large, without reading on."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            raise HTTPException(413)
    try:
        return model.model_validate(loads(bytes(body)))
    except JsonError as error:
        raise BadBody(hint=f"It is {error}.") from None
    except ValidationError as error:
        fields = sorted({str(item["loc"][0]) for item in error.errors() if item["loc"]})
        # Names of our own fields only: an unknown field's name is the sender's text, and so is a key inside one.
        known = [field for field in fields if field in model.model_fields]
        raise BadBody(hint=f"Look at: {', '.join(known)}." if known else "There is a field too many.") from None
