"""Every vendor the engine can ask, over one HTTP client, opened once from the settings.

The transport is the only seam: None is the network, and the simulator or a recording is another transport under the very same adapters.
"""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from halo_engine.clock import Clock
from halo_engine.settings import Settings
from halo_engine.vendors.amazon import AmazonBusiness, AmazonCredentials
from halo_engine.vendors.http import VendorHttp
from halo_engine.vendors.resy import Resy, ResyCredentials
from halo_engine.vendors.subscriptions import Subscriptions


@dataclass(frozen=True)
class Vendors:
    """One adapter a vendor."""

    amazon: AmazonBusiness
    resy: Resy
    subscriptions: Subscriptions


def open_vendors(settings: Settings, *, transport: httpx.BaseTransport | None, clock: Clock) -> Vendors:
    """Adapters for the accounts in `settings`. Nothing is asked of anybody until it is needed."""
    http = VendorHttp(transport, clock)
    amazon = AmazonCredentials(
        client_id=settings.amazon_client_id,
        client_secret=settings.amazon_client_secret,
        refresh_token=settings.amazon_refresh_token,
        user_email=settings.amazon_user_email,
    )
    resy = ResyCredentials(api_key=settings.resy_api_key, email=settings.resy_email, password=settings.resy_password)
    return Vendors(
        amazon=AmazonBusiness(http, base_url=settings.amazon_url, auth_url=settings.amazon_auth_url, credentials=amazon, clock=clock),
        resy=Resy(http, base_url=settings.resy_url, credentials=resy, clock=clock),
        subscriptions=Subscriptions(http, base_url=settings.subscriptions_url, api_key=settings.subscriptions_api_key, clock=clock),
    )
