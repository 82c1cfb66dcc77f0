"""Which files of a home are secrets: `doctor` looks at who can read them, and `backup` carries them, or leaves them out and says so."""

from __future__ import annotations

import tomllib
from pathlib import Path

from halo_engine.settings import SECRETS

#: Files that are secrets, and folders in which every file is one.
FILES = ("secret.key", "openai.key", "bridge.json", "bridge.key")
FOLDERS = ("keys", "remotes")


def holds_secrets(config: Path) -> bool:
    """Whether any of the settings in `config` is a secret. One that cannot be read may be."""
    try:
        return bool(tomllib.loads(config.read_text(encoding="utf-8")).keys() & set(SECRETS))
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        return config.exists()
