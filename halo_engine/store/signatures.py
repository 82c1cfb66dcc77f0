"""The signatures of a yes that counted. A nonce is the primary key: the same one does not count again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select
from sqlmodel import col

from halo_engine.model.draft import Draft
from halo_engine.model.household import Member
from halo_engine.model.signing import Signature
from halo_engine.store import tables


class Signatures:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def is_used(self, nonce: str) -> bool:
        """Whether a signature with that nonce has counted."""
        return self._connection.execute(_USED, {"of": nonce}).first() is not None

    def add(self, signature: Signature, draft: Draft, member: Member, *, now: datetime) -> None:
        """Keep the signature of a yes, in the transaction of the yes."""
        signed = {"draft_id": draft.id, "draft_hash": draft.draft_hash, "user_id": member.id, "created_at": now}
        self._connection.execute(_ADD, {**signed, "nonce": signature.nonce, "device_id": signature.device_id, "jws": signature.jws})


_USED = select(col(tables.ConfirmationSignature.draft_id)).where(col(tables.ConfirmationSignature.nonce) == bindparam("of"))
_ADD = insert(tables.ConfirmationSignature)
