"""Zinc against the simulator, whose ledger says what really happened."""

from __future__ import annotations

from datetime import timedelta

import pytest

from halo_engine.model.errors import VendorFailed
from halo_engine.model.money import Money
from halo_engine.model.outcome import Done, NotThere, Outcome, Pending, Reason, Rejected, Retryable, Unknown
from halo_engine.vendors.merchant import Merchant, Offer, OrderLine, Quote
from halo_engine.vendors.zinc import Allowance
from halo_sim.faults import add_fault
from halo_sim.http import serving
from tests.halo_engine.vendors.kit import client
from tests.halo_engine.vendors.worlds import HOME, Vendors, zinc_over

BATTERIES = "B035L4KKAX"


def batteries(vendors: Vendors) -> Offer:
    return vendors.zinc.offers([BATTERIES])[BATTERIES]


def line(offer: Offer, quantity: int = 2) -> OrderLine:
    return OrderLine(asin=offer.asin, offer_id=offer.offer_id, quantity=quantity, unit_price=offer.unit_price)


def quoted(vendors: Vendors, *lines: OrderLine) -> Quote:
    quote = vendors.zinc.quote(lines, ship_to=HOME, quote_id="q")
    assert isinstance(quote, Quote)
    return quote


def place(vendors: Vendors, *lines: OrderLine, key: str = "halo-1", expected: Quote | None = None) -> Outcome:
    return vendors.zinc.place(lines, ship_to=HOME, external_id=key, expected=expected or quoted(vendors, *lines))


def bought(vendors: Vendors) -> list[tuple[str, int]]:
    """The books, after Zinc had the time to buy."""
    vendors.clock.advance(timedelta(seconds=20))
    vendors.zinc.find("anything")
    return vendors.booked("order")


class TestBothMerchants:
    @pytest.mark.parametrize("name", ["amazon", "zinc"])
    def test_sell_the_same_thing_at_the_same_price(self, vendors: Vendors, name: str) -> None:
        """One interface: search, offers and history mean the same at either."""
        merchants: dict[str, Merchant] = {"amazon": vendors.amazon, "zinc": vendors.zinc}
        merchant = merchants[name]
        found = {offer.asin: offer for offer in merchant.search("AA batteries", postal_code="94107")}
        offer = merchant.offers([BATTERIES])[BATTERIES]
        assert merchant.name == name
        assert (offer.title, offer.unit_price) == (found[BATTERIES].title, Money(cents=2299))
        assert merchant.history(since=vendors.clock.now() - timedelta(days=365))[0].lines
        assert merchant.warnings


class TestTheMaximum:
    @pytest.mark.parametrize(
        ("items", "maximum"),
        # (items + 5.99) × 1.1, never rounded down.
        [(4598, 5717), (1, 660), (1000, 1759), (2500, 3409), (100_000, 110_659)],
    )
    def test_is_the_stated_rule(self, items: int, maximum: int) -> None:
        """Whole cents, rounded up."""
        allowance = Allowance(shipping=Money(cents=599), tax_percent=10)
        assert allowance.maximum(Money(cents=items)) == Money(cents=maximum)

    def test_never_lies_below_the_lines(self) -> None:
        """Also without any allowance."""
        nothing = Allowance(shipping=Money(cents=0), tax_percent=0)
        assert nothing.maximum(Money(cents=4598)) == Money(cents=4598)

    @pytest.mark.parametrize("quantity", [1, 2, 7])
    def test_is_enough_for_what_it_really_costs(self, vendors: Vendors, quantity: int) -> None:
        """With shipping and tax as the simulated shop takes them."""
        wanted = line(batteries(vendors), quantity)
        assert isinstance(place(vendors, wanted), Pending)
        ((_, charged),) = bought(vendors)
        maximum = quoted(vendors, wanted).maximum
        assert maximum is not None
        assert charged <= maximum.cents

    def test_leaves_shipping_and_tax_open(self, vendors: Vendors) -> None:
        """The total is the lines, and what is not known is nothing."""
        quote = quoted(vendors, line(batteries(vendors)))
        assert (quote.total, quote.items, quote.other) == (Money(cents=4598), Money(cents=4598), Money(cents=0))
        assert (quote.shipping, quote.tax, quote.maximum) == (Money(cents=0), Money(cents=0), Money(cents=5717))


class TestReading:
    def test_leaves_out_what_is_not_sold(self, vendors: Vendors) -> None:
        """An unknown ASIN is absent, and so is one without a price."""
        offer = batteries(vendors)
        assert list(vendors.zinc.offers([offer.asin, "B000000000"])) == [offer.asin]
        add_fault(vendors.world, "out_of_stock", target=offer.asin)
        assert vendors.zinc.offers([offer.asin]) == {}

    def test_says_so_when_the_vendor_is_down(self, vendors: Vendors) -> None:
        """In words for a person."""
        add_fault(vendors.world, "unavailable", target="zinc", times=3)
        with pytest.raises(VendorFailed, match="Zinc has a problem of its own"):
            batteries(vendors)

    def test_knows_what_was_bought_before(self, vendors: Vendors) -> None:
        """Newest first, with names, quantities and prices."""
        orders = vendors.zinc.history(since=vendors.clock.now() - timedelta(days=365))
        assert [order.ordered_at for order in orders] == sorted((order.ordered_at for order in orders), reverse=True)
        newest = orders[0].lines[0]
        assert (newest.asin, newest.quantity, newest.unit_price) == ("B049TVMVXE", 2, Money(cents=549))
        assert newest.title != newest.asin

    def test_begins_where_it_was_asked_to(self, vendors: Vendors) -> None:
        """Nothing from before, and what was just bought is in it."""
        assert isinstance(place(vendors, line(batteries(vendors))), Pending)
        bought(vendors)
        (newest,) = vendors.zinc.history(since=vendors.clock.now() - timedelta(days=1))
        assert newest.total == Money(cents=4995)


class TestPlace:
    def test_is_pending_then_done(self, vendors: Vendors) -> None:
        """Taken on is not bought; looked up later it is, at what the books say."""
        pending = place(vendors, line(batteries(vendors)))
        assert isinstance(pending, Pending)
        assert vendors.zinc.find("halo-1") == pending
        assert vendors.booked("order") == []
        ((reference, charged),) = bought(vendors)
        done = vendors.zinc.find("halo-1")
        assert isinstance(done, Done)
        assert (done.reference, done.total) == (reference, Money(cents=charged))
        assert [artifact.label for artifact in done.artifacts] == ["Order number", "Delivery"]

    def test_is_refused_by_zinc_itself_one_cent_above(self, vendors: Vendors) -> None:
        """The confirmed maximum travels with the order."""
        wanted = line(batteries(vendors))
        tight = quoted(vendors, wanted).model_copy(update={"maximum": Money(cents=4994)})
        assert isinstance(place(vendors, wanted, expected=tight), Pending)
        assert bought(vendors) == []
        no = vendors.zinc.find("halo-1")
        assert isinstance(no, Rejected)
        assert no.reason is Reason.PRICE

    def test_tells_what_was_really_charged(self, vendors: Vendors) -> None:
        """A vendor that ignores its own guard: the total is the truth, for the engine to compare."""
        wanted = line(batteries(vendors))
        tight = quoted(vendors, wanted).model_copy(update={"maximum": Money(cents=4994)})
        add_fault(vendors.world, "ignore_expectations")
        place(vendors, wanted, expected=tight)
        bought(vendors)
        done = vendors.zinc.find("halo-1")
        assert isinstance(done, Done)
        assert done.total == Money(cents=4995)

    def test_is_refused_when_it_is_sold_out(self, vendors: Vendors) -> None:
        """By the reason that processing gives."""
        wanted = line(batteries(vendors))
        add_fault(vendors.world, "out_of_stock", target=wanted.asin, amount=1)
        place(vendors, wanted)
        assert bought(vendors) == []
        no = vendors.zinc.find("halo-1")
        assert isinstance(no, Rejected)
        assert no.reason is Reason.STOCK

    def test_is_refused_without_the_money(self, vendors: Vendors) -> None:
        """402 is a definite no, once the key was looked up."""
        wanted = line(batteries(vendors))
        rich = quoted(vendors, wanted).model_copy(update={"maximum": Money(cents=100_001)})
        no = place(vendors, wanted, expected=rich)
        assert isinstance(no, Rejected)
        assert no.reason is Reason.PAYMENT
        assert bought(vendors) == []

    def test_is_retryable_when_zinc_is_busy(self, vendors: Vendors) -> None:
        """429 before anything happened, with the wait it asks for."""
        wanted = line(batteries(vendors))
        add_fault(vendors.world, "rate_limited", target="zinc.place_order")
        busy = place(vendors, wanted)
        assert isinstance(busy, Retryable)
        assert busy.retry_after_s == 2

    def test_is_unknown_after_a_server_error(self, vendors: Vendors) -> None:
        """It may come after the fact."""
        wanted = line(batteries(vendors))
        add_fault(vendors.world, "unavailable", target="zinc.place_order")
        assert isinstance(place(vendors, wanted), Unknown)


class TestReconciling:
    def test_finds_an_order_whose_answer_was_lost(self, vendors: Vendors) -> None:
        """Unknown, looked up, pending: one order."""
        wanted = line(batteries(vendors))
        add_fault(vendors.world, "lose_answer", target="zinc.place_order")
        assert isinstance(place(vendors, wanted), Unknown)
        assert isinstance(vendors.zinc.find("halo-1"), Pending)
        assert len(bought(vendors)) == 1

    def test_finds_nothing_where_the_request_was_lost(self, vendors: Vendors) -> None:
        """Not there; sent again under the same key there is one order."""
        wanted = line(batteries(vendors))
        add_fault(vendors.world, "drop_before", target="zinc.place_order")
        assert isinstance(place(vendors, wanted), Unknown)
        assert vendors.zinc.find("halo-1") == NotThere()
        assert isinstance(place(vendors, wanted), Pending)
        assert len(bought(vendors)) == 1

    def test_takes_a_repeat_for_the_order_it_is(self, vendors: Vendors) -> None:
        """409: pending while it is, done when it is, and one order."""
        wanted = line(batteries(vendors))
        first = place(vendors, wanted)
        assert place(vendors, wanted) == first
        assert len(bought(vendors)) == 1
        assert isinstance(place(vendors, wanted), Done)
        assert len(bought(vendors)) == 1

    def test_does_not_know_a_repeat_that_is_not_shown_yet(self, vendors: Vendors) -> None:
        """Saying no would be a lie: the order is there."""
        wanted = line(batteries(vendors))
        place(vendors, wanted)
        add_fault(vendors.world, "hide_orders")
        assert isinstance(place(vendors, wanted), Unknown)

    def test_looks_before_it_believes_a_refused_repeat(self, vendors: Vendors) -> None:
        """A repeat refused for want of money, after the first one got through: the first one counts."""
        wanted = line(batteries(vendors))
        first = place(vendors, wanted)
        rich = quoted(vendors, wanted).model_copy(update={"maximum": Money(cents=100_001)})
        add_fault(vendors.world, "ignore_keys")
        assert place(vendors, wanted, expected=rich) == first

    def test_does_not_know_while_the_vendor_is_down(self, vendors: Vendors) -> None:
        """A look-up that fails proves nothing."""
        add_fault(vendors.world, "unavailable", target="zinc.orders", times=3)
        assert isinstance(vendors.zinc.find("halo-1"), Unknown)

    def test_works_over_real_sockets(self, vendors: Vendors) -> None:
        """The answer is lost with the connection, and the look-up finds the order."""
        add_fault(vendors.world, "lose_answer", target="zinc.place_order")
        with serving(vendors.world) as url:
            zinc = zinc_over(client(None, vendors.clock), host=url)
            wanted = line(zinc.search("AA batteries", postal_code="94107")[0])
            quote = zinc.quote([wanted], ship_to=HOME, quote_id="q")
            assert isinstance(quote, Quote)
            assert isinstance(zinc.place([wanted], ship_to=HOME, external_id="halo-1", expected=quote), Unknown)
            assert isinstance(zinc.find("halo-1"), Pending)
