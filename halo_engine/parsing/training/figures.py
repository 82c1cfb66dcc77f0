"""Measures a model on what it was never trained on: who acts when nobody asked, who is not heard, which words are missed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from halo_engine.model.intent import UNSUPPORTED
from halo_engine.parsing.tagger import Scores
from halo_engine.parsing.training.examples import Example

Reader = Callable[[Example], Scores]

_BINS = 10


@dataclass(frozen=True)
class Read:
    """An example and what the model made of it."""

    example: Example
    scores: Scores

    @property
    def asked(self) -> float:
        """How likely it is that anything was asked for."""
        return 1 - self.scores.verbs[UNSUPPORTED]

    @property
    def verb(self) -> str:
        """The likeliest verb."""
        return max(self.scores.verbs, key=lambda verb: self.scores.verbs[verb])

    @property
    def set(self) -> str:
        """Where the example is from."""
        return self.example.source.split(".")[0]


def read_all(examples: Iterable[Example], reader: Reader) -> list[Read]:
    """Every example, read."""
    return [Read(example, reader(example)) for example in examples]


def routing(reads: Sequence[Read], threshold: float) -> dict[str, dict[str, float]]:
    """By set: of what asks for something the part that is heard as its verb, and of what does not the part that is acted on."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for read in reads:
        verb = read.example.verb
        if verb is None:
            continue
        acted = read.asked >= threshold and read.verb != UNSUPPORTED
        tally = counts[read.set]
        if verb == UNSUPPORTED:
            tally["not asked"] += 1
            tally["acted"] += acted
        else:
            tally["asked"] += 1
            tally["heard"] += acted and read.verb == verb
    return {
        name: {
            "asked": tally["asked"],
            "heard": tally["heard"] / tally["asked"] if tally["asked"] else 1.0,
            "not_asked": tally["not asked"],
            "acted": tally["acted"] / tally["not asked"] if tally["not asked"] else 0.0,
        }
        for name, tally in sorted(counts.items())
    }


def spans(reads: Sequence[Read], sets: Sequence[str]) -> dict[str, float]:
    """F1 of exact spans by kind in `sets`, and their mean as "macro"."""
    right, claimed, wanted = Counter[str](), Counter[str](), Counter[str]()
    for read in reads:
        if read.set not in sets:
            continue
        said = {(span.type, span.start, span.end) for span in read.scores.spans if span.type in read.example.annotated}
        true = {(span.type, span.start, span.end) for span in read.example.spans}
        for kind, tally in ((said & true, right), (said, claimed), (true, wanted)):
            tally.update(each[0] for each in kind)
    figures = {kind: 2 * right[kind] / (claimed[kind] + wanted[kind]) for kind in sorted(wanted)}
    return figures | {"macro": sum(figures.values()) / len(figures) if figures else 0.0}


def replies(reads: Sequence[Read], threshold: float) -> dict[str, Any]:
    """Of replies to a card: how many of each are heard, and how many that are none are taken for a yes."""
    known = [read for read in reads if read.example.reply]
    yes = [read for read in known if read.example.reply == "confirm"]
    other = [read for read in known if read.example.reply != "confirm"]
    return {
        "yes": len(yes),
        "yes_heard": sum(read.scores.replies["confirm"] >= threshold for read in yes) / max(1, len(yes)),
        "other": len(other),
        "false_yes": sum(read.scores.replies["confirm"] >= threshold for read in other),
    }


def calibration_error(reads: Sequence[Read]) -> float:
    """Expected calibration error of the likeliest verb, in ten bins (Guo et al. 2017)."""
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(_BINS)]
    for read in reads:
        if read.example.verb is not None:
            score = read.scores.verbs[read.verb]
            bins[min(_BINS - 1, int(score * _BINS))].append((score, read.verb == read.example.verb))
    known = sum(map(len, bins))
    gaps = (abs(sum(score for score, _ in each) - sum(right for _, right in each)) for each in bins)
    return sum(gaps) / max(1, known)


def wrong(reads: Sequence[Read], threshold: float) -> list[str]:
    """What was acted on though nobody asked, or not heard, a line each."""
    lines = []
    for read in sorted(reads, key=lambda read: -read.asked):
        acted = read.verb if read.asked >= threshold else UNSUPPORTED
        if read.example.verb is not None and acted != read.example.verb:
            lines.append(f"{read.example.source}: {read.example.text!r} is {read.example.verb}, read as {acted} ({read.asked:.2f})")
    return lines
