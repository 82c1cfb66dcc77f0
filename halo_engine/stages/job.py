"""One execution as a move finds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from halo_engine.model.draft import Draft, Terms
from halo_engine.model.execution import Attempt, Classification, Execution
from halo_engine.verb import Context, Verb


@dataclass(frozen=True)
class Job:
    """One execution as read at the start of a move, with everything the move needs."""

    execution: Execution
    draft: Draft
    verb: Verb[Any]
    context: Context
    attempts: tuple[Attempt, ...]

    @property
    def terms(self) -> Terms:
        return self.draft.terms

    @property
    def was_sent(self) -> bool:
        """Whether a request may ever have reached the vendor."""
        return any(attempt.step == "commit" for attempt in self.attempts)

    @property
    def may_have_happened(self) -> bool:
        """Whether the answer to an earlier request was lost, and never found: then nobody may say that nothing was done."""
        return any(attempt.step == "commit" and attempt.classification is Classification.AMBIGUOUS for attempt in self.attempts)

    def failures(self, classification: Classification) -> int:
        """How many attempts ended in `classification`."""
        return sum(1 for attempt in self.attempts if attempt.classification is classification)
