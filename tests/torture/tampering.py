"""C-04 and C-05: what is presented, and what is stored, altered by a bit, a byte or a field.

A yes presents a draft's id and the hash of its terms; what a device signs beside them is in `signed`. What the hash protects lies in the books: an
altered draft may be refused, and may be carried out only where its terms are still, to the byte, the ones that were confirmed.
"""

from __future__ import annotations

import functools
import json
import shutil
import sqlite3
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

from pydantic import BaseModel

from halo_engine.model.draft import Charge, Draft, Terms
from halo_engine.model.errors import TermsChanged
from halo_engine.model.execution import Execution, ExecutionStatus
from halo_engine.model.money import Money
from halo_engine.store.values import to_json
from tests.installation import Installation
from tests.torture import postgres
from tests.torture.harness import Kind, Problem, Row, sample
from tests.torture.jobs import JOBS, drafted, reopen
from tests.torture.model import told

_DAMAGED = {"store_damaged", "store_failed"}


# C-04: what is presented


def _flips(text: str, position: int) -> list[str]:
    """`text` with each of the eight bits of one of its bytes flipped."""
    return [text[:position] + chr(ord(text[position]) ^ (1 << bit)) + text[position + 1 :] for bit in range(8)]


#: Written like a hexadecimal digit, and none: full width, mathematical, Cyrillic, Greek, Arabic and a ligature.
_ALIKE = {"0": "0٠𝟎OоО", "1": "1١𝟏lI", "a": "aаα𝐚", "b": "bЬ𝐛", "c": "cсⅽ𝐜", "d": "dԁⅾ𝐝", "e": "eеℯ𝐞", "f": "fff𝐟"}
_AROUND = ("\x00", " ", "\n", "\r\n", "\t", "\u200b", "\u2060", "\ufeff", "\u0301", "\u202e", "0", "a", "'", '"', "%", "\ud800", "\udcff")

Shape = Callable[[str], Sequence[str]]

#: Other ways to write a hash or an id, by name.
SHAPES: Mapping[str, Shape] = {
    "case": lambda it: [*(it[:n] + c.upper() + it[n + 1 :] for n, c in enumerate(it)), it.upper(), it.title(), it.swapcase()],
    "cut": lambda it: [*(it[:n] for n in range(len(it))), *(it[n:] for n in range(1, len(it)))],
    "longer": lambda it: [*(it + each for each in _AROUND), *(each + it for each in _AROUND), it + it, it * 100, it + "0" * 10**6],
    "inside": lambda it: [it[: len(it) // 2] + each + it[len(it) // 2 :] for each in _AROUND],
    "instead": lambda it: [it[:-1] + each for each in _AROUND],
    "alike": lambda it: [it.replace(c, other, 1) for c, others in _ALIKE.items() for other in others],
    "nothing": lambda it: ["", " ", "\x00", "None", "null", "0" * len(it), "*", "%", "_" * len(it), "' OR '1'='1", "\ud800"],
    "reversed": lambda it: [it[::-1], it[1:] + it[:1], f"0x{it}", f"sha256:{it}", f"{it}/../{it}", json.dumps(it), repr(it.encode())],
}


def _presented(random: Random) -> list[str]:
    card = drafted("order").card
    hashes = [f"hash.{n}" for n in range(len(str(card.draft_hash)))]
    ids = [f"id.{n}" for n in range(len(str(card.draft_id)))]
    books = ["sqlite"] if postgres.missing() else ["sqlite", "postgres"]
    # Only what a database might see in another way is worth another database.
    on_both = {"longer", "inside", "instead", "alike", "nothing"}
    shapes = [
        f"shape.{what}.{name}.{kind}" for what, name, kind in product(("hash", "id"), SHAPES, books) if kind == "sqlite" or name in on_both
    ]
    bits = [(job, bit) for job in JOBS for bit in range(8 * len(_stored(job)))]
    stored = [f"stored.{job}.{when}.{bit}" for (job, bit), when in product(bits, ("shown", "confirmed"))]
    # Every way to present it first, since they are few; then of the many bits that are stored.
    return [*sample(random, shapes), *sample(random, [*hashes, *ids]), *sample(random, stored)]


def _flipped(point: str, place: Path) -> Iterator[Problem]:
    kind, *rest = point.split(".")
    if kind == "stored":
        yield from _stored_flipped(rest[0], rest[1], int(rest[2]), place)
        return
    with _home(rest[2] if kind == "shape" else "sqlite", place) as home:
        what = rest[0] if kind == "shape" else kind
        right = _right(home)
        change: Shape = SHAPES[rest[1]] if kind == "shape" else functools.partial(_flips, position=int(rest[0]))
        for wrong in change(right[what]):
            if wrong != right[what]:
                yield from _refused(home, {**right, what: wrong}, "terms_changed" if what == "hash" else "not_found")
        # The row could not fail if the right one were refused too.
        code, said = told(lambda: home.engine.confirm(right["id"], draft_hash=right["hash"], member="Alex"))
        if code != "ok" or not isinstance(said, Execution):
            yield Problem(Kind.WRONG, f"the exact hash was answered with {code}")


def _right(home: Installation) -> dict[str, str]:
    with home.queries() as queries:
        (draft,) = queries.waiting()
    return {"id": draft.id, "hash": draft.draft_hash}


def _refused(home: Installation, said: Mapping[str, str], expected: str) -> Iterator[Problem]:
    shown = ascii(said["hash" if expected == "terms_changed" else "id"])[:80]
    try:
        code, _ = told(lambda: home.engine.confirm(said["id"], draft_hash=said["hash"], member="Alex"))
    except Exception as error:  # noqa: BLE001 - that it is one is the finding
        yield Problem(Kind.WRONG, f"{shown} was answered with a traceback: {type(error).__name__}: {error}"[:300])
        return
    if code == "ok":
        yield Problem(Kind.DOUBLE, f"{shown} was taken for a yes")
    elif code != expected:
        yield Problem(Kind.WRONG, f"{shown} was answered with {code} instead of {expected}")


class _home:  # noqa: N801 - a context manager, used as a function
    """A home with one draft that waits, on either kind of books."""

    def __init__(self, books: str, place: Path) -> None:
        self._url = postgres.fresh_database(like=_on_postgres()[1]) if books == "postgres" else None
        source = _on_postgres()[0] if self._url else drafted("order").home
        shutil.copytree(source, place / "home")
        given: dict[str, Any] = {"database_url": self._url} if self._url else {}
        self._home = reopen(place / "home", **given)

    def __enter__(self) -> Installation:
        return self._home

    def __exit__(self, *_: object) -> None:
        self._home.engine.close()
        if self._url:
            postgres.drop_database(self._url)


@functools.cache
def _on_postgres() -> tuple[Path, str]:
    import tempfile

    url = postgres.fresh_database()
    home = Path(tempfile.mkdtemp(prefix="halo-draft-postgres-")) / "home"
    installation = Installation.open(home, database_url=url)
    installation.ask(JOBS["order"])
    installation.engine.close()
    return home, url


# C-04: what is stored


@functools.cache
def _stored(job: str) -> bytes:
    """The draft as it lies in the books."""
    with closing(sqlite3.connect(drafted(job).home / "halo.db")) as books:
        text: str = books.execute("SELECT draft_payload_json FROM draft").fetchone()[0]
    return text.encode()


def _stored_flipped(job: str, when: str, bit: int, place: Path) -> Iterator[Problem]:
    """One bit, flipped before the yes or after it."""
    altered = bytearray(_stored(job))
    altered[bit // 8] ^= 1 << (bit % 8)
    home = drafted(job).copy(place)
    yield from _altered(home, job, when, lambda: _write(home, bytes(altered)))
    home.engine.close()


def _altered(home: Installation, job: str, when: str, alter: Callable[[], None]) -> Iterator[Problem]:
    """Alter what is stored before or after the yes: it is refused, or the very terms that were confirmed are carried out."""
    card = drafted(job).card
    if when == "shown":
        alter()
    code, said = _or_traceback(lambda: home.confirm(card, member="Alex"))
    if when == "confirmed" and isinstance(said, Execution):
        alter()
    if isinstance(said, Execution):
        execution_id = said.id
        code, said = _or_traceback(lambda: home.engine.execute(execution_id, wait_s=600))
    done = [entry for entry in home.ledger() if entry.kind in ("order", "booking", "cancellation")]
    if code.startswith("traceback"):
        yield Problem(Kind.WRONG, code)
    if done and not _means_the_same(home, job):
        yield Problem(Kind.DOUBLE, f"altered terms were carried out: {done[0].reference}")
    if code == "ok" and isinstance(said, Execution) and said.status is ExecutionStatus.DONE and not done:
        yield Problem(Kind.LOST, "done in the books, and at the vendor's not")
    if code != "ok" and done:
        yield Problem(Kind.LOST, f"{code}, and yet it was done")
    if code != "ok" and code not in {*_DAMAGED, "not_found"}:
        yield Problem(Kind.WRONG, f"altered terms were answered with {code}")


def _or_traceback(call: Callable[[], Any]) -> tuple[str, Any]:
    try:
        return told(call)
    except Exception as error:  # noqa: BLE001 - that it is one is the finding
        return f"traceback: {type(error).__name__}: {error}"[:300], error


def _means_the_same(home: Installation, job: str) -> bool:
    """Whether the terms in the books are still the ones that were shown."""
    with closing(sqlite3.connect(home.settings.database_file)) as books:
        text: bytes = books.execute("SELECT CAST(draft_payload_json AS BLOB) FROM draft ORDER BY created_at").fetchone()[0]
    try:
        now = Terms.model_validate(json.loads(text)["terms"])
    except ValueError:
        return False
    return now == Terms.model_validate(json.loads(_stored(job))["terms"])


def _write(home: Installation, text: bytes, draft_hash: str | None = None) -> None:
    """As somebody would who can write to the database file: what lies there is text, though it need not be UTF-8."""
    with closing(sqlite3.connect(home.settings.database_file)) as books, books:
        books.execute("UPDATE draft SET draft_payload_json = CAST(? AS TEXT)", (text,))
        if draft_hash:
            books.execute("UPDATE draft SET draft_hash = ?", (draft_hash,))


# C-05: every field of the terms


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of everything in `value` that has no parts; an empty list or object is one."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    below = [leaf for name, part in parts for leaf in leaves(part, (*path, name))]
    yield from below or [path]


def paths(job: str) -> tuple[tuple[Any, ...], ...]:
    """Everything that can be changed in the terms of `job`: what is there, and every field of `Terms` that is not."""
    terms = json.loads(_stored(job))["terms"]
    return tuple(dict.fromkeys([*leaves(terms), *((name,) for name in Terms.model_fields)]))


def changed(value: Any, annotation: Any = None) -> Any:
    """Another value of the same kind."""
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case str():
            # One digit up where it ends in one, so that a time stays a time and a currency three letters.
            return f"{value[:-2]}0Z" if value.endswith("1Z") else f"{value[:-2]}1Z" if _is_time(value) else _another(value)
        case list():
            return [*value, value[0] if value else blank(typing.get_args(annotation)[0])]
        case dict():
            return {**value, "more": "x"}
        case _:
            return "x"


def _is_time(value: str) -> bool:
    return len(value) == 20 and value[10] == "T" and value.endswith("Z")


def _another(value: str) -> str:
    return value[:-1] + ("A" if not value.endswith("A") else "B") if value.isupper() else f"{value}x"


def blank(annotation: Any) -> Any:
    """The least value of a field's type, as JSON."""
    if isinstance(annotation, type) and issubclass(annotation, Money):
        return {"cents": 0, "currency": "USD"}
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {name: blank(field.annotation) for name, field in annotation.model_fields.items()}
    if typing.get_origin(annotation) in (types.UnionType, typing.Union, typing.Annotated):
        return blank(typing.get_args(annotation)[0])
    return {int: 1, bool: True}.get(annotation, "x")


def _with(terms: Any, path: tuple[Any, ...]) -> Any:
    """`terms` (as JSON) with what is at `path` changed."""
    other = json.loads(json.dumps(terms))
    *way, last = path
    place = functools.reduce(lambda part, name: part[name], way, other)
    place[last] = changed(place.get(last) if isinstance(place, dict) else place[last], _annotation(path))
    return other


def _annotation(path: tuple[Any, ...]) -> Any:
    return Terms.model_fields[path[0]].annotation if len(path) == 1 else None


#: Renewed with every revision, and nothing that a person would have to be told.
_ONLY_TIME = {"expires_at", "nonce"}

#: How the terms come to be others: a true revision; the row altered, before the yes and after; the row altered with a hash that fits.
_WAYS = ("revised", "altered", "altered-late", "forged", "forged-late")


def _fields(random: Random) -> list[str]:
    points = [f"{job}.{way}.{number}" for job in JOBS for way in _WAYS for number in range(len(paths(job)))]
    chance = sample(random, points)
    # One of every field in every way, then the rest: what is tried on every commit leaves no field out.
    first = {(paths(job)[int(number)][0], way): f"{job}.{way}.{number}" for job, way, number in (point.split(".") for point in chance)}
    return list(dict.fromkeys([*first.values(), *chance]))


def _field_changed(point: str, place: Path) -> Iterator[Problem]:
    job, way, number = point.split(".")
    path = paths(job)[int(number)]
    home = drafted(job).copy(place)
    problems = _revised(home, job, path) if way == "revised" else _tampered(home, job, path, way)
    name = ".".join(map(str, path))
    yield from (Problem(problem.kind, f"{name}: {problem.what}") for problem in problems)
    done = [entry for entry in home.ledger() if entry.kind in ("order", "booking", "cancellation")]
    if done:
        yield Problem(Kind.DOUBLE, f"{name} was changed, and {done[0].reference} was done")
    home.engine.close()


def _revised(home: Installation, job: str, path: tuple[Any, ...]) -> Iterator[Problem]:
    """Another revision is written, as Modify writes it: who confirms the one that was shown is shown the one that stands."""
    after = _revision(job, path)
    if after is None:
        # Bookkeeping that another revision cannot have otherwise: then there is none to write.
        return
    with home.engine._store.transaction() as books:
        before = books.drafts.get(after.household_id, after.id)
        books.drafts.revise(before, after, now=books.now)
    code, said = _or_traceback(lambda: home.confirm(drafted(job).card, member="Alex"))
    if code != "terms_changed" or not isinstance(said, TermsChanged):
        yield Problem(Kind.DOUBLE if code == "ok" else Kind.WRONG, f"answered with {code} instead of the draft that stands now")
    elif said.current.draft_hash != after.draft_hash or not (said.current.changes or path[0] in _ONLY_TIME):
        yield Problem(Kind.WRONG, "the refusal does not show the draft that stands now, or not what differs")
    code, _ = _or_traceback(lambda: home.engine.confirm(after.id, draft_hash=after.draft_hash, member="Alex"))
    if code not in ("ok", "draft_expired", "not_authorised"):
        yield Problem(Kind.WRONG, f"the draft that stands now was answered with {code}")


def _revision(job: str, path: tuple[Any, ...]) -> Draft | None:
    """The draft of `job` in a second revision with that field changed, and its amounts made to add up again."""
    stored = json.loads(_stored(job))
    if path[0] in ("purpose", "household_id", "draft_id", "revision"):
        return None
    terms = _with(stored["terms"], path)
    terms["revision"] += 1
    try:
        draft = Draft.model_validate({**stored, "terms": _added_up(terms, path), "status": "open"})
    except ValueError:
        # A value that no terms can have is no revision; as an altered row it is tried all the same.
        return None
    return draft


def _added_up(terms: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    currency = terms["total"]["currency"]
    parts = [line["unit_price"]["cents"] * line["quantity"] for line in terms["lines"]]
    parts += [charge["amount"]["cents"] for charge in terms["charges"]]
    if path[0] == "total":
        missing = terms["total"]["cents"] - sum(parts)
        terms["charges"].append(Charge(label="more", amount=Money(cents=missing, currency=currency)).model_dump(mode="json"))
    elif path[0] != "maximum":
        terms["total"]["cents"] = sum(parts)
    terms["maximum"]["cents"] = max(terms["maximum"]["cents"], terms["total"]["cents"])
    return terms


def _tampered(home: Installation, job: str, path: tuple[Any, ...], way: str) -> Iterator[Problem]:
    """The row itself is altered, by somebody who can write to the database file."""
    stored = json.loads(_stored(job))
    altered = {**stored, "terms": _with(stored["terms"], path)}
    forged = _hash(altered) if way.startswith("forged") else None
    when = "confirmed" if way.endswith("late") else "shown"
    if when == "confirmed":
        execution = home.confirm(drafted(job).card, member="Alex")
    _write(home, to_json(altered).encode(), forged)
    if when == "confirmed":
        code, _ = _or_traceback(lambda: home.engine.execute(execution.id, wait_s=600))
        expected = {"store_damaged"}
    else:
        code, _ = _or_traceback(lambda: home.confirm(drafted(job).card, member="Alex"))
        # With a hash that fits, it is another draft than the one that was shown.
        expected = {"store_damaged", "terms_changed", "not_found"} if forged else {"store_damaged"}
    if code not in expected:
        yield Problem(Kind.DOUBLE if code == "ok" else Kind.WRONG, f"{way} was answered with {code}")


def _hash(altered: Mapping[str, Any]) -> str:
    try:
        return Draft.model_validate({**altered, "status": "open"}).draft_hash
    except ValueError:
        return "0" * 64


ROWS = (
    Row(id="C-04", title="every bit of what is presented, and of what is stored", ci=220, points=_presented, attempt=_flipped),
    Row(id="C-05", title="every field of the terms changed after it was shown", ci=160, points=_fields, attempt=_field_changed),
)
