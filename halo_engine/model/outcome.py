"""What a vendor's answer to a commit, or to a look-up, comes to. Every adapter maps every answer to one of these seven.

Source: the outcome table of the vendor notes; the class docstring says what may follow.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from halo_engine.model.money import Money
from halo_engine.model.value import Value


class Reason(StrEnum):
    """Why a vendor said a definite no."""

    PRICE = "price"
    STOCK = "stock"
    SLOT_GONE = "slot_gone"
    CONFLICT = "conflict"
    POLICY = "policy"
    PAYMENT = "payment"
    RESTRICTED = "restricted"
    NOT_FOUND = "not_found"
    OTHER = "other"


class Artifact(Value):
    """Something the vendor gave as proof: an order number, a confirmation, a delivery window. Vendor text, shown but never followed."""

    label: str
    text: str


class Done(Value):
    """The vendor confirmed it. `total` is what was charged, None where nothing is charged."""

    kind: Literal["done"] = "done"
    reference: str
    total: Money | None = None
    artifacts: tuple[Artifact, ...] = ()


class Pending(Value):
    """Accepted, not finished: ask again later."""

    kind: Literal["pending"] = "pending"
    reference: str


class Partial(Value):
    """Some lines were done and some were not; never topped up by itself."""

    kind: Literal["partial"] = "partial"
    reference: str
    total: Money | None = None
    done: tuple[str, ...] = ()
    not_done: tuple[str, ...] = ()
    artifacts: tuple[Artifact, ...] = ()


class Rejected(Value):
    """A definite no: nothing happened."""

    kind: Literal["rejected"] = "rejected"
    reason: Reason
    message: str


class Retryable(Value):
    """Definitely not done, and safe to send again under the same key."""

    kind: Literal["retryable"] = "retryable"
    message: str
    #: An expired credential: refreshed once, then tried again at once.
    auth: bool = False
    retry_after_s: int | None = None


class Unknown(Value):
    """It may have happened. Look it up; never send it under another key."""

    kind: Literal["unknown"] = "unknown"
    message: str


class HandOff(Value):
    """No program can finish this; a person can, at `url`."""

    kind: Literal["handoff"] = "handoff"
    url: str
    message: str


Outcome = Done | Pending | Partial | Rejected | Retryable | Unknown | HandOff


class NotThere(Value):
    """A look-up's clear answer: the vendor has no record of it (yet)."""

    kind: Literal["not_there"] = "not_there"


Found = Done | Pending | Partial | Rejected | NotThere | Unknown
