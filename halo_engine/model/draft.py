"""What would be done: the terms a person confirms, and the draft that carries them.

`Terms` holds every material term and nothing else; its hash is what a confirmation confirms. Change any field and the hash is another.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Literal

from pydantic import AwareDatetime, Field, model_validator

from halo_engine.model.canonical import canonical_json, sha256_hex
from halo_engine.model.money import Money
from halo_engine.model.value import Value


def iso_utc(at: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SSZ`, the one written form of a time."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"


class Line(Value):
    """One thing to be had: how many of what, at what price. `reference` is the vendor's own name for it."""

    title: str
    quantity: int = Field(ge=1, le=999)
    unit_price: Money
    reference: str = ""


class Charge(Value):
    """A part of the total beside the lines: shipping, tax, a deposit."""

    label: str
    amount: Money


class Fact(Value):
    """A named term in words: how, when and where it is fulfilled."""

    label: str
    text: str


class Terms(Value):
    """Every material term. What the vendor is asked to do must follow from these and from nothing else."""

    purpose: Literal["halo/confirm/v1"] = "halo/confirm/v1"
    household_id: str
    draft_id: str
    revision: int = Field(ge=1)
    verb: str
    #: The headline of the card: what a person reads first must be what the hash covers.
    title: str
    summary: str
    vendor: str
    payee: str
    lines: tuple[Line, ...] = ()
    charges: tuple[Charge, ...] = ()
    #: What is charged when this is done.
    total: Money
    #: What may be charged at the most under this confirmation.
    maximum: Money
    payment_method: str | None = None
    fulfilment: tuple[Fact, ...] = ()
    policies: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    irreversible: bool
    #: What the vendor is to be asked, by the vendor's own identifiers: the verb's to write and to read. Text and integers only.
    instruction: dict[str, Any] = Field(default_factory=dict)
    expires_at: AwareDatetime
    nonce: str

    @model_validator(mode="after")
    def _adds_up(self) -> Terms:
        parts = [line.unit_price * line.quantity for line in self.lines] + [charge.amount for charge in self.charges]
        if Money.total(parts, currency=self.total.currency) != self.total:
            raise ValueError("the lines and charges must add up to the total")
        if self.total > self.maximum or self.total.cents < 0:
            raise ValueError("the total must lie between zero and the maximum")
        return self

    def material(self) -> dict[str, Any]:
        """The object the hash is taken over; times in their one written form."""
        return _material(self.model_dump(mode="json"), iso_utc(self.expires_at))

    @property
    def hash(self) -> str:
        """SHA-256 over the canonical JSON (RFC 8785) of `material()`. Remembered by content: a copy with other terms must not keep this one's."""
        return _hash_of(self.model_dump_json(), iso_utc(self.expires_at))


@lru_cache(maxsize=256)
def _hash_of(terms_json: str, expires_at: str) -> str:
    return sha256_hex(canonical_json(_material(json.loads(terms_json), expires_at)))


def _material(fields: dict[str, Any], expires_at: str) -> dict[str, Any]:
    return fields | {"expires_at": expires_at}


#: What stands on the side of a change where there was nothing, or is nothing any more.
NOTHING = "–"


class Change(Value):
    """One difference between two versions of the terms. `words` says it as a person would: "shipping +$1.20"; empty where another says it."""

    field: str
    before: str
    after: str
    words: str = ""


#: Fields that differ between any two versions and say nothing about what is bought.
BOOKKEEPING = frozenset({"draft_id", "revision", "expires_at", "nonce"})

#: The other terms once more, in a sentence; it follows them, also down in price.
_HEADLINE = frozenset({"title", "summary"})


def is_covered_by(now: Terms, confirmed: Terms) -> bool:
    """Whether doing `now` does what `confirmed` says: nothing differs, but that an amount may have become smaller."""
    return _without_amounts(now) == _without_amounts(confirmed) and all(
        mine <= theirs for mine, theirs in zip(_amounts(now), _amounts(confirmed), strict=True)
    )


def _amounts(terms: Terms) -> tuple[Money, ...]:
    return (*(line.unit_price for line in terms.lines), *(charge.amount for charge in terms.charges), terms.total)


def _without_amounts(terms: Terms) -> dict[str, Any]:
    plain = terms.model_dump(mode="json", exclude={*BOOKKEEPING, *_HEADLINE, "total", "maximum"})
    plain["currencies"] = [amount.currency for amount in _amounts(terms)]
    for part in plain["lines"]:
        part.pop("unit_price")
    for part in plain["charges"]:
        part.pop("amount")
    return plain


class DraftStatus(StrEnum):
    """A draft's life. Only OPEN can still become something else."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    #: What OPEN is once its time is over. Never stored: it follows from the terms and the time.
    EXPIRED = "expired"


class Draft(Value):
    """The contract of a draft, over the terms. A new revision replaces the terms; the old ones are kept, never edited."""

    id: str
    household_id: str
    request_id: str
    created_at: AwareDatetime
    status: DraftStatus
    terms: Terms
    actions: tuple[str, ...] = ("confirm", "modify", "cancel")
    #: The verb's own: the parameters as they were understood, which Modify starts from.
    payload: dict[str, Any]
    #: A second request in the same words, which this draft does not cover.
    remainder: str | None = None
    #: The draft whose terms no longer held, when this one was written in its place.
    revises: str | None = None
    #: What differs from the terms before these.
    changes: tuple[Change, ...] = ()
    #: Who asked for what it is now beside whoever made the request, by id: who changed it, whose question was answered, who asked before it expired.
    also_asked_by: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """`Draft: <what it is>`; the part after the colon is `terms.title`."""
        return f"Draft: {self.terms.title}"

    @property
    def summary(self) -> str:
        return self.terms.summary

    @property
    def verb(self) -> str:
        return self.terms.verb

    @property
    def vendor(self) -> str:
        return self.terms.vendor

    @property
    def revision(self) -> int:
        return self.terms.revision

    @property
    def draft_hash(self) -> str:
        return self.terms.hash

    @property
    def expires_at(self) -> datetime:
        return self.terms.expires_at

    def as_of(self, now: datetime) -> Draft:
        """This draft as it stands at `now`."""
        over = self.status is DraftStatus.OPEN and now >= self.expires_at
        return self.model_copy(update={"status": DraftStatus.EXPIRED}) if over else self

    def contract(self) -> dict[str, Any]:
        """Its fields with the ids, for programs."""
        return {
            "id": self.id,
            "status": self.status.value,
            "verb": self.verb,
            "revision": self.revision,
            "draft_hash": self.draft_hash,
            "title": self.title,
            "summary": self.summary,
            "vendor": self.vendor,
            "estimated_cost_cents": self.terms.total.cents,
            "maximum_cents": self.terms.maximum.cents,
            "currency": self.terms.total.currency,
            "payment_method_masked": self.terms.payment_method,
            "warnings": list(self.terms.warnings),
            "actions": list(self.actions) if self.status is DraftStatus.OPEN else [],
            "created_at": iso_utc(self.created_at),
            "expires_at": iso_utc(self.expires_at),
            "terms": self.terms.material(),
            "payload": self.payload,
            "revises": self.revises,
            "changes": [change.model_dump() for change in self.changes],
            "remainder": self.remainder,
        }
