"""How long is waited: what the settings say, and after a failure up to a tenth longer, by chance."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from halo_engine.clock import FakeClock
from halo_engine.settings import load_settings
from halo_engine.stages.waits import Backoff, Waits
from tests.installation import NOON


class Drawn(FakeClock):
    """A clock whose chance gives one number."""

    def __init__(self, number: int) -> None:
        super().__init__(NOON)
        self._number = number

    def token_hex(self, nbytes: int) -> str:
        return self._number.to_bytes(nbytes).hex()


class TestTheWaits:
    def test_are_those_of_the_settings(self, tmp_path: Path) -> None:
        environ = {"HALO_RETRY_WAITS_S": "1, 2", "HALO_LOOKUP_WAITS_S": "3, 4, 5", "HALO_WORKER_DEATHS": "7"}
        settings = load_settings(home=tmp_path, environ=environ)
        waits = Waits.of(settings)
        assert (waits.retries_s, waits.lookups_s, waits.deaths) == ((1, 2), (3, 4, 5), 7)
        given = (settings.request_lives_s, settings.sent_late_s, settings.accepted_lives_s)
        assert (waits.request_lives_s, waits.sent_late_s, waits.accepted_lives_s) == given

    @pytest.mark.parametrize(
        ("environ", "longest_s"),
        [
            ({"HALO_REQUEST_LIVES_S": "240"}, 600),
            ({"HALO_LOOKUP_WAITS_S": "3, 5000"}, 10_000),
            ({"HALO_RETRY_WAITS_S": "6000, 1"}, 12_000),
            ({"HALO_REQUEST_LIVES_S": "7000"}, 14_000),
        ],
    )
    def test_have_an_end_of_twice_the_longest(self, tmp_path: Path, environ: dict[str, str], longest_s: int) -> None:
        """What is due later than that was not made so by them: a clock was wrong. A vendor may wish for five minutes."""
        assert Waits.of(load_settings(home=tmp_path, environ=environ)).longest_s == longest_s


class TestTheBackOff:
    @pytest.mark.parametrize(
        ("failures", "drawn", "milliseconds"),
        [(1, 0, 5000), (1, 1, 5001), (1, 500, 5500), (1, 501, 5000), (2, 3000, 33_000), (2, 3001, 30_000)],
    )
    def test_is_up_to_a_tenth_longer_than_was_said(self, failures: int, drawn: int, milliseconds: int) -> None:
        """To the millisecond, both ends included, and each failure has its own."""
        assert Backoff((5, 30), Drawn(drawn)).after(failures) == timedelta(milliseconds=milliseconds)

    def test_is_none_where_the_tries_are_used_up(self) -> None:
        assert [Backoff((5, 30), Drawn(0)).after(failures) is None for failures in (2, 3)] == [False, True]
        assert Backoff((0,), Drawn(9)).after(1) == timedelta(0)
