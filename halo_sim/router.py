"""From a request to the vendor's handler, and the faults that strike on the way.

`answer` is the one door: the transport and the server both come in here. It is one transaction from the first fault to the last write,
and a lost answer is decided inside it and raised after its commit, because the effect must outlive the connection. A `plan` (see
`fault_plan.py`) may add one fault to a call, which is gone again after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TypeAlias

from halo_sim import faults, magic, mangling
from halo_sim.fault_plan import FaultPlan
from halo_sim.wire import MAX_BODY_BYTES, AnswerLost, Break, JsonObject, Refusal, Request, Response, json_response
from halo_sim.world import Transaction, World

Handler: TypeAlias = Callable[[Transaction, Request], Response]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation: where it is, what it is called, what it does. `{name}` in the pattern matches one segment."""

    method: str
    pattern: str
    #: As faults name it: `place_order`.
    operation: str
    handler: Handler
    #: Whether it can have an effect in the world, so that losing its answer matters.
    commits: bool = False
    #: A second operation on the same path is told apart by its body.
    when: Callable[[Request], bool] = lambda _: True
    #: Where one vendor speaks several dialects: how this operation says no, instead of the vendor's own way.
    refuse: Callable[[Refusal], Response] | None = None

    def match(self, method: str, segments: tuple[str, ...]) -> Mapping[str, str] | None:
        """The named segments, or None when this is another path or method."""
        wanted = self.pattern.strip("/").split("/")
        if method != self.method or len(wanted) != len(segments):
            return None
        pairs = tuple(zip(wanted, segments, strict=True))
        if any(not want.startswith("{") and want != got for want, got in pairs):
            return None
        return {want.strip("{}"): got for want, got in pairs if want.startswith("{")}


@dataclass(frozen=True, slots=True)
class Vendor:
    """One vendor's side: its first path segment, its operations, its way of checking callers and of saying no."""

    name: str
    routes: tuple[Route, ...]
    #: Raises `Refusal` for a caller without the right to call.
    check_caller: Callable[[Transaction, Request], None]
    refuse: Callable[[Refusal], Response]


#: How the connection breaks for the faults that strike before anything is answered.
_BREAKS: Mapping[str, Break] = MappingProxyType(
    {"refuse_connection": "refused", "connect_timeout": "not_made", "reset_on_headers": "headers", "reset_on_body": "body"}
)
_REFUSALS: Mapping[str, Refusal] = MappingProxyType(
    {
        "unavailable": Refusal(503, "service_unavailable", "The service is temporarily unavailable."),
        "server_error": Refusal(500, "server_error", "Internal Server Error"),
        "rate_limited": Refusal(429, "rate_limit", "Too many requests.", retry_after_s=2),
        "rate_limited_bare": Refusal(429, "rate_limit", "Too many requests."),
        "rate_limited_silly": Refusal(429, "rate_limit", "Too many requests.", retry_after_s=10**12),
    }
)
#: What a provider may say instead of ending a subscription; its terms are nobody's to accept.
_OFFER: JsonObject = {"status": "offer_pending", "offer": {"discount_percent": 50, "months": 3}, "confirm_token": "offer-halo-sim"}


def answer(world: World, vendors: Mapping[str, Vendor], request: Request, plan: FaultPlan | None = None) -> Response:
    """The vendor's answer; `AnswerLost` where a fault takes it away."""
    vendor = vendors.get(request.segments[0])
    if vendor is None:
        return Response(status=404, body=b'{"message":"no such vendor"}', headers=(("content-type", "application/json"),))
    with world.transaction() as tx:
        try:
            response: Response | AnswerLost = _handle(tx, vendor, request, plan)
        except Refusal as refusal:
            # Not rolled back: a fault that was used up, or a slot that turned out to be gone, stays so.
            response = vendor.refuse(refusal)
        except AnswerLost as lost:
            response = lost
    if isinstance(response, AnswerLost):
        raise response
    return response


def _handle(tx: Transaction, vendor: Vendor, request: Request, plan: FaultPlan | None) -> Response:
    if len(request.body) > MAX_BODY_BYTES:
        raise Refusal(413, "request_too_large", "The request body is too large.")
    route, request = _find(vendor, request)
    targets = (vendor.name, f"{vendor.name}.{route.operation}")
    planned = plan.next(targets[1]) if plan else None
    armed = [*magic.meet(tx, targets[1], request, before=True)]
    armed += [faults.arm(tx, planned, target=targets[1])] if planned else []
    try:
        response = _answered(tx, vendor, route, request, targets)
        magic.meet(tx, targets[1], request, before=False)
        return response
    finally:
        for fault_id in armed:
            tx.run("DELETE FROM faults WHERE id = ?", fault_id)


def _answered(tx: Transaction, vendor: Vendor, route: Route, request: Request, targets: tuple[str, str]) -> Response:
    """The answer, also where it is a no that the operation says in a dialect of its own."""
    try:
        return _struck(tx, vendor, route, request, targets)
    except Refusal as refusal:
        if route.refuse is None:
            raise
        return route.refuse(refusal)


def _struck(tx: Transaction, vendor: Vendor, route: Route, request: Request, targets: tuple[str, str]) -> Response:
    """The handler's answer, with every fault at its position."""
    _strike_on_the_way(tx, targets)
    if route.commits and faults.take(tx, "drop_before", *targets):
        raise AnswerLost
    vendor.check_caller(tx, request)
    if route.commits and vendor.name == "subscriptions" and faults.take(tx, "retention_offer", *targets):
        return json_response(200, _OFFER)
    response = _phantom(tx, route, request) if _is_phantom(tx, route, targets) else route.handler(tx, request)
    if tx.effects and faults.take(tx, "lose_answer", *targets):
        raise AnswerLost
    if tx.effects and faults.take(tx, "error_after", *targets):
        return (route.refuse or vendor.refuse)(_REFUSALS["server_error"])
    fault = faults.strike(tx, mangling.NAMES, *targets)
    return mangling.mangled(response, fault) if fault else response


def _strike_on_the_way(tx: Transaction, targets: tuple[str, str]) -> None:
    broken = faults.strike(tx, _BREAKS, *targets)
    if broken:
        raise AnswerLost(_BREAKS[broken.name])
    refused = faults.strike(tx, _REFUSALS, *targets)
    if refused:
        raise _REFUSALS[refused.name]


def _is_phantom(tx: Transaction, route: Route, targets: tuple[str, str]) -> bool:
    return route.commits and faults.take(tx, "phantom", *targets)


def _phantom(tx: Transaction, route: Route, request: Request) -> Response:
    """The answer of an effect that is taken back."""
    tx.run("SAVEPOINT phantom")
    try:
        return route.handler(tx, request)
    finally:
        tx.run("ROLLBACK TO phantom")
        tx.run("RELEASE phantom")
        tx.effects = 0


def _find(vendor: Vendor, request: Request) -> tuple[Route, Request]:
    segments = request.segments[1:]
    for route in vendor.routes:
        params = route.match(request.method, segments)
        if params is not None and route.when(request):
            return route, replace(request, params=params)
    known = any(route.match(route.method, segments) is not None for route in vendor.routes)
    raise Refusal(405, "method_not_allowed", "Method not allowed.") if known else Refusal(404, "not_found", "No such resource.")
