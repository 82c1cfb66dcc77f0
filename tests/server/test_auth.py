"""Who may call, and as whom: the token decides, and nothing else that is sent."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient

from halo_engine.model.device import DeviceKind
from halo_engine.model.ids import Prefix
from tests.halo_engine.store.raw import rows
from tests.installation import Installation
from tests.server.calling import BATTERIES, Phone
from tests.server.calling import phone as a_phone

OPEN = {"/healthz", "/readyz", "/v1/devices/enrol"}
#: A bridge's webhook and the protocol of programs have their own locks; a link's page, a description and a measure grant nothing.
UNLISTED = {
    "/v1/bridge",
    "/mcp",
    "/m/{of}",
    "/metrics",
    "/openapi.json",
    "/robots.txt",
    "/.well-known/apple-app-site-association",
}
NOBODY = "hdv_" + "0" * 64


def guarded(client: TestClient) -> Iterator[tuple[str, str]]:
    """Every method and path but those that anybody may ask."""
    app = client.app
    assert isinstance(app, FastAPI)
    schema = app.openapi()["paths"]
    for path, methods in schema.items():
        if path not in OPEN:
            for method in methods:
                yield method.upper(), re.sub(r"\{(...)[^}]*\}", r"\1_0", path)


def refusals(client: TestClient, headers: dict[bytes, bytes]) -> set[tuple[int, bytes, str]]:
    """How every guarded route answers; the body would be refused too, were it read."""
    headers = {**headers, b"X-Request-Id": b"of-this-test"}
    answers = [client.request(method, path, headers=headers, content=b"NaN") for method, path in guarded(client)]
    return {(answer.status_code, answer.content, answer.headers.get("www-authenticate", "")) for answer in answers}


class TestEveryRoute:
    def test_is_known_to_this_test(self, client: TestClient) -> None:
        """A test of no routes would pass."""
        assert len(list(guarded(client))) >= 17
        app = client.app
        assert isinstance(app, FastAPI)
        unlisted = {route.path for route in iter_route_contexts(app.routes) if not route.include_in_schema}
        assert unlisted <= UNLISTED, "what is not in the schema has a lock and a test of its own"

    def test_refuses_all_but_a_good_token_with_one_answer(self, home: Installation, client: TestClient, phone: Phone) -> None:
        """Missing, malformed, unknown, revoked and expired cannot be told apart."""
        revoked, old = a_phone(home, client), a_phone(home, client)
        home.engine.devices.revoke(revoked.device_id, by=None)
        presented = [
            "",
            "Bearer",
            "Bearer ",
            f"Bearer {NOBODY}",
            f"Bearer {NOBODY}{'0' * 5000}",
            f"Bearer {phone.token.upper()}",
            f"Bearer {phone.token[:-1]}",
            f"Bearer {phone.token} {phone.token}",
            f"Bearer {hashlib.sha256(phone.token.encode()).hexdigest()}",
            f"Basic {phone.token}",
            f"Token {phone.token}",
            phone.token,
            f"Bearer {phone.device_id}",
            "Bearer hdv_' OR 1=1 --",
            "Bearer \u00e9\u00ff",
            f"Bearer {revoked.token}",
        ]
        nothing = refusals(client, {})
        found = set[tuple[int, bytes, str]]().union(*(refusals(client, {b"Authorization": each.encode("latin-1")}) for each in presented))
        home.later(days=91)
        found |= refusals(client, {b"Authorization": f"Bearer {old.token}".encode()})
        assert (len(found), len(nothing)) == (1, 1)
        status, body, challenge = found.pop()
        assert (status, challenge.startswith('Bearer realm="halo"')) == (401, True)
        # RFC 6750 §3.1: whoever showed nothing is not told that it was wrong.
        assert nothing == {(401, body, challenge.replace(', error="invalid_token"', ""))}
        assert b"hdv_" not in body

    def test_refuses_two_tokens_at_once(self, client: TestClient, phone: Phone, child: Phone) -> None:
        """Which of them would it be?"""
        headers = [("Authorization", f"Bearer {phone.token}"), ("Authorization", f"Bearer {child.token}")]
        assert client.get("/v1/household", headers=headers).status_code == 401

    def test_takes_a_good_token(self, client: TestClient, phone: Phone) -> None:
        """The other half: nothing above is refused for another reason."""
        assert {client.request(method, path, headers=phone.headers()).status_code for method, path in guarded(client)} <= {200, 404, 422}


class TestAToken:
    def test_works_until_its_time_is_over(self, home: Installation, phone: Phone) -> None:
        """By the household's clock, to the second."""
        home.later(seconds=home.settings.device_lives_s - 1)
        assert phone.get("/v1/household").status_code == 200
        home.later(seconds=1)
        assert phone.get("/v1/household").status_code == 401

    def test_ends_at_once_when_it_is_revoked(self, home: Installation, phone: Phone) -> None:
        """Also between a draft and its yes."""
        drafted = phone.draft()
        home.engine.devices.revoke(phone.device_id, by=None)
        assert phone.confirm(drafted).status_code == 401
        assert home.ledger() == ()

    def test_says_who_is_calling(self, home: Installation, phone: Phone, child: Phone) -> None:
        answers = [each.get("/v1/household").json() for each in (phone, child)]
        names = [next(member["display_name"] for member in answer["members"] if member["id"] == answer["me"]) for answer in answers]
        assert names == ["Alex", "Kim"]


class TestTheMemberWhoActs:
    def test_is_the_tokens(self, home: Installation, child: Phone) -> None:
        """In the books and in the log."""
        drafted = child.draft()
        with home.queries() as queries:
            asked = {one.id: one.member for one in queries.requests(limit=10)}
        assert asked[drafted["request_id"]] == "Kim"

    @pytest.mark.parametrize("name", ["member", "user_id", "as", "household_id"])
    def test_cannot_be_named_in_a_body(self, home: Installation, phone: Phone, child: Phone, name: str) -> None:
        """A child's token with the owner's name in it is a child's token with a field too many."""
        drafted, owner = child.draft(), phone.get("/v1/household").json()["me"]
        for path, body in (
            ("draft/create", {"text": BATTERIES}),
            ("draft/modify", {"draft_id": drafted["draft_id"], "text": "make it 3"}),
            ("draft/confirm", {"draft_id": drafted["draft_id"], "draft_hash": drafted["draft_hash"]}),
            ("draft/cancel", {"draft_id": drafted["draft_id"]}),
        ):
            for value in (owner, "Alex"):
                assert child.post(f"/v1/{path}", {**body, name: value}).status_code == 422
                answer = child.client.post(f"/v1/{path}", params={name: value}, json=body, headers=child.headers() | {"X-Member": value})
                assert answer.status_code != 200 or path != "draft/confirm"
        assert home.ledger() == ()

    def test_may_not_confirm_as_a_child_and_the_log_says_who_tried(self, home: Installation, child: Phone) -> None:
        drafted = child.draft()
        answer = child.confirm(drafted)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_authorised")
        me = child.get("/v1/household").json()["me"]
        with home.engine._store.reading() as books:
            from sqlalchemy import text

            statement = text("SELECT user_id, entity_id FROM event_log WHERE event_type = 'draft.confirmation_refused'")
            assert [tuple(row) for row in books.connection.execute(statement)] == [(me, drafted["draft_id"])]
        assert home.ledger() == ()
        assert home.verify().ok


class TestAPlantedBug:
    """That the tests above can fail."""

    def test_a_token_whose_end_is_not_looked_at_is_noticed(self, home: Installation, phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("halo_engine.model.device.Device.speaks_at", lambda *_: True)
        home.later(days=91)
        assert phone.get("/v1/household").status_code == 200

    def test_a_member_from_elsewhere_is_noticed(self, phone: Phone, child: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("server.once.Post.member", phone.get("/v1/household").json()["me"])
        assert child.confirm(child.draft()).status_code == 200


class TestWhatIsNotThere:
    def test_is_the_same_whatever_was_asked_for(self, home: Installation, phone: Phone) -> None:
        """Ids of nothing, of other kinds and of no kind at all: one 404 a route, which echoes nothing."""
        drafted = phone.draft()
        ids = [home.clock.new_id(prefix) for prefix in Prefix]
        ids += [drafted["request_id"], phone.device_id, phone.get("/v1/household").json()["household"]["id"]]
        ids += ["'; DROP TABLE draft; --", "%00", "%ED%A0%80", "..%2f..%2fetc", "%F0%9F%94%8B" * 50, "x" * 3000, "null", "-1", "*"]
        for route, known in (
            ("executions/{}", ()),
            ("receipts/{}", ()),
            ("drafts/{}", ()),
            ("drafts/{}/form", ()),
            ("cards/{}", (drafted["request_id"],)),
        ):
            answers = [phone.get(f"/v1/{route.format(each)}") for each in ids if each not in known]
            assert {answer.status_code for answer in answers} == {404}, route
            assert {answer.json()["code"] for answer in answers} == {"not_found"}
            assert not any("DROP" in answer.text or "xxx" in answer.text for answer in answers)
        for route in ("executions/{}/retry", "drafts/{}/retry"):
            assert {phone.post(f"/v1/{route.format(each)}").status_code for each in ids} == {404}

    def test_is_the_same_in_a_body(self, home: Installation, phone: Phone) -> None:
        ids = [*(home.clock.new_id(prefix) for prefix in Prefix), "", "\0", "../..", "'; --", "x" * 3000, "🔋", "\u202e"]
        for path, more in (
            ("draft/modify", {"text": "make it 3"}),
            ("draft/modify", {"values": {"a": "b"}}),
            ("draft/confirm", {"draft_hash": "0" * 64}),
            ("draft/cancel", {}),
        ):
            answers = {phone.post(f"/v1/{path}", {"draft_id": each, **more}).content for each in ids}
            assert len(answers) == 1, path
            assert b'"code":"not_found"' in answers.pop()
        assert {phone.post("/v1/command/hear", {"text": "yes", "about": each}).status_code for each in ids} == {404}
        assert {phone.post("/v1/draft/create", {"text": "yes", "answers": each}).status_code for each in ids if each} == {404}

    def test_is_another_household_too(self, phone: Phone) -> None:
        """The household is the token's; naming it changes nothing, naming another finds nothing."""
        own = phone.get("/v1/household").json()["household"]["id"]
        assert phone.get("/v1/executions", household_id=own).status_code == 200
        assert phone.get("/v1/executions", household_id="hsh_01m811frhbec2ry6ja3p5hhbpq").status_code == 404
        assert phone.get("/v1/executions", household_id="").status_code == 404

    @pytest.mark.parametrize("limit", ["0", "-1", "1001", "9" * 5000, "NaN", "1e3", "", "SECRET", "1;DROP"])
    def test_nor_is_a_list_without_end(self, phone: Phone, limit: str) -> None:
        for path in ("executions", "activity", "requests"):
            answer = phone.get(f"/v1/{path}", limit=limit)
            assert answer.status_code == 422
            assert "SECRET" not in answer.text
            assert answer.headers["content-type"] == "application/problem+json"


class TestAProgram:
    """Its device asks and looks, whoever's it is; it says no yes and decides nothing about who may."""

    @pytest.fixture
    def program(self, home: Installation, client: TestClient) -> Phone:
        new = home.engine.devices.add("Desk", by=None, kind=DeviceKind.PROGRAM)
        return Phone(client=client, token=new.token.get_secret_value(), device_id=new.device.id)

    def test_asks_and_looks(self, program: Phone) -> None:
        drafted = program.draft()
        assert program.get(f"/v1/drafts/{drafted['draft_id']}").status_code == 200
        assert program.get("/v1/devices").json()["devices"][0]["kind"] == "program"

    def test_cannot_confirm(self, home: Installation, program: Phone, phone: Phone) -> None:
        """Not what it asked for, not what its owner did, not what is confirmed already; and the log says that it tried."""
        drafts = [program.draft(), phone.draft()]
        answers = [program.confirm(each) for each in drafts]
        assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(403, "not_authorised")}
        assert "A program's device cannot confirm; a member does that in Halo." in answers[0].json()["detail"]
        assert len(rows(home.engine._store, "SELECT * FROM event_log WHERE event_type = 'draft.confirmation_refused'")) == 2
        for table in ("confirmation", "draft_approval", "execution"):
            assert rows(home.engine._store, f"SELECT * FROM {table}") == []
        assert phone.confirm(drafts[0]).status_code == 200
        assert program.confirm(drafts[0]).status_code == 403
        assert home.verify().ok

    def test_decides_nothing_about_who_may_do_what(self, home: Installation, program: Phone, phone: Phone) -> None:
        sam = next(each["id"] for each in phone.get("/v1/members").json()["members"] if each["display_name"] == "Sam")
        endpoint = phone.post("/v1/webhooks", {"url": "https://hooks.example.com/a"}).json()["endpoint"]["id"]
        before = rows(home.engine._store, "SELECT id FROM event_log")
        answers = [
            program.client.request(method, f"/v1/{path}", json=body, headers=program.headers())
            for method, path, body in (
                ("POST", f"devices/{phone.device_id}/revoke", None),
                ("POST", "members", {"name": "Robin", "role": "owner"}),
                ("PATCH", f"members/{sam}", {"role": "owner"}),
                ("PATCH", "preferences", {"default_merchant": "zinc"}),
                ("POST", "webhooks", {"url": "https://hooks.example.com/b"}),
                ("POST", f"webhooks/{endpoint}/test", None),
                ("DELETE", f"webhooks/{endpoint}", None),
            )
        ]
        assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(403, "not_authorised")}
        assert rows(home.engine._store, "SELECT id FROM event_log") == before
        assert program.post("/v1/devices/refresh").status_code == 200
