"""Who is calling: the device whose token came with the request, and so the member that it speaks for. Nobody else can be named.

Every refusal is the same 401, whatever was wrong: a token that was revoked must look like one that never was, and a good one without its proof
(`server.dpop`) like a bad one, or whoever found it would know that it is good.
"""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from halo_engine.model.device import Device, DeviceKind, Presented
from halo_engine.model.errors import NotAuthorised
from server.dpop import Asked, read_proof, urls_of
from server.home import Home, Installation
from server.rates import Rates

#: RFC 6750 §3 and RFC 9449 §7.1: whoever sent nothing is told of no error.
_CHALLENGE = 'Bearer realm="halo", DPoP realm="halo", algs="ES256"'
_CHALLENGE_AGAIN = 'Bearer realm="halo", error="invalid_token", DPoP realm="halo", error="invalid_token", algs="ES256"'


async def installation_of(request: Request) -> Installation:
    """The installation behind this application. Async like all that only looks: a plain `def` would be sent to a thread for it."""
    return cast(Installation, request.app.state.installation)


#: For what is nobody's: whoever asks for it has not said who they are.
AtInstallation = Annotated[Installation, Depends(installation_of)]


async def rates_of(request: Request) -> Rates:
    """How often whoever may ask."""
    return cast(Rates, request.app.state.rates)


AtRates = Annotated[Rates, Depends(rates_of)]


def presenting(request: Request, installation: AtInstallation, rates: AtRates) -> Presented:
    """The device that calls, and the token it calls with. Raises 401, and `RateLimited` where it calls too often."""
    sent = request.headers.getlist("authorization")
    scheme, _, token = (sent[0] if len(sent) == 1 else "").partition(" ")
    presented = installation.engine.devices.with_token(token.strip()) if scheme.lower() in ("bearer", "dpop") else None
    if presented is not None and _is_shown_rightly(request, installation, rates, presented.device, scheme.lower(), token.strip()):
        # Not before: to take a token ends the one before it, and whoever found this one cannot show that it is theirs.
        presented = installation.engine.devices.take(presented)
    else:
        presented = None
    if presented is None:
        rates.stranger(request)
        raise HTTPException(401, headers={"WWW-Authenticate": _CHALLENGE_AGAIN if sent else _CHALLENGE})
    # For the line in the log.
    request.state.household_id = presented.device.household_id
    return presented


AsPresented = Annotated[Presented, Depends(presenting)]


async def calling(presented: AsPresented) -> Device:
    """The device that calls."""
    return presented.device


def _is_shown_rightly(request: Request, installation: Installation, rates: Rates, device: Device, scheme: str, token: str) -> bool:
    """Whether the token came as this device has to show it. Raises `RateLimited`, before anything of the call is written."""
    if device.proof_thumbprint is None:
        if scheme == "bearer":
            rates.device(device.id)
        return scheme == "bearer"
    proofs = request.headers.getlist("dpop")
    if scheme != "dpop" or len(proofs) != 1:
        return False
    asked = Asked(request.method, urls_of(request, installation.settings), token, device.proof_thumbprint, installation.clock.now())
    proof = read_proof(proofs[0], asked)
    if proof is None:
        return False
    rates.device(device.id)
    return installation.engine.devices.proves_anew(device, proof.jti, until=proof.until)


Caller = Annotated[Device, Depends(calling)]


async def by_a_person(caller: Caller) -> None:
    """For what decides who may do what here, or who is told of it. Raises `NotAuthorised` for a program."""
    if caller.kind is not DeviceKind.PERSON:
        raise NotAuthorised("A program's device cannot change this; a member does that in Halo.", hint="Nothing was changed.")


#: The dependency of such a route.
ByAPerson = Depends(by_a_person)


async def home_of(installation: AtInstallation, caller: Caller) -> Home:
    """The home of whoever calls, and of nobody else."""
    return installation.home(caller.household_id)


AtHome = Annotated[Home, Depends(home_of)]
