"""How long to wait for what while an execution is carried out, and the back-off after failures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from tenacity import RetryCallState, Retrying, wait_chain, wait_combine, wait_fixed

from halo_engine.clock import Clock
from halo_engine.settings import Settings
from halo_engine.vendors.http import MAX_RETRY_AFTER_S

#: Those who failed together must not all come back together; more than this would be another wait than the one that was promised.
_JITTER_PERCENT = 10


#: From its first byte to its last a request takes less than this (`vendors.http.Limits`). What leaves this long before its answer is taken for lost
#: is dead by then, also when its sender was stopped and woken in between.
REQUEST_TAKES = timedelta(seconds=60)


@dataclass(frozen=True)
class Waits:
    """How long to wait for what, in seconds."""

    #: Longer than a request can live after whoever sent it died.
    request_lives_s: int
    #: After each transient failure; when used up, the execution fails.
    retries_s: tuple[int, ...]
    #: Between look-ups of an unknown outcome; when used up, a "not there" is believed.
    lookups_s: tuple[int, ...]
    #: How long after their expiry confirmed terms may still be sent.
    sent_late_s: int
    #: How long a vendor may work on what it has accepted before a person has to look.
    accepted_lives_s: int
    #: The longest of all waits: what is due later than this was made so by a clock that was wrong.
    longest_s: int
    #: How many workers may die over one execution before it is taken for the reason.
    deaths: int

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(
            request_lives_s=settings.request_lives_s,
            retries_s=settings.retry_waits_s,
            lookups_s=settings.lookup_waits_s,
            sent_late_s=settings.sent_late_s,
            accepted_lives_s=settings.accepted_lives_s,
            deaths=settings.worker_deaths,
            longest_s=2 * max(settings.request_lives_s, MAX_RETRY_AFTER_S, *settings.retry_waits_s, *settings.lookup_waits_s),
        )


class Backoff:
    """The waits after the first, second, … failure, in seconds, each up to a tenth longer. `chance` is the clock's."""

    def __init__(self, waits_s: Sequence[int], chance: Clock) -> None:
        self._chance = chance
        self.tries = len(waits_s)
        self._wait = wait_chain(*(wait_combine(wait_fixed(wait_s), self._jitter(wait_s)) for wait_s in waits_s))

    def after(self, failures: int) -> timedelta | None:
        """The wait after that many failures, counting the last one; None when the tries are used up."""
        if failures > self.tries:
            return None
        state = RetryCallState(Retrying(), None, (), {})
        state.attempt_number = failures
        return timedelta(milliseconds=round(self._wait(state) * 1000))

    def _jitter(self, wait_s: int) -> Callable[[RetryCallState], int | float]:
        most_ms = wait_s * 10 * _JITTER_PERCENT
        return lambda _state: int(self._chance.token_hex(4), 16) % (most_ms + 1) / 1000
