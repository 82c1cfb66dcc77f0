"""What can go wrong at the vendors, by name. Kept in the world file, so that a test can order a fault for another process.

Tests and the command line call `add_fault`, `list_faults` and `clear_faults`; vendors ask `active` and `take`. A fault that lasts (a
risen price) stays until it is cleared; one that happens (a lost answer) is used up, once for each of its `times`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from halo_sim.world import Transaction, World

FAULTS: Mapping[str, str] = MappingProxyType(
    {
        "price_up": "The price of the target ASIN, or every price, rises by the amount in cents (150 unless told) until cleared.",
        "out_of_stock": "The target ASIN has only the amount of units left (0 unless told) until cleared.",
        "slot_gone": "The next restaurant slot that is held or booked turns out to be taken; the target may be a venue id or an operation.",
        "fee_changed": "The cancellation fee per person rises by the amount in cents (1000 unless told) at the target venue, or at all.",
        "lose_answer": "The next commit call that has an effect takes effect, and its answer is lost.",
        "drop_before": "The next commit call is lost before it has any effect.",
        "unavailable": "The next calls answer 503.",
        "rate_limited": "The next calls answer 429 with Retry-After: 2.",
        "token_expired": "Every token and session issued so far stops being valid now; the target may be a vendor.",
        "ignore_expectations": "Amazon does not check the buyer's price guards, until cleared.",
        "hide_orders": "The next order look-ups answer 404 although the order is there.",
        "refuse_duplicates": "Amazon answers 400 to every order id it has seen, also with the same body, until cleared.",
    }
)

_LASTING = frozenset({"price_up", "out_of_stock", "fee_changed", "ignore_expectations", "refuse_duplicates"})
_DEFAULT_AMOUNTS = {"price_up": 150, "out_of_stock": 0, "fee_changed": 1000}
_MAX_TIMES = 1_000_000
#: Large enough for any story, small enough that a price with it is still a price.
_MAX_AMOUNT = 100_000_000


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that is waiting to happen, or lasts. `target` None means any."""

    id: int
    name: str
    target: str | None
    amount: int | None
    #: None for one that lasts until it is cleared.
    times_left: int | None


def add_fault(world: World, name: str, *, target: str | None = None, amount: int | None = None, times: int = 1) -> None:
    """Order the fault `name` (see `FAULTS`); `ValueError` for an unknown name or an impossible argument.

    For calls (`lose_answer`, `drop_before`, `unavailable`, `rate_limited`) the target is a vendor such as `amazon` or an operation such as
    `amazon.place_order`.
    """
    _check(name, target, amount, times)
    with world.transaction() as tx:
        if name == "token_expired":
            tx.run("DELETE FROM tokens WHERE ?1 IS NULL OR vendor = ?1", target)
            return
        tx.run(
            "INSERT INTO faults (name, target, amount, times_left) VALUES (?, ?, ?, ?)",
            name,
            target or None,
            _DEFAULT_AMOUNTS.get(name) if amount is None else amount,
            None if name in _LASTING else times,
        )


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
    rows = tx.rows("SELECT * FROM faults WHERE name = ? ORDER BY id", name)
    return tuple(Fault(**dict(row)) for row in rows if row["target"] is None or row["target"] in targets)


def take(tx: Transaction, name: str, *targets: str) -> bool:
    """Whether the fault happens now; once less remains of it."""
    found = active(tx, name, *targets)
    if not found:
        return False
    tx.run("UPDATE faults SET times_left = times_left - 1 WHERE id = ?", found[0].id)
    tx.run("DELETE FROM faults WHERE times_left <= 0")
    return True
