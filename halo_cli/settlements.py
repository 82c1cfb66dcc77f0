"""What a person finds of an execution that needs attention: how it is read from what they gave, and in which words it is told.

`halo settle` and the dashboard's queue say the same. A vendor's words go through `inert` wherever they are shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from halo_cli.output import Lines
from halo_engine.model.errors import InvalidInput
from halo_engine.model.money import Money
from halo_engine.model.outcome import Done, NotThere, Partial, Pending, Rejected, Unknown
from halo_engine.model.settlement import Finding, Settlement
from halo_engine.model.text import inert

if TYPE_CHECKING:
    from halo_engine.model.outcome import Found


def settlement_of(*, happened: bool | None, reference: str | None, charged: str | None, currency: str) -> Settlement:
    """What was found, as given. Raises `InvalidInput` where something is missing or does not fit."""
    if happened is None:
        raise InvalidInput("Say what you found.", hint="Either --happened with --reference, or --did-not-happen.")
    reference = (reference or "").strip()
    if happened and not reference:
        raise InvalidInput(
            "What happened has a number at the vendor's.", hint="Copy it from the vendor's own record: it is what proves it later."
        )
    if not happened and (reference or charged):
        raise InvalidInput("What did not happen has no reference and cost nothing.", hint="Leave those two out, or say that it happened.")
    amount = _amount(charged, currency) if charged and charged.strip() else None
    return Settlement(outcome=Finding.HAPPENED if happened else Finding.DID_NOT_HAPPEN, reference=reference, charged=amount)


def _amount(text: str, currency: str) -> Money:
    try:
        amount = Money.from_decimal(Decimal(text.strip().lstrip("$€£")), currency)
    except (InvalidOperation, ValueError):
        raise InvalidInput("That is no amount.", hint="Write it as 49.95.") from None
    if amount.cents < 0:
        raise InvalidInput("An amount that was charged is not less than nothing.", hint="Write it as 49.95.")
    return amount


def finding(found: Found) -> Lines:
    """What the vendor's own record shows, in a sentence, and what follows from it."""
    match found:
        case Done(reference=reference, total=total):
            cost = f" for {total.display}" if total else ""
            return Lines((f"The vendor has it: {_named(reference)}{cost}.", "It happened. Settle it with that reference."))
        case Partial(reference=reference, not_done=left):
            missing = f" Not done: {inert(', '.join(left), max_chars=200)}." if left else ""
            return Lines(
                (f"The vendor has part of it: {_named(reference)}.{missing}", "It happened in part. Settle it with that reference.")
            )
        case Pending(reference=reference):
            return Lines(
                (f"The vendor took it as {_named(reference)} and has not finished.", "It is there. Look again before you settle it.")
            )
        case Rejected(message=message):
            return Lines((f"The vendor says no: {inert(message, max_chars=300)}", "It did not happen, says its record."))
        case NotThere():
            return Lines(
                (
                    "The vendor's record does not show it.",
                    "That is not yet a no: look in your account there before you say that it did not happen.",
                )
            )
        case Unknown(message=message):
            return Lines((f"The vendor's record tells nothing: {inert(message, max_chars=300)}", "Look in your account there."))


def _named(reference: str) -> str:
    return inert(reference, max_chars=120)


def told(found: Settlement) -> Lines:
    """What was recorded."""
    if found.outcome is Finding.DID_NOT_HAPPEN:
        return Lines(("Recorded: it did not happen.",))
    charged = f", {found.charged.display}" if found.charged else ""
    return Lines((f"Recorded: it happened, as {_named(found.reference)}{charged}.",))


def what_was_found(payload: Mapping[str, Any]) -> str:
    """What somebody recorded, as the log has it."""
    if payload.get("outcome") != Finding.HAPPENED:
        return "it did not happen"
    cents, currency = payload.get("charged_cents"), payload.get("currency")
    charged = f", for {Money(cents=cents, currency=currency).display}" if cents is not None and currency else ""
    return f"it happened, as {_named(str(payload.get('reference')))}{charged}"


def settled_line(events: Iterable[tuple[str, Mapping[str, Any]]]) -> str | None:
    """That a person settled an execution, of whose events the types and payloads are given; None where nobody has."""
    found = next((payload for event_type, payload in events if event_type == "execution.settled"), None)
    return None if found is None else f"A person looked at the vendor's and found: {what_was_found(found)}."
