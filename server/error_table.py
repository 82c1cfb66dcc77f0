"""docs/errors.md, written from the kinds of problems there are: `just docs-errors`. A test holds the file against them."""

from __future__ import annotations

import sys

from server import app as everything  # noqa: F401 - reads in every route, and so every error there is
from server.errors import Kind, kinds

_HEAD = """\
# What can go wrong over HTTP

Written by `just docs-errors` from the errors that there are; see [the server](server.md) for everything else.

Every problem is `application/problem+json` (RFC 9457): `type` (`https://halo.example/problems/` and the code), `title`, `status`, `code`,
`request_id`, `retryable`, `resolution`, and where there is more to say `detail`, `hint` and `errors` (of single fields: `field`, `message`). Nothing
in it repeats what was sent. `code` is stable; `title` is the same for every problem of its code; `detail` and `hint` are for people, and may be
worded otherwise tomorrow.

- **again**: the same request may go through later. Where there is a `Retry-After`, not before.
- **who can mend it** (`resolution`): `recoverable`, the client; `requires_buyer_input`, a person who says it otherwise or somebody else;
  `requires_buyer_review`, a person who looks at what stands now.

| status | code | what it says | again | who can mend it |
|---|---|---|---|---|
"""


def documentation() -> str:
    """The whole file."""
    return _HEAD + "".join(map(_row, kinds()))


def _row(kind: Kind) -> str:
    return f"| {kind.status} | `{kind.code}` | {kind.title} | {'yes' if kind.is_retryable else ''} | `{kind.resolution}` |\n"


if __name__ == "__main__":
    sys.stdout.write(documentation())
