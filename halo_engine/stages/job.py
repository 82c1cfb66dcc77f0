"""One execution as a move finds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from halo_engine.model.draft import Draft, Terms
from halo_engine.model.execution import Attempt, Classification, Execution
from halo_engine.model.outcome import Done, Partial
from halo_engine.model.rules import is_within
from halo_engine.verb import Context, Verb

#: The attempt that stands for all that may have been tried after a backup was taken and before it was put back.
RESTORED = "restored"


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
        sent = ("commit", RESTORED)
        return any(attempt.step in sent and attempt.classification is Classification.AMBIGUOUS for attempt in self.attempts)

    @property
    def was_restored(self) -> bool:
        """Whether it comes from a backup: these books do not know what else became of it, so nothing is sent for it any more."""
        return any(attempt.step == RESTORED for attempt in self.attempts)

    def is_of_another_yes(self, found: Done | Partial) -> bool:
        """Whether a backup put this back, and the vendor charged more than it says: another revision was confirmed in the time that was lost."""
        return self.was_restored and found.total is not None and not is_within(found.total, self.terms.maximum)

    def failures(self, classification: Classification) -> int:
        """How many attempts ended in `classification`."""
        return sum(1 for attempt in self.attempts if attempt.classification is classification)
