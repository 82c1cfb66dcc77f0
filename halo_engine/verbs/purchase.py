"""What ORDER and REORDER share: from chosen products on, buying is the same whatever words led to it.

The instruction is the basket by Amazon's own identifiers and the address. Amazon is given the confirmed prices as ceilings, so that it refuses by
itself what would cost more. Its API cannot cancel an order, which is why every purchase is irreversible here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from halo_engine.model.draft import Charge, Fact, Line, Terms
from halo_engine.model.household import Address
from halo_engine.model.money import Money
from halo_engine.model.outcome import Found, Outcome, Rejected
from halo_engine.model.value import Value
from halo_engine.vendors.amazon import Offer, OrderLine, Quote, QuotedLine
from halo_engine.verb import Context, Instruction, P, Proposal, Refusal, Verb

VENDOR, PAYEE = "amazon", "Amazon"
CANNOT_CANCEL = "Halo cannot cancel or return an order: that is done in your Amazon account."


class Pick(Value):
    """A product that was chosen, and how many of it."""

    offer: Offer
    quantity: int


class Purchase(Verb[P]):
    """A verb that ends in an Amazon order."""

    #: A repeat under the same external id gives the first order again, or is refused; either way there is one.
    repeats_safely: ClassVar[bool] = True

    def basket(self, picks: tuple[Pick, ...], context: Context) -> Instruction | Refusal:
        """The instruction for `picks`."""
        address = context.preference.shipping_address
        if address is None:
            return Refusal(reason="There is no delivery address for this household yet.")
        for pick in picks:
            if pick.quantity > pick.offer.max_quantity:
                return Refusal(reason=f"Amazon sells at most {pick.offer.max_quantity} of {pick.offer.title} at once.")
        lines = [{"asin": pick.offer.asin, "offer_id": pick.offer.offer_id, "quantity": pick.quantity} for pick in picks]
        return {"lines": lines, "ship_to": address.model_dump(mode="json", exclude_none=True)}

    def quote(self, instruction: Instruction, context: Context) -> Proposal | Refusal:
        offers = context.vendors.amazon.offers([line["asin"] for line in instruction["lines"]])
        for line in instruction["lines"]:
            offer = offers.get(line["asin"])
            if offer is None or not offer.orderable:
                return Refusal(reason=f"{offer.title if offer else line['asin']} cannot be ordered at the moment.")
        wanted = [
            OrderLine(asin=line["asin"], offer_id=line["offer_id"], quantity=line["quantity"], unit_price=offers[line["asin"]].unit_price)
            for line in instruction["lines"]
        ]
        ship_to = Address.model_validate(instruction["ship_to"])
        quote = context.vendors.amazon.quote(wanted, ship_to=ship_to, quote_id=f"halo-quote-{context.now:%Y%m%d%H%M%S%f}")
        if isinstance(quote, Rejected):
            return Refusal(reason=quote.message)
        return self._proposal(instruction, offers, quote, ship_to, context)

    def _proposal(
        self, instruction: Instruction, offers: Mapping[str, Offer], quote: Quote, ship_to: Address, context: Context
    ) -> Proposal:
        lines = tuple(
            Line(title=offers[line.asin].title, quantity=line.quantity, unit_price=line.unit_price, reference=line.asin)
            for line in quote.lines
        )
        charges = [Charge(label="shipping", amount=quote.shipping), Charge(label="tax", amount=quote.tax)]
        if quote.other.cents:
            charges.append(Charge(label="fees and discounts", amount=quote.other))
        return Proposal(
            verb=self.spec.name,
            title=f"{self.spec.name.capitalize()} {_named(lines)}",
            summary=f"{_counted(lines)} from {PAYEE}{f', arriving {quote.delivery}' if quote.delivery else ''}",
            vendor=VENDOR,
            payee=PAYEE,
            lines=lines,
            charges=tuple(charges),
            total=quote.total,
            payment_method=context.preference.payment_method_masked,
            fulfilment=_fulfilment(quote, ship_to),
            warnings=(CANNOT_CANCEL,),
            irreversible=True,
            instruction=dict(instruction),
        )

    def commit(self, terms: Terms, fresh: Proposal, *, key: str, context: Context) -> Outcome:
        # Everything from the terms, so that a repeat under the same key is the same request to the byte.
        return context.vendors.amazon.place(
            _order_lines(terms), ship_to=Address.model_validate(terms.instruction["ship_to"]), external_id=key, expected=_ceiling(terms)
        )

    def look_up(self, terms: Terms, *, key: str, context: Context) -> Found:
        return context.vendors.amazon.find(key)


def _order_lines(terms: Terms) -> list[OrderLine]:
    return [
        OrderLine(asin=asked["asin"], offer_id=asked["offer_id"], quantity=line.quantity, unit_price=line.unit_price)
        for asked, line in zip(terms.instruction["lines"], terms.lines, strict=True)
    ]


def _ceiling(terms: Terms) -> Quote:
    """The confirmed amounts in the form Amazon is given as what may be charged at the most."""
    charged = {charge.label: charge.amount for charge in terms.charges}
    lines = tuple(
        QuotedLine(asin=line.reference, quantity=line.quantity, unit_price=line.unit_price, subtotal=line.unit_price * line.quantity)
        for line in terms.lines
    )
    items = Money.total((line.subtotal for line in lines), currency=terms.total.currency)
    return Quote(lines=lines, items=items, shipping=charged["shipping"], tax=charged["tax"], total=terms.total, delivery=None)


def _fulfilment(quote: Quote, ship_to: Address) -> tuple[Fact, ...]:
    street = " ".join(part for part in (ship_to.address_line1, ship_to.address_line2) if part)
    facts = [Fact(label="deliver to", text=f"{ship_to.full_name}, {street}, {ship_to.city} {ship_to.postal_code}")]
    return (Fact(label="delivery", text=quote.delivery), *facts) if quote.delivery else tuple(facts)


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
