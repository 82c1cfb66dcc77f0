"""The door of a thread whose Halo is behind a server: `halo chat --server URL`.

It asks over the one client that vendors are asked over, with its total deadline and its bounds. A device's token speaks for one member, so this door
acts for nobody else. A POST whose answer was lost is sent again under the same `Idempotency-Key`, and so is done once.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import cached_property
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote, urlsplit

import httpx
from pydantic import BaseModel, ValidationError

from halo_engine.clock import Clock, SystemClock
from halo_engine.model import errors
from halo_engine.model.card import Card, CardKind
from halo_engine.model.device import is_token
from halo_engine.model.errors import Conflict, HaloError, InvalidInput, NotAuthorised, NotFound, ServerAway
from halo_engine.model.form import FormField
from halo_engine.model.household import Household, Member
from halo_engine.model.ids import Prefix, prefix_of
from halo_engine.model.intent import Intent
from halo_engine.model.reply import Reply
from halo_engine.thread import Said
from halo_engine.vendors.http import Answer, Call, Limits, VendorHttp

#: Reading words and asking vendors takes the server a while, and a person waits.
_LIMITS = Limits(connect_s=5.0, read_s=60.0, total_s=60.0)
_POST_ATTEMPTS = 3
_PAUSE = timedelta(seconds=0.5)
#: How often it looks whether an execution has moved.
_POLL = timedelta(seconds=0.25)
_OTHER_VERSION, _SAME_VERSION = "That server does not answer as this version of Halo does.", "Use the same version on both sides."
_GOING_ON = (CardKind.EXECUTING, CardKind.CHECKING)

_HALF = re.compile("[\ud800-\udfff]")

V = TypeVar("V", bound=BaseModel)


class RemoteDoor:
    """`thread.Door` over HTTP. A context manager."""

    def __init__(
        self, url: str, token: str, *, clock: Clock | None = None, transport: httpx.BaseTransport | None = None, insecure: bool = False
    ) -> None:
        """Over plain http only to this machine, unless `insecure`: a token that is read on the way confirms for its member.

        Raises `InvalidInput`.
        """
        if not is_token(token):
            raise InvalidInput("That is not a device's token.", hint="Make one with: halo devices add NAME")
        self._url = _address(url, insecure=insecure)
        self._clock = clock or SystemClock()
        self._http = VendorHttp(transport, self._clock, limits=_LIMITS)
        self._headers = {"Authorization": f"Bearer {token}"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    @cached_property
    def me(self) -> str:
        """The id of the member this token speaks for."""
        return str(self._get("household").get("me"))

    def household(self) -> Household:
        return _value(Household, self._get("household").get("household"))

    def members(self) -> tuple[Member, ...]:
        return _values(Member, self._get("household").get("members"))

    def said(self, *, limit: int) -> tuple[Said, ...]:
        return _values(Said, self._get("requests", limit=str(limit)).get("requests"))

    def parse(self, text: str) -> Intent:
        return _value(Intent, self._ask("command/parse", {"text": text}))

    def heard(self, text: str, *, request_id: str) -> Reply:
        said = self._ask("command/hear", {"text": text, "about": request_id}).get("reply")
        return Reply(said) if said in set(Reply) else Reply.UNSURE

    def draft(self, text: str, *, member: str, channel: str, answers: str | None = None) -> Card:
        return self._act("draft/create", {"text": text, "channel": channel, "answers": answers}, member)

    def form(self, draft_id: str) -> tuple[FormField, ...]:
        return _values(FormField, self._get(f"drafts/{_id(draft_id)}/form").get("fields"))

    def modify(self, draft_id: str, text: str, *, member: str) -> Card:
        return self._act("draft/modify", {"draft_id": draft_id, "text": text}, member)

    def amend(self, draft_id: str, values: Mapping[str, str], *, member: str) -> Card:
        return self._act("draft/modify", {"draft_id": draft_id, "values": dict(values)}, member)

    def cancel(self, draft_id: str, *, member: str) -> Card:
        return self._act("draft/cancel", {"draft_id": draft_id}, member)

    def confirm(self, draft_id: str, *, draft_hash: str, member: str) -> Card:
        return self._act("draft/confirm", {"draft_id": draft_id, "draft_hash": draft_hash}, member)

    def carry_on(self, execution_id: str, *, wait_s: float) -> Card:
        """Watch: the server's worker carries it on."""
        if prefix_of(execution_id) is not Prefix.EXECUTION:
            raise NotFound("There is no such execution in this household.")
        until = self._clock.now() + timedelta(seconds=wait_s)
        while (card := self.card(execution_id)).kind in _GOING_ON and self._clock.now() < until:
            self._clock.sleep_until(min(self._clock.now() + _POLL, until))
        return card

    def retry(self, of: str, *, member: str) -> Card:
        what = "drafts" if prefix_of(of) is Prefix.DRAFT else "executions"
        return self._act(f"{what}/{_id(of)}/retry", {}, member)

    def card(self, of: str) -> Card:
        return _value(Card, self._get(f"cards/{_id(of)}"))

    def _act(self, path: str, body: Mapping[str, Any], member: str) -> Card:
        """A POST that changes something, as `member`."""
        if member != self.me:
            raise NotAuthorised("This device does not speak for that member.", hint="Add one for them: halo devices add NAME --for MEMBER")
        key = {"Idempotency-Key": self._clock.token_hex(16)}
        call = Call(method="POST", url=f"{self._url}/v1/{path}", headers=self._headers | key, json=_encodable(body))
        return _value(Card, self._sent(lambda: self._insisted(call)).get("card"))

    def _insisted(self, call: Call) -> Answer:
        """Again with the same key where no answer came, or where the first one is still being done."""
        for left in reversed(range(_POST_ATTEMPTS)):
            reply = self._http.commit(call)
            if isinstance(reply, Answer) and not (reply.status == 409 and _code(reply) == "idempotency_in_flight" and left):
                return reply
            if not left:
                break
            self._clock.sleep_until(self._clock.now() + _PAUSE)
        why = "it is still at work" if isinstance(reply, Answer) else reply.why
        raise ServerAway(f"The server did not answer: {why}.", hint="It may have been done: look at the thread before asking again.")

    def _ask(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A POST that changes nothing."""
        return self._read(Call(method="POST", url=f"{self._url}/v1/{path}", headers=self._headers, json=_encodable(body)))

    def _get(self, path: str, **query: str) -> dict[str, Any]:
        return self._read(Call(method="GET", url=f"{self._url}/v1/{path}", headers=self._headers, query=query))

    def _read(self, call: Call) -> dict[str, Any]:
        return self._sent(lambda: self._asked(call))

    def _asked(self, call: Call) -> Answer:
        reply = self._http.read(call)
        if isinstance(reply, Answer):
            return reply
        raise ServerAway(f"The server could not be reached: {reply.why}.")

    def _sent(self, send: Callable[[], Answer]) -> dict[str, Any]:
        reply = send()
        answered = _object(reply)
        if 200 <= reply.status < 300:
            if answered:
                return answered
            raise ServerAway("That server does not answer as Halo does.", hint="Check the address.")
        raise _error(reply.status, answered)


class _ChangedThere(Conflict):
    """`TermsChanged` and its kinds, as the server tells them: the draft that stands does not travel with the problem."""

    def __init__(self, message: str | None, *, hint: str, told: str) -> None:
        super().__init__(message, hint=hint)
        self._told = told

    @property
    def code(self) -> str:
        return self._told


def _address(url: str, *, insecure: bool) -> str:
    """`url` without a slash at its end. Raises `InvalidInput`."""
    hint = "Such as https://halo.example, or http://127.0.0.1:8080 on this machine."
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise InvalidInput("That is not a server's address.", hint=hint) from None
    if (
        parts.scheme not in ("http", "https")
        or not host
        or parts.username is not None
        or parts.query
        or parts.fragment
        or not url.isascii()
    ):
        raise InvalidInput("That is not a server's address.", hint=hint)
    if parts.scheme == "http" and not insecure and not _is_this_machine(host):
        raise InvalidInput("Over plain http anybody on the way could read the token.", hint="Use https.")
    return url.rstrip("/")


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _id(identifier: str) -> str:
    """One of ours, as a part of a path. Raises `NotFound` for what cannot be: it could lead elsewhere."""
    if prefix_of(identifier) is None:
        raise NotFound
    return quote(identifier, safe="")


def _encodable(value: Any) -> Any:
    """`value` with half characters replaced, which have no form in UTF-8: words are words, wherever they were typed."""
    if isinstance(value, str):
        return _HALF.sub("\ufffd", value)
    return {_encodable(name): _encodable(each) for name, each in value.items()} if isinstance(value, dict) else value


def _object(reply: Answer) -> dict[str, Any]:
    """The object in an answer; an empty one where there is none."""
    try:
        found = reply.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _code(reply: Answer) -> str:
    return str(_object(reply).get("code", ""))


def _error(status: int, problem: Mapping[str, Any]) -> HaloError:
    """The engine's error of that code; by its status where the code is not the engine's. Words from there are words, and no more."""
    code, hint, detail, title = (str(problem.get(name, "")) for name in ("code", "hint", "detail", "title"))
    message = detail.removesuffix(hint).strip() or title or None
    if status == 401:
        return NotAuthorised("The server does not know this device, or not any more.", hint="Make a new token: halo devices add NAME")
    if status in (502, 503, 504) and not code:
        return ServerAway(f"The server cannot answer now (status {status}).")
    kind = _KINDS.get(code) or next((kind for least, kind in _BY_STATUS if status >= least), ServerAway)
    if issubclass(kind, errors.TermsChanged):
        return _ChangedThere(message, hint=hint, told=code)
    return kind(message, hint=hint)


def _codes(kind: type[HaloError]) -> Iterator[tuple[str, type[HaloError]]]:
    for below in kind.__subclasses__():
        if below.__module__ == errors.__name__:
            yield below.published_code(), below
            yield from _codes(below)


_KINDS = dict(_codes(HaloError))
_BY_STATUS: tuple[tuple[int, type[HaloError]], ...] = (
    (500, ServerAway),
    (405, InvalidInput),
    (404, NotFound),
    (403, NotAuthorised),
    (400, InvalidInput),
)


def _value(kind: type[V], found: Any) -> V:
    """Raises `ServerAway` for what is not of that kind: a server of another version, or something else at that address."""
    try:
        return kind.model_validate(found)
    except ValidationError:
        raise ServerAway(_OTHER_VERSION, hint=_SAME_VERSION) from None


def _values(kind: type[V], found: Any) -> tuple[V, ...]:
    if not isinstance(found, list):
        raise ServerAway(_OTHER_VERSION, hint=_SAME_VERSION)
    return tuple(_value(kind, each) for each in found)
