from __future__ import annotations

import pytest

from halo_engine.parsing.hardened import UnreadableJsonError, loads


class TestHardenedLoader:
    def test_reads_plain_json(self) -> None:
        """Ordinary values come through, and brackets in strings do not count as depth."""
        assert loads('{"a": [1, 2.5, "' + "[" * 100 + '", null]}') == {"a": [1, 2.5, "[" * 100, None]}

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{",
            "[" * 100_000,
            "[" * 17 + "]" * 17,
            '{"a": 1, "a": 2}',
            "NaN",
            "-Infinity",
            "1" * 100_000,
            "0." + "1" * 100_000,
            '"' + "a" * 300_000 + '"',
            '"\\' * 100_000,
            "[1] trailing",
        ],
        ids=lambda text: text[:16],
    )
    def test_refuses_what_is_not_safe_to_read(self, text: str) -> None:
        """Too deep, too long, doubled keys and non-numbers are refused, not repaired."""
        with pytest.raises(UnreadableJsonError):
            loads(text)
