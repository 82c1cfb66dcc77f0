"""docs/reference/settings.md, from the fields of `Settings` and the comments above them."""

from __future__ import annotations

import ast
import re
import sys
from typing import Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from halo_engine.settings import Settings
from tests.docs.reference.markdown import code, table
from tests.house.source import ROOT

_SOURCE = ROOT / "halo_engine" / "settings.py"

_HEAD = """\
# Settings

Written by `just docs-settings` from `halo_engine/settings.py`. Each is an environment variable, or the same name in small letters and without
`HALO_` in `config.toml` in the data directory; the environment comes first. An unknown name in the file, or a value that is not right, is refused by
its name. Names end with their unit: `_s` is seconds, `_cents` is hundredths. A *secret* is never shown, logged or echoed, and may stand in a file of
its own: the same name with `_FILE` names that file. A list is written with commas.

Where nothing stands in the last column, the name says it all, or the reason above it is its own, too. `HALO_HOME` is the data directory itself.

"""


def documentation() -> str:
    """The whole file."""
    return _HEAD + table(("variable", "type", "default", "why"), map(_row, _names()))


def _names() -> list[str]:
    return [name for name in Settings.model_fields if name != "home"]


def _row(name: str) -> tuple[str, ...]:
    field = Settings.model_fields[name]
    default = field.default
    if default is PydanticUndefined or default is None:
        shown = ""
    elif isinstance(default, SecretStr):
        shown = "the simulator's"
    elif isinstance(default, tuple):
        shown = code(",".join(map(str, default)))
    else:
        shown = code(str(default).lower() if isinstance(default, bool) else default)
    return code(f"HALO_{name.upper()}"), _kind(field.annotation), shown, reasons().get(name, "")


def _kind(annotation: object) -> str:
    """As a person would say it."""
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{word}`" for word in get_args(annotation))
    if get_origin(annotation) is tuple:
        return f"list of {_kind(get_args(annotation)[0])}s"
    inner = [part for part in get_args(annotation) if part is not type(None)]
    if inner:
        return _kind(inner[0])
    name = getattr(annotation, "__name__", str(annotation))
    return {"str": "text", "int": "number", "float": "number", "bool": "true or false", "SecretStr": "secret", "Path": "file"}[name]


def reasons() -> dict[str, str]:
    """The `#:` comment above each field that has one. A reason is of the fields below it, up to the next one."""
    text = _SOURCE.read_text(encoding="utf-8")
    lines = text.splitlines()
    [settings] = [node for node in ast.parse(text).body if isinstance(node, ast.ClassDef) and node.name == "Settings"]
    reasons = {}
    for node in settings.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            above = node.lineno - 1
            while lines[above - 1].lstrip().startswith("#:"):
                above -= 1
            said = [re.sub(r"^\s*#: ?", "", line) for line in lines[above : node.lineno - 1]]
            reasons[node.target.id] = " ".join(said)
    return reasons


if __name__ == "__main__":
    sys.stdout.write(documentation())
