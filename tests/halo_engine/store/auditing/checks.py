"""A log of values held against the checks, which read rows."""

from __future__ import annotations

from collections.abc import Iterable

from halo_engine.model.event import Event
from halo_engine.store.auditing.entries import Entry
from halo_engine.store.auditing.links import Link
from halo_engine.store.auditing.promises import Promises
from halo_engine.store.auditing.reading import read_links


def broken_links(log: Iterable[Event]) -> list[str]:
    """What is wrong with the chain, first event first."""
    return [problem.words for problem in read_links(map(Link.of, map(Entry.of, log))).problems]


def broken_promises(log: Iterable[Event]) -> list[str]:
    """Where the log tells of something that must not happen, first event first."""
    promises = Promises()
    broken = [problem for event in log for problem in promises.check(Entry.of(event), event.payload)]
    return [*broken, *(words for _, words in promises.left_open())]
