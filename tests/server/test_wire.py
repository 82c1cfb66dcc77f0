"""What goes over the wire: its forms, its problems, its pages, what is not sent again, and the name of each call."""

from __future__ import annotations

import ast
import base64
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from halo_engine.model.errors import Conflict, StoreBusy, StoreDamaged, StoreFailed, StoreNotWritable, VendorFailed
from halo_sim.data import fixtures_root
from server import openapi
from server.app import create_app
from server.documents.problems import RESOLUTIONS
from server.error_table import documentation
from server.errors import kind_of, kinds, problem, problem_of
from server.paging import cursor_to, place_of
from server.routes.description import FILE
from tests.house.source import ROOT
from tests.installation import NOON, Installation
from tests.server.calling import BATTERIES, Phone, served
from tests.server.calling import phone as a_phone
from tests.server.recording import record

SANE = re.compile(r"[A-Za-z0-9_-]{8,64}")


def leaves(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Everything in a JSON value that is no list and no object, and where it stands."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from leaves(each, f"{at}.{name}")
    elif isinstance(value, list):
        for each in value:
            yield from leaves(each, at)
    else:
        yield at, value


class TestTheExamples:
    def test_are_what_is_answered_today(self, tmp_path: Path) -> None:
        """Recorded again from a new installation, they are the same to the byte. If they should not be: `just examples`, then `just openapi`."""
        kept = {file.name: file.read_text(encoding="utf-8") for file in (fixtures_root() / "http").glob("*.json")}
        recorded = record(tmp_path)
        assert sorted(recorded) == sorted(kept)
        assert [name for name, text in recorded.items() if kept[name] != text] == []

    def test_have_no_null_and_no_secret_in_them(self) -> None:
        for file in (fixtures_root() / "http").glob("*.json"):
            text = file.read_text(encoding="utf-8")
            assert [at for at, value in leaves(json.loads(text)["response"]["body"]) if value is None] == [], file.name
            assert set(re.findall(r"hdv_([0-9a-f]+)", text)) <= {"0" * 64}
            assert set(re.findall(r"whsec_([A-Za-z0-9+/]+)", text)) <= {"A" * 43}


class TestTheCode:
    def test_never_asks_for_the_address_of_a_request(self) -> None:
        """It reads the query, too, and fails on one that is no text; and its host is made up where there is none."""
        asked = [
            f"{file.name}:{node.lineno}"
            for file in (ROOT / "server").rglob("*.py")
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            if isinstance(node, ast.Attribute) and node.attr in ("url", "base_url") and ast.unparse(node.value) == "request"
        ]
        assert asked == []


class TestTheDescription:
    def test_is_made_of_the_code_as_it_stands(self, client: TestClient) -> None:
        """Where it is not: `just openapi`."""
        app: Any = client.app
        assert FILE.read_text(encoding="utf-8") == openapi.written(app)

    def test_is_served_to_anybody(self, client: TestClient) -> None:
        answer = client.get("/openapi.json")
        assert answer.json() == json.loads(FILE.read_text(encoding="utf-8"))
        assert client.get("/openapi.json", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304

    def test_of_what_goes_wrong_is_made_of_the_errors_there_are(self) -> None:
        """Where it is not: `just docs-errors`."""
        assert (ROOT / "docs" / "errors.md").read_text(encoding="utf-8") == documentation()


class TestAProblem:
    @pytest.mark.parametrize(
        ("method", "path", "headers", "status", "code"),
        [
            ("GET", "/nowhere", {}, 404, "not_found"),
            ("GET", "/v1/household", {"Authorization": "Bearer hdv_"}, 401, "unauthenticated"),
            ("GET", "/v1/cards/dft_0", {"Accept": "video/mp4"}, 406, "not_acceptable"),
            ("GET", "/v1/activity?limit=SECRET", {}, 422, "bad_query"),
            ("GET", "/v1/activity?cursor=SECRET", {}, 422, "bad_cursor"),
            ("POST", "/v1/draft/create", {"Idempotency-Key": ""}, 400, "idempotency_key_required"),
            ("POST", "/v1/command/parse", {"Content-Type": "text/SECRET"}, 415, "unsupported_media_type"),
            ("POST", "/v1/command/parse", {}, 422, "bad_body"),
            ("TRACE", "/v1/activity", {}, 405, "method_not_allowed"),
        ],
    )
    def test_has_the_one_form_wherever_it_comes_from(
        self, phone: Phone, method: str, path: str, headers: dict[str, str], status: int, code: str
    ) -> None:
        """The engine's, the server's and the framework's own; and nothing in it is what was sent."""
        answer = phone.client.request(method, path, headers=phone.headers() | headers, content=b"SECRET" if method == "POST" else None)
        told = answer.json()
        assert (answer.status_code, told["status"], told["code"]) == (status, status, code)
        assert told["type"] == f"https://halo.example/problems/{code}"
        assert answer.headers["content-type"] == "application/problem+json"
        assert told["request_id"] == answer.headers["x-request-id"] == "of-this-test"
        assert (told["retryable"], told["resolution"] in RESOLUTIONS) == (False, True)
        assert "SECRET" not in answer.text
        assert None not in told.values()

    def test_of_a_method_says_which_there_are(self, phone: Phone) -> None:
        answer = phone.client.delete("/v1/activity", headers=phone.headers())
        assert (answer.status_code, "GET" in answer.headers["allow"]) == (405, True)

    def test_names_the_fields_that_are_wrong_and_no_others(self, phone: Phone) -> None:
        """Names of our own; an unknown one is the sender's text."""
        answer = phone.post("/v1/draft/confirm", {"draft_id": 7, "SECRET": 1})
        assert {(each["field"], each["message"]) for each in answer.json()["errors"]} == {
            ("draft_id", "It cannot be that."),
            ("draft_hash", "It is missing."),
        }
        assert phone.get("/v1/activity", limit="x").json()["errors"] == [{"field": "limit", "message": "It cannot be that."}]

    def test_that_passes_says_when_to_come_again(self, phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
        def failing(*_: object, **__: object) -> None:
            raise VendorFailed

        monkeypatch.setattr("halo_engine.engine.Engine.draft", failing)
        answer = phone.post("/v1/draft/create", {"text": BATTERIES})
        assert (answer.status_code, answer.json()["retryable"], answer.json()["code"]) == (503, True, "vendor_failed")
        assert int(answer.headers["retry-after"]) > 0

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("members", {"name": "ZORBLE"}),
            ("usuals", {"name": "powder", "text": "order zorble"}),
            ("draft/modify", {"text": "make it zorble"}),
            ("draft/modify", {"text": "order zorble instead"}),
            ("draft/modify", {"values": {"items.0.quantity": "zorble"}}),
            ("draft/modify", {"values": {"merchant": "zorble"}}),
            ("draft/modify", {"values": {"zorble": "1"}}),
        ],
    )
    def test_repeats_nothing_of_what_was_sent(self, phone: Phone, path: str, body: dict[str, Any]) -> None:
        """Neither now nor before: what a thing was called is in messages for people, who said it."""
        phone.post("/v1/members", {"name": "zorble"})
        drafted = {"draft_id": phone.draft()["draft_id"]} if path == "draft/modify" else {}
        answer = phone.post(f"/v1/{path}", {**drafted, **body})
        assert (answer.status_code // 100, "zorble" in answer.text.casefold()) == (4, False), answer.text

    @pytest.mark.parametrize("path", ["drafts/dft_none", "executions/exe_none", "receipts/exe_none", "cards/dft_none"])
    def test_says_nothing_to_type_at_a_prompt(self, phone: Phone, path: str) -> None:
        """Whoever reads it holds a phone, or is a program."""
        told = phone.get(f"/v1/{path}").json()
        assert (told["code"], "halo " in f"{told.get('detail')} {told.get('hint')}") == ("not_found", False)

    def test_of_a_path_that_is_none_says_so(self, client: TestClient) -> None:
        told = client.get("/v1/nowhere").json()
        assert (told["code"], told["detail"]) == ("not_found", "There is no such path. Every path stands in /openapi.json.")
        assert client.get("/openapi.json").status_code == 200

    def test_of_a_name_that_is_taken_is_one_of_its_own(self, phone: Phone) -> None:
        taken = phone.post("/v1/members", {"name": "alex"}).json()
        assert (taken["status"], taken["code"], taken["title"]) == (409, "name_taken", "That name is taken already.")
        assert "draft" not in kind_of(Conflict).title

    @pytest.mark.parametrize("error", [StoreFailed, StoreBusy, StoreDamaged, StoreNotWritable])
    def test_of_the_books_does_not_say_where_they_are(self, error: type[StoreFailed]) -> None:
        told = json.loads(bytes(problem_of(error("/srv/halo/halo.db is locked.", hint="chmod 600 /srv/halo/halo.db")).body))
        assert told.get("hint", "") == error.default_hint
        assert "halo.db" not in str(told)

    def test_of_damaged_books_does_not_either(self, home: Installation, client: TestClient) -> None:
        home.engine.close()
        for file in home.settings.home.glob("halo.db*"):
            file.unlink()
        home.settings.database_file.write_bytes(b"garbage" * 5000)
        answer = client.post("/v1/devices/enrol", json={"code": "AAAA-BBBB-CCCC"})
        assert (answer.status_code, answer.json()["code"]) == (503, "store_damaged")
        assert str(home.settings.home) not in answer.text

    def test_of_each_kind_has_one_title_and_one_code(self) -> None:
        told = kinds()
        assert len({kind.code for kind in told}) == len(told) > 30
        assert [kind.code for kind in told if not kind.title.endswith(".") or kind.resolution not in RESOLUTIONS] == []
        assert {kind.status for kind in told if kind.status >= 500} == {500, 503}
        assert json.loads(bytes(problem(told[0]).body))["title"] == told[0].title


class TestAList:
    LISTS = ("activity", "requests", "executions", "drafts")

    @pytest.fixture
    def filled(self, home: Installation, phone: Phone) -> Phone:
        """Five of each, three of them at one moment."""
        for minutes in (1, 0, 0, 2, 3):
            home.later(minutes=minutes)
            home.engine.execute(phone.confirm(phone.draft()).json()["execution_id"], wait_s=600)
        for minutes in (0, 0, 1, 0, 1):
            home.later(minutes=minutes)
            phone.draft()
        return phone

    def test_is_whole_a_page_at_a_time(self, filled: Phone) -> None:
        """Whatever the size of a page: everything once, in the order of the whole. What is new meanwhile comes between nothing."""
        for which in self.LISTS:
            whole = filled.get(f"/v1/{which}", limit=200).json()
            assert "next_cursor" not in whole
            assert len(whole[which]) >= 5
            for limit in (1, 2, 3, len(whole[which])):
                assert list(self._pages(filled, which, limit)) == whole[which], (which, limit)

    def _pages(self, phone: Phone, which: str, limit: int) -> list[Any]:
        entries: list[Any] = []
        page = phone.get(f"/v1/{which}", limit=limit).json()
        while True:
            # The thread goes on upwards, the feeds downwards.
            entries = page[which] + entries if which == "requests" else entries + page[which]
            if "next_cursor" not in page:
                return entries
            page = phone.get(f"/v1/{which}", limit=limit, cursor=page["next_cursor"]).json()

    def test_neither_skips_nor_repeats_when_something_new_comes(self, home: Installation, filled: Phone) -> None:
        first = filled.get("/v1/activity", limit=3).json()
        rest = filled.get("/v1/activity", limit=200, cursor=first["next_cursor"]).json()["activity"]
        home.later(minutes=1)
        filled.draft()
        assert filled.get("/v1/activity", limit=200, cursor=first["next_cursor"]).json()["activity"] == rest

    @pytest.mark.parametrize("which", LISTS)
    def test_takes_no_cursor_but_its_own(self, phone: Phone, which: str) -> None:
        good = cursor_to((NOON, "dft_01jd9k7q3mf0jv7p2t8z6c4x5e"))
        assert phone.get(f"/v1/{which}", cursor=good).status_code == 200
        at = "2026-03-03T17:00:00.000000Z"
        forged = [f"{at} ' OR 1=1", f"{at} dft_0", f"{at}  dft_01jd9k7q3mf0jv7p2t8z6c4x5e", f"{at}", "9999 x", f"{at}\0 a", "", "\ud7ff"]
        forged += ["2026-03-03T17:00:00.0Z dft_01jd9k7q3mf0jv7p2t8z6c4x5e", f"{at} xyz_01jd9k7q3mf0jv7p2t8z6c4x5e"]
        bad = [base64.urlsafe_b64encode(each.encode()).decode().rstrip("=") for each in forged]
        for cursor in (*bad, f"{good}=", f"{good}A", good[:-1], good.swapcase(), f" {good}", "=", "%00", "\u00e9", "x" * 5000):
            answer = phone.get(f"/v1/{which}", cursor=cursor)
            assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor"), cursor
        for limit in ("0", "-1", "201", "1e9", "", "١"):
            assert phone.get(f"/v1/{which}", limit=limit).status_code == 422

    def test_has_cursors_that_say_where_they_lead(self) -> None:
        place = NOON, "dft_01jd9k7q3mf0jv7p2t8z6c4x5e"
        assert place_of(cursor_to(place)) == place


class TestACard:
    def test_says_whether_a_yes_can_be_undone_only_where_there_is_one_to_say(self, home: Installation, phone: Phone) -> None:
        """The reason: on the card of what was done, "it can be undone" would be a lie."""
        drafted = phone.post("/v1/draft/create", {"text": "cancel streamly"}).json()
        assert {"irreversible", "maximum"} <= drafted["card"].keys()
        with home.queries() as queries:
            done = home.carry_out(queries.card(drafted["draft_id"]))
        card = phone.get(f"/v1/cards/{done.id}").json()
        assert (card["kind"], "irreversible" in card, "maximum" in card) == ("done", False, False)

    def test_has_no_link_where_nobody_said_how_this_is_reached(self, phone: Phone) -> None:
        assert "link" not in phone.draft()["card"]

    def test_has_its_link_wherever_it_is_given(self, home: Installation) -> None:
        told = Installation.reopen(home.settings.home, clock=home.clock, public_url="https://halo.example.net/at")
        with told.engine, TestClient(create_app(told.settings, clock=told.clock)) as client:
            phone = a_phone(told, client)
            drafted = phone.draft()
            link = drafted["card"]["link"]
            assert link.startswith(f"https://halo.example.net/at/m/{drafted['draft_id']}?")
            assert phone.get(f"/v1/drafts/{drafted['draft_id']}").json()["card"]["link"] == link
            assert phone.get("/v1/requests").json()["requests"][-1]["card"]["link"] == link
            seen = phone.get(f"/v1/cards/{drafted['draft_id']}")
            told.clock.advance(timedelta(minutes=1))
            again = client.get(f"/v1/cards/{drafted['draft_id']}", headers=phone.headers() | {"If-None-Match": seen.headers["etag"]})
            assert (seen.json()["link"], again.status_code) == (link, 304)
            assert client.get(link.removeprefix("https://halo.example.net/at")).status_code == 200
            given = {name: drafted[name] for name in ("draft_id", "draft_hash")}
            started = phone.post("/v1/draft/confirm", given).json()
            assert f"/m/{started['execution_id']}?" in started["card"]["link"]


class TestWhatIsThereAlready:
    @pytest.mark.parametrize("path", ["household", "members", "rules", "preferences", "usuals", "activity", "requests", "executions"])
    def test_is_not_sent_again(self, phone: Phone, path: str) -> None:
        first = phone.get(f"/v1/{path}")
        tag = first.headers["etag"]
        assert (first.headers["cache-control"], tag[0], tag[-1]) == ("private, no-cache", '"', '"')
        for had in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = phone.client.get(f"/v1/{path}", headers=phone.headers() | {"If-None-Match": had})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
            assert again.headers["x-request-id"] == "of-this-test"
        for had in ('"other"', tag.strip('"'), "", ",,", tag.swapcase() + "x"):
            assert phone.client.get(f"/v1/{path}", headers=phone.headers() | {"If-None-Match": had}).status_code == 200

    def test_is_sent_once_it_changed(self, home: Installation, phone: Phone) -> None:
        drafted = phone.draft()
        path = f"/v1/cards/{drafted['draft_id']}"
        tag = phone.get(path).headers["etag"]
        home.later(hours=1)
        answer = phone.client.get(path, headers=phone.headers() | {"If-None-Match": tag})
        assert (answer.status_code, answer.json()["kind"]) == (200, "expired")

    def test_is_another_in_another_format(self, phone: Phone) -> None:
        path = f"/v1/cards/{phone.draft()['draft_id']}"
        tags = {phone.get(path, format=each).headers["etag"] for each in ("json", "txt", "html", "svg", "png")}
        assert len(tags) == 5

    def test_is_only_told_to_whoever_may_know_it(self, phone: Phone) -> None:
        """A guess at a tag opens nothing."""
        answer = phone.client.get("/v1/household", headers={"If-None-Match": "*"})
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")

    def test_has_no_part_in_acts(self, phone: Phone) -> None:
        answer = phone.client.post("/v1/draft/create", json={"text": BATTERIES}, headers=phone.headers() | {"If-None-Match": "*"})
        assert (answer.status_code, "etag" in answer.headers, answer.headers["cache-control"]) == (200, False, "no-store")


class TestHead:
    @pytest.mark.parametrize("path", ["/healthz", "/v1/household", "/v1/activity", "/openapi.json", "/v1/cards/dft_0", "/nowhere"])
    def test_is_the_answer_without_its_body(self, phone: Phone, path: str) -> None:
        there, only = (phone.client.request(method, path, headers=phone.headers()) for method in ("GET", "HEAD"))
        assert (only.status_code, only.content) == (there.status_code, b"")
        assert only.headers["content-length"] == str(len(there.content))

    def test_of_a_stream_ends_with_its_headers(self, home: Installation, phone: Phone) -> None:
        """On a real socket: nobody would ever end it."""
        execution_id = phone.confirm(phone.draft()).json()["execution_id"]
        with served(home) as url, httpx.Client(base_url=url, timeout=20, trust_env=False) as client:
            answer = client.head(f"/v1/executions/{execution_id}/events", headers=phone.headers())
            assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
            assert client.get("/healthz").status_code == 200

    def test_does_nothing_where_there_is_only_an_act(self, phone: Phone) -> None:
        assert phone.client.head("/v1/draft/create", headers=phone.headers()).status_code == 405


class TestACall:
    @pytest.mark.parametrize("name", ["a" * 8, "A-z_0" * 12])
    def test_keeps_the_name_it_came_with(self, client: TestClient, name: str) -> None:
        assert client.get("/healthz", headers={"X-Request-Id": name}).headers["x-request-id"] == name

    @pytest.mark.parametrize(
        "name", [b"", b"short", b"a" * 65, b"a b c d e f", b"<script>x", b"\xe9" * 9, b"a" * 9 + b"\t", b"a" * 9 + b",x"]
    )
    def test_gets_a_new_one_for_what_is_none(self, client: TestClient, name: bytes) -> None:
        given = client.get("/healthz", headers={b"X-Request-Id": name}).headers["x-request-id"]
        assert given.encode() != name
        assert SANE.fullmatch(given)

    def test_has_a_name_of_its_own(self, client: TestClient) -> None:
        """Also where two are claimed: which would it be?"""
        twice = [("X-Request-Id", "a" * 8), ("X-Request-Id", "b" * 8)]
        names = [client.get("/healthz", headers=headers).headers["x-request-id"] for headers in (None, None, twice, twice)]
        assert len(set(names)) == 4
        assert not {"a" * 8, "b" * 8} & set(names)

    def test_has_its_name_also_when_it_breaks_halo(self, phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*_: object) -> None:
            raise RuntimeError

        monkeypatch.setattr("halo_engine.queries.Queries.activity", broken)
        client = TestClient(phone.client.app, raise_server_exceptions=False)
        answer = client.get("/v1/activity", headers=phone.headers())
        assert (answer.status_code, answer.json()["request_id"], answer.headers["x-request-id"]) == (500, "of-this-test", "of-this-test")

    def test_is_in_the_log_under_its_name(self, tmp_path: Path) -> None:
        home = Installation.open(tmp_path / "home", log_file="halo.jsonl")
        with TestClient(create_app(home.settings, clock=home.clock)) as client:
            client.get("/healthz", headers={"X-Request-Id": "a-name-of-mine"})
        lines = [json.loads(line) for file in tmp_path.rglob("halo.jsonl") for line in file.read_text().splitlines()]
        assert [line["request_id"] for line in lines if line["event"] == "http.answered"] == ["a-name-of-mine"]
        home.engine.close()
