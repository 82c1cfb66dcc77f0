"""The simulated vendors, and the adapters over them: real requests, real answers, and the vendors' own books."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
from pydantic import SecretStr

from halo_engine.clock import FakeClock
from halo_engine.model.household import Address
from halo_engine.model.money import Money
from halo_engine.vendors.amazon import AmazonBusiness, AmazonCredentials
from halo_engine.vendors.http import VendorHttp
from halo_engine.vendors.resy import Resy, ResyCredentials
from halo_engine.vendors.square import Square
from halo_engine.vendors.subscriptions import Subscriptions
from halo_engine.vendors.zinc import Allowance, Zinc
from halo_sim.http import SimTransport
from halo_sim.world import World
from tests.halo_engine.vendors.kit import NOW

HOST = "http://simulator.invalid"

HOME = Address(
    full_name="A. Householder",
    phone_number="+14155550100",
    address_line1="1 Example St",
    city="San Francisco",
    state_or_region="CA",
    postal_code="94107",
    country_code="US",
)


class Counting(httpx.BaseTransport):
    """Passes everything on, and keeps the paths."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner
        self.paths: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(f"{request.method} {request.url.path}")
        return self._inner.handle_request(request)


@dataclass(frozen=True)
class Vendors:
    """One world with one adapter for each vendor."""

    world: World
    clock: FakeClock
    wire: Counting
    amazon: AmazonBusiness
    resy: Resy
    square: Square
    subscriptions: Subscriptions
    zinc: Zinc

    def booked(self, kind: str) -> list[tuple[str, int]]:
        """Reference and amount of every effect of that kind, from the vendors' own books."""
        with self.world.transaction() as tx:
            rows = tx.rows("SELECT reference, charged_cents FROM ledger WHERE kind = ? ORDER BY seq", kind)
        return [(row["reference"], row["charged_cents"]) for row in rows]


def open_vendors(folder: Path) -> Iterator[Vendors]:
    """For a fixture."""
    clock = FakeClock(NOW)
    world = World.open(folder / "world.db", clock)
    wire = Counting(SimTransport(world))
    http = VendorHttp(wire, clock)
    yield Vendors(
        world=world,
        clock=clock,
        wire=wire,
        amazon=amazon_over(http, clock),
        resy=resy_over(http, clock),
        square=square_over(http),
        subscriptions=subscriptions_over(http, clock),
        zinc=zinc_over(http),
    )
    http.close()


def amazon_over(http: VendorHttp, clock: FakeClock, *, host: str = HOST) -> AmazonBusiness:
    credentials = AmazonCredentials(
        client_id="halo-sim",
        client_secret=SecretStr("halo-sim-secret"),
        refresh_token=SecretStr("Atzr|halo-sim"),
        user_email="buyer@example.com",
    )
    return AmazonBusiness(http, base_url=f"{host}/amazon", auth_url=f"{host}/lwa/auth/o2/token", credentials=credentials, clock=clock)


def resy_over(http: VendorHttp, clock: FakeClock) -> Resy:
    credentials = ResyCredentials(api_key=SecretStr("halo-sim"), email="buyer@example.com", password=SecretStr("halo-sim"))
    return Resy(http, base_url=f"{HOST}/resy", credentials=credentials, clock=clock)


def square_over(http: VendorHttp) -> Square:
    return Square(http, base_url=f"{HOST}/square", access_token=SecretStr("sq-halo-sim"), customer_id="CHALOSIM")


def subscriptions_over(http: VendorHttp, clock: FakeClock) -> Subscriptions:
    return Subscriptions(http, base_url=f"{HOST}/subscriptions", api_key=SecretStr("sk_halo_sim"), clock=clock)


def zinc_over(http: VendorHttp, *, host: str = HOST) -> Zinc:
    allowance = Allowance(shipping=Money(cents=599), tax_percent=10)
    return Zinc(http, base_url=f"{host}/zinc", api_key=SecretStr("zn_test_halo_sim"), allowance=allowance)
