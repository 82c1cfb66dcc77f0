"""One confirmed job whose vendors are hostile: on real sockets behind the proxy, or in process where only the words of an answer matter.

`Scene` is what every vendor row tries its point in. While it lasts the wire watches every call that leaves the engine; `ended` then takes the faults
away, carries the job to its end as another process would, and asks the judge.
"""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import accumulate, pairwise
from pathlib import Path
from random import Random
from unittest.mock import patch

import httpx

from halo_engine.clock import Clock, FakeClock
from halo_engine.engine import Engine
from halo_engine.model.card import Card
from halo_engine.model.errors import HaloError
from halo_engine.model.execution import Attempt, Execution
from halo_engine.settings import load_settings
from halo_engine.vendors import directory
from halo_engine.vendors.http import Limits, VendorHttp, _network
from halo_sim.faults import clear_faults
from halo_sim.http import VENDORS, SimTransport, serving
from halo_sim.router import Route
from halo_sim.wire import Request
from halo_sim.world import World
from tests.installation import NOON, Installation, vendors_at
from tests.torture.harness import Kind, Problem, judge
from tests.torture.jobs import JOBS, Job, confirmed, reopen
from tests.torture.proxy import Behaviour, Position, Proxy, Toxic, open_proxy, refusing_port, silent_port, straight

#: As patient as the real ones in proportion, and a hundred times quicker.
QUICK = Limits(connect_s=0.1, read_s=0.15, total_s=0.25)
#: What a busy machine may take on top of a deadline.
SLACK_S = 1.5
_HOURS = 60


@dataclass(frozen=True)
class Heard:
    """One call that left the engine, and what was answered; no status where the call broke."""

    operation: str
    #: By the world's clock, and by the machine's, in seconds.
    at: datetime
    began_s: float
    commits: bool
    url: httpx.URL
    status: int | None = None
    body: bytes = b""


#: What is answered to an operation. The vendor answers when the last argument is called, and only then does anything.
Answered = Callable[[str, Callable[[], httpx.Response]], httpx.Response]


def pass_on(_operation: str, ask: Callable[[], httpx.Response]) -> httpx.Response:
    """Change nothing."""
    return ask()


@dataclass
class Wire(httpx.BaseTransport):
    """Every call of the engine goes through here. `before` and `answered` strike it where it is on its way."""

    inner: httpx.BaseTransport
    clock: Clock
    heard: list[Heard] = field(default_factory=list)
    before: Callable[[httpx.Request, str], None] = lambda _request, _operation: None
    #: For a wire in process: what is answered instead.
    answered: Answered = pass_on

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        route = route_of(request)
        operation = route.operation if route else "?"
        call = Heard(operation, self.clock.now(), time.monotonic(), route is not None and route.commits, request.url)
        self.heard.append(call)
        self.before(request, operation)
        response = self.answered(operation, lambda: self.inner.handle_request(request))
        if isinstance(response.stream, httpx.ByteStream):
            self.heard[-1] = replace(call, status=response.status_code, body=response.read())
        return response

    def commits(self) -> list[Heard]:
        """The calls that can have an effect."""
        return [call for call in self.heard if call.commits]


def route_of(request: httpx.Request) -> Route | None:
    """The simulator's own name for what is asked, None for what it does not have."""
    asked = Request.make(method=request.method, target=request.url.raw_path.decode(), headers=request.headers, body=request.content)
    vendor = VENDORS.get(asked.segments[0])
    routes = vendor.routes if vendor else ()
    return next((one for one in routes if one.match(asked.method, asked.segments[1:]) is not None and one.when(asked)), None)


@dataclass
class Scene:
    """A job in a home of its own, its engine behind a watched wire."""

    job: Job
    home: Installation
    wire: Wire
    proxy: Proxy | None = None

    def struck(self, target: Target, *, wait_s: float = 600) -> Iterator[Problem]:
        """Make the calls among which the target is. Whatever the vendors do, nothing but Halo's own errors may come out."""
        if target.stage == "find":
            lose(self, calls(target.job).place)
        try:
            self.asked() if target.stage == "ask" else self.carried(wait_s=wait_s)
        except HaloError:
            return
        except Exception as error:  # noqa: BLE001 - any other exception is what is looked for
            yield Problem(Kind.WRONG, f"a traceback: {type(error).__name__}: {error}")

    def asked(self) -> Card:
        """The card for the job's words."""
        return self.home.ask(JOBS[self.job.name])

    def carried(self, *, wait_s: float = 600) -> Execution:
        """The execution as it stands after that time."""
        return self.home.engine.execute(self.job.execution_id, wait_s=wait_s)

    def slowest_s(self) -> float:
        """How long the slowest call took at the most, now that they are all made."""
        began = [*(call.began_s for call in self.wire.heard), time.monotonic()]
        return max((after - before for before, after in pairwise(began)), default=0.0)

    def attempts(self) -> tuple[Attempt, ...]:
        """What the books say was tried."""
        with self.home.queries() as queries:
            return queries.execution(self.job.execution_id).attempts

    def ended(self) -> Iterator[Problem]:
        """The faults stop: it is carried to its end as another process would, and judged."""
        if self.proxy:
            self.proxy.drain()
            yield from (Problem(Kind.WRONG, f"the proxy itself broke: {error!r}") for error in self.proxy.broken)
        clear_faults(self.home.world)
        self.home.engine.close()
        home = reopen(self.home.settings.home, self.home.clock)
        try:
            for _ in range(_HOURS):
                if home.engine.execute(self.job.execution_id, wait_s=600).is_final:
                    break
                home.later(hours=1)
            yield from judge(home)
        finally:
            home.engine.close()


@contextmanager
def _in_memory(place: Path) -> Iterator[Path]:
    """A directory that no disk has to keep, where there is one: what a vendor does to the books has nothing to do with how they are synced."""
    if not os.access("/dev/shm", os.W_OK):
        yield place
        return
    with tempfile.TemporaryDirectory(prefix="halo-torture-", dir="/dev/shm", ignore_cleanup_errors=True) as found:
        yield Path(found)


@contextmanager
def in_process(name: str, place: Path) -> Iterator[Scene]:
    """The job `name` over the simulator in process."""
    job = confirmed(name)
    with _in_memory(place) as memory:
        home = job.copy(memory)
        home.engine.close()
        wire = Wire(SimTransport(home.world), home.clock)
        home.engine = Engine.open(home.settings, clock=home.clock, transport=wire)
        try:
            yield Scene(job, home, wire)
        finally:
            home.engine.close()


@contextmanager
def on_sockets(name: str, place: Path, *, limits: Limits = QUICK) -> Iterator[Scene]:
    """The job `name` over the network: engine, proxy and the simulator's server, each on sockets of its own."""
    job = confirmed(name)
    clock = FakeClock(NOON)
    with ExitStack() as stack:
        home = stack.enter_context(_in_memory(place)) / "home"
        shutil.copytree(job.home, home)
        world = World.open(load_settings(home=home, environ={}).simulator_file, clock)
        server = stack.enter_context(serving(world)).removeprefix("http://").split(":")
        proxy = stack.enter_context(open_proxy((server[0], int(server[1]))))
        settings = load_settings(home=home, environ=vendors_at(f"http://127.0.0.1:{proxy.port}"))
        wire = Wire(_network(), clock)
        with patch.object(directory, "VendorHttp", partial(VendorHttp, limits=limits)):
            engine = Engine.open(settings, clock=clock, transport=wire)
        scene = Scene(job, Installation(settings, clock, world, engine), wire, proxy)
        try:
            yield scene
        finally:
            scene.home.engine.close()
            wire.inner.close()


@dataclass(frozen=True)
class Target:
    """Which calls of a job are struck: an operation while it is drafted (`ask`), carried out (`do`), or looked up (`find`)."""

    job: str
    stage: str
    operation: str

    @property
    def is_place(self) -> bool:
        """Whether it is the call that commits."""
        return self.stage == "do" and self.operation == calls(self.job).place

    def __str__(self) -> str:
        return f"{self.job}.{self.stage}.{self.operation}"


def targets(*, stages: Sequence[str] = ("ask", "do", "find")) -> list[Target]:
    """Every call of every job."""
    return [Target(job, stage, operation) for job in JOBS for stage, operation in calls(job).stages() if stage in stages]


def read_point(point: str, parts: int) -> tuple[Target, list[str]]:
    """A point is its target, and `parts` more words."""
    job, stage, operation, *rest = point.split(".", 2 + parts)
    if job not in JOBS or stage not in ("ask", "do", "find") or operation not in calls(job).of(stage) or len(rest) != parts:
        raise ValueError(f"no such point: {point}")
    return Target(job, stage, operation), rest


def shuffled(random: Random, many: Sequence[tuple[Target, int]]) -> Iterator[tuple[Target, int]]:
    """Each target with each number below its own, all in an order of chance: there are too many to write them all down first."""
    ends = list(accumulate(size for _, size in many))
    for at in random.sample(range(ends[-1]), ends[-1]):
        which = bisect_right(ends, at)
        target, size = many[which]
        yield target, at - (ends[which] - size)


@dataclass
class Turn:
    """Tells whose turn it is to be struck: the first `times` calls to the target."""

    target: Target
    times: int = 1
    struck: int = 0
    _placed: bool = False

    def has_come(self, operation: str) -> bool:
        """Whether this call is struck. Every call has to be asked about, in order."""
        due = operation == self.target.operation and self.struck < self.times and (self._placed or self.target.stage != "find")
        self._placed |= operation == calls(self.target.job).place
        self.struck += due
        return due


@dataclass
class Strike:
    """Lets the calls whose turn it is behave as `behaviour` says, on the sockets, and all others go straight."""

    scene: Scene
    turn: Turn
    behaviour: Behaviour

    def __call__(self, request: httpx.Request, operation: str) -> None:
        proxy = self.scene.proxy
        assert proxy is not None
        proxy.forget()
        strikes = self.turn.has_come(operation)
        port = _ports().get(self._road()) if strikes else None
        if port is None:
            proxy.next(self.behaviour if strikes else straight)
        request.url = request.url.copy_with(port=port or proxy.port)

    def _road(self) -> str:
        toxic = self.behaviour
        return toxic.name if isinstance(toxic, Toxic) and toxic.position is Position.CONNECT else ""


@functools.cache
def _ports() -> Mapping[str, int]:
    """Roads that end before the proxy, by the toxic that they stand for. Open as long as the process."""
    stack = ExitStack()
    _open_for_ever.append(stack)
    return {"down": stack.enter_context(refusing_port()), "timeout": stack.enter_context(silent_port())}


_open_for_ever: list[ExitStack] = []


# What a job's calls are, as they really are made.


@dataclass(frozen=True)
class Calls:
    """The operations of a job in the order of their first call, each with the vendor's good answer."""

    #: While it is drafted.
    ask: Mapping[str, bytes]
    #: While it is carried out.
    do: Mapping[str, bytes]
    #: After the commit call, once its answer was lost.
    find: Mapping[str, bytes]
    #: The call that commits.
    place: str

    def stages(self) -> Iterator[tuple[str, str]]:
        """Each stage with each of its operations."""
        for stage in ("ask", "do", "find"):
            yield from ((stage, operation) for operation in self.of(stage))

    def of(self, stage: str) -> Mapping[str, bytes]:
        """The calls of one stage."""
        return {"ask": self.ask, "do": self.do, "find": self.find}[stage]


@functools.cache
def calls(name: str) -> Calls:
    """What the job `name` asks of its vendors, seen in a run without a fault and in one whose answer is lost. Made once a process."""
    with tempfile.TemporaryDirectory(prefix="halo-calls-") as place, in_process(name, Path(place)) as scene:
        scene.asked()
        ask = _answers(scene.wire.heard)
    with tempfile.TemporaryDirectory(prefix="halo-calls-") as place, in_process(name, Path(place)) as scene:
        scene.carried()
        do = _answers(scene.wire.heard)
        committing = scene.wire.commits()[-1].operation
    with tempfile.TemporaryDirectory(prefix="halo-calls-") as place, in_process(name, Path(place)) as scene:
        lose(scene, committing)
        scene.carried()
        find = _answers(scene.wire.heard[_placed_at(scene.wire, committing) :])
    return Calls(ask, do, find, committing)


def _placed_at(wire: Wire, operation: str) -> int:
    """How many calls were made when `operation` had been sent for the first time."""
    return next(number for number, call in enumerate(wire.heard, 1) if call.operation == operation)


def lose(scene: Scene, operation: str) -> None:
    """Let the answer to the committing call be lost after its effect: in process and over sockets alike, it is then looked up."""
    vendor = next(vendor.name for vendor in VENDORS.values() for route in vendor.routes if route.operation == operation and route.commits)
    scene.home.fault("cut_mid_reply" if vendor == "zinc" else "lose_answer", target=f"{vendor}.{operation}")


def _answers(heard: Sequence[Heard]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for call in heard:
        if call.status is not None:
            found.setdefault(call.operation, call.body)
    return found


def chance(point: str) -> Random:
    """The chance that belongs to a point: the same word, the same fault."""
    return Random(point)
