"""ORDER: a new purchase on Amazon, from what the person called the things.

Which product is meant is decided from what this household bought before; without that, more than one match is a question, never a guess.
So it is where nothing for sale has a detail that was said ("size 2"), and where the household lately bought another product than it mostly does.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime, timedelta
from functools import lru_cache
from typing import ClassVar

from pydantic import Field

from halo_engine.model.household import Address
from halo_engine.model.intent import Example, Params, VerbSpec
from halo_engine.model.money import Money
from halo_engine.model.option import Option
from halo_engine.model.value import Value
from halo_engine.vendors.merchant import Merchant, Offer, PastOrder
from halo_engine.verb import Context, Instruction, Proposal, Question, Refusal
from halo_engine.verbs.fields import Cents, IsoDate, Words
from halo_engine.verbs.purchase import Pick, Purchase, as_payload

#: How far back a purchase tells what a household means by a word.
HISTORY = timedelta(days=365)
_OPTIONS = 3
_WORD = re.compile(r"[a-z0-9]+")
#: Words that only say that a number before them is a pack's.
_PACKS = frozenset(("pack", "count", "ct", "pk", "pc", "piece", "box", "kind", "one", "version", "type"))


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

    def fill(self, params: OrderParams, merchant: Merchant, ship_to: Address, context: Context) -> Instruction | Question | Refusal:
        if params.merchant and not any(known in params.merchant.casefold() for known in ("amazon", merchant.name)):
            return Refusal(reason=f"Halo orders from {merchant.payee} only, not from {params.merchant}.")
        history = merchant.history(since=context.now - HISTORY)
        picks: list[Pick] = []
        for position, item in enumerate(params.items):
            found = merchant.search(_keywords(item), postal_code=ship_to.postal_code)
            match choose(item, found, history, seller=merchant.payee):
                case Offer() as offer:
                    picks.append(Pick(offer=offer, quantity=item.quantity))
                case Refusal() as refusal:
                    return refusal
                case candidates:
                    return _which(params, position, candidates, history)
        basket = self.basket(tuple(picks), merchant, ship_to)
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
    if exact:
        return exact[0]
    fitting = tuple(offer for offer in affordable if _has_details(offer, item))
    if not fitting:
        return affordable
    return _habit(fitting, history) or (fitting[0] if len(fitting) == 1 else fitting)


def _habit(offers: tuple[Offer, ...], history: tuple[PastOrder, ...]) -> Offer | tuple[Offer, ...] | None:
    """What this household buys of these: what it bought last, if nothing else more often; several where that is not one; None without a history."""
    often = Counter(_bought(history))
    known = [offer for asin in dict.fromkeys(_bought(history)) for offer in offers if offer.asin == asin]
    if not known:
        return None
    last = known[0]
    return last if all(often[last.asin] >= often[other.asin] for other in known) else tuple(known)


def _bought(history: tuple[PastOrder, ...]) -> list[str]:
    """Products by when they were bought, newest first, each as often as it was."""
    newest_first = sorted(history, key=lambda order: order.ordered_at, reverse=True)
    return [line.asin for order in newest_first for line in order.lines]


def _which(params: OrderParams, position: int, candidates: tuple[Offer, ...], history: tuple[PastOrder, ...]) -> Question:
    """At most three: what was bought before, newest first; then by price, the best matches and the cheapest."""
    item = params.items[position]
    bought = list(dict.fromkeys(_bought(history)))
    known = sorted((offer for offer in candidates if offer.asin in bought), key=lambda offer: bought.index(offer.asin))
    cheapest = min(candidates, key=lambda offer: offer.unit_price.cents)
    best = list(dict.fromkeys([*known, *candidates[: _OPTIONS - 1], cheapest, *candidates]))[:_OPTIONS]
    others = sorted((offer for offer in best if offer not in known), key=lambda offer: offer.unit_price.cents)
    options = tuple(
        Option(
            label=offer.title,
            reason=_why(offer, offer is cheapest, _times_bought(offer, history)),
            params=as_payload(_chosen(params, position, offer)),
        )
        for offer in [*(offer for offer in known if offer in best), *others]
    )
    lacks = "" if any(_has_details(offer, item) for offer in candidates) else f" None is said to be {', '.join(item.attributes)}."
    return Question(field="items", question=f"Which {item.name}?{lacks}", options=options)


def _times_bought(offer: Offer, history: tuple[PastOrder, ...]) -> list[datetime]:
    """When the household ordered it, newest first."""
    return sorted((order.ordered_at for order in history for line in order.lines if line.asin == offer.asin), reverse=True)


def _chosen(params: OrderParams, position: int, offer: Offer) -> OrderParams:
    """The parameters with one item pinned to a product: its exact title finds it again."""
    named = params.items[position].model_copy(update={"name": offer.title, "attributes": ()})
    items = (*params.items[:position], named, *params.items[position + 1 :])
    return params.model_copy(update={"items": items})


def _why(offer: Offer, cheapest: bool, bought: list[datetime]) -> str:
    before = f"you bought it {_often(len(bought))} in a year, last on {bought[0].day} {bought[0]:%b}, " if bought else ""
    rated = f", rated {offer.rating} by {offer.reviews}" if offer.rating and offer.reviews else ""
    return f"{before}{offer.unit_price.display}{', the cheapest' if cheapest else ''}{rated}"


def _often(times: int) -> str:
    return {1: "once", 2: "twice"}.get(times, f"{times} times")


def _keywords(item: Item) -> str:
    return " ".join((item.name, *item.attributes))


def _covers(offer: Offer, item: Item) -> bool:
    """Whether the product is what the words say: search is fuzzy, and "AA" must not become "AAA"."""
    has = _words(" ".join((offer.title, offer.brand, *offer.features)))
    return _words(item.name) <= has


def _has_details(offer: Offer, item: Item) -> bool:
    """Whether it is said to have what was asked for beside the name: "size 4", "12 pack" in whatever words the pack is counted."""
    has = _words(" ".join((offer.title, offer.brand, *offer.features)))
    return _words(" ".join(item.attributes)) - _PACKS <= has


@lru_cache(maxsize=1024)
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
