"""What came of reading words: the intent, and beside it who read it and at what cost.

The published form of an `Intent` stays as it is; what the log wants to know travels here.
"""

from __future__ import annotations

from pydantic import Field

from halo_engine.model.intent import Intent
from halo_engine.model.value import Value


class Spoke(Value):
    """Which parser spoke, and what it took. Kept for good, so it never holds what the person said, nor a key.

    `prompt` is the prompt with every word of the household taken out, and `rules_sha256` the fingerprint of everything in it that Halo itself
    wrote. Tokens are None where no language model was asked or it did not count. `fallback_reason` says why it was not the parser that the
    settings name; `model`, `prompt` and the tokens are then those of the model that failed.
    """

    parser: str
    latency_ms: int = Field(ge=0)
    model: str | None = None
    prompt: str | None = None
    rules_sha256: str | None = None
    prompt_tokens: int | None = Field(default=None, ge=0)
    completion_tokens: int | None = Field(default=None, ge=0)
    attempts: int | None = Field(default=None, ge=1)
    fallback_reason: str | None = None


#: Where there was nothing to read: an option that was chosen, a draft that is made anew.
NOBODY = Spoke(parser="none", latency_ms=0)


class Reading(Value):
    """An intent and who read it."""

    intent: Intent
    spoke: Spoke
