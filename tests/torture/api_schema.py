"""A-01: Schemathesis against the application's own description: whatever the description allows and forbids, the server keeps to it.

A point is one operation and a phase: the recorded examples and every boundary of its schema (`coverage`), or so many calls by chance under a seed
(`fuzzing`). Every check that Schemathesis has looks at every answer. Afterwards the server still answers, and the log still proves the books.
"""

from __future__ import annotations

import functools
import itertools
import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from fastapi.responses import Response
from pydantic import BaseModel

from halo_engine.model.errors import HaloError
from server import answers, errors
from server.app import create_app
from server.openapi import describe
from tests.installation import Installation
from tests.torture.api import lived_in_copy
from tests.torture.harness import Bug, Kind, Problem, Row, judge, sample

if TYPE_CHECKING:
    from fastapi import FastAPI
    from schemathesis.engine.recorder import ScenarioRecorder

#: Calls by chance at one point; Schemathesis adds some of its own, which check what is refused.
CALLS = 25
_KEY = re.compile(rb"[!-~]{8,255}")
#: What a schema cannot say of a value, and a 422 says: a cursor that nobody gave, a merchant nobody knows, a key that is no point of the curve.
_MEANT = {
    *("listActivity", "listDrafts", "listExecutions", "listRequests", "listWebhookDeliveries"),
    *("enrolDevice", "modifyDraft", "saveUsual", "changePreferences", "addMember"),
    *("parseCommand", "createWebhookEndpoint", "confirmDraft", "getSigningObject"),
    # Two days of which the last is before the first: no schema can say that.
    "getMetrics",
}
_TAKEN = ("2xx", "3xx", "401", "403", "404", "409", "429")


class _Between:
    """Between Schemathesis and the application: an act by each call, and nobody shuts out the device that calls.

    The key in the examples is always the same one, which a second act may not have: a good key is made a new one. A bad one stays.
    """

    def __init__(self, app: FastAPI, ids: Mapping[str, str]) -> None:
        self._app, self._mine, self._spare = app, ids["mine"], ids["device_id"]
        self._keys = itertools.count()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            path = scope["path"].replace(self._mine, self._spare)
            scope = {**scope, "path": path, "raw_path": path.encode(), "headers": [*map(self._another, scope["headers"])]}
        await self._app(scope, receive, send)

    def _another(self, header: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
        name, value = header
        return (name, b"act-%08d" % next(self._keys)) if name == b"idempotency-key" and _KEY.fullmatch(value) else header


@functools.cache
def _description() -> str:
    """As the application gives it. Made once: it takes longer than many a point."""
    with tempfile.TemporaryDirectory(prefix="halo-description-") as place:
        home, _ = lived_in_copy(Path(place))
        try:
            return json.dumps(describe(create_app(home.settings, clock=home.clock)))
        finally:
            home.engine.close()


def operations() -> list[str]:
    """Every operation that the application describes."""
    return sorted(operation["operationId"] for path in json.loads(_description())["paths"].values() for operation in path.values())


def _points(random: Random) -> Iterator[str]:
    names = operations()
    yield from sample(random, [f"coverage-{name}" for name in names])
    while True:
        yield from (f"fuzzing-{name}-{random.randrange(10**6)}" for name in sample(random, names))


def _attempt(point: str, place: Path) -> Iterator[Problem]:
    from schemathesis.python import asgi

    home, ids = _lived_in(place)
    app = create_app(home.settings, clock=home.clock)
    between = _Between(app, ids)
    try:
        for recorder in _tried(between, ids, *point.split("-")):
            yield from _failures(recorder)
        with asgi.get_client(between) as client:
            for path in ("/healthz", "/readyz", "/v1/household"):
                if (status := client.get(path, headers={"Authorization": f"Bearer {ids['token']}"}).status_code) != 200:
                    yield Problem(Kind.WRONG, f"after all that, {path} answers {status}")
    finally:
        asgi.shutdown_lifespans()
    _carry_on(home)
    yield from judge(home)
    home.engine.close()


def _carry_on(home: Installation) -> None:
    """What was confirmed by chance is seen through."""
    with home.queries() as queries:
        left = [each.id for each in queries.executions(limit=1000) if not each.is_final]
    for execution_id in left:
        home.engine.execute(execution_id, wait_s=4 * 86_400)


def _lived_in(place: Path) -> tuple[Installation, dict[str, str]]:
    """A home with one of everything, and the ids of it all."""
    home, ids = lived_in_copy(place)
    with home.queries() as queries:
        ids |= {"usual_id": queries.usuals()[0].id, "member_id": queries.members()[1].id}
        ids["mine"] = next(device.id for device in queries.devices() if device.name == "Phone")
    with suppress(HaloError):
        # It may be that this home may not tell anybody.
        ids["endpoint_id"] = home.engine.webhooks.add("https://example.com/hook", by="Alex").endpoint.id
    return home, ids


def _tried(app: _Between, ids: Mapping[str, str], phase: str, operation: str, seed: str = "0") -> Iterator[ScenarioRecorder]:
    """What was sent and answered, with what every check said of it."""
    import schemathesis
    from schemathesis.config import SchemathesisConfig
    from schemathesis.engine import events, from_schema

    config = SchemathesisConfig.from_dict(_config(ids, phase, operation) | {"seed": int(seed)})
    schema = schemathesis.openapi.from_dict(json.loads(_description()), config=config)
    schema.app, schema.location = app, "/openapi.json"
    for event in from_schema(schema.include(operation_id=operation)).execute():
        if isinstance(event, events.ScenarioFinished):
            yield event.recorder
        elif isinstance(event, events.NonFatalError):
            raise event.value


def _config(ids: Mapping[str, str], phase: str, operation: str) -> dict[str, Any]:
    """All checks there are. Every second id is one that there is: by chance alone, nobody would ever find anything."""
    phases = ("examples", "coverage", "fuzzing", "stateful")
    are_on = ("fuzzing",) if phase == "fuzzing" else ("examples", "coverage")
    named = {f"{place}.{name}": name for place in ("path", "body") for name in ids} | {"path.of": "draft_id", "body.about": "of"}
    named |= {"body.answers": "request_id"}
    return {
        "headers": {"Authorization": f"Bearer {ids['token']}"},
        "continue-on-failure": True,
        "max-stream-events": 3,
        "request-timeout": 60.0,
        "cache": {"enabled": False},
        "dictionaries": {name: {"values": [value]} for name, value in ids.items()},
        "parameters": {at: {"dictionary": name, "probability": 0.5} for at, name in named.items()},
        "generation": {"max-examples": CALLS, "database": "none", "no-shrink": True},
        "phases": {each: {"enabled": each in are_on} for each in phases},
        "checks": {"positive_data_acceptance": {"expected-statuses": [*_TAKEN, *(["422"] if operation in _MEANT else [])]}},
    }


def _failures(recorder: ScenarioRecorder) -> Iterator[Problem]:
    """One problem for each way in which a check has failed."""
    told = set()
    for case_id, checks in recorder.checks.items():
        for check in checks:
            if check.failure_info is None or check.name in told or _is_null_for_nothing(check.name, recorder.interactions[case_id].request):
                continue
            told.add(check.name)
            failure, answered = check.failure_info.failure, recorder.interactions[case_id].response
            said = " ".join(f"{failure.title}: {failure.message}: {check.failure_info.code_sample}".split())
            yield Problem(Kind.WRONG, f"{check.name}, answered with {answered.status_code if answered else 'nothing'}: {said[:1_000]}")


def _is_null_for_nothing(check: str, request: Any) -> bool:
    """A null is let pass where a field may be absent: many a library writes one. The schema has no null, or its clients would have to read some."""
    try:
        sent = json.loads(request.body or b"")
    except ValueError:
        return False
    return check == "negative_data_rejection" and isinstance(sent, dict) and None in sent.values()


# The bugs that this has to catch.


@contextmanager
def _another_status() -> Iterator[None]:
    """What is not there is answered with a status that no operation describes."""

    def wrong(kind: errors.Kind, *args: Any, **named: Any) -> Response:
        answer = problem(kind, *args, **named)
        answer.status_code = 410 if kind.status == 404 else answer.status_code
        return answer

    problem = errors.problem
    with patch.object(errors, "problem", wrong):
        yield


@contextmanager
def _nothing_left_out() -> Iterator[None]:
    """What is absent is answered as null."""

    def wrong(value: Any) -> bytes:
        return bytes(value.model_dump_json().encode()) if isinstance(value, BaseModel) else encoded(value)

    encoded = answers.encoded
    with patch.object(answers, "encoded", wrong):
        yield


BUGS = (
    Bug("a-status-that-is-not-described", _another_status.__doc__ or "", _another_status, "A-01", ("coverage-getDraft",)),
    Bug("null-for-what-is-absent", _nothing_left_out.__doc__ or "", _nothing_left_out, "A-01", ("coverage-listDevices",)),
)

ROWS = (Row(id="A-01", title="every operation, held against its description", ci=84, points=_points, attempt=_attempt),)
