"""Settings: where they come from, which wins, and what is said about a wrong one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from halo_engine.model.errors import InvalidInput
from halo_engine.settings import Settings, load_settings


def settings(home: Path, *, file: str = "", **environ: str) -> Settings:
    (home / "config.toml").write_text(file, encoding="utf-8")
    return load_settings(home=home, environ=environ)


class TestLoadSettings:
    def test_needs_nothing(self, tmp_path: Path) -> None:
        """The defaults are a simulator, an offline parser and SQLite, also where there is no directory yet."""
        loaded = load_settings(home=tmp_path / "none", environ={})
        assert (loaded.vendors, loaded.parser, loaded.database_url) == ("simulator", "offline", None)

    @pytest.mark.parametrize(
        ("file", "environ", "expected"),
        [
            ("", {}, 50_000),
            ("spending_limit_cents = 7", {}, 7),
            ("", {"HALO_SPENDING_LIMIT_CENTS": "8"}, 8),
            ("spending_limit_cents = 7", {"HALO_SPENDING_LIMIT_CENTS": "8"}, 8),
        ],
    )
    def test_takes_the_environment_before_the_file_before_the_default(
        self, tmp_path: Path, file: str, environ: dict[str, str], expected: int
    ) -> None:
        """In this order."""
        assert settings(tmp_path, file=file, **environ).spending_limit_cents == expected

    def test_ignores_what_others_put_into_the_environment(self, tmp_path: Path) -> None:
        """Only names of settings are read."""
        assert settings(tmp_path, HALO_UNKNOWN="1", SPENDING_LIMIT_CENTS="1", PATH="/").spending_limit_cents == 50_000

    @pytest.mark.parametrize(
        ("file", "named"),
        [
            ("surprise = 1", "surprise"),
            ('vendors = "mock"', "vendors"),
            ('spending_limit_cents = "a lot"', "spending_limit_cents"),
            ("spending_limit_cents = -1", "spending_limit_cents"),
            ("spending_limit_cents = 1.5", "spending_limit_cents"),
            ("draft_lives_s = 0", "draft_lives_s"),
            ("minimum_confidence = 1.1", "minimum_confidence"),
            ("openai_timeout_s = 0", "openai_timeout_s"),
            ("openai_timeout_s = inf", "openai_timeout_s"),
            ('openai_base_url = ""', "openai_base_url"),
            ('openai_base_url = "file:///etc/passwd"', "openai_base_url"),
            ('openai_base_url = "https://me:key@models.example/v1"', "openai_base_url"),
            ('openai_fallback = "maybe"', "openai_fallback"),
            ('lookup_waits_s = ["soon"]', "lookup_waits_s.0"),
        ],
    )
    def test_names_what_is_wrong(self, tmp_path: Path, file: str, named: str) -> None:
        """An unknown name or a bad value in the file."""
        with pytest.raises(InvalidInput, match=f"'{named}'") as refused:
            settings(tmp_path, file=file)
        assert "config.toml" in refused.value.hint

    def test_never_repeats_a_secret(self, tmp_path: Path) -> None:
        """Not in an error, and not when the settings are shown."""
        with pytest.raises(InvalidInput) as refused:
            settings(tmp_path, HALO_DATABASE_URL="mysql://halo:hunter2@db/halo")
        assert "hunter2" not in f"{refused.value.message} {refused.value.hint} {refused.value.__cause__!r}"
        shown = settings(tmp_path, HALO_OPENAI_API_KEY="hunter2", HALO_DATABASE_URL="postgresql://halo:hunter2@db/halo")
        assert "hunter2" not in f"{shown!r} {shown} {shown.model_dump_json()}"

    @pytest.mark.parametrize("content", [b"not toml at all", b"\xff\xfe", b"vendors = ", b"a = 1\na = 2"])
    def test_refuses_a_file_that_cannot_be_read(self, tmp_path: Path, content: bytes) -> None:
        """By its name."""
        (tmp_path / "config.toml").write_bytes(content)
        with pytest.raises(InvalidInput, match=r"config\.toml"):
            load_settings(home=tmp_path, environ={})

    def test_refuses_a_directory_in_its_place(self, tmp_path: Path) -> None:
        """What is there is not a file."""
        (tmp_path / "config.toml").mkdir()
        with pytest.raises(InvalidInput, match=r"config\.toml"):
            load_settings(home=tmp_path, environ={})


class TestHome:
    def test_is_named_by_the_caller_the_environment_or_the_platform(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """In this order."""
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
        environ = {"HALO_HOME": str(tmp_path / "environ")}
        homes = [load_settings(home=tmp_path, environ=environ), load_settings(environ=environ), load_settings(environ={})]
        assert [loaded.home.name for loaded in homes] == [tmp_path.name, "environ", "halo"]

    def test_is_absolute(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """So that it stays where it is when the process moves; `~` is the person's own."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("HOME", str(tmp_path / "me"))
        assert load_settings(home=Path("here"), environ={}).home == tmp_path / "here"
        assert load_settings(home=Path("~/halo"), environ={}).home == tmp_path / "me" / "halo"

    def test_that_cannot_be_found_is_named(self) -> None:
        """T-05: nobody of that name has one."""
        with pytest.raises(InvalidInput, match="nobody-of-that-name"):
            load_settings(home=Path("~nobody-of-that-name/halo"), environ={})

    def test_holds_everything(self, tmp_path: Path) -> None:
        """The books, the key, and the simulator's own world apart from them."""
        loaded = load_settings(home=tmp_path, environ={})
        assert {loaded.database_file.parent, loaded.key_file.parent} == {tmp_path}
        assert loaded.simulator_file.parent.parent == tmp_path


class TestModelKeyFile:
    def test_is_in_the_home_unless_it_says_otherwise(self, tmp_path: Path) -> None:
        """A relative name is one in the home."""
        assert load_settings(home=tmp_path, environ={}).model_key_file == tmp_path / "openai.key"
        for named, found in (("my.key", tmp_path / "my.key"), ("/run/secrets/model", Path("/run/secrets/model"))):
            assert load_settings(home=tmp_path, environ={"HALO_OPENAI_API_KEY_FILE": named}).model_key_file == found


class TestSettings:
    @pytest.mark.parametrize(("name", "value"), [("vendors", "live"), ("home", Path("/tmp"))])
    def test_cannot_be_changed_afterwards(self, tmp_path: Path, name: str, value: Any) -> None:
        """They are passed down, and nobody below turns a knob."""
        with pytest.raises(ValidationError):
            setattr(load_settings(home=tmp_path, environ={}), name, value)

    @pytest.mark.parametrize("name", [name for name in Settings.model_fields if name.endswith(("_key", "_secret", "_token", "_password"))])
    def test_hold_every_secret_as_one(self, tmp_path: Path, name: str) -> None:
        """A field with the name of a secret never shows its value."""
        loaded = load_settings(home=tmp_path, environ={f"HALO_{name.upper()}": "hunter2"})
        assert isinstance(getattr(loaded, name), SecretStr)


class TestWaits:
    def test_can_be_set_from_the_environment(self, tmp_path: Path) -> None:
        """Several numbers are written with commas between them."""
        assert load_settings(home=tmp_path, environ={"HALO_LOOKUP_WAITS_S": "1, 2,3"}).lookup_waits_s == (1, 2, 3)
