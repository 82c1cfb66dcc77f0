"""Settings: where they come from, which wins, and what is said about a wrong one."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from halo_engine.clock import FakeClock
from halo_engine.model.errors import InvalidInput
from halo_engine.settings import SECRETS, Settings, load_settings
from halo_engine.store.secret import installation_secret
from tests.installation import NOON

#: Secrets that not any word will do for.
VALID = {"secret_key": "0123456789abcdef" * 4, "database_url": "postgresql://halo:hunter2@db/halo"}


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

    @pytest.mark.parametrize("url", ["postgresql://halo:hunter2@db:54x2/halo", "postgresql://halo:hunter2", "postgresql://[::1/halo"])
    def test_refuses_a_database_url_that_cannot_be_read(self, tmp_path: Path, url: str) -> None:
        """Here, before anything is opened; and says nothing of it."""
        with pytest.raises(InvalidInput, match="its port a number") as refused:
            settings(tmp_path, HALO_DATABASE_URL=url)
        assert not {"hunter2", "54x2"} & set(
            re.findall(r"\w+", f"{refused.value.message} {refused.value.hint} {refused.value.__cause__!r}")
        )

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


def secret_file(path: Path, content: str | bytes = "hunter2\n", *, mode: int = 0o444) -> Path:
    """A file as a platform mounts it: for everybody to read, and nobody's to write."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path


NO_SECRETS = (b"", b"\n", b"hunter2\nhunter3\n", b"\xff\xfehunter2", b"hunter2\x00", b"hunter2\x1b[2J", b"hunter2" * 2_000)


class TestSecretInAFile:
    @pytest.mark.parametrize("name", SECRETS)
    def test_is_as_good_as_one_in_the_environment(self, tmp_path: Path, name: str) -> None:
        """Every secret, and without the end of its line."""
        secret = VALID.get(name, "hunter2")
        for end in ("", "\n", "\r\n"):
            loaded = settings(tmp_path, **{f"HALO_{name.upper()}_FILE": str(secret_file(tmp_path / "mounted", secret + end, mode=0o644))})
            assert getattr(loaded, name) == SecretStr(secret)

    def test_may_be_named_in_the_file_of_settings(self, tmp_path: Path) -> None:
        """A relative name is one in the home."""
        secret_file(tmp_path / "resy")
        assert settings(tmp_path, file='resy_password_file = "resy"').resy_password == SecretStr("hunter2")

    def test_keeps_the_order_of_all_settings(self, tmp_path: Path) -> None:
        """What the environment says, in either way, before the file of settings, in either way. What is overruled is not even looked for."""
        mounted = str(secret_file(tmp_path / "mounted"))
        assert settings(tmp_path, file='zinc_api_key = "else"', HALO_ZINC_API_KEY_FILE=mounted).zinc_api_key == SecretStr("hunter2")
        assert settings(tmp_path, file='zinc_api_key_file = "none"', HALO_ZINC_API_KEY="said").zinc_api_key == SecretStr("said")
        assert settings(tmp_path, file='zinc_api_key_file = "none"', HALO_ZINC_API_KEY_FILE=mounted).zinc_api_key == SecretStr("hunter2")

    def test_is_refused_where_it_is_given_a_second_time(self, tmp_path: Path) -> None:
        """One of them would be forgotten when it is changed."""
        mounted = str(secret_file(tmp_path / "mounted"))
        with pytest.raises(InvalidInput, match="'zinc_api_key' is given twice"):
            settings(tmp_path, HALO_ZINC_API_KEY="hunter2", HALO_ZINC_API_KEY_FILE=mounted)
        with pytest.raises(InvalidInput, match="'zinc_api_key' is given twice"):
            settings(tmp_path, file=f'zinc_api_key = "hunter2"\nzinc_api_key_file = "{mounted}"')

    @pytest.mark.parametrize("content", [*NO_SECRETS, "hunter2\u202e".encode()])
    def test_is_one_line_of_text_or_is_refused_unsaid(self, tmp_path: Path, content: bytes) -> None:
        """And nothing of it is repeated."""
        mounted = secret_file(tmp_path / "mounted", content)
        with pytest.raises(InvalidInput, match="mounted, which resy_password_file names, does not hold one line") as refused:
            settings(tmp_path, HALO_RESY_PASSWORD_FILE=str(mounted))
        assert "hunter" not in f"{refused.value.message} {refused.value.hint} {refused.value.__cause__!r} {refused.value.__context__!r}"

    def test_has_to_be_right_as_any_value_has(self, tmp_path: Path) -> None:
        """And nothing of it is repeated then either."""
        mounted = secret_file(tmp_path / "mounted", "mysql://halo:hunter2@db/halo")
        with pytest.raises(InvalidInput, match="'database_url'") as refused:
            settings(tmp_path, HALO_DATABASE_URL_FILE=str(mounted))
        assert "hunter" not in f"{refused.value.message} {refused.value.hint} {refused.value.__cause__!r}"

    @pytest.mark.parametrize("mode", [0o464, 0o446, 0o666])
    def test_that_others_may_write_is_not_believed(self, tmp_path: Path, mode: int) -> None:
        """Whoever can write it would choose the books that are opened."""
        mounted = secret_file(tmp_path / "mounted", mode=mode)
        with pytest.raises(InvalidInput, match="can be written by others"):
            settings(tmp_path, HALO_RESY_PASSWORD_FILE=str(mounted))

    def test_that_is_not_there_is_named_and_nothing_else_is_taken(self, tmp_path: Path) -> None:
        """No file, a directory, a pipe that nobody fills, no name at all: never the default instead."""
        os.mkfifo(tmp_path / "pipe", 0o400)
        for named, why in (("none", "No such file"), (".", "plain file|Is a directory"), ("pipe", "no plain file"), ("", "names no file")):
            with pytest.raises(InvalidInput, match=why):
                settings(tmp_path, HALO_RESY_PASSWORD_FILE=named)


class TestInstallationSecret:
    def test_that_is_given_is_the_one_and_none_is_made(self, tmp_path: Path) -> None:
        """Machines that share books have data directories that are thrown away: one that made its own would be a stranger to them."""
        given = "0123456789abcdef" * 4
        mounted = secret_file(tmp_path / "mounted", f"{given}\n")
        environ = {"HALO_SECRET_KEY_FILE": str(mounted)}
        loaded = load_settings(home=tmp_path / "home", environ=environ)
        assert installation_secret(loaded.key_file, FakeClock(NOON), given=loaded.secret_key) == bytes.fromhex(given)
        assert not loaded.key_file.exists()

    @pytest.mark.parametrize("given", ["", "0123456789abcdef" * 3, "0123456789abcdef" * 5, "x" * 64])
    def test_is_whole_or_refused(self, tmp_path: Path, given: str) -> None:
        """Half a key would make keys all the same."""
        with pytest.raises(InvalidInput, match="'secret_key'") as refused:
            settings(tmp_path, HALO_SECRET_KEY=given)
        assert not given or given not in f"{refused.value.message} {refused.value.hint}"


class TestSettings:
    @pytest.mark.parametrize(("name", "value"), [("vendors", "live"), ("home", Path("/tmp"))])
    def test_cannot_be_changed_afterwards(self, tmp_path: Path, name: str, value: Any) -> None:
        """They are passed down, and nobody below turns a knob."""
        with pytest.raises(ValidationError):
            setattr(load_settings(home=tmp_path, environ={}), name, value)

    @pytest.mark.parametrize("name", [name for name in Settings.model_fields if name.endswith(("_key", "_secret", "_token", "_password"))])
    def test_hold_every_secret_as_one(self, tmp_path: Path, name: str) -> None:
        """A field with the name of a secret never shows its value."""
        loaded = load_settings(home=tmp_path, environ={f"HALO_{name.upper()}": VALID.get(name, "hunter2")})
        assert isinstance(getattr(loaded, name), SecretStr)


class TestWaits:
    def test_can_be_set_from_the_environment(self, tmp_path: Path) -> None:
        """Several numbers are written with commas between them."""
        assert load_settings(home=tmp_path, environ={"HALO_LOOKUP_WAITS_S": "1, 2,3"}).lookup_waits_s == (1, 2, 3)
