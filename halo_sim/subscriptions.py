"""The subscription companies: a registry of who they are, and under each of them a billing API in the dialect of its billing system.

No streaming service or gym offers consumers such an API; the registry says so by `capability`, and only `api` providers can be cancelled
here. What a subscription is stands in `subscriptions_state.py`, how it is spoken of in one file a dialect.
"""

from __future__ import annotations

from halo_sim import subscriptions_chargebee, subscriptions_google_play, subscriptions_recurly, subscriptions_stripe
from halo_sim.data import Provider, providers
from halo_sim.router import Route, Vendor
from halo_sim.wire import Json, JsonObject, Request, Response, json_response
from halo_sim.world import Transaction

_CHECKS = {
    "stripe": subscriptions_stripe.check_caller,
    "chargebee": subscriptions_chargebee.check_caller,
    "recurly": subscriptions_recurly.check_caller,
    "google_play": subscriptions_google_play.check_caller,
}


def registry(_tx: Transaction, _request: Request) -> Response:
    """GET v1/providers."""
    return json_response(200, {"object": "list", "data": [_entry(provider) for provider in providers().values()]})


def _entry(provider: Provider) -> JsonObject:
    fee: Json = {"amount": provider.fee_cents, "currency": "usd"} if provider.fee_cents else None
    return {
        "provider_id": provider.provider_id,
        "display_name": provider.display_name,
        "aliases": provider.aliases,
        "category": provider.category,
        "cancel": {
            "capability": provider.capability,
            "modes": provider.modes,
            "default_mode": provider.default_mode,
            "undo_until": "period_end" if "period_end" in provider.modes else None,
            "async": False,
            "retention_offer": provider.retention_offer,
            "fee": fee,
            "refund": provider.refund,
            "notice_days": provider.notice_days,
            "loses": provider.loses,
            "instructions": provider.instructions,
        },
        "deeplink": provider.deeplink,
        # A reference, to be resolved against the registry's own address.
        "base_url": f"/subscriptions/{provider.provider_id}",
        "dialect": provider.dialect,
        "purchase": _purchase(provider),
    }


def _purchase(provider: Provider) -> Json:
    """What Google Play cannot be asked: which purchase there is, and how often it is paid."""
    if provider.package_name is None:
        return None
    return {"package_name": provider.package_name, "purchase_token": provider.subscription_id, "interval": provider.interval}


def _check_caller(_tx: Transaction, request: Request) -> None:
    provider = providers().get(request.params.get("provider_id", ""))
    _CHECKS[provider.dialect if provider else "stripe"](request)


VENDOR = Vendor(
    name="subscriptions",
    routes=(
        Route("GET", "/v1/providers", "registry", registry),
        *subscriptions_stripe.ROUTES,
        *subscriptions_chargebee.ROUTES,
        *subscriptions_recurly.ROUTES,
        *subscriptions_google_play.ROUTES,
    ),
    check_caller=_check_caller,
    refuse=subscriptions_stripe.refuse,
)
