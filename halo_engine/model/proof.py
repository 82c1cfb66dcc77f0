"""The proof of one receipt: a file with which a third person, who has nothing else, checks what was confirmed and what was done.

It holds the events of one trip through the gate, each with its place in the signed log, the terms whose hash was confirmed, and the receipt. How it
is checked stands in `docs/verify_receipt.py`, in a form that needs nothing of Halo.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from halo_engine.model.canonical import canonical_json
from halo_engine.model.event import Event
from halo_engine.model.note import to_base64
from halo_engine.model.value import Value

#: What has an effect, and so a receipt.
EFFECTS = ("execution.done", "execution.partial")


class EventProof(Value):
    """One event: the text of its leaf, its index from 0, and the path from there to the root (RFC 6962), in base64."""

    index: int = Field(ge=0)
    leaf: str
    path: tuple[str, ...]

    @classmethod
    def of(cls, event: Event, path: Sequence[bytes]) -> EventProof:
        return cls(index=event.seq - 1, leaf=event.leaf().decode(), path=tuple(map(to_base64, path)))


class ReceiptProof(Value):
    """The whole of it. `terms` is the canonical JSON whose SHA-256 is the draft hash, `receipt` the receipt's text, `key` the signer's."""

    format: Literal["halo/receipt-proof/v1"] = "halo/receipt-proof/v1"
    checkpoint: str
    key: str
    #: In the order in which they happened.
    events: tuple[EventProof, ...]
    terms: str
    receipt: str

    @property
    def text(self) -> str:
        """The file: canonical JSON and a newline, so that there is one way to write it."""
        return f"{canonical_json(self.model_dump(mode='json')).decode()}\n"


def gate(events: Sequence[Event], *, draft_id: str, draft_hash: str, execution_id: str) -> tuple[Event, ...]:
    """Those of `events` that prove one execution: its terms were shown, confirmed, sent, done, and its receipt kept. In the order of the log."""
    return tuple(event for event in events if _is_of_the_gate(event, draft_id, draft_hash, execution_id))


def _is_of_the_gate(event: Event, draft_id: str, draft_hash: str, execution_id: str) -> bool:
    match event.event_type:
        case "draft.created" | "draft.revised" | "draft.confirmed":
            return event.entity_id == draft_id and event.payload.get("draft_hash") == draft_hash
        case "execution.submitting" | "execution.done" | "execution.partial":
            return event.entity_id == execution_id
        case "receipt.stored":
            return bool(event.payload.get("execution_id") == execution_id)
        case _:
            return False


def is_whole(events: Sequence[Event]) -> bool:
    """Whether these tell the whole story: shown, confirmed, sent (again, where the vendor had lost it), done, and the receipt kept."""
    match [event.event_type for event in events]:
        case ["draft.created" | "draft.revised", "draft.confirmed", *sent, done, "receipt.stored"]:
            return set(sent) == {"execution.submitting"} and done in EFFECTS
        case _:
            return False


def discloses(proof: ReceiptProof, *, names: Sequence[str]) -> tuple[str, ...]:
    """What whoever is given the proof gets to know, in sentences. `names` are the members': which of them stand in it is looked for."""
    terms = json.loads(proof.terms)
    facts = [fact["label"].lower() for fact in terms["fulfilment"]]
    told = sorted(_fields(terms["instruction"]))
    whole = proof.text
    known = [name for name in names if json.dumps(name, ensure_ascii=False)[1:-1] in whole]
    return (
        f"what was confirmed: {terms['title']}, with each line, charge and policy, from {terms['payee']}",
        f"how it was paid: {terms['payment_method'] or 'not at all'}",
        *([f"how it was to be fulfilled: {', '.join(facts)}"] if facts else []),
        *([f"what the vendor was asked for, word for word: {', '.join(told)}"] if told else []),
        "the receipt, word for word",
        "when it was shown, confirmed, sent and done, and the ids of who asked and who confirmed",
        *([f"names of members: {', '.join(known)}"] if known else []),
        "how many events the log has, and nothing of the others",
    )


def _fields(value: Any) -> set[str]:
    """The names of the fields inside, at any depth."""
    if isinstance(value, dict):
        inner = {name for name, each in value.items() if not isinstance(each, dict | list)}
        return inner.union(*map(_fields, value.values()))
    return set().union(*map(_fields, value)) if isinstance(value, list) else set()
