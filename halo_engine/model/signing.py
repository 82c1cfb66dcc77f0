"""What a device signs to say yes: the very terms on the card, for one household, member, device and moment. The docs are docs/signing.md.

The object is canonical JSON (RFC 8785), so that it has one byte form; the yes is a compact JWS (RFC 7515) over those bytes. Nothing is kept of an
object that was issued: its nonce carries a mark that only this installation can make, over everything else in it. What comes back must be, byte for
byte, the object that would be issued now with that nonce and those times; so a change of any field anywhere makes another object, and none of ours.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import AwareDatetime, Field

from halo_engine.model.canonical import canonical_json, sha256_hex
from halo_engine.model.draft import Draft, iso_utc
from halo_engine.model.errors import SignatureInvalid
from halo_engine.model.public_key import public_key, thumbprint
from halo_engine.model.strict_json import JsonError, loads
from halo_engine.model.value import Value

if TYPE_CHECKING:
    from joserfc.jwk import ECKey
    from joserfc.jws import JWSRegistry

PURPOSE = "halo/sign/v1"
ALGORITHM = "ES256"
#: What the header may name itself; it need not.
TYPE = "halo-confirm+jws"
#: Long enough to read a card once more, short enough that a signature which was stolen on the way is worth little.
LIVES = timedelta(minutes=5)

#: Half of a nonce is chance, and half is our mark over it and the rest: 128 bits each, in hexadecimal.
_HALF = 32
_NONCE = re.compile(r"[0-9a-f]{64}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
#: Above the longest card that can be drafted, in base64.
_MOST_CHARS = 8 * 1024 * 1024
_HEADER_NAMES = frozenset({"alg", "kid", "typ"})
_AGAIN = "Nothing was done. Fetch the object to sign once more, and sign those bytes."


class Issuer(Value):
    """An installation that has objects signed for it: its name (`store.secret.key_id`), and what its marks are made with."""

    audience: str
    nonce_key: bytes = Field(repr=False)


class Asker(Value):
    """Who wants to sign: a device, the member it speaks for, and the installation that is asked."""

    audience: str
    member_id: str
    device_id: str


class Signature(Value):
    """A signature that was found to be good. What it may still be is used before, or late."""

    jws: str
    nonce: str
    device_id: str
    #: RFC 7638, of the key that made it.
    key_thumbprint: str
    expires_at: AwareDatetime

    @property
    def sha256(self) -> str:
        """What the log has of it."""
        return sha256_hex(self.jws.encode())


class SignedYes(Value):
    """What a signer gives: its JWS, and which device it is."""

    jws: str
    device_id: str


def issuer_of(secret: bytes, audience: str) -> Issuer:
    """The installation called `audience`, whose mark is made with a key that is derived from its secret."""
    return Issuer(audience=audience, nonce_key=hmac.new(secret, b"halo/signing-object", hashlib.sha256).digest())


def issue(draft: Draft, asker: Asker, *, now: datetime, chance: str, key: bytes) -> bytes:
    """The object of `draft` as it stands, for `asker`, with `chance` of 16 bytes in hexadecimal. It ends with the draft at the latest."""
    fields = _fields(draft, asker, issued_at=iso_utc(now), expires_at=iso_utc(min(now + LIVES, draft.expires_at)))
    return canonical_json({**fields, "nonce": chance + _mark(fields, chance, key)})


def check(jws: str, draft: Draft, asker: Asker, *, public_key_json: str, key: bytes) -> Signature:
    """The signature, where it is one of `asker` over the terms that stand now, in an object that was issued here.

    Raises `SignatureInvalid` saying what is wrong with it. Whether it came in time and for the first time is for the caller to look at.
    """
    payload = _verified(jws, asker.device_id, public_key_json)
    said = _said(payload)
    fields = _fields(draft, asker, issued_at=said["iat"], expires_at=said["exp"])
    nonce = said["nonce"]
    if not hmac.compare_digest(payload, canonical_json({**fields, "nonce": nonce})):
        raise SignatureInvalid(f"What was signed is not what stands now{_which(said, fields)}.", hint=_AGAIN)
    if not hmac.compare_digest(_mark(fields, nonce[:_HALF], key), nonce[_HALF:]):
        raise SignatureInvalid("The object that was signed was not issued here.", hint=_AGAIN)
    return Signature(
        jws=jws,
        nonce=nonce,
        device_id=asker.device_id,
        key_thumbprint=thumbprint(public_key_json),
        expires_at=datetime.fromisoformat(said["exp"]),
    )


def check_shown(signing_object: bytes, *, draft_hash: str, device_id: str) -> None:
    """For whoever is about to sign: that the object says the terms of that hash, for that device.

    A server that shows one thing and has another one signed is found here. Raises `SignatureInvalid`.
    """
    said = _said(signing_object)
    terms, amount = said.get("terms"), said.get("amount")
    if not isinstance(terms, dict) or not isinstance(amount, dict) or canonical_json(said) != signing_object:
        raise SignatureInvalid("That is not an object to sign.", hint="Nothing was signed.")
    named = {
        "purpose": PURPOSE,
        "device": device_id,
        "draft_hash": draft_hash,
        "household": terms.get("household_id"),
        "draft_id": terms.get("draft_id"),
        "draft_revision": terms.get("revision"),
        "verb": terms.get("verb"),
        "payee": terms.get("payee"),
        "irreversible": terms.get("irreversible"),
        "amount": _amount(terms),
    }
    if sha256_hex(canonical_json(terms)) != draft_hash or any(said.get(name) != value for name, value in named.items()):
        raise SignatureInvalid("What was given to sign is not what the card shows.", hint="Nothing was signed. Look at the draft again.")


def sign(signing_object: bytes, *, device_id: str, private_key_pem: bytes) -> str:
    """The compact JWS of a device that holds its own key, such as a terminal."""
    from joserfc import jws
    from joserfc.jwk import ECKey

    key = ECKey.import_key(private_key_pem)
    return jws.serialize_compact({"alg": ALGORITHM, "kid": device_id, "typ": TYPE}, signing_object, key, registry=_registry())


def new_key() -> tuple[bytes, str]:
    """A new P-256 key: its private half as PKCS #8 PEM, and its public half as it is kept."""
    from joserfc.jwk import ECKey

    key = ECKey.generate_key("P-256", private=True)
    parts = key.as_dict(private=False)
    return key.as_pem(private=True), public_key({name: parts[name] for name in ("kty", "crv", "x", "y")}).jwk_json


def is_signed_with(jws: str, *, public_key_json: str, device_id: str, draft_hash: str) -> bool:
    """Whether that device signed the terms of that hash with that key: what an audit asks, years later."""
    try:
        said = _said(_verified(jws, device_id, public_key_json))
    except SignatureInvalid:
        return False
    return (said.get("device"), said.get("draft_hash")) == (device_id, draft_hash)


def _fields(draft: Draft, asker: Asker, *, issued_at: str, expires_at: str) -> dict[str, Any]:
    terms = draft.terms.material()
    return {
        "purpose": PURPOSE,
        "aud": asker.audience,
        "household": draft.household_id,
        "user": asker.member_id,
        "device": asker.device_id,
        "draft_id": draft.id,
        "draft_revision": draft.revision,
        "draft_hash": draft.draft_hash,
        "verb": draft.verb,
        "payee": draft.terms.payee,
        "amount": _amount(terms),
        "terms": terms,
        "irreversible": draft.terms.irreversible,
        "iat": issued_at,
        "exp": expires_at,
    }


def _amount(terms: dict[str, Any]) -> dict[str, Any] | None:
    try:
        total, most = terms["total"], terms["maximum"]
        return {"minor": total["cents"], "max_minor": most["cents"], "currency": most["currency"]}
    except (KeyError, TypeError):
        return None


def _mark(fields: dict[str, Any], chance: str, key: bytes) -> str:
    return hmac.new(key, chance.encode() + b"\n" + canonical_json(fields), hashlib.sha256).hexdigest()[:_HALF]


def _which(said: dict[str, Any], fields: dict[str, Any]) -> str:
    """The fields that differ, by our own names."""
    differing = [name for name in fields if said.get(name) != fields[name]]
    return f": look at {', '.join(differing)}" if differing else ""


def _said(payload: bytes) -> dict[str, Any]:
    try:
        said = loads(payload)
    except JsonError:
        said = None
    if not isinstance(said, dict) or not all(isinstance(said.get(name), str) for name in ("iat", "exp", "nonce")):
        raise SignatureInvalid("What was signed is not an object of ours.", hint=_AGAIN)
    fields: dict[str, Any] = said
    if not (_TIME.fullmatch(fields["iat"]) and _TIME.fullmatch(fields["exp"]) and _NONCE.fullmatch(fields["nonce"])):
        raise SignatureInvalid("What was signed is not an object of ours.", hint=_AGAIN)
    return fields


def _verified(jws: str, device_id: str, public_key_json: str) -> bytes:
    """The payload of a compact JWS of that device, signed by that key with ES256 and nothing else. Raises `SignatureInvalid`."""
    if len(jws) > _MOST_CHARS or not _COMPACT.fullmatch(jws):
        raise SignatureInvalid("A signature is a compact JWS: three parts in base64url with a dot between them.", hint=_AGAIN)
    header, payload, _signature = (_decoded(part) for part in jws.split("."))
    _check_header(header, device_id)
    from joserfc.errors import JoseError
    from joserfc.jws import deserialize_compact

    try:
        deserialize_compact(jws, _key(public_key_json), registry=_registry())
    except (JoseError, ValueError) as error:
        raise SignatureInvalid("The signature does not fit what was signed, or not this device's key.", hint=_AGAIN) from error
    return payload


def _check_header(header: bytes, device_id: str) -> None:
    """Which key and which algorithm are ours to say: a header that brings either along, or asks for anything, is refused before it is used."""
    try:
        named = loads(header)
    except JsonError:
        named = None
    if not isinstance(named, dict) or not named.keys() <= _HEADER_NAMES:
        names = ", ".join(sorted(_HEADER_NAMES))
        raise SignatureInvalid(f"The protected header of the signature has {names} and nothing else.", hint=_AGAIN)
    if named.get("alg") != ALGORITHM:
        raise SignatureInvalid(f"A yes is signed with {ALGORITHM}.", hint=_AGAIN)
    if named.get("kid") != device_id:
        raise SignatureInvalid("The key id is not that of the device that calls.", hint=_AGAIN)
    if named.get("typ", TYPE) != TYPE:
        raise SignatureInvalid(f"The type of the signature is {TYPE}, where it names one.", hint=_AGAIN)


def _decoded(part: str) -> bytes:
    """Base64url without padding in its one written form: other bits at the end would be another way to write the same."""
    try:
        found = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        found = b""
    if base64.urlsafe_b64encode(found).rstrip(b"=") != part.encode():
        raise SignatureInvalid("A part of the signature is not base64url.", hint=_AGAIN)
    return found


@lru_cache(maxsize=256)
def _key(public_key_json: str) -> ECKey:
    """A key as it is kept (`model.public_key`). Raises `SignatureInvalid` for what is none."""
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey

    try:
        key = ECKey.import_key(json.loads(public_key_json))
        # The point is computed only when it is used: it has to be one of the curve.
        _ = key.public_key
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise SignatureInvalid("The key of that device cannot be read.", hint="Enrol the device once more.") from error
    return key


@lru_cache(maxsize=1)
def _registry() -> JWSRegistry:
    from joserfc.jws import JWSRegistry

    registry = JWSRegistry(algorithms=[ALGORITHM])
    registry.max_payload_length = _MOST_CHARS
    return registry
