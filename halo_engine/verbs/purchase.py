"""What ORDER and REORDER share: from chosen products on, buying is the same whatever words led to it, and at whichever merchant.

A new basket is filled at the merchant that the household prefers; from then on the instruction and the terms name it, so that a preference that is
changed meanwhile sends nobody to look for an order at the wrong place. The merchant is given the confirmed amounts as ceilings, so that it refuses
by itself what would cost more. None takes a finished order back, which is why every purchase is irreversible here.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from halo_engine.model.draft import Charge, Fact, Line, Terms
from halo_engine.model.household import Address
from halo_engine.model.money import Money
from halo_engine.model.outcome import Found, Outcome, Rejected
from halo_engine.model.value import Value
from halo_engine.vendors.merchant import Merchant, Offer, OrderLine, Quote, QuotedLine
from halo_engine.verb import Context, Instruction, P, Proposal, Question, Refusal, Verb


class Pick(Value):
    """A product that was chosen, and how many of it."""

    offer: Offer
    quantity: int


class Purchase(Verb[P]):
    """A verb that ends in an order at a merchant."""

    @abstractmethod
    def fill(self, params: P, merchant: Merchant, ship_to: Address, context: Context) -> Instruction | Question | Refusal:
        """The basket that the words mean at `merchant`, for `ship_to`."""

    def resolve(self, params: P, context: Context) -> Instruction | Question | Refusal:
        preferred, merchants = context.preference.default_merchant, context.vendors.merchants
        if preferred not in merchants:
            return Refusal(reason=f"Halo cannot buy at “{preferred}”, which this household prefers. It knows {' and '.join(merchants)}.")
        ship_to = context.preference.shipping_address
        if ship_to is None:
            return Refusal(reason="There is no delivery address for this household yet.")
        return self.fill(params, merchants[preferred], ship_to, context)

    def basket(self, picks: tuple[Pick, ...], merchant: Merchant, ship_to: Address) -> Instruction | Refusal:
        """The instruction for `picks`."""
        for pick in picks:
            if pick.quantity > pick.offer.max_quantity:
                return Refusal(reason=f"{merchant.payee} sells at most {pick.offer.max_quantity} of {pick.offer.title} at once.")
        lines = [{"asin": pick.offer.asin, "offer_id": pick.offer.offer_id, "quantity": pick.quantity} for pick in picks]
        return {"merchant": merchant.name, "lines": lines, "ship_to": ship_to.model_dump(mode="json", exclude_none=True)}

    def quote(self, instruction: Instruction, context: Context) -> Proposal | Refusal:
        merchant = context.vendors.merchant(instruction["merchant"])
        offers = merchant.offers([line["asin"] for line in instruction["lines"]])
        for line in instruction["lines"]:
            offer = offers.get(line["asin"])
            if offer is None or not offer.orderable:
                return Refusal(reason=f"{offer.title if offer else line['asin']} cannot be ordered at the moment.")
        wanted = [
            OrderLine(asin=line["asin"], offer_id=line["offer_id"], quantity=line["quantity"], unit_price=offers[line["asin"]].unit_price)
            for line in instruction["lines"]
        ]
        ship_to = Address.model_validate(instruction["ship_to"])
        quote = merchant.quote(wanted, ship_to=ship_to, quote_id=f"halo-quote-{context.now:%Y%m%d%H%M%S%f}")
        if isinstance(quote, Rejected):
            return Refusal(reason=quote.message)
        return self._proposal(instruction, merchant, offers, quote, context)

    def _proposal(
        self, instruction: Instruction, merchant: Merchant, offers: Mapping[str, Offer], quote: Quote, context: Context
    ) -> Proposal:
        lines = tuple(
            Line(title=offers[line.asin].title, quantity=line.quantity, unit_price=line.unit_price, reference=line.asin)
            for line in quote.lines
        )
        return Proposal(
            verb=self.spec.name,
            title=f"{self.spec.name.capitalize()} {_named(lines)}",
            summary=f"{_counted(lines)} from {merchant.payee}{f', arriving {quote.delivery}' if quote.delivery else ''}",
            vendor=merchant.name,
            payee=merchant.payee,
            lines=lines,
            charges=_charges(quote),
            total=quote.total,
            maximum=quote.maximum,
            payment_method=context.preference.payment_method_masked,
            fulfilment=_fulfilment(quote, Address.model_validate(instruction["ship_to"])),
            warnings=(*merchant.warnings, *_wishes(instruction)),
            irreversible=True,
            instruction=dict(instruction),
        )

    def commit(self, terms: Terms, fresh: Proposal, *, key: str, context: Context) -> Outcome:
        # Everything from the terms, so that a repeat under the same key is the same request to the byte.
        ship_to = Address.model_validate(terms.instruction["ship_to"])
        merchant = context.vendors.merchant(terms.vendor)
        return merchant.place(_order_lines(terms), ship_to=ship_to, external_id=key, expected=_ceiling(terms))

    def look_up(self, terms: Terms, *, key: str, context: Context) -> Found:
        return context.vendors.merchant(terms.vendor).find(key)

    def repeats_safely(self, terms: Terms) -> bool:
        """Both merchants take an id that names the order. Zinc documents that a repeat is refused; Amazon that the id is unique, and not what
        a repeat gets, so it is sent again only after the order was steadily not there. Source: vendor notes §1.4 and §6.1."""
        return True


def _order_lines(terms: Terms) -> list[OrderLine]:
    return [
        OrderLine(asin=asked["asin"], offer_id=asked["offer_id"], quantity=line.quantity, unit_price=line.unit_price)
        for asked, line in zip(terms.instruction["lines"], terms.lines, strict=True)
    ]


def _ceiling(terms: Terms) -> Quote:
    """The confirmed amounts in the form a merchant is given as what may be charged at the most."""
    charged = {charge.label: charge.amount for charge in terms.charges}
    nothing = Money(cents=0, currency=terms.total.currency)
    lines = tuple(
        QuotedLine(asin=line.reference, quantity=line.quantity, unit_price=line.unit_price, subtotal=line.unit_price * line.quantity)
        for line in terms.lines
    )
    items = Money.total((line.subtotal for line in lines), currency=terms.total.currency)
    return Quote(
        lines=lines,
        items=items,
        shipping=charged.get("shipping", nothing),
        tax=charged.get("tax", nothing),
        total=terms.total,
        maximum=terms.maximum,
        delivery=None,
    )


def _charges(quote: Quote) -> tuple[Charge, ...]:
    """What is charged beside the lines. What is not known yet is left out: a tax of $0.00 on a card would be a promise."""
    known = [] if quote.maximum is not None else [Charge(label="shipping", amount=quote.shipping), Charge(label="tax", amount=quote.tax)]
    extra = [Charge(label="fees and discounts", amount=quote.other)] if quote.other.cents else []
    return (*known, *extra)


def _fulfilment(quote: Quote, ship_to: Address) -> tuple[Fact, ...]:
    street = " ".join(part for part in (ship_to.address_line1, ship_to.address_line2) if part)
    facts = [Fact(label="deliver to", text=f"{ship_to.full_name}, {street}, {ship_to.city} {ship_to.postal_code}")]
    return (Fact(label="delivery", text=quote.delivery), *facts) if quote.delivery else tuple(facts)


def _wishes(instruction: Instruction) -> tuple[str, ...]:
    """What was asked for and cannot be ordered. Made from the instruction, so that the check before the commit says the same."""
    wished = instruction.get("deliver_by")
    return (f"You asked for it by {wished}: compare that with the delivery that is stated, if any.",) if wished else ()


def _named(lines: tuple[Line, ...]) -> str:
    more = len(lines) - 1
    return lines[0].title + (f" and {more} more" if more else "")


def _counted(lines: tuple[Line, ...]) -> str:
    count = sum(line.quantity for line in lines)
    return f"{count} item{'s' if count != 1 else ''}"


def as_payload(params: Any) -> dict[str, Any]:
    """Parameters as an option carries them."""
    plain: dict[str, Any] = params.model_dump(mode="json")
    return plain
