"""Whether the books are what the log says they are: nobody changed a row behind its back.

Each check streams one table and holds it against what was rebuilt from the log (`store.auditing.rebuilt`). A problem names the row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from json.encoder import encode_basestring
from typing import Any

import orjson

from halo_engine.model.errors import StoreDamaged
from halo_engine.model.event import Payload, commitment, leaf_time
from halo_engine.model.execution import FINAL
from halo_engine.model.public_key import thumbprint
from halo_engine.model.rules import DEFAULT_RULES, ConfirmRules
from halo_engine.model.signing import is_signed_with
from halo_engine.store.auditing.promises import Promises
from halo_engine.store.auditing.rebuilt import DeviceFacts, EndpointFacts, EnrolmentFacts, ExecutionFacts, Rebuilt, TokenFacts
from halo_engine.store.reader import Reader
from halo_engine.store.values import draft_shown, rules_value, to_json

_FINAL = {status.value for status in FINAL}


def books_that_differ(reader: Reader, household_id: str, told: Rebuilt) -> Iterator[str]:
    """Every row that decides or proves something and is not what the log tells of it. Uses up `told`."""
    people = (_approvals, _signatures, _devices, _enrolments, _endpoints, _merchant)
    for check in (_drafts, _confirmations, _executions, _attempts, _receipts, *people):
        yield from check(reader, household_id, told)


def people_that_differ(reader: Reader, household_id: str, promises: Promises) -> Iterator[str]:
    """Where a role or the rules, as they stand in the books and decide the next yes, are not what the log says they are."""
    roles = dict(promises.roles) if promises.tells_roles else {}
    for member_id, kept in reader.stream(_MEMBERS, household_id=household_id) if promises.tells_roles else ():
        role = roles.pop(member_id, "nothing of them")
        if role != kept:
            yield f"member {member_id} was altered: the log says {role}"
    yield from (f"member {member_id} is in the log and not in the books" for member_id in roles)
    kept_rules = [row[0] for row in reader.stream(_RULES, household_id=household_id)]
    if len(kept_rules) != 1 or not _are_the_rules(kept_rules[0], promises.rules or DEFAULT_RULES):
        yield "the rules of who may confirm were altered: they are not the ones in the log"


def _unopened(reader: Reader, household_id: str, opened: int) -> Iterator[str]:
    """An event commits to one thing at most, so that where as many openings fit as there are such events, nobody has to look for one that is gone."""
    if opened < next((count for (count,) in reader.stream(_COMMITTING, household_id=household_id)), 0):
        for event_id, seq in reader.stream(_UNOPENED, household_id=household_id):
            yield f"what event {seq} ({event_id}) commits to is gone, and the log does not say that it was erased"


def _are_the_rules(confirm_rules_json: Any, told: ConfirmRules) -> bool:
    try:
        return rules_value(confirm_rules_json) == told
    except (StoreDamaged, AttributeError):
        return False


def openings_that_differ(reader: Reader, household_id: str) -> Iterator[str]:
    """What a commitment in the log is said to stand for, and does not. Only where the log says that it was erased may it stand for nothing."""
    for (request_id,) in reader.stream(_UNERASED, household_id=household_id):
        yield f"the words of request {request_id} are there, and the log says that they were erased"
    opened = 0
    for event_id, seq, payload_json, field, salt, value_json, said in reader.stream(_OPENINGS, household_id=household_id):
        try:
            holds = orjson.loads(payload_json)[field] == commitment(salt, value_json)
        except (ValueError, TypeError, KeyError, AttributeError):
            holds = False
        opened += holds
        if not holds:
            yield f"the {field} of event {seq} ({event_id}) was altered: it is not the one that the log commits to"
        elif said is not None and encode_basestring(said) != value_json:
            yield f"the words of the request of event {seq} ({event_id}) were altered: they are not those that the log commits to"
    yield from _unopened(reader, household_id, opened)


def revisions_that_differ(reader: Reader, household_id: str) -> Iterator[str]:
    """Every version of a draft that was shown, by the bytes that the log commits to; the newest one stands in the draft itself, too."""
    told: dict[tuple[str, int], tuple[str | None, str | None]] = {}
    for draft_id, payload_json in reader.stream(_SHOWN, household_id=household_id):
        payload = _object(payload_json)
        told[draft_id, payload.get("revision", 1)] = (payload.get("draft_hash"), payload.get("draft_sha256"))
    for draft_id, revision, draft_hash, draft_json, is_standing, newest in reader.stream(_REVISIONS, household_id=household_id):
        name = f"revision {revision} of draft {draft_id}"
        if (draft_id, revision) not in told:
            yield f"{name} is in the books and not in the log"
            continue
        expected_hash, expected = told.pop((draft_id, revision))
        if draft_hash != expected_hash or not _is_what_was_shown(draft_json, draft_hash, expected):
            yield f"{name} was altered: it is not the one in the log"
        if revision == newest and not is_standing:
            yield f"draft {draft_id} was altered: it is not its newest revision"
    yield from (f"revision {revision} of draft {draft_id} is in the log and not in the books" for draft_id, revision in told)


def _is_what_was_shown(draft_json: Any, draft_hash: str, sha256: str | None) -> bool:
    """A log of old did not tell of the bytes; the hash is of the terms alone, then."""
    if sha256 is not None:
        return _sha256(draft_json).hex() == sha256
    try:
        return draft_shown(draft_json).draft_hash == draft_hash
    except (StoreDamaged, TypeError):
        return False


def _same(what: str, told: dict[str, Any], rows: Iterable[tuple[str, tuple[Any, ...]]]) -> Iterator[str]:
    """Rows by their id, each held against what the log tells of it; and what is on one side only."""
    for row_id, row in rows:
        expected = told.pop(row_id, None)
        if expected is None:
            yield f"{what} {row_id} is in the books and not in the log"
        elif expected != row:
            yield f"{what} {row_id} was altered: it is not the one in the log"
    yield from (f"{what} {row_id} is in the log and not in the books" for row_id in told)


def _drafts(reader: Reader, household_id: str, told: Rebuilt) -> Iterator[str]:
    """Kept for the executions, which have their verb and vendor from them."""
    left = dict(told.drafts)
    for draft_id, *row, request_id, expires_at in reader.stream(_DRAFTS, household_id=household_id):
        expected = left.pop(draft_id, None)
        if expected is None:
            yield f"draft {draft_id} is in the books and not in the log"
            continue
        # The log has whole seconds, and so have the terms. One of old did not tell of the request.
        asked = request_id if expected.request_id is not None else None
        if (*row, asked, f"{_time(expires_at)[:19]}Z") != expected:
            yield f"draft {draft_id} was altered: it is not the one in the log"
    yield from (f"draft {draft_id} is in the log and not in the books" for draft_id in left)


def _confirmations(reader: Reader, household_id: str, told: Rebuilt) -> Iterator[str]:
    rows = ((row[0], _confirmation(row, told)) for row in reader.stream(_CONFIRMATIONS, household_id=household_id))
    yield from _same("the confirmation of draft", told.confirmations, rows)


def _confirmation(row: Sequence[Any], told: Rebuilt) -> tuple[object, ...]:
    draft_id, *facts, at, most = row
    # What was confirmed before days had limits has no amount of its own.
    if most is None and (expected := told.confirmations.get(draft_id)):
        most = expected.maximum_cents
    return (*facts, _time(at), most)


def _signatures(reader: Reader, household_id: str, told: Rebuilt) -> Iterator[str]:
    """What was signed, held against the key that the log knows the device by: the devices' own check is about that."""
    left = dict(told.signatures)
    for draft_id, draft_hash, user_id, device_id, jws, key_json in reader.stream(_SIGNATURES, household_id=household_id):
        name = f"the signature of {device_id} on draft {draft_id}"
        expected = left.pop(_sha256(jws).hex(), None)
        if expected is None:
            yield f"{name} is in the books and not in the log"
        elif expected != (draft_id, draft_hash, user_id, device_id):
            yield f"{name} was altered: it is not the one in the log"
        elif not key_json or not is_signed_with(jws, public_key_json=key_json, device_id=device_id, draft_hash=draft_hash):
            yield f"{name} is not one: it does not hold with the key of that device"
    yield from (f"a signature on draft {facts.draft_id} is in the log and not in the books" for facts in left.values())


def _executions(reader: Reader, household_id: str, told: Rebuilt) -> Iterator[str]:
    for row in reader.stream(_EXECUTIONS, household_id=household_id):
        execution_id, draft_id, draft_hash, verb, vendor, status, cents, currency, error, payload_json = row
        expected = told.executions.pop(execution_id, None)
        if expected is None:
            yield f"execution {execution_id} is in the books and not in the log"
            continue
        extra = _object(payload_json)
        links = (extra.get("vendor_reference"), extra.get("revised_draft_id"), extra.get("handoff_url"))
        draft = told.drafts.get(expected.draft_id)
        if draft is not None and (verb, vendor) != (draft.verb, draft.vendor):
            yield f"execution {execution_id} was altered: its draft was to {draft.verb} at {draft.vendor}"
        found = (draft_id, draft_hash, status, cents, None if cents is None else currency, error if status in _FINAL else None, *links)
        if found != _execution_facts(expected):
            yield f"execution {execution_id} was altered: the log says {expected.status}"
    yield from (f"execution {execution_id} is in the log and not in the books" for execution_id in told.executions)


def _execution_facts(told: ExecutionFacts) -> tuple[object, ...]:
    # Between two states an execution waits, and what it waits for is no news.
    reason = told.reason if told.status in _FINAL else None
    links = (told.vendor_reference, told.revised_draft_id, told.handoff_url)
    return (told.draft_id, told.draft_hash, told.status, told.charged_cents, told.currency, reason, *links)


def _attempts(reader: Reader, household_id: str, _told: Rebuilt) -> Iterator[str]:
    """Of executions that go on: how often something was tried, and how it went, decides what is done next."""
    logged = {to_json([row[0], *_attempt(_object(row[1]))]) for row in reader.stream(_ATTEMPTS_LOGGED, household_id=household_id)}
    kept = {to_json(list(row)) for row in reader.stream(_ATTEMPTS_KEPT, household_id=household_id)}
    for attempt in sorted(logged ^ kept):
        yield f"an attempt was altered: {attempt} is not in both the log and the books"


def _attempt(payload: dict[str, Any]) -> tuple[object, ...]:
    return tuple(payload.get(name) for name in ("attempt_number", "step", "status", "classification", "retry_delay_ms"))


def _receipts(reader: Reader, household_id: str, told: Rebuilt) -> Iterator[str]:
    rows = ((row[0], (*row[1:4], _sha256(row[4]))) for row in reader.stream(_RECEIPTS, household_id=household_id))
    yield from _same("receipt", told.receipts, rows)


def _approvals(reader: Reader, household_id: str, told: Rebuilt) -> Iterator[str]:
    for draft_hash, user_id in reader.stream(_APPROVALS, household_id=household_id):
        if (draft_hash, user_id) not in told.approvals:
            yield f"a yes of {user_id} to {draft_hash} is in the books and not in the log"


def _devices(reader: Reader, household_id: str, told: Rebuilt) -> Iterator[str]:
    rows = ((row[0], _device(*row[1:])) for row in reader.stream(_DEVICES, household_id=household_id))
    yield from _same("device", told.devices, rows)


def _device(member_id: str, kind: str, token: str, expires_at: Any, revoked_at: Any, *keys: Any) -> DeviceFacts:
    key, proof, following, until, enrolment_id = keys
    return DeviceFacts(
        member_id,
        TokenFacts(token, _time(expires_at)[:19]),
        _time(revoked_at) if revoked_at else None,
        thumbprint(str(key)) if key is not None else None,
        proof,
        # A time without its token was put there by somebody else.
        TokenFacts(following, _time(until)[:19] if until else "") if following is not None or until is not None else None,
        kind,
        enrolment_id,
    )


def _enrolments(reader: Reader, household_id: str, told: Rebuilt) -> Iterator[str]:
    rows = ((row[0], _enrolment(*row[1:])) for row in reader.stream(_ENROLMENTS, household_id=household_id))
    yield from _same("enrolment", told.enrolments, rows)


def _enrolment(member_id: str, code_sha256: str, expires_at: Any, kind: str, revoked_at: Any, device_id: Any) -> EnrolmentFacts:
    return EnrolmentFacts(member_id, code_sha256, _time(expires_at)[:19], kind, _time(revoked_at) if revoked_at else None, device_id)


def _endpoints(reader: Reader, household_id: str, told: Rebuilt) -> Iterator[str]:
    rows = ((row[0], _endpoint(*row[1:])) for row in reader.stream(_ENDPOINTS, household_id=household_id))
    yield from _same("webhook", told.endpoints, rows)


def _endpoint(url: Any, event_types_json: Any, secret_version: Any, disabled_at: Any, because: Any) -> EndpointFacts:
    """The time at which it was disabled decides nothing; whether there is one does."""
    disabled = (because or "for no reason") if disabled_at is not None else None
    return EndpointFacts(_sha256(url).hex(), event_types_json, secret_version, disabled)


def _merchant(reader: Reader, household_id: str, told: Rebuilt) -> Iterator[str]:
    kept = [merchant for (merchant,) in reader.stream(_MERCHANT, household_id=household_id)]
    if told.merchant is not None and kept != [told.merchant]:
        yield f"where the household buys was altered: the log says {told.merchant}"


def _sha256(stored: Any) -> bytes:
    return hashlib.sha256(stored.encode(errors="surrogateescape")).digest() if type(stored) is str else b""


def _object(stored: Any) -> dict[str, Any]:
    try:
        told = orjson.loads(stored)
    except ValueError:
        return {}
    return told if type(told) is dict else {}


def _time(stored: Any) -> str:
    """As a leaf has it. PostgreSQL has times, SQLite their written form."""
    return leaf_time(stored.astimezone(UTC)) if isinstance(stored, datetime) else str(stored)


_MEMBERS = 'SELECT id, role FROM "user" WHERE household_id = :household_id'
_RULES = "SELECT confirm_rules_json FROM preference WHERE household_id = :household_id"
_DRAFTS = """
SELECT id, status, revision, draft_hash, verb, vendor, execution_request_id, expires_at FROM draft WHERE household_id = :household_id
"""
_COMMITTING_TYPES = sorted(payload.event_type for payload in Payload.__subclasses__() if payload.committed)
_OF_ITS_OWN = f"e.household_id = :household_id AND e.schema_version = 2 AND e.event_type IN ({', '.join(map(repr, _COMMITTING_TYPES))})"
_COMMITTING = f"SELECT COUNT(*) FROM event_log e WHERE {_OF_ITS_OWN}"  # noqa: S608 - our own names
_UNOPENED = f"""
SELECT e.id, e.seq FROM event_log e LEFT JOIN event_opening o ON o.event_id = e.id
 WHERE {_OF_ITS_OWN}
   AND o.event_id IS NULL AND NOT EXISTS (SELECT 1 FROM event_log x WHERE x.entity_id = e.entity_id AND x.event_type = 'data.erased')
 ORDER BY e.seq
"""  # noqa: S608 - our own names
_UNERASED = """
SELECT r.id FROM event_log e JOIN execution_request r ON r.id = e.entity_id
 WHERE e.household_id = :household_id AND e.event_type = 'data.erased' AND r.raw_command_text <> ''
"""
# Through the index of what an event is about, which the empty text keeps the planner at.
_SHOWN = """
SELECT entity_id, event_payload_json FROM event_log
 WHERE household_id || '' = :household_id AND entity_id >= 'dft_' AND entity_id < 'dfu' AND event_type IN ('draft.created', 'draft.revised')
"""
_REVISIONS = """
SELECT v.draft_id, v.revision, v.draft_hash, v.draft_json, d.draft_payload_json = v.draft_json, d.revision
  FROM draft_revision v JOIN draft d ON d.id = v.draft_id WHERE d.household_id = :household_id
"""
_CONFIRMATIONS = """
SELECT c.draft_id, c.id, c.draft_hash, c.user_id, c.confirmation_latency_ms, c.confirmed_at, c.maximum_cents
  FROM confirmation c JOIN draft d ON d.id = c.draft_id WHERE d.household_id = :household_id
"""
_EXECUTIONS = """
SELECT id, draft_id, draft_hash, verb, vendor, status, final_cost_cents, currency, error_message, execution_payload_json
  FROM execution WHERE household_id = :household_id
"""
_ATTEMPTS_LOGGED = f"""
SELECT v.entity_id, v.event_payload_json FROM execution e JOIN event_log v ON v.entity_id = e.id
 WHERE e.household_id = :household_id AND e.status NOT IN ({", ".join(map(repr, sorted(_FINAL)))}) AND v.event_type = 'execution.attempt_finished'
"""  # noqa: S608 - our own names
_ATTEMPTS_KEPT = f"""
SELECT a.execution_id, a.attempt_number, a.step, a.status, a.classification, a.retry_delay_ms
  FROM execution e JOIN execution_attempt a ON a.execution_id = e.id
 WHERE e.household_id = :household_id AND e.status NOT IN ({", ".join(map(repr, sorted(_FINAL)))}) AND a.finished_at IS NOT NULL
"""  # noqa: S608 - our own names
_RECEIPTS = """
SELECT r.id, r.execution_id, r.type, r.external_reference_id, r.content_text
  FROM receipt_artifact r JOIN execution e ON e.id = r.execution_id WHERE e.household_id = :household_id
"""
_APPROVALS = """
SELECT a.draft_hash, a.user_id FROM draft_approval a JOIN draft d ON d.id = a.draft_id WHERE d.household_id = :household_id
"""
_SIGNATURES = """
SELECT s.draft_id, s.draft_hash, s.user_id, s.device_id, s.jws, v.signing_key_json
  FROM confirmation_signature s JOIN draft d ON d.id = s.draft_id LEFT JOIN device v ON v.id = s.device_id WHERE d.household_id = :household_id
"""
_DEVICES = """
SELECT id, user_id, kind, token_sha256, expires_at, revoked_at, signing_key_json, proof_thumbprint, next_token_sha256, next_expires_at,
       enrolment_id
  FROM device WHERE household_id = :household_id
"""
_ENROLMENTS = """
SELECT id, user_id, code_sha256, expires_at, kind, revoked_at, device_id FROM device_enrolment WHERE household_id = :household_id
"""
_ENDPOINTS = """
SELECT id, url, event_types_json, secret_version, disabled_at, disabled_because FROM webhook_endpoint WHERE household_id = :household_id
"""
_MERCHANT = "SELECT default_merchant FROM preference WHERE household_id = :household_id"
_OPENINGS = """
SELECT e.id, e.seq, e.event_payload_json, o.field, o.salt, o.value_json, r.raw_command_text
  FROM event_opening o JOIN event_log e ON e.id = o.event_id
       LEFT JOIN execution_request r ON r.id = e.entity_id AND o.field = 'text'
 WHERE e.household_id = :household_id
"""
