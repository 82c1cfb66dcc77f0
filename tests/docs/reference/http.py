"""docs/reference/http.md, from server/openapi.json, which a test holds against the routes."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

from tests.docs.reference.markdown import code, table
from tests.house.source import ROOT

_SOURCE = ROOT / "server" / "openapi.json"
#: An example that is longer shows its beginning: the whole of it is in openapi.json.
_LONGEST_EXAMPLE = 24

_HEAD = """\
# The HTTP interface

Written by `just docs-http` from `server/openapi.json`, which is made of the routes and has an example of everything. [The server](../server.md)
says how to begin, [the errors](../errors.md) what each problem means and whether to ask again.

Where nothing else is said, a call shows a device's token (`Authorization: Bearer hdv_…`, or DPoP), and whatever changes something shows an
`Idempotency-Key`. Examples are shortened with `…`.

"""


def documentation() -> str:
    """The whole file."""
    described = json.loads(_SOURCE.read_text(encoding="utf-8"))
    return _HEAD + _overview(described) + "".join(_tag(tag, described) for tag in described["tags"])


def _operations(described: dict[str, Any], tag: str | None = None) -> list[tuple[str, str, dict[str, Any]]]:
    found = [(method.upper(), path, each) for path, item in described["paths"].items() for method, each in item.items()]
    return [one for one in found if tag is None or tag in one[2]["tags"]]


def _overview(described: dict[str, Any]) -> str:
    rows = (
        (code(f"{method} {path}"), f"[`{each['operationId']}`](#{each['operationId'].lower()})", each["summary"])
        for method, path, each in _operations(described)
    )
    return table(("call", "operation", "what it does"), rows)


def _tag(tag: dict[str, str], described: dict[str, Any]) -> str:
    sections = "".join(_operation(*one, described) for one in _operations(described, tag["name"]))
    return f"\n## {tag['name'].capitalize()}\n\n{tag['description']}\n{sections}"


def _operation(method: str, path: str, each: dict[str, Any], described: dict[str, Any]) -> str:
    parts = [
        f"\n### {each['operationId']}\n\n`{method} {path}`",
        "" if each.get("security") else ": no token is needed",
        f"\n\n{each['description']}\n",
    ]
    if parameters := [_found(one, described) for one in each.get("parameters", ())]:
        rows = (
            (code(one["name"]), one["in"], _type(one["schema"]), "yes" if one.get("required") else "", one.get("description", ""))
            for one in parameters
        )
        parts.append("\n" + table(("parameter", "in", "type", "needed", ""), rows))
    if "requestBody" in each:
        parts.append(_body(each["requestBody"], described))
    return "".join([*parts, _answers(each["responses"], described)])


def _body(body: dict[str, Any], described: dict[str, Any]) -> str:
    [content] = body["content"].values()
    schema = _found(content["schema"], described)
    needed = schema.get("required", ())
    rows = (
        (code(name), _type(field), "yes" if name in needed else "", _found(field, described).get("description", ""))
        for name, field in schema.get("properties", {}).items()
    )
    fields = (
        table(("field of the body", "type", "needed", ""), rows) if schema.get("properties") else "The body is an object of any names.\n"
    )
    return f"\n{fields}{_example(content)}"


def _answers(responses: dict[str, Any], described: dict[str, Any]) -> str:
    rows, example = [], ""
    for status, given in responses.items():
        answer = _found(given, described)
        if int(status) < 300:
            content = answer.get("content", {})
            kinds = ", ".join(f"{_type(each['schema'])} ({kind})" if "schema" in each else kind for kind, each in content.items())
            rows.append((status, answer["description"], kinds))
            example = example or next((_example(each) for kind, each in content.items() if kind == "application/json"), "")
        else:
            rows.append((status, ", ".join(map(code, re.findall(r"`([a-z_]+)`:", answer["description"]))) or answer["description"], ""))
    return "\n" + table(("answer", "what it is, or the codes of its problems", "form"), rows) + example


def _example(content: dict[str, Any]) -> str:
    examples = content.get("examples", {})
    if not examples:
        return ""
    lines = json.dumps(next(iter(examples.values()))["value"], indent=2, ensure_ascii=False).splitlines()
    shown = lines if len(lines) <= _LONGEST_EXAMPLE else [*lines[:_LONGEST_EXAMPLE], "…"]
    language = "json" if shown is lines else "text"
    return f"\n```{language}\n" + "\n".join(shown) + "\n```\n"


def _found(thing: dict[str, Any], described: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in thing:
        return thing
    found: Any = described
    for step in thing["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return dict(found)


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return code(schema["$ref"].rsplit("/", 1)[-1])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    if "enum" in schema:
        return ", ".join(code(word) for word in schema["enum"])
    return str(schema.get("format") or schema.get("type") or "anything")


if __name__ == "__main__":
    sys.stdout.write(documentation())
