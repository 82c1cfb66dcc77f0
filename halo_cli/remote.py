"""The door of a thread whose Halo is behind a server: `halo chat --server URL`.

It asks over the one client that vendors are asked over, with its total deadline and its bounds. A device's token speaks for one member, so this door
acts for nobody else. A POST whose answer was lost is sent again under the same `Idempotency-Key`, and so is done once.

Where the household wants a yes signed and the key is here, it signs what the cards showed that this door gave out: the server that draws them is not
believed, because it is what a signature is there to be checked against.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote, urlsplit

import httpx
from pydantic import AwareDatetime, BaseModel, SecretStr, ValidationError

from halo_engine.clock import Clock, SystemClock
from halo_engine.model import errors
from halo_engine.model.card import Card, CardKind, says
from halo_engine.model.device import is_token
from halo_engine.model.draft import Terms
from halo_engine.model.errors import (
    Conflict,
    HaloError,
    InvalidInput,
    NotAuthorised,
    NotFound,
    ServerAway,
    SignatureInvalid,
    SignatureRequired,
)
from halo_engine.model.form import FormField
from halo_engine.model.household import Household, Member
from halo_engine.model.ids import Prefix, prefix_of
from halo_engine.model.intent import Intent
from halo_engine.model.public_key import thumbprint
from halo_engine.model.reply import Reply
from halo_engine.model.rules import ConfirmRules
from halo_engine.model.signing import check_shown
from halo_engine.model.value import Value
from halo_engine.thread import Said
from halo_engine.vendors.http import Answer, Call, Limits, NotSent, VendorHttp

#: Reading words and asking vendors takes the server a while, and a person waits.
_LIMITS = Limits(connect_s=5.0, read_s=60.0, total_s=60.0)
_POST_ATTEMPTS = 3
_PAUSE = timedelta(seconds=0.5)
#: How often it looks whether an execution has moved.
_POLL = timedelta(seconds=0.25)
_OTHER_VERSION, _SAME_VERSION = "That server does not answer as this version of Halo does.", "Use the same version on both sides."
_NO_HALO, _LOOK = "That server does not answer as Halo does.", "Check the address."
_NO_RULES = {"allowances": (), "two_people_above": None, "asker_alone_up_to": None}
_GOING_ON = (CardKind.EXECUTING, CardKind.CHECKING)

_HALF = re.compile("[\ud800-\udfff]")

V = TypeVar("V", bound=BaseModel)


@dataclass(frozen=True)
class Signer:
    """The device that a token is of, and what makes the JWS of an object with its key."""

    device_id: str
    sign: Callable[[bytes], str] = field(repr=False)


class Enrolled(Value):
    """A device that a code was good for, with its token. Shown once."""

    id: str
    name: str
    member_id: str
    expires_at: AwareDatetime
    token: SecretStr


class RemoteDoor:
    """`thread.Door` over HTTP. A context manager."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        signer: Signer | None = None,
        clock: Clock | None = None,
        transport: httpx.BaseTransport | None = None,
        insecure: bool = False,
    ) -> None:
        """Over plain http only to this machine, unless `insecure`: a token that is read on the way confirms for its member.

        `signer` is of the very device that the token is of. Raises `InvalidInput`.
        """
        if not is_token(token):
            raise InvalidInput("That is not a device's token.", hint="Make one with: halo devices add NAME --token")
        self._url = _address(url, insecure=insecure)
        self._clock = clock or SystemClock()
        self._http = VendorHttp(transport, self._clock, limits=_LIMITS)
        self._headers = {"Authorization": f"Bearer {token}"}
        self._signer = signer
        #: Every different card that was given out with a hash: whichever of them was on the screen, the terms have to say the same.
        self._shown: dict[str, list[Card]] = {}

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
        found = _values(Said, self._get("requests", limit=str(limit)).get("requests"))
        return tuple(one.model_copy(update={"card": one.card and self._giving(one.card)}) for one in found)

    def parse(self, text: str) -> Intent:
        from halo_engine.verbs import VERBS

        intent = _value(Intent, self._ask("command/parse", {"text": text}))
        verb = VERBS.get(intent.verb)
        # Over the wire goes what was said; an Intent names the other parameters of its verb, too.
        return intent.model_copy(update={"params": _value(verb.spec.params, intent.params).model_dump(mode="json")}) if verb else intent

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
        self._must_be_me(member)
        yes = {"draft_id": draft_id, "draft_hash": draft_hash}
        signed = self._signed(draft_id, draft_hash) if self._wants_signature(draft_id, draft_hash) else {}
        try:
            return self._act("draft/confirm", yes | signed, member)
        except SignatureRequired as error:
            if self._signer is None:
                raise SignatureRequired(error.message, hint=f"Nothing was done. {self._how_to_sign}") from None
            if signed:
                raise
        # The rule came in this very moment.
        return self._act("draft/confirm", yes | self._signed(draft_id, draft_hash), member)

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
        return self._giving(_value(Card, self._get(f"cards/{_id(of)}")))

    def revoke(self, device_id: str) -> None:
        """Shut a device out; this one, too."""
        self._posted(f"devices/{_id(device_id)}/revoke", None)

    @property
    def _how_to_sign(self) -> str:
        return (
            f"Make a code there with: halo devices add NAME, and let this terminal sign with: halo devices enrol CODE --server {self._url}"
        )

    def _giving(self, card: Card) -> Card:
        """A card that somebody will see."""
        if card.draft_hash is not None and card not in (given := self._shown.setdefault(card.draft_hash, [])):
            given.append(card)
        return card

    def _wants_signature(self, draft_id: str, draft_hash: str) -> bool:
        """Whether this yes has to be signed, and can be. One that will be refused, or was said before, needs nobody's signature."""
        if self._signer is None:
            return False
        card = self.card(draft_id)
        if card.draft_hash != draft_hash or card.maximum is None:
            return False
        # Over the wire an amount that is not there is left out.
        rules = _NO_RULES | {"signed_above": self._get("rules").get("signed_above")}
        return _value(ConfirmRules, rules).must_be_signed(card.maximum)

    def _signed(self, draft_id: str, draft_hash: str) -> dict[str, str]:
        """The signature over what was shown, and over nothing else. Raises `SignatureInvalid` where something else was given to sign."""
        if self._signer is None:
            raise AssertionError("nobody signs here")
        path = f"{self._url}/v1/drafts/{_id(draft_id)}/signing-object"
        signing_object = self._given(lambda: self._asked(Call(method="GET", url=path, headers=self._headers))).body
        check_shown(signing_object, draft_hash=draft_hash, device_id=self._signer.device_id)
        terms, shown = _value(Terms, json.loads(signing_object)["terms"]), self._shown.get(draft_hash)
        if not shown or terms.draft_id != draft_id or not all(says(card, terms) for card in shown):
            # The hash on a card is right, and its words are not what was hashed.
            raise SignatureInvalid(
                "What was given to sign is not what the card shows.", hint="Nothing was signed. Do not trust this server."
            )
        return {"signature": self._signer.sign(signing_object)}

    def _act(self, path: str, body: Mapping[str, Any], member: str) -> Card:
        """A POST that changes something, as `member`."""
        self._must_be_me(member)
        return self._giving(_value(Card, self._posted(path, body).get("card")))

    def _must_be_me(self, member: str) -> None:
        if member != self.me:
            raise NotAuthorised(
                "This device does not speak for that member.", hint="Add one for them: halo devices add NAME --token --for MEMBER"
            )

    def _posted(self, path: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
        key = {"Idempotency-Key": self._clock.token_hex(16)}
        call = Call(method="POST", url=f"{self._url}/v1/{path}", headers=self._headers | key, json=_encodable(body))
        return self._sent(lambda: self._insisted(call))

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
        if answered := _object(self._given(send)):
            return answered
        raise ServerAway(_NO_HALO, hint=_LOOK)

    def _given(self, send: Callable[[], Answer]) -> Answer:
        """An answer that is one. Raises what the server tells otherwise."""
        reply = send()
        if 200 <= reply.status < 300:
            return reply
        raise _error(reply.status, _object(reply))


def enrol(
    url: str,
    code: str,
    *,
    signing_key_json: str,
    name: str | None = None,
    clock: Clock | None = None,
    transport: httpx.BaseTransport | None = None,
    insecure: bool = False,
) -> Enrolled:
    """Come with a code and a public key. Sent once: the code that it may have used up is no good a second time.

    Raises `InvalidInput`, `CodeRefused`, and `ServerAway`.
    """
    body = {"code": code, "signing_key": json.loads(signing_key_json)} | ({"name": name} if name is not None else {})
    call = Call(method="POST", url=f"{_address(url, insecure=insecure)}/v1/devices/enrol", json=_encodable(body))
    http = VendorHttp(transport, clock or SystemClock(), limits=_LIMITS)
    try:
        reply = http.commit(call)
    finally:
        http.close()
    if isinstance(reply, NotSent):
        raise ServerAway(f"The server could not be reached: {reply.why}.")
    if not isinstance(reply, Answer):
        hint = "The code may be used up. Look there with: halo devices list, revoke what came of it, and make a new code."
        raise ServerAway(f"The answer was lost: {reply.why}.", hint=hint)
    answered = _object(reply)
    if not 200 <= reply.status < 300:
        raise _error(reply.status, answered) if "code" in answered else ServerAway(_NO_HALO, hint=_LOOK)
    return _enrolled(answered, signing_key_json)


def _enrolled(answered: Mapping[str, Any], signing_key_json: str) -> Enrolled:
    """What was answered, where it is of our key. What it names becomes names of files, so it has to be an id and a token."""
    device = answered.get("device")
    if not isinstance(device, dict):
        raise ServerAway(_NO_HALO, hint=_LOOK)
    told = {name: device.get(name) for name in ("id", "name", "member_id", "expires_at")}
    found = _value(Enrolled, told | {"token": answered.get("token")})
    if prefix_of(found.id) is not Prefix.DEVICE or not is_token(found.token.get_secret_value()):
        raise ServerAway(_OTHER_VERSION, hint=_SAME_VERSION)
    if device.get("signing_key_thumbprint") != thumbprint(signing_key_json):
        raise ServerAway("That server did not take this terminal's key.", hint=_SAME_VERSION)
    return found


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
        raise InvalidInput(
            "Over plain http anybody on the way could read the token.", hint="Use https, or take that upon you with --insecure."
        )
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
        return NotAuthorised(
            "The server does not know this device, or not any more.", hint="Make a new token: halo devices add NAME --token"
        )
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
        # What a later server says besides means nothing here.
        return kind.model_validate(_without_display(found), extra="ignore")
    except ValidationError:
        raise ServerAway(_OTHER_VERSION, hint=_SAME_VERSION) from None


def _without_display(found: Any) -> Any:
    """`found` with each amount as the model has it: how it reads follows from its cents."""
    if isinstance(found, list):
        return [_without_display(each) for each in found]
    if isinstance(found, dict):
        is_money = found.keys() == {"cents", "currency", "display"}
        return {name: _without_display(each) for name, each in found.items() if not (is_money and name == "display")}
    return found


def _values(kind: type[V], found: Any) -> tuple[V, ...]:
    if not isinstance(found, list):
        raise ServerAway(_OTHER_VERSION, hint=_SAME_VERSION)
    return tuple(_value(kind, each) for each in found)
