"""Who is calling: the device whose token came with the request, and so the member that it speaks for. Nobody else can be named.

Every refusal is the same 401, whatever was wrong with the token: one that was revoked must look like one that never was.
"""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from halo_engine.model.device import Device
from server.home import Home


async def home_of(request: Request) -> Home:
    """The installation behind this application. Async like all that only looks: a plain `def` would be sent to a thread for it."""
    return cast(Home, request.app.state.home)


AtHome = Annotated[Home, Depends(home_of)]


def calling(request: Request, home: AtHome) -> Device:
    """The device that calls. Raises 401."""
    headers = request.headers.getlist("authorization")
    scheme, _, token = (headers[0] if len(headers) == 1 else "").partition(" ")
    device = home.engine.devices.with_token(token.strip()) if scheme.lower() == "bearer" else None
    if device is None:
        raise HTTPException(401, headers={"WWW-Authenticate": 'Bearer realm="halo"'})
    return device


Caller = Annotated[Device, Depends(calling)]
