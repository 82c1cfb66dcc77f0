"""The base of every value in the model."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """Frozen, and closed: a field nobody declared is a mistake, not an extension."""

    model_config = ConfigDict(frozen=True, extra="forbid")
