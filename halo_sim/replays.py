"""Idempotency keys: the first answer under a key is kept and given again, as the vendors that take keys do.

Called by the vendors' writing sides, inside the transaction that makes the effect true.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from halo_sim import faults
from halo_sim.wire import JsonObject, Refusal, Request, Response, write_json
from halo_sim.world import Transaction


@dataclass(frozen=True, slots=True)
class Key:
    """One caller's key. `scope` is whose keys it is among, and what the fault `kept_error` aims at; empty `text` is no key."""

    scope: str
    text: str
    #: Said where the key comes back with another body.
    reused: Refusal
    #: The header that marks a replay; empty where the vendor has none.
    mark: str = ""


def once(tx: Transaction, request: Request, key: Key, *, refuse: Callable[[Refusal], Response], do: Callable[[], JsonObject]) -> Response:
    """The answer of `do`, kept for `key`. The fault `kept_error` lets it fail inside: then that is kept, in the words of `refuse`."""
    body_hash = hashlib.sha256(request.path.encode() + b"\n" + request.body).hexdigest()
    earlier = tx.row("SELECT * FROM replays WHERE scope = ? AND key = ?", key.scope, key.text)
    if earlier is not None and not faults.active(tx, "ignore_keys"):
        if earlier["body_hash"] != body_hash:
            raise key.reused
        return _json(earlier["status"], earlier["answer"], *(((key.mark, "true"),) if key.mark else ()))
    if key.text and faults.take(tx, "kept_error", key.scope):
        answer = refuse(Refusal(500, "server_error", "Something went wrong on our end."))
    else:
        answer = _json(200, write_json(do()))
    if key.text:
        tx.run("INSERT OR REPLACE INTO replays VALUES (?, ?, ?, ?, ?)", key.scope, key.text, body_hash, answer.status, answer.body)
    return answer


def _json(status: int, answer: bytes, *headers: tuple[str, str]) -> Response:
    return Response(status=status, body=answer, headers=(("content-type", "application/json"), *headers))
