"""What was said to vendors while an execution was carried out. Written in the transaction that ends the attempt, after it; never changed, but
erased with the words that the execution came of."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, delete, insert, select
from sqlmodel import col

from halo_engine.model.exchange import Exchange
from halo_engine.store import tables
from halo_engine.store.values import exchange_value


class Exchanges:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, execution_id: str, attempt_id: str, said: Sequence[Exchange]) -> None:
        """Nothing where nothing was said. The texts are such that no database refuses them (`model.redaction`): an attempt must not fail by them."""
        if said:
            belongs = {"execution_id": execution_id, "attempt_id": attempt_id}
            self._connection.execute(_ADD, [{**each.model_dump(), **belongs} for each in said])

    def of_execution(self, execution_id: str) -> tuple[Exchange, ...]:
        """In the order in which they were said."""
        return tuple(exchange_value(row) for row in self._connection.execute(_OF_EXECUTION, {"of": execution_id}).mappings())

    def erase(self, request_id: str) -> int:
        """Forget what was said because of a request; how many calls that were."""
        return int(self._connection.execute(_ERASE, {"of": request_id}).rowcount)


_ADD = insert(tables.VendorExchange)
_OF_EXECUTION = (
    select(*tables.columns_of(tables.VendorExchange))
    .where(col(tables.VendorExchange.execution_id) == bindparam("of"))
    # Identifiers sort by time; the times themselves may be those of a clock that was set back.
    .order_by(col(tables.VendorExchange.id))
)
_ERASE = delete(tables.VendorExchange).where(
    col(tables.VendorExchange.execution_id).in_(
        select(col(tables.Execution.id))
        .join(tables.Draft, col(tables.Draft.id) == col(tables.Execution.draft_id))
        .where(col(tables.Draft.execution_request_id) == bindparam("of"))
    )
)
