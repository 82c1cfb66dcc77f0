"""Amazon Business against the simulator, whose ledger says what really happened."""

from __future__ import annotations

from datetime import timedelta

import pytest

from halo_engine.model.errors import VendorFailed
from halo_engine.model.money import Money
from halo_engine.model.outcome import Done, NotThere, Outcome, Partial, Reason, Rejected, Retryable, Unknown
from halo_engine.vendors.merchant import Offer, OrderLine, Quote
from halo_sim.faults import add_fault, clear_faults
from halo_sim.http import serving
from tests.halo_engine.vendors.kit import client
from tests.halo_engine.vendors.worlds import HOME, Vendors, amazon_over


def batteries(vendors: Vendors) -> Offer:
    return vendors.amazon.search("AA batteries", postal_code="94107")[0]


def line(offer: Offer, quantity: int = 2) -> OrderLine:
    return OrderLine(asin=offer.asin, offer_id=offer.offer_id, quantity=quantity, unit_price=offer.unit_price)


def quoted(vendors: Vendors, *lines: OrderLine) -> Quote:
    quote = vendors.amazon.quote(lines, ship_to=HOME, quote_id="halo-1-quote-1")
    assert isinstance(quote, Quote)
    return quote


def place(vendors: Vendors, *lines: OrderLine, expected: Quote, key: str = "halo-1") -> Outcome:
    return vendors.amazon.place(lines, ship_to=HOME, external_id=key, expected=expected)


class TestSearch:
    def test_finds_what_was_asked_for(self, vendors: Vendors) -> None:
        """The best hit is such a thing, with a price that is exact and an offer that can be ordered."""
        offer = batteries(vendors)
        assert "AA" in offer.title
        assert offer.unit_price.cents > 0
        assert offer.orderable
        assert offer.url == f"https://www.amazon.com/dp/{offer.asin}"

    def test_keeps_to_its_limit(self, vendors: Vendors) -> None:
        """Three asked for are at most three."""
        assert len(vendors.amazon.search("paper towels", postal_code="94107", limit=3)) == 3

    def test_finds_nothing_for_nonsense(self, vendors: Vendors) -> None:
        """No hit is an empty answer, not an error."""
        assert vendors.amazon.search("qqqq zzzz", postal_code="94107") == ()

    def test_signs_in_once(self, vendors: Vendors) -> None:
        """Two searches, one token."""
        batteries(vendors)
        batteries(vendors)
        assert vendors.wire.paths.count("POST /lwa/auth/o2/token") == 1

    def test_renews_the_token_a_minute_early(self, vendors: Vendors) -> None:
        """With 59 seconds left the token is not used any more."""
        batteries(vendors)
        vendors.clock.advance(timedelta(seconds=3541))
        batteries(vendors)
        assert vendors.wire.paths.count("POST /lwa/auth/o2/token") == 2

    def test_survives_a_token_that_expired_early(self, vendors: Vendors) -> None:
        """A refused token is renewed once and the read goes on."""
        batteries(vendors)
        add_fault(vendors.world, "token_expired", target="amazon")
        assert batteries(vendors)

    def test_says_so_when_the_vendor_is_down(self, vendors: Vendors) -> None:
        """After three tries the error is one that a person can read."""
        add_fault(vendors.world, "unavailable", target="amazon", times=3)
        with pytest.raises(VendorFailed, match="Amazon Business has a problem of its own"):
            batteries(vendors)


class TestOffers:
    def test_leaves_out_what_is_not_sold(self, vendors: Vendors) -> None:
        """An unknown ASIN is absent, the known one is there."""
        offer = batteries(vendors)
        assert vendors.amazon.offers([offer.asin, "B000000000"]) == {offer.asin: offer}

    def test_asks_for_any_number(self, vendors: Vendors) -> None:
        """More than one call takes are asked for in several."""
        asins = [f"B{number:09d}" for number in range(61)]
        assert vendors.amazon.offers([*asins, batteries(vendors).asin])
        assert sum("getProductsByAsins" in path for path in vendors.wire.paths) == 3


class TestQuote:
    def test_adds_up(self, vendors: Vendors) -> None:
        """Lines, shipping and tax come to the total, to the cent."""
        quote = quoted(vendors, line(batteries(vendors)))
        assert quote.items == quote.lines[0].subtotal == quote.lines[0].unit_price * 2
        assert quote.items + quote.shipping + quote.tax == quote.total
        assert quote.other == Money(cents=0)

    def test_tells_the_day(self, vendors: Vendors) -> None:
        """The delivery window is a day a person can read."""
        assert quoted(vendors, line(batteries(vendors))).delivery == "Tue 24 Nov"

    def test_orders_nothing(self, vendors: Vendors) -> None:
        """The vendor's books stay empty."""
        quoted(vendors, line(batteries(vendors)))
        assert vendors.booked("order") == []

    def test_tells_the_new_price_instead_of_refusing_the_old(self, vendors: Vendors) -> None:
        """A risen price comes back as a quote, so that a revised draft can be made of it."""
        wanted = line(batteries(vendors))
        add_fault(vendors.world, "price_up", amount=100)
        assert quoted(vendors, wanted).lines[0].unit_price == wanted.unit_price + Money(cents=100)

    @pytest.mark.parametrize(("left", "message"), [(0, "It is out of stock."), (1, "Only 1 can be had.")])
    def test_is_refused_when_there_is_too_little(self, vendors: Vendors, left: int, message: str) -> None:
        """All or nothing: half a quote is no quote."""
        wanted = line(batteries(vendors))
        add_fault(vendors.world, "out_of_stock", target=wanted.asin, amount=left)
        answer = vendors.amazon.quote([wanted], ship_to=HOME, quote_id="q")
        assert answer == Rejected(reason=Reason.STOCK, message=message)

    def test_says_which_line_is_short(self, vendors: Vendors) -> None:
        """With several lines the ASIN tells them apart."""
        towels = vendors.amazon.search("paper towels", postal_code="94107")[0]
        add_fault(vendors.world, "out_of_stock", target=towels.asin)
        answer = vendors.amazon.quote([line(batteries(vendors)), line(towels)], ship_to=HOME, quote_id="q")
        assert isinstance(answer, Rejected)
        assert answer.message.startswith(towels.asin)

    def test_is_refused_for_an_address_amazon_does_not_take(self, vendors: Vendors) -> None:
        """A bad request is a no in the vendor's words."""
        abroad = HOME.model_copy(update={"country_code": "FR"})
        answer = vendors.amazon.quote([line(batteries(vendors))], ship_to=abroad, quote_id="q")
        assert isinstance(answer, Rejected)
        assert "countryCode" in answer.message


class TestPlace:
    def test_orders_what_was_quoted(self, vendors: Vendors) -> None:
        """Done, with the vendor's number and the quoted total, and one entry in its books that says the same."""
        wanted = line(batteries(vendors))
        quote = quoted(vendors, wanted)
        done = place(vendors, wanted, expected=quote)
        assert isinstance(done, Done)
        assert done.total == quote.total
        assert vendors.booked("order") == [(done.reference, quote.total.cents)]
        assert {artifact.label for artifact in done.artifacts} == {"Order number", "Delivery"}

    def test_orders_several_lines(self, vendors: Vendors) -> None:
        """The same product twice is two lines."""
        lines = [line(batteries(vendors), 1), line(batteries(vendors), 3)]
        quote = quoted(vendors, *lines)
        done = place(vendors, *lines, expected=quote)
        assert isinstance(done, Done)
        assert done.total == quote.total

    def test_is_refused_by_the_vendor_one_cent_above(self, vendors: Vendors) -> None:
        """The price guard is the vendor's too; nothing is ordered."""
        wanted = line(batteries(vendors))
        quote = quoted(vendors, wanted)
        add_fault(vendors.world, "price_up", amount=1)
        answer = place(vendors, wanted, expected=quote)
        assert isinstance(answer, Rejected)
        assert answer.reason is Reason.PRICE
        assert (wanted.unit_price + Money(cents=1)).display in answer.message
        assert vendors.booked("order") == []

    def test_is_refused_when_shipping_is_above_the_quote(self, vendors: Vendors) -> None:
        """The guards cover every part of the total."""
        wanted = line(batteries(vendors))
        quote = quoted(vendors, wanted)
        cheaper = quote.model_copy(update={"tax": quote.tax - Money(cents=1)})
        answer = place(vendors, wanted, expected=cheaper)
        assert isinstance(answer, Rejected)
        assert answer.reason is Reason.PRICE

    def test_tells_the_true_total_of_a_vendor_without_guards(self, vendors: Vendors) -> None:
        """What was charged is reported even where it must not have been."""
        wanted = line(batteries(vendors))
        quote = quoted(vendors, wanted)
        add_fault(vendors.world, "price_up", amount=100)
        add_fault(vendors.world, "ignore_expectations")
        done = place(vendors, wanted, expected=quote)
        assert isinstance(done, Done)
        assert done.total is not None
        assert done.total > quote.total
        assert vendors.booked("order") == [(done.reference, done.total.cents)]

    def test_reports_what_was_not_bought(self, vendors: Vendors) -> None:
        """Half an order is Partial, with both halves named."""
        wanted = line(batteries(vendors), 3)
        quote = quoted(vendors, wanted)
        add_fault(vendors.world, "out_of_stock", target=wanted.asin, amount=1)
        answer = place(vendors, wanted, expected=quote)
        assert isinstance(answer, Partial)
        assert answer.done == (f"1 × {wanted.asin}",)
        assert answer.not_done == (f"2 × {wanted.asin}",)
        assert answer.total is not None
        assert vendors.booked("order") == [(answer.reference, answer.total.cents)]

    def test_can_be_repeated_after_an_expired_token(self, vendors: Vendors) -> None:
        """Refused is not done; the next call has a new token, and there is one order."""
        wanted = line(batteries(vendors))
        quote = quoted(vendors, wanted)
        add_fault(vendors.world, "token_expired", target="amazon")
        first = place(vendors, wanted, expected=quote)
        assert isinstance(first, Retryable)
        assert first.auth
        assert isinstance(place(vendors, wanted, expected=quote), Done)
        assert len(vendors.booked("order")) == 1

    def test_can_be_repeated_after_a_rate_limit(self, vendors: Vendors) -> None:
        """429 comes before anything is done, and says how long to wait."""
        wanted = line(batteries(vendors))
        quote = quoted(vendors, wanted)
        add_fault(vendors.world, "rate_limited", target="amazon.place_order")
        answer = place(vendors, wanted, expected=quote)
        assert isinstance(answer, Retryable)
        assert answer.retry_after_s == 2
        assert vendors.booked("order") == []

    def test_does_not_know_after_a_503(self, vendors: Vendors) -> None:
        """A server's error may come after the fact."""
        wanted = line(batteries(vendors))
        quote = quoted(vendors, wanted)
        add_fault(vendors.world, "unavailable", target="amazon.place_order")
        assert isinstance(place(vendors, wanted, expected=quote), Unknown)


class TestReconciling:
    def test_finds_an_order_whose_answer_was_lost(self, vendors: Vendors) -> None:
        """Unknown, looked up, done: one order, and the look-up says the same as the books."""
        wanted = line(batteries(vendors))
        quote = quoted(vendors, wanted)
        add_fault(vendors.world, "lose_answer", target="amazon.place_order")
        assert isinstance(place(vendors, wanted, expected=quote), Unknown)
        found = vendors.amazon.find("halo-1")
        assert isinstance(found, Done)
        assert found.total == quote.total
        assert vendors.booked("order") == [(found.reference, quote.total.cents)]

    def test_finds_nothing_where_the_request_was_lost(self, vendors: Vendors) -> None:
        """Unknown, looked up, not there; sent again under the same id there is one order."""
        wanted = line(batteries(vendors))
        quote = quoted(vendors, wanted)
        add_fault(vendors.world, "drop_before", target="amazon.place_order")
        assert isinstance(place(vendors, wanted, expected=quote), Unknown)
        assert vendors.amazon.find("halo-1") == NotThere()
        assert isinstance(place(vendors, wanted, expected=quote), Done)
        assert len(vendors.booked("order")) == 1

    def test_does_not_order_twice_under_one_id(self, vendors: Vendors) -> None:
        """The second answer is the first."""
        wanted = line(batteries(vendors))
        quote = quoted(vendors, wanted)
        assert place(vendors, wanted, expected=quote) == place(vendors, wanted, expected=quote)
        assert len(vendors.booked("order")) == 1

    def test_takes_a_refused_duplicate_for_the_order_it_is(self, vendors: Vendors) -> None:
        """A vendor that answers 400 to every known id: the order is looked up before the 400 is believed."""
        wanted = line(batteries(vendors))
        quote = quoted(vendors, wanted)
        first = place(vendors, wanted, expected=quote)
        add_fault(vendors.world, "refuse_duplicates")
        assert place(vendors, wanted, expected=quote) == first

    def test_does_not_know_a_refused_duplicate_that_is_not_shown_yet(self, vendors: Vendors) -> None:
        """Saying no would be a lie: the order is there."""
        wanted = line(batteries(vendors))
        quote = quoted(vendors, wanted)
        place(vendors, wanted, expected=quote)
        add_fault(vendors.world, "refuse_duplicates")
        add_fault(vendors.world, "hide_orders")
        assert isinstance(place(vendors, wanted, expected=quote), Unknown)

    def test_names_the_asins_of_a_partial_order(self, vendors: Vendors) -> None:
        """Also after a restart, when nobody remembers what the lines were."""
        wanted = line(batteries(vendors), 3)
        quote = quoted(vendors, wanted)
        add_fault(vendors.world, "out_of_stock", target=wanted.asin, amount=1)
        placed = place(vendors, wanted, expected=quote)
        clear_faults(vendors.world)
        assert vendors.amazon.find("halo-1") == placed

    def test_does_not_know_while_the_vendor_is_down(self, vendors: Vendors) -> None:
        """A look-up that fails proves nothing."""
        add_fault(vendors.world, "unavailable", target="amazon.order", times=3)
        assert isinstance(vendors.amazon.find("halo-1"), Unknown)


class TestOverLoopback:
    def test_tells_a_closed_connection_from_an_order(self, vendors: Vendors) -> None:
        """The same adapter over real sockets: the answer is lost with the connection, and the look-up finds the order."""
        add_fault(vendors.world, "lose_answer", target="amazon.place_order")
        with serving(vendors.world) as url:
            amazon = amazon_over(client(None, vendors.clock), vendors.clock, host=url)
            wanted = line(amazon.search("AA batteries", postal_code="94107")[0])
            quote = amazon.quote([wanted], ship_to=HOME, quote_id="q")
            assert isinstance(quote, Quote)
            assert isinstance(amazon.place([wanted], ship_to=HOME, external_id="halo-1", expected=quote), Unknown)
            found = amazon.find("halo-1")
        assert isinstance(found, Done)
        assert vendors.booked("order") == [(found.reference, quote.total.cents)]


class TestHistory:
    def test_is_newest_first(self, vendors: Vendors) -> None:
        """The last order comes first, with its lines and exact amounts."""
        orders = vendors.amazon.history(since=vendors.clock.now() - timedelta(days=365))
        assert len(orders) > 1
        assert [order.ordered_at for order in orders] == sorted((order.ordered_at for order in orders), reverse=True)
        assert all(order.lines and order.total.cents > 0 for order in orders)

    def test_holds_what_was_just_ordered(self, vendors: Vendors) -> None:
        """An order of this very second is in it."""
        wanted = line(batteries(vendors))
        quote = quoted(vendors, wanted)
        done = place(vendors, wanted, expected=quote)
        assert isinstance(done, Done)
        newest = vendors.amazon.history(since=vendors.clock.now() - timedelta(days=1))[0]
        assert (newest.order_id, newest.total) == (done.reference, quote.total)
        assert newest.lines[0].unit_price == quote.lines[0].unit_price

    def test_begins_where_it_was_asked_to(self, vendors: Vendors) -> None:
        """Nothing from before."""
        since = vendors.clock.now() - timedelta(days=20)
        assert all(order.ordered_at >= since for order in vendors.amazon.history(since=since))
