"""Rows V-05 and V-07 to V-10: vendors whose words cannot be relied on. The rest of the matrix's V rows are gathered here too.

What a vendor says is changed between the simulator and the engine, in process: here the words matter and not the wire. What it did stands in its
ledger all the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby, zip_longest
from pathlib import Path
from random import Random

import httpx

from halo_engine.model.execution import ExecutionStatus
from halo_sim.http import VENDORS
from halo_sim.wire import Refusal
from tests.torture import hostile, vendor_sockets, vendor_texts
from tests.torture.harness import Kind, Problem, Row, sample
from tests.torture.jobs import JOBS
from tests.torture.vendor_world import Scene, Target, Turn, calls, in_process, read_point, shuffled, targets

Ask = Callable[[], httpx.Response]


def said(body: bytes, status: int = 200) -> httpx.Response:
    """A JSON answer."""
    return httpx.Response(status, content=body, headers={"content-type": "application/json"})


def refusal(job: str, status: int, code: str, message: str) -> httpx.Response:
    """A no to the job's commit call, in the vendor's own words."""
    vendor, route = next(
        (vendor, route)
        for vendor in VENDORS.values()
        for route in vendor.routes
        if route.commits and _is_place(job, vendor.name, route.operation)
    )
    answer = (route.refuse or vendor.refuse)(Refusal(status, code, message))
    return httpx.Response(answer.status, content=answer.body, headers=list(answer.headers))


_VENDOR_OF = {"order": "amazon", "reorder": "amazon", "zinc": "zinc", "cancel": "subscriptions", "book": "resy", "haircut": "square"}


def _is_place(job: str, vendor: str, operation: str) -> bool:
    return (vendor, operation) == (_VENDOR_OF[job], calls(job).place)


def as_numbered(problems: Iterable[Problem]) -> list[Problem]:
    """What the judge says where Resy gave its booking another number, which is all that ties it to an execution: to the judge that is a stranger's
    booking and a claim without one. One of each is the one booking."""
    found = list(problems)
    apart = [problem for problem in found if problem.what.endswith(("which nothing in the books stands for", "and the books claim it"))]
    return [problem for problem in found if problem not in apart] if sorted(problem.kind for problem in apart) == _ONE_OF_EACH else found


_ONE_OF_EACH = [Kind.DOUBLE, Kind.LOST]


# V-05


def _json_points(random: Random) -> Iterable[str]:
    every = [(target, _places_in(target) * len(hostile.WAYS)) for target in targets()]
    places, others = (shuffled(random, [pair for pair in every if pair[0].is_place is kind]) for kind in (True, False))
    # Every other point is an answer to what may have been done; there are far more of the others.
    for pair in zip_longest(places, others):
        yield from (f"{target}.{at // len(hostile.WAYS)}.{hostile.WAYS[at % len(hostile.WAYS)]}" for target, at in filter(None, pair))


def _places_in(target: Target) -> int:
    return len(hostile.paths(calls(target.job).of(target.stage)[target.operation]))


def _json(point: str, place: Path) -> Iterable[Problem]:
    target, (number, way) = read_point(point, 2)
    turn = Turn(target)

    def answered(operation: str, ask: Ask) -> httpx.Response:
        real = ask()
        if not turn.has_come(operation):
            return real
        body = real.read()
        path = hostile.paths(body)[int(number) % len(hostile.paths(body))]
        return said(hostile.spoiled(body, path, way), real.status_code)

    told = hostile.paths(calls(target.job).of(target.stage)[target.operation])[int(number)]
    with in_process(target.job, place) as scene:
        scene.wire.answered = answered
        yield from scene.struck(target)
        yield from as_numbered(scene.ended()) if told[-1:] == ("reservation_id",) else scene.ended()


# V-07

#: What a vendor's own words may claim though it was done: the status, the code, and the words.
_DENIALS = (
    (400, "invalid_request", "The request is not valid."),
    (400, "duplicate_external_id", "This externalId exists already."),
    (401, "unauthorized", "The access token has expired."),
    (402, "payment_required", "The card was declined."),
    (403, "forbidden", "This account may not."),
    (403, "token_expired", "The access token you provided has expired."),
    (404, "not_found", "There is no such thing."),
    (409, "already_exists", "An order under this key exists already."),
    (409, "conflict", "The time slot is taken."),
    (412, "precondition", "The table is no longer available."),
    (419, "unauthorized", "Unauthorized."),
    (422, "invalid", "It cannot be processed."),
    (429, "rate_limit", "Too many requests."),
    (500, "server_error", "Internal Server Error"),
    (503, "unavailable", "The service is temporarily unavailable."),
)
#: What names a vendor's order in its answers, and what ties an answer to this household; with the number and the name of somebody else's.
_NUMBERS = {
    "order": (rb"113-\d{7}-\d{7}", b"113-7777777-7777777"),
    "zinc": (rb"7c0f2a52-[0-9a-f-]{27}", b"7c0f2a52-0000-4000-8000-777777777777"),
    "cancel": (rb"sub_streamly", b"sub_somebody"),
    "book": (rb"8670\d{5}", b"867077777"),
    "haircut": (rb"bk[0-9a-f]{16}", b"bk7777777777777777"),
}
_OWNERS = {
    "order": (rb'"externalId":"(\d+)-[A-Z0-9]+"', rb'"externalId":"\1-B000000000"'),
    "zinc": (rb"halo-[0-9a-f]+", b"halo-somebody"),
    "cancel": (rb"sub_streamly", b"sub_somebody"),
    "book": (rb'"venue":\{"id":\d+', b'"venue":{"id":77777'),
    "haircut": (rb"halo-[0-9a-f]+", b"halo-somebody"),
}
for _table in (_NUMBERS, _OWNERS):
    _table["reorder"] = _table["order"]


def _lie_points(random: Random) -> Iterable[str]:
    denials = [f"{job}.denies.{number}" for job in JOBS for number in range(len(_DENIALS))]
    others = [f"{job}.{lie}.{effect}" for job in JOBS for lie in ("other_number", "stranger", "two") for effect in ("yes", "no")]
    return sample(random, [*denials, *others, *(f"{job}.phantom.no" for job in JOBS)])


def _lie(point: str, place: Path) -> Iterable[Problem]:
    job, lie, which = point.split(".")
    target = Target(job, "do", calls(job).place)
    with in_process(job, place) as scene:
        if lie == "phantom":
            scene.home.fault("phantom", target=f"{_VENDOR_OF[job]}.{target.operation}")
            yield from scene.struck(target)
            yield from _unseen(job, scene.ended())
            return
        scene.wire.answered = _denying(job, int(which)) if lie == "denies" else _misnaming(job, lie)
        if lie != "denies":
            scene.home.fault(
                "lose_answer" if which == "yes" and job != "zinc" else "drop_before", target=f"{_VENDOR_OF[job]}.{target.operation}"
            )
        yield from scene.struck(target)
        # A record that shows everything twice claims twice the money: then the alarm has to ring.
        found = as_numbered(scene.ended()) if (job, lie) == ("book", "other_number") else scene.ended()
        yield from (problem for problem in found if not (lie == "two" and "charged more than confirmed" in problem.what))


def _unseen(job: str, problems: Iterable[Problem]) -> Iterator[Problem]:
    """A yes without an effect is seen by nobody who believes it: what the simulator says of `phantom`. That one problem is not Halo's.

    Where the vendor is asked again before anything is called done, it has to come out.
    """
    for problem in problems:
        believed = problem.kind is Kind.LOST and problem.what.endswith("the books claim it")
        if not believed or job == "zinc":
            yield problem


def _denying(job: str, number: int) -> Callable[[str, Ask], httpx.Response]:
    """The vendor does it, and says that it did not."""
    turn = Turn(Target(job, "do", calls(job).place))

    def answered(operation: str, ask: Ask) -> httpx.Response:
        real = ask()
        return refusal(job, *_DENIALS[number]) if turn.has_come(operation) else real

    return answered


def _misnaming(job: str, lie: str) -> Callable[[str, Ask], httpx.Response]:
    """Once the answer was lost, every record the vendor shows is somebody else's, or has another number, or is there twice."""

    def answered(operation: str, ask: Ask) -> httpx.Response:
        real = ask()
        body = real.read()
        if operation not in calls(job).find or real.status_code != 200 or operation == "registry":
            return real
        if lie == "two":
            return said(_twice(body))
        pattern, other = (_NUMBERS if lie == "other_number" else _OWNERS)[job]
        return said(re.sub(pattern, other, body))

    return answered


def _twice(body: bytes) -> bytes:
    """Every list in an object with each of its members twice."""
    value = json.loads(body)
    doubled = (
        {name: member * 2 if isinstance(member, list) else member for name, member in value.items()} if isinstance(value, dict) else value
    )
    return json.dumps(doubled).encode()


# V-08


@dataclass
class Late:
    """a vendor that shows what it did only `delay_s` after it did it, and until then what it showed before."""

    scene: Scene
    delay_s: int
    placed_at: datetime | None = None
    before: dict[str, bytes] = field(default_factory=dict)

    def __call__(self, operation: str, ask: Ask) -> httpx.Response:
        now = self.scene.home.clock.now()
        hidden = self.placed_at is not None and now < self.placed_at + timedelta(seconds=self.delay_s)
        if operation == calls(self.scene.job.name).place:
            self.placed_at = self.placed_at or now
            return ask()
        return self._not_yet(operation, ask) if hidden and operation in calls(self.scene.job.name).find else ask()

    def _not_yet(self, operation: str, ask: Ask) -> httpx.Response:
        job = self.scene.job.name
        if operation == "order":
            return refusal(job, 404, "ResourceNotFound", "The order was not found.")
        if operation == "orders":
            return said(b'{"orders":[],"total":0}')
        if operation == "read":
            return said(json.dumps(json.loads(calls(job).do["list"])["data"][0]).encode())
        return said(calls(job).do[operation]) if operation in calls(job).do else ask()


def _late_points(random: Random) -> Iterable[str]:
    return sample(random, [f"{job}.{delay_s}" for job in JOBS for delay_s in range(121)])


def _late(point: str, place: Path) -> Iterable[Problem]:
    job, delay_s = point.split(".")
    target = Target(job, "find", calls(job).place)
    with in_process(job, place) as scene:
        scene.wire.answered = Late(scene, int(delay_s))
        yield from scene.struck(target)
        yield from _sent_too_soon(scene)
        yield from scene.ended()
        yield from _ended_as(scene, ExecutionStatus.DONE, ExecutionStatus.NEEDS_ATTENTION)


def _sent_too_soon(scene: Scene) -> Iterator[Problem]:
    """A second request while the vendor may not show the first one yet."""
    window = timedelta(seconds=sum(scene.home.settings.lookup_waits_s))
    sent = [call.at for call in scene.wire.commits()]
    if any(again - sent[0] < window for again in sent[1:]):
        yield Problem(Kind.WRONG, f"it was sent again {(sent[1] - sent[0]).total_seconds():g} s after a lost answer")


def _ended_as(scene: Scene, *right: ExecutionStatus) -> Iterator[Problem]:
    with scene.home.queries() as queries:
        status = queries.execution(scene.job.execution_id).execution.status
    if status not in right:
        yield Problem(Kind.WRONG, f"it ended as {status.value}, not as {' or '.join(right)}")


# V-09


def _key_points(random: Random) -> Iterable[str]:
    ways = (
        "ignored-0",
        "ignored-3",
        "ignored-10",
        "ignored-60",
        "forgotten-25",
        "forgotten-100",
        "kept_500-yes",
        "kept_500-no",
        "repeated-0",
    )
    return sample(random, [f"{job}.{way}" for job in JOBS for way in ways])


def _key(point: str, place: Path) -> Iterable[Problem]:
    job, _, way = point.partition(".")
    how, _, size = way.partition("-")
    target = Target(job, "find", calls(job).place)
    with in_process(job, place) as scene:
        if how == "kept_500":
            scene.wire.answered = _kept_error(job, effect=size == "yes")
            yield from scene.struck(Target(job, "do", target.operation))
        elif how == "forgotten":
            yield from _forgotten(scene, target, hours=int(size))
        else:
            scene.home.fault("refuse_duplicates" if how == "repeated" else "ignore_keys")
            # Shown within the time in which look-ups are made: later than that nobody could tell.
            scene.wire.answered = Late(scene, int(size))
            yield from scene.struck(target)
        yield from scene.ended()


def _forgotten(scene: Scene, target: Target, *, hours: int) -> Iterator[Problem]:
    """The answer is lost and the process with it; when another one comes, the vendor has forgotten every key."""
    yield from scene.struck(target, wait_s=0)
    scene.home.later(hours=hours)
    scene.home.fault("ignore_keys")
    yield from scene.struck(Target(target.job, "do", target.operation))


def _kept_error(job: str, *, effect: bool) -> Callable[[str, Ask], httpx.Response]:
    """The first attempt failed inside, and every repeat of it is given the same 500."""
    reached: list[bool] = []

    def answered(operation: str, ask: Ask) -> httpx.Response:
        if operation != calls(job).place:
            return ask()
        if effect and not reached:
            reached.append(True)
            ask()
        return refusal(job, 500, "server_error", "Internal Server Error")

    return answered


# V-10

_LOGINS = ("issue_token", "login")
_REFRESHES = ("good", "refused", "broken", "hangs", "somebody_else", "garbage", "short_lived")


def _token_points(random: Random) -> Iterable[str]:
    signed = [target for target in targets() if target.operation not in _LOGINS]
    return sample(random, [f"{target}.{how}.{times}" for target in signed for how in _REFRESHES for times in (1, 2, 99)])


@dataclass
class Expiring:
    """Every session ends just before the struck call, and signing in anew goes as `how` says."""

    scene: Scene
    turn: Turn
    how: str
    expired: bool = False

    def __call__(self, operation: str, ask: Ask) -> httpx.Response:
        if self.turn.has_come(operation):
            self.expired = True
            self.scene.home.fault("token_expired")
            if self.scene.job.name in ("zinc", "cancel", "haircut"):
                # A key that never changes is only refused.
                return refusal(self.scene.job.name, 401, "unauthorized", "The access token has expired.")
        return self._signed_in(ask) if operation in _LOGINS and self.expired else ask()

    def _signed_in(self, ask: Ask) -> httpx.Response:
        match self.how:
            case "refused":
                return said(b'{"error":"invalid_grant","error_description":"The grant is not valid."}', 400)
            case "broken":
                return said(b"{}", 500)
            case "hangs":
                raise httpx.ReadTimeout("no answer")
            case "garbage":
                return said(b'{"access_token":7,"token":[],"expires_in":"soon"}')
            case "somebody_else":
                return said(re.sub(rb'("(?:access_)?token":")[^"]{9}', rb"\1somebody-", ask().read()))
            case "short_lived":
                return said(re.sub(rb'"expires_in":\d+', b'"expires_in":1', ask().read()))
        return ask()


def _token(point: str, place: Path) -> Iterable[Problem]:
    target, (how, times) = read_point(point, 2)
    with in_process(target.job, place) as scene:
        scene.wire.answered = Expiring(scene, Turn(target, int(times)), how)
        yield from scene.struck(target)
        # Each retry has waited first, so at one moment there is one refresh; and one more where "nothing was done" is checked against the record.
        runs = [
            len(list(run))
            for (is_login, _), run in groupby(scene.wire.heard, lambda call: (call.operation in _LOGINS, call.at))
            if is_login
        ]
        if max(runs, default=0) > 1 + bool(scene.wire.commits()):
            yield Problem(Kind.WRONG, f"it signed in {max(runs)} times in a row")
        yield from scene.ended()


ROWS = (
    *vendor_sockets.ROWS[:4],
    Row("V-05", "JSON of another shape, at every place of every answer", 200, _json_points, _json),
    *vendor_sockets.ROWS[4:],
    Row("V-07", "a vendor that lies about what it did, or about whose it is", 60, _lie_points, _lie),
    Row("V-08", "what was done is shown late", 50, _late_points, _late),
    Row("V-09", "keys that are ignored, forgotten, or kept with an error", None, _key_points, _key),
    Row("V-10", "sign-ins that end in the middle, and cannot be renewed", 60, _token_points, _token),
    *vendor_texts.ROWS,
)
