"""How Square says no."""

from __future__ import annotations

from halo_sim.wire import Refusal, Response, json_response

#: What the router and the readers of bodies say in their own words, in Square's.
_CODES = {
    "invalid_request": "BAD_REQUEST",
    "not_found": "NOT_FOUND",
    "method_not_allowed": "METHOD_NOT_ALLOWED",
    "request_too_large": "REQUEST_ENTITY_TOO_LARGE",
    "rate_limit": "RATE_LIMITED",
    "service_unavailable": "SERVICE_UNAVAILABLE",
    "server_error": "INTERNAL_SERVER_ERROR",
}
_CATEGORIES = {401: "AUTHENTICATION_ERROR", 403: "AUTHENTICATION_ERROR", 429: "RATE_LIMIT_ERROR"}


def refuse(refusal: Refusal) -> Response:
    """A list with one error in it."""
    category = "API_ERROR" if refusal.status >= 500 else _CATEGORIES.get(refusal.status, "INVALID_REQUEST_ERROR")
    error = {"category": category, "code": _CODES.get(refusal.code, refusal.code), "detail": refusal.message}
    headers = () if refusal.retry_after_s is None else (("retry-after", str(refusal.retry_after_s)),)
    return json_response(refusal.status, {"errors": [error | ({"field": refusal.details} if refusal.details else {})]}, headers=headers)
