"""ORDER: a new purchase on Amazon, from what the person called the things.

Which product is meant is decided from what this household bought before; without that, more than one match is a question, never a guess.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from halo_engine.model.card import Option
from halo_engine.model.intent import Example, Params, VerbSpec
from halo_engine.model.money import Money
from halo_engine.model.value import Value
from halo_engine.vendors.amazon import Offer, PastOrder
from halo_engine.verb import Context, Instruction, Proposal, Question, Refusal
from halo_engine.verbs.fields import Cents, IsoDate, Words
from halo_engine.verbs.purchase import Pick, Purchase, as_payload

#: How far back a purchase tells what a household means by a word.
HISTORY = timedelta(days=365)
_OPTIONS = 3
_WORD = re.compile(r"[a-z0-9]+")


class Item(Value):
    """One thing to buy. `name` keeps what the person called it; `max_price_cents` caps one unit of it."""

    name: Words
    quantity: int = Field(default=1, ge=1, le=999)
    attributes: tuple[Words, ...] = Field(default=(), max_length=20)
    max_price_cents: Cents | None = None


class OrderParams(Params):
    """A new purchase."""

    fields: ClassVar[tuple[str, ...]] = ("items",)

    items: tuple[Item, ...] = Field(default=(), max_length=50)
    budget_cents: Cents | None = None
    deliver_by: IsoDate | None = None
    merchant: Words | None = None

    def missing(self) -> tuple[str, ...]:
        return () if self.items else ("items",)


class Order(Purchase[OrderParams]):
    spec = VerbSpec(
        name="ORDER",
        describes="Buy things on Amazon that the person names.",
        params=OrderParams,
        examples=(
            Example("order 2 packs of AA batteries", {"items": [{"name": "AA batteries", "quantity": 2}]}),
            Example(
                "get paper towels and dish soap under $40",
                {"items": [{"name": "paper towels"}, {"name": "dish soap"}], "budget_cents": 4000},
            ),
            Example("buy a 12 pack of sparkling water", {"items": [{"name": "sparkling water", "attributes": ["12 pack"]}]}),
        ),
    )
    questions: ClassVar = {"items": "What should I order?"}

    def resolve(self, params: OrderParams, context: Context) -> Instruction | Question | Refusal:
        if params.merchant and "amazon" not in params.merchant.casefold():
            return Refusal(reason=f"Halo orders from Amazon only, not from {params.merchant}.")
        address = context.preference.shipping_address
        if address is None:
            return Refusal(reason="There is no delivery address for this household yet.")
        history = context.vendors.amazon.history(since=context.now - HISTORY)
        picks: list[Pick] = []
        for position, item in enumerate(params.items):
            found = context.vendors.amazon.search(_keywords(item), postal_code=address.postal_code)
            choice = choose(item, found, history)
            if isinstance(choice, Refusal):
                return choice
            if isinstance(choice, Offer):
                picks.append(Pick(offer=choice, quantity=item.quantity))
                continue
            return _which(params, position, choice)
        return self.basket(tuple(picks), context)

    def propose(self, params: OrderParams, context: Context) -> Proposal | Question | Refusal:
        proposal = super().propose(params, context)
        if not isinstance(proposal, Proposal):
            return proposal
        if params.budget_cents is not None and proposal.total.cents > params.budget_cents:
            budget = Money(cents=params.budget_cents, currency=proposal.total.currency)
            return Refusal(reason=f"That comes to {proposal.total.display}, more than your {budget.display}.")
        if params.deliver_by:
            warning = f"You asked for it by {params.deliver_by}: compare that with the delivery Amazon states."
            return proposal.model_copy(update={"warnings": (*proposal.warnings, warning)})
        return proposal


def choose(item: Item, found: tuple[Offer, ...], history: tuple[PastOrder, ...]) -> Offer | tuple[Offer, ...] | Refusal:
    """The product that is meant; several where that is not clear; or why there is none."""
    matching = tuple(offer for offer in found if offer.orderable and _covers(offer, item))
    if not matching:
        return Refusal(reason=f"Amazon has no {item.name} that can be ordered at the moment.")
    affordable = tuple(offer for offer in matching if item.max_price_cents is None or offer.unit_price.cents <= item.max_price_cents)
    if not affordable:
        cheapest = min(matching, key=lambda offer: offer.unit_price.cents)
        return Refusal(reason=f"The cheapest {item.name} is {cheapest.title} at {cheapest.unit_price.display}.")
    exact = [offer for offer in affordable if offer.title.casefold() == item.name.casefold()]
    known = [offer for asin in _bought(history) for offer in affordable if offer.asin == asin]
    certain = exact or known or (affordable if len(affordable) == 1 else ())
    return certain[0] if certain else affordable


def _bought(history: tuple[PastOrder, ...]) -> list[str]:
    """Products by when they were last bought, newest first."""
    newest_first = sorted(history, key=lambda order: order.ordered_at, reverse=True)
    return [line.asin for order in newest_first for line in order.lines]


def _which(params: OrderParams, position: int, candidates: tuple[Offer, ...]) -> Question:
    item = params.items[position]
    cheapest = min(candidates, key=lambda offer: offer.unit_price.cents)
    top = list(dict.fromkeys([*candidates[: _OPTIONS - 1], cheapest, *candidates]))[:_OPTIONS]
    options = tuple(
        Option(label=offer.title, reason=_why(offer, offer is cheapest), params=as_payload(_chosen(params, position, offer)))
        for offer in top
    )
    return Question(field="items", question=f"Which {item.name}?", options=options)


def _chosen(params: OrderParams, position: int, offer: Offer) -> OrderParams:
    """The parameters with one item pinned to a product: its exact title finds it again."""
    named = params.items[position].model_copy(update={"name": offer.title, "attributes": ()})
    items = (*params.items[:position], named, *params.items[position + 1 :])
    return params.model_copy(update={"items": items})


def _why(offer: Offer, cheapest: bool) -> str:
    rated = f", rated {offer.rating} by {offer.reviews}" if offer.rating and offer.reviews else ""
    return f"{offer.unit_price.display}{', the cheapest' if cheapest else ''}{rated}"


def _keywords(item: Item) -> str:
    return " ".join((item.name, *item.attributes))


def _covers(offer: Offer, item: Item) -> bool:
    """Whether the product is what the words say: search is fuzzy, and "AA" must not become "AAA"."""
    has = _words(" ".join((offer.title, offer.brand, *offer.features)))
    return _words(item.name) <= has


def _words(text: str) -> frozenset[str]:
    """The words of a text without plural endings."""
    return frozenset(
        _singular(word) for word in _WORD.findall(text.casefold()) if word not in ("of", "the", "a", "an", "for", "and", "with")
    )


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if len(word) > 4 and word.endswith(("ches", "shes", "xes", "sses", "oes")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
