"""Everything that goes wrong, as problem details (RFC 9457): a stable type and code, never an echo of what was sent."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
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

_PLAIN = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "unsupported_media_type"}


class BadBody(errors.InvalidInput):
    """The body is not a JSON object of the form this takes."""


def status_of(error: errors.HaloError) -> int:
    """The HTTP status of an engine's error."""
    return next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)


def problem(status: int, code: str, title: str, detail: str = "") -> JSONResponse:
    """One problem. `title` is the same for every problem of its code; `detail` says what to do."""
    body: dict[str, Any] = {"type": f"https://halo.example/problems/{code}", "title": title, "status": status, "code": code}
    headers = {"Retry-After": "5"} if status == 503 else None
    return JSONResponse(body | ({"detail": detail} if detail else {}), status, headers, "application/problem+json")


def install(app: FastAPI) -> None:
    """Answer every error of the engine and of the framework in this form."""
    app.add_exception_handler(errors.HaloError, _from_engine)
    app.add_exception_handler(HTTPException, _from_framework)


def _from_engine(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, errors.HaloError):
        raise error
    title = " ".join((type(error).__doc__ or "").split())
    said = [error.message] if error.message != title else []
    return problem(status_of(error), error.code, title, " ".join([*said, error.hint]).strip())


def _from_framework(_request: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else 500
    code = _PLAIN.get(status, f"http_{status}")
    return problem(status, code, code.replace("_", " ").capitalize() + ".")
