"""A witness: a file on another disk that remembers how far the log had come.

It keeps, for each log, the newest checkpoint and the key it believes, which is the one it was first shown. It is told by the rules of C2SP
tlog-witness: whoever has a newer checkpoint says which one the witness knows already, and proves that the new one goes on from there. So nobody can
make it forget, neither with an older log nor with another one, not even with the key that signs. It needs no secret, and what it keeps tells no one
what happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, Field, model_validator

from halo_engine.clock import Clock
from halo_engine.model.canonical import canonical_json
from halo_engine.model.errors import Conflict, InvalidInput, StoreDamaged, StoreNotWritable
from halo_engine.model.merkle import extends
from halo_engine.model.note import Key, Note, read_key, read_note
from halo_engine.model.value import Value
from halo_engine.store.kept_file import PATIENCE_S, KeptFile


class Memory(Value):
    """What is remembered of one log."""

    key: str
    note: str
    seen_at: AwareDatetime

    @property
    def signed(self) -> Note:
        return read_note(self.note)


class _Memories(Value):
    """The file."""

    format: Literal["halo/witness/v1"] = "halo/witness/v1"
    #: By origin.
    logs: dict[str, Memory] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _are_what_was_shown(self) -> _Memories:
        for origin, memory in self.logs.items():
            if memory.signed.checkpoint.origin != origin or not memory.signed.is_signed_with(read_key(memory.key)):
                raise ValueError("this is not what was shown to it")
        return self


class Said(StrEnum):
    """What a witness answers; in the standard's numbers 200, 400, 403, 409 and 422."""

    #: It is what is remembered now.
    REMEMBERED = "remembered"
    #: The old size is larger than the new one.
    BACKWARDS = "backwards"
    #: It is not signed with the key that is believed.
    OTHER_KEY = "other_key"
    #: Something else is remembered than what was named, or another root for the same size.
    CONFLICT = "conflict"
    #: The proof does not show that the new one goes on from the old one.
    UNPROVED = "unproved"


class Witness:
    """The witness that lives in `path`."""

    def __init__(self, path: Path, clock: Clock, *, patience_s: float = PATIENCE_S) -> None:
        self._file, self._clock = KeptFile(path, clock, patience_s=patience_s), clock

    @property
    def path(self) -> Path:
        return self._file.path

    def begin(self) -> None:
        """Make the file, which remembers nothing yet. Raises `Conflict` where there is one: it is never made anew over another.

        Being told does not make it, or a disk that is not mounted would get a new witness with an empty memory in its place.
        """
        with self._file.held():
            if self._file.read() is not None:
                raise Conflict(f"{self.path} is there already.", hint="See what it remembers: halo audit witness status")
            self._write(_Memories())

    def remembers(self, origin: str) -> Memory | None:
        """What it knows of a log; None where it never heard of it. Raises `StoreDamaged`, and `StoreNotWritable` where it is not there."""
        return self._memories().logs.get(origin)

    def add(self, note: Note, *, old_size: int, proof: Sequence[bytes], key: Key) -> Said:
        """Show it a checkpoint, with the size it remembers (0 for none) and the proof from there. `key` counts only where it knows none."""
        with self._file.held():
            memories = self._memories()
            memory = memories.logs.get(note.checkpoint.origin)
            believed = read_key(memory.key) if memory else key
            said = _judged(note, memory.signed if memory else None, believed, old_size, proof)
            if said is Said.REMEMBERED:
                new = Memory(key=believed.text, note=note.text, seen_at=self._clock.now())
                self._write(_Memories(logs={**memories.logs, note.checkpoint.origin: new}))
            return said

    def _memories(self) -> _Memories:
        kept = self._file.read()
        if kept is None:
            hint = "Mount its disk. A new one is made with: halo audit witness init"
            raise StoreNotWritable(f"The witness {self.path} is not there.", hint=hint)
        try:
            return _Memories.model_validate_json(kept)
        except (ValueError, InvalidInput):
            hint = "Keep it. Compare with another copy of a checkpoint: halo audit verify --against FILE"
            raise StoreDamaged(f"The witness {self.path} cannot be read, or was altered.", hint=hint) from None

    def _write(self, memories: _Memories) -> None:
        self._file.write(canonical_json(memories.model_dump(mode="json")) + b"\n")


def _judged(new: Note, old: Note | None, key: Key, old_size: int, proof: Sequence[bytes]) -> Said:
    """The standard's checks in the standard's order."""
    size, root = new.checkpoint.size, new.checkpoint.root
    known = old.checkpoint.size if old else 0
    if not new.is_signed_with(key):
        return Said.OTHER_KEY
    if old_size > size:
        return Said.BACKWARDS
    if old_size != known or (old and size == known and root != old.checkpoint.root):
        return Said.CONFLICT
    if old is None or known == 0:
        return Said.UNPROVED if proof else Said.REMEMBERED
    return Said.REMEMBERED if extends(earlier=known, earlier_root=old.checkpoint.root, size=size, root=root, proof=proof) else Said.UNPROVED
