"""Product Search as a shopper's program meets it."""

from __future__ import annotations

import httpx
import pytest

from halo_sim.amazon_products import ranked
from halo_sim.faults import add_fault
from halo_sim.world import World
from tests.halo_sim.callers import LOGIN, PRODUCTS, Amazon, exact, product

QUERIES = {
    "AA batteries": "AA Alkaline Batteries",
    "paper towels": "Paper Towels",
    "dish soap": "Dish Soap",
    "dog food": "Dog Food",
    "espresso beans": "Espresso",
    "diapers size 4": "Diapers Size 4",
    "olive oil": "Olive Oil",
    "size 4 diapers": "Diapers Size 4",
    "toilet paper": "Toilet Paper",
}


class TestSearch:
    @pytest.mark.parametrize("words", QUERIES)
    def test_finds_what_a_household_asks_for(self, words: str) -> None:
        """The first three hits are that kind of thing."""
        assert all(QUERIES[words] in found.title for found in ranked(words)[:3])

    def test_knows_one_from_many(self) -> None:
        """Singular and plural find the same, in the same order."""
        assert ranked("AA battery") == ranked("aa BATTERIES")

    def test_puts_the_exact_size_first(self) -> None:
        """More of the words covered counts for more than reviews."""
        assert {found.size for found in ranked("AA batteries 48 count")[:2]} == {"48 Count"}

    def test_leaves_out_what_covers_only_half(self) -> None:
        """AAA is not AA, and hand soap is not dish soap."""
        assert not [found for found in ranked("dish soap") if "Hand Soap" in found.title]
        assert not [found for found in ranked("AA batteries") if "AAA Alkaline" in found.title]

    def test_finds_nothing_for_nonsense(self, amazon: Amazon) -> None:
        """No hit is an empty page."""
        assert amazon.search("unobtainium widgets") == {
            "matchingProductCount": 0,
            "numberOfPages": 0,
            "searchRefinements": [],
            "products": [],
        }

    def test_is_ambiguous_where_the_shop_is(self) -> None:
        """AA batteries come in several packs by two makers."""
        assert {(found.brand, found.pack_count) for found in ranked("AA batteries")} >= {("Voltara", 48), ("Northcell", 48), ("Voltara", 8)}

    def test_pages(self, amazon: Amazon) -> None:
        """Pages are counted from zero and do not overlap."""
        first, second = (amazon.search("coffee", pageSize=5, pageNumber=number) for number in (0, 1))
        asins = [found["asin"] for page in (first, second) for found in page["products"]]
        assert len(set(asins)) == 10
        assert first["numberOfPages"] == -(-first["matchingProductCount"] // 5)

    def test_has_the_documented_shape(self, amazon: Amazon) -> None:
        """Every member that the model file names is there."""
        found = amazon.search("olive oil")["products"][0]
        offer = found["includedDataTypes"]["OFFERS"][0]
        assert set(found) >= {"asin", "asinType", "signedProductId", "title", "url", "features", "byLine", "customerReviewsSummary"}
        assert set(offer) >= {
            "availability",
            "buyingGuidance",
            "fulfillmentType",
            "merchant",
            "offerId",
            "price",
            "listPrice",
            "quantityLimits",
        }
        assert offer["deliveryInformation"] == "FREE delivery Tue, Nov 24"

    def test_writes_prices_digit_for_digit(self, amazon: Amazon, world: World) -> None:
        """A price ending in a zero keeps it, because no float ever touched it."""
        puppy_food = product("dry puppy food")
        add_fault(world, "price_up", target=puppy_food.asin, amount=4000 - puppy_food.price_cents)
        body = amazon.get(f"{PRODUCTS}/{puppy_food.asin}", productRegion="US", locale="en_US", facets="OFFERS").text
        assert '"value":{"amount":40.00,"currencyCode":"USD"}' in body

    def test_gives_no_price_without_offers(self, amazon: Amazon) -> None:
        """The facet has to be asked for."""
        found = amazon.get(PRODUCTS, productRegion="US", locale="en_US", keywords="coffee").json()
        assert found["products"][0]["includedDataTypes"] == {}

    @pytest.mark.parametrize(
        "query", [{}, {"productRegion": "DE", "locale": "en_US"}, {"productRegion": "US", "locale": "en_US", "pageSize": 25}]
    )
    def test_refuses_bad_parameters(self, amazon: Amazon, query: dict[str, str | int]) -> None:
        """A region, a locale and a page size within bounds are required."""
        said = amazon.get(PRODUCTS, **query)
        assert said.status_code == 400
        assert set(said.json()["errors"][0]) == {"code", "message", "details"}


class TestProduct:
    def test_is_read_by_asin(self, amazon: Amazon) -> None:
        """One product, not wrapped."""
        asin = product("dog food").asin
        assert amazon.get(f"{PRODUCTS}/{asin}", productRegion="US", locale="en_US").json()["asin"] == asin

    def test_is_not_found_by_a_wrong_asin(self, amazon: Amazon) -> None:
        """The code is the documented one."""
        said = amazon.get(f"{PRODUCTS}/B000000000", productRegion="US", locale="en_US")
        assert (said.status_code, said.json()["errors"][0]["code"]) == (404, "PRODUCT_NOT_FOUND")

    def test_several_are_read_at_once(self, amazon: Amazon) -> None:
        """Those that do not exist are listed apart."""
        asin = product("dog food").asin
        body = {"productIds": [asin, "B000000000"], "productRegion": "US", "locale": "en_US", "facets": ["OFFERS"]}
        said = exact(amazon.post(f"{PRODUCTS}/getProductsByAsins", body))
        assert [found["asin"] for found in said["products"]] == [asin]
        assert said["notFoundAsins"] == ["B000000000"]
        assert said["products"][0]["includedDataTypes"]["OFFERS"]


class TestLogin:
    def test_has_the_documented_shape(self, http: httpx.Client) -> None:
        """A bearer token for an hour."""
        said = http.post("/lwa/auth/o2/token", data=LOGIN).json()
        assert set(said) == {"access_token", "token_type", "expires_in", "refresh_token"}
        assert (said["token_type"], said["expires_in"]) == ("bearer", 3600)

    @pytest.mark.parametrize(
        ("field", "value", "status", "error"),
        [
            ("grant_type", "password", 400, "unsupported_grant_type"),
            ("client_secret", "wrong", 401, "invalid_client"),
            ("refresh_token", "wrong", 400, "invalid_grant"),
            ("client_id", "", 400, "invalid_request"),
        ],
    )
    def test_says_what_is_wrong(self, http: httpx.Client, field: str, value: str, status: int, error: str) -> None:
        """Each documented error has its status."""
        said = http.post("/lwa/auth/o2/token", data={**LOGIN, field: value})
        assert (said.status_code, said.json()["error"]) == (status, error)
