from __future__ import annotations

from datetime import date

import pytest

from halo_engine.model.day import day_in, read_day
from halo_engine.model.errors import InvalidInput


class TestADay:
    def test_is_written_in_one_way(self) -> None:
        assert (day_in("2026-03-07"), read_day("2028-02-29")) == (date(2026, 3, 7), date(2028, 2, 29))

    @pytest.mark.parametrize(
        "text", ["", "20260307", "2026-W10-6", "2026-3-7", "2026-02-30", "2026-03-07T00:00", " 2026-03-07", "٢٠٢٦-٠٣-٠٧", "today"]
    )
    def test_is_none_in_any_other(self, text: str) -> None:
        """What a library would guess is not guessed."""
        assert day_in(text) is None
        with pytest.raises(InvalidInput, match="not a day"):
            read_day(text)

    @pytest.mark.parametrize("text", ["0001-01-01", "9999-12-31"])
    def test_has_one_before_and_one_after(self, text: str) -> None:
        """Whoever reckons with it never falls out of the calendar."""
        assert day_in(text) is None
