"""Ordering and Reporting: quote, place, look up, history."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from halo_engine.clock import FakeClock
from halo_engine.model.money import Money
from halo_sim.data import order_history
from halo_sim.faults import add_fault
from halo_sim.ledger import read_ledger
from halo_sim.pricing import shipping_on, tax_by_line, tax_on
from halo_sim.world import World
from tests.halo_sim.callers import ORDERS, REPORTS, Amazon, artifacts, exact, line, order, product, total

BATTERIES = product("Voltara AA batteries 48 count")
SOAP = product("Tidewell dish soap 24 fl oz pack of 3")
COFFEE = product("Cinder Street espresso 2 lb")


class TestPricing:
    def test_rounds_half_a_cent_up(self) -> None:
        """8.625 % of $4.00 is 34.5 cents."""
        assert tax_on(Money(cents=400)) == Money(cents=35)

    @pytest.mark.parametrize(("subtotal", "shipping"), [(0, 0), (1, 599), (2499, 599), (2500, 0)])
    def test_ships_free_from_25_dollars(self, subtotal: int, shipping: int) -> None:
        """And charges nothing for nothing."""
        assert shipping_on(Money(cents=subtotal)) == Money(cents=shipping)

    def test_spreads_the_tax_without_losing_a_cent(self) -> None:
        """The parts add up to the tax on the whole, for awkward amounts too."""
        amounts = tuple(Money(cents=n) for n in (333, 1, 777, 99_999, 5))
        assert Money.total(tax_by_line(amounts)) == tax_on(Money.total(amounts))


class TestQuote:
    def test_agrees_with_the_order_to_the_cent(self, amazon: Amazon) -> None:
        """When nothing changed in between, every charge is the same."""
        lines = (line(BATTERIES, 2), line(SOAP, 1, number="2"))
        quoted, placed = amazon.place(*lines, key="q", trial=True), amazon.place(*lines)
        assert artifacts(quoted, "Charge") == artifacts(placed, "Charge")
        subtotal = Money(cents=2 * BATTERIES.price_cents + SOAP.price_cents)
        assert total(quoted) == (subtotal + tax_on(subtotal)).to_decimal()

    def test_is_not_an_order(self, amazon: Amazon, world: World) -> None:
        """It has no id, leaves no entry, and does not use its externalId up."""
        quoted = amazon.place(line(BATTERIES), trial=True)
        assert artifacts(quoted, "OrderIdentifier") == []
        assert read_ledger(world.path) == ()
        assert amazon.get(f"{ORDERS}/halo-1").status_code == 404

    def test_adds_shipping_to_a_small_order(self, amazon: Amazon) -> None:
        """It is a charge of its own category."""
        quoted = amazon.place(line(SOAP), trial=True)
        assert [charge["amount"]["amount"] for charge in artifacts(quoted, "Charge") if charge["category"] == "SHIPPING"] == [
            Decimal("5.99")
        ]

    def test_arrives_two_days_later(self, amazon: Amazon) -> None:
        """The boundaries are texts without a zone."""
        window = artifacts(amazon.place(line(SOAP), trial=True), "DeliveryTimeRange")[0]
        assert window["lowerBoundary"] == {"date": "2026-11-24 08:00:00.000"}


class TestOrder:
    def test_is_accepted_with_all_its_artifacts(self, amazon: Amazon) -> None:
        """The id stands at the item and at the order."""
        placed = amazon.place(line(BATTERIES, 2, ceiling=BATTERIES.price_cents))
        accepted = placed["lineItems"][0]["acceptedItems"][0]
        assert [artifact["acceptanceArtifactType"] for artifact in accepted["artifacts"]] == [
            "OrderIdentifier",
            "UnitPrice",
            "Charge",
            "Charge",
            "DeliveryTimeRange",
        ]
        assert placed["acceptanceArtifacts"][0]["identifier"] == accepted["artifacts"][0]["identifier"]
        assert placed["lineItems"][0]["rejectedItems"] == []

    def test_is_refused_above_the_unit_price(self, amazon: Amazon, world: World) -> None:
        """One cent is enough, and the answer is still 200."""
        said = amazon.place(line(BATTERIES, 2, ceiling=BATTERIES.price_cents - 1))
        broken = artifacts(said, "BrokenUnitPriceExpectation")[0]
        assert broken["boundary"]["amount"] == Money(cents=BATTERIES.price_cents - 1).to_decimal()
        assert broken["actualAmount"]["amount"] == Money(cents=BATTERIES.price_cents).to_decimal()
        assert artifacts(said, "RejectionCode")[0]["code"] == "UNMET_EXPECTATION"
        assert read_ledger(world.path) == ()

    @pytest.mark.parametrize("source", ["SUBTOTAL", "SHIPPING", "TAX"])
    def test_is_refused_as_a_whole_above_a_charge(self, amazon: Amazon, world: World, source: str) -> None:
        """Subtotal, shipping and tax each have their ceiling."""
        said = amazon.place(line(SOAP), expect={source: 1})
        assert artifacts(said, "BrokenChargeExpectation")[0]["sources"] == [source]
        assert said["lineItems"][0]["rejectedItems"][0]["quantity"] == 1
        assert read_ledger(world.path) == ()

    def test_passes_at_exactly_the_ceilings(self, amazon: Amazon) -> None:
        """A ceiling is the highest that is taken."""
        subtotal = Money(cents=SOAP.price_cents)
        ceilings = {"SUBTOTAL": subtotal.cents, "SHIPPING": 599, "TAX": tax_on(subtotal).cents}
        assert artifacts(amazon.place(line(SOAP, ceiling=SOAP.price_cents), expect=ceilings), "OrderIdentifier")

    def test_is_split_when_stock_is_short(self, amazon: Amazon, world: World) -> None:
        """What is there is accepted and charged, the rest refused with both quantities."""
        add_fault(world, "out_of_stock", target=BATTERIES.asin, amount=2)
        said = amazon.place(line(BATTERIES, 3))
        part = said["lineItems"][0]
        assert [part["acceptedItems"][0]["quantity"], part["rejectedItems"][0]["quantity"]] == [2, 1]
        assert artifacts(said, "AvailableQuantity")[0]["quantity"] == 2
        assert artifacts(said, "UnavailableQuantity")[0]["quantity"] == 1
        subtotal = Money(cents=2 * BATTERIES.price_cents)
        assert read_ledger(world.path)[0].charged == subtotal + tax_on(subtotal)

    def test_lets_two_lines_share_the_stock(self, amazon: Amazon, world: World) -> None:
        """The second line gets what the first left."""
        add_fault(world, "out_of_stock", target=BATTERIES.asin, amount=3)
        said = amazon.place(line(BATTERIES, 2), line(BATTERIES, 2, number="2"))
        assert [item["acceptedItems"][0]["quantity"] for item in said["lineItems"]] == [2, 1]

    def test_uses_up_the_stock(self, amazon: Amazon, world: World) -> None:
        """What one order took, the next one does not find."""
        add_fault(world, "out_of_stock", target=BATTERIES.asin, amount=2)
        amazon.place(line(BATTERIES, 2))
        assert artifacts(amazon.place(line(BATTERIES, 1), key="halo-2"), "UnavailableQuantity")[0]["quantity"] == 1

    def test_gets_its_first_answer_again_for_the_same_body(self, amazon: Amazon, world: World) -> None:
        """A repeat has no second effect."""
        first, second = amazon.place(line(SOAP)), amazon.place(line(SOAP))
        assert first == second
        assert len(read_ledger(world.path)) == 1

    def test_refuses_another_body_under_the_same_id(self, amazon: Amazon, world: World) -> None:
        """An id names one order."""
        amazon.place(line(SOAP))
        assert amazon.post(ORDERS, order(line(SOAP, 2))).status_code == 400
        assert len(read_ledger(world.path)) == 1

    def test_is_found_by_its_id(self, amazon: Amazon) -> None:
        """The look-up gives the same result shape."""
        placed = amazon.place(line(SOAP))
        assert exact(amazon.get(f"{ORDERS}/halo-1")) == placed

    def test_is_refused_for_an_unknown_product_or_offer(self, amazon: Amazon) -> None:
        """The line is refused, not the call."""
        said = amazon.place(line(SOAP, offer="offer-of-somebody-else"))
        assert "OFFER_NOT_FOUND" in [artifact["code"] for artifact in artifacts(said, "RejectionCode")]
        assert said["lineItems"][0]["rejectedItems"][0]["quantity"] == 1

    @pytest.mark.parametrize(
        "change",
        [
            {"lineItems": []},
            {"attributes": []},
            {"expectations": None},
            {"externalId": ""},
            {"lineItems": [{**line(SOAP), "quantity": 0}]},
            {"lineItems": [{**line(SOAP), "quantity": 10**30}]},
            {"lineItems": [{**line(SOAP), "quantity": True}]},
            {"lineItems": [line(SOAP), line(SOAP)]},
            {
                "expectations": [
                    {
                        "expectationType": "ExpectedCharge",
                        "source": "SUBTOTAL",
                        "amount": {"currencyCode": "USD", "amount": Decimal("1.005")},
                    }
                ]
            },
        ],
    )
    def test_is_400_when_malformed(self, amazon: Amazon, change: dict[str, Any]) -> None:
        """Every required member is checked."""
        assert amazon.post(ORDERS, {**order(line(SOAP)), **change}).status_code == 400


class TestToken:
    def test_expires_after_an_hour_with_403(self, amazon: Amazon, clock: FakeClock) -> None:
        """403 and never 401, in the documented words."""
        clock.advance(timedelta(seconds=3599))
        assert amazon.get(REPORTS).status_code == 200
        clock.advance(timedelta(seconds=1))
        said = amazon.get(REPORTS)
        assert said.status_code == 403
        assert said.json() == {
            "errors": [
                {
                    "code": "Unauthorized",
                    "message": "Access to requested resource is denied.",
                    "details": "The access token you provided has expired.",
                }
            ]
        }
        amazon.login()
        assert amazon.get(REPORTS).status_code == 200

    def test_is_required(self, amazon: Amazon) -> None:
        """No order goes through without one."""
        assert amazon.http.post(ORDERS, json=order(line(SOAP))).status_code == 403


class TestReports:
    def test_tell_the_households_past_newest_first(self, amazon: Amazon) -> None:
        """The history is counted back from the world's first day; amounts are texts."""
        said = amazon.get(REPORTS, includeLineItems="true", includeCharges="true").json()
        assert said["size"] == len(order_history()) >= 40
        newest = said["orders"][0]
        assert newest["orderDate"] == "2026-11-18T16:29:00Z"
        assert newest["orderSubTotal"] == {"currencyCode": "USD", "amount": "38.45"}
        assert len(newest["lineItems"]) == 3
        assert [order["orderDate"] for order in said["orders"]] == sorted((order["orderDate"] for order in said["orders"]), reverse=True)

    def test_add_up(self, amazon: Amazon) -> None:
        """The lines with their tax, and shipping, make the order's total."""
        for reported in amazon.get(REPORTS, includeLineItems="true").json()["orders"]:
            lines = sum(Decimal(item["itemNetTotal"]["amount"]) for item in reported["lineItems"])
            shipping = Decimal("5.99") if Decimal(reported["orderSubTotal"]["amount"]) < 25 else 0
            assert lines + shipping == Decimal(reported["orderNetTotal"]["amount"])

    def test_include_what_was_ordered_here(self, amazon: Amazon, clock: FakeClock) -> None:
        """A new order is the newest, under the id it was given."""
        clock.advance(timedelta(minutes=1))
        placed = amazon.place(line(COFFEE, 2))
        newest = amazon.get(REPORTS, includeLineItems="true").json()["orders"][0]
        assert newest["orderId"] == placed["acceptanceArtifacts"][0]["identifier"]
        assert newest["lineItems"][0]["purchasedPricePerUnit"]["amount"] == str(Money(cents=COFFEE.price_cents).to_decimal())
        assert amazon.get(f"{REPORTS}/{newest['orderId']}").json()["orders"][0]["purchaseOrderNumber"] == "PO-halo-1"

    def test_page_by_a_token(self, amazon: Amazon) -> None:
        """A hundred to a page; the last page has no token."""
        for number in range(101 - len(order_history())):
            amazon.place(line(SOAP), key=f"halo-{number}")
        first = amazon.get(REPORTS).json()
        second = amazon.get(REPORTS, nextPageToken=first["nextPageToken"]).json()
        assert (first["size"], second["size"], second["nextPageToken"]) == (100, 1, None)

    def test_keep_to_the_dates_asked_for(self, amazon: Amazon) -> None:
        """An end date includes its day."""
        said = amazon.get(REPORTS, startDate="2026-11-13", endDate="2026-11-18").json()
        assert [order["orderDate"][:10] for order in said["orders"]] == ["2026-11-18", "2026-11-13"]

    @pytest.mark.parametrize("query", [{"startDate": "yesterday"}, {"nextPageToken": "***"}, {"nextPageToken": "b3JkZXJzOng="}])
    def test_refuse_what_they_cannot_read(self, amazon: Amazon, query: dict[str, str]) -> None:
        """A bad date or token is a 400."""
        assert amazon.get(REPORTS, **query).status_code == 400
