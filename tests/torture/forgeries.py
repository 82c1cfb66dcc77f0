"""Signatures that somebody could make who has everything but the right to: for C-04. Each is refused; the same arithmetic made the right one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from halo_engine.model.draft import Draft
from halo_engine.model.errors import SignatureInvalid
from halo_engine.model.signing import Asker, check
from tests.signing import Signer


@dataclass(frozen=True)
class Checked:
    """One signature with everything it is held against."""

    jws: str
    signing_object: bytes
    signer: Signer
    draft: Draft
    asker: Asker
    #: Another device of the same member, with its own key.
    other: Signer
    key: bytes

    def accepts(self, jws: str) -> bool:
        try:
            check(jws, self.draft, self.asker, public_key_json=self.signer.public_key_json, key=self.key)
        except SignatureInvalid:
            return False
        return True


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _headed(it: Checked, header: Mapping[str, Any]) -> str:
    """The same object under another header, signed by the right key."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(it.signer.private_key_pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    start = f"{_b64(json.dumps(header).encode())}.{_b64(it.signing_object)}"
    r, s = decode_dss_signature(key.sign(start.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{start}.{_b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _confused(it: Checked) -> Iterator[str]:
    """The public key, which everybody may know, taken for a shared secret; in every way it can be written."""
    _, payload, _ = it.jws.split(".")
    for algorithm, digest in (("HS256", hashlib.sha256), ("HS384", hashlib.sha384), ("HS512", hashlib.sha512)):
        start = f"{_b64(json.dumps({'alg': algorithm, 'kid': it.signer.device_id}).encode())}.{payload}"
        for secret in (it.signer.public_key_json.encode(), *_pems(it.signer.public_key_json), b""):
            yield f"{start}.{_b64(hmac.new(secret, start.encode(), digest).digest())}"


def _pems(public_key_json: str) -> tuple[bytes, bytes]:
    from joserfc.jwk import ECKey

    key = ECKey.import_key(json.loads(public_key_json))
    return key.as_pem(private=False), key.as_der(private=False)


def _parts(it: Checked) -> tuple[str, str, str]:
    header, payload, signature = it.jws.split(".")
    return header, payload, signature


def _spelt(it: Checked) -> Iterator[str]:
    """The same in other characters: padded, with blanks, with the other alphabet, with other bits at the end that decode to the same."""
    header, payload, signature = _parts(it)
    for blank in (" ", "\n", "\r\n", "\t", "\x00", "\ufeff", "=", "==", ".", "%3D"):
        yield from (
            f"{it.jws}{blank}",
            f"{blank}{it.jws}",
            f"{header}{blank}.{payload}.{signature}",
            f"{header}.{payload}{blank}.{signature}",
        )
    yield it.jws.replace("-", "+").replace("_", "/") if set("-_") & set(it.jws) else f"{it.jws}+"
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for last in alphabet:
        yield from (f"{it.jws[:-1]}{last}", f"{header[:-1]}{last}.{payload}.{signature}", f"{header}.{payload[:-1]}{last}.{signature}")


def _unencoded(it: Checked) -> Iterator[str]:
    """RFC 7797: a payload that is not encoded, and one that is detached."""
    header, payload, signature = _parts(it)
    plain = {"alg": "ES256", "kid": it.signer.device_id, "b64": False}
    yield from (_headed(it, plain), _headed(it, {**plain, "crit": ["b64"]}), f"{header}..{signature}")
    yield f"{_b64(json.dumps({**plain, 'crit': ['b64']}).encode())}.{it.signing_object.decode()}.{signature}"
    yield json.dumps({"protected": header, "payload": payload, "signature": signature})


def _of_the_signature(it: Checked) -> Iterator[str]:
    """Zero, short, long, in DER, and of the other half of the point."""
    header, payload, signature = _parts(it)
    raw = base64.urlsafe_b64decode(signature + "==")
    der = b"\x30\x44\x02\x20" + raw[:32] + b"\x02\x20" + raw[32:]
    for other in (
        bytes(64),
        b"",
        raw[:63],
        raw[:32],
        raw + b"\x00",
        raw[32:] + raw[:32],
        der,
        b"\xff" * 64,
        raw[:32] + bytes(32),
        bytes(32) + raw[32:],
    ):
        yield f"{header}.{payload}.{_b64(other)}"


def _headers(it: Checked) -> Iterator[str]:
    """Everything that a header could ask for, signed by the right key."""
    kid, jwk = it.signer.device_id, json.loads(it.signer.public_key_json)
    right = {"alg": "ES256", "kid": kid}
    asked_for: tuple[dict[str, Any], ...] = (
        {"jwk": jwk},
        {"jku": "https://halo.example/keys"},
        {"x5c": ["MIIB"]},
        {"x5u": "https://halo.example/key"},
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"zip": "DEF"},
        {"cty": "JWT"},
        {"typ": "JWT"},
        {"typ": None},
        {"kid": it.other.device_id},
        {"kid": [kid]},
        {"kid": f"{kid}/../x"},
        {"alg": "es256"},
        {"alg": "ES256K"},
        {"alg": "ES384"},
        {"alg": ["ES256"]},
        {"alg": None},
    )
    for more in asked_for:
        yield _headed(it, {**right, **more})
    yield from (_headed(it, {"alg": "ES256"}), _headed(it, {"kid": kid}), _headed(it, {}))


def _none(it: Checked) -> Iterator[str]:
    _, payload, signature = _parts(it)
    for algorithm, left in product(("none", "None", "NONE", "nOnE", ""), ("", signature, "AA")):
        yield f"{_b64(json.dumps({'alg': algorithm, 'kid': it.signer.device_id}).encode())}.{payload}.{left}"


def _by_another_key(it: Checked) -> Iterator[str]:
    other = it.other
    stolen = Signer(it.signer.device_id, it.signer.member, other.private_key_pem, other.public_key_json)
    yield from (stolen.sign(it.signing_object), other.sign(it.signing_object))


def _said_twice(it: Checked) -> Iterator[str]:
    """A name twice in the header or in the object: two readers, two meanings."""
    _, payload, signature = _parts(it)
    kid = it.signer.device_id
    for header in (
        f'{{"alg":"none","alg":"ES256","kid":"{kid}"}}',
        f'{{"alg":"ES256","kid":"x","kid":"{kid}"}}',
        "[]",
        "null",
        '"ES256"',
        "",
    ):
        yield f"{_b64(header.encode())}.{payload}.{signature}"
    for other in (
        it.signing_object.replace(b'"verb":', b'"verb":"CANCEL","verb":', 1),
        it.signing_object.replace(b"{", b'{"a":1,', 1),
        it.signing_object.replace(b":", b": ", 1),
        it.signing_object + b"\n",
        json.dumps(json.loads(it.signing_object), indent=1).encode(),
    ):
        yield it.signer.sign(other)


FORGERIES: Mapping[str, Callable[[Checked], Iterator[str]]] = {
    "alg-none": _none,
    "hs256-with-the-public-key": _confused,
    "header": _headers,
    "unencoded": _unencoded,
    "spelling": _spelt,
    "signature": _of_the_signature,
    "another-key": _by_another_key,
    "said-twice": _said_twice,
}
