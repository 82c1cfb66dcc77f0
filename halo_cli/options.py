"""The options that commands share, declared once. They mean the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout instead of text.")]
Home: TypeAlias = Annotated[
    Path | None,
    typer.Option("--home", metavar="DIR", help="Data directory [env: HALO_HOME; default: the platform's].", show_default=False),
]
NoInput: TypeAlias = Annotated[bool, typer.Option("--no-input", help="Never ask anything.")]
As: TypeAlias = Annotated[
    str | None, typer.Option("--as", metavar="MEMBER", help="Who acts: a member's name or id; default: the owner.", show_default=False)
]
Wait: TypeAlias = Annotated[float, typer.Option("--wait", metavar="SECONDS", min=0, max=86400, help="How long to wait for the end.")]
