"""The public half of a device's key: P-256 and nothing else, which is what a Secure Enclave makes.

A key comes as a JWK from whoever enrols, so it is read as hostile: a private half is refused (it must never have left the device), and so is a point
that is not on the curve. It is kept as RFC 7638 §3.2 writes it, so that equal keys are equal texts.
"""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from halo_engine.model.errors import InvalidInput
from halo_engine.model.value import Value

_PARTS = ("crv", "kty", "x", "y")
#: What other libraries write beside a key; none of it is kept, because none of it is believed.
_BESIDE = frozenset({"alg", "ext", "key_ops", "kid", "use"})
_COORDINATE = re.compile(r"[A-Za-z0-9_-]{43}")
_HINT = "Send a JWK with kty EC, crv P-256, x and y, and nothing private."


class PublicKey(Value):
    """`jwk_json` is its canonical JWK."""

    jwk_json: str

    @property
    def thumbprint(self) -> str:
        """RFC 7638, over SHA-256."""
        return thumbprint(self.jwk_json)


def public_key(given: object) -> PublicKey:
    """The key that the JWK `given` is. Raises `InvalidInput`, which repeats nothing of it."""
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey

    told: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    parts = {name: told.get(name) for name in _PARTS}
    known = told.keys() <= _BESIDE | set(_PARTS) and (parts["kty"], parts["crv"]) == ("EC", "P-256")
    if not known or not all(isinstance(parts[name], str) and _COORDINATE.fullmatch(str(parts[name])) for name in ("x", "y")):
        raise InvalidInput("That is not a public P-256 key.", hint=_HINT)
    try:
        # What the library writes again is canonical: of several ways to write a coordinate, one is left.
        read = ECKey.import_key({name: str(part) for name, part in parts.items()})
        found: Mapping[str, Any] = ECKey.binding.export_public_key(read.public_key)
    except (JoseError, ValueError, TypeError):
        raise InvalidInput("That is not a public P-256 key.", hint=_HINT) from None
    return PublicKey(jwk_json=f'{{"crv":"P-256","kty":"EC","x":"{found["x"]}","y":"{found["y"]}"}}')


def thumbprint(jwk_json: str) -> str:
    """The RFC 7638 thumbprint of a key in its canonical form."""
    return urlsafe_b64encode(hashlib.sha256(jwk_json.encode()).digest()).rstrip(b"=").decode()
