"""Zinc v2: buying on Amazon through an agent that takes an order on, places it later, and tells when asked.

A `Merchant` like `AmazonBusiness`; the purchase verbs call both alike. Reads raise `VendorFailed`; `place` gives exactly one `Outcome` and sends
its order once.

Two things surprise. There is no dry run: shipping and tax are known only when it is bought, so a quote is the lines' prices and a maximum, by the
rule in `Allowance`; that maximum, once confirmed, is the order's `max_price`, to the cent. And a repeated key is no replay but a 409, which means
that the first request got through: it is looked up. For the same reason no refusal of an order is believed before its key has been looked up, since
a repeat may be refused for what the first one did to the wallet or the stock. Source: vendor notes §3.1 and §6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import assert_never
from urllib.parse import quote as quoted

from pydantic import SecretStr

from halo_engine.model.errors import VendorFailed
from halo_engine.model.household import Address
from halo_engine.model.money import Money
from halo_engine.model.outcome import Found, NotThere, Outcome, Reason, Rejected, Retryable, Unknown
from halo_engine.vendors.http import Answer, Call, MayHaveBeenSent, NotSent, VendorHttp, usable
from halo_engine.vendors.merchant import Offer, OrderLine, PastOrder, Quote, QuotedLine
from halo_engine.vendors.wire import UnreadableError, W, read_as, read_for
from halo_engine.vendors.zinc_result import REFUSALS, covers, outcome_of
from halo_engine.vendors.zinc_wire import (
    CURRENCY,
    MAX_KEY_CHARS,
    MAX_STREET_CHARS,
    METADATA_KEY,
    AnyProduct,
    Basket,
    Details,
    ErrorBody,
    History,
    Order,
    Orders,
    SearchResults,
    names_of,
    order_body,
    product_offers,
)

NAME = "Zinc"

_RETAILER = {"retailer": "amazon"}
_PAGE_SIZE = 100
#: More than a household orders in years, and an end for a vendor that always has a next page.
_MAX_PAGES = 20
_STALE_KEY = frozenset({"unauthorized", "invalid_token", "token_expired"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What may come on top of the lines' prices: so much for shipping, and so many percent of tax on both.

    The maximum is (lines + shipping) × (100 + tax_percent) / 100, rounded up to a whole cent.
    """

    shipping: Money
    tax_percent: int

    def maximum(self, items: Money) -> Money:
        """The most that an order of `items` may come to."""
        hundredths = (items + self.shipping).cents * (100 + self.tax_percent)
        return Money(cents=-(-hundredths // 100), currency=items.currency)


class Zinc:
    """One account. `base_url` is the API's root."""

    name = "zinc"
    payee = "Amazon through Zinc"
    warnings = (
        "Shipping and tax are known only once it is bought: the total may rise to the maximum shown, never above it.",
        "Halo cannot cancel or return an order: that is done with Zinc. Zinc's own fee for an order is not in the total.",
    )

    def __init__(self, http: VendorHttp, *, base_url: str, api_key: SecretStr, allowance: Allowance) -> None:
        self._http = http
        self._base_url = base_url.rstrip("/")
        self._api_key = api_key
        self._allowance = allowance

    # Reading.

    def search(self, keywords: str, *, postal_code: str, limit: int = 10) -> tuple[Offer, ...]:
        """At most `limit` offers, Zinc's best first. It asks for no address, so `postal_code` goes nowhere. Raises `VendorFailed`."""
        answer = self._ask(self._get("/products/search", {"query": keywords, **_RETAILER}))
        return self._read(answer, SearchResults).offers()[:limit]

    def offers(self, asins: Sequence[str]) -> dict[str, Offer]:
        """Today's offer for each ASIN that has one, a call each. Raises `VendorFailed`."""
        found = (offer for asin in dict.fromkeys(asins) for offer in self._offer(asin))
        return {offer.asin: offer for offer in found}

    def _offer(self, asin: str) -> tuple[Offer, ...]:
        answer = self._ask(self._get(f"/products/{quoted(asin, safe='')}", _RETAILER), also=frozenset({404}))
        if answer.status == 404:
            # A gateway's 404 is not Zinc's.
            self._read(answer, ErrorBody)
            return ()
        details = self._read(answer, Details)
        if details.status == "failed" and details.code == "product_not_found":
            return ()
        if details.status != "completed":
            raise VendorFailed(f"{NAME} could not read the product {asin} at the shop.", hint="Try again in a minute.")
        return tuple(offer for offer in product_offers(self._read(answer, AnyProduct).body) if offer.asin == asin)

    def quote(self, lines: Sequence[OrderLine], *, ship_to: Address, quote_id: str) -> Quote | Rejected:
        """The lines at their own prices, which must be today's, and the most that shipping and tax may make of them. Asks nobody."""
        if problem := _unfit(ship_to):
            return Rejected(reason=Reason.OTHER, message=problem)
        priced = tuple(
            QuotedLine(asin=line.asin, quantity=line.quantity, unit_price=line.unit_price, subtotal=line.unit_price * line.quantity)
            for line in lines
        )
        nothing = Money(cents=0, currency=CURRENCY)
        items = Money.total((line.subtotal for line in priced), currency=CURRENCY)
        maximum = self._allowance.maximum(items)
        return Quote(lines=priced, items=items, shipping=nothing, tax=nothing, total=items, maximum=maximum, delivery=None)

    def history(self, *, since: datetime) -> tuple[PastOrder, ...]:
        """Orders that were placed from `since` (aware) on, newest first. Raises `VendorFailed`."""
        orders: dict[str, PastOrder] = {}
        for page_number in range(_MAX_PAGES):
            query = {
                "status_filter": "order_placed",
                "created_after": f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
                "limit": str(_PAGE_SIZE),
                "offset": str(page_number * _PAGE_SIZE),
            }
            page = self._read(self._ask(self._get("/orders", query)), History)
            orders |= {order.order_id: order for order in page.past_orders()}
            if (page_number + 1) * _PAGE_SIZE >= page.total or not page.orders:
                break
        return tuple(sorted(orders.values(), key=lambda order: order.ordered_at, reverse=True))

    def find(self, external_id: str) -> Found:
        """What became of the order under our own id. `NotThere` may only mean "not yet": ask again before believing it."""
        query = {"metadata_key": METADATA_KEY, "metadata_value": external_id, "limit": "10"}
        try:
            found = read_as(self._ask(self._get("/orders", query)), Orders).orders
        except VendorFailed as error:
            return Unknown(message=error.message)
        except UnreadableError:
            return Unknown(message=f"What {NAME} says about the order cannot be read.")
        return _one_of(found, external_id)

    # Ordering.

    def place(self, lines: Sequence[OrderLine], *, ship_to: Address, external_id: str, expected: Quote) -> Outcome:
        """Hand `lines` in once, all or nothing, for at most `expected.maximum`. Zinc places them later: `find` tells.

        `Done.total` is what Zinc says was charged, which a vendor that ignores its own guard may set above the maximum: compare it.
        """
        most = expected.total if expected.maximum is None else expected.maximum
        if problem := _unfit(ship_to) or _unfit_terms(external_id, most):
            return Rejected(reason=Reason.OTHER, message=problem)
        body = order_body(Basket(key=external_id, lines=lines, ship_to=ship_to, max_price=most))
        reply = self._http.commit(Call(method="POST", url=f"{self._base_url}/orders", headers=self._headers(), json=body))
        match reply:
            case NotSent(why):
                return Retryable(message=f"{NAME} could not be reached: {why}.")
            case MayHaveBeenSent(why):
                return Unknown(message=f"{NAME} did not confirm the order: {why}.")
            case Answer(status=200 | 201):
                return _taken(reply, lines, external_id, most)
            case Answer():
                return self._not_taken(reply, external_id)
        assert_never(reply)

    def _not_taken(self, answer: Answer, external_id: str) -> Outcome:
        """The outcome of any status but success. Only Zinc's own words make a definite no."""
        if answer.status == 429:
            return Retryable(message=f"{NAME} asks for fewer requests.", retry_after_s=answer.retry_after_s)
        try:
            error = read_as(answer, ErrorBody)
        except UnreadableError:
            return Unknown(message=f"{NAME} gave an answer that cannot be read (status {answer.status}).")
        if answer.status in (401, 403) and (answer.status == 401 or error.code in _STALE_KEY):
            return Retryable(message=f"{NAME} did not accept the stored key.", auth=True)
        if answer.status == 403:
            return Rejected(reason=Reason.RESTRICTED, message=f"This account may not order: {error.message}")
        if answer.status in (400, 402, 404, 409, 413, 422):
            return self._refused(answer.status, error, external_id)
        return Unknown(message=f"{NAME} has a problem of its own (status {answer.status}).")

    def _refused(self, status: int, error: ErrorBody, external_id: str) -> Outcome:
        found = self.find(external_id)
        if not isinstance(found, NotThere):
            return found
        if status == 409 or error.code == "already_exists":
            return Unknown(message=f"{NAME} says it knows this order already, and does not show it yet.")
        reason = REFUSALS.get(error.code, Reason.PAYMENT if status == 402 else Reason.OTHER)
        return Rejected(reason=reason, message=f"{NAME} refused it: {error.message}")

    # Asking.

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._api_key.get_secret_value()}"}

    def _get(self, path: str, query: dict[str, str]) -> Call:
        return Call(method="GET", url=f"{self._base_url}{path}", headers=self._headers(), query=query)

    def _ask(self, call: Call, *, also: frozenset[int] = frozenset()) -> Answer:
        """A 200 to a call that changes nothing, or one of the statuses in `also`. Raises `VendorFailed`."""
        return usable(NAME, self._http.read(call), also=also)

    def _read(self, answer: Answer, model: type[W]) -> W:
        return read_for(NAME, answer, model)


def _taken(answer: Answer, lines: Sequence[OrderLine], external_id: str, most: Money) -> Outcome:
    """What a success means, if it is about this very order."""
    try:
        order = read_as(answer, Order)
    except UnreadableError:
        return Unknown(message=f"{NAME} took the order, but its answer cannot be read.")
    if order.key != external_id or not covers(order, lines) or order.max_price > most.cents:
        return Unknown(message=f"{NAME} answered for something other than what was ordered.")
    return outcome_of(order)


def _one_of(orders: tuple[Order, ...], external_id: str) -> Found:
    """The one order that is ours. A list that was not filtered as asked proves nothing by what is missing from it."""
    ours = [order for order in orders if order.key == external_id]
    if len(ours) == 1:
        return outcome_of(ours[0])
    if ours:
        return Unknown(message=f"{NAME} shows more than one order under one key.")
    return Unknown(message=f"{NAME} shows orders that were not asked for.") if orders else NotThere()


def _unfit(ship_to: Address) -> str:
    """Why Zinc would not take the address; empty where it would."""
    streets = (ship_to.address_line1, ship_to.address_line2 or "")
    if any(len(street) > MAX_STREET_CHARS for street in streets):
        return f"{NAME} takes a street of at most {MAX_STREET_CHARS} characters."
    return "" if all(names_of(ship_to)) else f"{NAME} needs a first and a last name to deliver to."


def _unfit_terms(key: str, most: Money) -> str:
    if len(key) > MAX_KEY_CHARS:
        return f"{NAME} takes a key of at most {MAX_KEY_CHARS} characters."
    return "" if most.currency == CURRENCY else f"{NAME} is paid in {CURRENCY}."
