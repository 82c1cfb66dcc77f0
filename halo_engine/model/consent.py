"""What a person has to type so that no slip of a finger, and no "ok" meant for somebody else, can confirm: the amount."""

from __future__ import annotations

import re
from dataclasses import dataclass

from halo_engine.model.card import Card
from halo_engine.model.money import SYMBOLS

_WITH_COMMAS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Challenge:
    """What to ask, and the one answer that means yes. `symbol` is the currency's sign, empty where nothing is charged."""

    question: str
    expected: str
    symbol: str = ""

    def accepts(self, typed: str | None) -> bool:
        """Exactly the expected word, or the amount with or without its currency sign and thousands commas."""
        given = (typed or "").strip().removeprefix(self.symbol).strip()
        given = given.replace(",", "") if _WITH_COMMAS.fullmatch(given) else given
        return given == self.expected


def challenge(card: Card) -> Challenge:
    """The amount that may be charged at the most; for a draft that costs nothing, its verb in lower case."""
    most = card.maximum
    if most is None or most.cents == 0:
        word = (card.verb or "").lower()
        return Challenge(question=f"It costs nothing. Type {word} to confirm: ", expected=word)
    whole, part = divmod(most.cents, 100)
    return Challenge(
        question=f"Type the amount to confirm, {most.display}: ",
        expected=f"{whole}.{part:02d}",
        symbol=SYMBOLS.get(most.currency, most.currency),
    )
