"""Checks one household's log: that nothing in it was altered, and that what it tells keeps Halo's promises.

Pure functions over the events in order; each problem is named with the event where it shows. What they cannot see is a log cut off at its end: that
takes a witness who remembers how long it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from halo_engine.model.draft import iso_utc
from halo_engine.model.event import GENESIS, Event


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
_TERMINAL = (*_EFFECTS, "execution.failed", "execution.terms_changed", "execution.handed_off", "execution.needs_attention")


def broken_promises(events: Iterable[Event]) -> Iterator[str]:
    """Where the log tells of something that must not happen.

    Nothing is sent without an earlier confirmation, in time, of that very hash (I3); no more is charged than was confirmed (I4); an execution
    ends once (I5); an effect has its receipt (I2).
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
        self._ended: set[str] = set()
        self.without_receipt: set[str] = set()

    def check(self, event: Event) -> Iterator[str]:
        match event.event_type:
            case "draft.created" | "draft.revised":
                self._expires_at[str(event.payload.get("draft_hash"))] = str(event.payload.get("expires_at"))
                self._standing[event.entity_id] = str(event.payload.get("draft_hash"))
            case "draft.cancelled":
                self._standing.pop(event.entity_id, None)
            case "draft.confirmed":
                yield from self._check_confirmation(event)
            case "receipt.stored":
                self.without_receipt.discard(str(event.payload.get("execution_id")))
            case kind if kind.startswith("execution.") and kind != "execution.attempt_finished":
                yield from self._check_execution(event)

    def _check_confirmation(self, event: Event) -> Iterator[str]:
        execution = str(event.payload.get("execution_id"))
        if iso_utc(event.created_at) >= self._expires_at.get(str(event.payload.get("draft_hash")), ""):
            yield f"draft {event.entity_id} was confirmed with terms that had expired or were never shown"
        elif event.payload.get("draft_hash") != self._standing.get(event.entity_id):
            yield f"draft {event.entity_id} was confirmed with terms that did not stand any more"
        if any(earlier.entity_id == event.entity_id for earlier in self._confirmed.values()):
            yield f"draft {event.entity_id} was confirmed before"
        verdicts = event.payload.get("verdicts")
        if not verdicts or not all(verdict.get("allowed") for verdict in verdicts):
            yield f"draft {event.entity_id} was confirmed against a policy"
        if event.user_id is None:
            yield f"draft {event.entity_id} was confirmed by nobody"
        self._confirmed[execution] = event

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
        if event.event_type in _TERMINAL:
            self._ended.add(event.entity_id)
        if event.event_type in _EFFECTS:
            self.without_receipt.add(event.entity_id)
