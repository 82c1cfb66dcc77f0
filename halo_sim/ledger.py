"""The judge: what the vendors really did, in the order in which they did it.

Vendors write an entry in the transaction that makes the effect true; tests read them all and compare with what Halo believes. Trial
orders, refused calls and the household's seeded history are not effects. Halo itself never reads this.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from sqlite3 import Row
from typing import Any, Literal, TypeAlias, cast

from halo_engine.model.money import Money
from halo_sim.world import Transaction, connect, from_text, to_text

Vendor: TypeAlias = Literal["amazon", "resy", "square", "subscriptions", "zinc"]

#: `undo` takes a cancellation back; the cancellation itself stays in the books. `offer` is an offer to stay that somebody accepted.
Kind: TypeAlias = Literal["order", "booking", "cancellation", "undo", "offer"]

#: Plain texts and whole numbers, or lists of such objects (the lines of an order).
Detail: TypeAlias = Mapping[str, "str | int | Sequence[Mapping[str, str | int]]"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One real effect."""

    at: datetime
    vendor: Vendor
    kind: Kind
    #: The vendor's own id: order, reservation or subscription.
    reference: str
    #: The id the caller chose (externalId, idempotency key), where the vendor takes one.
    client_reference: str | None
    #: What the effect cost when it happened; zero where nothing is charged.
    charged: Money
    detail: Detail

    def to_json(self) -> dict[str, Any]:
        """A plain object: money as integer cents, time as `YYYY-MM-DDTHH:MM:SSZ`."""
        return {
            "at": self.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "vendor": self.vendor,
            "kind": self.kind,
            "reference": self.reference,
            "client_reference": self.client_reference,
            "charged_cents": self.charged.cents,
            "currency": self.charged.currency,
            "detail": self.detail,
        }


def record(
    tx: Transaction, *, vendor: Vendor, kind: Kind, reference: str, client_reference: str | None, charged: Money, detail: Detail
) -> None:
    """Write the entry of an effect that this transaction makes true."""
    tx.run(
        "INSERT INTO ledger (at, vendor, kind, reference, client_reference, charged_cents, currency, detail)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        to_text(tx.now),
        vendor,
        kind,
        reference,
        client_reference,
        charged.cents,
        charged.currency,
        json.dumps(detail),
    )
    tx.effects += 1


def read_ledger(path: Path) -> tuple[Entry, ...]:
    """Every effect in the world file at `path`, oldest first.

    Raises `FileNotFoundError` where there is no file: a judge who looks in the wrong place must not find everybody innocent.
    """
    if not path.exists():
        raise FileNotFoundError(f"no simulated world at {path}")
    with closing(connect(path)) as db:
        return tuple(_entry(row) for row in db.execute("SELECT * FROM ledger ORDER BY seq"))


def _entry(row: Row) -> Entry:
    return Entry(
        at=from_text(row["at"]),
        vendor=cast(Vendor, row["vendor"]),
        kind=cast(Kind, row["kind"]),
        reference=row["reference"],
        client_reference=row["client_reference"],
        charged=Money(cents=row["charged_cents"], currency=row["currency"]),
        detail=json.loads(row["detail"]),
    )
