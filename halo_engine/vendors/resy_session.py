"""Resy's log-in: the headers that every call carries, and the reads that need nothing more.

`Resy` builds its calls here. A session lives about 45 days and ends without warning, as a 419, a 401 or even a 500 that speaks of
authentication; a read then logs in again once and is sent again, a commit never is.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from pydantic import SecretStr

from halo_engine.model.errors import VendorFailed
from halo_engine.model.strict_json import Json
from halo_engine.vendors.http import Answer, Call, Reply, SignInError, VendorHttp, usable
from halo_engine.vendors.resy_values import ResyCredentials
from halo_engine.vendors.resy_wire import Refusal, Session
from halo_engine.vendors.wire import UnreadableError, Wire, read_as, read_for

NAME = "Resy"

#: What it says to an email, a password or a key that it does not take.
_REFUSED = frozenset({400, 401, 403, 419})

M = TypeVar("M", bound=Wire)


class ResySession:
    """One account. Logs in when first needed; safe to use from several threads."""

    def __init__(self, http: VendorHttp, *, base_url: str, credentials: ResyCredentials) -> None:
        self._http = http
        self._base_url = base_url.rstrip("/")
        self._credentials = credentials
        self._lock = threading.Lock()
        self._token: SecretStr | None = None

    def get(self, path: str, query: Mapping[str, str]) -> Call:
        """A call to be sent."""
        return Call(method="GET", url=f"{self._base_url}{path}", query=query)

    def post(self, path: str, *, json: Json = None, form: Mapping[str, str] | None = None) -> Call:
        """A call to be sent. Some paths take JSON only and some a form only."""
        return Call(method="POST", url=f"{self._base_url}{path}", json=json, form=form)

    def ask(self, call: Call, *, also: frozenset[int] = frozenset()) -> Answer:
        """A 200 to a call that changes nothing, or one of the statuses in `also`. Raises `VendorFailed`."""
        try:
            reply = self._http.read(self._signed(call))
            if is_auth_refusal(reply) or _speaks_of_authentication(reply):
                self.drop()
                reply = self._http.read(self._signed(call))
        except SignInError as error:
            raise VendorFailed(str(error)) from error
        return usable(NAME, reply, also=also)

    def read(self, answer: Answer, model: type[M]) -> M:
        """The answer as `model`. Raises `VendorFailed`."""
        return read_for(NAME, answer, model)

    def commit(self, call: Call) -> Reply:
        """Send `call` once. Raises `VendorFailed` or `SignInError` where it could not even be signed, so that nothing was sent."""
        reply = self._http.commit(self._signed(call))
        if is_auth_refusal(reply):
            self.drop()
        return reply

    def drop(self) -> None:
        """Forget the session: Resy no longer takes it."""
        with self._lock:
            self._token = None

    def _signed(self, call: Call) -> Call:
        with self._lock:
            if self._token is None:
                self._token = self._log_in()
            token = self._token.get_secret_value()
        return replace(call, headers={**self._key(), "X-Resy-Auth-Token": token, "X-Resy-Universal-Auth": token})

    def _key(self) -> dict[str, str]:
        return {"Authorization": f'ResyAPI api_key="{self._credentials.api_key.get_secret_value()}"'}

    def _log_in(self) -> SecretStr:
        form = {"email": self._credentials.email, "password": self._credentials.password.get_secret_value()}
        reply = usable(NAME, self._http.read(replace(self.post("/3/auth/password", form=form), headers=self._key())), also=_REFUSED)
        if reply.status in _REFUSED:
            raise SignInError("Resy did not accept the stored email and password, or the key.")
        return SecretStr(self.read(reply, Session).token)


def is_auth_refusal(reply: Reply) -> bool:
    """Whether Resy refused to look at the request without a new session."""
    return isinstance(reply, Answer) and reply.status in (401, 419)


def _speaks_of_authentication(reply: Reply) -> bool:
    if not isinstance(reply, Answer) or reply.status != 500:
        return False
    try:
        return "auth" in read_as(reply, Refusal).message.lower()
    except UnreadableError:
        return False
