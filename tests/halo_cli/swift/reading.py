"""Swift as the tests read it where there is no compiler: its tokens, the structs that a file declares, and what a `JSONDecoder` would make of JSON.

It knows nothing of the schemas: what is decoded by it fits the types as they were written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

_TOKEN = re.compile(
    r'(?P<space>\s+)|(?P<note>//[^\n]*)|(?P<text>"(?:[^"\\\n]|\\["\\]|\\u\{[0-9a-f]+\})*")|(?P<word>`\w+`|[A-Za-z_@#]\w*)|(?P<number>\d[\w.]*)'
    r"|(?P<sign>->|[-{}()\[\]:;,.=?!&<>+*/|~^%])"
)
_PAIRS = {")": "(", "]": "[", "}": "{"}
_KEYWORDS = {"case", "default", "struct", "var", "let", "func", "return", "public", "init", "self", "in", "is", "for", "open"}


@dataclass
class Struct:
    """A struct as it is declared: its stored properties by name, their keys in JSON, and the types inside it."""

    name: str
    is_open_enumeration: bool
    properties: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    nested: dict[str, Struct] = field(default_factory=dict)


@dataclass
class Source:
    """One file."""

    structs: dict[str, Struct]
    aliases: dict[str, str]


def tokens(source: str) -> list[str]:
    """Raises `AssertionError` for what is no token, and where a bracket is left open or closed twice."""
    found, open_, at = [], [], 0
    while at < len(source):
        match = _TOKEN.match(source, at)
        assert match, f"not Swift: {source[at : at + 40]!r}"
        at = match.end()
        if match.lastgroup in ("space", "note"):
            continue
        token = match.group()
        if token in ("(", "[", "{"):
            open_.append(token)
        elif token in _PAIRS:
            assert open_, f"nothing is open before {token}"
            assert open_.pop() == _PAIRS[token], f"{token} closes something else"
        found.append(token)
    assert not open_, f"left open: {open_}"
    return found


def read(source: str) -> Source:
    """What `source` declares."""
    tokens(source)
    structs: dict[str, Struct] = {}
    aliases: dict[str, str] = {}
    path: list[Struct] = []
    in_keys = False
    for line in source.splitlines():
        text = line.strip()
        if match := re.fullmatch(r"public struct (\w+): ([\w, ]+) \{", text):
            made = Struct(name=match[1], is_open_enumeration=match[2].startswith("RawRepresentable"))
            beside = path[-1].nested if path else structs
            assert made.name not in beside, f"{made.name} is declared twice"
            beside[made.name] = made
            path.append(made)
        elif match := re.fullmatch(r"public typealias (\w+) = (.+)", text):
            aliases[match[1]] = match[2]
        elif text.startswith("enum CodingKeys"):
            in_keys = True
        elif in_keys and (match := re.fullmatch(r'case (`?\w+`?) = "(.*)"', text)):
            _new(path[-1].keys, match[1], match[2])
        elif match := re.fullmatch(r"public var (`?\w+`?): (.+)", text):
            _new(path[-1].properties, match[1], match[2])
        elif match := re.fullmatch(r'public static let (`?\w+`?) = (\w+)\(rawValue: "(.*)"\)', text):
            assert match[2] == path[-1].name
            _new(path[-1].words, match[1], match[3])
        elif text == "}" and line == "    " * len(path) + "}":
            in_keys = False
        elif text == "}" and line == "    " * (len(path) - 1) + "}":
            path.pop()
    assert not path
    return Source(structs, aliases)


def _new(names: dict[str, str], name: str, value: str) -> None:
    assert name not in names, f"{name} is declared twice"
    assert name not in _KEYWORDS, f"{name} is a keyword"
    names[name] = value


class Decoder:
    """What `JSONDecoder` with ISO 8601 dates does: a key that is missing or null is nothing, one that nobody declared is left alone."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def decode(self, swift: str, value: Any, *, inside: Struct | None = None) -> None:
        """Raises `AssertionError` where it does not fit."""
        if swift.endswith("?"):
            if value is not None:
                self.decode(swift[:-1], value, inside=inside)
        elif match := re.fullmatch(r"\[String: (.+)\]", swift):
            assert isinstance(value, dict), swift
            for each in value.values():
                self.decode(match[1], each, inside=inside)
        elif match := re.fullmatch(r"\[(.+)\]", swift):
            assert isinstance(value, list), f"{swift} of {value!r}"
            for each in value:
                self.decode(match[1], each, inside=inside)
        elif swift in _SIMPLE:
            assert _SIMPLE[swift](value), f"{swift} of {value!r}"
        else:
            self._named(swift, value, inside)

    def _named(self, swift: str, value: Any, inside: Struct | None) -> None:
        if alias := self._source.aliases.get(swift):
            return self.decode(alias, value)
        struct = inside.nested.get(swift) if inside else None
        struct = struct or self._source.structs[swift]
        if struct.is_open_enumeration:
            assert isinstance(value, str), f"{swift} of {value!r}"
            return None
        assert isinstance(value, dict), f"{swift} of {value!r}"
        assert struct.keys.keys() == struct.properties.keys(), f"{swift} has keys that are no properties"
        for name, declared in struct.properties.items():
            assert declared.endswith("?") or struct.keys[name] in value, f"{swift} needs {struct.keys[name]}"
            self.decode(declared, value.get(struct.keys[name]), inside=struct)
        return None


def _is_date(value: Any) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value)) and bool(datetime.fromisoformat(value))


_SIMPLE: dict[str, Any] = {
    "String": lambda value: isinstance(value, str),
    "Int": lambda value: isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63,
    "Double": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "Bool": lambda value: isinstance(value, bool),
    "Date": _is_date,
    "JSONValue": lambda _: True,
}
