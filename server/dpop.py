"""A proof that a token is in the hands it was given to (DPoP, RFC 9449 §4.3), for devices that enrolled with a key for it.

Each call brings a small JWT, signed with that key, over the method, the address, the time and the token. A token that leaked is of no use without the
key, which a phone never lets out. Whether a proof came before is asked of the books (`Devices.proves_anew`): it may have come to another server.
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Collection
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from urllib.parse import urlsplit

from fastapi import Request
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from halo_engine.model.errors import InvalidInput
from halo_engine.model.public_key import public_key
from halo_engine.model.strict_json import JsonError, loads
from halo_engine.settings import Settings

#: By how much the device's clock may differ from this home's.
_CLOCKS = timedelta(seconds=60)
#: A proof has half a kilobyte.
_MAX_CHARS = 4096
_MAX_JTI_CHARS = 256
_PORTS = {"http": 80, "https": 443}


class Proof(NamedTuple):
    """A proof that holds, if its `jti` never came before; after `until` it would be too old."""

    jti: str
    until: datetime


class Asked(NamedTuple):
    """What a proof must be for: the method, one of these addresses, the token it comes with, by the key with that thumbprint, now."""

    method: str
    urls: Collection[str]
    token: str
    thumbprint: str
    now: datetime


def read_proof(jwt: str, asked: Asked) -> Proof | None:
    """The proof that `jwt` is, or None where anything about it is wrong: nobody is told what."""
    if len(jwt) > _MAX_CHARS:
        return None
    try:
        claims = loads(_signed(jwt, asked.thumbprint))
    except (JoseError, JsonError, InvalidInput, ValueError, TypeError, KeyError, RecursionError):
        return None
    return _for_this(claims, asked) if isinstance(claims, dict) else None


def urls_of(request: Request, settings: Settings) -> tuple[str, ...]:
    """The addresses that this call may have been sent to, without the query.

    Where the installation was told its name (`HALO_PUBLIC_URL`) it has no other, but for a caller on this machine: otherwise a proof that was made
    for another server would do here too, sent on with that server's name in `Host`.
    """
    path = request.scope.get("raw_path", b"").partition(b"?")[0].decode("latin-1") or request.scope["path"]
    own = urlsplit(f"{request.scope['scheme']}://{request.headers.get('host', '')}")
    called = f"{own.scheme}://{own.netloc}{path}"
    if settings.public_url is None:
        return (called,)
    public = settings.public_url.rstrip("/") + path
    return (public, called) if own.hostname in ("127.0.0.1", "::1", "localhost") else (public,)


def _signed(jwt: str, thumbprint: str) -> bytes:
    """The claims, if they are signed by the key with that thumbprint. Raises anything of what `read_proof` expects."""
    proof = jws.extract_compact(jwt.encode("ascii"))
    header: object = proof.headers()
    if not isinstance(header, dict):
        raise TypeError("not a header")
    # The algorithm is ours to choose: what the header says must be it, and decides nothing.
    if header.get("typ") != "dpop+jwt" or header.get("alg") != "ES256" or header.keys() & {"crit", "b64"}:
        raise ValueError("not a proof")
    key = public_key(header["jwk"])
    if key.thumbprint != thumbprint:
        raise ValueError("another key")
    if not jws.validate_compact(proof, ECKey.import_key(json.loads(key.jwk_json)), algorithms=["ES256"]):
        raise ValueError("not signed")
    return proof.payload


def _for_this(claims: dict[str, object], asked: Asked) -> Proof | None:
    at, jti, htu, now = claims.get("iat"), claims.get("jti"), claims.get("htu"), asked.now.timestamp()
    reach = _CLOCKS.total_seconds()
    is_timely = isinstance(at, int | float | Decimal) and not isinstance(at, bool) and now - reach <= at <= now + reach
    is_named = isinstance(jti, str) and 1 <= len(jti) <= _MAX_JTI_CHARS
    is_here = isinstance(htu, str) and _normal(htu) is not None and _normal(htu) in map(_normal, asked.urls)
    is_with_token = claims.get("ath") == urlsafe_b64encode(hashlib.sha256(asked.token.encode()).digest()).rstrip(b"=").decode()
    if not (is_timely and is_named and is_here and is_with_token and claims.get("htm") == asked.method):
        return None
    # One that is dated a minute ahead can come for two.
    return Proof(str(jti), asked.now + 2 * _CLOCKS)


def _normal(url: str) -> tuple[str, str, int | None, str] | None:
    """An address in one form (RFC 3986 §6.2.2 and §6.2.3), without query and fragment; None for what is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    if scheme not in _PORTS or not parts.hostname or "@" in parts.netloc:
        return None
    return scheme, parts.hostname, port or _PORTS[scheme], parts.path or "/"
