"""Devices, found by the hash of their token; the codes with which they enrol; and the proofs they have shown."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, literal, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from halo_engine.model.device import Device, Enrolment, Presented
from halo_engine.model.errors import NotFound
from halo_engine.model.ids import can_be_looked_up
from halo_engine.store import tables
from halo_engine.store.values import device_value, enrolment_value


class Devices:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, device: Device, *, token_sha256: str) -> None:
        """Add it, with what is kept of its token."""
        self._connection.execute(insert(tables.Device), {**device.model_dump(), "token_sha256": token_sha256})

    def get(self, household_id: str, device_id: str) -> Device:
        """Raises `NotFound` for an id that is not this household's."""
        row = self._connection.execute(_BY_ID, {"of": device_id}).mappings().first() if can_be_looked_up(device_id) else None
        if row is None or row["household_id"] != household_id:
            raise NotFound("There is no such device in this household.", hint="List them with: halo devices list")
        return device_value(row)

    def all(self, household_id: str) -> tuple[Device, ...]:
        """Every device of a household, in the order they came."""
        return tuple(device_value(row) for row in self._connection.execute(_ALL, {"of": household_id}).mappings())

    def of_token(self, token_sha256: str) -> Presented | None:
        """The device with that token, whether or not it may still call."""
        row = self._connection.execute(_BY_TOKEN, {"of": token_sha256}).mappings().first()
        if row is None:
            return None
        is_next = row["token_sha256"] != token_sha256
        device = device_value(row)
        device = device.model_copy(update={"expires_at": row["next_expires_at"]}) if is_next else device
        return Presented(device=device, token_sha256=token_sha256, is_next=is_next)

    def give_next(self, presented: Presented, *, token_sha256: str, expires_at: datetime, now: datetime) -> bool:
        """Another token, beside the one it has; whether what it presented still is that one. Of two that were never used the later counts."""
        values = {"next_token_sha256": token_sha256, "next_expires_at": expires_at}
        values |= {"of": presented.device.id, "presented": presented.token_sha256, "now": now}
        return self._connection.execute(_GIVE, values).rowcount == 1

    def take_next(self, device: Device, *, token_sha256: str) -> bool:
        """The token given last takes the place of the one before; whether this call did it."""
        return self._connection.execute(_TAKE, {"of": device.id, "token": token_sha256}).rowcount == 1

    def revoke(self, device: Device, at: datetime) -> Device:
        """It may not call from `at` on; of two who revoke it, the first one's time stands."""
        self._connection.execute(_REVOKE, {"of": device.id, "revoked_at": at})
        return self.get(device.household_id, device.id)

    # Enrolments

    def open_enrolment(self, enrolment: Enrolment, *, code_sha256: str) -> None:
        """Keep it, with what is kept of its code."""
        self._connection.execute(insert(tables.DeviceEnrolment), {**enrolment.model_dump(), "code_sha256": code_sha256})

    def enrolment(self, household_id: str, enrolment_id: str) -> Enrolment:
        """Raises `NotFound` for an id that is not this household's."""
        row = self._connection.execute(_ENROLMENT, {"of": enrolment_id}).mappings().first() if can_be_looked_up(enrolment_id) else None
        if row is None or row["household_id"] != household_id:
            raise NotFound("There is no such device in this household.", hint="List them with: halo devices list")
        return enrolment_value(row)

    def waiting(self, household_id: str) -> tuple[Enrolment, ...]:
        """The codes of a household that nobody has used, and nobody has taken back."""
        return tuple(enrolment_value(row) for row in self._connection.execute(_WAIT, {"of": household_id}).mappings())

    def of_code(self, code_sha256: str) -> Enrolment | None:
        """The enrolment with that code, in whichever household."""
        row = self._connection.execute(_BY_CODE, {"of": code_sha256}).mappings().first()
        return enrolment_value(row) if row else None

    def use_enrolment(self, enrolment: Enrolment, device_id: str, at: datetime) -> bool:
        """Whether this call was the one that used it."""
        return self._connection.execute(_USE, {"of": enrolment.id, "used_at": at, "device_id": device_id}).rowcount == 1

    def revoke_enrolment(self, enrolment: Enrolment, at: datetime) -> bool:
        """Whether it still waited and this call ended it."""
        return self._connection.execute(_END, {"of": enrolment.id, "revoked_at": at}).rowcount == 1

    # Proofs

    def see_proof(self, device_id: str, jti_sha256: str, until: datetime) -> bool:
        """Whether the device had never shown it. It is remembered `until` it would be too old anyway."""
        row = {"device_id": device_id, "jti_sha256": jti_sha256, "expires_at": until}
        insert_one = postgresql.insert if self._connection.dialect.name == "postgresql" else sqlite.insert
        seen = insert_one(tables.SeenProof).values(row).on_conflict_do_nothing().returning(col(tables.SeenProof.jti_sha256))
        return self._connection.execute(seen).first() is not None

    def forget_proofs(self, now: datetime) -> None:
        """Those that are too old to be shown again."""
        self._connection.execute(_FORGET, {"now": now})


# Bound as `of`: a parameter with a column's name is a column to set.
_DEVICE = select(*tables.columns_of(tables.Device))
_BY_ID = _DEVICE.where(col(tables.Device.id) == bindparam("of"))
_ALL = _DEVICE.where(col(tables.Device.household_id) == bindparam("of")).order_by(col(tables.Device.id))
_BY_TOKEN = _DEVICE.where(or_(col(tables.Device.token_sha256) == bindparam("of"), col(tables.Device.next_token_sha256) == bindparam("of")))
_UNREVOKED = update(tables.Device).where(col(tables.Device.id) == bindparam("of"), col(tables.Device.revoked_at).is_(None))
_REVOKE = _UNREVOKED
_GIVE = _UNREVOKED.where(col(tables.Device.token_sha256) == bindparam("presented"), col(tables.Device.expires_at) > bindparam("now"))
_TAKE = _UNREVOKED.where(col(tables.Device.next_token_sha256) == bindparam("token")).values(
    token_sha256=col(tables.Device.next_token_sha256),
    expires_at=col(tables.Device.next_expires_at),
    next_token_sha256=literal(None),
    next_expires_at=literal(None),
)
_ENROLMENTS = select(*tables.columns_of(tables.DeviceEnrolment))
_ENROLMENT = _ENROLMENTS.where(col(tables.DeviceEnrolment.id) == bindparam("of"))
_WAIT = _ENROLMENTS.where(
    col(tables.DeviceEnrolment.household_id) == bindparam("of"),
    col(tables.DeviceEnrolment.used_at).is_(None),
    col(tables.DeviceEnrolment.revoked_at).is_(None),
)
_BY_CODE = _ENROLMENTS.where(col(tables.DeviceEnrolment.code_sha256) == bindparam("of"))
_WAITING = update(tables.DeviceEnrolment).where(
    col(tables.DeviceEnrolment.id) == bindparam("of"),
    col(tables.DeviceEnrolment.used_at).is_(None),
    col(tables.DeviceEnrolment.revoked_at).is_(None),
)
_USE = _END = _WAITING
_FORGET = delete(tables.SeenProof).where(col(tables.SeenProof.expires_at) < bindparam("now"))
