"""What a fault does to an answer on its way out: the bytes, their manner of coming, and nothing of the effect.

Pure functions over `Response`; the router asks `mangled`. Every result is something that a real vendor, its gateway or the network in
between has sent to somebody.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType

from halo_sim.faults import Fault
from halo_sim.wire import Json, Manner, Response, is_list, is_object, write_json

HTML = b"<!doctype html><html><head><title>Just a moment</title></head><body><h1>We will be right back.</h1></body></html>"

#: Members whose text is one of a list that the vendor may lengthen on any day.
ENUM_MEMBERS = frozenset(
    {
        "status",
        "state",
        "type",
        "code",
        "category",
        "capability",
        "interval",
        "object",
        "orderStatus",
        "priceType",
        "asinType",
        "availability",
    }
    | {"acceptanceArtifactType", "rejectionArtifactType", "default_mode", "error_type", "subscriptionState"}
)
UNHEARD_OF = "SOMETHING_NEW"


def mangled(response: Response, fault: Fault) -> Response:
    """`response` as it is after `fault` struck it. The fault's position must be the reply, mid reply or `slow`."""
    return _MANGLERS[fault.name](response, fault)


def _html(response: Response, _fault: Fault) -> Response:
    return replace(response, status=200, body=HTML, headers=(("content-type", "text/html; charset=utf-8"),))


def _empty(response: Response, _fault: Fault) -> Response:
    return replace(response, body=b"")


def _half(response: Response, _fault: Fault) -> Response:
    return replace(response, body=response.body[: len(response.body) // 2])


def _rewritten(rewrite: Callable[[Json], Json]) -> Callable[[Response, Fault], Response]:
    def mangler(response: Response, _fault: Fault) -> Response:
        try:
            value: Json = json.loads(response.body, parse_float=Decimal)
        except ValueError:
            return response
        return replace(response, body=write_json(rewrite(value)))

    return mangler


def _wrong_types(value: Json) -> Json:
    if is_object(value):
        return {name: _wrong_types(member) for name, member in value.items()}
    if is_list(value):
        return [_wrong_types(member) for member in value]
    if isinstance(value, str):
        return len(value)
    return "yes" if isinstance(value, bool) else [str(value)]


def _missing(value: Json) -> Json:
    if is_object(value):
        return {name: _missing(member) for name, member in list(value.items())[1:]}
    return [_missing(member) for member in value] if is_list(value) else value


def _new_words(value: Json) -> Json:
    if is_object(value):
        return {name: UNHEARD_OF if _is_word(name, member) else _new_words(member) for name, member in value.items()}
    return [_new_words(member) for member in value] if is_list(value) else value


def _is_word(name: str, member: Json) -> bool:
    return name in ENUM_MEMBERS and isinstance(member, str)


def _cut(response: Response, _fault: Fault) -> Response:
    return replace(response, manner=Manner(cut_after=len(response.body) // 2))


def _drip(response: Response, fault: Fault) -> Response:
    return replace(response, manner=Manner(drip_ms=fault.size))


def _late(response: Response, fault: Fault) -> Response:
    return replace(response, manner=Manner(delay_s=fault.size))


_MANGLERS: Mapping[str, Callable[[Response, Fault], Response]] = MappingProxyType(
    {
        "html_page": _html,
        "empty_body": _empty,
        "malformed_json": _half,
        "wrong_types": _rewritten(_wrong_types),
        "missing_fields": _rewritten(_missing),
        "unknown_enums": _rewritten(_new_words),
        "cut_mid_reply": _cut,
        "drip": _drip,
        "slow": _late,
    }
)

#: The faults that strike an answer.
NAMES = frozenset(_MANGLERS)
