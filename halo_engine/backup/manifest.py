"""What a backup says of itself: which Halo made it and when, how far its log had come, and the hash of everything in it.

A backup is a ZIP file of `manifest.json` and the files that it names. Nothing else in it is read, and no name leads out of the home.
"""

from __future__ import annotations

import re
from typing import Literal

from pydantic import AwareDatetime, Field, field_validator

from halo_engine.model.value import Value
from halo_engine.stages.restoring import LogEnd
from halo_engine.store import secret_files

NAME = "manifest.json"
BOOKS = "halo.db"
SECRET = "secret.key"  # noqa: S105 - the name of a file
CONFIG = "config.toml"
#: What this home signed last: it must never be newer than the books beside it.
SIGNED_HEAD = "signed-head.json"
#: More than any of them is, but the books.
SMALL_BYTES = 4_000_000

_IN_FOLDER = re.compile(rf"(?:{'|'.join(secret_files.FOLDERS)})/[A-Za-z0-9_][\w.-]{{0,120}}")
#: What no setting may name: it is made anew, is the world outside, is a desk, or has a name of its own above.
_NO_SECRETS = (*secret_files.FOLDERS, "simulator", "sealed", "slots", "logs", NAME, ".packed", ".restoring")


def may_be_kept(name: str) -> bool:
    """Whether a file of that name may be in a backup: one of ours, or one in the home that a setting may name (`zinc_api_key_file`)."""
    return name in (BOOKS, CONFIG, SIGNED_HEAD, *secret_files.FILES) or _IN_FOLDER.fullmatch(name) is not None or _may_be_named(name)


def _may_be_named(name: str) -> bool:
    parts = name.split("/")
    is_plain = name.isprintable() and len(name.encode()) <= 250 and len(parts) <= 4 and not {"", ".", ".."} & set(parts)
    first = parts[0].lower()
    return is_plain and first not in _NO_SECRETS and not first.startswith(BOOKS)


class Kept(Value):
    """One file of a backup."""

    name: str
    size: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")

    @field_validator("name")
    @classmethod
    def _stays_at_home(cls, name: str) -> str:
        if not may_be_kept(name):
            raise ValueError("that is no file of a backup")
        return name


class Manifest(Value):
    """The first thing to read of a backup."""

    format: Literal["halo/backup/v1"] = "halo/backup/v1"
    halo: str
    #: The revision of the books' tables.
    schema_revision: str = Field(pattern=r"^[0-9]{4}$")
    taken_at: AwareDatetime
    #: Which database the books came from. In a backup they are always a SQLite file.
    database: Literal["sqlite", "postgresql"]
    #: Tells which secret.key the books go with, and nothing about it.
    key_id: str
    #: Whether that secret is in here; else it has to be there before the books are put back.
    has_secret: bool
    #: How far the log of each household had come.
    ends: tuple[LogEnd, ...]
    files: tuple[Kept, ...]
    #: Secrets of the home that are not in here: they may be put there by hand before the books are put back.
    left_out: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(file.name for file in self.files)
