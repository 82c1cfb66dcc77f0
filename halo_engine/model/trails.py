"""What the reading pages show: lines of the log, one event with everything about it, a trip from words to receipt, and receipts in a list.

`halo_engine.trail` fills them from the books.
"""

from __future__ import annotations

from typing import Any

from pydantic import AwareDatetime, Field

from halo_engine.model.confirmation import Confirmation
from halo_engine.model.draft import Draft
from halo_engine.model.event import GENESIS, Event
from halo_engine.model.exchange import Exchange
from halo_engine.model.execution import Attempt, Execution
from halo_engine.model.money import Money
from halo_engine.model.receipt import Receipt
from halo_engine.model.spans import Span
from halo_engine.model.value import Value


class Line(Value):
    """One event in a list. `payload` is empty and `damaged` is set where it cannot be read. Without an id it stands for an event that is missing."""

    seq: int
    id: str = ""
    at: AwareDatetime | None = None
    event_type: str = ""
    entity_id: str = ""
    user_id: str | None = None
    correlation_id: str = ""
    payload: dict[str, Any] = Field(default_factory=dict)
    damaged: bool = False


class Searched(Value):
    """One step of a search: what it found, newest first, and the number of the oldest event it has looked at."""

    found: tuple[int, ...]
    down_to: int


class Opened(Value):
    """A commitment in an event: what it stands for, or that this was erased. `fits` says whether the opening gives the commitment."""

    field: str
    value: Any = None
    erased: bool = False
    fits: bool = True


class EventLink(Value):
    """Another event, as far as one line names it."""

    seq: int
    id: str
    event_type: str


class EventDetail(Value):
    """One event with everything that can be said about it without reading the whole log."""

    seq: int
    event: Event | None
    #: As it is stored, also where it cannot be read.
    payload_text: str
    stored_hash: str
    prev_hash: str
    #: What its content gives; empty where it gives none.
    recomputed: str
    #: The hash of the event before it, and what the event after it points back to; None where there is no such event.
    hash_before: str | None
    pointed_to_by_next: str | None
    opened: tuple[Opened, ...]
    caused_by: EventLink | None
    correlation_id: str
    household: str

    @property
    def hash_holds(self) -> bool:
        return bool(self.recomputed) and self.recomputed == self.stored_hash

    @property
    def link_holds(self) -> bool:
        """Whether it points to the event before it, and the one after it points to it."""
        before = GENESIS if self.seq == 1 else self.hash_before
        return self.prev_hash == before and self.pointed_to_by_next in (None, self.stored_hash)


class Words(Value):
    """What was said, and which of the words gave which field. `text` is empty once it was erased."""

    request_id: str
    text: str
    channel: str
    member: str
    at: AwareDatetime
    verb: str
    #: Of a hundred.
    sureness: int
    spans: tuple[Span, ...]
    unsaid: tuple[tuple[str, str], ...]


class Proof(Value):
    """How far the events of a trip can be trusted as they stand: each gives its own hash and hangs on its neighbours."""

    events: int
    broken: tuple[str, ...]
    newest_seq: int
    #: How many events the newest signed head of this home covers; None where nothing was signed.
    covered_by: int | None = None
    #: Whether the log still goes through that head.
    head_holds: bool = True

    @property
    def is_covered(self) -> bool:
        return self.covered_by is not None and self.head_holds and self.newest_seq <= self.covered_by


class Trip(Value):
    """One execution from the words to the receipt. `draft` is the very revision that was confirmed."""

    execution: Execution
    draft: Draft
    confirmation: Confirmation
    confirmed_by: str
    approved_by: tuple[str, ...]
    attempts: tuple[Attempt, ...]
    exchanges: tuple[Exchange, ...]
    receipt: Receipt | None
    words: Words | None
    events: tuple[Line, ...]
    proof: Proof


class ReceiptLine(Value):
    """One receipt in a list."""

    id: str
    execution_id: str
    at: AwareDatetime
    title: str
    verb: str
    vendor: str
    reference: str
    amount: Money | None
