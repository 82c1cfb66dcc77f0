"""Devices, found by the hash of their token."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlmodel import col

from halo_engine.model.device import Device
from halo_engine.model.errors import NotFound
from halo_engine.model.ids import can_be_looked_up
from halo_engine.store import tables
from halo_engine.store.values import device_value


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

    def of_token(self, token_sha256: str) -> Device | None:
        """The device with that token, whether or not it may still call."""
        row = self._connection.execute(_BY_TOKEN, {"of": token_sha256}).mappings().first()
        return device_value(row) if row else None

    def revoke(self, device: Device, at: datetime) -> Device:
        """It may not call from `at` on; of two who revoke it, the first one's time stands."""
        self._connection.execute(_REVOKE, {"of": device.id, "revoked_at": at})
        return self.get(device.household_id, device.id)


_BY_ID = select(*tables.columns_of(tables.Device)).where(col(tables.Device.id) == bindparam("of"))
_BY_TOKEN = select(*tables.columns_of(tables.Device)).where(col(tables.Device.token_sha256) == bindparam("of"))
_REVOKE = update(tables.Device).where(col(tables.Device.id) == bindparam("of"), col(tables.Device.revoked_at).is_(None))
