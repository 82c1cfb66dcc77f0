"""Beside the four steps: acts that are asked for under a key, so that the same request again is the same act.

One takes a turn at an act, does it, and keeps what was answered. See `store.acts` for what is written while it is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager

from halo_engine.clock import Clock
from halo_engine.model.ids import Prefix
from halo_engine.model.value import Value
from halo_engine.store.acts import Act, Asked, Kept, Reached, doing
from halo_engine.store.session import Store


class Turn(Value):
    """The right to do an act, alone, with what it had `reached` already where it was cut short before."""

    act: Act
    reached: tuple[Reached, ...] = ()

    def doing(self) -> AbstractContextManager[None]:
        """Everything that is written inside is a part of the act."""
        return doing(self.act)


class Acts:
    """The acts of these books."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def begin(self, asked: Asked) -> Turn | Kept | None:
        """A turn at the act; or what is kept of it, answered or of another body under the same key; or None while it is being done."""
        with self._store.transaction() as books:
            books.acts.forget_old(now=books.now)
            kept = books.acts.find(asked)
            if kept is None:
                act = books.acts.add(self._clock.new_id(Prefix.ACT), asked, now=books.now)
                return Turn(act=act) if act else None
            if kept.body_sha256 != asked.body_sha256 or kept.status is not None:
                return kept
            if books.now < kept.held_until:
                return None
            return Turn(act=books.acts.take_over(kept, now=books.now), reached=kept.reached)

    def end(self, turn: Turn, *, status: int, headers: Mapping[str, str], answer: str) -> None:
        """Keep what was answered. Raises `FencedOff` where somebody else has taken over meanwhile."""
        with self._store.transaction() as books:
            books.acts.end(turn.act, status=status, headers=headers, answer=answer)

    def let_go(self, turn: Turn) -> None:
        """It could not be done now: whoever asks again goes on from where it is. Raises `FencedOff`."""
        with self._store.transaction() as books:
            books.acts.let_go(turn.act, now=books.now)
