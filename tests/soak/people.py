"""The members of the households with their phones: each does one flow after the other over HTTP, and notes every yes and how long each step took."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import httpx

from halo_engine.clock import SystemClock
from halo_sim.world import World
from tests.soak.scene import Member

_ORDERS = (
    *("order 2 packs of AA batteries", "order two packs of paper towels", "order dish soap", "order bananas"),
    *("order oat milk", "order dog food", "order toilet paper", "order greek yogurt"),
)
_REORDERS = ("reorder the dog supplies", "reorder the weekly groceries")
_VENUES = (
    "Nopa",
    "Bar Salinas",
    "Osteria Lunetta",
    "The Copper Lantern",
    "Trattoria Bellini",
    "The Oyster Room",
)
_TIMES = ("5:30pm", "6pm", "6:30pm", "7pm", "7:30pm", "8pm", "8:30pm", "9pm")
#: These restaurants take reservations for the next thirty days.
_DAYS = range(1, 29)
_UNSUPPORTED = ("remind me to call mom", "what is the weather", "write a poem")
#: Those whose company keeps under which key they were ended, so that each end is told from the next one; and the company's name for them.
_SUBSCRIPTIONS = {
    "streamly": "sub_streamly",
    "ironworks gym": "sub_ironworks_gym",
    "stratobox": "sub_stratobox",
    "forkful": "sub_forkful",
    "keyring vault": "sub_keyring_vault",
}
#: So often of a hundred: the same yes again under its key, two members who say yes at once, and a draft that nobody says yes to.
_AGAIN, _BOTH, _LEFT = 8, 20, 8
#: Who follows an execution longer than this looks at it later.
_PATIENCE_S = 15.0
_ANSWER_WITHIN_S = 60.0


@dataclass(frozen=True)
class Yes:
    """What a member said yes to, and what that started."""

    household_id: str
    draft_id: str
    draft_hash: str
    execution_id: str


@dataclass
class Notes:
    """What all members noted. Lists and counters are only ever added to."""

    yeses: list[Yes] = field(default_factory=list)
    #: Seconds of each step, by its name.
    took: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    #: How often each flow ended how.
    ended: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: How often each problem was answered, by its code.
    refused: Counter[str] = field(default_factory=Counter)
    #: What must not be.
    wrong: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.took[step].append(time.perf_counter() - began)

    def end(self, flow: str, how: str) -> None:
        with self._lock:
            self.ended[flow, how] += 1

    def refuse(self, code: str) -> None:
        with self._lock:
            self.refused[code] += 1


class Subscriptions:
    """What the households subscribe to. The account is everybody's, so a subscription is one member's as long as they are about to end it."""

    def __init__(self, world: Path) -> None:
        self._world = World.open(world, SystemClock())
        self._free, self._lock = [*_SUBSCRIPTIONS], threading.Lock()

    def take(self, random: Random) -> str | None:
        with self._lock:
            return self._free.pop(random.randrange(len(self._free))) if self._free else None

    def subscribe_again(self, name: str) -> None:
        """Somebody wants it after all: it can be ended once more."""
        with self._world.transaction() as tx:
            tx.run("DELETE FROM cancellations WHERE subscription_id = ?", _SUBSCRIPTIONS[name])
        with self._lock:
            self._free.append(name)


class Evenings:
    """Where and when there might be a table: each is asked for once, because one account has one table at a time."""

    def __init__(self, random: Random) -> None:
        every = [*product(_VENUES, _DAYS, _TIMES)]
        self._left = iter(random.sample(every, len(every)))

    def next(self) -> str:
        venue, days, at = next(self._left)
        day = (SystemClock().now() + timedelta(days=days)).date()
        return f"{venue} on {day:%B} {day.day} at {at}"


class Refused(Exception):
    """The server said no, and why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Phone:
    """A device on a connection of its own."""

    def __init__(self, url: str, token: str, name: str, notes: Notes) -> None:
        self._client = httpx.Client(base_url=f"{url}/v1", timeout=_ANSWER_WITHIN_S, headers={"Authorization": f"Bearer {token}"})
        self.name, self._notes, self._posts = name, notes, 0

    def close(self) -> None:
        self._client.close()

    def post(self, path: str, *, key: str | None = None, **body: Any) -> dict[str, Any]:
        """The answer. What may be asked again in a moment is, a few times, under its key. Raises `Refused`."""
        self._posts += 1
        key = key or f"{self.name}-{self._posts}"
        for patience in (True, True, False):
            answer = self._client.post(path, json=body, headers={"Idempotency-Key": key})
            if answer.status_code == 200:
                shown: dict[str, Any] = answer.json()
                return shown
            self._check(answer)
            if not (patience and answer.json().get("retryable") and answer.headers.get("retry-after")):
                break
            threading.Event().wait(min(2.0, float(answer.headers["retry-after"])))
        raise Refused(str(answer.json()["code"]))

    def _check(self, answer: httpx.Response) -> None:
        problem = answer.headers.get("content-type", "").startswith("application/problem+json")
        if not problem or (answer.status_code >= 500 and (answer.status_code != 503 or "retry-after" not in answer.headers)):
            self._notes.wrong.append(f"{answer.request.url.path} answered {answer.status_code}: {answer.text[:200]}")
            raise Refused(f"status {answer.status_code}")
        self._notes.refuse(str(answer.json()["code"]))

    def status(self, execution_id: str) -> str:
        answer = self._client.get(f"/executions/{execution_id}")
        return str(answer.json()["execution"]["status"])

    def followed(self, execution_id: str) -> str | None:
        """How it ended, as its stream tells; None where it rests for long."""
        until, name = time.monotonic() + _PATIENCE_S, ""
        with self._client.stream("GET", f"/executions/{execution_id}/events") as response:
            for line in response.iter_lines():
                kind, _, value = line.partition(": ")
                name = value if kind == "event" else name
                if kind == "data" and name == "end":
                    return str(json.loads(value)["status"])
                if time.monotonic() > until:
                    return None
        return None


@dataclass
class Person:
    """A member who lives through one flow after the other; `partner` may say yes to the same."""

    member: Member
    partner: Member
    url: str
    random: Random
    notes: Notes
    subscriptions: Subscriptions
    evenings: Evenings
    #: Which subscription is being ended by which execution, where that takes long.
    _ending: dict[str, str] = field(default_factory=dict)

    def live(self, stop: threading.Event) -> None:
        """Until the time is over, each flow to its end."""
        own, others = (
            Phone(self.url, one.token, f"{one.user_id}-of-{self.member.name}", self.notes) for one in (self.member, self.partner)
        )
        flows: dict[Callable[[Phone, Phone], str], int] = {
            self.order: 5,
            self.reorder: 3,
            self.cancel: 2,
            self.book: 4,
            self.unsupported: 1,
        }
        while not stop.is_set():
            flow = self.random.choices([*flows], weights=[*flows.values()])[0]
            try:
                with self.notes.timed(f"{flow.__name__.upper()}, whole"):
                    how = flow(own, others)
            except Refused as refused:
                how = f"refused: {refused.code}"
            except httpx.HTTPError as error:
                how = "wrong"
                self.notes.wrong.append(f"{flow.__name__}: {type(error).__name__}: {error}")
            self.notes.end(flow.__name__.upper(), how)
            stop.wait(self.random.uniform(0, 0.3))
        own.close()
        others.close()

    def order(self, own: Phone, others: Phone) -> str:
        return self._seen_through(own, others, self._drafted(own, self.random.choice(_ORDERS)))

    def reorder(self, own: Phone, others: Phone) -> str:
        return self._seen_through(own, others, self._drafted(own, self.random.choice(_REORDERS)))

    def cancel(self, own: Phone, others: Phone) -> str:
        self._take_up_what_ended(own)
        name = self.subscriptions.take(self.random)
        if name is None:
            return "nothing to end"
        shown, before = self._drafted(own, f"cancel {name}"), len(self.notes.yeses)
        how = self._seen_through(own, others, shown)
        if how == "followed no longer":
            self._ending[name] = next(yes.execution_id for yes in self.notes.yeses[before:] if shown and yes.draft_id == shown["draft_id"])
        else:
            self.subscriptions.subscribe_again(name)
        return how

    def _take_up_what_ended(self, own: Phone) -> None:
        for name, execution_id in [*self._ending.items()]:
            if own.status(execution_id) in ("done", "failed", "needs_attention", "terms_changed"):
                del self._ending[name]
                self.subscriptions.subscribe_again(name)

    def book(self, own: Phone, others: Phone) -> str:
        """A table that becomes another one, in words and by a field; what stood before can no longer be confirmed."""
        first = self._drafted(own, f"book a table for 4 at {self.evenings.next()}")
        if first is None:
            return "no draft"
        with self.notes.timed("modify"):
            second = own.post("/draft/modify", draft_id=first["draft_id"], text="for two people")
        if second["kind"] != "draft":
            return "no draft"
        try:
            own.post("/draft/confirm", draft_id=first["draft_id"], draft_hash=first["draft_hash"])
            self.notes.wrong.append(f"a yes to what stood before was taken: {first['draft_id']}")
        except Refused as refused:
            if refused.code != "terms_changed":
                raise
        return self._seen_through(own, others, second)

    def unsupported(self, own: Phone, _others: Phone) -> str:
        with self.notes.timed("words to card"):
            shown = own.post("/draft/create", text=self.random.choice(_UNSUPPORTED))
        if shown["kind"] != "not_supported":
            self.notes.wrong.append(f"what is not supported came out as {shown['kind']}")
        return "declined"

    def _drafted(self, own: Phone, text: str) -> dict[str, Any] | None:
        with self.notes.timed("words to card"):
            shown = own.post("/draft/create", text=text)
        for _ in range(3):
            if shown["kind"] != "clarification":
                break
            # Not always the first one: everybody would want the same table.
            answer = self.random.randint(1, max(1, len(shown["card"]["options"])))
            shown = own.post("/draft/create", text=str(answer), answers=shown["request_id"])
        return shown if shown["kind"] == "draft" else None

    def _seen_through(self, own: Phone, others: Phone, shown: Mapping[str, Any] | None) -> str:
        """A yes to what is shown, or two, or none; and what becomes of it."""
        if shown is None:
            return "no draft"
        if self.random.randrange(100) < _LEFT:
            return "left without a yes"
        began = time.perf_counter()
        with self.notes.timed("yes"):
            execution_id = self._confirmed(own, others, shown)
        how = own.followed(execution_id)
        if how:
            self.notes.took["yes to end"].append(time.perf_counter() - began)
        return how or "followed no longer"

    def _confirmed(self, own: Phone, others: Phone, shown: Mapping[str, Any]) -> str:
        chance, phones = self.random.randrange(100), [own]
        if chance < _BOTH:
            phones.append(others)
        answers: list[str] = []
        both = [threading.Thread(target=self._says_yes, args=(phone, shown, answers)) for phone in phones[1:]]
        for each in both:
            each.start()
        self._says_yes(own, shown, answers, twice=_BOTH <= chance < _BOTH + _AGAIN)
        for each in both:
            each.join()
        if len(set(answers)) != 1:
            self.notes.wrong.append(f"yeses to {shown['draft_id']} started {answers or 'nothing'}")
            raise Refused("no answer to a yes")
        return answers[0]

    def _says_yes(self, phone: Phone, shown: Mapping[str, Any], answers: list[str], *, twice: bool = False) -> None:
        named = {name: shown[name] for name in ("draft_id", "draft_hash")}
        key = f"yes-{phone.name}-{shown['draft_hash'][:16]}"
        for _ in range(2 if twice else 1):
            try:
                execution_id = str(phone.post("/draft/confirm", key=key, **named)["execution_id"])
            except Refused as refused:
                # Of two members at once the second hears that the first was quicker.
                if refused.code != "already_confirmed":
                    self.notes.wrong.append(f"a yes to {shown['draft_id']} was refused: {refused.code}")
                return
            answers.append(execution_id)
            self.notes.yeses.append(Yes(self.member.household_id, shown["draft_id"], shown["draft_hash"], execution_id))
