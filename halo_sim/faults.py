"""What can go wrong at the vendors, by name. Kept in the world file, so that a test can order a fault for another process.

Tests and the command line call `add_fault`, `list_faults` and `clear_faults`; the router and the vendors ask `active`, `take` and `strike`.
A fault that lasts (a risen price) stays until it is cleared; one that happens (a lost answer) is used up, once for each of its `times`.
What the faults of a reply do to its bytes is in `mangling.py`; which fault strikes which call of a soak test is in `fault_plan.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from halo_sim.world import Transaction, World


class Position(StrEnum):
    """Where on a call's way a fault strikes."""

    CONNECT = "connect"
    HEADERS = "headers sent"
    BODY = "body sent"
    BEFORE = "before the effect"
    AFTER = "after the effect"
    REPLY = "the reply"
    MID_REPLY = "mid reply"
    #: Not on the way of any call: the world itself is different.
    WORLD = "the world"


_P = Position

_TABLE: tuple[tuple[str, Position, str], ...] = (
    ("refuse_connection", _P.CONNECT, "The next connections are refused: not a byte is sent."),
    ("connect_timeout", _P.CONNECT, "The next connections are never made: not a byte is sent."),
    ("reset_on_headers", _P.HEADERS, "The next connections break when the head of the request has been sent; nothing happens."),
    ("reset_on_body", _P.BODY, "The next connections break when the whole request has been sent; nothing happens."),
    ("drop_before", _P.BEFORE, "The next commit call is lost before it has any effect."),
    ("unavailable", _P.BEFORE, "The next calls answer 503."),
    ("server_error", _P.BEFORE, "The next calls answer 500, and nothing happens."),
    ("rate_limited", _P.BEFORE, "The next calls answer 429 with Retry-After: 2."),
    ("rate_limited_bare", _P.BEFORE, "The next calls answer 429 without a Retry-After."),
    ("rate_limited_silly", _P.BEFORE, "The next calls answer 429 with a Retry-After of thirty thousand years."),
    ("token_expired", _P.BEFORE, "Every token and session issued so far stops being valid now; the target may be a vendor."),
    ("phantom", _P.BEFORE, "The next commit call is answered as if it were done, and nothing happens."),
    ("retention_offer", _P.BEFORE, "The next cancellation is answered with an offer to stay, and nothing is cancelled."),
    ("kept_error", _P.BEFORE, "The next cancellation under a key fails inside with a 500, which is kept and replayed for that key."),
    ("lose_answer", _P.AFTER, "The next commit call that has an effect takes effect, and its answer is lost."),
    ("error_after", _P.AFTER, "The next commit call that has an effect takes effect, and answers 500."),
    ("slow", _P.AFTER, "The next calls are answered late, by the amount in seconds (60 unless told)."),
    ("html_page", _P.REPLY, "The next answers are an HTML page with status 200."),
    ("empty_body", _P.REPLY, "The next answers have no body."),
    ("malformed_json", _P.REPLY, "The next answers are JSON that ends in the middle."),
    ("wrong_types", _P.REPLY, "The next answers have a text where a number belongs and a number where a text belongs."),
    ("missing_fields", _P.REPLY, "The next answers lack the first member of every object."),
    ("unknown_enums", _P.REPLY, "The next answers have a status, type or code nobody has heard of."),
    ("cut_mid_reply", _P.MID_REPLY, "The next connections break in the middle of the answer."),
    ("drip", _P.MID_REPLY, "The next answers come byte by byte, one in the amount of milliseconds (1000 unless told)."),
    ("price_up", _P.WORLD, "The price of the target, or every price, rises by the amount in cents (150 unless told) until cleared."),
    ("out_of_stock", _P.WORLD, "The target ASIN has only the amount of units left (0 unless told) until cleared."),
    (
        "slot_gone",
        _P.WORLD,
        "The next table or appointment turns out to be taken when it is held or booked; the target may be a venue, a place or an operation.",
    ),
    (
        "fee_changed",
        _P.WORLD,
        "The cancellation fee (per person at a table) rises by the amount in cents (1000 unless told) at the target, or at all.",
    ),
    ("ignore_expectations", _P.WORLD, "Amazon and Zinc do not check the buyer's price guards, until cleared."),
    ("hide_orders", _P.WORLD, "The next order look-ups answer 404 although the order is there."),
    ("late_orders", _P.WORLD, "An order is found only the amount of seconds (3 unless told) after it was placed, until cleared."),
    ("refuse_duplicates", _P.WORLD, "Amazon answers 400 to every order id it has seen, also with the same body, until cleared."),
    ("ignore_keys", _P.WORLD, "Vendors that take keys take a repeat under the same key for a new request, until cleared."),
    ("repeat_order_id", _P.WORLD, "The next order is answered with the number of the order before it."),
)

#: Each name with its sentence, and each name with its position.
FAULTS: Mapping[str, str] = MappingProxyType({name: sentence for name, _, sentence in _TABLE})
POSITIONS: Mapping[str, Position] = MappingProxyType({name: position for name, position, _ in _TABLE})

LASTING = frozenset({"price_up", "out_of_stock", "fee_changed", "ignore_expectations", "late_orders", "refuse_duplicates", "ignore_keys"})
DEFAULT_AMOUNTS: Mapping[str, int] = MappingProxyType(
    {"price_up": 150, "out_of_stock": 0, "fee_changed": 1000, "late_orders": 3, "slow": 60, "drip": 1000}
)
_MAX_TIMES = 1_000_000
#: Large enough for any story, small enough that a price with it is still a price.
_MAX_AMOUNT = 100_000_000


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that is waiting to happen, or lasts. `target` None means any."""

    id: int
    name: str
    target: str | None
    #: Cents, units, seconds or milliseconds: the fault's sentence says which.
    amount: int | None
    #: None for one that lasts until it is cleared.
    times_left: int | None

    @property
    def size(self) -> int:
        """The amount, or 0 where the fault has none."""
        return self.amount or 0


def add_fault(world: World, name: str, *, target: str | None = None, amount: int | None = None, times: int = 1) -> None:
    """Order the fault `name` (see `FAULTS`); `ValueError` for an unknown name or an impossible argument.

    For calls (every position but the world) the target is a vendor such as `amazon` or an operation such as `amazon.place_order`.
    """
    _check(name, target, amount, times)
    with world.transaction() as tx:
        arm(tx, name, target=target or None, amount=amount, times=times)


def arm(tx: Transaction, name: str, *, target: str | None, amount: int | None = None, times: int = 1) -> int:
    """As `add_fault`, within a transaction and unchecked; the fault's id, 0 for one that has happened at once."""
    if name == "token_expired":
        tx.run("DELETE FROM tokens WHERE ?1 IS NULL OR vendor = ?1", target)
        return 0
    tx.run(
        "INSERT INTO faults (name, target, amount, times_left) VALUES (?, ?, ?, ?)",
        name,
        target,
        DEFAULT_AMOUNTS.get(name) if amount is None else amount,
        None if name in LASTING else times,
    )
    newest = tx.row("SELECT MAX(id) AS id FROM faults")
    return int(newest["id"]) if newest else 0


def _check(name: str, target: str | None, amount: int | None, times: int) -> None:
    if name not in FAULTS:
        raise ValueError(f"no fault is called {name!r}; there are {', '.join(FAULTS)}")
    if name == "out_of_stock" and not target:
        raise ValueError("out_of_stock needs an ASIN as its target")
    if amount is not None and not 0 <= amount <= _MAX_AMOUNT:
        raise ValueError(f"an amount must be from 0 to {_MAX_AMOUNT}")
    if not 1 <= times <= _MAX_TIMES:
        raise ValueError(f"a fault happens from 1 to {_MAX_TIMES} times")


def list_faults(world: World) -> tuple[Fault, ...]:
    """The faults that wait or last, oldest first."""
    with world.transaction() as tx:
        return tuple(Fault(**dict(row)) for row in tx.rows("SELECT * FROM faults ORDER BY id"))


def clear_faults(world: World, name: str | None = None) -> None:
    """Remove the faults called `name`, or all; a price or a fee that had risen falls back. Expired tokens stay expired."""
    with world.transaction() as tx:
        tx.run("DELETE FROM faults WHERE ?1 IS NULL OR name = ?1", name)


def active(tx: Transaction, name: str, *targets: str) -> tuple[Fault, ...]:
    """The faults called `name` that concern any of `targets`, oldest first."""
    rows = (row for row in tx.faults() if row["name"] == name)
    return tuple(Fault(**dict(row)) for row in rows if row["target"] is None or row["target"] in targets)


def take(tx: Transaction, name: str, *targets: str) -> bool:
    """Whether the fault happens now; once less remains of it."""
    return strike(tx, (name,), *targets) is not None


def strike(tx: Transaction, names: Iterable[str], *targets: str) -> Fault | None:
    """The oldest fault with one of `names` that concerns any of `targets`: it happens now, and once less remains of it."""
    wanted = frozenset(names)
    concerned = (row for row in tx.faults() if row["name"] in wanted and (row["target"] is None or row["target"] in targets))
    found = next(concerned, None)
    if found is None:
        return None
    tx.run("UPDATE faults SET times_left = times_left - 1 WHERE id = ?", found["id"])
    tx.run("DELETE FROM faults WHERE times_left <= 0")
    return Fault(**dict(found))
