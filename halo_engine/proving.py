"""Proofs of the log for others: its signed head, the witness who remembers it, and the proof of one receipt.

`Audit` calls it for a person who asks; the engine calls `tell_witness` after whatever moved money. It reads the books by itself, and writes nothing
in them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path

from pydantic import AwareDatetime

from halo_engine.clock import Clock
from halo_engine.model.canonical import canonical_json
from halo_engine.model.errors import HaloError, NotFound, NotInitialised, StoreDamaged, StoreFailed
from halo_engine.model.event import Event
from halo_engine.model.ids import can_be_looked_up
from halo_engine.model.merkle import EMPTY, Tree, extension_proof, inclusion_proofs, root_of
from halo_engine.model.note import Key, read_note
from halo_engine.model.proof import EventProof, ReceiptProof, discloses, gate, is_whole
from halo_engine.model.receipt import Receipt
from halo_engine.model.recollection import Heard, Recollection, counted
from halo_engine.model.value import Value
from halo_engine.settings import Settings
from halo_engine.store import values
from halo_engine.store.kept_file import PATIENCE_S
from halo_engine.store.log_leaves import LogLeaves
from halo_engine.store.reader import Reader
from halo_engine.store.secret import installation_secret, key_id
from halo_engine.store.signer import Signed, Signer, last_signed
from halo_engine.store.witness import Memory, Said, Witness

#: Other processes sign and tell at the same time; each try starts from what is there by then.
_TRIES = 4
#: How long a command that has done its work waits for somebody who holds the file of the signer or of the witness.
_HASTE_S = 1.0


class Head(Value):
    """The head of the log as a signed note, and the key to believe. `trouble` says why the witness was not told, "" where it was or none is set."""

    note: str
    key: str
    events: int
    signed_at: AwareDatetime
    witness: Path | None
    trouble: str


class Proved(Value):
    """A receipt's proof, and what whoever is given it gets to know."""

    receipt_id: str
    proof: ReceiptProof
    discloses: tuple[str, ...]
    #: See `Head`.
    trouble: str


class Remembered(Value):
    """What the witness remembers of this log, beside what there is."""

    witness: Path
    events: int
    seen_at: AwareDatetime
    key: str
    problems: tuple[str, ...]


class Proving:
    """The proofs of one household's log."""

    def __init__(self, settings: Settings, reader: Reader, clock: Clock, *, household_id: str, patience_s: float = PATIENCE_S) -> None:
        self._settings, self._reader, self._clock, self._household_id = settings, reader, clock, household_id
        self._patience_s = patience_s
        self._log = LogLeaves(reader, household_id)

    @classmethod
    @contextmanager
    def opened(cls, settings: Settings, clock: Clock, *, patience_s: float = PATIENCE_S) -> Iterator[Proving]:
        """Whoever else signs or tells is waited for, for `patience_s`. Raises `NotInitialised`, `StoreFailed` and its kinds."""
        reader = Reader.open(database_file=settings.database_file, database_url=settings.database_address)
        try:
            household = reader.row("SELECT id FROM household ORDER BY created_at, id")
            if household is None:
                raise NotInitialised
            yield cls(settings, reader, clock, household_id=household["id"], patience_s=patience_s)
        finally:
            reader.close()

    # The head

    def checkpoint(self) -> Head:
        """Sign the head of the log, and tell the witness.

        Raises `StoreDamaged` for a log that must not be signed (`store.signer`), `StoreFailed` where the witness cannot be asked about it.
        """
        signed, _ = self._signed_with_care()
        return Head(
            note=signed.note.text,
            key=self.key.text,
            events=signed.note.checkpoint.size,
            signed_at=signed.at,
            witness=self._witness().path if self._settings.witness_file else None,
            trouble=self.tell_witness(signed),
        )

    @property
    def key(self) -> Key:
        """Whose signature is on this home's checkpoints."""
        return self._signer.key(self._log.origin)

    @cached_property
    def _signer(self) -> Signer:
        """Raises `StoreFailed` where this home's secret is not that of the books: it would sign as somebody else."""
        first = self._reader.row(
            "SELECT event_payload_json AS told FROM event_log WHERE household_id = :of AND seq = 1", of=self._household_id
        )
        try:
            founded_with = json.loads(first["told"]).get("key_id") if first else None
        except (ValueError, TypeError, AttributeError):
            raise StoreDamaged("The log was altered at event 1.", hint="See what is wrong with it: halo audit verify") from None
        path, given = self._settings.key_file, self._settings.secret_key
        secret = installation_secret(path, self._clock, given=given) if given or path.exists() else b""
        if not secret or founded_with not in (None, key_id(secret)):
            hint = "Copy secret.key from the home in which the household was founded."
            raise StoreFailed(f"{self._settings.secret_is_in} is not the secret of these books.", hint=hint)
        return Signer(self._settings.home, secret, self._clock, patience_s=self._patience_s)

    def _signed(self) -> Signed:
        """Where this home's memory of what it signed is shorter than the witness's, or lost, the witness's counts too. Raises `StoreDamaged`."""
        last = last_signed(self._settings.home, self._clock)
        self._require_what_the_witness_saw(beyond=last.checkpoint.size if last else 0)
        return self._signer.sign(self._log)

    def _signed_with_care(self) -> tuple[Signed, tuple[bytes, ...]]:
        """As `_signed`, and every leaf under the head: all of the log is read, and held against what the witness saw and what is signed."""
        self._require_what_the_witness_saw(beyond=0)
        signed = self._signed()
        return signed, self._leaves_under(signed)

    def _require_what_the_witness_saw(self, *, beyond: int) -> None:
        """Before anything is signed. A home that was put back whole knows no better, so a witness that cannot be asked is no leave to sign.

        Raises `StoreDamaged` for a log that the witness knows otherwise, `StoreFailed` where it is set and cannot be asked.
        """
        if self._settings.witness_file is None:
            return
        try:
            memory = self._witness().remembers(self._log.origin)
        except StoreFailed as error:
            raise type(error)(f"{error.message} Nothing is signed without asking it.", hint=error.hint) from error
        heard = self._recalled(memory) if memory else _NOTHING
        seen = tuple(each for each in heard.recollections if each.checkpoint.size > beyond)
        if problems := self._contradictions(Heard(recollections=seen, problems=heard.problems)):
            raise StoreDamaged(f"{problems[0]}.", hint="Nothing is signed. Restore the newer books, or see: halo audit verify")

    def _leaves_under(self, signed: Signed) -> tuple[bytes, ...]:
        """Every leaf under a head. Raises `StoreDamaged` where the books do not have them any more."""
        leaves = self._log.all(until=signed.note.checkpoint.size)
        if root_of(leaves) != signed.note.checkpoint.root:
            raise StoreDamaged("The log was altered before its signed head.", hint="See what is wrong with it: halo audit verify")
        return leaves

    # The witness

    def begin_witness(self) -> Head:
        """Make the witness of the settings, and show it the log for the first time.

        Raises `NotFound` where none is set, `Conflict` where it is there already.
        """
        self._witness().begin()
        return self.checkpoint()

    def tell_witness(self, signed: Signed | None = None) -> str:
        """Show the witness the head of the log. What keeps it from being told is returned and not raised: "" where it was, or where none is set."""
        if self._settings.witness_file is None:
            return ""
        try:
            for _ in range(_TRIES):
                if self._was_told(signed or self._signed()):
                    return ""
                signed = None
        except HaloError as error:
            return " ".join(part for part in (error.message, error.hint) if part)
        return f"The witness {self._witness().path} is told by others all the time. Try again: halo audit checkpoint"

    def _was_told(self, signed: Signed) -> bool:
        """Whether it took it; not where somebody else told it something in between. Raises `StoreDamaged` for a log that it knows otherwise."""
        witness, size = self._witness(), signed.note.checkpoint.size
        memory = witness.remembers(self._log.origin)
        known = memory.signed.checkpoint.size if memory else 0
        # What it must answer to less than it knows is clear without a proof, of which there is none.
        said = Said.BACKWARDS if known > size else witness.add(signed.note, old_size=known, proof=self._growth(signed, known), key=self.key)
        if said is Said.REMEMBERED:
            return True
        if memory and (problems := self._contradictions(self._recalled(memory))):
            raise StoreDamaged(f"{problems[0]}.", hint="See: halo audit verify")
        if said in (Said.BACKWARDS, Said.CONFLICT):
            return False
        raise StoreDamaged(f"The witness {witness.path} does not believe this log ({said.value}).", hint="See: halo audit verify")

    def _growth(self, signed: Signed, known: int) -> tuple[bytes, ...]:
        """The proof from what the witness knows: of what is new alone, where it knows the head before."""
        if known and known == signed.size_before:
            return extension_proof(Tree.of_peaks(known, signed.peaks_before), signed.added)
        return self._log.growth(known, signed.note.checkpoint.size)

    def _witness(self) -> Witness:
        if self._settings.witness_file is None:
            raise NotFound("No witness is set.", hint="Set HALO_WITNESS_FILE, or witness_file in config.toml, to a file on another disk.")
        return Witness(self._settings.home / self._settings.witness_file, self._clock, patience_s=self._patience_s)

    def witness(self) -> Remembered:
        """What the witness remembers, and how the log differs from it. Raises `NotFound` where none is set or it never heard of this log."""
        witness = self._witness()
        memory = witness.remembers(self._log.origin)
        if memory is None:
            raise NotFound(f"The witness {witness.path} never heard of this log.", hint="Tell it with: halo audit checkpoint")
        return Remembered(
            witness=witness.path,
            events=memory.signed.checkpoint.size,
            seen_at=memory.seen_at,
            key=memory.key,
            problems=self._contradictions(self._recalled(memory)),
        )

    # What others remember

    def heard(self, against: str | None = None) -> Heard:
        """What this home signed, what its witness saw, and the checkpoint in `against`. Asked before the log is read, which only grows meanwhile.

        Raises `InvalidInput` for an `against` that is no checkpoint, `StoreFailed` where its signature cannot be checked without the books' secret.
        """
        all_of_it = [self._own(), self._of_witness()]
        if against is not None:
            all_of_it.append(self._from_note("the checkpoint", against, self.key, seen_at=None))
        return Heard(
            recollections=tuple(each for heard in all_of_it for each in heard.recollections),
            problems=tuple(problem for heard in all_of_it for problem in heard.problems),
        )

    def problems(self, against: str | None = None) -> tuple[str, ...]:
        """How the log differs from what `heard` says: cut, rewritten, put back, or signed by somebody else."""
        return self._contradictions(self.heard(against))

    def _contradictions(self, heard: Heard) -> tuple[str, ...]:
        if not heard.recollections:
            return heard.problems
        newest = self._reader.row(_NEWEST, household_id=self._household_id) or {"size": 0, "at": None}
        size = int(newest["size"])
        sizes = {each for each in heard.sizes if each <= size}
        tree, roots = Tree(), {0: EMPTY}
        for leaf in self._log.all(until=max(sizes, default=0)):
            tree.append(leaf)
            if tree.size in sizes:
                roots[tree.size] = tree.root
        return heard.contradictions(size=size, roots=roots, newest_at=time_of(newest["at"]))

    def _own(self) -> Heard:
        try:
            last = last_signed(self._settings.home, self._clock)
        except StoreFailed as error:
            return Heard(recollections=(), problems=(error.message,))
        return self._judged("this home", last.note, seen_at=last.signed_at) if last else _NOTHING

    def _of_witness(self) -> Heard:
        if self._settings.witness_file is None:
            return _NOTHING
        try:
            memory = self._witness().remembers(self._log.origin)
        except StoreFailed as error:
            return Heard(recollections=(), problems=(f"{error.message} Nobody says whether the log was cut at its end.",))
        return self._recalled(memory) if memory else Heard(recollections=(), problems=("the witness never heard of this log",))

    def _recalled(self, memory: Memory) -> Heard:
        return self._judged("the witness", memory.note, seen_at=memory.seen_at)

    def _judged(self, who: str, text: str, *, seen_at: datetime | None) -> Heard:
        try:
            return self._from_note(who, text, self.key, seen_at=seen_at)
        except StoreFailed:
            # Books without their secret, such as a copy, know no key to hold it against; whoever remembers checked it when it was new.
            return self._from_note(who, text, None, seen_at=seen_at)

    def _from_note(self, who: str, text: str, key: Key | None, *, seen_at: datetime | None) -> Heard:
        note = read_note(text)
        checkpoint, log = note.checkpoint, self._log
        if checkpoint.origin != log.origin:
            problem = f"{who} is of another log: {checkpoint.origin}, and this is {log.origin}"
        elif key and not note.is_signed_with(key):
            head = f"a head of {counted(checkpoint.size)}"
            problem = f"{who} knows {head} that was not signed with this home's key: it was forged, or secret.key was replaced"
        else:
            return Heard(recollections=(Recollection(who=who, checkpoint=checkpoint, seen_at=seen_at),), problems=())
        return Heard(recollections=(), problems=(problem,))

    # One receipt

    def prove(self, of: str) -> Proved:
        """The proof of a receipt, named by its own id or by its execution's.

        Raises `NotFound` for a receipt that is not there, also where nothing was done; `StoreDamaged` for books that do not hold together,
        `StoreFailed` where the witness cannot be asked about them.
        """
        receipt, draft_id, draft_hash = self._receipt(of)
        terms = self._terms(draft_id, draft_hash)
        signed, leaves = self._signed_with_care()
        happened = self._gate(receipt.execution_id, draft_id, draft_hash)
        for event in happened:
            if not _is_leaf(event, leaves):
                raise StoreDamaged(f"The log was altered at event {event.seq}.", hint="See what is wrong with it: halo audit verify")
        paths = inclusion_proofs(leaves, [event.seq - 1 for event in happened])
        proof = ReceiptProof(
            checkpoint=signed.note.text,
            key=self.key.text,
            events=tuple(EventProof.of(event, path) for event, path in zip(happened, paths, strict=True)),
            terms=terms,
            receipt=receipt.content_text,
        )
        names = [row["name"] for row in self._reader.rows(_NAMES, household_id=self._household_id)]
        return Proved(receipt_id=receipt.id, proof=proof, discloses=discloses(proof, names=names), trouble=self.tell_witness(signed))

    def _receipt(self, of: str) -> tuple[Receipt, str, str]:
        """The receipt, and the draft and hash that were confirmed for it."""
        row = self._reader.row(_RECEIPT, household_id=self._household_id, of=of) if can_be_looked_up(of) else None
        if row is not None:
            return values.receipt_value(row), row["draft_id"], row["draft_hash"]
        stands = self._reader.row(_STANDS, household_id=self._household_id, of=of) if can_be_looked_up(of) else None
        if stands is None:
            raise NotFound("There is no such receipt in this household.")
        raise NotFound(f"There is no receipt to prove: this execution is {stands['status']}.", hint=f"See: halo show {of}")

    def _terms(self, draft_id: str, draft_hash: str) -> str:
        row = self._reader.row(_SHOWN, household_id=self._household_id, draft_id=draft_id, draft_hash=draft_hash)
        if row is None:
            raise StoreDamaged(f"The terms that were confirmed for draft {draft_id} are not in the books.", hint="See: halo audit verify")
        return canonical_json(values.revision_value(row).terms.material()).decode()

    def _gate(self, execution_id: str, draft_id: str, draft_hash: str) -> tuple[Event, ...]:
        rows = self._reader.rows(_EVENTS, household_id=self._household_id, draft_id=draft_id, execution_id=execution_id)
        found = gate([values.event_value(row) for row in rows], draft_id=draft_id, draft_hash=draft_hash, execution_id=execution_id)
        if not is_whole(found):
            raise StoreDamaged(f"The log does not tell the whole story of {execution_id}.", hint="See what is wrong: halo audit verify")
        return found


def tell_witness(settings: Settings, clock: Clock) -> str:
    """Show the witness how far the log has come by now; see `Proving.tell_witness`. Costs nothing where none is set."""
    if settings.witness_file is None:
        return ""
    try:
        with Proving.opened(settings, clock, patience_s=_HASTE_S) as proving:
            return proving.tell_witness()
    except HaloError as error:
        return " ".join(part for part in (error.message, error.hint) if part)
    except Exception as error:  # noqa: BLE001 - money has moved by now: whatever it is, the command that moved it has not failed
        return f"Something went wrong in Halo itself ({type(error).__name__})."


def _is_leaf(event: Event, leaves: tuple[bytes, ...]) -> bool:
    try:
        return event.expected_hash() == leaves[event.seq - 1].hex()
    except (ValueError, IndexError):
        return False


_NOTHING = Heard(recollections=(), problems=())


def time_of(text: object) -> datetime | None:
    """A time as either database gives it; None for what is none."""
    try:
        at = text if isinstance(text, datetime) else datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo else None


_NEWEST = "SELECT COUNT(*) AS size, MAX(created_at) AS at FROM event_log WHERE household_id = :household_id"

_RECEIPT = """
SELECT r.*, e.draft_id AS draft_id, e.draft_hash AS draft_hash FROM receipt_artifact r JOIN execution e ON e.id = r.execution_id
 WHERE e.household_id = :household_id AND (r.id = :of OR e.id = :of) ORDER BY r.id
"""

_NAMES = 'SELECT display_name AS name FROM "user" WHERE household_id = :household_id ORDER BY id'

_STANDS = "SELECT status FROM execution WHERE household_id = :household_id AND id = :of"

_SHOWN = """
SELECT v.*, d.status AS status FROM draft_revision v JOIN draft d ON d.id = v.draft_id
 WHERE d.household_id = :household_id AND d.id = :draft_id AND v.draft_hash = :draft_hash
"""

# By the index on what they are about; the household is held against what is found, or the whole log would be read for a dozen events.
_EVENTS = """
SELECT * FROM event_log
 WHERE (entity_id IN (:draft_id, :execution_id) OR entity_id IN (SELECT id FROM receipt_artifact WHERE execution_id = :execution_id))
   AND household_id || '' = :household_id
 ORDER BY seq
"""
