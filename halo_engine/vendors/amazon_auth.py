"""Login with Amazon: the access token that every Amazon Business call carries.

`AmazonBusiness` asks for it before each call and drops it when the vendor says that it has expired. It is refreshed a minute early, so that
it does not run out between a quote and the order that follows.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import Field, SecretStr

from halo_engine.clock import Clock
from halo_engine.model.value import Value
from halo_engine.vendors.http import Call, SignInError, VendorHttp, usable
from halo_engine.vendors.wire import HeaderToken, Wire, read_for

NAME = "Login with Amazon"

_EARLY = timedelta(seconds=60)
#: What it says to credentials that it does not take.
_REFUSED = frozenset({400, 401, 403})


class AmazonCredentials(Value):
    """A Login with Amazon client, the household's authorisation of it, and the account that buys."""

    client_id: str
    client_secret: SecretStr
    refresh_token: SecretStr
    user_email: str


class _Granted(Wire):
    access_token: HeaderToken
    expires_in: int = Field(ge=1, le=86_400, strict=True)


@dataclass(frozen=True, slots=True)
class _Token:
    secret: SecretStr
    fresh_until: datetime


class AccessTokens:
    """Keeps one token and gets the next one in time. Safe to use from several threads."""

    def __init__(self, http: VendorHttp, *, auth_url: str, credentials: AmazonCredentials, clock: Clock) -> None:
        self._http = http
        self._auth_url = auth_url
        self._credentials = credentials
        self._clock = clock
        self._lock = threading.Lock()
        self._token: _Token | None = None

    def current(self) -> str:
        """A token good for another minute at least. Raises `VendorFailed`, or `SignInError` when asking again cannot help."""
        with self._lock:
            if self._token is None or self._clock.now() >= self._token.fresh_until:
                self._token = self._refreshed()
            return self._token.secret.get_secret_value()

    def drop(self) -> None:
        """Forget the token: the vendor no longer takes it."""
        with self._lock:
            self._token = None

    def _refreshed(self) -> _Token:
        asked_at = self._clock.now()
        reply = usable(NAME, self._http.read(Call(method="POST", url=self._auth_url, form=self._form())), also=_REFUSED)
        if reply.status in _REFUSED:
            raise SignInError("Amazon did not accept the stored sign-in. Authorise the application again.")
        granted = read_for(NAME, reply, _Granted)
        return _Token(SecretStr(granted.access_token), asked_at + timedelta(seconds=granted.expires_in) - _EARLY)

    def _form(self) -> dict[str, str]:
        return {
            "grant_type": "refresh_token",
            "refresh_token": self._credentials.refresh_token.get_secret_value(),
            "client_id": self._credentials.client_id,
            "client_secret": self._credentials.client_secret.get_secret_value(),
        }
