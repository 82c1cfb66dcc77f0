from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import SecretStr

from halo_engine.model.errors import InvalidInput
from halo_engine.parsing.language_model.key import KEYRING, model_key

KEY = "sk-planted-secret"


class _KeyringError(Exception):
    pass


class _NoKeyringError(_KeyringError):
    pass


def _keyring(monkeypatch: pytest.MonkeyPatch, answer: str | Exception | None) -> None:
    """The `keyring` package, as far as it is used."""

    def get_password(*asked: str) -> str | None:
        assert asked == KEYRING
        if isinstance(answer, Exception):
            raise answer
        return answer

    package, errors = ModuleType("keyring"), ModuleType("keyring.errors")
    monkeypatch.setattr(package, "get_password", get_password, raising=False)
    monkeypatch.setattr(errors, "KeyringError", _KeyringError, raising=False)
    monkeypatch.setattr(errors, "NoKeyringError", _NoKeyringError, raising=False)
    monkeypatch.setitem(sys.modules, "keyring", package)
    monkeypatch.setitem(sys.modules, "keyring.errors", errors)


def _secret(key: SecretStr | None) -> str | None:
    return key.get_secret_value() if key else None


class TestModelKey:
    def test_is_the_setting_before_the_file_before_the_keyring(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """In this order."""
        file = tmp_path / "openai.key"
        _keyring(monkeypatch, "from-keyring")
        assert _secret(model_key(None, file)) == "from-keyring"
        file.write_text("from-file\n")
        assert _secret(model_key(None, file)) == "from-file"
        assert _secret(model_key(SecretStr("given"), file)) == "given"

    def test_is_none_where_there_is_none(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """No file, and no keyring, with or without the package."""
        monkeypatch.setitem(sys.modules, "keyring", None)
        assert model_key(None, tmp_path / "openai.key") is None
        for answer in (None, "", _NoKeyringError()):
            _keyring(monkeypatch, answer)
            assert model_key(None, tmp_path / "openai.key") is None

    def test_says_that_the_keyring_is_locked(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A key that is there but cannot be had is no missing key."""
        _keyring(monkeypatch, _KeyringError("locked"))
        with pytest.raises(InvalidInput, match="keyring"):
            model_key(None, tmp_path / "openai.key")

    @pytest.mark.parametrize("content", [b"", b"\n", b"two words", b"two\nlines", b"\xff\xfe" + KEY.encode(), b"k" * 5_000, b"sk-\x01"])
    def test_of_a_file_that_holds_no_key_says_only_that(self, tmp_path: Path, content: bytes) -> None:
        """And nothing of what is in it."""
        file = tmp_path / "openai.key"
        file.write_bytes(content)
        with pytest.raises(InvalidInput) as refused:
            model_key(None, file)
        assert KEY not in f"{refused.value.message} {refused.value.hint} {refused.value.__cause__!r}"

    def test_from_a_real_keyring(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The package itself, with a backend that forgets."""
        keyring = pytest.importorskip("keyring", reason="NOT TESTED WITH A REAL KEYRING: pip install -e '.[keyring]'")
        backend = pytest.importorskip("keyring.backend")

        class Forgetful(backend.KeyringBackend):  # type: ignore[misc, name-defined]
            priority = 1

            def get_password(self, service: str, username: str) -> str | None:
                return KEY if (service, username) == KEYRING else None

            def set_password(self, service: str, username: str, password: str) -> None:
                raise NotImplementedError

        before = keyring.get_keyring()
        keyring.set_keyring(Forgetful())
        try:
            assert _secret(model_key(None, tmp_path / "openai.key")) == KEY
        finally:
            keyring.set_keyring(before)
