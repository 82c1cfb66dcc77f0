"""`Idempotency-Key`: the same POST again gets the first one's answer and does nothing (draft-ietf-httpapi-idempotency-key-header-07).

What was asked under a key, how far it came and what was answered stands in the books (`store.acts`), so it holds after a restart and for every
process that serves them. An act that was cut short, or that we could not do at the time, is carried on from where it was, and never begun anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel

from halo_engine.model.canonical import canonical_json, sha256_hex
from halo_engine.model.device import Device
from halo_engine.model.errors import FencedOff, HaloError
from halo_engine.stages.acts import Turn
from halo_engine.store.acts import Asked, Kept, Reached
from server.answers import PRIVATE, Answerable, answer
from server.auth import AtHome, Caller
from server.errors import IdempotencyConflict, IdempotencyInFlight, IdempotencyKeyRequired, problem_of
from server.home import Home

_KEY = re.compile(r"[\x21-\x7e]{8,255}")

#: Makes the answer of an act from what it had reached before it was cut short; None where it is to be done after all.
Resume = Callable[[Sequence[Reached]], Answerable | None]


def does_it_again(_reached: Sequence[Reached]) -> None:
    """For an act that comes to the same however often it is done."""


def made(find: Callable[[str], Answerable | None]) -> Resume:
    """For an act that makes one thing: what `find` finds of it by its id."""
    return lambda reached: next((it for each in reached if (it := find(each.entity_id)) is not None), None)


@dataclass(frozen=True)
class Post:
    """A request that changes something: who sent it, where to, and under which key."""

    device: Device
    home: Home
    route: str
    key: str

    @property
    def member(self) -> str:
        """Who acts: the member of the token, and nobody whom the body names."""
        return self.device.user_id

    def once(self, body: BaseModel | None, act: Callable[[], Answerable], *, resume: Resume = does_it_again) -> Response:
        """What `act` answers, or answered when the same came before."""
        begun = self._begin(_digest(body))
        if isinstance(begun, Kept):
            headers = {**PRIVATE, **begun.headers, "Idempotent-Replayed": "true"}
            return Response((begun.answer or "").encode(), begun.status or 200, headers, headers.pop("content-type", None))
        try:
            with begun.doing():
                given = _tried(lambda: (resume(begun.reached) if begun.reached else None) or act())
        except Exception:
            self._let_go(begun)
            raise
        if given.status_code >= 500:
            self._let_go(begun)
        else:
            self._keep(begun, given)
        return given

    def _begin(self, body_sha256: str) -> Kept | Turn:
        """What was answered before, or the turn to do it. Raises `IdempotencyConflict`, `IdempotencyInFlight`."""
        who = self.device
        asked = Asked(household_id=who.household_id, user_id=who.user_id, route=self.route, key=self.key, body_sha256=body_sha256)
        begun = self.home.engine.acts.begin(asked)
        if begun is None:
            raise IdempotencyInFlight
        if isinstance(begun, Kept) and begun.body_sha256 != body_sha256:
            raise IdempotencyConflict
        return begun

    def _keep(self, turn: Turn, given: Response) -> None:
        kept = {"content-type": given.headers["content-type"]}
        try:
            self.home.engine.acts.end(turn, status=given.status_code, headers=kept, answer=bytes(given.body).decode())
        except FencedOff:
            # Whoever took over answers.
            raise IdempotencyInFlight from None
        except HaloError:
            # It is done, and whoever asks again is told so.
            self._let_go(turn)
            raise

    def _let_go(self, turn: Turn) -> None:
        """A failure of ours is no answer to keep. Where not even that can be written, the turn is over by itself."""
        with suppress(HaloError):
            self.home.engine.acts.let_go(turn)


def _tried(act: Callable[[], Answerable]) -> Response:
    try:
        return answer(act())
    except FencedOff:
        raise IdempotencyInFlight from None
    except HaloError as error:
        return problem_of(error)


def _digest(body: BaseModel | None) -> str:
    """The same for bodies that mean the same: the order of keys does not count, and null is not the same as nothing."""
    return sha256_hex(canonical_json(body.model_dump(mode="json", exclude_unset=True) if body else {}))


async def posting(request: Request, home: AtHome, caller: Caller) -> Post:
    """Raises `IdempotencyKeyRequired`."""
    keys = request.headers.getlist("idempotency-key")
    if len(keys) != 1 or not _KEY.fullmatch(keys[0]):
        raise IdempotencyKeyRequired
    # Not `request.url`, which reads the query, too, and fails on one that is no text.
    return Post(device=caller, home=home, route=f"{request.method} {request.scope['path']}", key=keys[0])


Posting = Annotated[Post, Depends(posting)]
