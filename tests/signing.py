"""A device with a key of its own, as an app or a terminal has one, for a test."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache

from halo_engine.model.card import Card
from halo_engine.model.execution import Execution
from halo_engine.model.money import Money
from halo_engine.model.signing import new_key, sign
from tests.installation import Installation


@dataclass(frozen=True)
class Signer:
    """A device of `member` with its key."""

    device_id: str
    member: str
    private_key_pem: bytes
    public_key_json: str

    def fetch(self, home: Installation, card: Card) -> bytes:
        """The object to sign, for this device."""
        return home.engine.signing_object(str(card.draft_id), device_id=self.device_id, member=self.member)

    def sign(self, signing_object: bytes) -> str:
        return sign(signing_object, device_id=self.device_id, private_key_pem=self.private_key_pem)

    def signed(self, home: Installation, card: Card) -> str:
        """The JWS of a yes to `card`."""
        return self.sign(self.fetch(home, card))

    def confirm(self, home: Installation, card: Card, signature: str | None) -> Execution:
        """A yes through this device."""
        return home.engine.confirm(
            str(card.draft_id), draft_hash=str(card.draft_hash), member=self.member, signature=signature, device_id=self.device_id
        )


@cache
def a_key(number: int) -> tuple[bytes, str]:
    """One of a few keys: making them costs more than using them."""
    _ = number
    return new_key()


def a_signer(home: Installation, member: str = "Alex", *, key: int = 0) -> Signer:
    """A new device of `member`, enrolled with a key."""

    private, public = a_key(key)
    code = home.engine.devices.open_enrolment("Phone", by=member).code.get_secret_value()
    device = home.engine.devices.enrol(code, signing_key=json.loads(public)).device
    return Signer(device.id, member, private, public)


def sign_above(home: Installation, cents: int | None) -> None:
    """The household wants yeses signed from there on."""
    amount = None if cents is None else Money(cents=cents)
    home.engine.membership.change_rules(lambda rules: rules.with_signed_above(amount), by=None)
