"""OpenAPI schemas as Swift: a struct for each object, an open one for each list of words that may grow.

A field that is not required is an optional; a time is a `Date`; what has no shape is a `JSONValue`. A schema that cannot be said so, such as one with
alternatives, is refused: clients would have to guess, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from halo_cli.swift.names import comment, member_name, text, type_name

Schema = Mapping[str, Any]

_REF = "#/components/schemas/"
_SIMPLE = {"string": "String", "integer": "Int", "number": "Double", "boolean": "Bool"}
#: What may stand beside `$ref` and type without changing what is decoded.
_REFUSED = ("anyOf", "oneOf", "allOf", "not", "prefixItems")


class UnsayableError(ValueError):
    """A schema that has no plain form in Swift."""


@dataclass(frozen=True)
class _Field:
    """One property of a struct, and the open enumeration that it may bring with it."""

    key: str
    name: str
    type: str
    is_required: bool
    note: str
    nested: tuple[str, ...]

    @property
    def declared(self) -> str:
        """Its type as it is written."""
        return self.type if self.is_required else f"{self.type}?"


def source_of(schemas: Mapping[str, Schema]) -> str:
    """One Swift file with a type for each schema, in the order of their names. Raises `UnsayableError`."""
    names = {name: type_name(name) for name in schemas}
    if len(set(names.values())) < len(names):
        raise UnsayableError("two schemas have the same name in Swift")
    _no_struct_holds_itself(schemas)
    taken = frozenset(names.values())
    types = ["\n".join(_type(name, schema, taken)) for name, schema in sorted(schemas.items())]
    return (
        "\n\n".join(
            [
                "// Made by `halo fixtures export --swift` from server/openapi.json. Make it anew instead of changing it.",
                "import Foundation",
                *types,
            ]
        )
        + "\n"
    )


def type_of(schema: Schema, *, at: str) -> str:
    """What a value of `schema` is in Swift. Raises `UnsayableError`."""
    if ref := schema.get("$ref"):
        return type_name(str(ref).removeprefix(_REF))
    if refused := [word for word in _REFUSED if word in schema]:
        raise UnsayableError(f"{at} has {refused[0]}")
    kind = schema.get("type")
    if kind == "array":
        return f"[{type_of(schema.get('items', {}), at=f'{at}[]')}]"
    if kind == "object":
        return _map_of(schema, at)
    if kind == "string" and schema.get("format") == "date-time":
        return "Date"
    if isinstance(kind, str) and kind in _SIMPLE:
        return _SIMPLE[kind]
    if kind is None:
        return "JSONValue"
    raise UnsayableError(f"{at} is of type {kind}")


def _map_of(schema: Schema, at: str) -> str:
    if schema.get("properties"):
        raise UnsayableError(f"{at} is an object without a name")
    values = schema.get("additionalProperties", True)
    return f"[String: {type_of(values, at=f'{at}{{}}') if isinstance(values, Mapping) else 'JSONValue'}]"


def _type(name: str, schema: Schema, taken: frozenset[str]) -> Iterator[str]:
    yield from comment(str(schema.get("description", "")), indent="")
    if schema.get("type") == "object" and (schema.get("properties") or "additionalProperties" not in schema):
        yield from _struct(name, schema, taken)
    elif _words(schema):
        yield from _open_enumeration(type_name(name), schema, indent="")
    else:
        yield f"public typealias {type_name(name)} = {type_of(schema, at=name)}"


def _struct(name: str, schema: Schema, taken: frozenset[str]) -> Iterator[str]:
    required = frozenset(schema.get("required", ()))
    fields = [_field(name, key, of, key in required, taken) for key, of in schema.get("properties", {}).items()]
    if len({field.name for field in fields}) < len(fields):
        raise UnsayableError(f"two fields of {name} have the same name in Swift")
    yield f"public struct {type_name(name)}: Codable, Hashable, Sendable {{"
    for field in fields:
        yield from comment(field.note, indent="    ")
        yield f"    public var {field.name}: {field.declared}"
    given = ", ".join(f"{field.name}: {field.declared}{'' if field.is_required else ' = nil'}" for field in fields)
    yield ""
    yield f"    public init({given}) {{"
    # A backtick is no part of a name after `self.`, and does no harm there.
    yield from (f"        self.{field.name} = {field.name}" for field in fields)
    yield "    }"
    if fields:
        yield ""
        yield "    enum CodingKeys: String, CodingKey {"
        yield from (f"        case {field.name} = {text(field.key)}" for field in fields)
        yield "    }"
    for field in fields:
        yield from field.nested
    yield "}"


def _field(owner: str, key: str, schema: Schema, is_required: bool, taken: frozenset[str]) -> _Field:
    element, before, after = schema, "", ""
    while element.get("type") == "array" and isinstance(element.get("items"), Mapping):
        element, before, after = element["items"], f"[{before}", f"{after}]"
    if _words(element):
        nested = type_name(key, beside=taken)
        lines = ("", *_open_enumeration(nested, element, indent="    "))
        swift = f"{before}{nested}{after}"
    else:
        lines, swift = (), type_of(schema, at=f"{owner}.{key}")
    return _Field(
        key=key, name=member_name(key), type=swift, is_required=is_required, note=str(schema.get("description", "")), nested=lines
    )


def _words(schema: Schema) -> list[str]:
    """The words of a list, whether or not it may grow: a client reads both in the same way."""
    if schema.get("type") != "string":
        return []
    return [str(word) for word in schema.get("x-extensible-enum", schema.get("enum", ()))]


def _open_enumeration(name: str, schema: Schema, *, indent: str) -> Iterator[str]:
    """A struct and no `enum`: a word that comes with a later server is kept, and equals none of these."""
    yield f"{indent}public struct {name}: RawRepresentable, Codable, Hashable, Sendable {{"
    yield f"{indent}    public let rawValue: String"
    yield ""
    yield f"{indent}    public init(rawValue: String) {{"
    yield f"{indent}        self.rawValue = rawValue"
    yield f"{indent}    }}"
    yield ""
    known: set[str] = set()
    for word in _words(schema):
        spelt = member_name(word)
        if spelt in known:
            raise UnsayableError(f"two words of {name} have the same name in Swift")
        known.add(spelt)
        yield f"{indent}    public static let {spelt} = {name}(rawValue: {text(word)})"
    yield f"{indent}}}"


def _no_struct_holds_itself(schemas: Mapping[str, Schema]) -> None:
    """Swift's structs have a size: one may hold itself in an array or a dictionary, and in no other way."""
    held = {name: {_held(field) for field in schema.get("properties", {}).values()} - {None} for name, schema in schemas.items()}
    for name in held:
        reached, new = set[str | None](), held[name]
        while new:
            reached |= new
            new = set().union(*(held.get(str(each), set()) for each in new)) - reached
        if name in reached:
            raise UnsayableError(f"{name} holds itself")


def _held(schema: Schema) -> str | None:
    return str(schema["$ref"]).removeprefix(_REF) if "$ref" in schema else None
