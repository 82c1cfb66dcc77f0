"""Whether what a log tells keeps Halo's promises: the gate, through which nothing is done unconfirmed.

Nothing is sent without an earlier confirmation, in time, of that very hash (I3), which is used once (I1); no more is charged than was confirmed
(I4); an execution ends once (I5); an effect has its receipt (I2). Where the rules of that moment wanted two people, there were two; where they
wanted somebody else than whoever asked, there was; and everybody who was counted is on record with a yes to that very hash. No yes is a program's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from sys import intern
from typing import Any, NamedTuple

from halo_engine.model.device import DeviceKind
from halo_engine.model.execution import ExecutionStatus
from halo_engine.model.household import Role
from halo_engine.model.money import Money
from halo_engine.model.policy import EXPECTED
from halo_engine.model.rules import DEFAULT_RULES, ConfirmRules, is_within, rules_kept
from halo_engine.store.auditing.entries import Entry

_EFFECTS = ("execution.done", "execution.partial")
_GIVEN_UP = "execution.needs_attention"
_TERMINAL = (*_EFFECTS, "execution.failed", "execution.terms_changed", "execution.handed_off", _GIVEN_UP)
#: What confirmations were held against before households had rules of their own.
_FIRST_POLICIES = {"may_confirm", "spending_limit"}
#: And before a yes could be signed, and a day had a limit.
_SECOND_POLICIES = {*_FIRST_POLICIES, "two_people", "not_the_asker_alone"}

#: How it is said that only the end of a log shows.
NO_RECEIPT = "has an effect and no receipt"

_CHARGED_MORE = "was charged more than confirmed"
_CHARGED_OTHERWISE = "was charged in another currency than confirmed"
_CAME_LATE = "was done by the vendor after it had been given up: look there"
#: How it is said that a vendor broke its word. It is true, so every audit from then on says it, and it is no sign of an altered log.
VENDORS_DOING = (_CHARGED_MORE, _CHARGED_OTHERWISE, _CAME_LATE)

Payload = Mapping[str, Any]
Check = Callable[[Entry, Payload], Iterable[str]]


@lru_cache(maxsize=4096)
def _money(cents: int, currency: str) -> Money:
    return Money(cents=cents, currency=currency)


class _Confirmed(NamedTuple):
    """What an execution may do."""

    draft_hash: str
    maximum_cents: int
    currency: str | None


class Promises:
    """What the events so far have established."""

    def __init__(self) -> None:
        self._expires_at: dict[str, str] = {}
        #: The hash of the terms that stand, by draft.
        self._standing: dict[str, str] = {}
        self._confirmed: dict[str, _Confirmed] = {}
        self._used: set[str] = set()
        self._ended: dict[str, str] = {}
        self._settled: set[str] = set()
        #: By member, as far as the log tells: one from before it told roles knows only those that were changed.
        self.roles: dict[str, str] = {}
        self.tells_roles = False
        self._verbs: dict[str, str] = {}
        #: None until the household has set any.
        self.rules: ConfirmRules | None = None
        #: Who said yes before it was enough, by hash; who asked or changed it, by draft.
        self._approved: dict[str, set[str | None]] = {}
        self._asked: dict[str, set[str | None]] = {}
        #: Of those who said yes before it was enough, whose yes was signed.
        self._signed: dict[str, set[str | None]] = {}
        #: By device, whose it is and the thumbprint of its key; which devices are programs', revoked or not.
        self._keys: dict[str, tuple[str, str | None]] = {}
        self._programs: set[str] = set()
        #: Whether any yes was told of with what it spent.
        self._tells_spending = False
        self._without_receipt: dict[str, Entry] = {}
        self._checks: dict[str, Check] = {
            "household.created": self._founded,
            "household.member_added": self._role_given,
            "household.role_changed": self._role_given,
            "household.rules_changed": self._rules_changed,
            "household.preferences_changed": self._check_owner,
            "draft.created": self._shown,
            "draft.revised": self._shown,
            "draft.cancelled": self._cancelled,
            "draft.approved": self._approved_by,
            "draft.confirmed": self._check_confirmation,
            "device.added": self._added,
            "device.enrolled": self._enrolled,
            "device.revoked": self._revoked,
            "receipt.stored": self._receipt_stored,
            "execution.answer_came_late": self._check_late_answer,
            "execution.settled": self._check_settling,
        } | {f"execution.{status.value}": self._check_move for status in ExecutionStatus}

    def of(self, event_type: str) -> Check | None:
        """What an event of this type is held against; None where it can break nothing."""
        check = self._checks.get(event_type)
        if check is None and event_type.startswith("execution.") and event_type != "execution.attempt_finished":
            # Whatever it is called: an execution has moved.
            return self._check_move
        return check

    def check(self, event: Entry, payload: Payload) -> tuple[str, ...]:
        """What the next event breaks, in words that name it."""
        check = self.of(event.event_type)
        return self.held(check, event, payload) if check else ()

    @staticmethod
    def held(check: Check, event: Entry, payload: Payload) -> tuple[str, ...]:
        """As `check`, for what `of` gave."""
        try:
            problems = tuple(check(event, payload))
        except (AttributeError, TypeError, ValueError):
            problems = ("its payload is not what its type tells",)
        return tuple(f"event {event.seq} ({event.id}): {problem}" for problem in problems) if problems else ()

    def left_open(self) -> Iterator[tuple[int, str]]:
        """What only the end of the log shows, with the number of the event it is about."""
        for execution_id, event in sorted(self._without_receipt.items()):
            yield event.seq, f"event {event.seq} ({event.id}): execution {execution_id} {NO_RECEIPT}"

    def _founded(self, _event: Entry, payload: Payload) -> Iterable[str]:
        self.roles = dict(zip(payload.get("members", ()), payload.get("roles", ()), strict=False))
        self.tells_roles = bool(self.roles)
        return ()

    def _role_given(self, event: Entry, payload: Payload) -> Iterator[str]:
        yield from self._check_owner(event, payload)
        self.roles[event.entity_id] = str(payload.get("role"))

    def _rules_changed(self, event: Entry, payload: Payload) -> Iterator[str]:
        yield from self._check_owner(event, payload)
        self.rules = rules_kept(payload.get("rules"))

    def _check_owner(self, event: Entry, _payload: Payload) -> Iterator[str]:
        unknown = None if self.tells_roles else Role.OWNER
        if event.user_id is None or self.roles.get(event.user_id, unknown) != Role.OWNER:
            yield f"{event.event_type} of {event.entity_id} was not done by an owner"

    # a yes

    def _shown(self, event: Entry, payload: Payload) -> Iterable[str]:
        draft_hash = intern(str(payload.get("draft_hash")))
        self._expires_at[draft_hash] = str(payload.get("expires_at"))
        self._standing[event.entity_id] = draft_hash
        self._asked.setdefault(event.entity_id, set()).update((event.user_id, *payload.get("also_asked_by", ())))
        self._verbs.setdefault(event.entity_id, str(payload.get("verb")))
        return ()

    def _cancelled(self, event: Entry, _payload: Payload) -> Iterable[str]:
        self._standing.pop(event.entity_id, None)
        return ()

    def _approved_by(self, event: Entry, payload: Payload) -> Iterator[str]:
        yield from self._check_terms(event, payload, "approved")
        yield from self._check_device(event, payload, "approved")
        yield from self._check_signature(event, payload, "approved")
        draft_hash = str(payload.get("draft_hash"))
        self._approved.setdefault(draft_hash, set()).add(event.user_id)
        if payload.get("signature_sha256"):
            self._signed.setdefault(draft_hash, set()).add(event.user_id)

    def _added(self, event: Entry, payload: Payload) -> Iterable[str]:
        if payload.get("kind") == DeviceKind.PROGRAM:
            self._programs.add(event.entity_id)
        return ()

    def _enrolled(self, event: Entry, payload: Payload) -> Iterable[str]:
        self._keys[event.entity_id] = (str(payload.get("member_id")), payload.get("signing_key"))
        return self._added(event, payload)

    def _revoked(self, event: Entry, _payload: Payload) -> Iterable[str]:
        self._keys.pop(event.entity_id, None)
        return ()

    def _check_device(self, event: Entry, payload: Payload, done: str) -> Iterator[str]:
        """What a program can send, it can be made to send: no yes of its is one."""
        if payload.get("device_id") in self._programs:
            yield f"draft {event.entity_id} was {done} by a program"

    def _check_signature(self, event: Entry, payload: Payload, done: str) -> Iterator[str]:
        """It is there where the rules of that moment wanted it, and of a key that the log knows as this member's. The JWS lies in the books."""
        most = _money(int(payload.get("maximum_cents", 0)), str(payload.get("currency")))
        if payload.get("signature_sha256") is None:
            if (self.rules or DEFAULT_RULES).must_be_signed(most):
                yield f"draft {event.entity_id} was {done} without the signature that was needed"
        elif self._keys.get(str(payload.get("device_id"))) != (event.user_id, payload.get("key_thumbprint")):
            yield f"draft {event.entity_id} was {done} with a signature of a key that was not this member's"

    def _check_terms(self, event: Entry, payload: Payload, done: str) -> Iterator[str]:
        # Both are written forms of one kind, of which the first twenty characters sort as the times do.
        if f"{event.created_at[:19]}Z" >= self._expires_at.get(str(payload.get("draft_hash")), ""):
            yield f"draft {event.entity_id} was {done} with terms that had expired or were never shown"
        elif payload.get("draft_hash") != self._standing.get(event.entity_id):
            yield f"draft {event.entity_id} was {done} with terms that did not stand any more"

    def _check_confirmation(self, event: Entry, payload: Payload) -> Iterator[str]:
        execution = intern(str(payload.get("execution_id")))
        yield from self._check_terms(event, payload, "confirmed")
        yield from self._check_device(event, payload, "confirmed")
        if event.entity_id in self._used:
            yield f"draft {event.entity_id} was confirmed before"
        self._used.add(intern(event.entity_id))
        verdicts = payload.get("verdicts") or []
        # Every rule must have been asked, not only said yes: a check that was left out is no yes.
        asked = {verdict.get("policy") for verdict in verdicts if verdict.get("allowed")}
        expected = self._expected(payload)
        if not asked >= expected or len(asked) != len(verdicts):
            yield f"draft {event.entity_id} was confirmed against a policy"
        most = int(payload.get("maximum_cents", 0))
        self._confirmed[execution] = _Confirmed(intern(str(payload.get("draft_hash"))), most, payload.get("currency"))
        if event.user_id is None:
            yield f"draft {event.entity_id} was confirmed by nobody"
        elif not self._is_of_old(payload):
            yield from self._check_people(event, payload, event.user_id)
            yield from self._check_signature(event, payload, "confirmed")

    def _expected(self, payload: Payload) -> set[str]:
        """What a Halo of its time asked. Once a log has told of spending, or its rules of signatures, nothing in it is older than that."""
        self._tells_spending = self._tells_spending or "spent_cents" in payload
        if self._is_of_old(payload):
            return _FIRST_POLICIES
        wants_signatures = self.rules is not None and self.rules.signed_above is not None
        return set(EXPECTED) if self._tells_spending or wants_signatures else _SECOND_POLICIES

    def _is_of_old(self, payload: Payload) -> bool:
        """Whether it was confirmed by a Halo that knew no rules; once a household has set some, there is no such thing."""
        return self.rules is None and not self._tells_spending and "approved_by" not in payload

    def _check_people(self, event: Entry, payload: Payload, confirmed_by: str) -> Iterator[str]:
        rules = self.rules or DEFAULT_RULES
        most = _money(int(payload.get("maximum_cents", 0)), str(payload.get("currency")))
        counted = set(payload.get("approved_by") or ())
        said = self._signed if rules.must_be_signed(most) else self._approved
        on_record = {confirmed_by, *said.get(str(payload.get("draft_hash")), ())}
        # By its own word or by the rules of that moment, whichever wants more.
        if len(counted & on_record) < max(int(payload.get("people_needed", 1)), rules.people_needed(most)):
            yield f"draft {event.entity_id} was confirmed by fewer people than were needed"
        if confirmed_by not in counted or not counted <= on_record:
            yield f"draft {event.entity_id} was confirmed with a yes that nobody gave"
        yield from self._check_allowances(event, counted, most)
        asked_by = {*(payload.get("asked_by") or ()), *self._asked.get(event.entity_id, ())}
        if not rules.asker_may_alone(most) and len(counted) < 2 and counted <= asked_by:
            yield f"draft {event.entity_id} was confirmed by nobody but who had asked for it"

    def _check_allowances(self, event: Entry, counted: set[str], most: Money) -> Iterator[str]:
        """Everybody who was counted lived here, in a role that may confirm this; a log that did not tell roles says nothing about it."""
        verb, rules = self._verbs.get(event.entity_id, ""), self.rules or DEFAULT_RULES
        for member in sorted(counted) if self.tells_roles else ():
            role = self.roles.get(member)
            allowance = rules.allowance(Role(role), verb) if role else None
            if allowance is None or (allowance.up_to is not None and not is_within(most, allowance.up_to)):
                yield f"draft {event.entity_id} was confirmed by {member}, who may not"

    # what it does

    def _receipt_stored(self, _event: Entry, payload: Payload) -> Iterable[str]:
        self._without_receipt.pop(str(payload.get("execution_id")), None)
        return ()

    def _check_late_answer(self, event: Entry, _payload: Payload) -> Iterator[str]:
        if self._ended.get(event.entity_id) not in (None, *_EFFECTS):
            yield f"execution {event.entity_id} {_CAME_LATE}"

    def _check_settling(self, event: Entry, _payload: Payload) -> Iterator[str]:
        if self._ended.get(event.entity_id) != _GIVEN_UP or event.entity_id in self._settled:
            yield f"execution {event.entity_id} was settled, and there was nothing to settle"
        if event.user_id is None:
            yield f"execution {event.entity_id} was settled by nobody"
        self._settled.add(event.entity_id)

    def _check_move(self, event: Entry, payload: Payload) -> Iterator[str]:
        confirmed = self._confirmed.get(event.entity_id)
        if confirmed is None:
            yield f"execution {event.entity_id} was never confirmed"
        elif confirmed.draft_hash != payload.get("draft_hash"):
            yield f"execution {event.entity_id} does not carry out what was confirmed"
        elif (payload.get("charged_cents") or 0) > confirmed.maximum_cents:
            yield f"execution {event.entity_id} {_CHARGED_MORE}"
        elif payload.get("currency") not in (None, confirmed.currency):
            yield f"execution {event.entity_id} {_CHARGED_OTHERWISE}"
        if event.entity_id in self._ended:
            yield f"execution {event.entity_id} went on after its end"
        if event.event_type in _EFFECTS:
            if payload.get("came_from") == "confirmed":
                yield f"execution {event.entity_id} has an effect and was never sent"
            self._without_receipt[event.entity_id] = event
        if event.event_type in _TERMINAL:
            self._ended[intern(event.entity_id)] = intern(event.event_type)
            self._forget(str(payload.get("draft_id")), str(payload.get("draft_hash")))

    def _forget(self, draft_id: str, draft_hash: str) -> None:
        """What nobody can ask about any more: years of it would not fit into memory."""
        self._standing.pop(draft_id, None)
        self._asked.pop(draft_id, None)
        self._verbs.pop(draft_id, None)
        self._expires_at.pop(draft_hash, None)
        self._approved.pop(draft_hash, None)
        self._signed.pop(draft_hash, None)
