"""REORDER: the last successful order again, or a saved Usual, with the quantities changed where the words say so."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from halo_engine.model.household import Address, Usual, UsualItem
from halo_engine.model.intent import Example, Params, VerbSpec
from halo_engine.model.option import Option
from halo_engine.model.value import Value
from halo_engine.vendors.merchant import Merchant
from halo_engine.verb import Context, Instruction, Question, Refusal
from halo_engine.verbs.fields import Words
from halo_engine.verbs.order import HISTORY
from halo_engine.verbs.purchase import Pick, Purchase, as_payload

#: The verbs whose last execution can be repeated.
_REPEATABLE = ("ORDER", "REORDER")
#: So many items of a Usual are named where one has to be chosen.
_NAMED = 3


class Change(Value):
    """One line of an earlier order, at another quantity; zero leaves it out."""

    name: Words
    quantity: int = Field(ge=0, le=999)


class ReorderParams(Params):
    """The last order, or a saved bundle, again."""

    source: Literal["last", "usual"] = "last"
    bundle: Words | None = None
    changes: tuple[Change, ...] = Field(default=(), max_length=50)


class Wanted(Value):
    """One line of what is bought again: the product, what it is called, how many."""

    asin: str
    name: str
    quantity: int


class Reorder(Purchase[ReorderParams]):
    spec = VerbSpec(
        name="REORDER",
        describes="Buy the household's last order again, or one of its saved bundles (Usuals).",
        params=ReorderParams,
        examples=(
            Example("reorder", {"source": "last"}),
            Example("get the weekly groceries again", {"source": "usual", "bundle": "weekly groceries"}),
            Example("same as last time but 3 paper towels", {"source": "last", "changes": [{"name": "paper towels", "quantity": 3}]}),
        ),
    )
    questions: ClassVar = {}
    # "The usual one" says which.
    may_interrupt: ClassVar = False

    def fill(self, params: ReorderParams, merchant: Merchant, ship_to: Address, context: Context) -> Instruction | Question | Refusal:
        lines = _usual(params, context) if params.source == "usual" else _last(merchant, context)
        if isinstance(lines, Question | Refusal):
            return lines
        wanted = _changed(lines, params.changes)
        if isinstance(wanted, Refusal):
            return wanted
        return self._basket_of(wanted, merchant, ship_to)

    def _basket_of(self, wanted: tuple[Wanted, ...], merchant: Merchant, ship_to: Address) -> Instruction | Refusal:
        if not wanted:
            return Refusal(reason="With those changes there is nothing left to order.")
        offers = merchant.offers([line.asin for line in wanted])
        gone = [line.name for line in wanted if line.asin not in offers or not offers[line.asin].orderable]
        if gone:
            return Refusal(reason=f"{merchant.payee} no longer has: {', '.join(gone)}. Order the rest by name, or change the bundle.")
        return self.basket(tuple(Pick(offer=offers[line.asin], quantity=line.quantity) for line in wanted), merchant, ship_to)


def _last(merchant: Merchant, context: Context) -> tuple[Wanted, ...] | Refusal:
    """The newest order there is: Halo's own, or one made at the merchant's without Halo, whose history may lag behind ours."""
    ours = max((done for verb in _REPEATABLE if (done := context.last_done.get(verb))), key=lambda done: done.finished_at, default=None)
    history = merchant.history(since=context.now - HISTORY)
    theirs = max(history, key=lambda order: order.ordered_at, default=None)
    if ours is not None and (theirs is None or ours.finished_at >= theirs.ordered_at):
        return tuple(Wanted(asin=line.reference, name=line.title, quantity=line.quantity) for line in ours.terms.lines)
    if theirs is None:
        return Refusal(reason="There is no order in the last twelve months to repeat.")
    return tuple(Wanted(asin=line.asin, name=line.title, quantity=line.quantity) for line in theirs.lines)


def _usual(params: ReorderParams, context: Context) -> tuple[Wanted, ...] | Question | Refusal:
    if not context.usuals:
        return Refusal(reason="This household has no Usual saved yet.")
    named = [usual for usual in context.usuals if params.bundle and _same(params.bundle, usual.name)]
    if not named and not params.bundle and len(context.usuals) == 1:
        named = list(context.usuals)
    if len(named) == 1:
        return tuple(Wanted(asin=item.reference, name=item.name, quantity=item.quantity) for item in named[0].items)
    return _which(params, tuple(named) or context.usuals)


def _which(params: ReorderParams, usuals: tuple[Usual, ...]) -> Question:
    options = tuple(
        Option(
            label=usual.name,
            reason=_first_of(usual.items),
            params=as_payload(params.model_copy(update={"source": "usual", "bundle": usual.name})),
        )
        for usual in usuals[:3]
    )
    return Question(field="bundle", question="Which usual?", options=options)


def _first_of(items: tuple[UsualItem, ...]) -> str:
    """Three of them, and how many more there are."""
    named, more = ", ".join(item.name for item in items[:_NAMED]), len(items) - _NAMED
    return f"{named} and {more} more" if more > 0 else named


def _same(said: str, name: str) -> bool:
    mine, theirs = said.casefold().split(), name.casefold().split()
    return mine == theirs or set(mine) <= set(theirs)


def _changed(lines: tuple[Wanted, ...], changes: tuple[Change, ...]) -> tuple[Wanted, ...] | Refusal:
    """The lines with other quantities. What was not in the order is refused: adding things is ORDER's, which finds out what is meant."""
    quantities = {line.asin: line.quantity for line in lines}
    for change in changes:
        hits = [line for line in lines if set(change.name.casefold().split()) & set(line.name.casefold().split())]
        best = max(hits, key=lambda line: _overlap(change.name, line.name), default=None)
        if best is None:
            return Refusal(reason=f"There is no {change.name} in it. It has: {', '.join(line.name for line in lines)}.")
        quantities[best.asin] = change.quantity
    return tuple(line.model_copy(update={"quantity": quantities[line.asin]}) for line in lines if quantities[line.asin])


def _overlap(said: str, name: str) -> int:
    return len(set(said.casefold().split()) & set(name.casefold().split()))
