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
from halo_engine.vendors.merchant import Merchant, Offer, PastOrder
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

    def fill(self, params: OrderParams, merchant: Merchant, context: Context) -> Instruction | Question | Refusal:
        if params.merchant and not any(known in params.merchant.casefold() for known in ("amazon", merchant.name)):
            return Refusal(reason=f"Halo orders from {merchant.payee} only, not from {params.merchant}.")
        address = context.preference.shipping_address
        if address is None:
            return Refusal(reason="There is no delivery address for this household yet.")
        history = merchant.history(since=context.now - HISTORY)
        picks: list[Pick] = []
        for position, item in enumerate(params.items):
            found = merchant.search(_keywords(item), postal_code=address.postal_code)
            choice = choose(item, found, history, seller=merchant.payee)
            if isinstance(choice, Refusal):
                return choice
            if isinstance(choice, Offer):
                picks.append(Pick(offer=choice, quantity=item.quantity))
                continue
            return _which(params, position, choice)
        basket = self.basket(tuple(picks), merchant, context)
        return basket if isinstance(basket, Refusal) or not params.deliver_by else {**basket, "deliver_by": params.deliver_by}

    def propose(self, params: OrderParams, context: Context) -> Proposal | Question | Refusal:
        proposal = super().propose(params, context)
        if not isinstance(proposal, Proposal):
            return proposal
        if params.budget_cents is not None and proposal.at_most.cents > params.budget_cents:
            budget = Money(cents=params.budget_cents, currency=proposal.total.currency)
            comes = "comes" if proposal.maximum is None else "may come"
            return Refusal(reason=f"That {comes} to {proposal.at_most.display}, more than your {budget.display}.")
        return proposal


def choose(item: Item, found: tuple[Offer, ...], history: tuple[PastOrder, ...], *, seller: str) -> Offer | tuple[Offer, ...] | Refusal:
    """The product that is meant; several where that is not clear; or why there is none."""
    matching = tuple(offer for offer in found if offer.orderable and _covers(offer, item))
    if not matching:
        return Refusal(reason=f"{seller} has no {item.name} that can be ordered at the moment.")
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
