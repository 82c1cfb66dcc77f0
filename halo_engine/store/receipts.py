"""Receipts: written in the transaction that records the effect, so that neither is ever there without the other."""

from __future__ import annotations

from sqlalchemy import insert
from sqlmodel import Session, col, select

from halo_engine.model.receipt import Receipt
from halo_engine.store import tables
from halo_engine.store.values import receipt_value


class Receipts:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, receipt: Receipt) -> None:
        self._session.connection().execute(insert(tables.ReceiptArtifact), receipt.model_dump())

    def of_execution(self, execution_id: str) -> Receipt | None:
        of_execution = select(tables.ReceiptArtifact).where(tables.ReceiptArtifact.execution_id == execution_id)
        row = self._session.exec(of_execution.order_by(col(tables.ReceiptArtifact.id))).first()
        return receipt_value(row.model_dump()) if row else None
