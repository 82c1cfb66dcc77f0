"""What a device signs to say yes (docs/signing.md). It goes over the wire as the very bytes that are signed; this is what they say."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from server.documents.base import Document, Instant, says


class SignedAmount(Document):
    """In hundredths of the currency: what it costs, and what may be charged at the most."""

    minor: int
    max_minor: int
    currency: str


class SigningObject(Document):
    """Canonical JSON (RFC 8785). Show `terms`, hold their hash against `draft_hash`, and sign the bytes as they came."""

    purpose: Annotated[str, says("What a signature over it means; under the same key no other one means that.")]
    aud: Annotated[str, says("Which installation it is for.")]
    household: Annotated[str, says("By id.")]
    user: Annotated[str, says("Whose yes it would be, by id.")]
    device: Annotated[str, says("The device it was made for, by id.")]
    draft_id: str
    draft_revision: int
    draft_hash: str
    verb: str
    payee: str
    amount: SignedAmount
    terms: dict[str, Any] = Field(description="Every material term, in the form that the draft's hash is taken over.")
    irreversible: bool
    nonce: Annotated[str, says("Good for one yes.")]
    iat: Annotated[Instant, says("When it was made.")]
    exp: Annotated[Instant, says("Until when a yes may come.")]
