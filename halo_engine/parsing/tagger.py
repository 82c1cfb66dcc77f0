"""The offline model itself: text in, scores for the verb and for replies, and marked spans, out. What they mean is decided elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from halo_engine.parsing.labels import REPLIES, SPAN_TYPES, VERBS
from halo_engine.parsing.wordpieces import Pieces, WordPieces

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

#: The model that ships with Halo; see MODEL_CARD.md there.
SHIPPED = Path(__file__).parent / "model"


# What is one word: "18:30", "2026-03-18", "1,050.50"; of a name "7-Up" and "AT&T" too, where "6-person" is the number and a word.
_HAS_WORDS = re.compile(r"\w")
_FIGURE = re.compile(r"\w+(?:(?<=\d)[.:,/-](?=\d)\w+)*")
_WORD = re.compile(r"\w+(?:(?:(?<=\d)[.:,/](?=\d)|(?<=\w)[-&](?=\w))\w+)*")


@dataclass(frozen=True)
class Mark:
    """Words from `start` to `end` (characters of the text) that the model holds to be of `type`."""

    type: str
    start: int
    end: int


@dataclass(frozen=True)
class Scores:
    """What the model makes of one text. `verbs` and `replies` are probabilities."""

    verbs: Mapping[str, float]
    replies: Mapping[str, float]
    spans: tuple[Mark, ...]


class Tagger:
    """Runs the model in `folder`, one text at a time and in the caller's thread: a text's scores never depend on its neighbours."""

    def __init__(self, folder: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        # One thread, so that nothing is left running that a forked process would miss; many callers may run it at once.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # It was optimised when it was written.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        self._session: Any = onnxruntime.InferenceSession(folder / "model.onnx", options, providers=["CPUExecutionProvider"])
        self._pieces = WordPieces(folder / "tokenizer.json")
        self._temperature = float(self._session.get_modelmeta().custom_metadata_map.get("temperature", "1"))

    def read(self, text: str, *, about: str | None = None, requested: Iterable[str] = ()) -> Scores:
        """The scores of `text`, said about a request of the verb `about`, after `requested` was asked for."""
        pieces = self._pieces.cut(text, about=about, requested=requested)
        batch = {"ids": pieces.ids, "kinds": pieces.kinds, "shapes": pieces.shapes, "mask": np.ones_like(pieces.ids)}
        verb, reply, tags = self._session.run(None, {name: array[None, :] for name, array in batch.items()})
        return scores(verb[0] / self._temperature, reply[0], tags[0], pieces)


def shipped() -> Tagger:
    """The model that ships with Halo, loaded once a process, also where two threads ask for it first."""
    with _LOADING:
        return _load(SHIPPED)


_LOADING = Lock()


@cache
def _load(folder: Path) -> Tagger:
    return Tagger(folder)


def scores(verb: NDArray[np.float32], reply: NDArray[np.float32], tags: NDArray[np.float32], pieces: Pieces) -> Scores:
    """The network's numbers for one text (logits, the tags' per piece) as probabilities and spans."""
    places = [at for at, _, _ in pieces.words]
    chances = _softmax(tags[places].reshape(len(places), len(SPAN_TYPES), 3)) if places else np.zeros((0, len(SPAN_TYPES), 3))
    return Scores(
        verbs=dict(zip(VERBS, map(float, _softmax(verb)), strict=True)),
        replies=dict(zip(REPLIES, map(float, _softmax(reply)), strict=True)),
        spans=tuple(_spans(chances, pieces)),
    )


def _spans(chances: NDArray[Any], pieces: Pieces) -> Iterator[Mark]:
    """Runs of words that are of a kind, in the order of the words."""
    best = _likeliest(chances)
    found: list[Mark] = []
    for kind in np.flatnonzero(best.any(0)):
        runs: list[list[int]] = []
        for at in np.flatnonzero(best[:, kind]).tolist():
            if runs and runs[-1][-1] == at - 1 and (best[at, kind] == 2 or _is_one(SPAN_TYPES[kind], pieces, at)):
                runs[-1].append(at)
            else:
                runs.append([at])
        found += [_marked(SPAN_TYPES[kind], run, pieces) for run in runs]
    yield from sorted(
        (mark for mark in found if _HAS_WORDS.search(pieces.text, mark.start, mark.end)), key=lambda each: (each.start, each.end)
    )


def _likeliest(chances: NDArray[Any]) -> NDArray[np.int64]:
    """For each kind the likeliest row of outside (0), begin (1) and inside (2) in which inside only follows begin or inside (Viterbi).

    Of "3 people" the model may be surer of "people" than of where it begins; word by word it would lose the 3.
    """
    words, kinds, _ = chances.shape
    scores, came_from = np.log(np.maximum(chances, 1e-9)), np.zeros(chances.shape, dtype=np.int64)
    if words:
        scores[0, :, 2] = -np.inf
    for at in range(1, words):
        before = scores[at - 1]
        scores[at, :, :2] += before.max(-1, keepdims=True)
        came_from[at, :, :2] = before.argmax(-1)[:, None]
        scores[at, :, 2] += before[:, 1:].max(-1)
        came_from[at, :, 2] = before[:, 1:].argmax(-1) + 1
    row = np.zeros((words, kinds), dtype=np.int64)
    for at in reversed(range(words)):
        row[at] = scores[at].argmax(-1) if at == words - 1 else np.take_along_axis(came_from[at + 1], row[at + 1][:, None], 1)[:, 0]
    return row


def _is_one(kind: str, pieces: Pieces, at: int) -> bool:
    """Whether a span goes on where the model would begin another: within a word, and for kinds of which nobody says two in a row."""
    touches = pieces.words[at - 1][2] == pieces.words[at][1]
    return touches or kind not in ("item", "quantity", "attribute", "first_name", "last_name", "left_out", "people")


def _marked(kind: str, run: list[int], pieces: Pieces) -> Mark:
    start, end = _whole_words(pieces.text, kind, pieces.words[run[0]][1], pieces.words[run[-1]][2])
    return Mark(kind, start, end)


def _whole_words(text: str, kind: str, start: int, end: int) -> tuple[int, int]:
    """The span, never in the middle of a word or a figure, and without the punctuation that follows it."""
    inside = _FIGURE if kind in ("people", "time", "quantity") else _WORD
    for word in inside.finditer(text, max(0, start - 40), end + 40):
        if word.start() < start < word.end():
            start = word.start()
        if word.start() < end < word.end():
            end = word.end()
    while end - 1 > start and text[end - 1] in ",;:!?":
        end -= 1
    # A point after "pm" belongs to it, as in "p.m.": so RESTAURANTS-8K has it.
    if kind == "time" and text[end : end + 1] == "." and text[start:end].lower().endswith(("am", "pm")):
        end += 1
    return start, end


def _softmax(logits: NDArray[Any]) -> NDArray[Any]:
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    whole: NDArray[Any] = powers / powers.sum(-1, keepdims=True)
    return whole
