"""Every vendor the engine can ask, over one HTTP client, opened once from the settings.

The transport is the only seam: None is the network, and the simulator or a recording is another transport under the very same adapters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from halo_engine.clock import Clock
from halo_engine.model.errors import VendorFailed
from halo_engine.model.money import Money
from halo_engine.model.redaction import Redactor
from halo_engine.settings import Settings
from halo_engine.vendors.amazon import AmazonBusiness, AmazonCredentials
from halo_engine.vendors.http import VendorHttp
from halo_engine.vendors.merchant import Merchant
from halo_engine.vendors.resy import Resy, ResyCredentials
from halo_engine.vendors.square import Square
from halo_engine.vendors.subscriptions import Subscriptions
from halo_engine.vendors.zinc import Allowance, Zinc

#: The merchants that a household may prefer.
MERCHANTS = (AmazonBusiness.name, Zinc.name)


@dataclass(frozen=True)
class Vendors:
    """One adapter a vendor."""

    amazon: AmazonBusiness
    zinc: Zinc
    resy: Resy
    square: Square
    subscriptions: Subscriptions

    @property
    def merchants(self) -> Mapping[str, Merchant]:
        """Those who sell, by the name that preferences and terms use."""
        sellers: tuple[Merchant, ...] = (self.amazon, self.zinc)
        return {seller.name: seller for seller in sellers}

    def merchant(self, name: str) -> Merchant:
        """The merchant that terms name. Raises `VendorFailed` for one that this version of Halo does not know."""
        if name not in self.merchants:
            raise VendorFailed(f"Halo does not know the merchant “{name}”.")
        return self.merchants[name]


def open_vendors(settings: Settings, *, transport: httpx.BaseTransport | None, clock: Clock) -> Vendors:
    """Adapters for the accounts in `settings`. Nothing is asked of anybody until it is needed."""
    http = VendorHttp(transport, clock, redactor=Redactor(settings.secrets))
    amazon = AmazonCredentials(
        client_id=settings.amazon_client_id,
        client_secret=settings.amazon_client_secret,
        refresh_token=settings.amazon_refresh_token,
        user_email=settings.amazon_user_email,
    )
    resy = ResyCredentials(api_key=settings.resy_api_key, email=settings.resy_email, password=settings.resy_password)
    return Vendors(
        amazon=AmazonBusiness(http, base_url=settings.amazon_url, auth_url=settings.amazon_auth_url, credentials=amazon, clock=clock),
        zinc=Zinc(http, base_url=settings.zinc_url, api_key=settings.zinc_api_key, allowance=_allowance(settings)),
        resy=Resy(http, base_url=settings.resy_url, credentials=resy, clock=clock),
        square=Square(
            http, base_url=settings.square_url, access_token=settings.square_access_token, customer_id=settings.square_customer_id
        ),
        subscriptions=Subscriptions(http, base_url=settings.subscriptions_url, api_key=settings.subscriptions_api_key, clock=clock),
    )


def _allowance(settings: Settings) -> Allowance:
    shipping = Money(cents=settings.zinc_shipping_allowance_cents)
    return Allowance(shipping=shipping, tax_percent=settings.zinc_tax_allowance_percent)
