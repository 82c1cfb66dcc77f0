"""What was said to a vendor and what it said, as the books keep it: for whoever looks. Nothing is ever decided by it."""

from __future__ import annotations

from pydantic import AwareDatetime, Field

from halo_engine.model.value import Value


class Exchange(Value):
    """One call and its answer, redacted before it was kept. Its texts may be cut; headers are never in it."""

    id: str
    #: The attempt that the call was part of, empty before that has ended.
    attempt_id: str = ""
    #: From 0, within the attempt.
    position: int = Field(ge=0)
    at: AwareDatetime
    method: str
    url: str
    #: 0 where no complete answer came; then `answer_text` says why.
    status: int
    took_ms: int = Field(ge=0)
    request_text: str
    answer_text: str
