"""The shipped model as a thing that is loaded and run: small, quick to forget nothing, the same for everybody."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from halo_engine.parsing import tagger
from halo_engine.parsing.labels import REPLIES, SPAN_TYPES, VERBS
from halo_engine.parsing.tagger import SHIPPED, Mark, scores, shipped
from halo_engine.parsing.wordpieces import LENGTH, WordPieces

PIECES = WordPieces(SHIPPED / "tokenizer.json")


def _marks(text: str, said: dict[str, list[tuple[str, int]]]) -> tuple[Mark, ...]:
    """What is made of a network that marks words: by kind, the words and 1 (begin) or 2 (inside)."""
    pieces = PIECES.cut(text, about=None, requested=())
    tags = np.zeros((len(pieces.ids), len(SPAN_TYPES), 3), dtype=np.float32)
    tags[:, :, 0] = 5
    for kind, words in said.items():
        for word, mark in words:
            at = next(at for at, start, end in pieces.words if text[start:end] == word)
            tags[at, SPAN_TYPES.index(kind)] = [0, 9 * (mark == 1), 9 * (mark == 2)]
    flat = tags.reshape(len(pieces.ids), -1)
    return scores(np.zeros(len(VERBS), np.float32), np.zeros(len(REPLIES), np.float32), flat, pieces).spans


class TestTheModel:
    def test_says_the_same_to_many_at_once(self) -> None:
        """Each text is read by itself: its scores do not depend on who else asks."""
        texts = ["order two packs of AA batteries", "book nopa friday at 7 for four", "never mind", "x" * 3_000] * 5
        alone = [shipped().read(text) for text in texts]
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(shipped().read, texts)) == alone

    def test_leaves_no_thread_behind(self) -> None:
        """A process that forks must not lose one."""
        before = threading.active_count()
        shipped().read("order milk")
        assert threading.active_count() == before

    @pytest.mark.parametrize("text", ["", " ", "\n", "🍕" * 700, "a " * 5_000, "\ufffd", "ß" * 600, "ﷺ" * 300])
    def test_reads_anything(self, text: str) -> None:
        """Nothing, too much, and what its vocabulary lacks."""
        read = shipped().read(text)
        assert sum(read.verbs.values()) == pytest.approx(1)
        assert all(0 <= mark.start < mark.end <= len(text) for mark in read.spans)

    def test_hears_what_was_asked(self) -> None:
        """The same "4" is people after one question and a time after another."""
        people, time = (shipped().read("4", requested=(field,)) for field in ("party_size", "time"))
        assert ({mark.type for mark in people.spans}, {mark.type for mark in time.spans}) == ({"people"}, {"time"})

    @pytest.mark.parametrize("odd", [("\ud800",), ("time " * 2_000,), tuple(f"field {number}" for number in range(700))])
    def test_passes_over_names_that_are_no_field(self, odd: tuple[str, ...]) -> None:
        """Whoever calls may ask for anything; the network was told of few names, and has places for few."""
        assert shipped().read("4", requested=("party_size", *odd)) == shipped().read("4", requested=("party_size",))

    def test_is_loaded_once_by_two_who_need_it_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The second waits for the first instead of loading it too."""
        loads, second = [], threading.Event()

        def load(folder: Path) -> None:
            loads.append(folder)
            # Time for the second to come in, were it let.
            second.wait(0.2)

        monkeypatch.setattr(tagger, "_load", cache(load))
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda _: shipped(), range(2)))
        assert loads == [SHIPPED]

    def test_comes_with_its_figures(self) -> None:
        """Written by the command that made it, beside the card that explains them."""
        figures = json.loads((SHIPPED / "figures.json").read_text(encoding="utf-8"))
        assert figures["routing"]
        assert (SHIPPED / "MODEL_CARD.md").exists()


class TestMarks:
    def test_are_whole_words(self) -> None:
        """A figure, a date and a name with a hyphen are one word, whatever the pieces are."""
        assert _marks("at 18:30 on 2026-03-18", {"time": [("18", 1)], "date": [("2026", 1)]}) == (Mark("time", 3, 8), Mark("date", 12, 22))
        assert _marks("order 7-Up", {"item": [("7", 1)]}) == (Mark("item", 6, 10),)
        assert _marks("a 6-person table", {"people": [("6", 1)]}) == (Mark("people", 2, 3),)

    def test_leave_out_what_follows(self) -> None:
        """Punctuation is not a name's; the point of "p.m." is the time's."""
        assert _marks("at Nopa, 7pm.", {"venue": [("Nopa", 1), (",", 2)], "time": [("7pm", 1)]}) == (
            Mark("venue", 3, 7),
            Mark("time", 9, 13),
        )

    def test_of_two_things_in_a_row_stay_two(self) -> None:
        """A list may have no commas; a price has no neighbour."""
        items = _marks("milk eggs", {"item": [("milk", 1), ("eggs", 1)]})
        price = _marks("under $40", {"price": [("under", 1), ("$", 1), ("40", 1)]})
        assert [(mark.start, mark.end) for mark in items] == [(0, 4), (5, 9)]
        assert price == (Mark("price", 0, 9),)


class TestPieces:
    def test_keep_the_places_of_words(self) -> None:
        """Accents, capitals and characters of several bytes."""
        text = "Zuni Café İzmir 🍕 naïve"
        assert [text[start:end] for _, start, end in PIECES.cut(text, about=None, requested=()).words] == [
            "Zuni",
            "Café",
            "İzmir",
            "🍕",
            "naïve",
        ]

    def test_are_no_more_than_the_network_has_places(self) -> None:
        """The text is cut, not what it is said about."""
        pieces = PIECES.cut("word " * 5_000, about="BOOK", requested=("time", "odd"))
        assert len(pieces.ids) == LENGTH
        assert pieces.kinds[0] == 0

    @pytest.mark.parametrize("text", [", " * 600, "word " * 5_000, "milk, " * 100 + "eggs", "🍕 " * 700])
    def test_tell_how_far_they_go(self, text: str) -> None:
        """Where the network has no place for the rest, up to the end of the last piece it has; else to the end."""
        pieces = PIECES.cut(text, about="BOOK", requested=("time",))
        fits = len(pieces.ids) < LENGTH
        assert pieces.read_chars == (len(text) if fits else pieces.words[-1][2])
        assert fits or 0 < pieces.read_chars < len(text) - 1

    @pytest.mark.parametrize("text", ["", " ", "milk", "milk \n ", "word " * 490])
    def test_go_to_the_end_of_what_fits(self, text: str) -> None:
        """White space at the end is no unread word."""
        assert PIECES.cut(text, about=None, requested=()).read_chars == len(text)
