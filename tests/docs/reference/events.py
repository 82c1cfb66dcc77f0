"""docs/reference/events.md, from the payloads of the log and from who appends them."""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from typing import Union, get_args, get_origin

from halo_engine.model import event
from halo_engine.model.event import ExecutionMoved, Payload
from halo_engine.model.execution import ExecutionStatus
from tests.docs.reference.markdown import code, table
from tests.house.source import ROOT, files, tree

_HEAD = """\
# Events of the log

Written by `just docs-events` from `halo_engine/model/event.py`. [The audit](../audit.md) says what the log is, what it proves and how it is exported.

Every event has the same frame:

"""
_AFTER_FRAME = """
**committed**: the log holds a salted SHA-256 of the field, and what it stands for lies beside the log. `halo audit erase` forgets what the
commitments of a request stand for, which are those of the entity `execution_request`, and the log stays whole. Whatever is not committed stays for
good: no words and no names of people are among it. A field that may hold nothing is one that older logs do not have, or that did not apply.

"""


def documentation() -> str:
    """The whole file."""
    frame = ((code(name), _kind(field.annotation)) for name, field in event.Event.model_fields.items())
    parts = [_HEAD, table(("field", "what it holds"), frame), _AFTER_FRAME, "## What may happen\n\n"]
    parts.append(table(("event", "of"), ((f"[`{name}`](#{_anchor(name)})", code(kind.entity_type)) for name, kind in _listed())))
    return "".join([*parts, *(_section(name, kind) for name, kind in _listed())])


def payloads() -> list[type[Payload]]:
    """Every kind of event that the engine knows, as they stand in the source."""
    return [kind for kind in vars(event).values() if isinstance(kind, type) and issubclass(kind, Payload) and kind is not Payload]


def _listed() -> list[tuple[str, type[Payload]]]:
    return [(_name(kind), kind) for kind in payloads()]


def _name(kind: type[Payload]) -> str:
    return "execution.STATUS" if kind is ExecutionMoved else kind.event_type


def _anchor(name: str) -> str:
    return re.sub(r"[^a-z_-]", "", name.lower().replace(" ", "-"))


def _section(name: str, kind: type[Payload]) -> str:
    doc = kind.__dict__.get("__doc__") or ""
    told = " ".join(doc.split())
    if kind is ExecutionMoved:
        told += f" The statuses: {', '.join(code(status) for status in ExecutionStatus)}."
    comments = _comments(kind)
    rows = (
        (code(field), _kind(info.annotation), "committed" if field in kind.committed else "", comments.get(field, ""))
        for field, info in kind.model_fields.items()
    )
    appended = ", ".join(code(place) for place in appended_by(kind))
    fields = table(("field", "type", "", ""), rows) if kind.model_fields else "It has no fields of its own.\n"
    return f"\n## {name}\n\n{f'{told}{chr(10) * 2}' if told else ''}Appended by {appended}.\n\n{fields}"


def _comments(kind: type[Payload]) -> dict[str, str]:
    path = ROOT / "halo_engine" / "model" / "event.py"
    lines = path.read_text(encoding="utf-8").splitlines()
    [node] = [node for node in tree(path).body if isinstance(node, ast.ClassDef) and node.name == kind.__name__]
    found = {}
    for field in node.body:
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            above = field.lineno - 1
            while lines[above - 1].lstrip().startswith("#:"):
                above -= 1
            found[field.target.id] = " ".join(line.split("#:")[1].strip() for line in lines[above : field.lineno - 1])
    return found


def _kind(annotation: object) -> str:
    """The type as a reader of JSON knows it."""
    if get_origin(annotation) is tuple:
        return f"list of {_kind(get_args(annotation)[0])}"
    inner = get_args(annotation)
    if inner and (get_origin(annotation) is Union or type(None) in inner):
        return " or ".join("nothing" if part is type(None) else _kind(part) for part in inner)
    if get_origin(annotation) is dict:
        return "object"
    name = getattr(annotation, "__name__", str(annotation))
    return {"str": "text", "int": "number", "bool": "true or false", "dict": "object", "datetime": "time", "AwareDatetime": "time"}.get(
        name, code(name)
    )


@cache
def _makers() -> dict[str, tuple[str, ...]]:
    """Where each class of this module is called by its name, in the source that ships."""
    found: dict[str, set[str]] = {}
    for path in files():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call):
                found.setdefault(ast.unparse(node.func).rsplit(".", 1)[-1], set()).add(str(path.relative_to(ROOT)))
    return {name: tuple(sorted(places)) for name, places in found.items()}


def appended_by(kind: type[Payload]) -> tuple[str, ...]:
    # Constructed by name, or handed on as a class to whoever appends it.
    called = _makers().get(kind.__name__, ())
    return called or tuple(
        str(path.relative_to(ROOT)) for path in files() if path.name != "event.py" and _names(kind.__name__, ast.dump(tree(path)))
    )


def _names(name: str, dumped: str) -> bool:
    return f"attr='{name}'" in dumped or f"id='{name}'" in dumped


if __name__ == "__main__":
    sys.stdout.write(documentation())
