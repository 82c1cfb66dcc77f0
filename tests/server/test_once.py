"""`Idempotency-Key`: the same act sent again is done once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from halo_engine.model.errors import VendorFailed
from server.once import _MOST, Kept
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


class TestWhatIsKept:
    def test_has_an_end(self) -> None:
        """The oldest answers go; what is being done stays."""
        from fastapi.responses import Response

        kept = Kept()
        kept.begin(("usr", "/", "being done"), "a")
        for number in range(2 * _MOST):
            kept.begin(("usr", "/", str(number)), "a")
            kept.end(("usr", "/", str(number)), Response())
        assert len(kept._given) == _MOST
        assert ("usr", "/", "being done") in kept._given
