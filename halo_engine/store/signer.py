"""Signs the head of the log, and never two heads that contradict each other (C2SP tlog-checkpoint).

The key is made of the installation's secret, as the vendors' keys are: homes that share books share it, and sign as one. What was signed last is kept
beside it (`signed-head.json`), written before the signature is given away. Each new head has to go on from there; where the log was cut, rewritten or
replaced by an older one, nothing is signed any more. The file is this home's own: of what another home signed over shared books only a witness knows.

What is kept is the last leaf and the peaks of the tree. The leaf's chain stands for everything before it, and the peaks for the root, so that only
what is new has to be read.
"""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

from pydantic import AwareDatetime

from halo_engine.clock import Clock
from halo_engine.model.canonical import canonical_json
from halo_engine.model.draft import iso_utc
from halo_engine.model.errors import InvalidInput, StoreDamaged
from halo_engine.model.merkle import Tree
from halo_engine.model.note import Checkpoint, Key, Note, from_base64, key_of, read_note, sign, to_base64
from halo_engine.model.recollection import counted
from halo_engine.model.value import Value
from halo_engine.store.kept_file import PATIENCE_S, KeptFile
from halo_engine.store.log_leaves import LogLeaves

FILE = "signed-head.json"
_FORMAT = "halo/signed-head/v1"


class SignedHead(Value):
    """What was signed last, with all that is needed to go on from it."""

    format: str = _FORMAT
    note: str
    #: The hash of the newest event under it, in hexadecimal.
    last_leaf: str
    peaks: tuple[str, ...]
    signed_at: AwareDatetime

    @property
    def checkpoint(self) -> Checkpoint:
        return read_note(self.note).checkpoint

    @property
    def tree(self) -> Tree:
        """Raises `ValueError` where the peaks do not give the root that was signed."""
        tree = Tree.of_peaks(self.checkpoint.size, [from_base64(peak) for peak in self.peaks])
        if tree.root != self.checkpoint.root:
            raise ValueError("these peaks are another tree's")
        return tree


class Signed(Value):
    """A note that was signed now, and how the log has grown since the one before: enough to prove that it only grew."""

    note: Note
    at: AwareDatetime
    size_before: int
    peaks_before: tuple[bytes, ...]
    added: tuple[bytes, ...]


def signing_seed(secret: bytes) -> bytes:
    """The Ed25519 private key of an installation."""
    return hmac.new(secret, b"halo/log-signing", hashlib.sha256).digest()


def last_signed(home: Path, clock: Clock) -> SignedHead | None:
    """What was signed last in `home`; None where nothing was. Raises `StoreDamaged` where that cannot be read."""
    return _read(KeptFile(home / FILE, clock))


class Signer:
    """The one who signs for this home."""

    def __init__(self, home: Path, secret: bytes, clock: Clock, *, patience_s: float = PATIENCE_S) -> None:
        self._file, self._seed, self._clock = KeptFile(home / FILE, clock, patience_s=patience_s), signing_seed(secret), clock

    def key(self, origin: str) -> Key:
        """Whoever is to believe the signatures has to know this."""
        return key_of(self._seed, name=origin)

    def sign(self, log: LogLeaves) -> Signed:
        """The head of `log`, signed. Raises `StoreDamaged` for a log that does not go on from the head before, or was altered since."""
        # Held before it looks at the log, or another process could sign a longer one in between.
        with self._file.held(), log.moment():
            last = _read(self._file)
            if last:
                require_extension(last, log)
            before = last.tree if last else Tree()
            added = log.after(before.size, bytes.fromhex(last.last_leaf) if last else None)
            tree = Tree.of_peaks(before.size, before.peaks)
            for leaf in added:
                tree.append(leaf)
            now = self._clock.now()
            note = sign(Checkpoint(origin=log.origin, size=tree.size, root=tree.root), self._seed)
            if added:
                newest = added[-1].hex()
                peaks = tuple(map(to_base64, tree.peaks))
                self._keep(SignedHead(note=note.text, last_leaf=newest, peaks=peaks, signed_at=now))
            return Signed(note=note, at=now, size_before=before.size, peaks_before=before.peaks, added=added)

    def _keep(self, head: SignedHead) -> None:
        self._file.write(canonical_json(head.model_dump(mode="json")) + b"\n")


def require_extension(last: SignedHead, log: LogLeaves) -> None:
    """Raises `StoreDamaged` unless the event that was the newest under `last` is still there, where it was."""
    signed = last.checkpoint
    if signed.origin == log.origin and (signed.size == 0 or log.hash_of(signed.size) == bytes.fromhex(last.last_leaf)):
        return
    raise StoreDamaged(
        f"The log does not go on from its head of {counted(signed.size)}, which was signed at {iso_utc(last.signed_at)}: "
        "it was cut, rewritten, or replaced by an older one.",
        hint="Nothing is signed. Restore the newer books; halo audit verify says what is wrong with these.",
    )


def _read(file: KeptFile) -> SignedHead | None:
    kept = file.read()
    if kept is None:
        return None
    try:
        head = SignedHead.model_validate_json(kept)
        _ = head.tree, bytes.fromhex(head.last_leaf)
    except (ValueError, InvalidInput):
        hint = "Restore it from a backup. Without it nobody here knows what was signed, and nothing more is signed."
        raise StoreDamaged(f"{file.path} cannot be read.", hint=hint) from None
    return head
