"""L-01 and L-02: the log altered by a bit, or by an event that is taken away, put in, doubled or moved; in an export, and in the books themselves.

A line of an export is held against the two after it, as `halo audit check` holds it; whole files, and the command itself, are tried at some points.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, redirect_stderr, redirect_stdout
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from halo_cli.main import run
from halo_engine.export import checking, reading
from halo_engine.export.checking import Chain, check_export
from halo_engine.export.lines import FORMAT
from halo_engine.export.reading import Leaf, read_line
from halo_engine.model.canonical import canonical_json
from halo_engine.model.merkle import Tree
from halo_engine.model.note import Checkpoint
from halo_engine.store.auditing.links import Links
from tests.torture.harness import Bug, Kind, Problem, Row, sample
from tests.torture.jobs import reopen
from tests.torture.log_home import Log, forked, log, named

_BITS = range(8)


# L-01


def _bits(random: Random) -> Iterator[str]:
    """Every bit of every line, whole files and the command among them. The first ones have each kind of event in them, and the last line."""
    told = log()
    lines = [f"line-{number}-{bit}" for number in range(1, len(told.lines) + 1) for bit in _BITS]
    chance = sample(random, lines)
    kinds = {(_kind(told, point), point[-1]): point for point in chance}
    whole = [f"whole-{random.randrange(len(told.export))}-{random.randrange(8)}" for _ in range(200)]
    command = [f"command-{random.randrange(len(told.export))}-{random.randrange(8)}" for _ in range(4)]
    yield from dict.fromkeys([*kinds.values(), *whole, *command, *chance])


def _kind(told: Log, point: str) -> str:
    line = told.reads[int(point.split("-")[1]) - 1]
    return line.entry.event_type if isinstance(line, Leaf) else "the last line"


def _bit(point: str, place: Path) -> Iterator[Problem]:
    how, where, bit = point.split("-")
    told, mask = log(), 1 << int(bit)
    if how == "line":
        yield from _line_flipped(told, int(where), mask)
        return
    at = int(where)
    flipped = told.export[:at] + bytes([told.export[at] ^ mask]) + told.export[at + 1 :]
    found = _by_command(flipped, place) if how == "command" else _by_check(flipped)
    yield from _named_rightly(told, found, told.export.count(b"\n", 0, at) + 1, f"bit {bit} of byte {at}")


def _line_flipped(told: Log, number: int, mask: int) -> Iterator[Problem]:
    line = told.lines[number - 1]
    for at, byte in enumerate(line):
        changed = line[:at] + bytes([byte ^ mask]) + line[at + 1 :]
        found = told.first_bad(number, [changed], instead_of=1)
        yield from _named_rightly(told, found, number, f"{mask:#04x} at {at} of line {number}")


def _named_rightly(told: Log, found: int | None, line: int, where: str) -> Iterator[Problem]:
    if found == 0:
        yield Problem(Kind.UNPROVED, f"{where} was flipped, and nobody noticed")
    # The last line is no event: where it cannot be read, there may be one more.
    elif found not in ({line} if line <= told.events else {None, line}):
        yield Problem(Kind.WRONG, f"{where} was flipped, and event {found} was named")


def _by_check(export: bytes) -> int | None:
    verdict = check_export(io.BytesIO(export))
    return 0 if verdict.ok else verdict.first_bad


def _by_command(export: bytes, place: Path) -> int | None:
    file, said = place / "export.ndjson", io.StringIO()
    file.write_bytes(export)
    with redirect_stdout(said), redirect_stderr(io.StringIO()):
        code = run(["audit", "check", str(file), "--json"])
    found: int | None = json.loads(said.getvalue())["first_bad"]
    return found if code == 1 else 0


# L-02


def _other(line: bytes, **fields: Any) -> bytes:
    """The same event with other contents, in canonical form."""
    return canonical_json(json.loads(line) | fields) + b"\n"


def _forged(line: bytes) -> bytes:
    return _other(line, id="evt_forged", user_id="usr_nobody")


#: What is done to event n, and the event before and after it: the lines instead, and instead of how many.
_IN_EXPORT: dict[str, Callable[[Log, int], tuple[list[bytes], int]]] = {
    "delete": lambda told, n: ([], 1),
    "double": lambda told, n: ([told.lines[n - 1]] * 2, 1),
    "insert": lambda told, n: ([_forged(told.lines[n - 1]), told.lines[n - 1]], 1),
    "replace": lambda told, n: ([_forged(told.lines[n - 1])], 1),
    "swap": lambda told, n: ([told.lines[n], told.lines[n - 1]], 2) if n < told.events else ([told.lines[n - 2]], 1),
}

#: The same in the books, where numbers are unique. What follows is renumbered where there would be two, or a gap.
_IN_BOOKS = ("delete", "close", "insert", "double", "swap", "replace", "rehash")


def _alterations(random: Random) -> list[str]:
    told = log()
    numbers = range(1, told.events + 1)
    quick = [f"{how}-{n}" for how in (*_IN_EXPORT, "cut") for n in numbers]
    # Ends are where it is different.
    slow = [f"{how}-{n}" for how in map("books.{}".format, _IN_BOOKS) for n in numbers]
    ends = [f"{how}-{n}" for how in (*_IN_EXPORT, "cut", *map("books.{}".format, _IN_BOOKS)) for n in (1, 2, told.events - 1, told.events)]
    forks = [f"{how}-{n}" for how in ("fork", "command") for n in numbers]
    chance = sample(random, [*ends, *sample(random, slow)[:60], *sample(random, forks)[:30]])
    return list(dict.fromkeys([*chance, *sample(random, quick), *slow, *forks]))


def _altered(point: str, place: Path) -> Iterator[Problem]:
    how, number = point.split("-")
    told, n = log(), int(number)
    if how.startswith("books."):
        yield from _books_altered(told, how.removeprefix("books."), n, place)
    elif how == "cut":
        yield from _cut(told, n)
    elif how == "fork":
        yield from _forked(told, n)
    elif how == "command":
        at = sum(map(len, told.lines[: n - 1]))
        yield from _expected(_by_command(told.export[:at] + told.export[at + len(told.lines[n - 1]) :], place), {n}, f"event {n} deleted")
    elif point == "delete-1":
        # Without it the rest is an excerpt, until its last line says otherwise.
        yield from _expected(_by_check(told.export[len(told.lines[0]) :]), {1}, point)
    else:
        changed, instead_of = _IN_EXPORT[how](told, n)
        if how == "swap" and n == told.events:
            n -= 1
            changed, instead_of = _IN_EXPORT[how](told, n)
        yield from _expected(told.first_bad(n, changed, instead_of=instead_of), {n}, f"{how} of event {n}")


def _expected(found: int | None, right: set[int | None], what: str) -> Iterator[Problem]:
    if found == 0:
        yield Problem(Kind.UNPROVED, f"{what}, and nobody noticed")
    elif found not in right:
        yield Problem(Kind.WRONG, f"{what}, and event {found} was named")


def _cut(told: Log, number: int) -> Iterator[Problem]:
    """The file ends after each byte of a line but its last one; the last line's end is the end of the whole."""
    line = told.lines[number - 1]
    for length in range(len(line)):
        chain = forked(told.before[number - 1])
        if length:
            chain.take(read_line(line[:length]))
        chain.end()
        right: set[int | None] = {number} if number > 1 else {1, None}
        yield from _expected(named(chain), right, f"cut after {length} bytes of line {number}")


@functools.cache
def _remade(number: int) -> bytes:
    """An export that somebody made anew from event `number` on: each link, the root, and the last line are right."""
    told = log()
    lines, tree, head = list(told.lines[: number - 1]), forked(told.before[number - 1]).tree, told.before[number - 1].head
    for line in told.lines[number - 1 : -1]:
        changed = {"user_id": "usr_nobody"} if len(lines) == number - 1 else {}
        lines.append(_other(line, prev_hash=head, **changed))
        digest = hashlib.sha256(b"\x00" + lines[-1][:-1]).digest()
        tree.append(digest)
        head = digest.hex()
    last = {"count": tree.size, "export": FORMAT, "first": 1, "head": head, "root": tree.root.hex()}
    return b"".join(lines) + canonical_json(last) + b"\n"


def _forked(told: Log, number: int) -> Iterator[Problem]:
    """Only somebody who remembers can tell, and tells it whenever the change is in what they remember."""
    household = told.leaf(1).entry.household_id
    for size in {number, told.events}:
        tree = Tree(told.leaf(n).digest for n in range(1, size + 1))
        checkpoint = Checkpoint(origin=f"halo.local/{household}", size=size, root=tree.root)
        if not check_export(io.BytesIO(told.export), checkpoint).ok:
            yield Problem(Kind.WRONG, f"the true log was not taken for one that goes on from {size} events")
        if check_export(io.BytesIO(_remade(number)), checkpoint).ok:
            yield Problem(Kind.UNPROVED, f"made anew from event {number} on, and taken for the log that had {size} events")


# in the books


def _books_altered(told: Log, how: str, number: int, place: Path) -> Iterator[Problem]:
    """Past the triggers, as whoever has the file does it; `verify` names the first event that is not what it was."""
    if how in ("swap", "delete", "close") and number == told.events:
        # The end of a log is a witness's to miss.
        number -= 1
    shutil.copytree(told.home, place / "home")
    home = reopen(place / "home")
    try:
        with closing(sqlite3.connect(home.settings.database_file, isolation_level=None)) as books:
            for change in ("update", "delete"):
                books.execute(f"DROP TRIGGER event_log_refuses_{change}")
            _ALTER[how](books, number)
        verified = home.verify()
        # What was deleted cannot be shown; and what fits its own hash shows only where the next one does not follow.
        right: set[int | None] = {number, number + 1} if how in ("double", "rehash", "delete") else {number}
        yield from _expected(0 if verified.ok else verified.first_bad, right, f"{how} of event {number} in the books")
    finally:
        home.engine.close()


def _renumbered(books: sqlite3.Connection, above: int, by: int) -> None:
    # By way of negative ones, because they are unique at every moment.
    books.execute("UPDATE event_log SET seq = -(seq + ?) WHERE seq > ?", (by, above))
    books.execute("UPDATE event_log SET seq = -seq WHERE seq < 0")


def _inserted(books: sqlite3.Connection, number: int, *, copy_of: int, user: str | None) -> None:
    columns = [row[1] for row in books.execute("PRAGMA table_info(event_log)")]
    chosen = ", ".join({"id": "'evt_forged'", "seq": str(number), "user_id": "COALESCE(?, user_id)"}.get(name, name) for name in columns)
    books.execute(f"INSERT INTO event_log ({', '.join(columns)}) SELECT {chosen} FROM event_log WHERE seq = ?", (user, copy_of))


def _insert(books: sqlite3.Connection, number: int) -> None:
    _renumbered(books, number - 1, 1)
    _inserted(books, number, copy_of=number + 1, user="usr_nobody")


def _double(books: sqlite3.Connection, number: int) -> None:
    _renumbered(books, number, 1)
    _inserted(books, number + 1, copy_of=number, user=None)


def _swap(books: sqlite3.Connection, number: int) -> None:
    books.execute("UPDATE event_log SET seq = -seq WHERE seq IN (?, ?)", (number, number + 1))
    books.execute("UPDATE event_log SET seq = ? WHERE seq = ?", (number + 1, -number))
    books.execute("UPDATE event_log SET seq = ? WHERE seq = ?", (number, -number - 1))


def _delete(books: sqlite3.Connection, number: int) -> None:
    books.execute("DELETE FROM event_opening WHERE event_id IN (SELECT id FROM event_log WHERE seq = ?)", (number,))
    books.execute("DELETE FROM event_log WHERE seq = ?", (number,))


def _close(books: sqlite3.Connection, number: int) -> None:
    _delete(books, number)
    _renumbered(books, number, -1)


def _replace(books: sqlite3.Connection, number: int) -> None:
    books.execute("UPDATE event_log SET user_id = 'usr_nobody' WHERE seq = ?", (number,))


def _rehash(books: sqlite3.Connection, number: int) -> None:
    """The event's own hash fits again: it is the next one that does not follow. Only the newest event's has nobody to miss it but a witness."""
    number = min(number, log().events - 1)
    forged = hashlib.sha256(b"\x00" + _forged(log().lines[number - 1])[:-1]).hexdigest()
    books.execute("UPDATE event_log SET user_id = 'usr_nobody', id = 'evt_forged', hash = ? WHERE seq = ?", (forged, number))


_ALTER: dict[str, Callable[[sqlite3.Connection, int], None]] = {
    "delete": _delete,
    "close": _close,
    "insert": _insert,
    "double": _double,
    "swap": _swap,
    "replace": _replace,
    "rehash": _rehash,
}


# Bugs that the rows must catch.


def _links_not_compared() -> Any:
    return patch.object(Chain, "_link", lambda *_: None)


def _last_line_not_checked() -> Any:
    return patch.object(Chain, "_take_sum", lambda *_: None)


def _without_user(line: bytes) -> bytes:
    return re.sub(rb'"user_id":[^}]*', b"", line)


def _leaf_without_user() -> Any:
    """What the hash is taken of leaves out who acted: so two events that differ in nothing else have the same."""
    same = {_without_user(line[:-1]): leaf.digest for line, leaf in zip(log().lines, log().reads, strict=True) if isinstance(leaf, Leaf)}
    leaf_of = reading._leaf

    def wrong(value: dict[str, Any], text: bytes) -> Any:
        leaf = leaf_of(value, text)
        return leaf._replace(digest=same.get(_without_user(text), leaf.digest)) if isinstance(leaf, Leaf) else leaf

    return patch.object(reading, "_leaf", wrong)


def _end_not_missed() -> Any:
    return patch.object(Chain, "end", lambda *_: None)


def _checkpoint_not_compared() -> Any:
    return patch.object(checking._Signed, "compare", lambda *_: iter(()))


def _books_without_links() -> Any:
    """Each row is held against its own hash, and none against the one before."""
    check = Links.check

    def wrong(links: Links, entry: Any) -> Any:
        links.head = entry.prev_hash
        return check(links, entry)

    return patch.object(Links, "check", wrong)


ROWS = (
    Row("L-01", "every bit of an export of 500 events", ci=700, points=_bits, attempt=_bit),
    Row(
        "L-02",
        "events deleted, doubled, put in, swapped and cut off, in an export and in the books; a log made anew",
        ci=600,
        points=_alterations,
        attempt=_altered,
    ),
)

BUGS = (
    Bug("links-not-compared", "No event is held against the one before it.", _links_not_compared, "L-01", 40),
    Bug("last-line-not-checked", "What the last line of an export says is not compared.", _last_line_not_checked, "L-01", ("line-502-0",)),
    Bug("leaf-without-user", "The hash of an event leaves out who acted.", _leaf_without_user, "L-01", ("line-2-0",)),
    Bug("end-not-missed", "An export that is cut off is taken for a whole one.", _end_not_missed, "L-02", ("cut-10",)),
    Bug("checkpoint-not-compared", "An export is not held against the checkpoint.", _checkpoint_not_compared, "L-02", ("fork-10",)),
    Bug("books-without-links", "A row of the log is held against its own hash only.", _books_without_links, "L-02", ("books.rehash-10",)),
)
