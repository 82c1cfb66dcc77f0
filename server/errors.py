"""Everything that goes wrong, as problem details (RFC 9457): a stable type and code, never an echo of what was sent.

`kinds()` is the table of them, made of the classes of errors that there are; docs/errors.md and the schema are written from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from halo_engine.model import errors
from server import request_ids
from server.answers import encoded
from server.documents.problems import FieldProblem, Problem

MEDIA_TYPE = "application/problem+json"
_SITE = "https://halo.example/problems/"

#: A class that is not here has the status of the nearest class above it that is.
_STATUS: dict[type[errors.HaloError], int] = {
    errors.HaloError: 500,
    errors.InvalidInput: 422,
    errors.NotFound: 404,
    errors.NotAuthorised: 403,
    errors.NotInitialised: 503,
    errors.Conflict: 409,
    errors.StillRunning: 202,
    errors.ParserFailed: 503,
    errors.VendorFailed: 503,
    errors.StoreFailed: 503,
}

#: What the framework says, by its status: the code, the title and what to do.
_PLAIN: dict[int, tuple[str, str, str]] = {
    400: ("bad_request", "The request cannot be read.", ""),
    401: ("unauthenticated", "No device is known by this token.", "Enrol this device anew."),
    405: ("method_not_allowed", "This path does not take that method.", "The header Allow names those that it takes."),
    408: ("too_slow", "The request did not come in time.", "Nothing was done. Ask again."),
    403: ("forbidden", "That is not to be done from there.", ""),
    413: ("too_large", "The body is too large.", "Only where a long text is taken may it be long."),
    414: ("target_too_long", "The address is too long.", ""),
    415: ("unsupported_media_type", "The body is not of a type that this takes.", "Send application/json."),
    421: ("misdirected", "That is not the name of this server.", ""),
    431: ("headers_too_large", "The headers are too large.", ""),
}
_UNEXPECTED = ("unexpected", "Something went wrong in Halo itself.", "")


class BadBody(errors.InvalidInput):
    """The body is not a JSON object of the form this takes."""

    def __init__(self, message: str | None = None, *, hint: str | None = None, fields: Sequence[FieldProblem] = ()) -> None:
        super().__init__(message, hint=hint)
        self.fields = tuple(fields)


class BadQuery(BadBody):
    """The query or the path is not of the form this takes."""


class BadCursor(errors.InvalidInput):
    """That is no cursor of this list."""

    default_hint = "Begin again without one."


class IdempotencyKeyRequired(errors.InvalidInput):
    """This needs a header Idempotency-Key of 8 to 255 visible ASCII characters."""

    default_hint = "Make one per act, and send the same one again when the answer was lost."


class IdempotencyConflict(errors.InvalidInput):
    """This Idempotency-Key was used for something else."""

    default_hint = "Nothing was done. Make a new key for a new act."


class IdempotencyInFlight(errors.Conflict):
    """The act with this Idempotency-Key is still being done."""

    default_hint = "Ask again with the same key in a moment."


class NotAcceptable(errors.InvalidInput):
    """A card cannot be had in any of the formats asked for."""


class TooManyStreams(errors.HaloError):
    """There are too many streams of events already."""

    default_hint = "Close one, or ask for the execution itself now and then."


class RateLimited(errors.HaloError):
    """This is more often than one may ask."""

    default_hint = "Nothing was done. Ask again after as many seconds as Retry-After says."

    def __init__(self, retry_after_s: int, headers: Mapping[str, str]) -> None:
        super().__init__()
        self.retry_after_s, self.headers = retry_after_s, dict(headers)


class Busy(errors.HaloError):
    """Too much is being asked for at the moment."""

    default_hint = "Nothing was done. Ask again in a moment."


class Draining(errors.HaloError):
    """This server is about to end."""

    default_hint = "Nothing was done. Ask again in a moment: another one answers."


_STATUS |= {IdempotencyKeyRequired: 400, NotAcceptable: 406, TooManyStreams: 429, RateLimited: 429, Busy: 503, Draining: 503}

#: A person has to look at what stands now, or somebody else has to say yes.
_TO_REVIEW = {"terms_changed", "draft_expired", "needs_another", "illegal_move", "unexpected"}
#: The caller's own to mend would be wrong: a person has to decide or to say it otherwise.
_TO_ASK = {"not_authorised", "invalid_input", "code_refused"}
#: The same request may go through in a moment, beside whatever is a 429 or a 503.
_IN_A_MOMENT = {"idempotency_in_flight", "fenced_off", "still_running"}
#: These 503s stay as they are until a person does something.
_UNTIL_MENDED = {"not_initialised", "store_damaged", "store_not_writable"}


@dataclass(frozen=True)
class Kind:
    """One kind of problem: what is the same in every problem of its code."""

    code: str
    status: int
    title: str
    hint: str = ""

    @property
    def type(self) -> str:
        return f"{_SITE}{self.code}"

    @property
    def is_retryable(self) -> bool:
        return self.code in _IN_A_MOMENT or (self.status in (429, 503) and self.code not in _UNTIL_MENDED)

    @property
    def resolution(self) -> str:
        if self.code in _TO_REVIEW | _UNTIL_MENDED:
            return "requires_buyer_review"
        return "requires_buyer_input" if self.code in _TO_ASK else "recoverable"


def kind_of(error: type[errors.HaloError]) -> Kind:
    """What is the same in every problem that such an error is."""
    return _kind(error)


def plain(status: int) -> Kind:
    """What is said with one of the framework's statuses."""
    code, title, hint = _PLAIN.get(status, (f"http_{status}", "The request was refused.", ""))
    return Kind(code, status, title, hint)


def _status(kind: type[errors.HaloError]) -> int:
    return next(_STATUS[each] for each in kind.__mro__ if each in _STATUS)


def _kind(error: type[errors.HaloError], code: str = "") -> Kind:
    return Kind(code or error.published_code(), _status(error), " ".join((error.__doc__ or "").split()), error.default_hint)


def kinds() -> tuple[Kind, ...]:
    """Every kind of problem there is, by status and code. A class made in another module is in it once that module is imported."""
    told = [_kind(error) for error in _all(errors.HaloError)] + [Kind(code, status, *said) for status, (code, *said) in _PLAIN.items()]
    return tuple(sorted([*told, Kind(_UNEXPECTED[0], 500, *_UNEXPECTED[1:])], key=lambda kind: (kind.status, kind.code)))


def _all(kind: type[errors.HaloError]) -> Iterator[type[errors.HaloError]]:
    for below in kind.__subclasses__():
        # Other applications' errors are theirs: a server answers with the engine's and its own.
        if below.__module__.partition(".")[0] in ("halo_engine", "server") and below not in _NEVER_ANSWERED and "code" not in vars(below):
            yield below
        yield from _all(below)


#: What a terminal tells, and a server never.
_NEVER_ANSWERED = {errors.ServerAway, errors.QueryStopped, errors.StillRunning}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems with these statuses, for a route's `responses`."""
    return {status: {"model": Problem} for status in statuses}


def problem(
    kind: Kind, message: str = "", hint: str = "", *, fields: Sequence[FieldProblem] = (), retry_after_s: int | None = None
) -> Response:
    """One problem. `detail` says what is the matter here and what to do; what to do stands once more by itself, as `hint`."""
    told = Problem(
        type=kind.type,
        title=kind.title,
        status=kind.status,
        code=kind.code,
        detail=f"{message or kind.title} {hint}".strip() if message or hint else None,
        hint=hint or None,
        request_id=request_ids.current(),
        retryable=kind.is_retryable,
        resolution=kind.resolution,
        errors=tuple(fields) or None,
    )
    wait_s = retry_after_s or (5 if kind.status == 503 else 1 if kind.is_retryable else None)
    headers = {"Cache-Control": "no-store", request_ids.HEADER: told.request_id} | ({"Retry-After": str(wait_s)} if wait_s else {})
    return Response(encoded(told), kind.status, headers, MEDIA_TYPE)


def problem_of(error: errors.HaloError) -> Response:
    """The problem that an engine's error is."""
    kind = _kind(type(error), error.code)
    message = error.public if error.public != kind.title else ""
    answer = problem(
        kind, message, error.public_hint, fields=getattr(error, "fields", ()), retry_after_s=getattr(error, "retry_after_s", None)
    )
    answer.headers.update(getattr(error, "headers", {}))
    return answer


def install(app: FastAPI) -> None:
    """Answer every error of the engine and of the framework in this form."""
    app.add_exception_handler(errors.HaloError, _from_engine)
    app.add_exception_handler(HTTPException, _from_framework)
    app.add_exception_handler(RequestValidationError, _from_query)
    app.add_exception_handler(Exception, _unforeseen)


def _from_engine(_request: Request, error: Exception) -> Response:
    if not isinstance(error, errors.HaloError):
        raise error
    return problem_of(error)


def _from_query(_request: Request, error: Exception) -> Response:
    # The framework's own answer repeats what was sent. The names of parameters are ours.
    told = error.errors() if isinstance(error, RequestValidationError) else ()
    names = dict.fromkeys(str(each["loc"][1]) for each in told if len(each.get("loc", ())) > 1)
    return problem_of(BadQuery(fields=[FieldProblem(field=name, message="It cannot be that.") for name in names]))


def _from_framework(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 404:
        # Which paths there are is no secret.
        return problem_of(errors.NotFound("There is no such path.", hint="Every path stands in /openapi.json."))
    kind = plain(status)
    answer = problem(kind, hint=kind.hint)
    answer.headers.update(getattr(error, "headers", None) or {})
    if status == 405:
        answer.headers["Allow"] = ", ".join(sorted(_methods(request)))
    return answer


def _methods(request: Request) -> set[str]:
    """Those that the path takes. The framework names those of the first route alone that has the path."""
    routes = [route for route in iter_route_contexts(request.app.routes) if route.methods and route.path]
    found = {method for route in routes if _pattern(route.path).match(request.scope["path"]) for method in route.methods or ()}
    return found | {"HEAD"} if "GET" in found else found


@cache
def _pattern(path: str) -> re.Pattern[str]:
    return compile_path(path)[0]


def _unforeseen(_request: Request, _error: Exception) -> Response:
    code, title, hint = _UNEXPECTED
    return problem(Kind(code, 500, title), hint=hint)
