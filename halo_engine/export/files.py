"""Where an export is written: a file that is complete or not there, and that its owner alone can read, because it tells what a household does."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from halo_engine.model.errors import StoreNotWritable


@contextmanager
def written(path: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """A file to write and its place for now; it takes the name `path`, in place of any file there, when the block ends without an error.

    Raises `StoreNotWritable`.
    """
    if path.is_dir():
        raise StoreNotWritable(f"{path} is a directory.", hint="Name a file with --out.")
    draft: Path | None = None
    try:
        # With mode 0600, and beside it: a name can only be given within one disk.
        made, name = tempfile.mkstemp(dir=path.parent, prefix=".halo-export-")
        draft = Path(name)
        with os.fdopen(made, "wb") as file:
            yield file, draft
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise StoreNotWritable(f"{path} cannot be written: {error.strerror}.", hint="Choose another file with --out.") from error
    finally:
        if draft:
            draft.unlink(missing_ok=True)
