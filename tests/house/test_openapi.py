"""What a generator of typed clients needs of `server/openapi.json`, and what whoever reads it may rely on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.house.source import ROOT

DOCUMENT: dict[str, Any] = json.loads((ROOT / "server" / "openapi.json").read_text(encoding="utf-8"))
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
OPERATIONS = {each["operationId"]: each for operations in DOCUMENT["paths"].values() for each in operations.values()}
PROBLEM = "application/problem+json"
#: A card is also for those who look at it, and a stream of events is no document.
MEDIA_TYPES = {"application/json", "text/plain", "text/html", "image/svg+xml", "image/png", "text/event-stream"}
VERBS = "add|cancel|change|confirm|create|delete|enable|enrol|get|hear|list|modify|parse|refresh|remove|renew|retry|revoke|save|stream|test"
#: An Intent's amounts are limits in words, which have no currency; what is signed is bytes of another form.
WITHOUT_MONEY = {"IntentParams", "WantedItem"}
FREE = {"#/components/schemas/SigningObject/properties/terms"}
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


def nodes(node: Any = DOCUMENT, at: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of the document and where it stands, but for what was recorded."""
    if isinstance(node, dict):
        yield at, node
        for name, each in node.items():
            if name not in ("examples", "example"):
                yield from nodes(each, f"{at}/{name}")
    elif isinstance(node, list):
        for position, each in enumerate(node):
            yield from nodes(each, f"{at}/{position}")


def answered() -> set[str]:
    """The schemas that stand in an answer, at whatever depth."""
    found: set[str] = set()
    left = [at for at, _ in nodes() if "/responses/" in at]
    reached = [node["$ref"] for at, node in nodes() if at in left and "$ref" in node]
    while reached:
        name = reached.pop().rpartition("/")[2]
        if name in SCHEMAS and name not in found:
            found.add(name)
            reached += [node["$ref"] for _, node in nodes(SCHEMAS[name]) if "$ref" in node]
    return found


def properties() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every property: its schema's name, its own, and what it is."""
    for name, schema in SCHEMAS.items():
        for each, told in schema.get("properties", {}).items():
            yield name, each, told


def test_the_document_is_valid() -> None:
    """The reason: a generator refuses the whole of one that is not."""
    validate(DOCUMENT)
    assert DOCUMENT["openapi"].startswith("3.1")


def test_no_schema_is_a_union_or_null() -> None:
    """The reason: generators make a type with a case for each part of a union, also of one with null."""
    assert [at for at, node in nodes() if "anyOf" in node or "oneOf" in node or "allOf" in node] == []
    assert [at for at, node in nodes() if node.get("type") == "null" or isinstance(node.get("type"), list)] == []


def test_no_answer_has_a_closed_list_of_words() -> None:
    """The reason: an app that is a year old would fail at the first word it does not know."""
    found = answered()
    assert len(found) > 20
    assert [f"{name}{at}" for name in sorted(found) for at, node in nodes(SCHEMAS[name], "") if "enum" in node or "const" in node] == []


def test_no_answer_forbids_what_a_later_one_adds() -> None:
    """The reason: the same, of fields."""
    assert [name for name in sorted(answered()) if SCHEMAS[name].get("additionalProperties") is False] == []


def test_operations_are_named_by_a_verb_and_a_noun() -> None:
    """The reason: their names are the methods of every generated client, for good."""
    named = [operation["operationId"] for operations in DOCUMENT["paths"].values() for operation in operations.values()]
    assert len(set(named)) == len(named) >= 30
    assert [each for each in named if not re.fullmatch(f"({VERBS})([A-Z][a-z]+)+", each)] == []


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS.keys())
def test_an_operation_is_told_in_full(operation: dict[str, Any]) -> None:
    """The reason: this document is all that a client's author has."""
    assert operation["summary"]
    assert operation["description"].endswith(".")
    assert operation["tags"]
    assert "security" in operation
    kinds = operation["responses"]["200"]["content"]
    assert any(told.get("examples") for told in kinds.values()), "there is no example: see tests/server/recording.py"
    if "requestBody" in operation:
        assert operation["requestBody"]["content"]["application/json"]["examples"]


def test_every_list_of_words_has_a_name() -> None:
    """The reason: a generator makes a type of each list that stands where it is used, and a client gets six that are called Verb."""
    lists = {at for at, node in nodes() if "x-extensible-enum" in node or "enum" in node}
    named = {f"#/components/schemas/{name}" for name in SCHEMAS}
    in_a_query = {at for at in lists if "/parameters/" in at}
    assert lists - in_a_query <= named
    assert {at.rpartition("/")[2] for at in lists if "enum" in SCHEMAS.get(at.rpartition("/")[2], {})} == {"NewRole"}
    assert [at for at, node in nodes() if node.get("x-extensible-enum") == []] == []


def test_every_parameter_says_what_it_means() -> None:
    """The reason: `of` says nothing, and which id it is that a path wants is not to be found out by trying."""
    parameters = [(name, each) for name, operation in OPERATIONS.items() for each in operation.get("parameters", ()) if "$ref" not in each]
    assert len(parameters) > 20
    assert [f"{name}: {each['name']}" for name, each in parameters if not each.get("description", "").endswith(".")] == []


def test_every_day_and_clock_time_has_its_form() -> None:
    """The reason: text that is a day is a day in a client only where the document says so."""
    days = [(name, each, told) for name, each, told in properties() if each in ("date", "deliver_by", "day", "today", "since", "until")]
    assert len(days) > 5
    assert [f"{name}.{each}" for name, each, told in days if told.get("format") != "date"] == []
    assert all("pattern" in SCHEMAS["IntentParams"]["properties"][each] for each in ("time", "time_until"))


def test_a_list_is_called_by_the_last_word_of_its_path() -> None:
    """The reason: whoever has read one list has read them all."""
    listing = {
        path: operations["get"]
        for path, operations in DOCUMENT["paths"].items()
        if operations.get("get", {}).get("operationId", "").startswith("list")
    }
    assert len(listing) > 8
    for path, operation in listing.items():
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        assert schema.endswith("List"), schema
        assert path.rpartition("/")[2] in SCHEMAS[schema]["properties"], path


def test_every_tag_is_described() -> None:
    """The reason: a tag is a chapter of what is made of this."""
    assert [tag["name"] for tag in DOCUMENT["tags"] if not tag["description"]] == []


def test_every_problem_has_the_one_form() -> None:
    """The reason: a client has one way to read what went wrong."""
    assert {status for status, told in DOCUMENT["components"]["responses"].items() if set(told["content"]) != {PROBLEM}} == set()
    for name, operation in OPERATIONS.items():
        for status, told in operation["responses"].items():
            if int(status) >= 400:
                assert told.keys() == {"$ref"}, f"{name} {status}"
            else:
                assert set(told.get("content", ())) <= MEDIA_TYPES, f"{name} {status}"


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS.keys())
def test_every_operation_may_be_told_to_come_again(operation: dict[str, Any]) -> None:
    """The reason: whatever is asked, there may be too much under way, the process may be about to end, and the books may be away."""
    assert "503" in operation["responses"]


def test_what_a_route_declares_is_told() -> None:
    """The reason: the framework's own 422 is dropped where there is nothing to be wrong, and a route's own must not go with it."""
    told = {operation["operationId"]: operation["responses"].keys() for operation in OPERATIONS.values()}
    assert "422" in told["getSigningObject"] - told["getDraft"]
    assert "404" in told["createWebhookEndpoint"]


def test_every_time_has_the_one_form() -> None:
    """The reason: a time is a type of its own, and never text that somebody has to look at."""
    times = [(name, each, told) for name, each, told in properties() if each.endswith("_at") or each in ("at", "iat", "exp", "now")]
    assert len(times) > 20
    assert [f"{name}.{each}" for name, each, told in times if told.get("format") != "date-time"] == []


def test_every_amount_is_money() -> None:
    """The reason: an amount without its currency is a number, and a client that formats it itself formats it wrongly somewhere."""
    cents = {name for name, each, _ in properties() if each.endswith("_cents")}
    assert cents <= WITHOUT_MONEY
    assert {name for name, each, _ in properties() if each == "cents"} == {"Money"}
    assert set(SCHEMAS["Money"]["properties"]) == {"cents", "currency", "display"} == set(SCHEMAS["Money"]["required"])


def test_every_object_has_a_name() -> None:
    """The reason: a generator names an object that has none after the place where it stands."""
    inline = [at for at, node in nodes() if "properties" in node and at.count("/") > 3 and isinstance(node["properties"], dict)]
    assert inline == []


def test_what_may_be_anything_is_named_here() -> None:
    """The reason: what has no type is read by hand."""
    free = {at for at, node in nodes() if node.get("additionalProperties") in (True, {})} | {
        at for at, node in nodes() if node == {} and not at.endswith("/content/image~1png") and "/image/png" not in at
    }
    assert free <= FREE


class TestAnExample:
    def test_is_what_its_schema_says(self) -> None:
        """The reason: an example that is wrong teaches the wrong thing, and a schema that is wrong fails in the app."""
        wrong = list(unfitting())
        assert wrong == []

    def test_is_seen_when_it_is_not(self) -> None:
        """That the test above can fail: a null, a time of another form, a field that is missing."""
        for name, broken in (
            ("Money", {"cents": 1, "currency": "USD", "display": None}),
            ("Money", {"cents": 1, "currency": "USD"}),
            ("Member", {"id": "a", "household_id": "b", "display_name": "c", "role": "d", "created_at": "2026-03-03T17:00:00+00:00"}),
        ):
            assert list(errors_of({"$ref": f"#/components/schemas/{name}"}, broken))

    def test_there_is_one_of_every_kind_of_card_that_is_answered(self) -> None:
        """The reason: an app is drawn from them. A card that was replaced is shown by those who keep old ones."""
        shown = {
            each["value"]["kind"] for each in OPERATIONS["getCard"]["responses"]["200"]["content"]["application/json"]["examples"].values()
        }
        shown |= {
            each["value"]["kind"]
            for each in OPERATIONS["createDraft"]["responses"]["200"]["content"]["application/json"]["examples"].values()
        }
        assert set(SCHEMAS["CardKind"]["x-extensible-enum"]) - shown == {"superseded"}


def unfitting() -> Iterator[str]:
    """Every example that is not what its schema says."""
    for at, node in nodes():
        for name, example in node.get("examples", {}).items() if isinstance(node.get("examples"), dict) else ():
            for error in errors_of(node.get("schema", {}), example["value"]):
                yield f"{at}: {name}: {error}"


def errors_of(schema: dict[str, Any], value: Any) -> Iterator[str]:
    for error in OAS31Validator(_absolute(schema), registry=_REGISTRY, format_checker=_FORMATS).iter_errors(value):
        yield f"{error.json_path}: {error.message}"


def _absolute(schema: dict[str, Any]) -> dict[str, Any]:
    return {"$ref": f"urn:halo{schema['$ref']}"} if "$ref" in schema else schema


_REGISTRY: Any = Registry().with_resource("urn:halo", Resource.from_contents(DOCUMENT, default_specification=DRAFT202012))
_FORMATS = OAS31Validator.FORMAT_CHECKER


_FORMATS.checks("date-time")(lambda value: not isinstance(value, str) or TIME.fullmatch(value) is not None)
