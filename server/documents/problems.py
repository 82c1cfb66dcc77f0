"""What is answered when something goes wrong (RFC 9457)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypeAliasType

from server.documents.base import Document, known

RESOLUTIONS = ("recoverable", "requires_buyer_input", "requires_buyer_review")
Resolution = TypeAliasType("Resolution", Annotated[str, known(RESOLUTIONS, "Who can mend it.")])
#: Which ones there are follows from the errors (`server.errors.kinds`); whoever describes this fills them in.
ProblemCode = TypeAliasType("ProblemCode", Annotated[str, known((), "What is the matter, for programs.")])


class FieldProblem(Document):
    """What is the matter with one field of what was sent."""

    field: str
    message: str


class Problem(Document):
    """What went wrong. `code` and `type` are stable, `title` is the same for every problem of its code; nothing in it repeats what was sent.

    `detail` says what is the matter here and what to do; `hint` is what to do by itself. `retryable`: the same request may go through later.
    `resolution`: whether the client can mend it (`recoverable`), a person has to say something (`requires_buyer_input`), or a person has to look
    (`requires_buyer_review`).
    """

    type: Annotated[str, Field(json_schema_extra={"format": "uri"})]
    title: str
    status: int
    code: ProblemCode
    detail: str | None = None
    hint: str | None = None
    request_id: str
    retryable: bool
    resolution: Resolution
    errors: tuple[FieldProblem, ...] | None = None
