"""The devices that may call, and how one comes to be one of them."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field

from halo_engine.model import device
from server.documents.base import Body, Document, Instant
from server.documents.words import DeviceKind


class DeviceKey(Body):
    """A public P-256 key as a JWK (RFC 7517): kty EC, crv P-256, x and y.

    One with a private half is refused; what else a library writes is not kept.
    """

    kty: str
    crv: str
    x: str
    y: str
    alg: str | None = None
    ext: bool | None = None
    key_ops: tuple[str, ...] | None = None
    kid: str | None = None
    use: str | None = None


class Device(Document):
    """What calls for a member, without its token. The keys are named by their RFC 7638 thumbprints."""

    id: str
    name: str
    kind: DeviceKind
    member_id: str
    created_at: Instant
    expires_at: Instant
    revoked_at: Instant | None = None
    active: bool
    signing_key_thumbprint: str | None = None
    proof_key_thumbprint: str | None = None

    @classmethod
    def of_device(cls, value: device.Device, *, active: bool) -> Self:
        told: dict[str, Any] = {name: getattr(value, name) for name in ("id", "name", "kind", "created_at", "expires_at", "revoked_at")}
        keys = {"signing_key_thumbprint": value.signing_thumbprint, "proof_key_thumbprint": value.proof_thumbprint}
        return cls(member_id=value.user_id, active=active, **told, **keys)


class Enrolment(Document):
    """A code that waits for its device. The code itself was shown once, to whoever made it."""

    id: str
    name: str
    kind: DeviceKind
    member_id: str
    created_at: Instant
    expires_at: Instant

    @classmethod
    def of(cls, value: device.Enrolment) -> Self:
        told: dict[str, Any] = {name: getattr(value, name) for name in ("id", "name", "kind", "created_at", "expires_at")}
        return cls(member_id=value.user_id, **told)


class DeviceList(Document):
    """Every device that ever could call, in the order they were added, and the codes that wait for theirs."""

    devices: tuple[Device, ...]
    enrolments: tuple[Enrolment, ...]


class EnrolDevice(Body):
    """A code as `halo devices add` shows it. With a `signing_key` the device can sign a yes; with a `proof_key` its token works with DPoP only."""

    code: Annotated[str, Field(max_length=100)]
    name: Annotated[str | None, Field(min_length=1, max_length=100)] = None
    signing_key: DeviceKey | None = None
    proof_key: DeviceKey | None = None

    @property
    def keys(self) -> dict[str, dict[str, Any] | None]:
        """Both as the engine reads them."""
        return {"signing_key": _jwk(self.signing_key), "proof_key": _jwk(self.proof_key)}


def _jwk(key: DeviceKey | None) -> dict[str, Any] | None:
    return key.model_dump(exclude_none=True) if key else None


class DeviceToken(Document):
    """A token, which is shown this once. The token that a device had before works until this one is first used."""

    device: Device
    token: str
    token_expires_at: Instant
