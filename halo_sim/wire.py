"""Requests and answers as values, and the reading and writing of their bodies.

The in-process transport and the loopback server both speak in these, so that a vendor is written once. JSON is written here and not by
the standard library because a price has to leave as `16.90`, digit for digit: `json` can write a number with decimals only by way of a
float.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, DecimalException
from typing import Literal, NoReturn, TypeAlias, TypeGuard
from urllib.parse import parse_qsl, unquote, urlsplit

#: What a JSON body may hold. A number with decimals is exact.
Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | Decimal | bool | Written | None"

JsonObject: TypeAlias = Mapping[str, Json]

#: Far above any request an adapter sends, far below what would hurt.
MAX_BODY_BYTES = 256 * 1024

JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Written:
    """JSON that was written before, and stands where a value would."""

    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """One request, whoever carried it. Header names are lower-case; of a repeated query field the last one counts."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    #: What the route's pattern found in the path.
    params: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def make(cls, *, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Request:
        """From a request line's target, such as `/resy/4/find?day=2026-12-04`."""
        # A target that starts with two slashes would be read as a host.
        parts = urlsplit("/" + target.lstrip("/"))
        lowered = {name.lower(): value for name, value in headers.items()}
        # The path stays quoted: the router unquotes segment by segment, so that `%2F` inside an id does not become a separator.
        return cls(method=method.upper(), path=parts.path, query=_pairs(parts.query), headers=lowered, body=body)

    @property
    def content_type(self) -> str:
        """The media type without parameters; empty when none was sent."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def segments(self) -> tuple[str, ...]:
        """The unquoted parts of the path."""
        return tuple(unquote(part) for part in self.path.strip("/").split("/"))


@dataclass(frozen=True, slots=True)
class Manner:
    """How an answer comes: late, drop by drop, or only its first part."""

    delay_s: int = 0
    #: Between one byte and the next.
    drip_ms: int = 0
    #: The connection breaks after so many bytes of the body.
    cut_after: int | None = None


AT_ONCE = Manner()


@dataclass(frozen=True, slots=True)
class Response:
    """One answer, ready to be sent."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    manner: Manner = AT_ONCE


class Refusal(Exception):
    """A vendor says no: the status, and the words its own error body is built from."""

    def __init__(self, status: int, code: str, message: str, *, details: str = "", retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.retry_after_s = retry_after_s


#: How a connection breaks: refused, never made, after the head, after the body, or silent until the caller gives up.
Break: TypeAlias = Literal["refused", "not_made", "headers", "body", "silence"]


class AnswerLost(Exception):
    """The connection breaks instead of answering; whether the effect happened is in the ledger only."""

    def __init__(self, how: Break = "silence") -> None:
        super().__init__(how)
        self.how = how


def json_response(status: int, value: Json, *, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """`value` as an answer of type `application/json`."""
    return Response(status=status, body=write_json(value), headers=(("content-type", JSON_TYPE), *headers))


_plain: Callable[[Json], str] = json.JSONEncoder(ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":")).encode
_text: Callable[[str], str] = json.JSONEncoder(ensure_ascii=False).encode


def write_json(value: Json) -> bytes:
    """Compact UTF-8 JSON, decimals written as they stand."""
    try:
        # All of it at once where no number has decimals.
        text = _plain(value)
    except TypeError:
        text = _written(value)
    return text.encode("utf-8")


def _written(value: Json) -> str:
    # Most of what is written are texts and small objects, and asking for an abstract kind costs more than writing them.
    if type(value) is str:
        return _text(value)
    if type(value) is dict or is_object(value):
        return "{" + ",".join([f"{_scalar(name)}:{_written(member)}" for name, member in value.items()]) + "}"
    if isinstance(value, Written):
        return value.text
    if is_list(value):
        return "[" + ",".join([_written(member) for member in value]) + "]"
    return _scalar(value)


def _scalar(value: Json) -> str:
    if isinstance(value, str):
        # Nearly everything there is; the encoder that `dumps` would make for each of them costs ten times as much.
        return _text(value)
    return format(value, "f") if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)


def is_object(value: Json) -> TypeGuard[JsonObject]:
    """Whether `value` is a JSON object."""
    return isinstance(value, Mapping)


def is_list(value: Json) -> TypeGuard[Sequence[Json]]:
    """Whether `value` is a JSON array. A string is a sequence too, but not one."""
    return isinstance(value, list | tuple)


def read_object(request: Request) -> JsonObject:
    """The body as a JSON object; `Refusal` 400 for anything else.

    Stricter than `json.loads`: no NaN, no half of a surrogate pair, no depth or digits beyond reason.
    """
    try:
        value = json.loads(request.body, parse_float=Decimal, parse_constant=_no_constant)
        # A lone surrogate passes the parser and fails later, in the database: it is found here instead.
        _written(value).encode("utf-8")
    except (ValueError, DecimalException, RecursionError) as error:
        raise Refusal(400, "invalid_request", "The request body is not valid JSON.") from error
    if not is_object(value):
        raise Refusal(400, "invalid_request", "The request body must be a JSON object.")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def read_form(request: Request) -> Mapping[str, str]:
    """The body as a form; `Refusal` 400 when it is not one."""
    try:
        return _pairs(request.body.decode("ascii"))
    except ValueError as error:
        raise Refusal(400, "invalid_request", "The request body is not a valid form.") from error


def _pairs(text: str) -> Mapping[str, str]:
    """Raises `Refusal` for more fields than any vendor has."""
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=200))
    except ValueError as error:
        raise Refusal(400, "invalid_request", "The request has too many fields.") from error


def text_of(value: JsonObject, name: str, *, limit: int = 500) -> str:
    """The string member `name`, neither absent, empty nor longer than `limit`; `Refusal` 400 otherwise."""
    member = value.get(name)
    if not isinstance(member, str) or not 0 < len(member) <= limit:
        raise Refusal(400, "invalid_request", f"{name} must be a text of 1 to {limit} characters.")
    return member


def number_of(value: JsonObject, name: str, *, low: int, high: int) -> int:
    """The integer member `name` between `low` and `high`; `Refusal` 400 otherwise."""
    member = value.get(name)
    if isinstance(member, bool) or not isinstance(member, int) or not low <= member <= high:
        raise Refusal(400, "invalid_request", f"{name} must be a whole number from {low} to {high}.")
    return member


def query_number(request: Request, name: str, *, default: int, low: int, high: int) -> int:
    """The query field `name` as an integer between `low` and `high`; `Refusal` 400 otherwise."""
    text = request.query.get(name, str(default))
    # Longer than any bound in use, and `int` of thousands of digits raises on its own.
    if not (text.isascii() and text.isdigit() and len(text) <= 12) or not low <= int(text) <= high:
        raise Refusal(400, "invalid_request", f"{name} must be a whole number from {low} to {high}.")
    return int(text)


def objects_of(value: JsonObject, name: str, *, low: int = 0, high: int = 100) -> tuple[JsonObject, ...]:
    """The array member `name`, of `low` to `high` objects; `Refusal` 400 otherwise."""
    members = value.get(name)
    if not is_list(members) or not low <= len(members) <= high:
        raise Refusal(400, "invalid_request", f"{name} must be a list of {low} to {high} objects.")
    found = tuple(member for member in members if is_object(member))
    if len(found) != len(members):
        raise Refusal(400, "invalid_request", f"{name} must hold objects only.")
    return found


def object_of(value: JsonObject, name: str) -> JsonObject:
    """The object member `name`; `Refusal` 400 otherwise."""
    member = value.get(name)
    if not is_object(member):
        raise Refusal(400, "invalid_request", f"{name} must be an object.")
    return member
