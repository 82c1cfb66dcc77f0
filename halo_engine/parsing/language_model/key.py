"""The language model's key, from wherever the household keeps it.

In this order: the setting itself, a file in the data directory, the system's keyring where the `keyring` package is installed. Looked
up only when a language model is going to be asked: a keyring may open a window.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from halo_engine.model.errors import InvalidInput

#: Set it with: keyring set halo openai_api_key
KEYRING = ("halo", "openai_api_key")

_MAX_CHARS = 4_096
#: Where it is kept is nobody's business but of whoever runs this.
_UNREADABLE = "The language model's key cannot be read."


def model_key(given: SecretStr | None, file: Path) -> SecretStr | None:
    """The key, or None where there is none. Raises `InvalidInput` where there is one that cannot be had."""
    if given is not None and given.get_secret_value():
        return given
    if file.exists():
        return _from_file(file)
    return _from_keyring()


def _from_file(file: Path) -> SecretStr:
    hint = "Write nothing but the key into it, on one line, readable by you alone."
    try:
        with file.open(encoding="ascii") as opened:
            key = opened.read(_MAX_CHARS + 1).strip()
    except (OSError, UnicodeDecodeError) as error:
        # Not chained: the error of a decoder carries the bytes.
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise InvalidInput(f"The language model's key cannot be read from {file}: {why}.", hint=hint, public=_UNREADABLE) from None
    if not key or len(key) > _MAX_CHARS or not key.isprintable() or " " in key:
        raise InvalidInput(f"{file} does not hold a key.", hint=hint, public=_UNREADABLE)
    return SecretStr(key)


def _from_keyring() -> SecretStr | None:
    try:
        keyring: Any = importlib.import_module("keyring")
        failures: Any = importlib.import_module("keyring.errors")
    except ImportError:
        return None
    try:
        key = keyring.get_password(*KEYRING)
    except failures.KeyringError as error:
        # A machine without one has no key in it; a locked one is said by its own window.
        if isinstance(error, failures.NoKeyringError):
            return None
        raise InvalidInput("The keyring cannot be read.", hint="Unlock it, or set HALO_OPENAI_API_KEY_FILE.") from error
    return SecretStr(key) if key else None
