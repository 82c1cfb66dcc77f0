"""The log and what it tells of one execution, for whoever reads: pages of events, one event with everything about it, searching, and trips.

The dashboard's reading pages ask here. Read only, and plain SQL over `store.reader`, as `queries` is; a `Trail` belongs to the thread that opened it,
and opening one costs a millisecond. An event's place in the log is its `seq`, which counts without gaps: so a page is a range of the index, however
long the log is. What cannot be read is shown as such and never hides the rest: this is where somebody looks who suspects the books.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from types import TracebackType
from typing import Any, Self
from zoneinfo import ZoneInfo

from halo_engine.clock import Clock, SystemClock
from halo_engine.model.draft import Draft
from halo_engine.model.errors import NotFound, NotInitialised, StoreDamaged
from halo_engine.model.event import Event, Opening, is_commitment, leaf_time
from halo_engine.model.execution import Execution
from halo_engine.model.household import Household, Member
from halo_engine.model.ids import can_be_looked_up
from halo_engine.model.intent import Intent
from halo_engine.model.log_filter import LogFilter
from halo_engine.model.money import Money
from halo_engine.model.receipt import Receipt
from halo_engine.model.spans import spans_of, unsaid
from halo_engine.model.trails import EventDetail, EventLink, Line, Opened, Proof, ReceiptLine, Searched, Trip, Words
from halo_engine.settings import Settings
from halo_engine.store import values
from halo_engine.store.reader import Reader

#: How many events are asked for by number at once: one statement, prepared once.
PAGE = 64
#: How many events one step of a search looks through: the first answers within a blink, then the steps are as long as a screen can wait.
FIRST_STEP, LONGEST_STEP = 4_000, 40_000
#: Of a payload in a list. The event itself shows all of it.
_GIST_CHARS = 4000
#: An entity or a trip has a few dozen events; this stops a flood.
_MAX_ABOUT = 5_000

_LINE = f"""seq, id, created_at, event_type, entity_id, user_id, correlation_id,
 SUBSTR(event_payload_json, 1, {_GIST_CHARS}) AS payload"""
_OF_HOME = "FROM event_log WHERE household_id = :household_id"
_RANGE = f"SELECT {_LINE} {_OF_HOME} AND seq BETWEEN :low AND :high ORDER BY seq"
_NUMBERS = tuple(f"n_{a}{b}" for a in "abcdefgh" for b in "abcdefgh")[:PAGE]
_THESE = f"SELECT {_LINE} {_OF_HOME} AND seq IN ({', '.join(f':{name}' for name in _NUMBERS)}) ORDER BY seq"
_EXECUTION = "SELECT * FROM execution WHERE household_id = :household_id AND id = :id"
# Each branch by its own index; the household is checked on what they find, or it would be read whole instead.
_ABOUT = """
SELECT found.seq AS seq FROM (
 SELECT seq, household_id FROM event_log WHERE entity_id = :about
 UNION SELECT seq, household_id FROM event_log WHERE correlation_id = :about
 UNION SELECT seq, household_id FROM event_log WHERE id = :about
) AS found WHERE found.household_id || '' = :household_id ORDER BY found.seq DESC LIMIT :limit
"""
_OPENED_WORDS = """(event_payload_json LIKE :committed AND EXISTS (
 SELECT 1 FROM event_opening o WHERE o.event_id = event_log.id AND LOWER(o.value_json) LIKE {0} ESCAPE '!'))"""
_ESCAPED = str.maketrans({"!": "!!", "%": "!%", "_": "!_"})

# CROSS JOIN: SQLite takes the tables in this order, which is that of the answer, instead of sorting all there are.
_RECEIPTS = """
SELECT r.id AS id, r.execution_id AS execution_id, r.created_at AS at, r.external_reference_id AS reference, e.verb AS verb, e.vendor AS vendor,
       e.final_cost_cents AS cents, e.currency AS currency, v.draft_json AS draft
  FROM receipt_artifact r CROSS JOIN execution e CROSS JOIN draft_revision v
 WHERE e.id = r.execution_id AND v.draft_hash = e.draft_hash AND e.household_id = :household_id AND r.id < :before
"""
_LIKE_TEXT = """ AND (LOWER(r.content_text) LIKE :text ESCAPE '!' OR LOWER(e.vendor) LIKE :text ESCAPE '!' OR LOWER(e.verb) LIKE :text ESCAPE '!'
 OR LOWER(COALESCE(r.external_reference_id, '')) LIKE :text ESCAPE '!' OR r.id = :exact OR r.execution_id = :exact)"""
_NEWEST_FIRST = " ORDER BY r.id DESC LIMIT :limit"
#: After every identifier there is.
_LAST_ID = "~"


class Trail:
    """One household's log, to look at. A context manager."""

    def __init__(self, reader: Reader, settings: Settings, clock: Clock) -> None:
        self._reader, self._settings, self._clock = reader, settings, clock
        row = reader.row("SELECT * FROM household ORDER BY created_at, id")
        if row is None:
            raise NotInitialised
        self.household: Household = values.household_value(row)

    @classmethod
    def open(cls, settings: Settings, *, clock: Clock | None = None) -> Self:
        """Raises `NotInitialised` when there is no household, `StoreFailed` and its kinds when the books cannot be read."""
        reader = Reader.open(database_file=settings.database_file, database_url=settings.database_address)
        try:
            return cls(reader, settings, clock or SystemClock())
        except BaseException:
            reader.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the books."""
        self._reader.close()

    # Pages

    def head(self) -> int:
        """The number of the newest event, which is how many there are; 0 for none."""
        row = self._row(f"SELECT seq {_OF_HOME} ORDER BY seq DESC LIMIT 1")
        return int(row["seq"]) if row else 0

    def members(self) -> tuple[Member, ...]:
        """Everyone, in the order they were added."""
        return tuple(map(values.member_value, self._rows('SELECT * FROM "user" WHERE household_id = :household_id ORDER BY id')))

    def between(self, low: int, high: int) -> tuple[Line, ...]:
        """The events with these numbers, oldest first."""
        return tuple(map(_line, self._rows(_RANGE, low=low, high=high)))

    def after(self, seq: int, *, limit: int = PAGE) -> tuple[Line, ...]:
        """What came after event `seq`: the live tail."""
        return self.between(seq + 1, seq + limit)

    def these(self, numbers: Sequence[int]) -> tuple[Line, ...]:
        """The events with these numbers, oldest first; those that are not there are left out."""
        found: list[Line] = []
        for start in range(0, len(numbers), PAGE):
            some = [*numbers[start : start + PAGE], *(0 for _ in range(PAGE))]
            found += map(_line, self._rows(_THESE, **dict(zip(_NUMBERS, some, strict=False))))
        return tuple(sorted(found, key=lambda line: line.seq))

    # Search

    def search(self, wanted: LogFilter, *, before: int | None = None, down_to: int = 1, step: int = FIRST_STEP) -> Iterator[Searched]:
        """What `wanted` asks for among the events before number `before` and from `down_to` on, newest first, step by step.

        Whoever stops asking has cancelled it. A step takes a few hundredths of a second, however long the log is: it looks through `step` events at
        first, and through up to `LONGEST_STEP` later.
        """
        top = self.head() if before is None else before - 1
        if wanted.about:
            yield self._about(wanted, low=down_to, high=top)
            return
        condition, given = self._condition(wanted)
        while top >= down_to:
            low = max(down_to, top - step + 1)
            statement = f"SELECT seq {_OF_HOME} AND seq BETWEEN :low AND :high{condition} ORDER BY seq DESC"
            rows = self._rows(statement, low=low, high=top, **given)
            yield Searched(found=tuple(int(row["seq"]) for row in rows), down_to=low)
            top, step = low - 1, min(2 * step, LONGEST_STEP)

    def _about(self, wanted: LogFilter, *, low: int, high: int) -> Searched:
        """By index. What else is wanted is looked at among the few that are found."""
        if not can_be_looked_up(wanted.about):
            return Searched(found=(), down_to=low)
        rows = self._rows(_ABOUT, about=wanted.about, limit=_MAX_ABOUT)
        numbers = [int(row["seq"]) for row in rows if low <= int(row["seq"]) <= high]
        condition, given = self._condition(wanted)
        if condition:
            statement = f"SELECT seq {_OF_HOME} AND seq = :seq{condition}"
            numbers = [seq for seq in numbers if self._row(statement, seq=seq, **given)]
        return Searched(found=tuple(numbers), down_to=low)

    def _condition(self, wanted: LogFilter) -> tuple[str, dict[str, Any]]:
        """What the SQL of a filter adds to a range of the log: fixed texts, with parameters for every value."""
        parts: list[str] = []
        given: dict[str, Any] = {}
        for letter, word in zip("abcdef", wanted.words, strict=False):
            parts.append(self._says(f"word_{letter}", word, given))
        if wanted.type_prefix:
            parts.append("event_type LIKE :type ESCAPE '!'")
            given["type"] = f"{wanted.type_prefix.translate(_ESCAPED)}%"
        if wanted.by:
            parts.append(self._acted("by", wanted.by, given) or "1 = 0")
        if wanted.day:
            parts.append("created_at >= :since AND created_at < :until")
            given["since"], given["until"] = self._bounds(wanted.day)
        return "".join(f" AND ({part})" for part in parts), given

    def _says(self, name: str, word: str, given: dict[str, Any]) -> str:
        """A word stands in the event, in what it was opened to, or is who acted."""
        given[name] = f"%{_searchable(word.lower().translate(_ESCAPED))}%"
        columns = ("event_payload_json", "event_type", "entity_id", "id")
        parts = [f"LOWER({column}) LIKE :{name} ESCAPE '!'" for column in columns]
        parts.append(_OPENED_WORDS.format(f":{name}"))
        # A parameter: a per cent sign in a statement is one driver's placeholder.
        given["committed"] = '%"committed"%'
        return " OR ".join(filter(None, (*parts, self._acted(f"{name}_by", word, given))))

    def _acted(self, name: str, who: str, given: dict[str, Any]) -> str:
        """Somebody whose name begins so acted; nothing where there is nobody."""
        called = [one.id for one in self.members() if one.display_name.casefold().startswith(who.casefold()) or one.id == who]
        names = {f"{name}_{letter}": member_id for letter, member_id in zip("abcdefghijklmnopqrstuvwxyz", called, strict=False)}
        given.update(names)
        return f"user_id IN ({', '.join(f':{each}' for each in names)})" if names else ""

    def _bounds(self, day: date) -> tuple[str, str]:
        """The day at home, as the log writes times."""
        zone = ZoneInfo(self.household.time_zone)
        begins = (datetime.combine(each, time(), zone) for each in (day, day + timedelta(days=1)))
        since, until = (leaf_time(begin) for begin in begins)
        return since, until

    # One event

    def number_of(self, event_id: str) -> int:
        """Where an event stands in the log. Raises `NotFound`."""
        row = self._row(f"SELECT seq {_OF_HOME} AND id = :id", id=event_id) if can_be_looked_up(event_id) else None
        if row is None:
            raise NotFound("There is no such event in this household.")
        return int(row["seq"])

    def event(self, seq: int) -> EventDetail:
        """Raises `NotFound`."""
        near = {
            int(row["seq"]): row for row in self._rows(f"SELECT * {_OF_HOME} AND seq BETWEEN :low AND :high", low=seq - 1, high=seq + 1)
        }
        if seq not in near:
            raise NotFound(f"There is no event {seq} in this log.")
        row = near[seq]
        event = _readable_event(row)
        return EventDetail(
            seq=seq,
            event=event,
            payload_text=row["event_payload_json"],
            stored_hash=row["hash"],
            prev_hash=row["prev_hash"],
            recomputed=_hash_of(event),
            hash_before=near[seq - 1]["hash"] if seq - 1 in near else None,
            pointed_to_by_next=near[seq + 1]["prev_hash"] if seq + 1 in near else None,
            opened=self._openings(event),
            caused_by=self._link(row["causation_id"]),
            correlation_id=row["correlation_id"],
            household=self.household.name,
        )

    def _openings(self, event: Event | None) -> tuple[Opened, ...]:
        fields = [field for field, value in event.payload.items() if is_commitment(value)] if event else []
        if event is None or not fields:
            return ()
        kept = {row["field"]: row for row in self._reader.rows("SELECT * FROM event_opening WHERE event_id = :id", id=event.id)}
        return tuple(_opened(field, event, kept.get(field)) for field in sorted(fields))

    def _link(self, event_id: str) -> EventLink | None:
        row = self._row(f"SELECT seq, id, event_type {_OF_HOME} AND id = :id", id=event_id) if event_id else None
        return EventLink(seq=row["seq"], id=row["id"], event_type=row["event_type"]) if row else None

    # One trip

    def trip(self, execution_id: str) -> Trip:
        """Everything of one execution. Raises `NotFound`, and `StoreDamaged` where what was confirmed was altered."""
        execution = values.execution_value(self._one(_EXECUTION, "There is no such execution in this household.", execution_id))
        confirmation = values.confirmation_value(self._of("SELECT * FROM confirmation WHERE draft_id = :id", execution.draft_id))
        statement = "SELECT v.*, 'confirmed' AS status FROM draft_revision v WHERE v.draft_id = :id AND v.draft_hash = :hash"
        draft = values.revision_value(self._of(statement, execution.draft_id, hash=confirmation.draft_hash))
        names = {member.id: member.display_name for member in self.members()}
        events = self._events_of(draft, execution)
        attempts = self._reader.rows("SELECT * FROM execution_attempt WHERE execution_id = :id ORDER BY attempt_number", id=execution.id)
        exchanges = self._reader.rows("SELECT * FROM vendor_exchange WHERE execution_id = :id ORDER BY id", id=execution.id)
        receipt = self._reader.row("SELECT * FROM receipt_artifact WHERE execution_id = :id ORDER BY id", id=execution.id)
        confirmed_by = names.get(confirmation.user_id, "")
        return Trip(
            execution=execution,
            draft=draft,
            confirmation=confirmation,
            confirmed_by=confirmed_by,
            approved_by=_approved_by(events, names) or (confirmed_by,),
            attempts=tuple(map(values.attempt_value, attempts)),
            exchanges=tuple(map(values.exchange_value, exchanges)),
            receipt=values.receipt_value(receipt) if receipt else None,
            words=self.words(draft.request_id),
            events=events,
            proof=self._proof(events),
        )

    def _events_of(self, draft: Draft, execution: Execution) -> tuple[Line, ...]:
        """By their trip; in a log that was written before there were trips, by what they are about."""
        numbers: set[int] = set()
        for about in (draft.request_id, draft.id, execution.id):
            numbers |= {int(row["seq"]) for row in self._rows(_ABOUT, about=about, limit=_MAX_ABOUT)}
        of_receipt = self._reader.row("SELECT id FROM receipt_artifact WHERE execution_id = :id", id=execution.id)
        if of_receipt:
            numbers |= {int(row["seq"]) for row in self._rows(_ABOUT, about=of_receipt["id"], limit=_MAX_ABOUT)}
        return self.these(sorted(numbers))

    def words(self, request_id: str) -> Words | None:
        """What was said, and what each of the words gave; None where there is no such request."""
        if not can_be_looked_up(request_id):
            return None
        names = {member.id: member.display_name for member in self.members()}
        rows = self._rows("SELECT * FROM execution_request WHERE household_id = :household_id AND id = :id", id=request_id)
        if not rows:
            return None
        row, text = rows[0], str(rows[0]["raw_command_text"])
        try:
            intent = Intent.model_validate_json(row["normalized_intent_json"])
        except ValueError:
            intent = Intent.unsupported(confidence=0)
        spans = spans_of(text, intent)
        return Words(
            request_id=request_id,
            text=text,
            channel=row["channel"],
            member=names.get(row["user_id"], ""),
            at=row["created_at"],
            verb=intent.verb,
            sureness=round(100 * intent.confidence),
            spans=spans,
            unsaid=unsaid(intent, spans),
        )

    def _proof(self, events: Sequence[Line]) -> Proof:
        broken: list[str] = []
        for line in events:
            detail = self.event(line.seq)
            if not detail.hash_holds:
                broken.append(f"Event {line.seq} was altered: its content does not give its hash.")
            elif not detail.link_holds:
                broken.append(f"Event {line.seq} does not hang together with its neighbours in the log.")
        newest = max((line.seq for line in events), default=0)
        size, holds = self._signed_head()
        return Proof(events=len(events), broken=tuple(broken), newest_seq=newest, covered_by=size, head_holds=holds)

    def _signed_head(self) -> tuple[int | None, bool]:
        """How many events the newest signed head of this home covers, if there is one, and whether the log goes through it."""
        # It brings the cryptography along, which nobody else here needs.
        from halo_engine.store.signer import last_signed

        head = last_signed(self._settings.home, self._clock)
        if head is None:
            return None, True
        size = head.checkpoint.size
        row = self._row(f"SELECT hash {_OF_HOME} AND seq = :seq", seq=size)
        return size, size == 0 or (row is not None and row["hash"] == head.last_leaf)

    # Receipts

    def receipts(self, text: str = "", *, before: str | None = None, limit: int = PAGE) -> tuple[ReceiptLine, ...]:
        """Newest first, those of before receipt `before`; `text` stands in the receipt, or is its vendor, verb or number."""
        given: dict[str, Any] = {"before": before or _LAST_ID, "limit": limit}
        statement = _RECEIPTS
        if text:
            statement += _LIKE_TEXT
            given |= {"text": f"%{_searchable(text.lower().translate(_ESCAPED))}%", "exact": _searchable(text)}
        return tuple(map(_receipt_line, self._rows(statement + _NEWEST_FIRST, **given)))

    def receipt(self, receipt_id: str) -> Receipt:
        """Raises `NotFound`."""
        statement = "SELECT r.* FROM receipt_artifact r JOIN execution e ON e.id = r.execution_id WHERE e.household_id = :household_id AND r.id = :id"
        rows = self._rows(statement, id=receipt_id) if can_be_looked_up(receipt_id) else []
        if not rows:
            raise NotFound("There is no such receipt in this household.")
        return values.receipt_value(rows[0])

    # Asking

    def _rows(self, statement: str, **parameters: Any) -> list[values.Row]:
        return self._reader.rows(statement, household_id=self.household.id, **parameters)

    def _row(self, statement: str, **parameters: Any) -> values.Row | None:
        return self._reader.row(statement, household_id=self.household.id, **parameters)

    def _one(self, statement: str, missing: str, identifier: str) -> values.Row:
        row = self._row(statement, id=identifier) if can_be_looked_up(identifier) else None
        if row is None:
            raise NotFound(missing)
        return row

    def _of(self, statement: str, identifier: str, **parameters: Any) -> values.Row:
        row = self._reader.row(statement, id=identifier, **parameters)
        if row is None:
            raise StoreDamaged(f"What was confirmed under {identifier} is not in the books.")
        return row


def _line(row: values.Row) -> Line:
    known = {"seq": row["seq"], "id": row["id"], "event_type": row["event_type"], "entity_id": row["entity_id"], "user_id": row["user_id"]}
    known["correlation_id"] = row["correlation_id"]
    try:
        return Line(**known, at=row["created_at"], payload=json.loads(row["payload"]))
    except ValueError:
        # Cut because it is long, or altered.
        return Line(**known, damaged=len(row["payload"]) < _GIST_CHARS)


def _readable_event(row: values.Row) -> Event | None:
    try:
        return values.event_value(row)
    except StoreDamaged:
        return None


def _hash_of(event: Event | None) -> str:
    try:
        return event.expected_hash() if event else ""
    except ValueError:
        return ""


def _opened(field: str, event: Event, row: values.Row | None) -> Opened:
    if row is None:
        return Opened(field=field, erased=True)
    try:
        opening = Opening(event_id=event.id, field=field, salt=row["salt"], value=json.loads(row["value_json"]))
        return Opened(field=field, value=opening.value, fits=opening.commitment == event.payload[field])
    except ValueError:
        return Opened(field=field, fits=False)


def _approved_by(events: Sequence[Line], names: Mapping[str, str]) -> tuple[str, ...]:
    """Whose yes counted, as the log has it."""
    said = [who for line in events if line.event_type == "draft.confirmed" for who in line.payload.get("approved_by", ())]
    return tuple(name for member_id, name in names.items() if member_id in said)


def _receipt_line(row: values.Row) -> ReceiptLine:
    amount = None if row["cents"] is None else Money(cents=row["cents"], currency=row["currency"])
    known = {name: row[name] for name in ("id", "execution_id", "at", "verb", "vendor")}
    return ReceiptLine(**known, title=_title(row["draft"]), reference=row["reference"] or "", amount=amount)


def _title(draft_json: str) -> str:
    try:
        return str(json.loads(draft_json)["terms"]["title"])
    except (ValueError, KeyError, TypeError):
        return "(cannot be read)"


def _searchable(text: str) -> str:
    """Databases refuse NUL and half characters."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
