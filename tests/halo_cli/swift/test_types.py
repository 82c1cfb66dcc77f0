"""Schemas as Swift types. There is no Swift here: a reader of our own stands for the compiler, and says what would be decoded."""

from __future__ import annotations

from typing import Any

import pytest
import tree_sitter_swift
from tree_sitter import Language, Parser

from halo_cli.swift import names, package
from halo_cli.swift.examples import description, examples_of, schemas_of
from halo_cli.swift.types import UnsayableError, source_of, type_of
from tests.halo_cli.swift.reading import Decoder, read, tokens

SCHEMAS = schemas_of(description())
SOURCE = source_of(SCHEMAS)


def thing(**properties: Any) -> str:
    """The source of one schema with these properties, all of them required."""
    return source_of({"Thing": {"type": "object", "properties": properties, "required": list(properties)}})


class TestTheServersDocuments:
    def test_all_have_a_type(self) -> None:
        declared = read(SOURCE)
        assert {names.type_name(name) for name in SCHEMAS} == declared.structs.keys() | declared.aliases.keys()

    def test_have_all_their_fields(self) -> None:
        declared = read(SOURCE)
        for name, schema in SCHEMAS.items():
            if schema.get("properties"):
                struct = declared.structs[names.type_name(name)]
                assert list(struct.keys.values()) == list(schema["properties"])
                optional = {struct.keys[each] for each, swift in struct.properties.items() if swift.endswith("?")}
                assert optional == set(schema["properties"]) - set(schema.get("required", ()))

    def test_name_only_types_that_there_are(self) -> None:
        """Every field of every struct is decoded once with a value of its own type, down to the last one."""
        declared = read(SOURCE)
        for struct in declared.structs.values():
            if not struct.is_open_enumeration:
                Decoder(declared).decode(struct.name, _any_of(struct.name, SCHEMAS))

    @pytest.mark.parametrize("example", examples_of(description()), ids=lambda example: example.name)
    def test_take_every_example(self, example: Any) -> None:
        Decoder(read(SOURCE)).decode(type_of(example.schema, at=example.name), example.body)

    def test_are_refused_where_something_needed_is_missing(self) -> None:
        """The reader can say no."""
        money = {"cents": 1, "currency": "USD", "display": "$0.01"}
        decoder = Decoder(read(SOURCE))
        decoder.decode("Money", money | {"unknown": None})
        for wrong in (money | {"cents": "1"}, money | {"cents": 1.5}, {"cents": 1}, money | {"display": None}):
            with pytest.raises(AssertionError):
                decoder.decode("Money", wrong)

    def test_are_swift_to_a_grammar_of_somebody_elses(self) -> None:
        """The one of tree-sitter, which editors use; it says no where a word is missing."""
        parser = Parser(Language(tree_sitter_swift.language()))
        files = package.files_of(SCHEMAS, examples_of(description()), {"a.png": b""})
        broken = [name for name, source in files.items() if name.endswith(".swift") and parser.parse(source).root_node.has_error]
        assert broken == []
        assert parser.parse(SOURCE.replace("public var", "public", 1).encode()).root_node.has_error
        assert parser.parse(SOURCE.replace("String?", "String??:", 1).encode()).root_node.has_error

    def test_have_no_force_unwraps(self) -> None:
        assert "!" not in "".join(token for token in tokens(SOURCE) if not token.startswith('"'))


def _any_of(name: str, schemas: Any) -> Any:
    return _value({"$ref": f"#/components/schemas/{name}"}, schemas, depth=0)


def _value(schema: Any, schemas: Any, depth: int) -> Any:
    """Some value of the schema."""
    if ref := schema.get("$ref"):
        found = {names.type_name(name): each for name, each in schemas.items()} | dict(schemas)
        return _value(found[ref.rpartition("/")[2]], schemas, depth + 1)
    match schema.get("type"):
        case "array":
            return [_value(schema.get("items", {}), schemas, depth)] if depth < 20 else []
        case "object":
            return {key: _value(each, schemas, depth) for key, each in schema.get("properties", {}).items()}
        case "string":
            return "2026-03-03T17:00:00Z" if schema.get("format") == "date-time" else "text"
        case "integer":
            return 1
        case "number":
            return 1.5
        case "boolean":
            return True
    return None


class TestNames:
    @pytest.mark.parametrize(
        ("json", "swift"),
        [
            ("draft_id", "draftId"),
            ("ORDER", "order"),
            ("Ask again", "askAgain"),
            ("default", "`default`"),
            ("in", "`in`"),
            ("self", "selfValue"),
            ("init", "initValue"),
            ("raw_value", "rawValueValue"),
            ("hash", "hash"),
            ("address_line1", "addressLine1"),
            ("2xx", "_2xx"),
            ("execution.done", "executionDone"),
            ("", "empty"),
            ("…", "empty"),
        ],
    )
    def test_of_members(self, json: str, swift: str) -> None:
        assert names.member_name(json) == swift

    @pytest.mark.parametrize(
        ("json", "swift"), [("Card", "Card"), ("type", "TypeValue"), ("Date", "DateValue"), ("in", "In"), ("JsonValue", "JsonValue")]
    )
    def test_of_types(self, json: str, swift: str) -> None:
        assert names.type_name(json) == swift

    @pytest.mark.parametrize("hostile", ['"', "\\(exit(1))", "a\nb", "a\u202eb", "a\0b", "\\", "*/", "\u2028"])
    def test_of_what_is_hostile_stay_inside_their_quotes(self, hostile: str) -> None:
        plain, source = (thing(x={"type": "string", "x-extensible-enum": [word]}) for word in ("plain", hostile))
        assert len(source.splitlines()) == len(plain.splitlines())
        assert len(read(source).structs["Thing"].nested["X"].words) == 1

    def test_in_a_description_stay_in_the_comment(self) -> None:
        source = thing(x={"type": "string", "description": "one\n} two\n/* three"})
        assert read(source).structs["Thing"].properties == {"x": "String"}


class TestASchemaThatCannotBeSaid:
    @pytest.mark.parametrize(
        "schemas",
        [
            {"A": {"type": "object", "properties": {"x": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}},
            {"A": {"type": "object", "properties": {"x": {"oneOf": [{"type": "string"}]}}}},
            {"A": {"type": "object", "properties": {"x": {"type": ["string", "null"]}}}},
            {"A": {"type": "object", "properties": {"x": {"type": "object", "properties": {"y": {"type": "string"}}}}}},
            {"A": {"type": "object", "properties": {"a_b": {"type": "string"}, "a-b": {"type": "string"}}}},
            {"A": {"type": "object", "properties": {"a": {"$ref": "#/components/schemas/A"}}}},
            {"a_b": {"type": "object"}, "A_b": {"type": "object"}},
            {"A": {"type": "string", "enum": ["a b", "a_b"]}},
        ],
    )
    def test_is_refused(self, schemas: Any) -> None:
        with pytest.raises(UnsayableError):
            source_of(schemas)

    def test_is_none_that_holds_itself_in_an_array(self) -> None:
        tree = {"type": "object", "properties": {"below": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}}}
        assert "below: [Tree]?" in source_of({"Tree": tree})
