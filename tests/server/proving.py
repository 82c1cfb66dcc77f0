"""A device with keys of its own: how it enrols, and the proof it brings with each call. Every part of a proof can be made wrong."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from fastapi.testclient import TestClient
from joserfc import jws
from joserfc.jwk import ECKey

from tests.installation import Installation

ORIGIN = "http://testserver"


def b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def public(key: ECKey) -> dict[str, Any]:
    """Its public half, as a phone sends it."""
    return {name: key.as_dict(private=False)[name] for name in ("kty", "crv", "x", "y")}


def told(answer: Any) -> tuple[int, str, str]:
    """All of an answer but the request's id, which is another each time."""
    body = {name: said for name, said in answer.json().items() if name != "request_id"}
    return answer.status_code, json.dumps(body, sort_keys=True), answer.headers.get("www-authenticate", "")


def signed(header: Any, claims: Any, key: ECKey) -> str:
    """A JWS of these very parts, whatever they are, also bytes; as ES256, whatever the header says."""
    parts = (part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, claims))
    first = ".".join(map(b64, parts))
    algorithm = jws.default_registry.get_alg("ES256")
    return f"{first}.{b64(algorithm.sign(first.encode(), key))}"


def with_hmac(header: Mapping[str, Any], claims: Any, secret: bytes) -> str:
    first = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
    return f"{first}.{b64(hmac.digest(secret, first.encode(), 'sha256'))}"


@dataclass
class Prover:
    """A device whose token is of no use without its key."""

    client: TestClient
    home: Installation
    key: ECKey
    token: str
    device_id: str
    _count: count[int] = field(default_factory=count)

    def header(self, **other: Any) -> dict[str, Any]:
        return {"typ": "dpop+jwt", "alg": "ES256", "jwk": public(self.key)} | other

    def claims(self, method: str, path: str, **other: Any) -> dict[str, Any]:
        return {
            "htm": method,
            "htu": f"{ORIGIN}{path}",
            "iat": int(self.home.clock.now().timestamp()),
            "jti": f"{self.device_id}-{next(self._count)}",
            "ath": b64(hashlib.sha256(self.token.encode()).digest()),
        } | other

    def proof(self, method: str, path: str, **other: Any) -> str:
        return signed(self.header(), self.claims(method, path, **other), self.key)

    def send(self, method: str, path: str, proof: str | None, *, scheme: str = "DPoP", **more: Any) -> Any:
        headers = {"Authorization": f"{scheme} {self.token}", "Idempotency-Key": f"{self.device_id}-{next(self._count)}"}
        return self.client.request(method, path, headers=headers | ({} if proof is None else {"DPoP": proof}), **more)

    def call(self, method: str, path: str, **more: Any) -> Any:
        """As it should be done."""
        return self.send(method, path, self.proof(method, path), **more)


def prover(home: Installation, client: TestClient, *, member: str | None = None) -> Prover:
    """A new one, of `member`, by default of the owner."""
    key = ECKey.generate_key("P-256")
    code = home.engine.devices.open_enrolment("Phone", by=member).code.get_secret_value()
    new = home.engine.devices.enrol(code, proof_key=public(key))
    return Prover(client, home, key, new.token.get_secret_value(), new.device.id)
