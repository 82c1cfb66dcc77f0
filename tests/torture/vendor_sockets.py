"""Rows V-01 to V-04 and V-06: vendors that are hostile on the wire. Every fault happens on a real socket, in front of the simulator's own server.

A point names the call that is struck (`order.do.place_order`: the job, whether it is drafted, carried out or looked up, the vendor's operation), and
what strikes it.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import zip_longest
from pathlib import Path
from random import Random

from halo_engine.model.execution import Attempt, Classification
from halo_engine.vendors.http import Limits
from tests.torture import hostile
from tests.torture.harness import Kind, Problem, Row, sample
from tests.torture.proxy import SHAPING, TOXICS, Position, Saying, Toxic
from tests.torture.vendor_world import QUICK, SLACK_S, Scene, Strike, Target, Turn, calls, on_sockets, read_point, shuffled, targets

#: Where no byte of a request was read, the vendor cannot have got it.
_TOO_EARLY = (Position.CONNECT, Position.HEADERS)
_VARIANTS = 20


def _effects(position: Position, toxic: str) -> tuple[str, ...]:
    ends = toxic not in SHAPING
    return ("no",) if ends and position in _TOO_EARLY else ("yes", "no")


# V-01


def _toxic_points(random: Random) -> Iterable[str]:
    faults = [f"{position}.{toxic}.{effect}" for position in Position for toxic in TOXICS for effect in _effects(position, toxic)]
    words = [f"{target}.{fault}" for target in targets() for fault in faults]
    for variant in range(_VARIANTS):
        yield from (f"{word}.{variant}" for word in sample(random, words))


def _toxic(point: str, place: Path) -> Iterable[Problem]:
    target, (position, name, effect, _variant) = read_point(point, 4)
    random = Random(point)
    toxic = Toxic(name, Position(position), effect == "yes", random)
    with on_sockets(target.job, place) as scene:
        scene.wire.before = Strike(scene, Turn(target, random.choice((1, 1, 1, 2, 99))), toxic)
        yield from scene.struck(target)
        yield from scene.ended()


# V-02

_BODIES = ("valid", "empty", "html")


def _status_points(random: Random) -> Iterable[str]:
    words = [
        f"{target}.{status}.{body}.{effect}"
        for target in targets()
        for status in hostile.STATUSES
        for body, effect in _answers(target, status)
    ]
    waits = [f"{target}.{status}.wait-{name}.no" for target in targets() for status in (429, 503) for name in hostile.RETRY_AFTER]
    # The wire's own words are many and much alike, the waits few and each different.
    mixed = zip(sample(random, words), (wait for _ in words for wait in sample(random, waits)), strict=False)
    yield from dict.fromkeys(word for number, pair in enumerate(mixed) for word in pair[: 2 if number % 8 == 0 else 1])


def _answers(target: Target, status: int) -> Iterator[tuple[str, str]]:
    """What can be said with that status, and whether the vendor did what it was asked."""
    for body in _BODIES:
        yield body, "yes"
        # A good yes to what was never done can be seen by nobody: that is row V-07.
        if not (target.is_place and body == "valid" and 200 <= status < 300):
            yield body, "no"


def _status(point: str, place: Path) -> Iterable[Problem]:
    target, (status, body, effect) = read_point(point, 3)
    good = calls(target.job).of(target.stage)[target.operation]
    told = {b"Retry-After": wait} if (wait := hostile.RETRY_AFTER.get(body.removeprefix("wait-"))) is not None else {}
    said = {"valid": good, "html": hostile.HTML}.get(body, b"")
    with on_sockets(target.job, place) as scene:
        saying = Saying(
            lambda real: (hostile.reply(int(status), hostile.body_of(real) or said if body == "valid" else said, headers=told),),
            effect == "yes",
        )
        scene.wire.before = Strike(scene, Turn(target), saying)
        yield from scene.struck(target)
        yield from _long_waits(scene)
        if target.is_place:
            yield from _wrong_class(scene.attempts(), int(status), body)
        yield from scene.ended()


#: A vendor may not park an execution for longer, whatever it asks for; Halo's own longest wait is shorter.
_LONGEST_WAIT_MS = 300_000


def _long_waits(scene: Scene) -> Iterator[Problem]:
    waits = [attempt.retry_delay_ms or 0 for attempt in scene.attempts()]
    if max(waits, default=0) > _LONGEST_WAIT_MS:
        yield Problem(Kind.WRONG, f"a vendor made it wait {max(waits) // 1000} s")


def _wrong_class(attempts: Sequence[Attempt], status: int, body: str) -> Iterator[Problem]:
    """Only the vendor's own words make a definite no. The statuses that refuse a request unread are the exception, and a good answer is one."""
    sent = next((attempt for attempt in attempts if attempt.step == "commit"), None)
    if sent is None:
        yield Problem(Kind.WRONG, "nothing was sent, so nothing was tried")
        return
    right: set[Classification | None] = {Classification.AMBIGUOUS}
    right |= {Classification.TRANSIENT} if status == 429 else set()
    right |= {Classification.AUTH} if status in (401, 403, 419) else set()
    right |= {None} if body == "valid" and 200 <= status < 300 else set()
    if sent.classification not in right:
        yield Problem(Kind.WRONG, f"status {status} with a body that is {body} was taken for {sent.classification}")


# V-03

#: The total deadline alone has to end these.
_PATIENT = Limits(connect_s=QUICK.connect_s, read_s=20.0, total_s=QUICK.total_s)
_MOST_MEMORY_KB = 96 * 1024


def _stall_points(random: Random) -> Iterable[str]:
    return sample(random, [f"{target}.{name}.{effect}" for target in targets() for name in hostile.STALLS for effect in ("yes", "no")])


def _stall(point: str, place: Path) -> Iterable[Problem]:
    yield from _unless_late(_stall_once, point, place)


def _unless_late(tried: Callable[[str, Path], Iterable[Problem]], point: str, place: Path) -> Iterable[Problem]:
    """A busy machine stands still for a second now and then, but not twice at one point; a call that nothing ends is late each time."""
    problems = list(tried(point, place / "first"))
    late = any(problem.what.startswith("a call took") for problem in problems)
    yield from tried(point, place / "second") if late else problems


def _stall_once(point: str, place: Path) -> Iterable[Problem]:
    target, (name, effect) = read_point(point, 2)
    pieces, pause_s = hostile.STALLS[name]
    with on_sockets(target.job, place, limits=_PATIENT) as scene:
        scene.wire.before = Strike(scene, Turn(target), Saying(pieces, effect == "yes", pause_s))
        yield from _bounded(scene, target)
        yield from scene.ended()


def _bounded(scene: Scene, target: Target) -> Iterator[Problem]:
    """Make the struck calls within bounds of time and memory."""
    before_kb = _memory_kb("VmRSS", forget_peak=True)
    yield from scene.struck(target)
    if (took_s := scene.slowest_s()) > _PATIENT.total_s + SLACK_S:
        yield Problem(Kind.WRONG, f"a call took {took_s:.1f} s, with a deadline of {_PATIENT.total_s} s")
    if (grew_kb := _memory_kb("VmHWM") - before_kb) > _MOST_MEMORY_KB:
        yield Problem(Kind.WRONG, f"it took {grew_kb // 1024} MB of memory")


def _memory_kb(name: str, *, forget_peak: bool = False) -> int:
    """What the kernel says of this process; 0 where there is no such kernel."""
    with suppress(OSError):
        if forget_peak:
            Path("/proc/self/clear_refs").write_text("5")
        found = re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text())
        return int(found[1]) if found else 0
    return 0


# V-04


def _body_points(random: Random) -> Iterable[str]:
    every = [(target, len(calls(target.job).of(target.stage)[target.operation])) for target in targets()]
    places, reads = ([pair for pair in every if pair[0].is_place is kind] for kind in (True, False))
    # What a vendor may have done counts for more than what it was asked: half of the points are place calls.
    kinds = sample(random, [f"{target}.{kind}" for target, _ in every for kind in hostile.BODIES])
    of_places = _cuts(random, places)
    mixed = zip_longest(kinds, of_places, of_places, _cuts(random, reads))
    return (word for words in mixed for word in words if word)


def _cuts(random: Random, many: Sequence[tuple[Target, int]]) -> Iterator[str]:
    return (f"{target}.cut-{at}" for target, at in shuffled(random, many))


def _body(point: str, place: Path) -> Iterable[Problem]:
    yield from _unless_late(_body_once, point, place)


def _body_once(point: str, place: Path) -> Iterable[Problem]:
    target, (kind,) = read_point(point, 1)
    pieces = hostile.cut(int(kind.removeprefix("cut-"))) if kind.startswith("cut-") else hostile.BODIES[kind]
    with on_sockets(target.job, place, limits=_PATIENT) as scene:
        scene.wire.before = Strike(scene, Turn(target), Saying(pieces, effect=True))
        yield from _bounded(scene, target)
        if target.is_place:
            yield from _wrong_class(scene.attempts(), 200, kind)
        yield from scene.ended()


# V-06

_REDIRECTS = (300, 301, 302, 303, 304, 305, 306, 307, 308)
_PLACES = {
    "other_host": "http://localhost:{other}/collect",
    "https": "https://127.0.0.1:{other}/collect",
    "no_scheme": "//127.0.0.1:{other}/collect",
    "with_password": "http://user:pass@127.0.0.1:{other}/collect",
    "file": "file:///etc/passwd",
    "metadata": "http://169.254.169.254/latest/meta-data/",
    "loop": "{own}",
    "relative": "../elsewhere",
    "empty": "",
    "garbage": "http://[::1",
}


def _redirect_points(random: Random) -> Iterable[str]:
    words = [
        f"{target}.{status}.{where}.{effect}"
        for target in targets()
        for status in _REDIRECTS
        for where in _PLACES
        for effect in ("yes", "no")
    ]
    return sample(random, words)


def _redirect(point: str, place: Path) -> Iterable[Problem]:
    target, (status, where, effect) = read_point(point, 3)
    with _listening() as (other, heard), on_sockets(target.job, place) as scene:
        assert scene.proxy is not None
        own = f"http://127.0.0.1:{scene.proxy.port}/loop"
        location = _PLACES[where].format(other=other, own=own).encode()
        saying = Saying(lambda _: (hostile.reply(int(status), b"", headers={b"Location": location}),), effect == "yes")
        scene.wire.before = Strike(scene, Turn(target, 2), saying)
        yield from scene.struck(target)
        strangers = {f"{call.url.host}:{call.url.port}" for call in scene.wire.heard} - {f"127.0.0.1:{scene.proxy.port}"}
        if heard or strangers:
            yield Problem(Kind.WRONG, f"a redirect was followed to {where}: {strangers or 'another host'}")
        if target.is_place:
            yield from _wrong_class(scene.attempts(), int(status), "empty")
        yield from scene.ended()


@contextmanager
def _listening() -> Iterator[tuple[int, list[bytes]]]:
    """Another host: its port, and whatever is sent to it."""
    heard: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def listen() -> None:
        with suppress(OSError):
            while True:
                connection, address = listener.accept()
                heard.append(repr(address).encode())
                connection.close()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1]), heard
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=5)


ROWS = (
    Row("V-01", "the network and the vendor's server misbehave at every step of every call", 150, _toxic_points, _toxic),
    Row("V-02", "every status, with a good, an empty and a wrong body, and every way to ask for patience", 120, _status_points, _status),
    Row("V-03", "a vendor that never ends what it says", 25, _stall_points, _stall),
    Row("V-04", "bodies that are too large, packed, broken, or cut at any byte", 70, _body_points, _body),
    Row("V-06", "redirects to another place", 30, _redirect_points, _redirect),
)
