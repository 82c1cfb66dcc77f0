"""Checks one household's log: that nothing in it was altered, and that what it tells keeps Halo's promises.

Pure functions over the events in order; each problem is named with the event where it shows. What they cannot see is a log cut off at its end: that
takes a witness who remembers how long it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from halo_engine.model.canonical import sha256_hex
from halo_engine.model.draft import iso_utc
from halo_engine.model.event import GENESIS, Event
from halo_engine.model.execution import Execution
from halo_engine.model.household import Member, Role
from halo_engine.model.money import Money
from halo_engine.model.policy import EXPECTED
from halo_engine.model.receipt import Receipt
from halo_engine.model.rules import DEFAULT_RULES, ConfirmRules, is_within


def broken_links(events: Iterable[Event]) -> Iterator[str]:
    """What is wrong with the chain, first event first: a gap, a wrong link, or content that does not give its hash."""
    seq, previous = 0, GENESIS
    for event in events:
        seq += 1
        if event.seq != seq:
            yield f"event {seq} is missing: the next one there is {event.seq} ({event.id})"
            seq = event.seq
        if event.prev_hash != previous:
            yield f"event {event.seq} ({event.id}) does not follow the event before it"
        if _was_altered(event):
            yield f"event {event.seq} ({event.id}) was altered: its content does not give its hash"
        previous = event.hash


def _was_altered(event: Event) -> bool:
    try:
        return event.expected_hash() != event.hash
    except ValueError:
        return True


_EFFECTS = ("execution.done", "execution.partial")
#: What confirmations were held against before households had rules of their own.
_FIRST_POLICIES = {"may_confirm", "spending_limit"}
_TERMINAL = (*_EFFECTS, "execution.failed", "execution.terms_changed", "execution.handed_off", "execution.needs_attention")


def broken_promises(events: Iterable[Event]) -> Iterator[str]:
    """Where the log tells of something that must not happen.

    Nothing is sent without an earlier confirmation, in time, of that very hash (I3); no more is charged than was confirmed (I4); an execution
    ends once (I5); an effect has its receipt (I2). Where the rules of that moment wanted two people, there were two; where they wanted somebody
    else than whoever asked, there was; and everybody who was counted is on record with a yes to that very hash.
    """
    seen = _Seen()
    for event in events:
        try:
            problems = tuple(seen.check(event))
        except (AttributeError, TypeError, ValueError):
            problems = ("its payload is not what its type tells",)
        yield from (f"event {event.seq} ({event.id}): {problem}" for problem in problems)
    yield from (f"execution {execution} has an effect and no receipt" for execution in sorted(seen.without_receipt))


class _Seen:
    """What the events so far have established."""

    def __init__(self) -> None:
        self._expires_at: dict[str, str] = {}
        #: The hash of the terms that stand, by draft.
        self._standing: dict[str, str] = {}
        self._confirmed: dict[str, Event] = {}
        self._ended: dict[str, str] = {}
        #: By member, as far as the log tells: one from before it told roles knows only those that were changed.
        self.roles: dict[str, str] = {}
        self.tells_roles = False
        self._verbs: dict[str, str] = {}
        #: None until the household has set any.
        self.rules: ConfirmRules | None = None
        #: Who said yes before it was enough, by hash; who asked or changed it, by draft.
        self._approved: dict[str, set[str | None]] = {}
        self._asked: dict[str, set[str | None]] = {}
        self.without_receipt: set[str] = set()

    def check(self, event: Event) -> Iterator[str]:
        match event.event_type:
            case "draft.created" | "draft.revised":
                self._expires_at[str(event.payload.get("draft_hash"))] = str(event.payload.get("expires_at"))
                self._standing[event.entity_id] = str(event.payload.get("draft_hash"))
                self._asked.setdefault(event.entity_id, set()).update((event.user_id, *event.payload.get("also_asked_by", ())))
                self._verbs.setdefault(event.entity_id, str(event.payload.get("verb")))
            case "draft.cancelled":
                self._standing.pop(event.entity_id, None)
            case "household.created":
                payload = event.payload
                self.roles = dict(zip(payload.get("members", ()), payload.get("roles", ()), strict=False))
                self.tells_roles = bool(self.roles)
            case "household.member_added" | "household.role_changed":
                yield from self._check_owner(event)
                self.roles[event.entity_id] = str(event.payload.get("role"))
            case "household.rules_changed":
                yield from self._check_owner(event)
                self.rules = ConfirmRules.model_validate(event.payload.get("rules"))
            case "draft.approved":
                yield from self._check_terms(event, "approved")
                self._approved.setdefault(str(event.payload.get("draft_hash")), set()).add(event.user_id)
            case "draft.confirmed":
                yield from self._check_confirmation(event)
            case "receipt.stored":
                self.without_receipt.discard(str(event.payload.get("execution_id")))
            case "execution.answer_came_late":
                if self._ended.get(event.entity_id) not in (None, *_EFFECTS):
                    yield f"execution {event.entity_id} was done by the vendor after it had been given up: look there"
            case "execution.attempt_finished":
                return
            case kind if kind.startswith("execution."):
                yield from self._check_execution(event)

    def _check_terms(self, event: Event, done: str) -> Iterator[str]:
        if iso_utc(event.created_at) >= self._expires_at.get(str(event.payload.get("draft_hash")), ""):
            yield f"draft {event.entity_id} was {done} with terms that had expired or were never shown"
        elif event.payload.get("draft_hash") != self._standing.get(event.entity_id):
            yield f"draft {event.entity_id} was {done} with terms that did not stand any more"

    def _check_allowances(self, event: Event, counted: set[str], most: Money) -> Iterator[str]:
        """Everybody who was counted lived here, in a role that may confirm this; a log that did not tell roles says nothing about it."""
        verb, rules = self._verbs.get(event.entity_id, ""), self.rules or DEFAULT_RULES
        for member in sorted(counted) if self.tells_roles else ():
            role = self.roles.get(member)
            allowance = rules.allowance(Role(role), verb) if role else None
            if allowance is None or (allowance.up_to is not None and not is_within(most, allowance.up_to)):
                yield f"draft {event.entity_id} was confirmed by {member}, who may not"

    def _check_owner(self, event: Event) -> Iterator[str]:
        unknown = None if self.tells_roles else Role.OWNER
        if event.user_id is None or self.roles.get(event.user_id, unknown) != Role.OWNER:
            yield f"{event.event_type} of {event.entity_id} was not done by an owner"

    def _check_confirmation(self, event: Event) -> Iterator[str]:
        execution = str(event.payload.get("execution_id"))
        yield from self._check_terms(event, "confirmed")
        if any(earlier.entity_id == event.entity_id for earlier in self._confirmed.values()):
            yield f"draft {event.entity_id} was confirmed before"
        verdicts = event.payload.get("verdicts") or []
        # Every rule must have been asked, not only said yes: a check that was left out is no yes.
        asked = {verdict.get("policy") for verdict in verdicts if verdict.get("allowed")}
        expected = _FIRST_POLICIES if self._is_of_old(event) else set(EXPECTED)
        if not asked >= expected or len(asked) != len(verdicts):
            yield f"draft {event.entity_id} was confirmed against a policy"
        self._confirmed[execution] = event
        if event.user_id is None:
            yield f"draft {event.entity_id} was confirmed by nobody"
        elif not self._is_of_old(event):
            yield from self._check_people(event, event.user_id)

    def _is_of_old(self, event: Event) -> bool:
        """Whether it was confirmed by a Halo that knew no rules; once a household has set some, there is no such thing."""
        return self.rules is None and "approved_by" not in event.payload

    def _check_people(self, event: Event, confirmed_by: str) -> Iterator[str]:
        payload, rules = event.payload, self.rules or DEFAULT_RULES
        most = Money(cents=int(payload.get("maximum_cents", 0)), currency=str(payload.get("currency")))
        counted = set(payload.get("approved_by") or ())
        on_record = {confirmed_by, *self._approved.get(str(payload.get("draft_hash")), ())}
        # By its own word or by the rules of that moment, whichever wants more.
        if len(counted & on_record) < max(int(payload.get("people_needed", 1)), rules.people_needed(most)):
            yield f"draft {event.entity_id} was confirmed by fewer people than were needed"
        if confirmed_by not in counted or not counted <= on_record:
            yield f"draft {event.entity_id} was confirmed with a yes that nobody gave"
        yield from self._check_allowances(event, counted, most)
        asked_by = {*(payload.get("asked_by") or ()), *self._asked.get(event.entity_id, ())}
        if not rules.asker_may_alone(most) and len(counted) < 2 and counted <= asked_by:
            yield f"draft {event.entity_id} was confirmed by nobody but who had asked for it"

    def _check_execution(self, event: Event) -> Iterator[str]:
        confirmation = self._confirmed.get(event.entity_id)
        if confirmation is None:
            yield f"execution {event.entity_id} was never confirmed"
        elif confirmation.payload.get("draft_hash") != event.payload.get("draft_hash"):
            yield f"execution {event.entity_id} does not carry out what was confirmed"
        elif (event.payload.get("charged_cents") or 0) > int(confirmation.payload.get("maximum_cents", 0)):
            yield f"execution {event.entity_id} was charged more than confirmed"
        elif event.payload.get("currency") not in (None, confirmation.payload.get("currency")):
            yield f"execution {event.entity_id} was charged in another currency than confirmed"
        if event.entity_id in self._ended:
            yield f"execution {event.entity_id} went on after its end"
        if event.event_type in _EFFECTS and event.payload.get("came_from") == "confirmed":
            yield f"execution {event.entity_id} has an effect and was never sent"
        if event.event_type in _TERMINAL:
            self._ended[event.entity_id] = event.event_type
        if event.event_type in _EFFECTS:
            self.without_receipt.add(event.entity_id)


def books_that_differ(events: Iterable[Event], executions: Iterable[Execution], receipts: Iterable[Receipt]) -> Iterator[str]:
    """Where an execution or a receipt, as it stands in the books, is not what the log says it is."""
    moved: dict[str, Event] = {}
    stored: dict[str, Event] = {}
    for event in events:
        if event.entity_type == "execution" and event.payload.get("came_from"):
            moved[event.entity_id] = event
        if event.event_type == "receipt.stored":
            stored[event.entity_id] = event
    for execution in executions:
        yield from _execution_differs(execution, moved.get(execution.id))
    kept = {receipt.id: receipt for receipt in receipts}
    for receipt_id, event in stored.items():
        receipt = kept.pop(receipt_id, None)
        if receipt is None:
            yield f"receipt {receipt_id} is in the log and not in the books"
        elif _receipt_facts(receipt) != (event.payload.get("content_sha256"), event.payload.get("external_reference_id")):
            yield f"receipt {receipt_id} was altered: it is not the one in the log"
    yield from (f"receipt {receipt_id} is in the books and not in the log" for receipt_id in sorted(kept))


def people_that_differ(events: Iterable[Event], members: Iterable[Member], rules: ConfirmRules) -> Iterator[str]:
    """Where a role or the rules, as they stand in the books and decide the next yes, are not what the log says they are."""
    told = _Seen()
    for event in (each for each in events if each.event_type.startswith("household.")):
        try:
            tuple(told.check(event))
        except (AttributeError, TypeError, ValueError):
            # Named already, by `broken_promises`.
            continue
    for member in members if told.tells_roles else ():
        if told.roles.get(member.id) != member.role:
            yield f"member {member.id} was altered: the log says {told.roles.get(member.id, 'nothing of them')}"
    if (told.rules or DEFAULT_RULES) != rules:
        yield "the rules of who may confirm were altered: they are not the ones in the log"


def _execution_differs(execution: Execution, last: Event | None) -> Iterator[str]:
    status = last.event_type.removeprefix("execution.") if last else "confirmed"
    cents = execution.final_cost.cents if execution.final_cost else None
    if execution.status.value != status or (last and cents != last.payload.get("charged_cents")):
        yield f"execution {execution.id} was altered: the log says {status}"


def _receipt_facts(receipt: Receipt) -> tuple[str, str | None]:
    return sha256_hex(receipt.content_text.encode()), receipt.external_reference_id
