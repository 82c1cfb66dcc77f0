"""Amazon Business as its buyers' programs see it: the operations, who may call them, and how it says no.

Login with Amazon is a vendor of its own on the wire (`/lwa`), because a lost token and a lost order are different faults.
"""

from __future__ import annotations

from datetime import timedelta

from halo_sim import amazon_orders, amazon_products, amazon_reports
from halo_sim.data import BUYER_EMAIL
from halo_sim.router import Route, Vendor
from halo_sim.wire import FORM_TYPE, JsonObject, Refusal, Request, Response, json_response, read_form
from halo_sim.world import Transaction, from_text, to_text

CLIENT_ID = "halo-sim"
CLIENT_SECRET = "halo-sim-secret"  # noqa: S105 - the simulator's own, and written in its documentation
REFRESH_TOKEN = "Atzr|halo-sim"  # noqa: S105 - the same

TOKEN_LIFE = timedelta(seconds=3600)

_PRODUCTS = "/products/2020-08-26/products"
_ORDERS = "/ordering/2022-10-30/orders"
_REPORTS = "/reports/2021-01-08/orders"


def issue_token(tx: Transaction, request: Request) -> Response:
    """POST auth/o2/token: a fresh access token for the refresh token."""
    if request.content_type != FORM_TYPE:
        raise Refusal(400, "invalid_request", "The request must be a form.")
    form = read_form(request)
    _check_grant(form.get("grant_type"), form.get("client_id"), form.get("client_secret"), form.get("refresh_token"))
    token = f"Atza|{tx.new_secret()}"
    tx.run("INSERT INTO tokens VALUES (?, 'amazon', ?)", token, to_text(tx.now + TOKEN_LIFE))
    answer: JsonObject = {
        "access_token": token,
        "token_type": "bearer",
        "expires_in": int(TOKEN_LIFE.total_seconds()),
        "refresh_token": REFRESH_TOKEN,
    }
    return json_response(200, answer, headers=(("cache-control", "no-store"),))


def _check_grant(grant: str | None, client_id: str | None, secret: str | None, refresh: str | None) -> None:
    if not grant or not client_id or not secret or not refresh:
        raise Refusal(400, "invalid_request", "The request is missing a required parameter.")
    if grant != "refresh_token":
        raise Refusal(400, "unsupported_grant_type", "The grant type is not supported.")
    if (client_id, secret) != (CLIENT_ID, CLIENT_SECRET):
        raise Refusal(401, "invalid_client", "Client authentication failed.")
    if refresh != REFRESH_TOKEN:
        raise Refusal(400, "invalid_grant", "The refresh token is not valid.")


def _anybody(_tx: Transaction, _request: Request) -> None:
    """Login is open: its body is its proof."""


def _check_token(tx: Transaction, request: Request) -> None:
    """A token that is missing, wrong or expired is 403, and never 401."""
    token = request.headers.get("x-amz-access-token", "")
    found = tx.row("SELECT expires_at FROM tokens WHERE vendor = 'amazon' AND token = ?", token)
    if found is None or from_text(found["expires_at"]) <= tx.now:
        details = "The access token you provided has expired." if token else "The access token is missing."
        raise Refusal(403, "Unauthorized", "Access to requested resource is denied.", details=details)
    if _needs_user(request) and request.headers.get("x-amz-user-email", "").lower() != BUYER_EMAIL:
        raise Refusal(400, "EMAIL_ID_NOT_FOUND", "x-amz-user-email names no user of this account.")


def _needs_user(request: Request) -> bool:
    """Placing an order names the buyer in its body instead, and reports are the account's."""
    section = request.segments[1]
    return section == "products" or (section == "ordering" and request.method == "GET")


def _refuse_login(refusal: Refusal) -> Response:
    body = {"error": refusal.code, "error_description": refusal.message}
    return json_response(refusal.status, body, headers=_retry_after(refusal))


def _refuse(refusal: Refusal) -> Response:
    body = {"errors": [{"code": refusal.code, "message": refusal.message, "details": refusal.details}]}
    return json_response(refusal.status, body, headers=_retry_after(refusal))


def _retry_after(refusal: Refusal) -> tuple[tuple[str, str], ...]:
    return () if refusal.retry_after_s is None else (("retry-after", str(refusal.retry_after_s)),)


LOGIN = Vendor(
    name="lwa",
    routes=(Route("POST", "/auth/o2/token", "issue_token", issue_token),),
    check_caller=_anybody,
    refuse=_refuse_login,
)

VENDOR = Vendor(
    name="amazon",
    routes=(
        Route("GET", _PRODUCTS, "search_products", amazon_products.search),
        Route("POST", f"{_PRODUCTS}/getProductsByAsins", "products_by_asins", amazon_products.several),
        Route("GET", f"{_PRODUCTS}/{{asin}}", "product", amazon_products.one),
        Route("POST", _ORDERS, "quote_order", amazon_orders.quote, when=amazon_orders.is_trial),
        Route("POST", _ORDERS, "place_order", amazon_orders.place, commits=True),
        Route("GET", f"{_ORDERS}/{{external_id}}", "order", amazon_orders.look_up),
        Route("GET", _REPORTS, "order_reports", amazon_reports.orders),
        Route("GET", f"{_REPORTS}/{{order_id}}", "order_report", amazon_reports.one),
    ),
    check_caller=_check_token,
    refuse=_refuse,
)
