"""What comes back from a worker that asked the door: an answer and what to do with it, or why there is none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from textual.message import Message

from halo_engine.model.errors import HaloError
from halo_engine.model.value import Value

#: The words were heard, and the answer was no; after any other error they were not, and are kept for another try.
HEARD = frozenset(
    {
        "invalid_input",
        "not_found",
        "not_authorised",
        "needs_another",
        "conflict",
        "already_confirmed",
        "already_cancelled",
        "terms_changed",
        "draft_expired",
    }
)
#: No trouble at all: the yes is kept, and a second one is needed.
QUIET = frozenset({"needs_another"})


class Trouble(Value):
    """Why there is no answer, in words for a person, and the error's code."""

    words: str
    code: str


class Answered(Message):
    """What a worker came back with, and what to do with it."""

    def __init__(self, then: Callable[[], Awaitable[None]]) -> None:
        super().__init__()
        self.then = then


def trouble_of(error: Exception) -> Trouble:
    """In words without anybody's words in them: of a bug its kind alone."""
    if isinstance(error, HaloError):
        return Trouble(words=f"{error.message} {error.hint}".strip(), code=error.code)
    words = f"Something went wrong in Halo itself ({type(error).__name__}). Nothing is known to have been done; look with: halo activity"
    return Trouble(words=words, code="unforeseen")
