"""What somebody types to find events, read."""

from __future__ import annotations

from datetime import date

import pytest

from halo_engine.model.log_filter import MAX_WORDS, LogFilter

REQUEST = "req_01kjta8tm0e9pvhs8gc5shb8px"


class TestAFilter:
    @pytest.mark.parametrize(
        ("text", "read"),
        [
            ("", LogFilter()),
            ("execution.", LogFilter(type_prefix="execution.")),
            ("type:draft", LogFilter(type_prefix="draft")),
            ("by:Alex", LogFilter(by="alex")),
            ("day:2026-03-06", LogFilter(day=date(2026, 3, 6))),
            (f"{REQUEST} receipt.", LogFilter(about=REQUEST, type_prefix="receipt.")),
            ("paper towels 2026-03-06", LogFilter(words=("paper", "towels"), day=date(2026, 3, 6))),
            ("2026-13-99 by: req_short 3.50", LogFilter(words=("2026-13-99", "by:", "req_short", "3.50"))),
        ],
    )
    def test_reads_each_token_as_what_it_is(self, text: str, read: LogFilter) -> None:
        """What is none of the others is a word."""
        assert LogFilter.parse(text) == read

    def test_is_bounded_and_harmless(self) -> None:
        """However much is pasted, and whatever is in it."""
        pasted = LogFilter.parse("\x1b[31m" + " ".join(f"w{n}" for n in range(5_000)))
        assert len(pasted.words) == MAX_WORDS
        assert "\x1b" not in "".join(pasted.words)

    def test_reads_back_as_a_person_says_it(self) -> None:
        """For the line below the table."""
        assert LogFilter.parse("execution. by:alex 2026-03-06 soap").told == "execution.… · by alex · on 2026-03-06 · “soap”"
        assert LogFilter().is_empty
        assert LogFilter().told == ""
