"""The error tree: one drawing, and classes that equal it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from halo_engine.model import errors
from halo_engine.model.errors import HaloError, InvalidInput, NotInitialised, TermsChanged
from tests.halo_engine.model.samples import draft

#: What programs match on. A rename here breaks them.
CODES = {
    "InvalidInput": "invalid_input",
    "NotFound": "not_found",
    "NotAuthorised": "not_authorised",
    "NeedsAnother": "needs_another",
    "CodeRefused": "code_refused",
    "NotInitialised": "not_initialised",
    "Conflict": "conflict",
    "NameTaken": "name_taken",
    "IllegalMove": "illegal_move",
    "AlreadyConfirmed": "already_confirmed",
    "AlreadyCancelled": "already_cancelled",
    "FencedOff": "fenced_off",
    "TermsChanged": "terms_changed",
    "DraftExpired": "draft_expired",
    "StillRunning": "still_running",
    "SignatureInvalid": "signature_invalid",
    "SignatureRequired": "signature_required",
    "SignatureExpired": "signature_expired",
    "SignatureUsed": "signature_used",
    "ParserFailed": "parser_failed",
    "VendorFailed": "vendor_failed",
    "ServerAway": "server_away",
    "QueryStopped": "query_stopped",
    "StoreFailed": "store_failed",
    "StoreBusy": "store_busy",
    "StoreDamaged": "store_damaged",
    "StoreNotWritable": "store_not_writable",
}


def descendants(of: type[HaloError]) -> Iterator[type[HaloError]]:
    for child in of.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from descendants(child)


EVERY = tuple(descendants(HaloError))


def drawn() -> dict[str, str]:
    """Each class in the module docstring's drawing, with the one it hangs from."""
    parents: dict[str, str] = {}
    above = ["HaloError"]
    for branch, name in re.findall(r"^    ([│ ]*[├└]── )(\w+)", errors.__doc__ or "", re.MULTILINE):
        depth = len(branch) // 4
        above[depth:] = [name]
        parents[name] = above[depth - 1]
    return parents


def raised(error: type[HaloError]) -> HaloError:
    return error(current=draft()) if issubclass(error, TermsChanged) else error()


class TestTree:
    def test_is_drawn_as_it_is(self) -> None:
        """The module docstring shows every class under the class it inherits from, and no other."""
        assert drawn() == {error.__name__: error.__bases__[0].__name__ for error in EVERY}

    def test_has_stable_codes(self) -> None:
        """The class name in snake case; the table above is what was promised to programs."""
        assert {error.__name__: raised(error).code for error in EVERY} == CODES

    @pytest.mark.parametrize("error", EVERY, ids=lambda error: error.__name__)
    def test_says_its_docstring_by_default(self, error: type[HaloError]) -> None:
        """One sentence of its own, for a person, that is also the exception's text."""
        message = raised(error).message
        assert message == " ".join((error.__dict__["__doc__"] or "").split())
        assert message.endswith(".")
        assert str(raised(error)) == message


class TestHaloError:
    def test_takes_a_message_and_a_hint(self) -> None:
        """What is given is said instead."""
        error = InvalidInput("No such day.", hint="Say a date.")
        assert (error.message, error.hint) == ("No such day.", "Say a date.")

    def test_can_be_told_to_hint_nothing(self) -> None:
        """An empty hint is a hint left out on purpose, not a missing one."""
        assert (NotInitialised(hint="").hint, NotInitialised().hint) == ("", "Make one with: halo init")

    def test_carries_the_draft_that_stands_now(self) -> None:
        """A stale hash is answered with the current terms."""
        current = draft()
        assert TermsChanged(current=current).current is current
