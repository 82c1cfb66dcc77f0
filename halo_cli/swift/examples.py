"""What stands in `server/openapi.json`: the schemas, and every recorded example with the schema that it is of."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from halo_cli.swift.types import Schema
from halo_engine.model.errors import NotFound

#: The server is no part of this face: only its description is read.
_SERVER, _FILE = "server", "openapi.json"
_METHODS = ("get", "put", "post", "patch", "delete")


@dataclass(frozen=True)
class Example:
    """One body that went over the wire. `name` is a file's name, and no other example's."""

    name: str
    schema: Schema
    body: Any


def description() -> Mapping[str, Any]:
    """The server's own. Raises `NotFound` where there is none."""
    spec = find_spec(_SERVER)
    places = list(spec.submodule_search_locations or ()) if spec else []
    try:
        described: Mapping[str, Any] = json.loads((Path(places[0]) / _FILE).read_text(encoding="utf-8"))
    except (IndexError, OSError, ValueError):
        raise NotFound("The server's openapi.json is not there.", hint="Install Halo anew: it comes with it.") from None
    return described


def schemas_of(described: Mapping[str, Any]) -> dict[str, Schema]:
    """By name."""
    return dict(described["components"]["schemas"])


def examples_of(described: Mapping[str, Any]) -> tuple[Example, ...]:
    """Of every answer, every request and every problem that is described."""
    found = [
        example
        for operations in described["paths"].values()
        for method, operation in operations.items()
        if method in _METHODS
        for example in _of_operation(operation)
    ]
    problems = described["components"].get("responses", {})
    found += [example for answer in problems.values() for example in _in_content("problem", answer)]
    # The same problem may be told of under more than one status.
    return tuple({example.name: example for example in found}.values())


def _of_operation(operation: Mapping[str, Any]) -> Iterator[Example]:
    name = operation["operationId"]
    for answer in operation["responses"].values():
        yield from _in_content(name, answer)
    yield from _in_content(f"{name}-request", operation.get("requestBody", {}))


def _in_content(name: str, told: Mapping[str, Any]) -> Iterator[Example]:
    for kind, content in told.get("content", {}).items():
        if kind.partition(";")[0].endswith("json"):
            for case, example in content.get("examples", {}).items():
                yield Example(name=f"{name}-{_plain(case)}", schema=content["schema"], body=example["value"])


def _plain(case: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "_" for c in case) or "_"
