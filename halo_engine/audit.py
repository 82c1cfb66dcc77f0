"""The audit: whether the log and the books still say what happened. `halo audit` and the dashboard open an `Audit`.

It writes nothing into the books. What is wrong is told in sentences, the first bad event first.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from halo_engine.clock import Clock, SystemClock
from halo_engine.export.exporting import Exporter, Format
from halo_engine.export.lines import Sum
from halo_engine.model.card import Card, CardKind
from halo_engine.model.errors import NotFound, StoreDamaged
from halo_engine.model.merkle import EMPTY
from halo_engine.model.money import Money
from halo_engine.model.recollection import Heard
from halo_engine.model.value import Value
from halo_engine.proving import Head, Proved, Proving, Remembered, time_of
from halo_engine.queries import Queries
from halo_engine.replay import Replay, ReplayedCard
from halo_engine.settings import Settings
from halo_engine.store.auditing.books import books_that_differ, people_that_differ
from halo_engine.store.auditing.entries import deeds, length, strays
from halo_engine.store.auditing.reading import Books, Story, before_the_break, links_of, many_at_once, read_story
from halo_engine.store.reader import Reader


class Verification(Value):
    """Whether the log holds. `head` is the hash of the newest event, `root` that of the Merkle tree; `problems` is empty when `ok`.

    `first_bad` is the number of the first event at which something shows; None where nothing does, or only in the books beside the log.
    """

    ok: bool
    events: int
    head: str
    root: str
    first_bad: int | None
    problems: tuple[str, ...]
    #: Whose memory of the log was held against it: this home's last checkpoint, the witness, a checkpoint that was given.
    remembered_by: tuple[str, ...]


class Replayed(Value):
    """A day told again. `differing` names what the books show otherwise now; `compared` is how many cards of them were looked at."""

    cards: tuple[ReplayedCard, ...]
    compared: int
    differing: tuple[str, ...]


class Audit:
    """One installation's log, to be checked. A context manager."""

    def __init__(self, settings: Settings, reader: Reader, queries: Queries, clock: Clock) -> None:
        self._settings, self._reader, self._queries = settings, reader, queries
        self._clock = clock
        self._household_id = queries.household().id
        self._proving = Proving(settings, reader, clock, household_id=self._household_id)

    @classmethod
    def open(cls, settings: Settings, *, clock: Clock | None = None, household_id: str | None = None) -> Self:
        """Of the household with that id, without one of the first.

        Raises `NotInitialised` when there is no household, `StoreFailed` and its kinds when the books cannot be read.
        """
        queries = Queries.open(settings, clock=clock, household_id=household_id)
        reader = Reader.open(database_file=settings.database_file, database_url=settings.database_address)
        return cls(settings, reader, queries, clock or SystemClock())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the books."""
        self._reader.close()
        self._queries.close()

    def verify(self, *, against: str | None = None) -> Verification:
        """Check every link, every promise, that the books are what the log says, and that nobody remembers another log.

        `against` is the text of a checkpoint that somebody kept. Raises `InvalidInput` where it is none.
        """
        # Before the log is read, which only grows meanwhile.
        heard = self._proving.heard(against)
        try:
            return self._verified(heard)
        except StoreDamaged:
            # Something in it is no text: looked at once more, to say what.
            if self._reader.is_postgres or self._reader.is_lenient:
                raise
            self._reader.be_lenient()
            return self._verified(heard)

    def _verified(self, heard: Heard) -> Verification:
        with self._reader.snapshot(), many_at_once():
            until = self.length()
            where = (self._settings.database_file, self._settings.database_address, self._household_id)
            books = Books(*where, is_lenient=self._reader.is_lenient)
            with links_of(books, length=until, sizes=tuple(heard.sizes)) as reading:
                story, broken = read_story(deeds(self._reader, self._household_id, until=until))
                beside = tuple(self._beside(story))
                links = reading.result()
            remembered = heard.contradictions(size=links.size, roots=dict(links.roots) | {0: EMPTY}, newest_at=self._newest_at())
        in_log = sorted((*links.problems, *before_the_break(broken, links)), key=lambda problem: problem.seq)
        return Verification(
            ok=not in_log and not remembered and not beside and not links.beside,
            events=links.size,
            head=links.head if type(links.head) is str else "",
            root=links.root.hex(),
            first_bad=in_log[0].seq if in_log else None,
            problems=(*(problem.words for problem in in_log), *remembered, *beside, *links.beside),
            remembered_by=tuple(each.who for each in heard.recollections),
        )

    def replay(self, first: datetime, end: datetime) -> Replayed:
        """Every card from `first` on and before `end`, drawn anew from the log, and those of them that still stand compared with the books.

        Raises `StoreDamaged` where the log cannot be told again.
        """
        household, limit = self._queries.household(), Money(cents=self._settings.spending_limit_cents)
        with self._reader.snapshot():
            replay = Replay(self._reader, household, self._queries.members(), spending_limit=limit)
            cards = tuple(replay.cards(first, end))
            now = self._clock.now()
            stand = {of: card for of in dict.fromkeys(each.of for each in cards) if (card := replay.card(of, now)) is not None}
        differing = tuple(of for of, card in stand.items() if self._kept(of, card) != card)
        return Replayed(cards=cards, compared=len(stand), differing=differing)

    def _kept(self, of: str, told: Card) -> Card | None:
        """The card that the books show. They keep no words of a request that nothing came of."""
        try:
            return self._queries.card(of)
        except NotFound:
            return told if told.kind in (CardKind.NOT_SUPPORTED, CardKind.UNAVAILABLE) else None

    def export(self, to: Path | BinaryIO, form: Format, *, since: str | None = None, until: str | None = None) -> Sum:
        """Write the log, or its days `since` to `until`, to a file that is complete or not there, or to a stream. Raises as `Exporter` does."""
        exporter = Exporter(self._reader, self._queries.household())
        if isinstance(to, Path):
            return exporter.to_file(to, form, since=since, until=until)
        return exporter.to_stream(to, form, since=since, until=until)

    def checkpoint(self) -> Head:
        """The head of the log, signed; the witness is told. Raises `StoreDamaged` for a log that must not be signed."""
        return self._proving.checkpoint()

    def prove(self, of: str) -> Proved:
        """The proof of a receipt for a third person. See `Proving.prove` for what is raised."""
        return self._proving.prove(of)

    def begin_witness(self) -> Head:
        """Make the witness that the settings name, and show it the log. Raises `NotFound` where none is named, `Conflict` where it is there."""
        return self._proving.begin_witness()

    def witness(self) -> Remembered:
        """What the witness remembers, and how the log differs from it. Raises `NotFound` where it knows nothing of this log."""
        return self._proving.witness()

    def _beside(self, story: Story) -> Iterator[str]:
        """What does not show in the log, but in the books beside it."""
        yield from strays(self._reader, self._household_id)
        yield from books_that_differ(self._reader, self._household_id, story.rebuilt)
        yield from people_that_differ(self._reader, self._household_id, story.promises)

    def length(self) -> int:
        """The number of the newest event; whatever is written after this is for the next audit."""
        return length(self._reader, self._household_id)

    def _newest_at(self) -> datetime | None:
        row = self._reader.row(_NEWEST, household_id=self._household_id)
        return time_of(row["created_at"]) if row else None


_NEWEST = "SELECT seq, created_at FROM event_log WHERE household_id = :household_id ORDER BY seq DESC LIMIT 1"
