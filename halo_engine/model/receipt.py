"""What proves an effect, kept for good."""

from __future__ import annotations

from pydantic import AwareDatetime

from halo_engine.model.draft import Draft, iso_utc
from halo_engine.model.execution import Execution
from halo_engine.model.outcome import Done, Partial
from halo_engine.model.value import Value


class Receipt(Value):
    """The artefact of one finished execution. `content_text` is complete by itself; `external_reference_id` is the vendor's own number."""

    id: str
    execution_id: str
    type: str
    content_text: str
    external_reference_id: str | None
    created_at: AwareDatetime


def receipt_text(draft: Draft, execution: Execution, outcome: Done | Partial) -> str:
    """The receipt in plain lines: what was confirmed, what the vendor said, and the hash that ties the two."""
    terms = draft.terms
    lines = [draft.terms.title, draft.summary, ""]
    lines += [f"{line.quantity} × {line.title} at {line.unit_price.display}" for line in terms.lines]
    lines += [f"{charge.label}: {charge.amount.display}" for charge in terms.charges]
    lines += [f"confirmed: {terms.total.display}, at most {terms.maximum.display}"]
    lines += [f"charged: {outcome.total.display}" if outcome.total else "charged: nothing"]
    lines += [f"{fact.label}: {fact.text}" for fact in terms.fulfilment]
    if isinstance(outcome, Partial):
        lines += [f"not done: {left}" for left in outcome.not_done]
    lines += ["", f"{terms.payee} says", f"reference: {outcome.reference}"]
    lines += [f"{artifact.label.lower()}: {artifact.text}" for artifact in outcome.artifacts if artifact.text != outcome.reference]
    lines += ["", f"execution: {execution.id}", f"draft hash: {draft.draft_hash}"]
    lines += [f"finished: {iso_utc(execution.finished_at)}"] if execution.finished_at else []
    return "\n".join(lines) + "\n"
