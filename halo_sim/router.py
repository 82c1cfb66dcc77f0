"""From a request to the vendor's handler, and the faults that strike on the way.

`answer` is the one door: the transport and the server both come in here. It is one transaction from the first fault to the last write,
and a lost answer is decided inside it and raised after its commit, because the effect must outlive the connection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from halo_sim import faults
from halo_sim.wire import MAX_BODY_BYTES, AnswerLost, Refusal, Request, Response
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


def answer(world: World, vendors: Mapping[str, Vendor], request: Request) -> Response:
    """The vendor's answer; `AnswerLost` where a fault takes it away."""
    vendor = vendors.get(request.segments[0])
    if vendor is None:
        return Response(status=404, body=b'{"message":"no such vendor"}', headers=(("content-type", "application/json"),))
    with world.transaction() as tx:
        try:
            response: Response | None = _handle(tx, vendor, request)
        except Refusal as refusal:
            # Not rolled back: a fault that was used up, or a slot that turned out to be gone, stays so.
            response = vendor.refuse(refusal)
        except AnswerLost:
            response = None
    if response is None:
        raise AnswerLost
    return response


def _handle(tx: Transaction, vendor: Vendor, request: Request) -> Response:
    if len(request.body) > MAX_BODY_BYTES:
        raise Refusal(413, "request_too_large", "The request body is too large.")
    route, request = _find(vendor, request)
    targets = (vendor.name, f"{vendor.name}.{route.operation}")
    if faults.take(tx, "unavailable", *targets):
        raise Refusal(503, "service_unavailable", "The service is temporarily unavailable.")
    if faults.take(tx, "rate_limited", *targets):
        raise Refusal(429, "rate_limit", "Too many requests.", retry_after_s=2)
    if route.commits and faults.take(tx, "drop_before", *targets):
        raise AnswerLost
    vendor.check_caller(tx, request)
    response = route.handler(tx, request)
    if tx.effects and faults.take(tx, "lose_answer", *targets):
        raise AnswerLost
    return response


def _find(vendor: Vendor, request: Request) -> tuple[Route, Request]:
    segments = request.segments[1:]
    for route in vendor.routes:
        params = route.match(request.method, segments)
        if params is not None and route.when(request):
            return route, replace(request, params=params)
    known = any(route.match(route.method, segments) is not None for route in vendor.routes)
    raise Refusal(405, "method_not_allowed", "Method not allowed.") if known else Refusal(404, "not_found", "No such resource.")
