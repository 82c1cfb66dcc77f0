"""What a buyer's program does, as short as can be. The engine's adapters are tested elsewhere; these speak the wire directly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import httpx

from halo_sim.amazon_products import ranked
from halo_sim.data import Product, providers
from halo_sim.subscriptions_state import undo
from halo_sim.wire import Json, write_json
from halo_sim.world import World

PRODUCTS = "/amazon/products/2020-08-26/products"
ORDERS = "/amazon/ordering/2022-10-30/orders"
REPORTS = "/amazon/reports/2021-01-08/orders"

LOGIN = {"grant_type": "refresh_token", "refresh_token": "Atzr|halo-sim", "client_id": "halo-sim", "client_secret": "halo-sim-secret"}


def product(words: str) -> Product:
    """The first that a search for `words` finds."""
    return ranked(words)[0]


def exact(response: httpx.Response) -> Any:
    """The JSON body with its decimals kept as they were written."""
    return json.loads(response.content, parse_float=Decimal)


class Amazon:
    """A logged-in buyer."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http
        self.login()

    def login(self) -> None:
        token = self.http.post("/lwa/auth/o2/token", data=LOGIN).json()["access_token"]
        self.headers = {"x-amz-access-token": token, "x-amz-user-email": "buyer@example.com"}

    def get(self, path: str, **query: str | int) -> httpx.Response:
        return self.http.get(path, params=query, headers=self.headers)

    def post(self, path: str, body: Json) -> httpx.Response:
        headers = {**self.headers, "content-type": "application/json"}
        return self.http.post(path, content=write_json(body), headers=headers)

    def search(self, words: str, **query: str | int) -> Any:
        found = self.get(PRODUCTS, productRegion="US", locale="en_US", keywords=words, facets="OFFERS", **query)
        return exact(found)

    def place(self, *lines: dict[str, Any], key: str = "halo-1", trial: bool = False, expect: Mapping[str, int] | None = None) -> Any:
        return exact(self.post(ORDERS, order(*lines, key=key, trial=trial, expect=expect)))


def cents(value: int) -> dict[str, Any]:
    """As a caller writes it: an exact number."""
    return {"currencyCode": "USD", "amount": Decimal(value).scaleb(-2)}


def line(item: Product, quantity: int = 1, *, ceiling: int | None = None, number: str = "1", offer: str | None = None) -> dict[str, Any]:
    """One line of an order."""
    reference = {"productReferenceType": "ProductIdentifier", "id": item.asin}
    option = {"buyingOptionReferenceType": "BuyingOptionIdentifier", "id": offer or item.offer_id}
    guards = [] if ceiling is None else [{"expectationType": "ExpectedUnitPrice", "amount": cents(ceiling)}]
    return {
        "externalId": number,
        "quantity": quantity,
        "attributes": [
            {"attributeType": "SelectedProductReference", "productReference": reference},
            {"attributeType": "SelectedBuyingOptionReference", "buyingOptionReference": option},
        ],
        "expectations": guards,
    }


def order(*lines: dict[str, Any], key: str = "halo-1", trial: bool = False, expect: Mapping[str, int] | None = None) -> dict[str, Any]:
    """A whole order."""
    address = {
        "addressType": "PhysicalAddress",
        "fullName": "Alex Householder",
        "phoneNumber": "+12125550100",
        "addressLine1": "1 Example Street",
        "city": "Brooklyn",
        "stateOrRegion": "NY",
        "postalCode": "11201",
        "countryCode": "US",
    }
    attributes: list[dict[str, Any]] = [
        {"attributeType": "PurchaseOrderNumber", "purchaseOrderNumber": f"PO-{key}"},
        {"attributeType": "BuyerReference", "userReference": {"userReferenceType": "UserEmail", "emailAddress": "buyer@example.com"}},
        {"attributeType": "Region", "region": "US"},
        {
            "attributeType": "SelectedPaymentMethodReference",
            "paymentMethodReference": {"paymentMethodReferenceType": "StoredPaymentMethod"},
        },
        {"attributeType": "ShippingAddress", "address": address},
    ]
    if trial:
        attributes.append({"attributeType": "TrialMode"})
    guards = [{"expectationType": "ExpectedCharge", "amount": cents(most), "source": source} for source, most in (expect or {}).items()]
    return {"externalId": key, "lineItems": list(lines), "attributes": attributes, "expectations": guards}


def artifacts(answer: Any, kind: str) -> list[Any]:
    """Every artifact of one type, wherever it stands in an order's answer."""
    found = [*answer["acceptanceArtifacts"], *answer["rejectionArtifacts"]]
    for item in answer["lineItems"]:
        for part in (*item["acceptedItems"], *item["rejectedItems"]):
            found += part["artifacts"]
    return [one for one in found if kind in (one.get("acceptanceArtifactType"), one.get("rejectionArtifactType"))]


def total(answer: Any) -> Decimal:
    """The sum of all charges."""
    return sum((Decimal(charge["amount"]["amount"]) for charge in artifacts(answer, "Charge")), Decimal(0))


class Resy:
    """A logged-in diner."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http
        self.headers = {"authorization": 'ResyAPI api_key="halo-sim"', "user-agent": "halo-test"}
        self.login()

    def login(self) -> None:
        said = self.http.post("/resy/3/auth/password", data={"email": "buyer@example.com", "password": "halo-sim"}, headers=self.headers)
        self.headers["x-resy-auth-token"] = said.json()["token"]

    def get(self, path: str, **query: str | int) -> httpx.Response:
        return self.http.get(f"/resy{path}", params=query, headers=self.headers)

    def post(self, path: str, *, json: object = None, data: Mapping[str, Any] | None = None) -> httpx.Response:
        return self.http.post(f"/resy{path}", json=json, data=data, headers=self.headers)

    def slots(self, venue_id: int, day: str, party_size: int = 2) -> list[Any]:
        found = exact(self.get("/4/find", lat=0, long=0, venue_id=venue_id, day=day, party_size=party_size))
        return list(found["results"]["venues"][0]["slots"])

    def details(self, slot: Any, *, day: str, party_size: int = 2, commit: int = 0) -> httpx.Response:
        body = {"config_id": slot["config"]["token"], "day": day, "party_size": party_size, "commit": commit, "struct_items": []}
        return self.post("/3/details", json=body)

    def hold(self, slot: Any, *, day: str, party_size: int = 2) -> str:
        return str(self.details(slot, day=day, party_size=party_size, commit=1).json()["book_token"]["value"])

    def book(self, token: str, **more: str) -> httpx.Response:
        form = {"book_token": token, "struct_payment_method": '{"id":31340000}', "source_id": "resy.com-venue-details", "replace": "0"}
        return self.post("/3/book", data={**form, **more})

    def reservations(self) -> list[Any]:
        return list(exact(self.get("/3/user/reservations", limit=10, offset=0))["reservations"])


class Subscriptions:
    """A holder of subscriptions."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http
        self.headers = {"authorization": "Bearer sk_halo_sim"}

    def get(self, path: str, **query: str) -> httpx.Response:
        return self.http.get(f"/subscriptions{path}", params=query, headers=self.headers)

    def update(self, provider: str, *, key: str | None = None, **form: str) -> httpx.Response:
        headers = {**self.headers, **({"idempotency-key": key} if key else {})}
        return self.http.post(f"/subscriptions{path_of(provider)}", data=form, headers=headers)

    def read(self, provider: str) -> Any:
        return self.get(path_of(provider)).json()

    def delete(self, provider: str) -> httpx.Response:
        return self.http.delete(f"/subscriptions{path_of(provider)}", headers=self.headers)


def path_of(provider: str) -> str:
    """Where the household's subscription with `provider` is."""
    return f"/{provider}/v1/subscriptions/sub_{provider.replace('-', '_')}"


class Chargebee:
    """A holder of a subscription whose provider bills with Chargebee."""

    def __init__(self, http: httpx.Client, provider: str) -> None:
        self.http = http
        self.auth = ("sk_halo_sim", "")
        self.base = f"/subscriptions/{provider}/api/v2/subscriptions"
        self.one = f"{self.base}/sub_{provider.replace('-', '_')}"

    def read(self) -> Any:
        return self.http.get(self.one, auth=self.auth).json()["subscription"]

    def post(self, operation: str, *, key: str | None = None, **form: str) -> httpx.Response:
        headers = {"chargebee-idempotency-key": key} if key else {}
        return self.http.post(f"{self.one}/{operation}", data=form, headers=headers, auth=self.auth)

    def cancel(self, option: str = "end_of_term", *, key: str | None = None, **form: str) -> httpx.Response:
        return self.post("cancel_for_items", key=key, cancel_option=option, **form)


class Recurly:
    """A holder of a subscription whose provider bills with Recurly."""

    def __init__(self, http: httpx.Client, provider: str) -> None:
        self.http = http
        self.auth = ("sk_halo_sim", "")
        self.headers = {"accept": "application/vnd.recurly.v2021-02-25"}
        self.one = f"/subscriptions/{provider}/subscriptions/sub_{provider.replace('-', '_')}"

    def read(self) -> Any:
        return exact(self.http.get(self.one, auth=self.auth, headers=self.headers))

    def cancel(self, **body: str) -> httpx.Response:
        return self.http.put(f"{self.one}/cancel", json={"timeframe": "term_end", **body}, auth=self.auth, headers=self.headers)

    def terminate(self, **query: str) -> httpx.Response:
        return self.http.delete(self.one, params=query, auth=self.auth, headers=self.headers)

    def reactivate(self) -> httpx.Response:
        return self.http.put(f"{self.one}/reactivate", auth=self.auth, headers=self.headers)


class GooglePlay:
    """A buyer of a subscription in an app, or rather the app's owner, who is the one with the key."""

    def __init__(self, http: httpx.Client, provider: str) -> None:
        self.http = http
        self.headers = {"authorization": "Bearer sk_halo_sim"}
        entries = http.get("/subscriptions/v1/providers", headers=self.headers).json()["data"]
        bought = next(entry["purchase"] for entry in entries if entry["provider_id"] == provider)
        app = f"/subscriptions/{provider}/androidpublisher/v3/applications/{bought['package_name']}"
        self.one = f"{app}/purchases/subscriptionsv2/tokens/{bought['purchase_token']}"

    def get(self) -> httpx.Response:
        return self.http.get(self.one, headers=self.headers)

    def cancel(self, kind: str = "USER_REQUESTED_STOP_RENEWALS", **more: object) -> httpx.Response:
        body = {"cancellationContext": {"cancellationType": kind}, **more}
        return self.http.post(f"{self.one}:cancel", json=body, headers=self.headers)

    def revoke(self, refund: str = "proratedRefund") -> httpx.Response:
        return self.http.post(f"{self.one}:revoke", json={"revocationContext": {refund: {}}}, headers=self.headers)


def in_the_play_store(world: World, provider: str) -> None:
    """The person taps Resubscribe before the end. There is no call for it."""
    with world.transaction() as tx:
        undo(tx, providers()[provider], None)


class Square:
    """A customer of the neighbourhood."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http
        self.headers = {"authorization": "Bearer sq-halo-sim", "square-version": "2026-09-16"}

    def get(self, path: str, **query: str) -> httpx.Response:
        return self.http.get(f"/square/v2{path}", params=query, headers=self.headers)

    def post(self, path: str, body: Any) -> httpx.Response:
        return self.http.post(f"/square/v2{path}", json=body, headers=self.headers)

    def services(self, words: str) -> list[Any]:
        return list(self.post("/catalog/search-catalog-items", {"text_filter": words}).json().get("items", []))

    def times(self, location: str, variation: str, start: str, end: str) -> httpx.Response:
        asked = {"start_at_range": {"start_at": start, "end_at": end}, "location_id": location}
        segments = [{"service_variation_id": variation}]
        return self.post("/bookings/availability/search", {"query": {"filter": {**asked, "segment_filters": segments}}})

    def book(self, time: Any, *, key: str = "k1", **more: Any) -> httpx.Response:
        return self.post("/bookings", {"idempotency_key": key, "booking": {**time, "customer_id": "C1", **more}})
