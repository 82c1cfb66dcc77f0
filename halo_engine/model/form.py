"""The parameters of a draft as a small form: what a person may change without finding words for it.

Fields are derived from the verb's own parameters, so a new verb has its form. A value comes back as text and is held to the same rules as a
parser's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeVar

from pydantic import ValidationError

from halo_engine.model.errors import InvalidInput
from halo_engine.model.intent import Params
from halo_engine.model.value import Value

P = TypeVar("P", bound=Params)

Kind = Literal["text", "number", "amount", "date", "time", "choice"]

#: More than a person would fill in one by one; the words do it better.
_MAX_ITEMS = 10
_STAYS = "The draft stays as it was."
_AMOUNT = re.compile(r"\$?\s*([0-9]{1,6})(?:\.([0-9]{2}))?")


class FormField(Value):
    """One thing that can be changed. `name` says where it stands in the parameters: `party_size`, `items.0.quantity`."""

    name: str
    label: str
    kind: Kind
    value: str
    choices: tuple[str, ...] = ()


def form_of(params: Params) -> tuple[FormField, ...]:
    """What can be changed, in the order of the parameters."""
    schema = type(params).model_json_schema()
    return tuple(_fields(schema, schema.get("$defs", {}), params.model_dump(mode="json"), prefix="", of=""))


def filled(params: P, values: Mapping[str, str]) -> P:
    """`params` with what was filled in; an empty text takes a value away. Raises `InvalidInput` naming the field that cannot be so."""
    known = {field.name: field for field in form_of(params)}
    changed = params.model_dump(mode="json")
    for name, text in values.items():
        if name not in known:
            raise InvalidInput("There is no such field to change.", hint="Say it in words instead.")
        _put(changed, name.split("."), _read(known[name], text.strip()))
    try:
        return type(params).model_validate(changed)
    except ValidationError as error:
        at = ".".join(str(part) for part in error.errors()[0]["loc"])
        label = known[at].label if at in known else "A field"
        raise InvalidInput(f"{label} cannot be that.", hint=_STAYS, public="A field cannot be that.") from None


def _fields(schema: Mapping[str, Any], defs: Mapping[str, Any], values: Mapping[str, Any], *, prefix: str, of: str) -> Iterator[FormField]:
    for name, given in schema["properties"].items():
        kinds = [_resolved(kind, defs) for kind in given.get("anyOf", [given])]
        kind = next(kind for kind in kinds if kind.get("type") != "null")
        value = values.get(name)
        if kind.get("type") == "array":
            yield from _item_fields(_resolved(kind["items"], defs), defs, value or [], prefix=f"{prefix}{name}.")
        elif kind.get("type") in ("string", "integer"):
            yield FormField(name=f"{prefix}{name}", label=_label(name, of), **_kind(name, kind), value=_written(name, value))


def _item_fields(item: Mapping[str, Any], defs: Mapping[str, Any], values: list[Any], *, prefix: str) -> Iterator[FormField]:
    """Of each thing how many: what it is is better said."""
    if item.get("type") != "object" or "quantity" not in item["properties"]:
        return
    quantity = {"properties": {"quantity": item["properties"]["quantity"]}}
    for position, value in enumerate(values[:_MAX_ITEMS]):
        yield from _fields(quantity, defs, value, prefix=f"{prefix}{position}.", of=str(value.get("name", "")))


def _resolved(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> Mapping[str, Any]:
    return defs[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def _kind(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    if "enum" in schema or "const" in schema:
        return {"kind": "choice", "choices": tuple(schema.get("enum", [schema.get("const")]))}
    if schema["type"] == "integer":
        return {"kind": "amount" if name.endswith("_cents") else "number"}
    last = name.rpartition("_")[2]
    return {"kind": "date" if last in ("date", "by") else "time" if name.startswith("time") else "text"}


def _label(name: str, of: str) -> str:
    words = name.removesuffix("_cents").replace("_", " ").capitalize()
    return f"{words} of {of}" if of else words


def _written(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name.endswith("_cents"):
        return f"{value // 100}.{value % 100:02d}"
    return str(value)


def _read(field: FormField, text: str) -> Any:
    if not text:
        return None
    if field.kind == "number":
        if not re.fullmatch(r"[0-9]{1,9}", text):
            raise InvalidInput(f"{field.label} must be a number.", hint=_STAYS, public="A field must be a number.")
        return int(text)
    if field.kind == "amount":
        match = _AMOUNT.fullmatch(text)
        if not match:
            such = "must be an amount, such as 40.00."
            raise InvalidInput(f"{field.label} {such}", hint=_STAYS, public=f"A field {such}")
        return int(match[1]) * 100 + int(match[2] or 0)
    return text


def _put(into: Any, path: list[str], value: Any) -> None:
    for part in path[:-1]:
        into = into[int(part)] if isinstance(into, list) else into[part]
    into[path[-1]] = value
