"""`Idempotency-Key`: the same POST again gets the first one's answer and does nothing (draft-ietf-httpapi-idempotency-key-header-07).

Kept in this process alone, and only the newest: enough for a client that lost an answer and asks again. After a restart a key is new. Nothing is
bought twice for that: a yes is a yes to one draft, which the books carry out once.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel

from halo_engine.model.canonical import canonical_json, sha256_hex
from halo_engine.model.device import Device
from halo_engine.model.errors import HaloError
from server.answers import answer
from server.auth import Caller
from server.errors import IdempotencyConflict, IdempotencyInFlight, IdempotencyKeyRequired, problem_of

_KEY = re.compile(r"[\x21-\x7e]{8,255}")
_MOST = 1000


@dataclass(frozen=True)
class _Given:
    """What was asked with a key; the answer is None as long as it is being done."""

    asked: str
    answer: Response | None


class Kept:
    """The newest answers by member, route and key."""

    def __init__(self) -> None:
        self._given: OrderedDict[tuple[str, str, str], _Given] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, place: tuple[str, str, str], asked: str) -> Response | None:
        """The answer that was given, or None: then it is for the caller to `end` it. Raises `IdempotencyConflict`, `IdempotencyInFlight`."""
        with self._lock:
            given = self._given.get(place)
            if given is None:
                self._given[place] = _Given(asked, None)
                return None
            if given.asked != asked:
                raise IdempotencyConflict
            if given.answer is None:
                raise IdempotencyInFlight
            return given.answer

    def end(self, place: tuple[str, str, str], given: Response | None) -> None:
        """Keep what was answered; nothing where it was no answer to keep, such as a failure of ours."""
        with self._lock:
            before = self._given.pop(place)
            if given is not None:
                self._given[place] = _Given(before.asked, given)
            done = (key for key, each in self._given.items() if each.answer is not None)
            for key in [key for key, _ in zip(done, range(len(self._given) - _MOST), strict=False)]:
                del self._given[key]


@dataclass(frozen=True)
class Post:
    """A POST that changes something: who sent it, and under which key."""

    device: Device
    place: tuple[str, str, str]
    kept: Kept

    @property
    def member(self) -> str:
        """Who acts: the member of the token, and nobody whom the body names."""
        return self.device.user_id

    def once(self, body: BaseModel | None, act: Callable[[], Mapping[str, Any]]) -> Response:
        """What `act` answers, or answered when the same came before."""
        before = self.kept.begin(self.place, _digest(body))
        if before is not None:
            return Response(before.body, before.status_code, {**_shown(before), "Idempotent-Replayed": "true"})
        given: Response | None = None
        try:
            given = _tried(act)
        finally:
            self.kept.end(self.place, given if given is not None and given.status_code < 500 else None)
        return given


def _tried(act: Callable[[], Mapping[str, Any]]) -> Response:
    try:
        return answer(act())
    except HaloError as error:
        return problem_of(error)


def _shown(given: Response) -> dict[str, str]:
    return {name: value for name, value in given.headers.items() if name != "content-length"}


def _digest(body: BaseModel | None) -> str:
    """The same for bodies that mean the same: the order of keys does not count, and null is not the same as nothing."""
    return sha256_hex(canonical_json(body.model_dump(mode="json", exclude_unset=True) if body else {}))


async def posting(request: Request, caller: Caller) -> Post:
    """Raises `IdempotencyKeyRequired`."""
    keys = request.headers.getlist("idempotency-key")
    if len(keys) != 1 or not _KEY.fullmatch(keys[0]):
        raise IdempotencyKeyRequired
    return Post(device=caller, place=(caller.user_id, request.url.path, keys[0]), kept=request.app.state.kept)


Posting = Annotated[Post, Depends(posting)]
