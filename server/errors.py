"""Everything that goes wrong, as problem details (RFC 9457): a stable type and code, never an echo of what was sent."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from halo_engine.model import errors

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

_PLAIN = {
    400: "bad_request",
    401: "unauthenticated",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
}


class BadBody(errors.InvalidInput):
    """The body is not a JSON object of the form this takes."""


class BadQuery(errors.InvalidInput):
    """The query is not of the form this takes."""


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


_STATUS |= {IdempotencyKeyRequired: 400, NotAcceptable: 406}


def status_of(error: errors.HaloError) -> int:
    """The HTTP status of an engine's error."""
    return next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)


def problem(status: int, code: str, title: str, message: str = "", hint: str = "") -> JSONResponse:
    """One problem. `title` is the same for every problem of its code; `detail` says what is the matter here and what to do.

    What to do stands once more by itself, as `hint`.
    """
    body: dict[str, Any] = {"type": f"https://halo.example/problems/{code}", "title": title, "status": status, "code": code}
    said = {"detail": f"{message} {hint}".strip(), "hint": hint}
    wait_s = 5 if status == 503 else 1 if code == "idempotency_in_flight" else None
    headers = {"Cache-Control": "no-store"} | ({"Retry-After": str(wait_s)} if wait_s else {})
    return JSONResponse(body | {name: text for name, text in said.items() if text}, status, headers, "application/problem+json")


def problem_of(error: errors.HaloError) -> JSONResponse:
    """The problem that an engine's error is."""
    title = " ".join((type(error).__doc__ or "").split())
    return problem(status_of(error), error.code, title, error.message if error.message != title else "", error.hint)


def install(app: FastAPI) -> None:
    """Answer every error of the engine and of the framework in this form."""
    app.add_exception_handler(errors.HaloError, _from_engine)
    app.add_exception_handler(HTTPException, _from_framework)
    app.add_exception_handler(RequestValidationError, _from_query)
    app.add_exception_handler(Exception, _unforeseen)


def _from_engine(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, errors.HaloError):
        raise error
    return problem_of(error)


def _from_query(_request: Request, _error: Exception) -> JSONResponse:
    # The framework's own answer repeats what was sent.
    return problem_of(BadQuery())


def _from_framework(_request: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else 500
    code = _PLAIN.get(status, f"http_{status}")
    answer = problem(status, code, code.replace("_", " ").capitalize() + ".")
    answer.headers.update(getattr(error, "headers", None) or {})
    return answer


def _unforeseen(_request: Request, _error: Exception) -> JSONResponse:
    return problem(500, "unexpected", "Something went wrong in Halo itself.")
