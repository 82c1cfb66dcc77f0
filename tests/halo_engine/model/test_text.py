"""Text from outside, made harmless to show and to read."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from halo_engine.model.text import inert, readable, without_commands

#: Default_Ignorable_Code_Point of Unicode: what is drawn as nothing. The reserved rest of its blocks is unassigned, and so refused as such.
IGNORABLE = {
    *map(chr, (0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFEFF, 0xFFA0)),
    *map(chr, (*range(0x180B, 0x1810), *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), *range(0xFE00, 0xFE10))),
    *map(chr, (*range(0xFFF0, 0xFFFC), *range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B), *range(0xE0000, 0xE1000))),
}
UNSEEN = ("Cc", "Cs", "Cn", "Co", "Zl", "Zp")

#: Any code point, and the dangerous ones often.
dangerous = st.sampled_from("\x1b\x07\x00\r\n\t\x7f\x85\x9b\x9c\x9d\u200b\u202e\u2028\ufeff\ud800\U000e0041[]m;\\")
texts = st.text(st.characters() | st.characters(categories=["Cs", "Cc", "Cf"]) | dangerous, max_size=60)


def harmful(shown: str) -> set[str]:
    """The characters of `shown` that could move a cursor, hide or reorder."""
    return {c for c in shown if unicodedata.category(c) in UNSEEN or c in IGNORABLE}


class TestInert:
    @pytest.mark.parametrize(
        ("given_text", "expected"),
        [
            ("Paper towels", "Paper towels"),
            ("\x1b[2J\x1b[31mred\x1b[0m", "red"),
            ("\x1b[38;2;255;0;0mred", "red"),
            ("\x9b31mred", "red"),
            ("\x1b]8;;https://evil.example\x07link\x1b]8;;\x07", "link"),
            ("\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
            ("\x9d0;title\x9ctext", "text"),
            ("\x1bPq#0;2;0;0;0\x1b\\sixel", "sixel"),
            ("\x1bcreset", "reset"),
            ("a\u202egnp.exe\u202cb", "agnp.exeb"),
            ("pay\u200bpal\u2060\ufeff", "paypal"),
            ("hi\U000e0041\U000e0042", "hi"),
            ("x\ufe0fy\u034f\u00ad\u3164", "xy"),
            ("one\r\ntwo\ttwo\u2028three\u2029four", "one two two three four"),
            ("a\u0085b\u0080c", "a b c"),
            ("a\ud800b", "a b"),
            ("a\ue000b\U0010ffffc", "a b c"),
            ("  many\u00a0\u3000 spaces  ", "many spaces"),
            ("[bold]not ours to read[/]", "[bold]not ours to read[/]"),
            ("naïve café 日本語 שלום 👍🏽", "naïve café 日本語 שלום 👍🏽"),
            ("{0} %s $HOME ../../etc/passwd '; DROP TABLE", "{0} %s $HOME ../../etc/passwd '; DROP TABLE"),
        ],
    )
    def test_keeps_what_is_seen_and_nothing_else(self, given_text: str, expected: str) -> None:
        """Words in any script stay; sequences, links, reordering, hidden characters and line ends go."""
        assert inert(given_text) == expected

    @given(texts)
    @example("\x1b\x1b[31m")
    @example("\x1b[\x1b[31m31m")
    def test_leaves_nothing_harmful(self, text: str) -> None:
        """Whatever is put together, also out of the halves of other sequences."""
        assert harmful(inert(text)) == set()

    @given(texts)
    def test_changes_nothing_the_second_time(self, text: str) -> None:
        """What is inert stays as it is."""
        assert inert(inert(text)) == inert(text)

    @given(texts, st.integers(min_value=1, max_value=40))
    def test_is_never_longer_than_asked(self, text: str, max_chars: int) -> None:
        """The ellipsis counts."""
        assert len(inert(text, max_chars=max_chars)) <= max_chars

    def test_shows_that_it_was_cut(self) -> None:
        """With an ellipsis, and only then."""
        assert (inert("abcdef", max_chars=6), inert("abcdefg", max_chars=6)) == ("abcdef", "abcde…")

    @pytest.mark.parametrize("flood", ["a", "\x1b[31m", "\x1b]8;;", "\u200b", "\x1b", "\x9d", " ", "👍"])
    def test_cuts_a_flood_at_once(self, flood: str) -> None:
        """A million characters cost no more than the few that are shown."""
        assert fast_enough(lambda: inert(flood * 1_000_000))


class TestReadable:
    @given(texts)
    def test_keeps_every_offset(self, text: str) -> None:
        """The same length, and each character either itself or a space."""
        spaced = readable(text)
        assert len(spaced) == len(text)
        assert all(after in (" ", before) for before, after in zip(text, spaced, strict=True))

    @given(texts)
    def test_shows_a_reader_nothing_hidden(self, text: str) -> None:
        """No control character, no surrogate, nothing invisible."""
        assert not any(unicodedata.category(c) in ("Cc", "Cs") or c in IGNORABLE for c in readable(text))

    def test_reads_a_megabyte_in_time(self) -> None:
        """Length alone is no attack."""
        assert fast_enough(lambda: readable("a\u200b\x1b[31m" * 150_000))


def fast_enough(work: Callable[[], object]) -> bool:
    """Far below what quadratic work would take, far above what a busy machine needs."""
    begun = time.process_time()
    work()
    return time.process_time() - begun < 2


class TestWithoutCommands:
    @pytest.mark.parametrize(
        ("words", "heard"),
        [
            ("The draft changed in the meantime. Look at it again with: halo draft show dft_1", "The draft changed in the meantime."),
            ("Take it away first with: halo bridge forget HANDLE. Nothing was changed.", "Nothing was changed."),
            ('Say what you want, such as: halo ask "order 2 packs of AA batteries"', ""),
            ("Try again. The offline parser asks nobody: HALO_PARSER=offline", "Try again."),
            ("Set HALO_OPENAI_BASE_URL, such as http://127.0.0.1:8080/v1.", ""),
            ("Amazon has no halo top ice cream at the moment.", "Amazon has no halo top ice cream at the moment."),
            ("Something went wrong in Halo itself. Nothing was done.", "Something went wrong in Halo itself. Nothing was done."),
            ("That is no date. Give it as YYYY-MM-DD.", "That is no date. Give it as YYYY-MM-DD."),
            ("", ""),
        ],
    )
    def test_leaves_what_is_not_about_typing_one(self, words: str, heard: str) -> None:
        """A phone, a thread of messages and a form have no prompt."""
        assert without_commands(words) == heard
