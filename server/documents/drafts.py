"""Drafts: what would be done, and what is said to them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Self

from pydantic import Field

from halo_engine.model import card as cards
from halo_engine.model import draft as drafts
from halo_engine.model.draft import DraftStatus as Status
from server.documents.base import Body, Document, Instant, Money, says
from server.documents.cards import Card, Change, Fact
from server.documents.intents import IntentParams
from server.documents.words import SUPERSEDED, CardKind, DraftAction, DraftStatus, FieldKind, Verb


class CreateDraft(Body):
    """What somebody asks for; `answers` is the request whose question these words answer, `channel` where they were said."""

    text: str
    answers: Annotated[str | None, says("The `request_id` of the question that these words answer.")] = None
    channel: str = Field(default="http", pattern=r"^[a-z][a-z_-]{0,19}$", description="Where they were said, for the log.")


class ModifyDraft(Body):
    """What should be different: in words, or by the fields of the draft's form. One of the two."""

    draft_id: str
    text: str | None = None
    values: dict[str, str] | None = Field(
        default=None, max_length=100, description="New values, as text, by the names of the form's fields."
    )


class ConfirmDraft(Body):
    """A yes to exactly the terms with that hash; where the household wants it signed, with a compact JWS over the draft's signing object."""

    draft_id: str
    draft_hash: Annotated[str, says("As the card has it that was shown.")]
    signature: Annotated[str | None, says("A compact JWS (ES256) over what `getSigningObject` gave.")] = None


class CancelDraft(Body):
    """A no."""

    draft_id: str


class TermsLine(Document):
    """One thing to be had: how many of what, at what price. `reference` is the vendor's own name for it."""

    title: str
    quantity: int
    unit_price: Money
    reference: str


class TermsCharge(Document):
    """A part of the total beside the lines: shipping, tax, a deposit."""

    label: str
    amount: Money


class Terms(Document):
    """The material terms, to be shown. The bytes that the hash is taken over are another matter: they have `instruction` in them, too."""

    purpose: Annotated[str, says("What the hash is of, in every home: it can be taken for no other hash.")]
    household_id: str
    draft_id: str
    revision: Annotated[int, says("Which version of the draft this is, from 1.")]
    verb: Verb
    title: str
    summary: str
    vendor: Annotated[str, says("Who is asked to do it, by Halo's name for them.")]
    payee: Annotated[str, says("Who gets the money, as a person knows them.")]
    lines: tuple[TermsLine, ...]
    charges: tuple[TermsCharge, ...]
    total: Money
    maximum: Money
    payment_method: Annotated[str | None, says("In its masked form.")] = None
    fulfilment: Annotated[tuple[Fact, ...], says("When, where and to whom.")]
    policies: Annotated[tuple[str, ...], says("The vendor's own conditions.")]
    warnings: tuple[str, ...]
    irreversible: Annotated[bool, says("Whether it cannot be undone once it was done.")]
    expires_at: Annotated[Instant, says("Until when the terms stand.")]
    nonce: Annotated[str, says("Random, so that the same terms never have the same hash twice.")]


class Draft(Document):
    """The draft as it stands. `maximum` is what a yes allows to be charged at the most; `actions` is empty once nothing can be done with it."""

    id: str
    request_id: str
    status: DraftStatus
    verb: Verb
    revision: Annotated[int, says("Which version this is, from 1.")]
    draft_hash: Annotated[str, says("SHA-256 of the terms, in hexadecimal. A yes repeats it.")]
    title: str
    summary: str
    vendor: str
    estimated_cost: Money
    maximum: Money
    payment_method_masked: str | None = None
    warnings: tuple[str, ...]
    actions: tuple[DraftAction, ...]
    created_at: Instant
    expires_at: Instant
    terms: Terms
    params: IntentParams
    revises: Annotated[str | None, says("The draft that was confirmed and could not be had on its terms: this one takes its place.")] = None
    changes: Annotated[tuple[Change, ...], says("What is different from the version before.")]
    remainder: Annotated[str | None, says("A second request in the same words, which was left for later.")] = None

    @classmethod
    def of(cls, value: drafts.Draft) -> Self:
        terms = value.terms
        return cls(
            id=value.id,
            request_id=value.request_id,
            status=value.status,
            verb=terms.verb,
            revision=terms.revision,
            draft_hash=value.draft_hash,
            title=value.title,
            summary=terms.summary,
            vendor=terms.vendor,
            estimated_cost=Money.of(terms.total),
            maximum=Money.of(terms.maximum),
            payment_method_masked=terms.payment_method,
            warnings=terms.warnings,
            actions=value.actions if value.status is Status.OPEN else (),
            created_at=value.created_at,
            expires_at=terms.expires_at,
            terms=Terms.of(terms),
            params=IntentParams.model_validate(value.payload.get("params", {})),
            revises=value.revises,
            changes=tuple(map(Change.of, value.changes)),
            remainder=value.remainder,
        )


class CardAnswer(Document):
    """What came of words or of an act: the card to show and, where it shows a draft, that draft."""

    request_id: str | None = None
    kind: CardKind
    draft_id: str | None = None
    draft_hash: str | None = None
    card: Card
    draft: Draft | None = None

    @classmethod
    def of_card(cls, shown: cards.Card, link: str | None, contract: drafts.Draft | None) -> Self:
        return cls(
            request_id=shown.request_id,
            kind=shown.kind,
            draft_id=shown.draft_id,
            draft_hash=shown.draft_hash,
            card=Card.of_card(shown, link),
            draft=Draft.of(contract) if contract else None,
        )


class RevisionList(Document):
    """Every version of a draft that was shown, oldest first. All but the last are `superseded`."""

    revisions: tuple[Draft, ...]

    @classmethod
    def of_draft(cls, value: drafts.Draft, versions: Iterable[drafts.Draft]) -> Self:
        """`value` is the draft as it stands: the books keep a status of the draft, and none of its versions."""
        over = {"status": SUPERSEDED, "actions": ()}
        earlier = (Draft.of(each).model_copy(update=over) for each in versions if each.revision < value.revision)
        return cls(revisions=(*earlier, Draft.of(value)))


class FormField(Document):
    """One thing that can be changed without words. `value` is what stands now, as text; empty text takes a value away."""

    name: Annotated[str, says("What `modifyDraft` calls it.")]
    label: Annotated[str, says("What a person calls it.")]
    kind: FieldKind
    value: str
    choices: Annotated[tuple[str, ...], says("What it can be; empty where it is anything of its kind.")]


class DraftForm(Document):
    """What can be changed in a draft without words."""

    fields: tuple[FormField, ...]
