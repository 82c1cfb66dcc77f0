"""`Idempotency-Key`: the same act sent again is done once."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

from halo_engine.engine import Engine
from halo_engine.model.errors import StoreBusy, VendorFailed
from halo_engine.model.event import Event
from halo_engine.model.money import Money
from halo_engine.store import sqlite
from halo_engine.store.acts import HELD
from server.app import create_app
from tests.installation import Installation
from tests.server.calling import BATTERIES, Phone

ACTS = ("draft/create", "draft/modify", "draft/confirm", "draft/cancel", "drafts/dft_0/retry", "executions/exe_0/retry")


def requests(home: Installation) -> int:
    with home.queries() as queries:
        return len(queries.requests(limit=100))


class TestAKey:
    @pytest.mark.parametrize("path", ACTS)
    @pytest.mark.parametrize("key", [None, "", "short", "x" * 256, "with a space", "tab\tinside"])
    def test_is_required_of_everything_that_changes_something(self, phone: Phone, path: str, key: str | None) -> None:
        """8 to 255 visible ASCII characters; and it is asked for before the body is looked at."""
        headers = phone.headers() | {"Idempotency-Key": key or ""}
        if key is None:
            del headers["Idempotency-Key"]
        answer = phone.client.post(f"/v1/{path}", content=b"NaN", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_required")

    def test_is_not_asked_of_what_changes_nothing(self, phone: Phone) -> None:
        headers = {"Authorization": f"Bearer {phone.token}"}
        assert phone.client.post("/v1/command/parse", json={"text": BATTERIES}, headers=headers).status_code == 200


class TestTheSameAgain:
    def test_is_answered_and_not_done(self, home: Installation, phone: Phone) -> None:
        """Byte for byte, and it says so."""
        first = phone.post("/v1/draft/create", {"text": BATTERIES}, key="batteries-1")
        again = phone.post("/v1/draft/create", {"text": BATTERIES}, key="batteries-1")
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert "Idempotent-Replayed" not in first.headers
        assert requests(home) == 1

    def test_is_the_same_whatever_the_order_of_its_keys(self, home: Installation, phone: Phone) -> None:
        for content in (b'{"text": "order paper towels", "channel": "app"}', b'{"channel":"app","text":"order paper towels"}'):
            assert phone.client.post("/v1/draft/create", content=content, headers=phone.headers("towels-1")).status_code == 200
        assert requests(home) == 1

    def test_with_another_body_is_refused(self, home: Installation, phone: Phone) -> None:
        phone.post("/v1/draft/create", {"text": BATTERIES}, key="batteries-1")
        for body in ({"text": "order paper towels"}, {"text": BATTERIES, "answers": None}):
            answer = phone.post("/v1/draft/create", body, key="batteries-1")
            assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_conflict")
        assert requests(home) == 1

    def test_by_somebody_else_is_something_else(self, home: Installation, phone: Phone, child: Phone) -> None:
        """A key is its member's own: it neither answers nor tells another one anything."""
        first = phone.post("/v1/draft/create", {"text": BATTERIES}, key="batteries-1")
        other = child.post("/v1/draft/create", {"text": BATTERIES}, key="batteries-1")
        assert other.json()["draft_id"] != first.json()["draft_id"]
        assert requests(home) == 2

    def test_gets_a_refusal_again(self, phone: Phone) -> None:
        """What was refused was answered."""
        drafted = phone.draft()
        for _ in range(2):
            answer = phone.post("/v1/draft/confirm", {"draft_id": drafted["draft_id"], "draft_hash": "0" * 64}, key="wrong-hash")
            assert (answer.status_code, answer.json()["code"]) == (409, "terms_changed")

    def test_is_done_where_we_failed_the_first_time(self, phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
        """A 5xx is no answer to keep."""

        def away(*_: object, **__: object) -> None:
            raise VendorFailed

        with monkeypatch.context() as patched:
            patched.setattr("halo_engine.engine.Engine.draft", away)
            assert phone.post("/v1/draft/create", {"text": BATTERIES}, key="batteries-1").status_code == 503
        assert phone.post("/v1/draft/create", {"text": BATTERIES}, key="batteries-1").status_code == 200

    def test_while_the_first_is_being_done_waits_its_turn(self, home: Installation, phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nobody does it twice at once."""
        begun, goes_on, draft = threading.Event(), threading.Event(), home.engine.draft

        def slow(*_: object, **__: object) -> object:
            begun.set()
            assert goes_on.wait(20)
            return draft(BATTERIES, member=None, channel="http")

        monkeypatch.setattr("halo_engine.engine.Engine.draft", slow)
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(phone.post, "/v1/draft/create", {"text": BATTERIES}, key="batteries-1")
            assert begun.wait(20)
            answer = phone.post("/v1/draft/create", {"text": BATTERIES}, key="batteries-1")
            goes_on.set()
            assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (409, "idempotency_in_flight", "1")
            assert first.result(timeout=20).status_code == 200

    def test_confirms_once_even_where_the_keys_are_forgotten(self, home: Installation, phone: Phone) -> None:
        """The keys are kept in this process; that a yes counts once is kept in the books."""
        drafted = phone.draft()
        first, again = phone.confirm(drafted), phone.confirm(drafted)
        assert first.json()["execution_id"] == again.json()["execution_id"]
        home.engine.execute(first.json()["execution_id"], wait_s=600)
        assert len(home.ledger()) == 1


class Killed(BaseException):
    """The process ends here."""


#: After which of its events the process dies, what was asked for, and how many requests and drafts there are once it was asked for again.
CUT_SHORT = ("request.parsed", "draft.created")


class TestAnActThatWasCutShort:
    """Resumed under the same key from what the books say: never answered with the failure, and never begun anew."""

    @pytest.mark.parametrize("event_type", CUT_SHORT)
    def test_goes_on_from_where_it_was(self, home: Installation, phone: Phone, event_type: str) -> None:
        """Wherever the process died, there is one request and one draft in the end."""
        cut_short(home, phone, "/v1/draft/create", {"text": BATTERIES}, key="batteries-1", after=event_type)
        assert phone.post("/v1/draft/create", {"text": BATTERIES}, key="batteries-1").json()["code"] == "idempotency_in_flight"
        home.later(seconds=HELD.total_seconds() + 1)
        answer = phone.post("/v1/draft/create", {"text": BATTERIES}, key="batteries-1")
        assert (answer.status_code, answer.json()["kind"]) == (200, "draft")
        assert "Idempotent-Replayed" not in answer.headers
        assert phone.post("/v1/draft/create", {"text": BATTERIES}, key="batteries-1").content == answer.content
        with home.queries() as queries:
            assert (len(queries.requests(limit=9)), len(queries.waiting())) == (1, 1)
        assert home.verify().ok

    def test_is_still_a_yes_that_counted(self, home: Installation, phone: Phone) -> None:
        drafted = phone.draft()
        body = {name: drafted[name] for name in ("draft_id", "draft_hash")}
        cut_short(home, phone, "/v1/draft/confirm", body, key="yes-to-these", after="draft.confirmed")
        home.later(seconds=HELD.total_seconds() + 1)
        answer = phone.post("/v1/draft/confirm", body, key="yes-to-these")
        assert answer.status_code == 200
        home.engine.execute(answer.json()["execution_id"], wait_s=600)
        assert len(home.ledger()) == 1

    def test_is_changed_once(self, home: Installation, phone: Phone) -> None:
        """A change that was written is not made again on top of itself."""
        body = {"draft_id": phone.draft()["draft_id"], "text": "make it 3"}
        for event_type, key in (("draft.change_parsed", "change-1"), ("draft.revised", "change-2")):
            cut_short(home, phone, "/v1/draft/modify", body, key=key, after=event_type)
            home.later(seconds=HELD.total_seconds() + 1)
            answer = phone.post("/v1/draft/modify", body, key=key)
            assert answer.status_code == 200, answer.text
            body = {**body, "text": "make it 4"}
        assert answer.json()["draft"]["revision"] == 3

    def test_keeps_who_had_asked_before(self, home: Installation, phone: Phone, child: Phone) -> None:
        """Else whoever asked could say yes to it alone, where the household wants somebody else."""
        home.engine.membership.change_rules(lambda rules: rules.with_asker_alone_up_to(Money(cents=0)), by=None)
        question = phone.post("/v1/draft/create", {"text": "book a table at nopa tomorrow at 7pm"}).json()
        assert question["kind"] == "clarification"
        body = {"text": "4", "answers": question["request_id"]}
        cut_short(home, child, "/v1/draft/create", body, key="four-people", after="request.parsed")
        home.later(seconds=HELD.total_seconds() + 1)
        drafted = child.post("/v1/draft/create", body, key="four-people").json()
        with home.queries() as queries:
            owner = queries.members()[0]
            assert queries.draft(drafted["draft_id"]).also_asked_by == (owner.id,)


class TestAnActOfOneTransaction:
    """What it made, or took away, is answered and not done again."""

    def test_goes_on_with_what_it_made(self, home: Installation, phone: Phone) -> None:
        for path, body, after in (
            ("/v1/members", {"name": "Pat", "role": "adult"}, "household.member_added"),
            ("/v1/usuals", {"name": "tea", "text": "order 2 packs of AA batteries"}, "usual.saved"),
        ):
            cut_short(home, phone, path, body, key=f"made-{after}", after=after)
            home.later(seconds=HELD.total_seconds() + 1)
            answer = phone.post(path, body, key=f"made-{after}")
            assert answer.status_code == 200, answer.text
            assert home.verify().ok
        with home.queries() as queries:
            assert [member.display_name for member in queries.members()].count("Pat") == 1

    def test_is_over_where_it_took_something_away(self, home: Installation, phone: Phone) -> None:
        usual = phone.post("/v1/usuals", {"name": "tea", "text": "order 2 packs of AA batteries"}).json()

        def removed(client: TestClient) -> Any:
            return client.delete(f"/v1/usuals/{usual['id']}", headers=phone.headers("take-away-1"))

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("halo_engine.stages.acts.Acts.end", dies)
            there = TestClient(create_app(home.settings, clock=home.clock))
            with pytest.raises(Killed):
                removed(there)
        home.later(seconds=HELD.total_seconds() + 1)
        answer = removed(phone.client)
        assert (answer.status_code, answer.json()) == (200, {"id": usual["id"]})


class TestAnAnswerThatCouldNotBeKept:
    def test_can_be_asked_for_again_at_once(self, home: Installation, phone: Phone) -> None:
        """It was done; only its answer is lost."""

        def busy(*_: object, **__: object) -> None:
            raise StoreBusy

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("halo_engine.stages.acts.Acts.end", busy)
            assert phone.post("/v1/draft/create", {"text": BATTERIES}, key="batteries-1").status_code == 503
        assert phone.post("/v1/draft/create", {"text": BATTERIES}, key="batteries-1").status_code == 200
        assert requests(home) == 1


def dies(*_: object, **__: object) -> None:
    raise Killed


def cut_short(home: Installation, phone: Phone, path: str, body: Mapping[str, Any], *, key: str, after: str) -> None:
    """A process that answers this call ends as soon as a transaction with an event of the type `after` is committed."""

    def happened(each: Event) -> None:
        if each.event_type == after:
            raise Killed

    # Outside its context, so that the client's own loop ends with the call.
    there = Phone(client=TestClient(create_app(home.settings, clock=home.clock)), token=phone.token, device_id=phone.device_id)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("halo_engine.telemetry.happened", happened)
        with pytest.raises(Killed):
            there.post(path, body, key=key)


class TestAnotherProcess:
    def test_gives_the_same_answer(self, home: Installation, phone: Phone) -> None:
        """The answers are in the books, and not in the process."""
        first = phone.post("/v1/draft/create", {"text": BATTERIES}, key="batteries-1")
        with TestClient(create_app(home.settings, clock=home.clock)) as elsewhere:
            again = Phone(client=elsewhere, token=phone.token, device_id=phone.device_id)
            answer = again.post("/v1/draft/create", {"text": BATTERIES}, key="batteries-1")
        assert (answer.content, answer.headers["Idempotent-Replayed"]) == (first.content, "true")

    def test_that_was_taken_for_dead_can_write_nothing_more(
        self, home: Installation, phone: Phone, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A process that only slept wakes up after another one took over: one draft, and one answer."""
        draft, answers = home.engine.draft, []

        def slow(engine: Engine, *what: object, **how: object) -> object:
            monkeypatch.undo()
            home.later(seconds=HELD.total_seconds() + 1)
            answers.append(phone.post("/v1/draft/create", {"text": BATTERIES}, key="batteries-1"))
            return Engine.draft(engine, *what, **how)  # type: ignore[arg-type]

        monkeypatch.setattr("halo_engine.engine.Engine.draft", slow)
        late = phone.post("/v1/draft/create", {"text": BATTERIES}, key="batteries-1")
        assert (late.status_code, late.json()["code"]) == (409, "idempotency_in_flight")
        assert [answer.status_code for answer in answers] == [200]
        assert requests(home) == 1
        assert draft is not None


class TestWhatIsKept:
    def test_has_an_end(self, home: Installation, phone: Phone) -> None:
        """After a month a key is new: whoever has not heard until then asks anew."""
        first = phone.post("/v1/draft/create", {"text": BATTERIES}, key="batteries-1").json()
        home.later(days=31)
        again = phone.post("/v1/draft/create", {"text": BATTERIES}, key="batteries-1")
        assert again.json()["draft_id"] != first["draft_id"]

    def test_is_forgotten_with_the_words(self, home: Installation, phone: Phone) -> None:
        """What was answered tells what was asked: it is erased, too."""
        drafted = phone.draft("order 2 packs of AA batteries")
        home.engine.erasing.erase(drafted["request_id"], by=None)
        with sqlite.driver.connect(home.settings.database_file) as connection:
            (kept,) = connection.execute(
                "SELECT count(*) FROM idempotency_key WHERE reached_json LIKE ?", (f"%{drafted['request_id']}%",)
            ).fetchone()
        assert kept == 0
