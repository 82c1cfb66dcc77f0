"""The description of this API in OpenAPI 3.1, as `server/openapi.json` has it: `just openapi` writes it, and a test holds it against the code.

FastAPI knows the routes and the models; this puts into words what follows from them: who has to be known, what a body is read as, which problems can
come, what may be kept. And it says everything so that a generator of typed clients takes it: no unions with null, one media type where one will do, a
name for every object. The examples were recorded from a real installation (fixtures/http).
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts
from pydantic.json_schema import models_json_schema

from halo_engine.clock import SystemClock
from halo_engine.settings import load_settings
from halo_sim.data import fixtures_root
from server.app import create_app
from server.auth import calling
from server.body import Reading
from server.errors import MEDIA_TYPE, kinds
from server.once import posting
from server.routes.description import FILE

_REF = "#/components/schemas/{model}"
_JSON = "application/json"
Node = dict[str, Any]

_ABOUT = """\
A household agent over HTTP. Say what is wanted (`createDraft`), show the card that comes back, and confirm exactly what it says by its hash
(`confirmDraft`); a worker does it, once, and a receipt proves it.

**Who calls** is told by a device's token, as `Authorization: Bearer`, or as `Authorization: DPoP` with a `DPoP` proof (RFC 9449) for a device that
has a key for it. Everything is done by the member that the device speaks for, in their household.

**An act is done once**: whatever changes something takes an `Idempotency-Key`. The same key with the same body gets the first answer again, with
`Idempotent-Replayed: true`.

**What goes wrong** is `application/problem+json` (RFC 9457) with a stable `code`; docs/errors.md lists them all. Every answer has an `X-Request-Id`:
the one that was sent, of 8 to 64 letters, digits, `_` and `-`, or a new one.

**Forms**: what is absent is left out, never null; an amount is `Money`; a time is `YYYY-MM-DDTHH:MM:SSZ`; `x-extensible-enum` names the words there
are now, and there may be more; a list that goes on has a `next_cursor`; a field that a client does not know means nothing to it. What a GET answers
has an `ETag`: send it as `If-None-Match`, and what is the same is a 304."""

_TAGS = {
    "drafts": "What would be done: asked for in words, changed, confirmed by its hash, or dropped.",
    "executions": "What was confirmed, and how it goes.",
    "receipts": "What proves that something was done.",
    "cards": "What is to be shown, as it stands now: as JSON, as text, or drawn.",
    "activity": "The household's feed.",
    "requests": "The thread: who asked for what.",
    "command": "What words mean. Nothing comes of asking.",
    "household": "Who lives here, what they prefer, and who may confirm what.",
    "usuals": "Bundles that can be ordered again by their name.",
    "devices": "What may call, how it comes to that, and how it ends.",
    "webhooks": "Programs elsewhere that are told what happens.",
    "metrics": "How well it goes.",
    "health": "Whether the server lives and can work. Nobody has to say who they are.",
    "description": "This document.",
}

_SECURITY = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "hdv_ and 64 hexadecimal digits",
        "description": "A device's token, from `enrolDevice` or `halo devices add`.",
    },
    "dpop": {
        "type": "http",
        "scheme": "dpop",
        "description": "The token of a device that enrolled with a `proof_key`, beside a `DPoP` header with a proof for this very call (RFC 9449).",
    },
}

_HEADERS = {
    "RequestId": {"description": "The name of this call.", "schema": {"type": "string"}},
    "ETag": {"description": "The same as long as the answer is the same.", "schema": {"type": "string"}},
    "IdempotentReplayed": {"description": "`true` where this was answered before.", "schema": {"type": "string"}},
    "RetryAfter": {"description": "After how many seconds to try again.", "schema": {"type": "integer"}},
}

_PARAMETERS: dict[str, Node] = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": True,
        "description": "One for each act, and the same one again when its answer was lost.",
        "schema": {"type": "string", "minLength": 8, "maxLength": 255, "pattern": r"^[\x21-\x7e]{8,255}$"},
        "example": "1f0c6a5e-batteries",
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "required": False,
        "description": "The ETag of what is there already.",
        "schema": {"type": "string"},
    },
}


#: What a parameter means wherever it stands, but for those that say it themselves.
_MEANT = {
    "of": "The id of a request, a draft or an execution.",
    "format": "How it is to be given, whatever `Accept` says.",
    "member_id": "A member's id, `usr_…`.",
    "draft_id": "A draft's id, `dft_…`: the same for all of its revisions.",
    "execution_id": "An execution's id, `exe_…`, as `confirmDraft` gives it.",
    "device_id": "A device's id, `dev_…`.",
    "usual_id": "A Usual's id, `usl_…`.",
    "endpoint_id": "A webhook endpoint's id, `whe_…`.",
}


def describe(app: FastAPI) -> Node:
    """The whole document."""
    said = get_openapi(
        title="Halo",
        version=version("halo-household"),
        summary="A household agent: it hears words, writes a draft, shows a card, and does exactly what was confirmed, once.",
        description=_ABOUT,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        servers=[{"url": "http://127.0.0.1:8080", "description": "`halo serve` on this machine."}],
        routes=app.routes,
    )
    dependants = _dependants(app)
    schemas: Node = said["components"]["schemas"]
    used: set[int] = set()
    for path, operations in said["paths"].items():
        for method, operation in operations.items():
            _tell(operation, method, dependants[method, path], schemas)
            used |= {int(status) for status in operation["responses"] if int(status) >= 400}
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["ProblemCode"]["x-extensible-enum"] = sorted({kind.code for kind in kinds() if kind.status in used})
    said["tags"] = [{"name": tag, "description": _TAGS.get(tag, "")} for tag in _tags(said)]
    said["components"] |= {
        "schemas": dict(sorted(schemas.items())),
        "responses": {_name(status): _problem(status) for status in sorted(used)},
        "parameters": _PARAMETERS,
        "headers": _HEADERS,
        "securitySchemes": _SECURITY,
    }
    _show_examples(said)
    plain: Node = _plain(said)
    return plain


def _tell(operation: Node, method: str, dependant: Dependant, schemas: Node) -> None:
    """What follows for an operation from what its route depends on."""
    calls = list(_calls(dependant))
    # Whatever is asked: there may be too much under way, the process may be about to end, and the books may be away.
    statuses = {int(status) for status in operation["responses"]} | {503}
    if _is_the_frameworks(operation["responses"].get("422", {})):
        # For a path of any text there is nothing in it that could be wrong.
        statuses.discard(422)
    text = " ".join(operation["description"].split()) if "\n\n" not in operation["description"] else operation["description"]
    operation["summary"], operation["description"] = _sentence(text), text
    parameters = operation.setdefault("parameters", [])
    for parameter in parameters:
        parameter.setdefault("description", _MEANT.get(parameter["name"], ""))
    if calling in calls:
        operation["security"] = [{"bearer": []}, {"dpop": []}]
        statuses |= {401, 429}
    else:
        operation["security"] = []
    if models := [call.model for call in calls if isinstance(call, Reading)]:
        _take(operation, models[0], schemas)
        statuses |= {413, 415, 422}
    if posting in calls:
        parameters.append({"$ref": "#/components/parameters/IdempotencyKey"})
        statuses |= {400, 409, 422}
    if any(parameter.get("in") == "query" for parameter in parameters):
        statuses.add(422)
    if method == "get" and _is_tagged(dependant.call):
        parameters.append({"$ref": "#/components/parameters/IfNoneMatch"})
        operation["responses"]["304"] = {"description": "It is still the same.", "headers": _headers("RequestId", "ETag")}
    _answer(operation["responses"]["200"], tagged=_is_tagged(dependant.call), replayed=posting in calls)
    good = {status: told for status, told in operation["responses"].items() if int(status) < 400}
    bad = {str(status): {"$ref": f"#/components/responses/{_name(status)}"} for status in sorted(statuses) if status >= 400}
    operation["responses"] = dict(sorted((good | bad).items()))
    if not parameters:
        del operation["parameters"]


def _is_the_frameworks(told: Node) -> bool:
    """Whether it is the 422 that the framework gives every route with a parameter, and none that the route declares."""
    schema = told.get("content", {}).get(_JSON, {}).get("schema", {})
    return bool(schema == {"$ref": _REF.format(model="HTTPValidationError")})


def _answer(told: Node, *, tagged: bool, replayed: bool) -> None:
    told["headers"] = _headers("RequestId", *(["ETag"] if tagged else []), *(["IdempotentReplayed"] if replayed else []))
    if told.get("description") == "Successful Response":
        told["description"] = "What is asked for, or what came of it."


def _take(operation: Node, model: Any, schemas: Node) -> None:
    _, made = models_json_schema([(model, "validation")], ref_template=_REF)
    schemas |= made["$defs"]
    operation["requestBody"] = {"required": True, "content": {_JSON: {"schema": {"$ref": _REF.format(model=model.__name__)}}}}


def _dependants(app: FastAPI) -> dict[tuple[str, str], Dependant]:
    """What each method of each path depends on."""
    routes = [route for route in iter_route_contexts(app.routes) if hasattr(route, "dependant")]
    return {(method.lower(), route.path_format or ""): route.dependant for route in routes for method in route.methods or ()}


def _calls(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    """Everything that a route depends on, however far behind."""
    for below in dependant.dependencies:
        if below.call is not None:
            yield below.call
        yield from _calls(below)


def _is_tagged(endpoint: Callable[..., Any] | None) -> bool:
    """Whether it answers with an ETag: it has one from these two and from nowhere else."""
    names = getattr(getattr(endpoint, "__code__", None), "co_names", ())
    return "found" in names or "tagged" in names


def _headers(*names: str) -> Node:
    written = {"RequestId": "X-Request-Id", "IdempotentReplayed": "Idempotent-Replayed", "RetryAfter": "Retry-After"}
    return {written.get(name, name): {"$ref": f"#/components/headers/{name}"} for name in names}


def _sentence(text: str) -> str:
    """The first sentence, without its full stop."""
    head = " ".join(text.split("\n\n")[0].split())
    return head.partition(". ")[0].partition(": ")[0].rstrip(".") if len(head) > 80 else head.partition(". ")[0].rstrip(".")


#: Written out: what the standard library calls them differs from one Python to the next.
_NAMES = {
    400: "BadRequest",
    401: "Unauthenticated",
    403: "Forbidden",
    404: "NotFound",
    406: "NotAcceptable",
    409: "Conflict",
    413: "TooLarge",
    415: "UnsupportedMediaType",
    422: "Unprocessable",
    429: "TooManyRequests",
    503: "Unavailable",
}


def _name(status: int) -> str:
    return f"{_NAMES[status]}Problem"


def _problem(status: int) -> Node:
    mine = [kind for kind in kinds() if kind.status == status]
    told = {"description": "; ".join(f"`{kind.code}`: {kind.title}" for kind in mine)}
    waits = ["RetryAfter"] if status in (409, 429, 503) else []
    return told | {"headers": _headers("RequestId", *waits), "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}}}


def _tags(said: Node) -> list[str]:
    used = {tag for operations in said["paths"].values() for operation in operations.values() for tag in operation.get("tags", ())}
    return [tag for tag in _TAGS if tag in used] + sorted(used - _TAGS.keys())


def examples() -> dict[str, dict[str, Node]]:
    """What was recorded, by operation and case."""
    found: dict[str, dict[str, Node]] = {}
    for file in sorted((fixtures_root() / "http").glob("*.json")):
        operation_id, _, case = file.name.removesuffix(".json").partition(".")
        found.setdefault(operation_id, {})[case or "example"] = json.loads(file.read_text(encoding="utf-8"))
    return found


def _show_examples(said: Node) -> None:
    recorded = examples()
    for operations in said["paths"].values():
        for operation in operations.values():
            for case, example in recorded.get(operation["operationId"], {}).items():
                _show(said["components"]["responses"], operation, case, example)


def _show(problems: Node, operation: Node, case: str, example: Mapping[str, Any]) -> None:
    asked, given = example["request"], example["response"]
    kind = given["content_type"]
    if given["status"] < 400:
        told = operation["responses"][str(given["status"])]["content"]
    else:
        told, case = problems[_name(given["status"])]["content"], given["body"]["code"]
    told[kind].setdefault("examples", {})[case] = {"summary": example["summary"], "value": given["body"]}
    if "body" in asked and given["status"] < 400:
        operation["requestBody"]["content"][_JSON].setdefault("examples", {})[case] = {
            "summary": example["summary"],
            "value": asked["body"],
        }


def _plain(node: Any, *, inside: str = "") -> Any:
    """`node` without unions with null, and without the titles that only repeat a name. What was recorded stays as it is."""
    if isinstance(node, list):
        return [_plain(each) for each in node]
    if not isinstance(node, dict) or inside in ("examples", "example"):
        return node
    node = _without_null(node)
    is_schema = "type" in node or "$ref" in node or "anyOf" in node
    dropped = {"title"} if is_schema and inside != "properties" and isinstance(node.get("title"), str) else set()
    return {name: _plain(each, inside=name) for name, each in node.items() if name not in dropped}


def _without_null(node: Node) -> Node:
    kinds_of = node.get("anyOf")
    if not isinstance(kinds_of, list) or {"type": "null"} not in kinds_of:
        return node
    left = [kind for kind in kinds_of if kind != {"type": "null"}]
    rest = {name: each for name, each in node.items() if name != "anyOf" and not (name == "default" and each is None)}
    return {**left[0], **rest} if len(left) == 1 else {**rest, "anyOf": left}


def written(app: FastAPI) -> str:
    """The document as the file has it."""
    return json.dumps(describe(app), ensure_ascii=False, indent=1) + "\n"


def main() -> None:
    """Write the file anew."""
    with tempfile.TemporaryDirectory() as home:
        app = create_app(load_settings(home=Path(home), environ={}), clock=SystemClock())
        FILE.write_text(written(app), encoding="utf-8")
    sys.stderr.write(f"{FILE}\n")


if __name__ == "__main__":
    main()
