"""A member's yes to one draft hash. There is at most one per draft."""

from __future__ import annotations

from pydantic import AwareDatetime, Field

from halo_engine.model.value import Value


class Confirmation(Value):
    """Who confirmed which terms, when, and how long after they were shown (milliseconds)."""

    id: str
    draft_id: str
    draft_hash: str
    user_id: str
    confirmed_at: AwareDatetime
    confirmation_latency_ms: int = Field(ge=0)
    #: What may be charged under it, in cents: it counts against the limits of a day. None in what was written before there were any.
    maximum_cents: int | None = None
