"""A day told again: every card that was shown, drawn anew from the log and from what it commits to, never from the tables it would be compared with.

`halo_engine.audit` runs it. A card depends on the moment it was looked at, so each is drawn as of its own event: with the roles, rules and yeses of
then. Names, the household's zone and the installation's spending limit are those of today; the log does not hold them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime

from halo_engine.model.canonical import sha256_hex
from halo_engine.model.card import Card, clarification_card, draft_card, execution_card, not_supported_card, unavailable_card
from halo_engine.model.draft import Draft
from halo_engine.model.errors import StoreDamaged
from halo_engine.model.execution import Execution
from halo_engine.model.household import Household, Member, Role
from halo_engine.model.money import Money
from halo_engine.model.option import Option
from halo_engine.model.policy import Situation, approval_words
from halo_engine.model.receipt import Receipt
from halo_engine.model.rules import DEFAULT_RULES
from halo_engine.model.value import Value
from halo_engine.store.auditing.entries import Entry, entries
from halo_engine.store.auditing.promises import Promises
from halo_engine.store.auditing.rebuilt import Rebuilt
from halo_engine.store.reader import Reader

#: What changes no card, or none before something else comes of it.
_SILENT = (
    "request.parsed",
    "draft.change_parsed",
    "draft.confirmation_refused",
    "draft.answer_not_counted",
    "execution.settled",
    "execution.answer_came_late",
)
#: Attempts that asked nobody anything, and left the words on the card as they were.
_NOTES = ("take_over", "give_up")


class ReplayedCard(Value):
    """A card as it stood after `at`, with the events of that moment that it comes from. `of` is what it is the card of."""

    at: AwareDatetime
    of: str
    events: tuple[str, ...]
    first_seq: int
    card: Card


class _Asked(NamedTuple):
    """What became of a request until it is a draft."""

    verb: str
    user_id: str | None
    question: dict[str, Any] | None = None
    refused: tuple[str, str] | None = None


class Replay:
    """One household's log from its beginning, as far as it was told."""

    def __init__(self, reader: Reader, household: Household, members: Sequence[Member], *, spending_limit: Money) -> None:
        self._reader, self._household, self._limit = reader, household, spending_limit
        self._members = tuple(members)
        self._promises, self._rebuilt = Promises(), Rebuilt()
        self._requests: dict[str, _Asked] = {}
        #: By draft: its request, and who had a share in it.
        self._request_of: dict[str, str] = {}
        self._drafts_of: dict[str, str] = {}
        #: Of the version of a draft that stands, the SHA-256; None where the log of that time did not tell.
        self._bytes_of: dict[str, str | None] = {}
        self._execution_of: dict[str, str] = {}
        self._receipt_of: dict[str, str] = {}
        self._yeses: dict[str, list[str]] = {}
        self._signed: dict[str, list[str]] = {}
        #: By the event that asked, the request whose question it was.
        self._questions: dict[str, str] = {}
        self._words: dict[str, str | None] = {}

    def cards(self, first: datetime, end: datetime) -> Iterator[ReplayedCard]:
        """The cards from `first` on and before `end`, in order; and after the last of them, the whole log has been told.

        Raises `StoreDamaged` where what the log commits to is not there any more.
        """
        for at, moment in groupby(entries(self._reader, self._household.id), key=lambda entry: entry.created_at):
            together = list(moment)
            for entry in together:
                self._tell(entry)
            now = datetime.fromisoformat(at)
            if first <= now < end:
                yield from self._shown(now, together)

    def _shown(self, now: datetime, together: Iterable[Entry]) -> Iterator[ReplayedCard]:
        """One card for each thing that the events of a moment are about: between two of them nobody could look."""
        about: dict[str, list[Entry]] = {}
        for entry in together:
            if (of := self._subject(entry)) is not None:
                about.setdefault(of, []).append(entry)
        for of, those in about.items():
            card = self.card(of, now)
            if card is not None:
                yield ReplayedCard(at=now, of=of, events=tuple(each.event_type for each in those), first_seq=those[0].seq, card=card)

    def _subject(self, entry: Entry) -> str | None:
        if entry.event_type in _SILENT or entry.entity_type not in ("execution_request", "draft", "execution", "receipt_artifact"):
            return None
        return self._rebuilt.receipts[entry.entity_id].execution_id if entry.entity_type == "receipt_artifact" else entry.entity_id

    # what happened

    def _tell(self, entry: Entry) -> None:
        try:
            payload = entry.payload()
            self._promises.check(entry, payload)
            self._rebuilt.tell(entry, payload)
            self._link(entry, payload)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            hint = "See what is wrong with: halo audit verify"
            raise StoreDamaged(f"Event {entry.seq} ({entry.id}) cannot be told again.", hint=hint) from error

    def _link(self, entry: Entry, payload: dict[str, Any]) -> None:
        entity = entry.entity_id
        match entry.event_type:
            case "request.parsed":
                self._answered(entry.causation_id)
                self._requests[entity] = _Asked(payload["verb"], entry.user_id)
            case "request.clarification_asked":
                self._questions[entry.id] = entity
                self._requests[entity] = self._requests[entity]._replace(question=self._opened(entry, "asked"))
            case "request.refused":
                words = self._opened(entry, "words")
                self._requests[entity] = self._requests[entity]._replace(refused=(payload["reason"], words or ""))
            case "draft.revised":
                self._bytes_of[entity] = payload.get("draft_sha256")
            case "draft.created":
                self._bytes_of[entity] = payload.get("draft_sha256")
                request_id = payload.get("request_id", "")
                self._request_of[entity] = request_id
                self._drafts_of[request_id] = entity
                if request_id in self._requests:
                    self._requests[request_id] = self._requests[request_id]._replace(question=None)
            case "draft.approved":
                self._yeses.setdefault(payload["draft_hash"], []).append(entry.user_id or "")
                if payload.get("signature_sha256"):
                    self._signed.setdefault(payload["draft_hash"], []).append(entry.user_id or "")
            case "draft.confirmed":
                self._execution_of[entity] = payload["execution_id"]
            case "receipt.stored":
                self._receipt_of[payload["execution_id"]] = entity
            case "execution.attempt_finished" if "reason" in payload and payload["step"] not in _NOTES:
                self._words[entity] = payload["reason"]
            case _ if entry.entity_type == "execution" and "came_from" in payload:
                self._words[entity] = payload["reason"]

    def _answered(self, causation_id: str) -> None:
        """A question is answered once, by the request that followed from it."""
        asked = self._questions.get(causation_id)
        if asked is not None:
            self._requests[asked] = self._requests[asked]._replace(question=None)

    def _opened(self, entry: Entry, field: str) -> Any:
        row = self._reader.row(_OPENING, event_id=entry.id, field=field)
        return json.loads(row["value_json"]) if row else None

    # how it stood

    def card(self, of: str, now: datetime) -> Card | None:
        """The card of a request, a draft or an execution as far as the log was told, looked at `now`; None where its words were erased."""
        if of in self._rebuilt.executions:
            return self._execution_card(of)
        if of in self._rebuilt.drafts:
            executed = self._execution_of.get(of)
            return self._execution_card(executed) if executed else self._draft_card(of, now)
        return self._request_card(of, now)

    def _request_card(self, request_id: str, now: datetime) -> Card | None:
        asked = self._requests[request_id]
        if asked.question is not None:
            return clarification_card(
                request_id=request_id,
                question=asked.question["question"],
                options=[Option.model_validate(option) for option in asked.question["options"]],
                verb=asked.verb,
                remainder=asked.question["remainder"],
                asked_by=asked.user_id,
            )
        if asked.refused is not None and all(asked.refused):
            kind, words = asked.refused
            said_no = not_supported_card if kind == "not_supported" else unavailable_card
            return said_no(request_id=request_id, reason=words)
        drafted = self._drafts_of.get(request_id)
        return self.card(drafted, now) if drafted else None

    def _draft_card(self, draft_id: str, now: datetime) -> Card:
        draft = self._draft(draft_id).as_of(now)
        words = approval_words(draft.terms, self._situation(draft), self._limit)
        return draft_card(draft, approval=words, zone=ZoneInfo(self._household.time_zone))

    def _situation(self, draft: Draft) -> Situation:
        asked = self._requests.get(self._request_of.get(draft.id, ""))
        askers = (asked.user_id if asked else None, *draft.also_asked_by)
        return Situation(
            rules=self._promises.rules or DEFAULT_RULES,
            members=tuple(self._as_then(member) for member in self._members if member.id in self._promises.roles),
            asked_by=tuple(dict.fromkeys(filter(None, askers))),
            approved_by=tuple(self._yeses.get(draft.draft_hash, ())),
            signed_by=tuple(self._signed.get(draft.draft_hash, ())),
        )

    def _as_then(self, member: Member) -> Member:
        return member.model_copy(update={"role": Role(self._promises.roles[member.id])})

    def _draft(self, draft_id: str) -> Draft:
        """The version that stood, word for word: its bytes must be those the log commits to."""
        facts = self._rebuilt.drafts[draft_id]
        row = self._reader.row(_REVISION, draft_id=draft_id, revision=facts.revision)
        expected = self._bytes_of[draft_id]
        if row is None or (expected is not None and sha256_hex(row["draft_json"].encode()) != expected):
            raise StoreDamaged(f"Revision {facts.revision} of draft {draft_id} is not the one that the log commits to.")
        return Draft.model_validate({**json.loads(row["draft_json"]), "status": facts.status})

    def _execution_card(self, execution_id: str) -> Card:
        facts = self._rebuilt.executions[execution_id]
        draft = self._draft(facts.draft_id)
        charged = None if facts.charged_cents is None else Money(cents=facts.charged_cents, currency=str(facts.currency))
        execution = Execution(
            id=execution_id,
            household_id=self._household.id,
            draft_id=facts.draft_id,
            draft_hash=facts.draft_hash,
            verb=draft.verb,
            vendor=draft.vendor,
            status=facts.status,
            version=0,
            vendor_key="",
            started_at=draft.created_at,
            vendor_reference=facts.vendor_reference,
            final_cost=charged,
            error_message=self._words.get(execution_id),
            revised_draft_id=facts.revised_draft_id,
            handoff_url=facts.handoff_url,
        )
        return execution_card(execution, draft, self._receipt(execution_id))

    def _receipt(self, execution_id: str) -> Receipt | None:
        """As much of it as a card shows."""
        receipt_id = self._receipt_of.get(execution_id)
        if receipt_id is None:
            return None
        told = self._rebuilt.receipts[receipt_id]
        at = self._household.created_at
        return Receipt(
            id=receipt_id, execution_id=execution_id, type=told.type, content_text="", external_reference_id=told.reference, created_at=at
        )


_OPENING = "SELECT value_json FROM event_opening WHERE event_id = :event_id AND field = :field"
_REVISION = "SELECT draft_json FROM draft_revision WHERE draft_id = :draft_id AND revision = :revision"
