"""What faces read: the household, drafts, the feed, executions with everything about them, receipts, and the state of the log.

Read only, and light: plain SQL over `store.reader`, so that a read command does not wait for the ORM. Every query is scoped to the household.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import cached_property
from types import TracebackType
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime

from halo_engine.clock import Clock, SystemClock
from halo_engine.model.card import Card, clarification_card, draft_card, execution_card
from halo_engine.model.confirmation import Confirmation
from halo_engine.model.device import Device, Enrolment
from halo_engine.model.draft import Draft, DraftStatus
from halo_engine.model.errors import NotFound, NotInitialised, StoreDamaged
from halo_engine.model.event import Event
from halo_engine.model.exchange import Exchange
from halo_engine.model.execution import Attempt, Execution
from halo_engine.model.household import Household, Member, Preference, Usual
from halo_engine.model.ids import Prefix, can_be_looked_up, make_id, prefix_of
from halo_engine.model.intent import Intent
from halo_engine.model.money import Money
from halo_engine.model.option import Option
from halo_engine.model.policy import Situation, Whose, approval_words, whose_yes
from halo_engine.model.receipt import Receipt
from halo_engine.model.rules import ConfirmRules
from halo_engine.model.value import Value
from halo_engine.settings import Settings
from halo_engine.store import values
from halo_engine.store.feed import feed_page, place
from halo_engine.store.reader import Reader, Readers

#: Where a page of a list ended: the time and the id of its last entry.
Place = tuple[datetime, str]


class Activity(Value):
    """One line of the feed."""

    at: AwareDatetime
    kind: Literal["request", "draft", "execution"]
    id: str
    title: str
    status: str
    amount: Money | None
    member: str | None

    @property
    def place(self) -> Place:
        """Where a page that ends with this line ends."""
        return self.at, self.id


class Asked(Value):
    """A request in the words of whoever asked."""

    id: str
    at: AwareDatetime
    text: str
    user_id: str
    member: str


class ExecutionDetail(Value):
    """One execution with everything that is known about it."""

    execution: Execution
    draft: Draft
    confirmation: Confirmation
    #: Whose yes started it, and everybody whose yes counted, by name.
    confirmed_by: str
    approved_by: tuple[str, ...]
    attempts: tuple[Attempt, ...]
    #: What was said to the vendor and by it, in order, redacted.
    exchanges: tuple[Exchange, ...] = ()
    events: tuple[Event, ...]
    receipt: Receipt | None


class Question(Value):
    """A question that waits for an answer: whose words it is about, and its card."""

    request_id: str
    at: AwareDatetime
    text: str
    member: str
    card: Card


class Inbox(Value):
    """What waits for somebody's decision, each newest first."""

    drafts: tuple[Draft, ...]
    questions: tuple[Question, ...]
    #: Drafts whose time was over in the last week, and that nobody asked for again.
    expired: tuple[Draft, ...]


class InNeed(Value):
    """An execution a person may have to look at. `settled` is what somebody found, as the log has it; None while nobody has."""

    execution: Execution
    draft: Draft
    settled: Event | None = None


class Counts(Value):
    """What waits for somebody, and how long the log is."""

    drafts: int
    questions: int
    attention: int
    events: int


def _question(request: values.Row) -> Card:
    """The question of a request, which was kept as it was asked."""
    asked, intent = json.loads(request["clarification_json"]), Intent.model_validate_json(request["normalized_intent_json"])
    return clarification_card(
        request_id=request["id"],
        question=asked["question"],
        options=[Option.model_validate(option) for option in asked["options"]],
        verb=intent.verb,
        remainder=intent.remainder,
        asked_by=request["user_id"],
    )


#: What is older needs nobody any more.
_RECENT = timedelta(days=7)

_REQUEST = "SELECT * FROM execution_request WHERE household_id = :household_id"

_REQUESTS = """
SELECT r.id AS id, r.created_at AS at, SUBSTR(r.raw_command_text, 1, 2000) AS text, u.id AS user_id, u.display_name AS member
  FROM execution_request r JOIN "user" u ON u.id = r.user_id
 WHERE r.household_id = :household_id AND r.created_at <= :at AND (r.created_at < :at OR r.id < :id)
ORDER BY r.created_at DESC, r.id DESC
LIMIT :limit
"""

_EXECUTIONS = """
SELECT * FROM execution
 WHERE household_id = :household_id AND started_at <= :at AND (started_at < :at OR id < :id)
ORDER BY started_at DESC, id DESC LIMIT :limit
"""

_COUNTS = """
SELECT (SELECT COUNT(*) FROM draft WHERE household_id = :household_id AND status = 'open' AND expires_at > :now) AS drafts,
       (SELECT COUNT(*) FROM execution_request
         WHERE household_id || '' = :household_id AND id > :recent AND clarification_json IS NOT NULL) AS questions,
       (SELECT COUNT(*) FROM execution e WHERE household_id = :household_id AND status = 'needs_attention'
           AND NOT EXISTS (SELECT 1 FROM event_log v WHERE v.entity_id = e.id AND v.event_type = 'execution.settled')) AS attention,
       (SELECT COALESCE(MAX(seq), 0) FROM event_log WHERE household_id = :household_id) AS events
"""

_DRAFTS = "SELECT * FROM draft WHERE household_id = :household_id"


# What is found by its status, its entity or its identifier says `household_id || ''`: an expression has no index. Told to sort as well, SQLite would
# rather walk through everything the household has, because an index has that in order.
_OPEN_DRAFTS = """
SELECT * FROM draft WHERE household_id || '' = :household_id AND status = 'open' AND expires_at > :now
   AND created_at <= :at AND (created_at < :at OR id < :id)
ORDER BY created_at DESC, id DESC LIMIT :limit
"""

_EXPIRED_DRAFTS = """
SELECT * FROM draft WHERE household_id || '' = :household_id AND status = 'open' AND expires_at <= :now AND expires_at > :week_ago
ORDER BY expires_at DESC, id DESC LIMIT :limit
"""

_QUESTIONS = """
SELECT r.*, u.display_name AS member FROM execution_request r JOIN "user" u ON u.id = r.user_id
 WHERE r.household_id || '' = :household_id AND r.id > :recent AND r.clarification_json IS NOT NULL
ORDER BY r.id DESC LIMIT :limit
"""

_IN_NEED = """
SELECT e.* FROM execution e
 WHERE e.household_id || '' = :household_id AND e.status IN ('unknown', 'handed_off', 'needs_attention')
   AND (e.status = 'unknown' OR e.finished_at > :week_ago
        OR (e.status = 'needs_attention' AND NOT EXISTS (
              SELECT 1 FROM event_log v WHERE v.entity_id = e.id AND v.event_type = 'execution.settled')))
ORDER BY COALESCE(e.finished_at, e.started_at) DESC, e.id DESC LIMIT :limit
"""

_SETTLED = """
SELECT * FROM event_log
 WHERE household_id || '' = :household_id AND entity_id = :id AND event_type = 'execution.settled' ORDER BY seq
"""

_ENROLMENTS = """
SELECT * FROM device_enrolment WHERE household_id = :household_id AND used_at IS NULL AND revoked_at IS NULL ORDER BY created_at, id
"""
_EVENTS_OF = "SELECT * FROM event_log WHERE household_id || '' = :household_id AND entity_id IN (:first, :second) ORDER BY seq"

_SIGNED_BY = """
SELECT DISTINCT s.user_id AS user_id FROM confirmation_signature s JOIN draft d ON d.id = s.draft_id
 WHERE d.household_id = :household_id AND s.draft_hash = :hash
"""
_APPROVED_BY = """
SELECT a.user_id AS user_id FROM draft_approval a JOIN draft d ON d.id = a.draft_id
 WHERE d.household_id = :household_id AND a.draft_hash = :hash ORDER BY a.given_at, a.user_id
"""


class Queries:
    """One installation's books, to look at. A context manager."""

    def __init__(self, reader: Reader, clock: Clock, *, spending_limit: Money, household_id: str | None = None) -> None:
        self._reader, self._clock, self._limit, self._of = reader, clock, spending_limit, household_id

    @classmethod
    def open(
        cls, settings: Settings, *, clock: Clock | None = None, household_id: str | None = None, readers: Readers | None = None
    ) -> Self:
        """Of the household with that id, without one of the first; over one of `readers`, where somebody keeps them.

        Raises `NotInitialised` when there is no household, `StoreFailed` and its kinds when the books cannot be read.
        """
        reader = readers.open() if readers else Reader.open(database_file=settings.database_file, database_url=settings.database_address)
        limit = Money(cents=settings.spending_limit_cents)
        queries = cls(reader, clock or SystemClock(), spending_limit=limit, household_id=household_id)
        try:
            queries._household_id  # noqa: B018 - what is not there is said at once
        except BaseException:
            queries.close()
            raise
        return queries

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the books."""
        self._reader.close()

    def household(self) -> Household:
        """The household these views are of."""
        row = (
            self._reader.row("SELECT * FROM household ORDER BY created_at, id LIMIT 1")
            if self._of is None
            else self._reader.row("SELECT * FROM household WHERE id = :id", id=self._of)
        )
        if row is None:
            raise NotInitialised
        return values.household_value(row)

    @cached_property
    def _household_id(self) -> str:
        return self.household().id

    def members(self) -> tuple[Member, ...]:
        """Everyone, in the order they were added."""
        return tuple(map(values.member_value, self._all('SELECT * FROM "user" WHERE household_id = :household_id ORDER BY id')))

    def rules(self) -> ConfirmRules:
        """Who may confirm what. Raises `StoreDamaged` where that cannot be read."""
        rows = self._all("SELECT confirm_rules_json FROM preference WHERE household_id = :household_id")
        if not rows:
            raise StoreDamaged("The household's preferences are not in the books.")
        return values.rules_value(rows[0]["confirm_rules_json"])

    def preference(self) -> Preference:
        """What the household usually wants."""
        (row,) = self._all("SELECT * FROM preference WHERE household_id = :household_id")
        return values.preference_value(row)

    def _situation(self, draft: Draft) -> Situation:
        asked = self._one(f"{_REQUEST} AND id = :id", "There is no such request in this household.", id=draft.request_id)
        approved, signed = self._all(_APPROVED_BY, hash=draft.draft_hash), self._all(_SIGNED_BY, hash=draft.draft_hash)
        return Situation(
            rules=self.rules(),
            members=self.members(),
            asked_by=tuple(dict.fromkeys((asked["user_id"], *draft.also_asked_by))),
            approved_by=tuple(row["user_id"] for row in approved),
            signed_by=tuple(row["user_id"] for row in signed),
        )

    def whose_yes(self, draft: Draft) -> Whose:
        """Who may confirm a draft now."""
        return whose_yes(draft.terms, self._situation(draft), self._limit)

    def draft(self, draft_id: str) -> Draft:
        """A draft as it stands now. Raises `NotFound`."""
        row = self._one(f"{_DRAFTS} AND id = :id", "There is no such draft in this household.", id=draft_id)
        return values.draft_value(row).as_of(self._clock.now())

    def revisions(self, draft_id: str) -> tuple[Draft, ...]:
        """Every version of a draft that was shown, oldest first. Raises `NotFound`."""
        self.draft(draft_id)
        statement = (
            "SELECT v.*, d.status AS status FROM draft_revision v JOIN draft d ON d.id = v.draft_id "
            "WHERE d.household_id = :household_id AND d.id = :id ORDER BY v.revision"
        )
        return tuple(map(values.revision_value, self._all(statement, id=draft_id)))

    def waiting(self) -> tuple[Draft, ...]:
        """Drafts that can still be confirmed, newest first."""
        rows = self._all(f"{_DRAFTS} AND status = 'open' ORDER BY created_at DESC, id DESC")
        now = self._clock.now()
        return tuple(draft for draft in map(values.draft_value, rows) if now < draft.expires_at)

    def open_drafts(self, *, limit: int, before: Place | None = None) -> tuple[Draft, ...]:
        """As `waiting`, a page at a time: from after the one at `before`."""
        rows = self._all(_OPEN_DRAFTS, now=self._instant(timedelta()), limit=limit, **place(before))
        return tuple(map(values.draft_value, rows))

    def inbox(self, *, limit: int) -> Inbox:
        """What waits for a decision, at most `limit` of each."""
        now, week_ago = self._instant(timedelta()), self._instant(_RECENT)
        expired = self._all(_EXPIRED_DRAFTS, now=now, week_ago=week_ago, limit=limit)
        questions = self._all(_QUESTIONS, recent=self._since(Prefix.REQUEST), limit=limit)
        return Inbox(
            drafts=self.open_drafts(limit=limit),
            questions=tuple(
                Question(
                    request_id=row["id"], at=row["created_at"], text=row["raw_command_text"], member=row["member"], card=_question(row)
                )
                for row in questions
            ),
            expired=tuple(values.draft_value(row).as_of(self._clock.now()) for row in expired),
        )

    def attention(self, *, limit: int) -> tuple[InNeed, ...]:
        """What a person may have to look at, newest first: what needs attention until it is settled, and a week longer; what is being checked;
        and what was handed over in the last week."""
        rows = self._all(_IN_NEED, week_ago=self._instant(_RECENT), limit=limit)
        return tuple(self._in_need(values.execution_value(row)) for row in rows)

    def _in_need(self, execution: Execution) -> InNeed:
        settled = self._all(_SETTLED, id=execution.id)
        return InNeed(
            execution=execution,
            draft=self.draft(execution.draft_id),
            settled=values.event_value(settled[0]) if settled else None,
        )

    def counts(self) -> Counts:
        """Cheap however long the log is: it is asked every few seconds."""
        return Counts.model_validate(dict(self._all(_COUNTS, now=self._instant(timedelta()), recent=self._since(Prefix.REQUEST))[0]))

    def _instant(self, ago: timedelta) -> str:
        """A time as SQLite keeps it, and as PostgreSQL reads it."""
        return f"{self._clock.now() - ago:%Y-%m-%dT%H:%M:%S.%fZ}"

    def _since(self, prefix: Prefix) -> str:
        """The identifier before all that were made in the last week: they sort by time, and the table is read from there."""
        return make_id(prefix, unix_ms=int((self._clock.now() - _RECENT).timestamp() * 1000), entropy=0)

    def activity(self, *, limit: int, before: Place | None = None) -> tuple[Activity, ...]:
        """The feed, newest first, from after the entry at `before`: each request by the furthest thing that became of it."""
        return tuple(map(self._activity, feed_page(self._reader, self._household_id, limit=limit, before=before)))

    def _activity(self, row: values.Row) -> Activity:
        if row["kind"] == "request":
            title, status, amount = row["title"], "asked" if row["detail"] else "not_done", None
        else:
            draft = values.draft_shown(row["payload"])
            expired = row["kind"] == "draft" and row["status"] == "open" and self._clock.now() >= draft.expires_at
            title, status = draft.terms.title, "expired" if expired else row["status"]
            # A draft's currency stands in its terms alone.
            currency = row["currency"] or draft.terms.total.currency
            amount = None if row["cents"] is None else Money(cents=row["cents"], currency=currency)
        return Activity(at=row["at"], kind=row["kind"], id=row["id"], title=title, status=status, amount=amount, member=row["member"])

    def requests(self, *, limit: int, before: Place | None = None) -> tuple[Asked, ...]:
        """The newest requests, oldest first: who asked for what, in their words, of which the first 2,000 characters. All from before `before`."""
        return tuple(Asked.model_validate(dict(row)) for row in reversed(self._all(_REQUESTS, limit=limit, **place(before))))

    def card(self, of: str) -> Card:
        """The card of a request, a draft or an execution as it stands now. Raises `NotFound`, also for a request that nothing came of."""
        match prefix_of(of):
            case Prefix.EXECUTION:
                detail = self.execution(of)
                return execution_card(detail.execution, detail.draft, detail.receipt)
            case Prefix.DRAFT:
                draft = self.draft(of)
                if execution_id := self._execution_of(draft):
                    return self.card(execution_id)
                words = approval_words(draft.terms, self._situation(draft), self._limit)
                return draft_card(draft, approval=words, zone=ZoneInfo(self.household().time_zone))
            case _:
                if card := self.card_of_request(of):
                    return card
                raise NotFound("There is no card of that.")

    def card_of_request(self, request_id: str) -> Card | None:
        """The furthest thing that became of a request, as it stands now; None where nothing did."""
        request = self._one(f"{_REQUEST} AND id = :id", "There is no such request in this household.", id=request_id)
        if request["clarification_json"]:
            return _question(request)
        drafts = self._all(f"{_DRAFTS} AND execution_request_id = :id ORDER BY created_at DESC, id DESC", id=request_id)
        if not drafts:
            return None
        return self.card(drafts[0]["id"])

    def _execution_of(self, draft: Draft) -> str | None:
        if draft.status is not DraftStatus.CONFIRMED:
            return None
        rows = self._all("SELECT id FROM execution WHERE household_id = :household_id AND draft_id = :id", id=draft.id)
        return str(rows[0]["id"]) if rows else None

    def execution(self, execution_id: str) -> ExecutionDetail:
        """Raises `NotFound`."""
        statement = "SELECT * FROM execution WHERE household_id = :household_id AND id = :id"
        execution = values.execution_value(self._one(statement, "There is no such execution in this household.", id=execution_id))
        confirmation = self._one("SELECT * FROM confirmation WHERE draft_id = :draft_id", "", draft_id=execution.draft_id)
        member = self._one('SELECT * FROM "user" WHERE id = :user_id', "", user_id=confirmation["user_id"])
        attempts = self._all("SELECT * FROM execution_attempt WHERE execution_id = :id ORDER BY attempt_number", id=execution_id)
        exchanges = self._all("SELECT * FROM vendor_exchange WHERE execution_id = :id ORDER BY id", id=execution_id)
        events = self._events_of(execution.id, execution.draft_id)
        return ExecutionDetail(
            execution=execution,
            draft=self.draft(execution.draft_id),
            confirmation=values.confirmation_value(confirmation),
            confirmed_by=member["display_name"],
            approved_by=self._approved_by(events) or (member["display_name"],),
            attempts=tuple(map(values.attempt_value, attempts)),
            exchanges=tuple(map(values.exchange_value, exchanges)),
            events=events,
            receipt=self._receipt(execution_id),
        )

    def _approved_by(self, events: tuple[Event, ...]) -> tuple[str, ...]:
        """Who said yes, as the log has it; nobody in one that was written before there could be more than one."""
        said = [user_id for event in events if event.event_type == "draft.confirmed" for user_id in event.payload.get("approved_by", ())]
        return tuple(member.display_name for member in self.members() if member.id in said)

    def receipt(self, execution_id: str) -> Receipt:
        """Raises `NotFound` where nothing was done, and so there is none."""
        detail = self.execution(execution_id)
        if detail.receipt is None:
            raise NotFound(
                f"There is no receipt: this execution is {detail.execution.status.value}.", hint=f"See: halo show {execution_id}"
            )
        return detail.receipt

    def usuals(self) -> tuple[Usual, ...]:
        """By name."""
        return tuple(map(values.usual_value, self._all("SELECT * FROM usual_bundle WHERE household_id = :household_id ORDER BY name")))

    def devices(self) -> tuple[Device, ...]:
        """Every device that ever could call, in the order they were added."""
        return tuple(map(values.device_value, self._all("SELECT * FROM device WHERE household_id = :household_id ORDER BY created_at, id")))

    def enrolments(self, *, waiting_at: datetime) -> tuple[Enrolment, ...]:
        """Those whose code would be taken at that time, in the order they were made."""
        return tuple(one for one in map(values.enrolment_value, self._all(_ENROLMENTS)) if one.waits_at(waiting_at))

    def executions(self, *, limit: int, before: Place | None = None) -> tuple[Execution, ...]:
        """The newest first, from after the one at `before`."""
        return tuple(map(values.execution_value, self._all(_EXECUTIONS, limit=limit, **place(before))))

    def _events_of(self, *entity_ids: str) -> tuple[Event, ...]:
        first, second = entity_ids
        return tuple(map(values.event_value, self._all(_EVENTS_OF, first=first, second=second)))

    def _receipt(self, execution_id: str) -> Receipt | None:
        row = self._reader.row("SELECT * FROM receipt_artifact WHERE execution_id = :id ORDER BY id", id=execution_id)
        return values.receipt_value(row) if row else None

    def _all(self, statement: str, **parameters: Any) -> list[values.Row]:
        return self._reader.rows(statement, household_id=self._household_id, **parameters)

    def _one(self, statement: str, missing: str, **parameters: str) -> values.Row:
        rows = self._all(statement, **parameters) if all(map(can_be_looked_up, parameters.values())) else []
        if not rows:
            raise NotFound(missing)
        return rows[0]


_WHOSE = {Prefix.REQUEST: "execution_request", Prefix.DRAFT: "draft", Prefix.EXECUTION: "execution"}


def household_of(settings: Settings, of: str) -> str:
    """Whose a request, a draft or an execution is: for whoever has proved in another way that they may see it. Raises `NotFound`."""
    prefix = prefix_of(of)
    if prefix not in _WHOSE:
        raise NotFound
    reader = Reader.open(database_file=settings.database_file, database_url=settings.database_address)
    try:
        row = reader.row(f"SELECT household_id FROM {_WHOSE[prefix]} WHERE id = :id", id=of)  # noqa: S608 - a name of our own
    finally:
        reader.close()
    if row is None:
        raise NotFound
    return str(row["household_id"])
