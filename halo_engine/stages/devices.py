"""Beside the four steps: which devices may call, and for whom.

A token is made here, given out once, and kept as a hash. Everybody has devices of their own; only an owner adds or revokes somebody else's. A device
is handed its token (`add`), or fetches it with a code (`open_enrolment`, `enrol`).

A device that asks for another token (`refresh`) keeps the one it has until it uses the new one: an answer that was lost shuts nobody out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from halo_engine.clock import Clock
from halo_engine.model import event
from halo_engine.model.device import (
    CODE_BYTES,
    Device,
    DeviceKind,
    Enrolment,
    NewDevice,
    NewEnrolment,
    NewToken,
    Presented,
    code_of,
    code_sha256,
    is_token,
    token_of,
    token_sha256,
)
from halo_engine.model.draft import iso_utc
from halo_engine.model.errors import CodeRefused, InvalidInput, NotAuthorised
from halo_engine.model.household import Household, Member, Role
from halo_engine.model.ids import Prefix
from halo_engine.model.public_key import PublicKey, public_key
from halo_engine.store.session import Books, Store

_TOKEN_BYTES = 32
#: Long enough to walk to the other room with the phone, too short to search for a code or to find one on an old screen.
CODE_LIVES = timedelta(minutes=10)
#: How often proofs that are too old to come again are forgotten.
_FORGETS_EACH = timedelta(minutes=1)


class Devices:
    """The devices of one household; from `enrol` on all are for whoever calls, of whichever household of these books."""

    def __init__(self, store: Store, clock: Clock, *, lives_s: int) -> None:
        self._store, self._clock, self._lives = store, clock, timedelta(seconds=lives_s)
        self._forgot_at: datetime | None = None

    # By members of the household

    def add(self, name: str, *, by: str | None, speaks_for: str | None = None, kind: DeviceKind = DeviceKind.PERSON) -> NewDevice:
        """A device that speaks for the member `speaks_for`, by default for `by` (without a name the first member).

        Raises `InvalidInput`, `NotFound` for nobody of that name, `NotAuthorised`.
        """
        name, token = _named(name), token_of(self._clock.token_hex(_TOKEN_BYTES))
        with self._store.transaction() as books:
            household, actor, member = _people(books, by, speaks_for)
            device = Device(
                id=self._clock.new_id(Prefix.DEVICE),
                household_id=household.id,
                user_id=member.id,
                name=name,
                created_at=books.now,
                expires_at=books.now + self._lives,
                kind=kind,
            )
            of_token = token_sha256(token.get_secret_value())
            books.devices.add(device, token_sha256=of_token)
            until = iso_utc(device.expires_at)
            payload = event.DeviceAdded(name=name, member_id=member.id, expires_at=until, token_sha256=of_token, kind=kind)
            books.events.append(payload, household_id=household.id, entity_id=device.id, user_id=actor.id)
        return NewDevice(device=device, token=token)

    def open_enrolment(
        self, name: str, *, by: str | None, speaks_for: str | None = None, kind: DeviceKind = DeviceKind.PERSON
    ) -> NewEnrolment:
        """A code with which one device may enrol, as `add` would have it. Raises what `add` raises."""
        name, code = _named(name), code_of(self._clock.token_hex(CODE_BYTES))
        with self._store.transaction() as books:
            household, actor, member = _people(books, by, speaks_for)
            enrolment = Enrolment(
                id=self._clock.new_id(Prefix.ENROLMENT),
                household_id=household.id,
                user_id=member.id,
                name=name,
                created_by=actor.id,
                created_at=books.now,
                expires_at=books.now + CODE_LIVES,
                kind=kind,
            )
            of_code = code_sha256(code.get_secret_value()) or ""
            books.devices.open_enrolment(enrolment, code_sha256=of_code)
            until = iso_utc(enrolment.expires_at)
            payload = event.EnrolmentOpened(name=name, member_id=member.id, expires_at=until, code_sha256=of_code, kind=kind)
            books.events.append(payload, household_id=household.id, entity_id=enrolment.id, user_id=actor.id)
        return NewEnrolment(enrolment=enrolment, code=code)

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

    def revoke_enrolment(self, enrolment_id: str, *, by: str | None) -> Enrolment:
        """Its code opens nothing any more; one that was used or is over stays as it is. Raises `NotFound`, `NotAuthorised`."""
        with self._store.transaction() as books:
            household = books.households.home()
            actor = books.households.member(household.id, by)
            enrolment = books.devices.enrolment(household.id, enrolment_id)
            _must_be_allowed(actor, enrolment.user_id)
            if books.devices.revoke_enrolment(enrolment, books.now):
                payload = event.EnrolmentRevoked(name=enrolment.name, member_id=enrolment.user_id)
                books.events.append(payload, household_id=household.id, entity_id=enrolment.id, user_id=actor.id)
            return books.devices.enrolment(household.id, enrolment_id)

    # By whoever calls

    def enrol(
        self,
        code: str,
        *,
        name: str | None = None,
        signing_key: Mapping[str, Any] | None = None,
        proof_key: Mapping[str, Any] | None = None,
    ) -> NewDevice:
        """The device that comes with `code`, with its public keys as JWKs. Raises `InvalidInput`, and `CodeRefused` whatever was wrong with the code.

        What else was sent is looked at first: a code is not used up by a mistake in it.
        """
        name = None if name is None else _named(name)
        signs, proves = (None if key is None else public_key(key) for key in (signing_key, proof_key))
        token, of_code = token_of(self._clock.token_hex(_TOKEN_BYTES)), code_sha256(code)
        if of_code is None:
            raise CodeRefused
        with self._store.transaction() as books:
            enrolment = books.devices.of_code(of_code)
            if enrolment is None or not enrolment.waits_at(books.now):
                raise CodeRefused
            device = self._enrolled(enrolment, name or enrolment.name, signs, proves, books.now)
            # The device first: of two who come with one code the books let one through, and the other's device was never there.
            books.devices.add(device, token_sha256=token_sha256(token.get_secret_value()))
            if not books.devices.use_enrolment(enrolment, device.id, books.now):
                raise CodeRefused
            payload = event.DeviceEnrolled(
                name=device.name,
                member_id=device.user_id,
                expires_at=iso_utc(device.expires_at),
                token_sha256=token_sha256(token.get_secret_value()),
                enrolment_id=enrolment.id,
                signing_key=device.signing_thumbprint,
                proof_key=device.proof_thumbprint,
                kind=device.kind,
            )
            books.events.append(payload, household_id=device.household_id, entity_id=device.id, user_id=device.user_id)
        return NewDevice(device=device, token=token)

    def _enrolled(self, enrolment: Enrolment, name: str, signs: PublicKey | None, proves: PublicKey | None, now: datetime) -> Device:
        return Device(
            id=self._clock.new_id(Prefix.DEVICE),
            household_id=enrolment.household_id,
            user_id=enrolment.user_id,
            name=name,
            created_at=now,
            expires_at=now + self._lives,
            signing_key_json=signs.jwk_json if signs else None,
            proof_thumbprint=proves.thumbprint if proves else None,
            enrolment_id=enrolment.id,
            kind=enrolment.kind,
        )

    def with_token(self, token: str) -> Presented | None:
        """The device that may call with `token` now, of whichever household. None says nothing about why not. Asked at every call, it only reads.

        Whoever lets it call says so with `take`, and not before all else that was shown has been found right.
        """
        if not is_token(token):
            return None
        with self._store.reading() as books:
            return _speaking(books, token_sha256(token))

    def take(self, presented: Presented) -> Presented | None:
        """It calls with this token: where it was given it last, the one before it is over. None where the token is nothing any more.

        It ends a token, so whoever found one without the key that goes with it must not come as far as this.
        """
        if not presented.is_next:
            return presented
        with self._store.transaction() as books:
            # Looked at again: meanwhile another call may have taken it, and another refresh may have made it nothing.
            found = _speaking(books, presented.token_sha256)
            if found is None or not found.is_next:
                return found
            device = found.device
            if books.devices.take_next(device, token_sha256=found.token_sha256):
                payload = event.DeviceTokenTaken(token_sha256=found.token_sha256, expires_at=iso_utc(device.expires_at))
                books.events.append(payload, household_id=device.household_id, entity_id=device.id, user_id=device.user_id)
            return found.model_copy(update={"is_next": False})

    def refresh(self, presented: Presented) -> NewToken:
        """Another token for the device that calls. Raises `NotAuthorised` where the one it calls with was ended while it asked."""
        device = presented.device
        token = token_of(self._clock.token_hex(_TOKEN_BYTES))
        of_token = token_sha256(token.get_secret_value())
        with self._store.transaction() as books:
            expires_at = books.now + self._lives
            if not books.devices.give_next(presented, token_sha256=of_token, expires_at=expires_at, now=books.now):
                raise NotAuthorised("This device may not call any more.")
            payload = event.DeviceRefreshed(token_sha256=of_token, expires_at=iso_utc(expires_at))
            books.events.append(payload, household_id=device.household_id, entity_id=device.id, user_id=device.user_id)
        return NewToken(device=device, token=token, expires_at=expires_at)

    def proves_anew(self, device: Device, jti: str, *, until: datetime) -> bool:
        """Whether the device had never shown the proof named `jti`, which nobody would take after `until` for its age."""
        with self._store.transaction() as books:
            if self._forgot_at is None or abs(books.now - self._forgot_at) >= _FORGETS_EACH:
                self._forgot_at = books.now
                books.devices.forget_proofs(books.now)
            return books.devices.see_proof(device.id, hashlib.sha256(jti.encode(errors="replace")).hexdigest(), until)


def _named(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise InvalidInput("A device's name has 1 to 100 printable characters.")
    return name


def _people(books: Books, by: str | None, speaks_for: str | None) -> tuple[Household, Member, Member]:
    """Whose home it is, who acts, and whom the device is to speak for."""
    household = books.households.home()
    actor = books.households.member(household.id, by)
    member = actor if speaks_for is None else books.households.member(household.id, speaks_for)
    _must_be_allowed(actor, member.id)
    return household, actor, member


def _speaking(books: Books, of_token: str) -> Presented | None:
    presented = books.devices.of_token(of_token)
    return presented if presented is not None and presented.device.speaks_at(books.now) else None


def _must_be_allowed(actor: Member, member_id: str) -> None:
    if actor.role is not Role.OWNER and actor.id != member_id:
        raise NotAuthorised("Only an owner decides about somebody else's devices.", hint="Nothing was done.")
