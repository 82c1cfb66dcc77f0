"""The card: what a person is shown. Clients draw it and add nothing."""

from __future__ import annotations

from typing import Annotated, Self

from halo_engine.model import card as cards
from server.documents.base import Document, Instant, Money, says
from server.documents.intents import IntentParams
from server.documents.words import Button, CardKind, Verb


class CardLine(Document):
    """A part of the amount: a thing or a charge. A charge has no `quantity`; `detail` says what one of several costs; `amount` is to be shown."""

    quantity: int | None = None
    text: str
    detail: Annotated[str, says("What one of several costs, in words; else empty.")]
    amount: Annotated[str, says("As it is to be shown, such as $45.98.")]


class Fact(Document):
    """A named term in words."""

    label: str
    text: str


class Change(Document):
    """One difference between two versions of the terms. `words` says it as a person would; it is empty where another one says it."""

    field: Annotated[str, says("Which of the terms it is.")]
    before: Annotated[str, says("As it is to be shown; empty where there was nothing.")]
    after: Annotated[str, says("As it is to be shown; empty where there is nothing now.")]
    words: Annotated[str, says("The whole of it in a sentence without a full stop.")]


class CardOption(Document):
    """One answer to a question. Give it by its number, counting from 1, or by its label."""

    label: str
    reason: Annotated[str, says("Why it is offered; may be empty.")]
    params: Annotated[IntentParams, says("What choosing it fills in.")]
    starts: Annotated[Instant | None, says("When it would begin, where it is a time.")] = None


class Card(Document):
    """One card. Lines and rows are shown in order; `warnings`, `policies` and `approval` may never be left out or folded away.

    A card whose buttons have Confirm is confirmed by its `draft_id` and `draft_hash`.
    """

    kind: CardKind
    title: Annotated[str, says("What it says of what: `Draft: Order Batteries`. What stands after the colon is the subject.")]
    summary: Annotated[str, says("One sentence under the title.")]
    verb: Verb | None = None
    lines: Annotated[tuple[CardLine, ...], says("What the cost is made of.")]
    rows: Annotated[tuple[Fact, ...], says("The other terms: when, where, how it is paid.")]
    cost: Annotated[str | None, says("The whole of it, as it is to be shown.")] = None
    maximum: Annotated[Money | None, says("What may be charged at the most after a yes.")] = None
    irreversible: Annotated[bool | None, says("Whether a yes cannot be undone. Only where the card can be confirmed.")] = None
    warnings: Annotated[tuple[str, ...], says("What somebody has to know before a yes.")]
    policies: Annotated[tuple[str, ...], says("The vendor's own conditions, such as how to cancel.")]
    approval: Annotated[tuple[str, ...], says("Who may say yes to it, and who has already, in sentences.")]
    changes: Annotated[tuple[Change, ...], says("What is different from the version that was shown before.")]
    options: Annotated[tuple[CardOption, ...], says("The answers to a question, in order.")]
    buttons: tuple[Button, ...]
    note: Annotated[str | None, says("Small print under the card: until when it stands, what was left out.")] = None
    asked_by: Annotated[str | None, says("Whose words a question is about, by member id: the answer is theirs to give.")] = None
    request_id: Annotated[str | None, says("The cards of one request take each other's place in a thread.")] = None
    draft_id: str | None = None
    draft_hash: Annotated[str | None, says("SHA-256 of the terms that it shows, in hexadecimal. A yes repeats it.")] = None
    revision: Annotated[int | None, says("Which version of the draft it shows, from 1.")] = None
    expires_at: Annotated[Instant | None, says("Until when its terms stand.")] = None
    execution_id: str | None = None
    receipt_id: str | None = None
    link: Annotated[
        str | None,
        says(
            "Where anybody who has this link can read the card, and do nothing: for `MSMessage.url`. Only where the server has a public address."
        ),
    ] = None

    @classmethod
    def of_card(cls, value: cards.Card, link: str | None) -> Self:
        shown = cls.model_validate(value, from_attributes=True)
        can_be_confirmed = cards.Button.CONFIRM in value.buttons
        return shown.model_copy(update={"link": link} if can_be_confirmed else {"link": link, "irreversible": None})
