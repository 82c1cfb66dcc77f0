"""Beside the four steps: which devices may call, and for whom.

A token is made here, given out once, and kept as a hash. Everybody has devices of their own; only an owner adds or revokes somebody else's.
"""

from __future__ import annotations

from datetime import timedelta

from halo_engine.clock import Clock
from halo_engine.model import event
from halo_engine.model.device import Device, NewDevice, is_token, token_of, token_sha256
from halo_engine.model.draft import iso_utc
from halo_engine.model.errors import InvalidInput, NotAuthorised
from halo_engine.model.household import Member, Role
from halo_engine.model.ids import Prefix
from halo_engine.store.session import Store

_TOKEN_BYTES = 32


class Devices:
    """The devices of this installation's household."""

    def __init__(self, store: Store, clock: Clock, *, lives_s: int) -> None:
        self._store, self._clock, self._lives = store, clock, timedelta(seconds=lives_s)

    def add(self, name: str, *, by: str | None, speaks_for: str | None = None) -> NewDevice:
        """A device that speaks for the member `speaks_for`, by default for `by` (without a name the first member).

        Raises `InvalidInput`, `NotFound` for nobody of that name, `NotAuthorised`.
        """
        name = name.strip()
        if not 1 <= len(name) <= 100 or not name.isprintable():
            raise InvalidInput("A device's name has 1 to 100 printable characters.")
        token = token_of(self._clock.token_hex(_TOKEN_BYTES))
        with self._store.transaction() as books:
            household = books.households.home()
            actor = books.households.member(household.id, by)
            member = actor if speaks_for is None else books.households.member(household.id, speaks_for)
            _must_be_allowed(actor, member.id)
            device = Device(
                id=self._clock.new_id(Prefix.DEVICE),
                household_id=household.id,
                user_id=member.id,
                name=name,
                created_at=books.now,
                expires_at=books.now + self._lives,
            )
            of_token = token_sha256(token.get_secret_value())
            books.devices.add(device, token_sha256=of_token)
            payload = event.DeviceAdded(name=name, member_id=member.id, expires_at=iso_utc(device.expires_at), token_sha256=of_token)
            books.events.append(payload, household_id=household.id, entity_id=device.id, user_id=actor.id)
        return NewDevice(device=device, token=token)

    def revoke(self, device_id: str, *, by: str | None) -> Device:
        """It may not call any more. Once revoked it stays so. Raises `NotFound`, `NotAuthorised`."""
        with self._store.transaction() as books:
            household = books.households.home()
            actor = books.households.member(household.id, by)
            device = books.devices.get(household.id, device_id)
            _must_be_allowed(actor, device.user_id)
            if device.revoked_at is not None:
                return device
            revoked = books.devices.revoke(device, books.now)
            payload = event.DeviceRevoked(name=device.name, member_id=device.user_id)
            books.events.append(payload, household_id=household.id, entity_id=device.id, user_id=actor.id)
            return revoked

    def with_token(self, token: str) -> Device | None:
        """The device of this household that may call with `token` now. None says nothing about why not."""
        if not is_token(token):
            return None
        with self._store.reading() as books:
            device = books.devices.of_token(token_sha256(token))
            if device is None or device.household_id != books.households.home().id:
                return None
            return device if device.speaks_at(books.now) else None


def _must_be_allowed(actor: Member, member_id: str) -> None:
    if actor.role is not Role.OWNER and actor.id != member_id:
        raise NotAuthorised("Only an owner decides about somebody else's devices.", hint="Nothing was done.")
