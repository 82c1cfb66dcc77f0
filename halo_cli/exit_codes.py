"""What the process says when it ends. The one place where an error, a card or an execution becomes an exit code.

The numbers are a promise to scripts (see the README); add to them, change none.
"""

from __future__ import annotations

from enum import IntEnum

from halo_engine.model import errors
from halo_engine.model.card import CardKind
from halo_engine.model.execution import ExecutionStatus


class ExitCode(IntEnum):
    """Every code there is."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    #: A person said no, or did not type the amount.
    DECLINED = 3
    NOT_AUTHORISED = 4
    NEEDS_CLARIFICATION = 5
    #: The terms are not those that were confirmed: read the current draft and confirm again.
    TERMS_CHANGED = 6
    #: It may have happened; it is being looked up, or a person has to look.
    UNKNOWN = 7
    TIMED_OUT = 8
    NOT_SUPPORTED = 9
    INTERRUPTED = 130


#: A class that is not here has the code of the nearest class above it that is.
_ERRORS: dict[type[errors.HaloError], ExitCode] = {
    errors.HaloError: ExitCode.FAILED,
    errors.InvalidInput: ExitCode.USAGE,
    errors.NotFound: ExitCode.FAILED,
    errors.NotAuthorised: ExitCode.NOT_AUTHORISED,
    errors.NotInitialised: ExitCode.FAILED,
    errors.Conflict: ExitCode.FAILED,
    errors.AlreadyCancelled: ExitCode.DECLINED,
    errors.TermsChanged: ExitCode.TERMS_CHANGED,
    errors.StillRunning: ExitCode.TIMED_OUT,
    errors.ParserFailed: ExitCode.FAILED,
    errors.VendorFailed: ExitCode.FAILED,
    errors.StoreFailed: ExitCode.FAILED,
}

_CARDS: dict[CardKind, ExitCode] = {
    CardKind.DRAFT: ExitCode.DONE,
    CardKind.TERMS_CHANGED: ExitCode.TERMS_CHANGED,
    CardKind.SUPERSEDED: ExitCode.TERMS_CHANGED,
    CardKind.CLARIFICATION: ExitCode.NEEDS_CLARIFICATION,
    CardKind.NOT_SUPPORTED: ExitCode.NOT_SUPPORTED,
    CardKind.UNAVAILABLE: ExitCode.FAILED,
    CardKind.EXECUTING: ExitCode.TIMED_OUT,
    CardKind.CHECKING: ExitCode.UNKNOWN,
    CardKind.DONE: ExitCode.DONE,
    CardKind.PARTIAL: ExitCode.FAILED,
    CardKind.FAILED: ExitCode.FAILED,
    CardKind.HANDED_OFF: ExitCode.FAILED,
    CardKind.NEEDS_ATTENTION: ExitCode.UNKNOWN,
    CardKind.CANCELLED: ExitCode.DECLINED,
    CardKind.EXPIRED: ExitCode.TERMS_CHANGED,
}

#: Of an execution that was waited for.
_EXECUTIONS: dict[ExecutionStatus, ExitCode] = {
    ExecutionStatus.CONFIRMED: ExitCode.TIMED_OUT,
    ExecutionStatus.SUBMITTING: ExitCode.TIMED_OUT,
    ExecutionStatus.UNKNOWN: ExitCode.UNKNOWN,
    ExecutionStatus.ACCEPTED: ExitCode.TIMED_OUT,
    ExecutionStatus.DONE: ExitCode.DONE,
    ExecutionStatus.PARTIAL: ExitCode.FAILED,
    ExecutionStatus.FAILED: ExitCode.FAILED,
    ExecutionStatus.TERMS_CHANGED: ExitCode.TERMS_CHANGED,
    ExecutionStatus.HANDED_OFF: ExitCode.FAILED,
    ExecutionStatus.NEEDS_ATTENTION: ExitCode.UNKNOWN,
}


def of_error(error: errors.HaloError) -> ExitCode:
    """The code of the nearest class of `error` in the table."""
    return next(_ERRORS[cls] for cls in type(error).__mro__ if cls in _ERRORS)


def of_card(kind: CardKind) -> ExitCode:
    """The code of a command whose answer is a card of `kind`."""
    return _CARDS[kind]


def of_execution(status: ExecutionStatus) -> ExitCode:
    """The code of a command that waited for an execution and found it in `status`."""
    return _EXECUTIONS[status]
