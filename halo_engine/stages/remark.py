"""What a person has to be told beside the receipt: that more was charged than was confirmed, or that something was left out."""

from __future__ import annotations

from halo_engine.model.draft import Terms
from halo_engine.model.money import Money
from halo_engine.model.outcome import Done, Partial


def remark(outcome: Done | Partial, not_done: tuple[str, ...], terms: Terms) -> str | None:
    """One line, None where there is nothing to tell."""
    charged = outcome.total
    told = [f"The vendor charged {charged.display}: more than was confirmed."] if charged and _is_over(charged, terms.maximum) else []
    left = [f"Not done: {', '.join(not_done)}."] if not_done else []
    return " ".join([*told, *left]) or None


def _is_over(charged: Money, maximum: Money) -> bool:
    """Another currency is more than was confirmed, whatever the number."""
    return charged.currency != maximum.currency or charged > maximum
