"""The simulated Zinc, spoken to on its own paths: taken on at once, bought later, once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from halo_engine.clock import FakeClock
from halo_sim.faults import add_fault
from halo_sim.http import SimTransport
from halo_sim.ledger import read_ledger
from halo_sim.world import World
from halo_sim.zinc_orders import BOUGHT_AFTER, TAKEN_UP_AFTER
from tests.halo_sim.callers import product

BATTERIES = product("Voltara AA batteries 48 count")
SOAP = product("Tidewell dish soap 24 fl oz pack of 3")
AMPLE = 90_000


class Zinc:
    """A customer's program with the right key."""

    def __init__(self, http: httpx.Client, clock: FakeClock) -> None:
        self.http, self.clock = http, clock
        self.headers = {"authorization": "Bearer zn_test_halo_sim"}

    def get(self, path: str, **query: str) -> httpx.Response:
        return self.http.get(f"/zinc{path}", params=query, headers=self.headers)

    def post(self, path: str, body: object = None) -> httpx.Response:
        return self.http.post(f"/zinc{path}", json=body, headers=self.headers)

    def place(self, **changes: Any) -> Any:
        said = self.post("/orders", order(**changes))
        assert said.status_code == 201, said.text
        return said.json()

    def later(self, wait: timedelta = BOUGHT_AFTER) -> None:
        self.clock.advance(wait)

    def found(self, order_id: str) -> Any:
        return self.get(f"/orders/{order_id}").json()


def order(*items: tuple[str, int], **changes: Any) -> dict[str, Any]:
    """A whole order, two packs of batteries unless told; `changes` replace members."""
    wanted = items or ((BATTERIES.asin, 2),)
    address = {
        "first_name": "Alex",
        "last_name": "Householder",
        "address_line1": "1 Example Street",
        "city": "Brooklyn",
        "state": "NY",
        "postal_code": "11201",
        "phone_number": "+12125550100",
        "country": "US",
    }
    body = {
        "products": [{"url": f"https://www.amazon.com/dp/{asin}", "quantity": quantity} for asin, quantity in wanted],
        "max_price": AMPLE,
        "shipping_address": address,
        "idempotency_key": "halo-1",
        "metadata": {"halo_key": "halo-1"},
    }
    return body | changes


@pytest.fixture
def zinc(http: httpx.Client, clock: FakeClock) -> Zinc:
    """With the right key."""
    return Zinc(http, clock)


class TestAnOrder:
    def test_is_taken_on_then_under_way_then_placed(self, zinc: Zinc, world: World) -> None:
        """By the clock; nothing is bought before it is placed."""
        order_id = zinc.place()["id"]
        assert (zinc.found(order_id)["status"], read_ledger(world.path)) == ("pending", ())
        zinc.later(TAKEN_UP_AFTER)
        assert zinc.found(order_id)["status"] == "in_progress"
        zinc.later(BOUGHT_AFTER - TAKEN_UP_AFTER)
        placed = zinc.found(order_id)
        assert placed["status"] == "order_placed"
        assert [item["status"] for item in placed["items"]] == ["ordered"]

    def test_costs_what_it_costs_at_amazon(self, zinc: Zinc, world: World) -> None:
        """Two packs at $22.99 with 8.625 % tax, and the ledger says the same."""
        order_id = zinc.place()["id"]
        zinc.later()
        components = zinc.found(order_id)["job_result"]["price_components"]
        (entry,) = read_ledger(world.path)
        assert (components["subtotal"], components["shipping"], components["tax"], components["total"]) == (4598, 0, 397, 4995)
        assert (entry.vendor, entry.kind, entry.reference, entry.client_reference) == ("zinc", "order", order_id, "halo-1")
        assert entry.charged.cents == 4995

    def test_is_bought_once_however_often_it_is_looked_at(self, zinc: Zinc, world: World) -> None:
        """Looking is not buying."""
        order_id = zinc.place()["id"]
        zinc.later()
        for _ in range(3):
            zinc.found(order_id)
        assert len(read_ledger(world.path)) == 1

    @pytest.mark.parametrize(("cents", "status"), [(4995, "order_placed"), (4994, "order_failed")])
    def test_never_costs_more_than_its_max_price(self, zinc: Zinc, world: World, cents: int, status: str) -> None:
        """To the cent."""
        order_id = zinc.place(max_price=cents)["id"]
        zinc.later()
        found = zinc.found(order_id)
        assert found["status"] == status
        assert len(read_ledger(world.path)) == (status == "order_placed")
        if status == "order_failed":
            assert found["job_result"]["error_type"] == "max_price_exceeded"

    def test_is_bought_at_the_price_of_that_moment(self, zinc: Zinc, world: World) -> None:
        """A price that rose after it was taken on counts."""
        order_id = zinc.place(max_price=5100)["id"]
        add_fault(world, "price_up", target=BATTERIES.asin, amount=100)
        zinc.later()
        assert zinc.found(order_id)["job_result"]["error_type"] == "max_price_exceeded"

    def test_is_all_or_nothing(self, zinc: Zinc, world: World) -> None:
        """One line that is sold out fails the order."""
        add_fault(world, "out_of_stock", target=SOAP.asin)
        order_id = zinc.post("/orders", order((BATTERIES.asin, 1), (SOAP.asin, 1))).json()["id"]
        zinc.later()
        assert zinc.found(order_id)["job_result"]["error_type"] == "product_out_of_stock"
        assert read_ledger(world.path) == ()

    def test_skips_what_is_sold_out_where_that_was_wished(self, zinc: Zinc, world: World) -> None:
        """`fulfillment.items: best_effort` buys the rest, and says which it left."""
        add_fault(world, "out_of_stock", target=SOAP.asin)
        wish = {"items": "best_effort"}
        order_id = zinc.post("/orders", order((BATTERIES.asin, 1), (SOAP.asin, 1), fulfillment=wish)).json()["id"]
        zinc.later()
        found = zinc.found(order_id)
        assert [item["status"] for item in found["items"]] == ["ordered", "skipped"]
        assert found["job_result"]["price_components"]["subtotal"] == BATTERIES.price_cents
        assert len(read_ledger(world.path)) == 1

    def test_takes_from_the_same_stock_as_amazon(self, zinc: Zinc, world: World) -> None:
        """What Zinc bought is not there any more."""
        add_fault(world, "out_of_stock", target=BATTERIES.asin, amount=3)
        first = zinc.place()["id"]
        second = zinc.place(idempotency_key="halo-2")["id"]
        zinc.later()
        assert [zinc.found(order_id)["status"] for order_id in (first, second)] == ["order_placed", "order_failed"]

    def test_can_be_cancelled_until_it_is_taken_up(self, zinc: Zinc, world: World) -> None:
        """204, and it is never bought."""
        order_id = zinc.place()["id"]
        assert zinc.post(f"/orders/{order_id}/cancel").status_code == 204
        zinc.later()
        assert zinc.found(order_id)["status"] == "cancelled"
        assert read_ledger(world.path) == ()

    def test_cannot_be_cancelled_after_that(self, zinc: Zinc) -> None:
        """Somebody is at the till."""
        order_id = zinc.place()["id"]
        zinc.later(TAKEN_UP_AFTER)
        refused = zinc.post(f"/orders/{order_id}/cancel")
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "order_not_cancellable")


class TestAKey:
    def test_that_was_used_is_a_conflict_and_no_replay(self, zinc: Zinc, world: World) -> None:
        """409, and one order."""
        zinc.place()
        again = zinc.post("/orders", order())
        assert (again.status_code, again.json()["error"]["code"]) == (409, "already_exists")
        zinc.later()
        zinc.get("/orders")
        assert len(read_ledger(world.path)) == 1

    def test_of_a_refused_order_stays_free(self, zinc: Zinc) -> None:
        """What was not taken on leaves nothing behind."""
        assert zinc.post("/orders", order(max_price=100_001)).status_code == 402
        assert zinc.place()["status"] == "pending"

    def test_may_have_36_characters(self, zinc: Zinc) -> None:
        """And not one more."""
        assert zinc.post("/orders", order(idempotency_key="k" * 37)).status_code == 400
        assert zinc.post("/orders", order(idempotency_key="k" * 36)).status_code == 201


class TestRefusals:
    @pytest.mark.parametrize(
        ("change", "status", "code"),
        [
            ({"max_price": 100_001}, 402, "insufficient_funds"),
            ({"max_price": 0}, 400, "validation_error"),
            ({"products": []}, 400, "validation_error"),
            ({"products": [{"url": "https://shop.example/1"}]}, 422, "unsupported_retailer"),
            ({"shipping_address": order()["shipping_address"] | {"country": "FR"}}, 422, "unsupported_country"),
            ({"shipping_address": order()["shipping_address"] | {"postal_code": "SW1"}}, 422, "invalid_shipping_address"),
            ({"shipping_address": order()["shipping_address"] | {"address_line1": "x" * 61}}, 400, "validation_error"),
        ],
    )
    def test_are_in_zincs_words(self, zinc: Zinc, change: dict[str, Any], status: int, code: str) -> None:
        """A status, and a code inside `error`."""
        said = zinc.post("/orders", order(**change))
        assert (said.status_code, said.json()["error"]["code"]) == (status, code)

    def test_meet_a_caller_without_the_key(self, http: httpx.Client) -> None:
        """Reading costs the right to read."""
        assert http.get("/zinc/orders").json()["error"]["code"] == "invalid_token"


class TestTheList:
    @pytest.fixture
    def placed(self, zinc: Zinc) -> str:
        """One order, bought."""
        order_id = str(zinc.place()["id"])
        zinc.later()
        return order_id

    def test_finds_an_order_by_its_metadata(self, zinc: Zinc, placed: str) -> None:
        """Exactly; another value finds nothing."""
        assert [one["id"] for one in zinc.get("/orders", metadata_key="halo_key", metadata_value="halo-1").json()["orders"]] == [placed]
        assert zinc.get("/orders", metadata_key="halo_key", metadata_value="halo-").json()["orders"] == []

    def test_is_newest_first_and_goes_back_a_year(self, zinc: Zinc, placed: str) -> None:
        """The household's past is in it."""
        page = zinc.get("/orders", status_filter="order_placed", limit="100").json()
        assert page["orders"][0]["id"] == placed
        assert [one["created_at"] for one in page["orders"]] == sorted((one["created_at"] for one in page["orders"]), reverse=True)
        assert page["total"] > 10

    def test_has_pages(self, zinc: Zinc, placed: str) -> None:
        """The second begins where the first ends."""
        both = zinc.get("/orders", limit="4").json()["orders"]
        assert zinc.get("/orders", limit="2", offset="2").json()["orders"] == both[2:]

    def test_hides_an_order_when_told_to(self, zinc: Zinc, world: World, placed: str) -> None:
        """A look-up that comes too early; the household's history is not meant."""
        add_fault(world, "hide_orders")
        assert zinc.get("/orders", status_filter="order_placed").json()["orders"]
        assert zinc.get("/orders", metadata_key="halo_key", metadata_value="halo-1").json()["orders"] == []
        assert zinc.get("/orders", metadata_key="halo_key", metadata_value="halo-1").json()["orders"]


class TestFaults:
    def test_lose_the_answer_of_an_order_that_was_taken_on(self, zinc: Zinc, world: World) -> None:
        """It is bought all the same."""
        add_fault(world, "lose_answer", target="zinc.place_order")
        with pytest.raises(httpx.ReadTimeout):
            zinc.post("/orders", order())
        zinc.later()
        assert len(zinc.get("/orders", metadata_key="halo_key", metadata_value="halo-1").json()["orders"]) == 1
        assert len(read_ledger(world.path)) == 1

    def test_do_not_take_the_answer_of_whoever_looks_when_it_is_bought(self, zinc: Zinc, world: World) -> None:
        """Buying is not the looker's doing."""
        order_id = zinc.place()["id"]
        zinc.later()
        add_fault(world, "lose_answer")
        assert zinc.found(order_id)["status"] == "order_placed"

    def test_drop_an_order_before_it_is_taken_on(self, zinc: Zinc, world: World) -> None:
        """Nobody knows of it."""
        add_fault(world, "drop_before", target="zinc.place_order")
        with pytest.raises(httpx.ReadTimeout):
            zinc.post("/orders", order())
        assert zinc.get("/orders", metadata_key="halo_key", metadata_value="halo-1").json()["orders"] == []

    @pytest.mark.parametrize(("name", "status"), [("unavailable", 503), ("rate_limited", 429)])
    def test_turn_callers_away(self, zinc: Zinc, world: World, name: str, status: int) -> None:
        """In Zinc's own error body."""
        add_fault(world, name, target="zinc")
        said = zinc.get("/orders")
        assert said.status_code == status
        assert said.json()["error"]["message"]


class TestProducts:
    def test_are_amazons_at_amazons_prices(self, zinc: Zinc, world: World) -> None:
        """In cents, in search and in detail."""
        add_fault(world, "price_up", target=BATTERIES.asin, amount=7)
        found = zinc.get("/products/search", query="AA batteries", retailer="amazon").json()["results"]
        searched = {one["product_id"]: one for one in found}[BATTERIES.asin]
        detailed = zinc.get(f"/products/{BATTERIES.asin}", retailer="amazon").json()
        assert searched["price"] == detailed["price"] == BATTERIES.price_cents + 7
        assert detailed["title"] == BATTERIES.title

    def test_that_are_sold_out_have_no_price_to_buy_at(self, zinc: Zinc, world: World) -> None:
        """Search says so too."""
        add_fault(world, "out_of_stock", target=BATTERIES.asin)
        assert zinc.get(f"/products/{BATTERIES.asin}", retailer="amazon").json()["price"] is None
        found = zinc.get("/products/search", query="AA batteries", retailer="amazon").json()["results"]
        assert [one["available"] for one in found if one["product_id"] == BATTERIES.asin] == [False]

    def test_that_do_not_exist_are_a_failure_with_status_200(self, zinc: Zinc) -> None:
        """As the retailer's page would be."""
        assert zinc.get("/products/B000000000", retailer="amazon").json()["code"] == "product_not_found"

    def test_of_other_retailers_are_not_there(self, zinc: Zinc) -> None:
        """This world has one shop."""
        assert zinc.get("/products/search", query="soap", retailer="walmart").status_code == 422


def test_the_transport_and_the_key_are_the_ones_of_the_default_settings(world: World) -> None:
    """What `halo` starts with works without a setting."""
    from halo_engine.settings import load_settings

    settings = load_settings(home=world.path.parent, environ={})
    headers = {"authorization": f"Bearer {settings.zinc_api_key.get_secret_value()}"}
    with httpx.Client(transport=SimTransport(world)) as client:
        assert client.get(f"{settings.zinc_url}/orders", headers=headers).status_code == 200
