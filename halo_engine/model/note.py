"""Checkpoints of the log: its size and its root, as notes signed with Ed25519 (C2SP signed-note, tlog-checkpoint).

    halo.local/hsh_01jd9k7q3mf0jv7p2t8z6c4x5e
    120
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — halo.local/hsh_01jd9k7q3mf0jv7p2t8z6c4x5e Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URY…

Reading is strict and total: there is one way to write a note, and whatever is not written so is `InvalidInput`. There are no extension lines, since
nobody could check them; what is signed is the text up to the blank line. As the standard has it, signers whom nobody asked about are passed over.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

from pydantic import Field, model_validator

from halo_engine.model.errors import InvalidInput
from halo_engine.model.merkle import EMPTY, MAX_SIZE
from halo_engine.model.value import Value

#: Sixteen signatures, also large ones, fit into it many times.
MAX_CHARS = 200_000
#: Printable ASCII without blank and plus, which end a name.
_NAME = r"[!-*,-~]{1,255}"
_BASE64 = r"[A-Za-z0-9+/]+={0,2}"
_NOTE = re.compile(rf"({_NAME})\n(0|[1-9][0-9]{{0,14}})\n({_BASE64})\n\n((?:— {_NAME} {_BASE64}\n){{1,16}})")
_KEY = re.compile(rf"({_NAME})\+([0-9a-f]{{8}})\+({_BASE64})")
#: The signature type of plain Ed25519.
_ED25519 = b"\x01"


class Checkpoint(Value):
    """The head of one log: how many events it has, and the Merkle root over them."""

    origin: str = Field(pattern=rf"^{_NAME}$")
    size: int = Field(ge=0, le=MAX_SIZE)
    root: bytes = Field(min_length=32, max_length=32)

    @model_validator(mode="after")
    def _nothing_has_one_root(self) -> Checkpoint:
        if self.size == 0 and self.root != EMPTY:
            raise ValueError("the root of no events is always the same")
        return self

    @property
    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{to_base64(self.root)}\n"


class Key(Value):
    """Whose signatures are believed: a name, and an Ed25519 public key. `text` is its one written form (a "vkey")."""

    name: str = Field(pattern=rf"^{_NAME}$")
    public: bytes = Field(min_length=32, max_length=32)

    @property
    def id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    @property
    def text(self) -> str:
        return f"{self.name}+{self.id.hex()}+{to_base64(_ED25519 + self.public)}"


class Note(Value):
    """A checkpoint with its signatures: of each the signer's name, and the four bytes of the key's id before the signature itself."""

    checkpoint: Checkpoint
    signatures: tuple[tuple[str, bytes], ...]

    @property
    def text(self) -> str:
        lines = "".join(f"— {name} {to_base64(signature)}\n" for name, signature in self.signatures)
        return f"{self.checkpoint.text}\n{lines}"

    def is_signed_with(self, key: Key) -> bool:
        """Whether `key` is said to have signed it, and did. One bad signature of the key spoils a good one."""
        mine = [signature[4:] for name, signature in self.signatures if (name, signature[:4]) == (key.name, key.id)]
        return bool(mine) and all(_is_signature(signature, self.checkpoint.text.encode(), key.public) for signature in mine)


def read_note(text: str) -> Note:
    """The note in `text`. Raises `InvalidInput` for anything that is not exactly one. The signatures are not checked by it."""
    found = _NOTE.fullmatch(text) if len(text) <= MAX_CHARS else None
    if found is None:
        raise _not_a_checkpoint()
    origin, size, root, lines = found.groups()
    signatures = [line.split(" ")[1:] for line in lines.splitlines()]
    try:
        return Note(
            checkpoint=Checkpoint(origin=origin, size=int(size), root=from_base64(root)),
            signatures=tuple((name, from_base64(signature)) for name, signature in signatures),
        )
    except ValueError:
        raise _not_a_checkpoint() from None


def read_key(text: str) -> Key:
    """The key in `text`. Raises `InvalidInput` for anything else, also for an id that is another key's."""
    found = _KEY.fullmatch(text)
    try:
        key = Key(name=found[1], public=from_base64(found[3])[1:]) if found else None
    except ValueError:
        key = None
    # Of one key there is one text: with another kind, or another key's id, it would be another text.
    if key is None or key.text != text:
        raise InvalidInput("That is not the key of a log.", hint="It is printed by: halo audit checkpoint")
    return key


def key_of(seed: bytes, *, name: str) -> Key:
    """The public side of the private key `seed`."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Key(name=name, public=Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())


def sign(checkpoint: Checkpoint, seed: bytes) -> Note:
    """`checkpoint` as a note under its own name. Whether it may be signed at all is the signer's to know (`store.signer`)."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(checkpoint.text.encode())
    key = key_of(seed, name=checkpoint.origin)
    return Note(checkpoint=checkpoint, signatures=((key.name, key.id + signature),))


def _is_signature(signature: bytes, message: bytes, public: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def to_base64(data: bytes) -> str:
    """Standard base64 with padding (RFC 4648 §4)."""
    return base64.b64encode(data).decode()


def from_base64(text: str) -> bytes:
    """The bytes that are written so and in no other way. Raises `ValueError`."""
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64: {error}") from None
    if to_base64(data) != text:
        # The last character has bits to spare, and only zeros are right.
        raise ValueError("not the one base64 of these bytes")
    return data


def _not_a_checkpoint() -> InvalidInput:
    hint = (
        "It is what halo audit checkpoint prints: three lines, a blank one, and the signature, each ended by a newline and by nothing else."
    )
    return InvalidInput("That is not a checkpoint.", hint=hint)
