"""Every fault, seen from the caller's side and from the ledger's."""

from __future__ import annotations

from decimal import Decimal

import httpx
import pytest

from halo_sim.faults import FAULTS, add_fault, clear_faults, list_faults
from halo_sim.ledger import read_ledger
from halo_sim.world import World
from tests.halo_sim.callers import ORDERS, PRODUCTS, REPORTS, Amazon, Resy, Subscriptions, artifacts, line, order, product

SOAP = product("Tidewell dish soap 24 fl oz pack of 3")
BATTERIES = product("Voltara AA batteries 48 count")
ISHQ = 84001
DAY = "2026-12-04"


class TestPriceUp:
    def test_is_seen_in_search_quote_and_order(self, amazon: Amazon, world: World) -> None:
        """One price everywhere."""
        add_fault(world, "price_up", target=SOAP.asin, amount=101)
        risen = Decimal(SOAP.price_cents + 101).scaleb(-2)
        found = {item["asin"]: item for item in amazon.search("dish soap")["products"]}[SOAP.asin]
        assert found["includedDataTypes"]["OFFERS"][0]["price"]["value"]["amount"] == risen
        assert artifacts(amazon.place(line(SOAP), trial=True), "UnitPrice")[0]["amount"]["amount"] == risen
        assert artifacts(amazon.place(line(SOAP)), "UnitPrice")[0]["amount"]["amount"] == risen

    def test_breaks_the_expectation_of_who_saw_the_old_price(self, amazon: Amazon, world: World) -> None:
        """Without a target every price rises, by $1.50."""
        add_fault(world, "price_up")
        said = amazon.place(line(SOAP, ceiling=SOAP.price_cents))
        assert artifacts(said, "BrokenUnitPriceExpectation")[0]["actualAmount"]["amount"] == Decimal(SOAP.price_cents + 150).scaleb(-2)

    def test_leaves_other_products_alone_and_falls_back(self, amazon: Amazon, world: World) -> None:
        """Clearing it restores the price."""
        add_fault(world, "price_up", target=SOAP.asin)
        assert artifacts(amazon.place(line(BATTERIES, ceiling=BATTERIES.price_cents), trial=True), "UnitPrice")
        clear_faults(world, "price_up")
        assert artifacts(amazon.place(line(SOAP, ceiling=SOAP.price_cents), trial=True), "UnitPrice")


class TestOutOfStock:
    def test_is_said_in_search_and_refused_in_an_order(self, amazon: Amazon, world: World) -> None:
        """Nothing is there, nothing is accepted."""
        add_fault(world, "out_of_stock", target=SOAP.asin)
        found = amazon.get(f"{PRODUCTS}/{SOAP.asin}", productRegion="US", locale="en_US", facets="OFFERS").json()
        assert found["includedDataTypes"]["OFFERS"][0]["availability"] == "Out of Stock"
        said = amazon.place(line(SOAP, 2))
        assert artifacts(said, "UnavailableQuantity")[0]["quantity"] == 2
        assert said["lineItems"][0]["acceptedItems"] == []
        assert read_ledger(world.path) == ()


class TestSlotGone:
    @pytest.mark.parametrize("target", [None, str(ISHQ), "resy.details"])
    def test_strikes_between_the_quote_and_the_hold(self, resy: Resy, world: World, target: str | None) -> None:
        """The slot is then really gone."""
        slot = resy.slots(ISHQ, DAY)[0]
        assert resy.details(slot, day=DAY).status_code == 200
        add_fault(world, "slot_gone", target=target)
        assert resy.details(slot, day=DAY, commit=1).status_code == 404
        assert slot not in resy.slots(ISHQ, DAY)
        assert resy.details(resy.slots(ISHQ, DAY)[0], day=DAY, commit=1).status_code == 201

    def test_strikes_between_the_hold_and_the_booking(self, resy: Resy, world: World) -> None:
        """With the booking as its target."""
        token = resy.hold(resy.slots(ISHQ, DAY)[0], day=DAY)
        add_fault(world, "slot_gone", target="resy.book")
        assert resy.book(token).status_code == 404
        assert resy.book(token).status_code == 404
        assert read_ledger(world.path) == ()

    def test_leaves_other_venues_alone(self, resy: Resy, world: World) -> None:
        """Its target is one venue."""
        add_fault(world, "slot_gone", target="84004")
        assert resy.book(resy.hold(resy.slots(ISHQ, DAY)[0], day=DAY)).status_code == 201


class TestFeeChanged:
    def test_shows_between_the_quote_and_the_hold(self, resy: Resy, world: World) -> None:
        """The fee of $25 becomes $35, in the find as well."""
        slot = resy.slots(ISHQ, DAY)[0]
        add_fault(world, "fee_changed", target=str(ISHQ))
        held = resy.details(slot, day=DAY, commit=1).json()
        assert held["cancellation"]["fee"]["display"]["amount"] == "$35.00"
        assert resy.slots(ISHQ, DAY)[0]["payment"]["cancellation_fee"] == Decimal("35.00")


class TestLoseAnswer:
    def test_places_the_order_and_says_nothing(self, amazon: Amazon, world: World) -> None:
        """One effect; the look-up finds it; a repeat is answered and adds nothing."""
        add_fault(world, "lose_answer")
        with pytest.raises(httpx.ReadTimeout):
            amazon.place(line(SOAP))
        assert len(read_ledger(world.path)) == 1
        assert amazon.get(f"{ORDERS}/halo-1").status_code == 200
        assert artifacts(amazon.place(line(SOAP)), "OrderIdentifier")
        assert len(read_ledger(world.path)) == 1

    def test_waits_for_a_call_that_has_an_effect(self, amazon: Amazon, world: World) -> None:
        """Reads, quotes and refused orders are answered."""
        add_fault(world, "lose_answer")
        amazon.search("dish soap")
        amazon.place(line(SOAP), trial=True)
        amazon.place(line(SOAP, ceiling=1))
        assert len(list_faults(world)) == 1

    def test_books_and_says_nothing(self, resy: Resy, world: World) -> None:
        """The list tells."""
        token = resy.hold(resy.slots(ISHQ, DAY)[0], day=DAY)
        add_fault(world, "lose_answer", target="resy")
        with pytest.raises(httpx.ReadTimeout):
            resy.book(token)
        assert len(resy.reservations()) == 1

    def test_cancels_and_says_nothing(self, subscriptions: Subscriptions, world: World) -> None:
        """A read tells."""
        add_fault(world, "lose_answer", target="subscriptions.delete")
        with pytest.raises(httpx.ReadTimeout):
            subscriptions.delete("streamly")
        assert subscriptions.read("streamly")["status"] == "canceled"

    def test_keeps_the_replay_of_a_key(self, subscriptions: Subscriptions, world: World) -> None:
        """The lost answer is given when the key comes again."""
        add_fault(world, "lose_answer")
        with pytest.raises(httpx.ReadTimeout):
            subscriptions.update("streamly", key="k", cancel_at_period_end="true")
        again = subscriptions.update("streamly", key="k", cancel_at_period_end="true")
        assert again.headers["idempotent-replayed"] == "true"
        assert len(read_ledger(world.path)) == 1


class TestDropBefore:
    def test_has_no_effect(self, amazon: Amazon, world: World) -> None:
        """The same symptom and an empty ledger; the next try goes through."""
        add_fault(world, "drop_before")
        with pytest.raises(httpx.ReadTimeout):
            amazon.place(line(SOAP))
        assert read_ledger(world.path) == ()
        assert amazon.get(f"{ORDERS}/halo-1").status_code == 404
        assert artifacts(amazon.place(line(SOAP)), "OrderIdentifier")

    def test_leaves_a_book_token_usable(self, resy: Resy, world: World) -> None:
        """Nothing reached the vendor."""
        token = resy.hold(resy.slots(ISHQ, DAY)[0], day=DAY)
        add_fault(world, "drop_before")
        with pytest.raises(httpx.ReadTimeout):
            resy.book(token)
        assert resy.book(token).status_code == 201


class TestUnavailable:
    def test_answers_503_so_many_times(self, amazon: Amazon, world: World) -> None:
        """Then all is well."""
        add_fault(world, "unavailable", target="amazon", times=2)
        assert [amazon.get(REPORTS).status_code for _ in range(3)] == [503, 503, 200]

    def test_strikes_the_operation_it_names(self, amazon: Amazon, world: World) -> None:
        """The quote passes, the order does not, and nothing was bought."""
        add_fault(world, "unavailable", target="amazon.place_order")
        assert artifacts(amazon.place(line(SOAP), trial=True), "UnitPrice")
        assert amazon.post(ORDERS, order(line(SOAP))).status_code == 503
        assert read_ledger(world.path) == ()

    @pytest.mark.parametrize(
        ("path", "member"), [("/lwa/auth/o2/token", "error"), ("/resy/3/auth/password", "code"), ("/subscriptions/v1/providers", "error")]
    )
    def test_speaks_in_each_vendors_own_form(self, http: httpx.Client, world: World, path: str, member: str) -> None:
        """A JSON body as in every other error."""
        add_fault(world, "unavailable")
        said = http.get(path) if "providers" in path else http.post(path)
        assert (said.status_code, member in said.json()) == (503, True)


class TestRateLimited:
    def test_answers_429_and_says_how_long(self, amazon: Amazon, world: World) -> None:
        """Nothing is placed."""
        add_fault(world, "rate_limited")
        said = amazon.post(ORDERS, order(line(SOAP)))
        assert (said.status_code, said.headers["retry-after"]) == (429, "2")
        assert read_ledger(world.path) == ()


class TestTokenExpired:
    def test_ends_every_session_now(self, amazon: Amazon, resy: Resy, world: World) -> None:
        """403 at Amazon and 419 at Resy, until they log in again."""
        add_fault(world, "token_expired")
        assert amazon.get(REPORTS).status_code == 403
        assert resy.get("/2/user").status_code == 419
        amazon.login()
        assert amazon.get(REPORTS).status_code == 200
        assert list_faults(world) == ()

    def test_may_name_a_vendor(self, amazon: Amazon, resy: Resy, world: World) -> None:
        """The other one stays logged in."""
        add_fault(world, "token_expired", target="resy")
        assert (amazon.get(REPORTS).status_code, resy.get("/2/user").status_code) == (200, 419)


class TestIgnoreExpectations:
    def test_sells_above_the_ceiling(self, amazon: Amazon, world: World) -> None:
        """The buyer has to look at the answer."""
        add_fault(world, "ignore_expectations")
        assert artifacts(amazon.place(line(SOAP, ceiling=1), expect={"SUBTOTAL": 1}), "OrderIdentifier")
        assert read_ledger(world.path)[0].charged.cents > 1


class TestHideOrders:
    def test_hides_an_order_for_so_many_looks(self, amazon: Amazon, world: World) -> None:
        """It was there all the time."""
        amazon.place(line(SOAP))
        add_fault(world, "hide_orders", times=2)
        assert [amazon.get(f"{ORDERS}/halo-1").status_code for _ in range(3)] == [404, 404, 200]


class TestRefuseDuplicates:
    def test_answers_400_to_a_repeat(self, amazon: Amazon, world: World) -> None:
        """The other thing Amazon might do, as nobody has documented it."""
        add_fault(world, "refuse_duplicates")
        assert amazon.post(ORDERS, order(line(SOAP))).status_code == 200
        assert amazon.post(ORDERS, order(line(SOAP))).status_code == 400
        assert len(read_ledger(world.path)) == 1


class TestFaults:
    def test_are_described_in_one_sentence_each(self) -> None:
        """Help and documentation come from the table."""
        assert all(sentence.endswith(".") and len(sentence) < 140 for sentence in FAULTS.values())

    def test_are_listed_and_cleared(self, world: World) -> None:
        """By name or all."""
        add_fault(world, "unavailable", target="resy", times=3)
        add_fault(world, "price_up")
        assert [(fault.name, fault.target, fault.amount, fault.times_left) for fault in list_faults(world)] == [
            ("unavailable", "resy", None, 3),
            ("price_up", None, 150, None),
        ]
        clear_faults(world, "unavailable")
        assert [fault.name for fault in list_faults(world)] == ["price_up"]
        clear_faults(world)
        assert list_faults(world) == ()

    def test_refuse_what_makes_no_sense(self, world: World) -> None:
        """An unknown name, no ASIN, no times, a negative or an absurd amount."""
        with pytest.raises(ValueError, match="no fault is called 'flood'"):
            add_fault(world, "flood")
        with pytest.raises(ValueError, match="needs an ASIN"):
            add_fault(world, "out_of_stock")
        with pytest.raises(ValueError, match="times"):
            add_fault(world, "unavailable", times=0)
        for amount in (-1, 10**12):
            with pytest.raises(ValueError, match="amount"):
                add_fault(world, "price_up", amount=amount)
