"""Which files of a home are secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from halo_engine.store.secret_files import holds_secrets


class TestAConfig:
    @pytest.mark.parametrize(
        ("text", "holds"),
        [('zinc_api_key = "x"', True), ("draft_lives_s = 600", False), ('zinc_api_key_file = "x"', False), ("[", True), ("", False)],
    )
    def test_holds_secrets_where_a_setting_in_it_is_one(self, tmp_path: Path, text: str, holds: bool) -> None:
        """One that cannot be read may be; the name of a file is none."""
        (tmp_path / "config.toml").write_text(text)
        assert holds_secrets(tmp_path / "config.toml") is holds

    def test_that_is_not_there_holds_none(self, tmp_path: Path) -> None:
        """And one that is no file may."""
        assert not holds_secrets(tmp_path / "config.toml")
        assert holds_secrets(tmp_path)
