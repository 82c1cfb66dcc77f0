"""C-08-http: a family's phones and the whole API against a pure model of both, step by step.

A point is a seed: so many steps, each an act of some member's phone (with the right terms, with old ones, with another draft's, under a new key,
under one that was used), or something that happens: time passes, a phone is lost, the rules change. After every step the drafts, the executions and
the vendors' ledger stand as the model says. It knows nothing of Halo but its promises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from halo_engine.model.device import Device
from halo_engine.model.execution import ExecutionStatus
from halo_engine.model.household import Role
from halo_engine.model.money import Money
from halo_engine.model.rules import VERBS, ConfirmRules
from server.once import Post
from tests.torture.api import Answer, Served, served
from tests.torture.api_phones import MEMBERS, code_of, get, post, with_phones
from tests.torture.harness import Bug, Kind, Problem, Row, judge
from tests.torture.jobs import JOBS
from tests.torture.model import Broken, PureDraft, Stands

#: At one point.
STEPS = 60
_CHANGES = ("make it 3", "make it 2", "make it for 4 people", "at 8pm instead", "for tomorrow", "mumble")
_A_DAY_S = 86_400
_EFFECTS = ("order", "booking", "cancellation")


@dataclass
class PureHouse:
    """Who may say yes to what, and whose yes waits for another."""

    roles: dict[str, str]
    may_child: bool = False
    #: Whatever costs anything.
    needs_two: bool = False
    drafts: dict[str, PureDraft] = field(default_factory=dict)
    #: The most that each draft may cost, as it stands.
    cents: dict[str, int] = field(default_factory=dict)
    yeses: dict[str, set[str]] = field(default_factory=dict)
    #: Whose yes has counted, by draft: they are told what it started, and anybody else whose it was.
    counted: dict[str, set[str]] = field(default_factory=dict)

    def may(self, who: str) -> bool:
        return self.roles[who] in ("owner", "adult") or (self.roles[who] == "child" and self.may_child)

    def confirm(self, of: str, presented: str, who: str, *, now: datetime) -> str:
        """What a yes is answered with, and what becomes of it."""
        draft = self.drafts[of]
        is_open = draft.status is Stands.OPEN and now < draft.expires_at and presented == draft.hashes[-1]
        counting = {who}
        if is_open and self.may(who) and self.needs_two and self.cents[of]:
            said = self.yeses.setdefault(presented, set())
            said.add(who)
            counting = set(filter(self.may, said))
            if len(counting) < 2:
                return "needs_another"
        code = draft.confirm(presented, grown=self.may(who), now=now)
        if code == "ok" and who not in self.counted.setdefault(of, counting):
            return "already_confirmed"
        return code


@dataclass(frozen=True)
class _Sent:
    """An act that was answered, as it was sent."""

    who: str
    path: str
    body: Mapping[str, Any] | None
    key: str
    answer: Answer


@dataclass
class _Phone:
    device_id: str
    token: str
    speaks: bool = True


class Walk:
    """The application, the model beside it, and what was done so far."""

    def __init__(self, there: Served, random: Random, tokens: Mapping[str, str]) -> None:
        self._there, self._random, self.home = there, random, there.home
        self.steps: list[str] = []
        self._sent: list[_Sent] = []
        self._ended: dict[str, ExecutionStatus | None] = {}
        self._of_draft: dict[str, str] = {}
        found = get(there, tokens["Alex"], "/v1/household").json()
        self._ids = {each["display_name"]: each["id"] for each in found["members"]}
        self._house = PureHouse({each["display_name"]: each["role"] for each in found["members"]})
        listed = get(there, tokens["Alex"], "/v1/devices").json()["devices"]
        by_member = {each["member_id"]: each["id"] for each in listed}
        self._phones = {who: [_Phone(by_member[self._ids[who]], tokens[who])] for who in MEMBERS}
        self._keys = 0

    def step(self) -> None:
        """One more, and then everything is compared."""
        acts: list[tuple[Callable[[], None], int]] = [
            (self._ask, 6 if len(self._house.drafts) < 12 else 1),
            (self._later, 3),
            (self._lose, 1),
            (self._change_rules, 2),
            (self._change_role, 2),
        ]
        if self._house.drafts:
            acts += [(self._confirm, 10), (self._modify, 3), (self._cancel, 2), (self._ask_again, 2)]
        if self._ended:
            acts += [(self._execute, 4), (self._retry, 2)]
        if self._sent:
            acts += [(self._same_again, 6), (self._other_body, 2)]
        self._random.choices([act for act, _ in acts], [weight for _, weight in acts])[0]()
        self._compare()

    # What members do.

    def _ask(self) -> None:
        words = self._random.choice(sorted(JOBS.values()))
        code, answer = self._act("/v1/draft/create", {"text": words}, lambda _: "ok")
        if code == "ok":
            self._know(answer.json())

    def _confirm(self) -> None:
        of = self._draft()
        hashes = self._house.drafts[of].hashes
        other = self._house.drafts[self._random.choice(sorted(self._house.drafts))].hashes[-1]
        presented = self._random.choice([*[hashes[-1]] * 5, hashes[0], other, "0" * 64, hashes[-1].upper()])

        def expected(who: str) -> str:
            return self._house.confirm(of, presented, who, now=self.home.clock.now())

        code, answer = self._act("/v1/draft/confirm", {"draft_id": of, "draft_hash": presented}, expected)
        if code == "ok":
            execution_id = answer.json()["execution_id"]
            self._must(self._of_draft.setdefault(of, execution_id) == execution_id, "one draft has two executions")
            self._ended.setdefault(execution_id, None)

    def _modify(self) -> None:
        of = self._draft()
        words = self._random.choice(_CHANGES)
        stands = self._house.drafts[of].modify(now=self.home.clock.now())
        code, answer = self._act("/v1/draft/modify", {"draft_id": of, "text": words}, lambda _: (stands, "invalid_input", "conflict"))
        if code == "ok":
            draft = answer.json()["draft"]
            self._must(draft["id"] == of and draft["draft_hash"] not in self._house.drafts[of].hashes, "a revision is none")
            self._house.drafts[of].revised(draft["draft_hash"], self._expiry(of))
            self._house.cents[of] = draft["maximum"]["cents"]
        elif code != "unauthenticated":
            self._must(stands in ("ok", code), f"a draft that is {stands} was not changed because of {code}")

    def _cancel(self) -> None:
        of = self._draft()
        self._act("/v1/draft/cancel", {"draft_id": of}, lambda _: self._house.drafts[of].cancel())

    def _ask_again(self) -> None:
        of = self._draft()
        draft = self._house.drafts[of]
        code, answer = self._act(f"/v1/drafts/{of}/retry", None, lambda _: "ok" if draft.status is Stands.OPEN else "conflict")
        if code == "ok":
            self._know(answer.json())

    def _retry(self) -> None:
        of = self._random.choice(sorted(self._ended))
        may = self._ended[of] in (ExecutionStatus.FAILED, ExecutionStatus.TERMS_CHANGED)
        code, answer = self._act(f"/v1/executions/{of}/retry", None, lambda _: "ok" if may else "conflict")
        if code == "ok":
            self._know(answer.json())

    def _change_role(self) -> None:
        of, role = self._random.choice(("Sam", "Kim")), self._random.choice(("owner", "adult", "child", "guest"))

        def expected(who: str) -> str:
            if self._house.roles[who] != "owner":
                return "not_authorised"
            self._house.roles[of] = role
            return "ok"

        self._act(f"PATCH /v1/members/{self._ids[of]}", {"role": role}, expected)

    def _lose(self) -> None:
        """A phone is revoked: by its own member, or by whoever may."""
        whose = self._random.choice(MEMBERS)
        phone = self._random.choice(self._phones[whose])

        def expected(who: str) -> str:
            if who != whose and self._house.roles[who] != "owner":
                return "not_authorised"
            phone.speaks = False
            return "ok"

        self._act(f"/v1/devices/{phone.device_id}/revoke", None, expected)
        if not any(each.speaks for each in self._phones[whose]):
            new = self.home.engine.devices.add("Phone", by="Alex", speaks_for=whose)
            self._phones[whose].append(_Phone(new.device.id, new.token.get_secret_value()))

    # What is sent once more.

    def _same_again(self) -> None:
        """By any phone of whoever sent it: the answer that was got, however the world stands now."""
        sent = self._random.choice(self._sent)
        phone = self._random.choice(self._phones[sent.who])
        self.steps.append(f"{sent.who} sends again: {sent.path} {sent.body} under {sent.key}")
        answer = post(self._there, phone.token, sent.path, sent.body, key=sent.key)
        if not phone.speaks:
            self._must(answer.status == 401, f"a phone that was revoked is answered with {answer.status}")
            return
        told = (answer.status, answer.body, answer.headers.get("idempotent-replayed"))
        self._must(told == (sent.answer.status, sent.answer.body, "true"), f"{told} instead of {sent.answer.status} {sent.answer.body!r}")

    def _other_body(self) -> None:
        """Another act under a key that was used."""
        sent = self._random.choice([each for each in self._sent if each.body] or self._sent)
        phone = next(each for each in self._phones[sent.who] if each.speaks)
        other = {name: f"{value}2" if name in ("text", "draft_id") else value for name, value in (sent.body or {}).items()}
        if other == (sent.body or {}):
            return
        self.steps.append(f"{sent.who} sends something else under {sent.key}: {sent.path} {other}")
        code = code_of(post(self._there, phone.token, sent.path, other, key=sent.key))
        self._must(code == "idempotency_conflict", f"{code}, where a key was used for something else")

    # What happens.

    def _later(self) -> None:
        seconds = self._random.choice((1, 60, 299, 1799, 1800, 3600, _A_DAY_S // 2))
        self.steps.append(f"{seconds} s pass")
        self.home.later(seconds=seconds)

    def _change_rules(self) -> None:
        house = self._house
        if self._random.random() < 0.5:
            house.may_child = not house.may_child
            self.steps.append(f"a child {'may' if house.may_child else 'may not'} confirm")
        else:
            house.needs_two = not house.needs_two
            self.steps.append(f"{'two have' if house.needs_two else 'one has'} to say yes")
        self.home.engine.membership.change_rules(partial(_agreed_on, house), by="Alex")

    def _execute(self) -> None:
        of = self._random.choice(sorted(self._ended))
        self.steps.append(f"carry out {of}")
        self._carried_out(of)

    def _carried_out(self, of: str) -> None:
        execution = self.home.engine.execute(of, wait_s=600)
        self._must(self._ended[of] in (None, execution.status), f"{of} had ended as {self._ended[of]}, and is {execution.status}")
        self._ended[of] = execution.status if execution.is_final else None
        if execution.revised_draft_id:
            with self.home.queries() as queries:
                revised = queries.draft(execution.revised_draft_id)
            self._house.drafts.setdefault(revised.id, PureDraft(revised.expires_at, [revised.draft_hash]))
            self._house.cents.setdefault(revised.id, revised.terms.maximum.cents)

    # What must hold.

    def _compare(self) -> None:
        now = self.home.clock.now()
        with self.home.queries() as queries:
            for of, draft in self._house.drafts.items():
                found = queries.draft(of)
                status = "expired" if draft.status is Stands.OPEN and now >= draft.expires_at else draft.status.value
                self._must(found.status.value == status, f"{of} is {found.status.value} instead of {status}")
                self._must(found.draft_hash == draft.hashes[-1], f"{of} has other terms than the model")
            started = {each.id for each in queries.executions(limit=1000)}
        self._must(started == set(self._ended), f"the executions {started} stand in the books")
        done = [entry for entry in self.home.ledger() if entry.kind in _EFFECTS]
        self._must(len(done) <= len(self._ended), f"{len(done)} effects of {len(self._ended)} confirmations")

    def end(self) -> Iterator[Problem]:
        """The API's own account of it; everything is carried out, and the judge looks."""
        token = next(each.token for each in self._phones["Alex"] if each.speaks)
        listed = self._listed(token)
        if listed != set(self._ended):
            yield Problem(Kind.WRONG, f"listed are the executions {listed}")
        for of in sorted(self._ended):
            self.home.later(seconds=1)
            self._carried_out(of)
        yield from judge(self.home)

    # How.

    def _act(self, path: str, body: Mapping[str, Any] | None, expected: Callable[[str], str | tuple[str, ...]]) -> tuple[str, Answer]:
        """Somebody does it: what is answered, and what should be."""
        who = self._random.choice(MEMBERS)
        phone, key = self._random.choice(self._phones[who]), self._key(who, path)
        self.steps.append(f"{who} ({phone.device_id}): {path} {body} under {key}")
        # Not asked of a phone that has nothing to say: the model changes when it is.
        speaks = phone.speaks
        allowed = expected(who) if speaks else "unauthenticated"
        answer = post(self._there, phone.token, path, body, key=key)
        code = code_of(answer)
        self.steps[-1] += f" → {code}"
        self._must(code in (allowed if isinstance(allowed, tuple) else (allowed,)), f"{code} instead of {allowed}")
        if speaks:
            self._sent.append(_Sent(who, path, body, key, answer))
        return code, answer

    def _key(self, who: str, path: str) -> str:
        """A new one, or one that somebody else has used, or the same for something else: whose it is, and what for, belong to it."""
        used = [each.key for each in self._sent if (each.who, each.path) != (who, path)]
        taken = {each.key for each in self._sent if (each.who, each.path) == (who, path)}
        if (free := sorted(set(used) - taken)) and self._random.random() < 0.3:
            return self._random.choice(free)
        self._keys += 1
        return f"walk-key-{self._keys}"

    def _must(self, holds: bool, what: str) -> None:
        if not holds:
            raise Broken(f"{what}, after: {'; '.join(self.steps)}")

    def _know(self, answer: Mapping[str, Any]) -> None:
        draft = answer.get("draft")
        if draft and draft["id"] not in self._house.drafts:
            self._house.drafts[draft["id"]] = PureDraft(self._expiry(draft["id"]), [draft["draft_hash"]])
            self._house.cents[draft["id"]] = draft["maximum"]["cents"]

    def _expiry(self, of: str) -> datetime:
        # The wire has whole seconds.
        with self.home.queries() as queries:
            return queries.draft(of).expires_at

    def _draft(self) -> str:
        """Mostly a new one: the old ones have ended."""
        known = sorted(self._house.drafts, reverse=True)
        return self._random.choice(known[:4] if self._random.random() < 0.7 else known)

    def _listed(self, token: str) -> set[str]:
        """Page by page."""
        found: set[str] = set()
        cursor = ""
        while True:
            query = f"limit=3&cursor={cursor}" if cursor else "limit=3"
            page = self._there.call("GET", "/v1/executions", _bearer(token), query=query.encode()).json()
            found |= {each["id"] for each in page["executions"]}
            cursor = page.get("next_cursor", "")
            if not cursor:
                return found


def _bearer(token: str) -> list[tuple[bytes, bytes]]:
    return [(b"authorization", f"Bearer {token}".encode())]


def _agreed_on(house: PureHouse, rules: ConfirmRules) -> ConfirmRules:
    for verb in VERBS:
        rules = rules.allowing(Role.CHILD, verb, up_to=None) if house.may_child else rules.forbidding(Role.CHILD, verb)
    return rules.with_two_people_above(Money(cents=0, currency="USD") if house.needs_two else None)


def _points(random: Random) -> Iterator[str]:
    while True:
        yield f"{random.randrange(10**9)}"


def _attempt(point: str, place: Path) -> Iterator[Problem]:
    home, tokens = with_phones(place)
    with served(home) as there:
        walk = Walk(there, Random(point), tokens)
        try:
            for _ in range(STEPS):
                walk.step()
            yield from walk.end()
        except Broken as broken:
            yield Problem(Kind.WRONG, str(broken))


# The bugs that this has to catch.


@contextmanager
def _revoked_phones_speak() -> Iterator[None]:
    """A device speaks until its time is over, also where it was revoked."""
    with patch.object(Device, "speaks_at", lambda device, now: now < device.expires_at):
        yield


@contextmanager
def _keys_are_everybodys() -> Iterator[None]:
    """What was asked under a key is answered whatever is asked under it now."""
    with patch("server.once._digest", lambda _body: "0" * 64):
        yield


@contextmanager
def _acts_are_not_kept() -> Iterator[None]:
    """What was answered under a key is forgotten."""
    with patch.object(Post, "_keep", lambda post, turn, _given: post._let_go(turn)):
        yield


BUGS = (
    Bug("revoked-phones-speak", _revoked_phones_speak.__doc__ or "", _revoked_phones_speak, "C-08-http", 3),
    Bug("a-key-is-all-that-counts", _keys_are_everybodys.__doc__ or "", _keys_are_everybodys, "C-08-http", 3),
    Bug("answers-are-forgotten", _acts_are_not_kept.__doc__ or "", _acts_are_not_kept, "C-08-http", 3),
)

ROWS = (Row(id="C-08-http", title="the whole API, for a family with phones, against a pure model", ci=5, points=_points, attempt=_attempt),)
