"""L-04 to L-06: whoever has the books and the signing key, liars, and another Merkle tree.

L-04 gives an attacker everything in the home, and leaves them nothing but the witness's own file and a checkpoint that somebody else kept: no
history that they write may pass for the one that was seen. L-05 shows made-up proofs and notes to everything that checks them, the stranger's script
too. L-06 holds our trees against pymerkle's.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any
from unittest.mock import patch

from halo_engine.clock import FakeClock
from halo_engine.model import merkle, note
from halo_engine.model.canonical import canonical_json
from halo_engine.model.errors import HaloError, InvalidInput
from halo_engine.model.event import GENESIS, Event, leaf_time
from halo_engine.model.merkle import Tree, consistency_proof, extends, includes, inclusion_proofs, root_of
from halo_engine.model.note import Checkpoint, key_of, read_key, read_note, sign, to_base64
from halo_engine.proving import Proving, tell_witness
from halo_engine.settings import Settings, load_settings
from halo_engine.store import signer, values, witness
from halo_engine.store.secret import installation_secret
from halo_engine.store.sqlite import driver
from tests.house.source import ROOT
from tests.installation import NOON, Installation
from tests.torture.harness import Bug, Kind, Problem, Row, sample
from tests.torture.jobs import kept_place

# L-04: an attacker with the books and the key.

Log = list[Event]


def _told(at: int, **payload: object) -> Callable[[Log], Log]:
    return lambda log: _with(log, at, log[at].model_copy(update={"payload": {**log[at].payload, **payload}}))


def _other(at: int, **fields: object) -> Callable[[Log], Log]:
    return lambda log: _with(log, at, log[at].model_copy(update=fields))


def _with(log: Log, at: int, event: Event) -> Log:
    return [*log[:at], event, *log[at:][1:]]


def _cut(to: int) -> Callable[[Log], Log]:
    return lambda log: log[:to]


def _grown(to: int, *, by: int) -> Callable[[Log], Log]:
    """Cut, and gone on with from there: with what had happened later, which is not what came next."""
    return lambda log: log[:to] + [log[-1].model_copy(update={"id": f"{log[-1].id}{number}"}) for number in range(by)]


#: What they make of the log; everything after it is chained, hashed and signed anew.
REWRITINGS: dict[str, Callable[[Log], Log]] = {
    "cut-the-last": _cut(-1),
    "cut-half": _cut(15),
    "cut-to-the-founding": _cut(1),
    "cut-to-nothing": _cut(0),
    "cut-and-as-long-again": lambda log: _grown(len(log) - 4, by=4)(log),
    "cut-and-longer": lambda log: _grown(len(log) - 4, by=40)(log),
    "gone-on-from-the-founding": lambda log: _grown(1, by=len(log) + 7)(log),
    "first-event-altered": _told(0, time_zone="Europe/Berlin"),
    "amount-altered": _told(3, maximum_cents=1),
    "hash-altered": _told(2, draft_hash="0" * 64),
    "payload-emptied": _other(5, payload={}),
    "time-altered": lambda log: _other(4, created_at=log[3].created_at.replace(year=2020))(log),
    "somebody-else-did-it": _other(3, user_id="usr_somebody"),
    "another-kind": _other(6, event_type="execution.failed"),
    "newest-altered": _told(-1, content_sha256="0" * 64),
    "left-one-out": lambda log: log[:7] + log[8:],
    "left-one-out-and-added-one": lambda log: [*log[:7], *log[8:], log[-1].model_copy(update={"id": "evt_new"})],
    "put-one-in": lambda log: [*log[:4], log[2].model_copy(update={"id": "evt_new"}), *log[4:]],
    "swapped-two": lambda log: [*log[:4], log[5], log[4], *log[6:]],
    "doubled-one": lambda log: [*log[:5], log[4], *log[5:]],
    "another-schema": _other(8, schema_version=1),
}


@functools.cache
def _seen() -> tuple[Path, str]:
    """A home with some thirty events and its witness beside it, and the checkpoint that a second person kept."""
    place = kept_place("halo-witness-")
    home = Installation.open(place / "home", clock=FakeClock(NOON), witness_file=str(place / "usb.json"))
    with Proving.opened(home.settings, home.clock) as proving:
        proving.begin_witness()
        for _ in range(4):
            home.later(minutes=5)
            home.carry_out(home.ask("order 2 packs of AA batteries"))
        kept = proving.checkpoint().note
    home.engine.close()
    return place, kept


def _rewritten(point: str, place: Path) -> Iterator[Problem]:
    how, _, forgets = point.partition(".")
    source, kept = _seen()
    shutil.copytree(source, place, dirs_exist_ok=True)
    settings = load_settings(home=place / "home", environ={"HALO_WITNESS_FILE": str(place / "usb.json")})
    clock = FakeClock(NOON)
    true = _read(settings)
    forged = _chained(REWRITINGS[how](true))
    _write(settings, forged)
    origin = read_note(kept).checkpoint.origin
    mine = _signed(origin, forged, settings, clock)
    (settings.home / signer.FILE).unlink()
    if forgets == "forged" and forged:
        (settings.home / signer.FILE).write_bytes(_head(forged, mine))
    elif forgets == "kept":
        shutil.copy(source / "home" / signer.FILE, settings.home / signer.FILE)
    yield from _fooled(settings, clock, kept)
    if forgets == "kept" and _signs(settings.model_copy(update={"witness_file": None}), clock):
        yield Problem(Kind.UNPROVED, "it was signed by the home itself, which remembers what it signed")
    yield from _forced(place / "usb.json", clock, mine, true, forged)


def _fooled(settings: Settings, clock: FakeClock, kept: str) -> Iterator[Problem]:
    """Whether any of those who look take the rewritten log for the one they saw."""
    with Proving.opened(settings, clock) as proving:
        found = proving.problems(kept)
        for who in ("the witness", "the checkpoint"):
            if not any(problem.startswith(who) for problem in found):
                yield Problem(Kind.UNPROVED, f"{who} took it for the log it had seen")
    if _signs(settings, clock):
        yield Problem(Kind.UNPROVED, "it was signed by the home itself, which has a witness")
    before = settings.witness_file.read_bytes() if settings.witness_file else b""
    if not tell_witness(settings, clock):
        yield Problem(Kind.UNPROVED, "the witness was told by a command, and took it")
    if settings.witness_file and settings.witness_file.read_bytes() != before:
        yield Problem(Kind.UNPROVED, "the witness remembers something else now")


def _signs(settings: Settings, clock: FakeClock) -> bool:
    try:
        with Proving.opened(settings, clock) as proving:
            proving.checkpoint()
    except HaloError:
        return False
    return True


def _forced(path: Path, clock: FakeClock, mine: note.Note, true: Log, forged: Log) -> Iterator[Problem]:
    """Every proof that they could make, shown to the witness by hand."""
    asked, known = witness.Witness(path, clock), len(true)
    leaves, real = _leaves(forged), _leaves(true)
    proofs: list[Sequence[bytes]] = [(), (bytes(32),), consistency_proof(real, known)]
    proofs += [consistency_proof(leaves, size) for size in {known, min(known, len(leaves)), len(leaves) // 2} if 0 < size <= len(leaves)]
    proofs += [consistency_proof([*real, *leaves[known:]], known)]
    key = read_key(asked._memories().logs[mine.checkpoint.origin].key)
    for proof in proofs:
        for old_size in {0, known, len(forged), known - 1}:
            if asked.add(mine, old_size=old_size, proof=proof, key=key) is witness.Said.REMEMBERED:
                yield Problem(Kind.UNPROVED, f"the witness took it for what follows {old_size} events")


def _read(settings: Settings) -> Log:
    with closing(driver.connect(str(settings.database_file))) as books:
        books.row_factory = driver.Row
        return [values.event_value(row) for row in books.execute("SELECT * FROM event_log ORDER BY seq")]


def _chained(log: Log) -> Log:
    made: Log = []
    for number, event in enumerate(log, 1):
        previous = made[-1].hash if made else GENESIS
        made.append(event.model_copy(update={"seq": number, "id": f"evt_{number}", "prev_hash": previous}).sealed())
    return made


def _write(settings: Settings, log: Log) -> None:
    with closing(driver.connect(str(settings.database_file))) as books, books:
        books.execute("PRAGMA foreign_keys = OFF")
        for (trigger,) in books.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            books.execute(f"DROP TRIGGER {trigger}")
        books.execute("DELETE FROM event_log")
        for event in log:
            fields: dict[str, Any] = event.model_dump(mode="json", exclude={"payload"})
            fields |= {"event_payload_json": values.to_json(event.payload), "created_at": leaf_time(event.created_at)}
            names = ", ".join(fields)
            books.execute(f"INSERT INTO event_log ({names}) VALUES ({', '.join('?' * len(fields))})", tuple(fields.values()))


def _signed(origin: str, log: Log, settings: Settings, clock: FakeClock) -> note.Note:
    seed = signer.signing_seed(installation_secret(settings.key_file, clock))
    return sign(Checkpoint(origin=origin, size=len(log), root=root_of(_leaves(log))), seed)


def _head(log: Log, mine: note.Note) -> bytes:
    peaks = tuple(map(to_base64, Tree(_leaves(log)).peaks))
    head = signer.SignedHead(note=mine.text, last_leaf=log[-1].hash, peaks=peaks, signed_at=NOON)
    return canonical_json(head.model_dump(mode="json"))


def _leaves(log: Log) -> list[bytes]:
    return [bytes.fromhex(event.hash) for event in log]


# L-05: liars.

_LIES_A_POINT = 100
_LEAVES = [hashlib.sha256(b"\x00%d" % number).digest() for number in range(300)]
_SEED, _ORIGIN = bytes(range(32)), "halo.local/hsh_01jd9k7q3mf0jv7p2t8z6c4x5e"
_FAR = (-1, 0, 2**31, 2**48 + 1, 2**63, 2**63 - 1, 2**64, 2**64 + 1)


@functools.cache
def _stranger() -> ModuleType:
    """The script of the documentation."""
    spec = importlib.util.spec_from_file_location("verify_receipt", ROOT / "docs" / "verify_receipt.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _longer(path: list[bytes], random: Random) -> list[bytes]:
    at = random.randrange(len(path) + 1)
    return [*path[:at], random.choice([bytes(32), *path, random.randbytes(32)]), *path[at:]]


def _shorter(path: list[bytes], random: Random) -> list[bytes]:
    at = random.randrange(len(path)) if path else 0
    return [*path[:at], *path[at + 1 :]]


def _shuffled(path: list[bytes], random: Random) -> list[bytes]:
    return random.sample(path, len(path))


def _flipped(path: list[bytes], random: Random) -> list[bytes]:
    at, bit = random.randrange(len(path) or 1), random.randrange(256)
    return [*path[:at], *((int.from_bytes(node) ^ 1 << bit).to_bytes(32) for node in path[at : at + 1]), *path[at + 1 :]]


def _of_another_length(path: list[bytes], random: Random) -> list[bytes]:
    at = random.randrange(len(path) or 1)
    return [*path[:at], *(random.choice([b"", node[:-1], node + b"\0", node * 2]) for node in path[at : at + 1]), *path[at + 1 :]]


def _of_anything(path: list[bytes], random: Random) -> list[bytes]:
    return [random.randbytes(random.choice([32, 32, 32, 31, 0])) for _ in range(random.choice([0, 1, len(path), 63, 64, 500]))]


_PATHS = {
    "longer": _longer,
    "shorter": _shorter,
    "shuffled": _shuffled,
    "flipped": _flipped,
    "length": _of_another_length,
    "anything": _of_anything,
}


def _lying_inclusion(how: str, random: Random) -> bool:
    """Whether a lie about where a leaf is was believed, here or by the script."""
    size = random.randrange(1, len(_LEAVES))
    index = random.randrange(size)
    truth: dict[str, Any] = {"leaf": _LEAVES[index], "index": index, "size": size, "root": root_of(_LEAVES[:size])}
    path = list(inclusion_proofs(_LEAVES[:size], [index])[0])
    lie, told = dict(truth), list(path)
    match how:
        case "index":
            lie["index"] = random.choice([size, size + 1, -1, 2**63, *(n for n in range(size) if n != index)])
        case "size":
            lie["size"] = random.choice([*_FAR, index])
        case "sides":
            # Another leaf, such as the sibling, in its place.
            lie["leaf"] = random.choice([*path, truth["root"], hashlib.sha256(b"").digest()])
        case "root":
            lie["root"] = root_of(_LEAVES[: random.choice([n for n in range(len(_LEAVES)) if n != size])])
        case _:
            told = _PATHS[how](path, random)
    if (lie, told) == (truth, path):
        return False
    by_script = _stranger().is_in_tree(lie["leaf"], lie["index"], lie["size"], told, lie["root"])
    # It is given a size that was signed, and so has no largest one.
    return merkle.includes(**lie, proof=told) or (by_script and 0 < lie["size"] < merkle.MAX_SIZE)


def _lying_consistency(how: str, random: Random) -> bool:
    size = random.randrange(1, len(_LEAVES))
    earlier = random.randrange(1, size + 1)
    truth: dict[str, Any] = {"earlier": earlier, "earlier_root": root_of(_LEAVES[:earlier]), "size": size, "root": root_of(_LEAVES[:size])}
    path = list(consistency_proof(_LEAVES[:size], earlier))
    lie, told = dict(truth), list(path)
    match how:
        case "index":
            lie["earlier"] = random.choice([0, -1, size + 1, 2**63])
        case "size":
            lie["size"] = random.choice([*_FAR, earlier - 1])
        case "sides":
            lie["root"], lie["earlier_root"] = truth["earlier_root"], truth["root"]
        case "root":
            lie[random.choice(["root", "earlier_root"])] = random.choice([bytes(32), b"", random.randbytes(32), *path])
        case _:
            told = _PATHS[how](path, random)
    return (lie, told) != (truth, path) and extends(**lie, proof=told)


def _lying_note(how: str, random: Random) -> bool:
    size = random.randrange(1, 2**48)
    true = sign(Checkpoint(origin=_ORIGIN, size=size, root=random.randbytes(32)), _SEED)
    text, key = true.text, key_of(_SEED, name=_ORIGIN)
    at = random.randrange(len(text))
    lie = {
        "index": text.replace(f"\n{size}\n", f"\n{random.choice([*_FAR, size + 1, f'0{size}', f'+{size}', f'{size} '])}\n"),
        "size": text.replace(f"\n{size}\n", f"\n{'9' * random.randrange(15, 3000)}\n"),
        "sides": "\n".join(random.sample(text.split("\n"), 6)),
        "root": text.replace(true.text.split("\n")[2], to_base64(random.randbytes(random.choice([0, 31, 32, 33])))),
        "longer": text[:at] + random.choice("\n\r \0=A—\ufeff") + text[at:],
        "shorter": text[:at] + text[at + random.randrange(1, 9) :],
        "shuffled": text.replace("\n", "\r\n"),
        "flipped": text[:at] + chr(ord(text[at]) ^ 1 << random.randrange(16)) + text[at + 1 :],
        # The last character of a base64 text has bits to spare.
        "length": text[:-3] + chr(ord(text[-3]) + random.randrange(1, 4)) + text[-2:],
        "anything": "".join(random.choices("0123456789\n— =+/AZaz.\r\u0661\ud800", k=random.randrange(300))),
    }[how]
    try:
        return lie != text and read_note(lie).is_signed_with(key)
    except InvalidInput:
        return False


_LIARS = {"inclusion": _lying_inclusion, "consistency": _lying_consistency, "note": _lying_note}
_HOW = ("index", "size", "sides", "root", *_PATHS)


def _liars(random: Random) -> list[str]:
    """A thousand points of a hundred lies."""
    return sample(random, [f"{what}.{_HOW[number % len(_HOW)]}.{number}" for number in range(334) for what in _LIARS])


def _lied(point: str, _place: Path) -> Iterator[Problem]:
    what, how, _ = point.split(".")
    random = Random(point)
    for number in range(_LIES_A_POINT):
        if _LIARS[what](how, random):
            yield Problem(Kind.UNPROVED, f"lie {number} was believed")
            return


# L-06: another tree.

_LARGEST = 2048


@functools.cache
def _oracle() -> Any:
    from pymerkle import InmemoryTree  # type: ignore[import-untyped]

    tree = InmemoryTree(algorithm="sha256")
    for number in range(_LARGEST):
        tree.append_entry(b"event %d" % number)
    return tree


@functools.cache
def _entries() -> tuple[bytes, ...]:
    return tuple(hashlib.sha256(b"\x00event %d" % number).digest() for number in range(_LARGEST))


def _compared(point: str, _place: Path) -> Iterator[Problem]:
    """Every proof in a tree of that size: ours is theirs, and each side's convinces the other."""
    size, oracle = int(point), _oracle()
    leaves = _entries()[:size]
    root = root_of(leaves)
    if root != oracle.get_root(size):
        yield Problem(Kind.WRONG, "the roots differ")
    for index, path in enumerate(inclusion_proofs(leaves, range(size))):
        theirs = oracle.prove_inclusion(index + 1, size)
        if (leaves[index], *path) != tuple(theirs.path) or not includes(leaf=leaves[index], index=index, size=size, proof=path, root=root):
            yield Problem(Kind.WRONG, f"the proof that {index} is in it differs")
    # Theirs takes the newer part to single leaves, so the paths cannot be compared; that each convinces the other can.
    for earlier in range(1, size + 1, 1 if size < 100 else 37):
        before = root_of(leaves[:earlier])
        oracle.prove_consistency(earlier, size).verify(before, root)
        if not extends(
            earlier=earlier, earlier_root=oracle.get_root(earlier), size=size, root=root, proof=consistency_proof(leaves, earlier)
        ):
            yield Problem(Kind.WRONG, f"the proof that it goes on from {earlier} does not convince")


ROWS = (
    Row(
        id="L-04",
        title="somebody with the books and the signing key rewrites what happened",
        ci=21,
        points=lambda random: sample(random, [f"{how}.{own}" for how in REWRITINGS for own in ("gone", "forged", "kept")]),
        attempt=_rewritten,
    ),
    Row(id="L-05", title="made-up proofs and checkpoints", ci=60, points=_liars, attempt=_lied),
    Row(
        id="L-06",
        title="our Merkle tree beside another one, every proof of every size",
        ci=12,
        points=lambda random: sample(random, [str(size) for size in range(_LARGEST + 1)]),
        attempt=_compared,
        missing=lambda: None if importlib.util.find_spec("pymerkle") else "pymerkle is not installed: pip install -e '.[dev]'",
    ),
)


def _forgetful_signer() -> AbstractContextManager[Any]:
    """The signer goes on from whatever it finds."""
    return patch.object(signer, "_read", lambda _file: None)


def _trusting_witness() -> AbstractContextManager[Any]:
    """The witness does not check that the log goes on from what it saw."""
    return patch.object(witness, "extends", lambda **_: True)


def _deaf_to_the_witness() -> AbstractContextManager[Any]:
    """Nobody asks the witness before signing."""
    return patch.object(Proving, "_require_what_the_witness_saw", lambda _self, *, beyond: None)


def _surplus_nodes() -> AbstractContextManager[Any]:
    """A proof may be longer than it has to be."""

    def wrong(*, proof: Sequence[bytes], size: int, index: int, **rest: Any) -> bool:
        return any(includes(proof=proof[:end], size=size, index=index, **rest) for end in range(len(proof) + 1))

    return patch.object(merkle, "includes", wrong)


def _lax_base64() -> AbstractContextManager[Any]:
    """Bits to spare at the end of a base64 text are passed over."""
    import base64

    return patch.object(note, "from_base64", base64.b64decode)


def _unhashed_sides() -> AbstractContextManager[Any]:
    """A tree that hashes its nodes as it does its leaves."""
    return patch.object(merkle, "node", lambda left, right: hashlib.sha256(b"\x00" + left + right).digest())


def _bug(plant: Callable[[], AbstractContextManager[Any]], row: str, points: Sequence[str] | int) -> Bug:
    name = plant.__name__.strip("_").replace("_", "-")
    return Bug(name, (plant.__doc__ or "").strip(), plant, row, points)


BUGS = (
    _bug(_forgetful_signer, "L-04", ("cut-half.kept",)),
    _bug(_trusting_witness, "L-04", ("cut-and-longer.forged", "gone-on-from-the-founding.forged")),
    _bug(_deaf_to_the_witness, "L-04", ("cut-half.gone",)),
    _bug(_surplus_nodes, "L-05", 60),
    _bug(_lax_base64, "L-05", [f"note.length.{number}" for number in range(3)]),
    _bug(_unhashed_sides, "L-06", ("7",)),
)
