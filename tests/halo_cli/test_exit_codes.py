"""Every error, card and status has its exit code, and the numbers are those that were promised."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from halo_cli import exit_codes
from halo_cli.exit_codes import ExitCode
from halo_engine.model import errors
from halo_engine.model.card import CardKind
from halo_engine.model.execution import FINAL, ExecutionStatus
from tests.cards.examples import ORDER


def every_error(of: type[errors.HaloError] = errors.HaloError) -> Iterator[type[errors.HaloError]]:
    yield of
    for below in of.__subclasses__():
        if below.__module__ == errors.__name__:
            yield from every_error(below)


def made(cls: type[errors.HaloError]) -> errors.HaloError:
    return cls(current=ORDER) if issubclass(cls, errors.TermsChanged) else cls()


class TestNumbers:
    def test_are_the_promised_ones(self) -> None:
        assert [code.value for code in ExitCode] == [*range(10), 130]


class TestErrors:
    @pytest.mark.parametrize("cls", list(every_error()), ids=lambda cls: cls.__name__)
    def test_every_class_has_one_and_none_means_done(self, cls: type[errors.HaloError]) -> None:
        assert exit_codes.of_error(made(cls)) is not ExitCode.DONE

    @pytest.mark.parametrize(
        ("cls", "code"),
        [
            (errors.InvalidInput, 2),
            (errors.NotFound, 1),
            (errors.NotAuthorised, 4),
            (errors.NotInitialised, 1),
            (errors.Conflict, 1),
            (errors.AlreadyConfirmed, 1),
            (errors.AlreadyCancelled, 3),
            (errors.TermsChanged, 6),
            (errors.DraftExpired, 6),
            (errors.StillRunning, 8),
            (errors.StoreBusy, 1),
        ],
    )
    def test_has_the_documented_code(self, cls: type[errors.HaloError], code: int) -> None:
        assert exit_codes.of_error(made(cls)) == code

    def test_a_new_class_takes_the_code_of_the_one_above_it(self) -> None:
        class Newer(errors.TermsChanged):
            pass

        assert exit_codes.of_error(Newer(current=ORDER)) is ExitCode.TERMS_CHANGED


class TestCards:
    @pytest.mark.parametrize("kind", list(CardKind))
    def test_every_kind_has_one(self, kind: CardKind) -> None:
        assert isinstance(exit_codes.of_card(kind), ExitCode)

    def test_only_a_draft_and_a_finished_job_count_as_done(self) -> None:
        assert {kind for kind in CardKind if exit_codes.of_card(kind) is ExitCode.DONE} == {CardKind.DRAFT, CardKind.DONE}


class TestExecutions:
    @pytest.mark.parametrize("status", list(ExecutionStatus))
    def test_only_done_is_done(self, status: ExecutionStatus) -> None:
        assert (exit_codes.of_execution(status) is ExitCode.DONE) == (status is ExecutionStatus.DONE)

    def test_what_is_not_finished_is_timed_out_or_unknown(self) -> None:
        open_ = set(ExecutionStatus) - FINAL
        assert {exit_codes.of_execution(status) for status in open_} == {ExitCode.TIMED_OUT, ExitCode.UNKNOWN}
