"""Names of JSON as names of Swift: camel case, and nothing that the language or its libraries have taken."""

from __future__ import annotations

import re

# fmt: off
#: The Swift Programming Language, "Keywords and Punctuation": those that no declaration may be named by without backticks.
_KEYWORDS = frozenset({
    "actor", "any", "as", "associatedtype", "async", "await", "break", "case", "catch", "class", "continue", "default", "defer",
    "deinit", "do", "else", "enum", "extension", "fallthrough", "false", "fileprivate", "for", "func", "guard", "if", "import",
    "in", "inout", "internal", "is", "let", "nil", "nonisolated", "open", "operator", "precedencegroup", "private", "protocol",
    "public", "repeat", "rethrows", "return", "static", "struct", "subscript", "super", "switch", "throw", "throws", "true",
    "try", "typealias", "var", "where", "while",
})
#: Types that the generated ones are made of.
_TYPES = frozenset({
    "Any", "Bool", "Codable", "CodingKey", "CodingKeys", "Data", "Date", "Decoder", "Double", "Encoder", "Error", "Hashable", "HaloJSON", "Int",
    "JSONValue", "Optional", "Protocol", "RawRepresentable", "Result", "Self", "Sendable", "String", "Type", "URL",
})
# fmt: on
#: Not even with backticks, or what the protocols of the generated types have declared already.
_TAKEN = frozenset({"self", "Self", "init", "Type", "Protocol", "rawValue", "hashValue"})


def member_name(name: str) -> str:
    """A property, a case or a constant: `draft_id` is `draftId`, `default` is `` `default` ``."""
    first, *rest = [word for word in re.split(r"[^0-9A-Za-z]+", name) if word] or ["empty"]
    # A word in capitals is a word.
    spelt = _lowered(first) + "".join(_lowered(word)[:1].upper() + _lowered(word)[1:] for word in rest)
    if spelt[0].isdigit() or spelt in _TAKEN:
        return f"_{spelt}" if spelt[0].isdigit() else f"{spelt}Value"
    return f"`{spelt}`" if spelt in _KEYWORDS else spelt


def type_name(name: str, *, beside: frozenset[str] = frozenset()) -> str:
    """A type: `card_kind` is `CardKind`. One that is taken, in Swift or by a type of `beside`, gets `Value` after it."""
    plain = member_name(name).strip("`_")
    spelt = plain[:1].upper() + plain[1:]
    return f"{spelt}Value" if spelt in _TYPES or spelt in beside else spelt


def text(value: str) -> str:
    """A string literal. No interpolation, no line break and nothing invisible comes of it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in escaped) + '"'


def comment(value: str, *, indent: str) -> list[str]:
    """Documentation, on as many lines as it has."""
    return [f"{indent}/// {line}".rstrip() for line in value.strip().splitlines()] if value.strip() else []


def _lowered(word: str) -> str:
    return word.lower() if word.isupper() else word[:1].lower() + word[1:]
