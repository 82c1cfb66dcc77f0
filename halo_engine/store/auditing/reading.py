"""One whole reading of a log: its links in one pass, its promises and what it rebuilds in another.

The two are apart because a long log is read by two processes at once; for a short one that would take longer than it saves.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from halo_engine.store.auditing.books import openings_that_differ, revisions_that_differ
from halo_engine.store.auditing.entries import Entry
from halo_engine.store.auditing.links import Link, Links, Problem, links
from halo_engine.store.auditing.promises import NO_RECEIPT, Check, Promises
from halo_engine.store.auditing.rebuilt import Rebuilt, Teller
from halo_engine.store.reader import Reader

#: From here on another process, which takes a third of a second to start, is worth it.
_LONG = 30_000
#: Of a log that is broken everywhere, the rest says nothing new.
_MOST_PROBLEMS = 1000


class LinksRead(NamedTuple):
    """What the chain came to. `roots` are those it had at the sizes that were asked for, as far as it ever was as long."""

    size: int
    head: str
    root: bytes
    problems: tuple[Problem, ...]
    roots: tuple[tuple[int, bytes], ...]
    #: Where what the log commits to, such as words or a draft, is something else in the books.
    beside: tuple[str, ...] = ()


class Books(NamedTuple):
    """Where the log lies, for a process that has to open it by itself."""

    database_file: Path
    database_url: str | None
    household_id: str
    is_lenient: bool = False


def read_links(log: Iterable[Link], *, sizes: Iterable[int] = ()) -> LinksRead:
    """Check every link of `log`, which begins with its first event."""
    so_far, wanted = Links(), frozenset(sizes)
    problems: list[Problem] = []
    roots: list[tuple[int, bytes]] = []
    for link in log:
        problems += so_far.check(link)
        if wanted and so_far.size in wanted:
            roots.append((so_far.size, so_far.root))
        if len(problems) > _MOST_PROBLEMS:
            break
    return LinksRead(so_far.size, so_far.head, so_far.root, tuple(problems), tuple(roots))


class Story:
    """What a log tells, as far as it was read."""

    def __init__(self) -> None:
        self.promises = Promises()
        self.rebuilt = Rebuilt()
        self._known: dict[str, tuple[Check | None, Teller | None]] = {}

    def _handlers(self, kind: str) -> tuple[Check | None, Teller | None]:
        """What an event of this type is held against, and what it changes: looked up once for a million."""
        return self._known.setdefault(kind, (self.promises.of(kind), self.rebuilt.of(kind)))

    def tell(self, entry: Entry) -> tuple[str, ...]:
        """What is wrong with what the next event tells."""
        kind = entry.event_type
        try:
            check, teller = self._known.get(kind) or self._handlers(kind)
            if check is None and teller is None:
                return ()
            payload = entry.payload()
        except (AttributeError, TypeError, ValueError):
            return (f"event {entry.seq} ({entry.id}): it cannot be read",)
        problems = self.promises.held(check, entry, payload) if check else ()
        try:
            if teller:
                teller(entry, payload)
        except (AttributeError, TypeError, ValueError, LookupError):
            return (*problems, f"event {entry.seq} ({entry.id}): nothing can be rebuilt from it")
        return problems


def read_story(log: Iterable[Entry]) -> tuple[Story, tuple[Problem, ...]]:
    """Hold `log`, which begins with its first event, against the promises."""
    story, problems = Story(), list[Problem]()
    for entry in log:
        if broken := story.tell(entry):
            problems += [Problem(_number(entry), words) for words in broken]
            if len(problems) > _MOST_PROBLEMS:
                break
    problems += [Problem(seq, words) for seq, words in story.promises.left_open()]
    return story, tuple(problems)


def before_the_break(told: Iterable[Problem], read: LinksRead) -> tuple[Problem, ...]:
    """What a story breaks where its log is whole. From the first broken link on, a promise may only seem broken: an event that keeps it is gone."""
    if not read.problems:
        return tuple(told)
    first = min(problem.seq for problem in read.problems)
    return tuple(problem for problem in told if problem.seq < first and not problem.words.endswith(NO_RECEIPT))


def _number(entry: Entry) -> int:
    return entry.seq if type(entry.seq) is int else 0


@contextmanager
def many_at_once() -> Iterator[None]:
    """For a block that makes millions of values and no circles: looking for circles among them over and over would take longer than the work."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def links_of(books: Books, *, length: int, sizes: tuple[int, ...]) -> Iterator[Future[LinksRead]]:
    """The links of the first `length` events, read while the caller does something else."""
    if length < _LONG:
        now: Future[LinksRead] = Future()
        now.set_result(_links_of(books, length, sizes))
        yield now
        return
    # Not forked: the caller may have threads, and locks that nobody would ever open again.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield pool.submit(_links_of, books, length, sizes)


def _links_of(books: Books, length: int, sizes: tuple[int, ...]) -> LinksRead:
    reader = Reader.open(database_file=books.database_file, database_url=books.database_url)
    if books.is_lenient:
        reader.be_lenient()
    try:
        with reader.snapshot(), many_at_once():
            read = read_links(links(reader, books.household_id, until=length), sizes=sizes)
            committed = (check(reader, books.household_id) for check in (revisions_that_differ, openings_that_differ))
            return read._replace(beside=tuple(chain.from_iterable(committed)))
    finally:
        reader.close()
