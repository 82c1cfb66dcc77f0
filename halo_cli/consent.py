"""The question that stands between a card and an execution: the person types the amount, so that no slip of a finger can confirm."""

from __future__ import annotations

from dataclasses import dataclass

from halo_engine.model.draft import Draft, DraftStatus
from halo_engine.model.errors import AlreadyCancelled, AlreadyConfirmed, DraftExpired
from halo_engine.model.money import SYMBOLS


@dataclass(frozen=True, slots=True)
class Challenge:
    """What to ask, and the one answer that means yes."""

    question: str
    expected: str
    symbol: str = ""

    def accepts(self, typed: str | None) -> bool:
        """Exactly the expected word, or the amount with or without its currency sign and thousands commas."""
        given = (typed or "").strip()
        if self.symbol:
            given = given.removeprefix(self.symbol).strip().replace(",", "")
        return given == self.expected


def challenge(draft: Draft) -> Challenge:
    """The amount that may be charged at the most; for a draft that costs nothing, its verb in lower case."""
    most = draft.terms.maximum
    if most.cents == 0:
        word = draft.verb.lower()
        return Challenge(question=f"It costs nothing. Type {word} to confirm: ", expected=word)
    whole, part = divmod(most.cents, 100)
    return Challenge(
        question=f"Type the amount to confirm, {most.display}: ",
        expected=f"{whole}.{part:02d}",
        symbol=SYMBOLS.get(most.currency, most.currency),
    )


def raise_unless_open(draft: Draft) -> None:
    """Nobody is asked to confirm what can no longer be. Raises `AlreadyConfirmed`, `AlreadyCancelled` or `DraftExpired`."""
    match draft.status:
        case DraftStatus.CONFIRMED:
            raise AlreadyConfirmed(hint="See how it went with: halo activity")
        case DraftStatus.CANCELLED:
            raise AlreadyCancelled
        case DraftStatus.EXPIRED:
            raise DraftExpired(current=draft)
        case DraftStatus.OPEN:
            return
