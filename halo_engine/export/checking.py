"""Whether an export in NDJSON holds, from nothing but the file: each event, each link, the root over all of them, and the promises of the gate.

What cannot be seen from the file alone is a log that was written anew to its end, last line and all; a signed checkpoint sees that, too. The
first bad event is named. A line that does not fit the next one's `prev_hash` may be altered itself, or the next one may: whether what follows
vouches for the next one tells which.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO, NamedTuple

from halo_engine.export.lines import Sum
from halo_engine.export.reading import Leaf, Line, lines_of, read_line
from halo_engine.model.event import GENESIS
from halo_engine.model.merkle import Tree
from halo_engine.model.note import Checkpoint
from halo_engine.model.text import inert
from halo_engine.model.value import Value
from halo_engine.store.auditing.promises import Promises

#: Whoever sends a file of nothing but errors need not be told of each.
MAX_PROBLEMS = 100


class Finding(Value):
    """What is wrong, and with which event: None where it is the export's last line, or the whole."""

    seq: int | None
    what: str


class Verdict(Value):
    """What a check of an export found. It is `whole` where it begins with the log's first event; else it is an excerpt."""

    ok: bool
    events: int
    first: int
    whole: bool
    head: str
    root: str
    first_bad: int | None
    problems: tuple[str, ...]


def check_export(file: BinaryIO, against: Checkpoint | None = None) -> Verdict:
    """Check the export in `file`, and that it goes on from the checkpoint `against`, whose signature is the caller's to check.

    Total: there is a verdict for any bytes whatsoever, with memory for one line and for what the gate has to remember.
    """
    chain, gate = Chain(), _Gate()
    signed = _Signed(against) if against else None
    for line in lines_of(file):
        read = read_line(line)
        chain.take(read)
        if isinstance(read, Leaf) and chain.is_whole:
            gate.take(read)
        if signed:
            signed.see(chain, read)
        if chain.is_over:
            break
    chain.end()
    if signed:
        chain.add(signed.compare(chain))
    if chain.is_whole:
        chain.add(gate.findings(chain.first_bad) if chain.findings else gate.all_findings())
    return chain.verdict()


class _Misnumbered(NamedTuple):
    expected: int
    seq: int
    #: Whether it follows the event before it, and whether it follows the same one as that does.
    is_linked: bool
    is_sibling: bool


class Chain:
    """The lines so far, each held against those around it."""

    def __init__(self) -> None:
        self.tree = Tree()
        self.head = GENESIS
        self.findings: list[Finding] = []
        self.is_over = False
        self._more = 0
        self._first: int | None = None
        #: What the number of the next event has to be; None where that cannot be known.
        self._expected: int | None = None
        #: A number that was not the expected one; the next line tells what is wrong about it.
        self._misnumbered: _Misnumbered | None = None
        #: An event that does not follow the one before: which of the two is wrong, the next claim tells.
        self._unlinked: tuple[int, int] | None = None
        self._last_seq = 0
        self._last_previous = self._household = ""
        #: Whether the newest line is one whose hash the next one should name.
        self._can_vouch = False
        self._is_ended = False

    @property
    def is_whole(self) -> bool:
        """Whether it begins where the log does."""
        return self._first in (None, 1)

    def take(self, line: Line) -> None:
        """The next line. After the last one there is nothing to take: whatever comes is too much."""
        if self._is_ended:
            self._found(None, "something stands after the last line of the export")
            self.is_over = True
        elif isinstance(line, Leaf):
            self._take_leaf(line)
        elif isinstance(line, Sum):
            self._take_sum(line)
            self._is_ended = True
        else:
            self._settle_number(None)
            self._settle_link(None)
            self._found(self._expected or self._last_seq + 1, line.why)
            self._expected, self._can_vouch = None, False

    def end(self) -> None:
        """There are no more lines."""
        if self._is_ended:
            return
        self._settle_number(None)
        self._settle_link(None)
        if self._first is None:
            self.findings, self._more = [Finding(seq=None, what="it is no export in NDJSON: there is no event in it")], 0
        else:
            self._found(self._last_seq + 1, f"the file is cut off after event {self._last_seq}: the last line of an export is missing")

    def add(self, findings: Iterable[Finding]) -> None:
        """What was found elsewhere."""
        for finding in findings:
            self._found(finding.seq, finding.what)

    @property
    def first_bad(self) -> int | None:
        """The first bad event; None where it is the last line or the whole, or there is nothing bad."""
        return min((finding.seq for finding in self.findings if finding.seq is not None), default=None)

    def verdict(self) -> Verdict:
        ordered = sorted(self.findings, key=lambda finding: (finding.seq is None, finding.seq or 0))
        more = (f"and {self._more} more",) if self._more else ()
        return Verdict(
            ok=not ordered,
            events=self.tree.size,
            first=self._first or 1,
            whole=self.is_whole,
            head=self.head,
            root=self.tree.root.hex(),
            first_bad=self.first_bad,
            problems=(*(_in_words(finding) for finding in ordered), *more),
        )

    # events

    def _take_leaf(self, leaf: Leaf) -> None:
        seq, previous = leaf.entry.seq, leaf.entry.prev_hash
        is_explained = self._misnumbered is not None
        self._settle_number(seq)
        is_explained |= self._settle_link(previous)
        if self._first is None:
            self._begin(seq, previous)
        elif self._expected is not None and seq != self._expected:
            self._misnumber(seq, previous)
        elif self._can_vouch and not is_explained:
            self._link(leaf)
        self.tree.append(leaf.digest)
        self.head, self._can_vouch = leaf.digest.hex(), True
        self._last_seq, self._last_previous, self._household = seq, previous, leaf.entry.household_id
        if self._misnumbered is None:
            self._expected = seq + 1

    def _link(self, leaf: Leaf) -> None:
        if leaf.entry.prev_hash != self.head:
            self._unlinked = (self._last_seq, leaf.entry.seq)
        elif leaf.entry.household_id != self._household:
            self._found(leaf.entry.seq, "it is of another household")

    def _begin(self, seq: int, previous: str) -> None:
        self._first = seq
        # Only the first event of a log follows nothing, and it does.
        if (seq == 1) is not (previous == GENESIS):
            self._found(1, "it does not begin the log" if seq == 1 else f"it calls itself {seq}, and is where the log begins")

    def _misnumber(self, seq: int, previous: str) -> None:
        expected = self._expected or 1
        if self.tree.size == 1 and previous != self.head:
            # Where an excerpt begins only its first line says, and that may be the line that is wrong.
            self._found(max(1, seq - 1), f"event {self._last_seq} is followed by event {seq}")
        else:
            self._misnumbered = _Misnumbered(expected, seq, previous == self.head, previous == self._last_previous)

    def _settle_number(self, following: int | None) -> None:
        """Say what was wrong about the number of the newest event, now that it is known what follows it."""
        if self._misnumbered is None:
            return
        expected, seq, is_linked, is_sibling = self._misnumbered
        self._misnumbered = None
        if is_linked:
            self._found(expected, f"it calls itself {seq}")
        elif following == expected or (following is None and is_sibling):
            self._found(min(expected, seq), f"event {seq} stands where it should not, before event {expected}")
        else:
            self._found(expected, f"it is missing: the next one there is {seq}")
        self._expected = following

    def _settle_link(self, claim: str | None) -> bool:
        """Say which of two events was altered, now that it is known what the next line claims the later one's hash to be.

        Whether that explains a claim that is wrong.
        """
        if self._unlinked is None:
            return False
        earlier, later = self._unlinked
        self._unlinked = None
        is_vouched_for = claim is None or claim == self.head
        self._found(earlier if is_vouched_for else later, "it was altered: it is not what the events around it vouch for")
        return not is_vouched_for

    # the last line

    def _take_sum(self, told: Sum) -> None:
        self._settle_number(None)
        self._settle_link(told.head)
        count, first = self.tree.size, self._first or 1
        if told.root == self.tree.root.hex():
            # The root stands for every line, so that it is the rest of the last one that is wrong.
            if (told.count, told.first, told.head) != (count, first, self.head):
                self._found(None, "the last line of the export was altered: what it says does not fit its root")
        elif self.findings:
            return
        elif told.first < first:
            self._found(told.first, f"it is missing: the first one there is {first}")
        elif told.count > count:
            self._found(first + count, f"it is missing: the export was made of {told.count} events, and there are {count}")
        elif told.count < count:
            self._found(told.first + told.count, f"it was added: the export was made of {told.count} events, and there are {count}")
        elif told.head != self.head:
            self._found(self._last_seq or 1, "it was altered: it is not what the last line of the export vouches for")
        else:
            self._found(None, "the last line of the export was altered: its root is not that of the events")

    def _found(self, seq: int | None, what: str) -> None:
        if len(self.findings) < MAX_PROBLEMS:
            self.findings.append(Finding(seq=seq, what=what))
        else:
            self._more += 1


def _in_words(finding: Finding) -> str:
    what = inert(finding.what, max_chars=300)
    return what if finding.seq is None else f"event {finding.seq}: {what}"


class _Gate:
    """The promises, over events that may be anybody's. What was altered proves nothing, neither for nor against what comes after it."""

    def __init__(self) -> None:
        self._promises = Promises()
        self._broken: list[Finding] = []

    def take(self, leaf: Leaf) -> None:
        """The next event."""
        seq = leaf.entry.seq
        try:
            problems = list(self._promises.check(leaf.entry, leaf.payload))
        except (ArithmeticError, LookupError, RecursionError):
            problems = ["its payload is not what its type tells"]
        if len(self._broken) <= MAX_PROBLEMS:
            self._broken += [Finding(seq=seq, what=_unnamed(problem)) for problem in problems]

    def findings(self, before: int | None) -> Iterator[Finding]:
        """What is broken in the events before number `before`."""
        return (finding for finding in self._broken if before is None or (finding.seq or 0) < before)

    def all_findings(self) -> Iterator[Finding]:
        """What is broken, and what was left open at the end."""
        yield from self._broken
        for seq, problem in self._promises.left_open():
            yield Finding(seq=seq, what=_unnamed(problem))


def _unnamed(problem: str) -> str:
    """The promises name an event by its number and its id; findings by the number alone."""
    return problem.partition("): ")[2] or problem


class _Signed:
    """The checkpoint, and what the log was when it had as many events."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint, self._root = checkpoint, b""
        self._household = ""

    def see(self, chain: Chain, line: Line) -> None:
        if isinstance(line, Leaf):
            self._household = self._household or line.entry.household_id
        if chain.tree.size == self._checkpoint.size and not self._root:
            self._root = chain.tree.root

    def compare(self, chain: Chain) -> Iterator[Finding]:
        size, count = self._checkpoint.size, chain.tree.size
        if not chain.is_whole:
            yield Finding(seq=None, what="an excerpt cannot be held against a checkpoint, which is of a whole log")
        elif self._household and self._checkpoint.origin.rpartition("/")[2] != self._household:
            yield Finding(seq=None, what=f"the checkpoint is of another log: {self._checkpoint.origin}")
        elif size > count:
            yield Finding(seq=count + 1, what=f"it is missing: the checkpoint is of {size} events, and there are {count}")
        elif size and self._root != self._checkpoint.root:
            yield Finding(seq=None, what=f"the first {size} events are not the ones that the checkpoint was signed for")
