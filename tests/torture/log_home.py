"""A household with a log of some 500 events, made once a process by days of asking, confirming and carrying out; and its export."""

from __future__ import annotations

import copy
import functools
import io
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

from halo_engine.audit import Audit
from halo_engine.clock import FakeClock
from halo_engine.export.checking import Chain
from halo_engine.export.exporting import Format
from halo_engine.export.reading import Leaf, Line, read_line
from halo_engine.model.errors import HaloError
from halo_engine.model.merkle import Tree
from tests.installation import NOON, Installation
from tests.torture.jobs import kept_place

EVENTS = 500
_WANTS = (
    "order 2 packs of AA batteries",
    "order paper towels",
    "order dish soap",
    "reorder the dog supplies",
    "cancel streamly",
    "book a table for two at Nopa tomorrow at 7:30pm",
    "book a haircut at Shear Joy on friday at 3pm",
    "order something nice",
)


@dataclass(frozen=True)
class Log:
    """The home, what it exports, and what each line of that is."""

    home: Path
    export: bytes
    lines: tuple[bytes, ...]
    reads: tuple[Line, ...]
    #: The chain before each line.
    before: tuple[Chain, ...]

    @property
    def events(self) -> int:
        """The last line is none."""
        return len(self.lines) - 1

    def leaf(self, number: int) -> Leaf:
        """Event `number`, from 1."""
        leaf = self.reads[number - 1]
        assert isinstance(leaf, Leaf)
        return leaf

    def first_bad(self, number: int, changed: Sequence[bytes], *, instead_of: int) -> int | None:
        """What a check names that meets `changed` in the place of that many lines from `number` on; 0 where it finds nothing.

        It is the check, begun before those lines and ended a few after them: what comes later cannot make it earlier.
        """
        chain, after = forked(self.before[number - 1]), number - 1 + instead_of
        following = (*changed, *self.lines[after : after + 3])
        if b"".join(changed).count(b"\n") == len(changed) and all(line.endswith(b"\n") for line in changed):
            # As `check_export` reads it; those that nobody touched are not read again.
            rest = self.reads[after : after + 3]
            taken: Iterable[Line] = (*map(read_line, changed), *rest)
        else:
            taken = map(read_line, io.BytesIO(b"".join(following)))
        for line in taken:
            chain.take(line)
        if after + 3 >= len(self.lines):
            chain.end()
        return named(chain)


def named(chain: Chain) -> int | None:
    """The first bad event; 0 where there is nothing bad, None where it is the last line or the whole."""
    return chain.first_bad if chain.findings else 0


def forked(chain: Chain) -> Chain:
    """The same, to go on from on its own."""
    other = copy.copy(chain)
    other.tree, other.findings = Tree.of_peaks(chain.tree.size, chain.tree.peaks), list(chain.findings)
    return other


@functools.cache
def log() -> Log:
    """The log. Made once a process."""
    home = kept_place("halo-log-") / "home"
    installation = Installation.open(home, clock=FakeClock(NOON))
    _live(installation, Random("a log"))
    export = exported(installation)
    installation.engine.close()
    lines = tuple(export.splitlines(keepends=True))
    reads = tuple(map(read_line, lines))
    return Log(home, export, lines, reads, tuple(_befores(reads)))


def exported(home: Installation) -> bytes:
    """The whole log as NDJSON."""
    file = io.BytesIO()
    with Audit.open(home.settings, clock=home.clock) as audit:
        audit.export(file, Format.NDJSON)
    return file.getvalue()


def _befores(reads: Iterable[Line]) -> Iterator[Chain]:
    chain = Chain()
    for read in reads:
        yield forked(chain)
        chain.take(read)


def _live(home: Installation, random: Random) -> None:
    """Trips until there are enough events: most are carried out, some given up, some confirmed by whoever may not."""
    with closing(sqlite3.connect(home.settings.database_file)) as books:
        while books.execute("SELECT COUNT(*) FROM event_log").fetchone()[0] < EVENTS:
            home.later(minutes=random.randrange(1, 300))
            # A house runs out of what it can be sold; whatever is refused is part of the log, too.
            with suppress(HaloError):
                _one_trip(home, random)


def _one_trip(home: Installation, random: Random) -> None:
    card = home.ask(random.choice(_WANTS), member=random.choice(("Alex", "Sam", "Kim")))
    if card.draft_id is None or card.draft_hash is None:
        return
    match random.randrange(10):
        case 0:
            home.engine.cancel(card.draft_id, member="Alex")
        case 1:
            home.confirm(card, member="Kim")
        case 2:
            home.engine.confirm(card.draft_id, draft_hash="0" * 64, member="Alex")
        case _:
            home.carry_out(card, member=random.choice(("Alex", "Sam")))
