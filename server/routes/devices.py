"""The devices of a household: how one enrols, gets another token, and is shut out.

A token is in no answer that is kept: enrolling and refreshing take no `Idempotency-Key`. A code works once anyhow, and of several tokens that a
device was given only the one it uses counts.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from halo_engine.model.errors import NotFound
from halo_engine.model.ids import Prefix, prefix_of
from server.answers import answer, found
from server.auth import AsPresented, AtHome, AtInstallation, AtRates, ByAPerson
from server.body import read
from server.documents.devices import Device, DeviceList, DeviceToken, EnrolDevice, Enrolment
from server.errors import problems
from server.once import Posting


async def enrolling(request: Request, rates: AtRates) -> None:
    """Whoever guesses is slowed down, before anything of what was sent is looked at. Raises `RateLimited`."""
    rates.enrolment(request)


#: A code and two keys are not half a kilobyte, and anybody may send this.
_ENROLMENT = 4 * 1024

#: For whoever has no token yet.
unguarded = APIRouter(prefix="/v1/devices", tags=["devices"], dependencies=[Depends(enrolling)])
routes = APIRouter(prefix="/v1/devices", tags=["devices"])


@unguarded.post("/enrol", operation_id="enrolDevice", response_model=DeviceToken, responses=problems(403, 422, 429))
def enrol(installation: AtInstallation, body: Annotated[EnrolDevice, read(EnrolDevice, most=_ENROLMENT)]) -> Response:
    """Come with a code, and get a token. Without one; a code that is wrong, used, over or taken back is refused in the same words."""
    new = installation.engine.devices.enrol(body.code, name=body.name, **body.keys)
    shown = Device.of_device(new.device, active=True)
    return answer(DeviceToken(device=shown, token=new.token.get_secret_value(), token_expires_at=new.device.expires_at))


@routes.get("", operation_id="listDevices", response_model=DeviceList)
def devices(home: AtHome) -> Response:
    """Every device that ever could call for somebody of this household, and the codes that wait for theirs."""
    now = home.now()
    with home.queries() as queries:
        listed = tuple(Device.of_device(one, active=one.speaks_at(now)) for one in queries.devices())
        waiting = tuple(Enrolment.of(one) for one in queries.enrolments(waiting_at=now))
    return found(DeviceList(devices=listed, enrolments=waiting))


@routes.post("/refresh", operation_id="refreshDevice", response_model=DeviceToken, responses=problems(403))
def refresh(installation: AtInstallation, presented: AsPresented) -> Response:
    """Another token for the device that calls. The one it has works until this one is first used: whoever loses this answer asks again."""
    new = installation.engine.devices.refresh(presented)
    shown = Device.of_device(new.device, active=True)
    return answer(DeviceToken(device=shown, token=new.token.get_secret_value(), token_expires_at=new.expires_at))


@routes.post(
    "/{device_id}/revoke", operation_id="revokeDevice", response_model=Device, responses=problems(403, 404), dependencies=[ByAPerson]
)
def revoke(home: AtHome, post: Posting, device_id: str) -> Response:
    """Shut a device out, at once and for good. Everybody may their own; only an owner somebody else's."""
    if prefix_of(device_id) is not Prefix.DEVICE:
        raise NotFound("There is no such device in this household.", hint="List them with: halo devices list")
    return post.once(None, lambda: Device.of_device(home.engine.devices.revoke(device_id, by=post.member), active=False))
