"""Receipts: written in the transaction that records the effect, so that neither is ever there without the other."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, insert, select
from sqlmodel import col

from halo_engine.model.receipt import Receipt
from halo_engine.store import tables
from halo_engine.store.values import receipt_value


class Receipts:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, receipt: Receipt) -> None:
        self._connection.execute(insert(tables.ReceiptArtifact), receipt.model_dump())

    def of_execution(self, execution_id: str) -> Receipt | None:
        row = self._connection.execute(_OF_EXECUTION, {"of": execution_id}).mappings().first()
        return receipt_value(row) if row else None


_OF_EXECUTION = (
    select(*tables.columns_of(tables.ReceiptArtifact))
    .where(col(tables.ReceiptArtifact.execution_id) == bindparam("of"))
    .order_by(col(tables.ReceiptArtifact.id))
)
