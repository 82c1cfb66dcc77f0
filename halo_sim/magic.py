"""Names with a documented outcome, like test cards: whoever orders `sku_price_up` sees the price rise between the card and the yes.

Each is a product or a venue of the fixtures (`magic.json`) under a name that can be typed: "order sku_price_up", "book slot_gone for two
tomorrow at 7pm". What strikes its calls is a fault from `faults.py`, ordered by the router through `meet`; nothing else in the simulator
knows these names. `docs/simulator.md` is tested against `TABLE`.
"""

from __future__ import annotations

from dataclasses import dataclass

from halo_sim import faults
from halo_sim.wire import FORM_TYPE, Refusal, Request, read_form
from halo_sim.world import Transaction


@dataclass(frozen=True, slots=True)
class Magic:
    """One such name. `reference` is its ASIN or venue id; `strikes` are the faults, none where the fixture itself is the outcome."""

    name: str
    reference: str
    #: What the person sees, and what the ledger says.
    outcome: str
    #: The operation that meets it.
    operation: str = ""
    strikes: tuple[str, ...] = ()
    #: True: the world changes once, after that operation. False: that very call is struck, on the first try and every other one after.
    drifts: bool = False


_QUOTE, _PLACE, _DETAILS, _BOOK = "amazon.quote_order", "amazon.place_order", "resy.details", "resy.book"

TABLE: tuple[Magic, ...] = (
    Magic(
        "sku_price_up", "B0MAGIC001", "Its price rises by $1.50 once it was quoted: terms changed, no order.", _QUOTE, ("price_up",), True
    ),
    Magic("sku_sells_out", "B0MAGIC002", "It sells out once it was quoted: failed, no order.", _QUOTE, ("out_of_stock",), True),
    Magic("sku_out_of_stock", "B0MAGIC003", "It is out of stock: not possible, no draft."),
    Magic("place_then_timeout", "B0MAGIC004", "Placed, and the answer is lost: looked up, done, one order.", _PLACE, ("lose_answer",)),
    Magic("place_dropped", "B0MAGIC005", "Lost on the way: looked up, sent again under the same key, one order.", _PLACE, ("drop_before",)),
    Magic("place_rate_limited", "B0MAGIC006", "Refused with 429: sent again after the wait, one order.", _PLACE, ("rate_limited",)),
    Magic("place_unavailable", "B0MAGIC007", "Answered 503 without an effect: looked up, sent again, one order.", _PLACE, ("unavailable",)),
    Magic("place_error_after", "B0MAGIC008", "Placed, and answered 500: looked up, done, one order.", _PLACE, ("error_after",)),
    Magic("place_html", "B0MAGIC009", "Placed, and answered with a web page: looked up, done, one order.", _PLACE, ("html_page",)),
    Magic(
        "place_overcharged",
        "B0MAGIC010",
        "Charged $1.50 more than was agreed: done, with the alarm on the card and in the audit.",
        _PLACE,
        ("price_up", "ignore_expectations"),
    ),
    Magic(
        "slot_gone", "89001", "The first table is taken while it is held: terms changed to another time.", _DETAILS, ("slot_gone",), True
    ),
    Magic("fee_changed", "89002", "The fee rises by $10 a head once it was shown: terms changed.", _DETAILS, ("fee_changed",), True),
    Magic("book_then_timeout", "89003", "Booked, and the answer is lost: found in the list, done, one booking.", _BOOK, ("lose_answer",)),
    Magic("book_dropped", "89004", "Lost on the way, and Resy knows no keys: needs attention, no booking.", _BOOK, ("drop_before",)),
    Magic("venue_sold_out", "89005", "No table on any day: not possible, no draft."),
)


def meet(tx: Transaction, operation: str, request: Request, *, before: bool) -> tuple[int, ...]:
    """Order the faults of the name that `request` is about, if there is one; the ids of those that are for this call only."""
    found = next((one for one in TABLE if one.operation == operation and one.drifts is not before and _concerns(tx, one, request)), None)
    if found is None or not _is_due(found, tx.next_number(f"magic/{found.name}")):
        return ()
    if found.drifts:
        _drift(tx, found)
        return ()
    return tuple(faults.arm(tx, fault, target=_target(found, fault)) for fault in found.strikes)


def _is_due(magic: Magic, nth: int) -> bool:
    return nth == 1 if magic.drifts else nth % 2 == 1


def _drift(tx: Transaction, magic: Magic) -> None:
    for fault in magic.strikes:
        faults.arm(tx, fault, target=magic.reference)


def _target(magic: Magic, fault: str) -> str:
    """A fault of the world is aimed at the thing, a fault of a call at the call."""
    return magic.reference if faults.POSITIONS[fault] is faults.Position.WORLD else magic.operation


def _concerns(tx: Transaction, magic: Magic, request: Request) -> bool:
    if magic.operation != _BOOK:
        return magic.reference.encode() in request.body
    held = tx.row("SELECT venue_id FROM holds WHERE book_token = ?", _book_token(request))
    return held is not None and str(held["venue_id"]) == magic.reference


def _book_token(request: Request) -> str:
    """Which table a booking is about: its own body does not say."""
    try:
        return read_form(request).get("book_token", "") if request.content_type == FORM_TYPE else ""
    except Refusal:
        return ""
