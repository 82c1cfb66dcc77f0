"""What would be done: the terms a person confirms, and the draft that carries them.

`Terms` holds every material term and nothing else; its hash is what a confirmation confirms. Change any field and the hash is another.
"""

from __future__ import annotations

import json
from collections import Counter
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


class Change(Value):
    """One difference between two versions of the terms, in words."""

    field: str
    before: str
    after: str


#: Fields that differ between any two versions and say nothing about what is bought.
_BOOKKEEPING = frozenset({"draft_id", "revision", "expires_at", "nonce"})

#: The other terms once more, in a sentence; it follows them, also down in price.
_HEADLINE = frozenset({"title", "summary"})


def difference(before: Terms, after: Terms) -> tuple[Change, ...]:
    """Every material difference, one `Change` per term, in the order a card shows them."""
    old, new = _spoken(before), _spoken(after)
    labels = list(old) + [label for label in new if label not in old]
    changes = tuple(
        Change(field=label, before=old.get(label, "–"), after=new.get(label, "–")) for label in labels if old.get(label) != new.get(label)
    )
    if not changes and _unspoken(before) != _unspoken(after):
        # Nothing a card shows: still said, because a changed hash must never come without a reason.
        return (Change(field="details", before="as shown before", after="changed at the vendor's or in the household's settings"),)
    return changes


def _unspoken(terms: Terms) -> tuple[Any, ...]:
    """What is material and stands in no difference: it follows what does, or should."""
    return (terms.instruction, terms.title, terms.summary)


def _spoken(terms: Terms) -> dict[str, str]:
    """Each material term by the name and in the words that a difference shows.

    Left out beside the bookkeeping: the household, which is the same, and the instruction, which says in identifiers what the others say in words.
    """
    said = [("vendor", terms.vendor), ("payee", terms.payee), ("verb", terms.verb)]
    for n, line in enumerate(terms.lines, 1):
        said.append((f"line {n}", f"{line.quantity} × {line.title} [{line.reference}] at {line.unit_price.display}"))
    said += [(charge.label, charge.amount.display) for charge in terms.charges]
    said += [("total", terms.total.display), ("maximum", terms.maximum.display), ("payment", terms.payment_method or "none")]
    said += [(fact.label, fact.text) for fact in terms.fulfilment]
    said += [(f"policy {n}", text) for n, text in enumerate(terms.policies, 1)]
    said += [(f"warning {n}", text) for n, text in enumerate(terms.warnings, 1)]
    return _numbered([*said, ("irreversible", "yes" if terms.irreversible else "no")])


def _numbered(said: list[tuple[str, str]]) -> dict[str, str]:
    """By name; of terms that share one, the second gets a number, so that none hides another."""
    seen: Counter[str] = Counter()
    spoken = {}
    for label, words in said:
        seen[label] += 1
        spoken[label if seen[label] == 1 else f"{label} ({seen[label]})"] = words
    return spoken


def is_covered_by(now: Terms, confirmed: Terms) -> bool:
    """Whether doing `now` does what `confirmed` says: nothing differs, but that an amount may have become smaller."""
    return _without_amounts(now) == _without_amounts(confirmed) and all(
        mine <= theirs for mine, theirs in zip(_amounts(now), _amounts(confirmed), strict=True)
    )


def _amounts(terms: Terms) -> tuple[Money, ...]:
    return (*(line.unit_price for line in terms.lines), *(charge.amount for charge in terms.charges), terms.total)


def _without_amounts(terms: Terms) -> dict[str, Any]:
    plain = terms.model_dump(mode="json", exclude={*_BOOKKEEPING, *_HEADLINE, "total", "maximum"})
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
    """The specification's draft contract, over the terms. A new revision replaces the terms; the old ones are kept, never edited."""

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
        """The specification's fields with the ids, for programs."""
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
