"""Device tokens in files of their own: written for the owner only, and read back with care."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from halo_engine.model.device import is_token
from halo_engine.model.errors import InvalidInput

#: A token and a line end; a file that is longer is something else.
_MAX_BYTES = 1000


@contextmanager
def kept_in(path: Path | None) -> Iterator[Callable[[str], None]]:
    """What writes a token to `path`, which is made before there is a token: one that cannot be written would be lost. Nowhere for None.

    Raises `InvalidInput` where there is something already or nothing can be made. The file goes where the block fails.
    """
    if path is None:
        yield lambda _: None
        return
    try:
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "that is no file name"
        raise InvalidInput(f"The token file cannot be made: {reason}.", hint="Name a new file with --token-file.") from error
    try:
        with file:
            yield lambda token: print(token, file=file, flush=True)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def read_token(path: Path) -> str:
    """The token in `path`. Raises `InvalidInput` for anything that is not one, and says nothing of what it is."""
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_BYTES).decode("ascii", errors="replace").strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "that is no file name"
        raise InvalidInput(f"{path} cannot be read: {reason}.", hint="Make one with: halo devices add NAME --token-file FILE") from error
    if not is_token(text):
        raise InvalidInput(f"There is no device's token in {path}.", hint="Make one with: halo devices add NAME --token-file FILE")
    return text
