"""What a thread needs of the server: drafts, changes, a yes, how it went, and the cards of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from halo_engine.model.card import Card, CardKind
from server.answers import encoded
from server.documents import cards as documents
from tests.cards.examples import CARDS
from tests.installation import Installation
from tests.server.calling import Phone, card_of


def carried_out(home: Installation, phone: Phone) -> str:
    """The id of an execution that is done."""
    execution_id: str = phone.confirm(phone.draft()).json()["execution_id"]
    home.engine.execute(execution_id, wait_s=600)
    return execution_id


class TestADraft:
    def test_is_its_card_and_its_contract(self, phone: Phone) -> None:
        """The specification's fields, and the card that shows them."""
        drafted = phone.draft()
        assert {"title", "summary", "vendor", "estimated_cost", "payment_method_masked", "warnings", "actions"} <= set(drafted["draft"])
        assert card_of(drafted["card"]).draft_hash == drafted["draft_hash"] == drafted["draft"]["draft_hash"]
        assert phone.get(f"/v1/drafts/{drafted['draft_id']}").json() == drafted

    def test_may_be_a_question_that_is_answered(self, phone: Phone) -> None:
        asked = phone.post("/v1/draft/create", {"text": "order AAA batteries"}).json()
        assert asked["kind"] == "clarification"
        answered = phone.post("/v1/draft/create", {"text": "1", "answers": asked["request_id"]}).json()
        assert answered["kind"] == "draft"

    def test_is_changed_by_words_and_by_its_form(self, phone: Phone) -> None:
        drafted = phone.draft()
        changed = phone.post("/v1/draft/modify", {"draft_id": drafted["draft_id"], "text": "make it 3"}).json()
        assert changed["card"]["revision"] == 2
        field = phone.get(f"/v1/drafts/{drafted['draft_id']}/form").json()["fields"][0]
        assert (field["name"], field["value"]) == ("items.0.quantity", "3")
        again = phone.post("/v1/draft/modify", {"draft_id": drafted["draft_id"], "values": {field["name"]: "4"}}).json()
        assert again["card"]["lines"][0]["quantity"] == 4

    @pytest.mark.parametrize("change", [{}, {"text": "make it 3", "values": {"items.0.quantity": "3"}}])
    def test_is_changed_in_one_way_at_a_time(self, phone: Phone, change: dict[str, Any]) -> None:
        assert phone.post("/v1/draft/modify", {"draft_id": phone.draft()["draft_id"], **change}).status_code == 422

    def test_of_yesterday_is_asked_for_again(self, home: Installation, phone: Phone) -> None:
        drafted = phone.draft()
        home.later(hours=1)
        assert phone.confirm(drafted).json()["code"] == "draft_expired"
        anew = phone.post(f"/v1/drafts/{drafted['draft_id']}/retry").json()
        assert anew["draft_id"] != drafted["draft_id"]


class TestAnExecution:
    def test_is_told_from_yes_to_receipt(self, home: Installation, phone: Phone) -> None:
        execution_id = carried_out(home, phone)
        detail = phone.get(f"/v1/executions/{execution_id}").json()
        assert (detail["execution"]["status"], detail["confirmation"]["confirmed_by"]) == ("done", "Alex")
        assert "vendor_key" not in json.dumps(detail)
        assert phone.get("/v1/executions").json()["executions"] == [detail["execution"]]
        assert phone.get(f"/v1/receipts/{execution_id}").json() == detail["receipt"]
        assert phone.get("/v1/activity").json()["activity"][0]["id"] == execution_id
        assert phone.get("/v1/requests").json()["requests"][0]["card"]["kind"] == "done"
        assert len(home.ledger()) == 1

    def test_has_no_receipt_before_it_is_done(self, phone: Phone) -> None:
        execution_id = phone.confirm(phone.draft()).json()["execution_id"]
        assert phone.get(f"/v1/receipts/{execution_id}").status_code == 404

    def test_that_went_well_is_not_retried(self, home: Installation, phone: Phone) -> None:
        answer = phone.post(f"/v1/executions/{carried_out(home, phone)}/retry")
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


class TestACard:
    @pytest.mark.parametrize(
        ("query", "accept", "kind"),
        [
            ("", "*/*", "application/json"),
            ("?format=txt", "*/*", "text/plain; charset=utf-8"),
            ("?format=html", "*/*", "text/html; charset=utf-8"),
            ("?format=svg", "*/*", "image/svg+xml"),
            ("?format=png", "*/*", "image/png"),
            ("?format=json", "image/png", "application/json"),
            ("", "image/png", "image/png"),
            ("", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "text/html; charset=utf-8"),
            ("", "text/plain;q=0.5, application/json;q=0.501", "application/json"),
            ("", "application/json;q=0, text/*", "text/plain; charset=utf-8"),
            ("", "video/mp4, */*;q=0.1", "application/json"),
        ],
    )
    def test_comes_as_it_is_liked(self, phone: Phone, query: str, accept: str, kind: str) -> None:
        drafted = phone.draft()
        answer = phone.client.get(f"/v1/cards/{drafted['draft_id']}{query}", headers=phone.headers() | {"Accept": accept})
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        assert answer.headers["cache-control"] == "private, no-cache"
        assert answer.headers["x-content-type-options"] == "nosniff"
        if kind != "application/json":
            assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.content

    @pytest.mark.parametrize("accept", ["video/mp4", "*/*;q=0", "", ",,;;q=", "x" * 8000, "text/html;q=NaN"])
    def test_that_cannot_be_had_so_is_a_406(self, phone: Phone, accept: str) -> None:
        path = f"/v1/cards/{phone.draft()['draft_id']}"
        assert phone.client.get(path, headers=phone.headers() | {"Accept": accept}).status_code == 406

    def test_of_no_known_format_is_a_problem(self, phone: Phone) -> None:
        assert phone.get(f"/v1/cards/{phone.draft()['draft_id']}", format="SECRET").status_code == 422

    @pytest.mark.parametrize("card", CARDS.values(), ids=CARDS.keys())
    def test_is_the_same_value_on_the_other_side(self, card: Card) -> None:
        """Every kind of card, through JSON and back; half a character, which has no form in UTF-8, is replaced."""
        written = json.dumps(card.model_dump(mode="json"), ensure_ascii=False).encode(errors="replace")
        assert card_of(json.loads(encoded(documents.Card.of(card)))) == Card.model_validate_json(written)

    def test_with_half_a_character_in_it_is_answered(self, phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
        """What has no form in UTF-8 is replaced, in every format."""
        broken = Card(kind=CardKind.UNAVAILABLE, title="Not possible", summary="a\ud800b \x00 \u202e</script>", request_id="req_0")
        monkeypatch.setattr("halo_engine.queries.Queries.card", lambda *_: broken)
        for each in ("json", "txt", "html", "svg", "png"):
            assert phone.get("/v1/cards/req_0", format=each).status_code == 200, each


class TestAServerAsAPersonStartsIt:
    def test_takes_an_order_from_words_to_receipt(self, tmp_path: Path) -> None:
        """`halo init`, `halo devices add`, `halo serve`, and an order over HTTP; its worker carries it out."""
        environ, halo = {**os.environ, "HALO_HOME": str(tmp_path / "home")}, [sys.executable, "-m", "halo_cli"]
        for words in (["init"], ["devices", "add", "laptop", "--token-file", str(tmp_path / "token")]):
            assert subprocess.run([*halo, *words], env=environ, capture_output=True, timeout=60, check=False).returncode == 0
        command = [*halo, "serve", "--port", "0", "--json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ) as server:
            try:
                assert server.stdout is not None
                url = json.loads(server.stdout.readline())["url"]
                headers = {"Authorization": f"Bearer {(tmp_path / 'token').read_text().strip()}", "Idempotency-Key": "batteries-1"}
                with httpx.Client(base_url=f"{url}/v1", headers=headers, timeout=30, trust_env=False) as client:
                    drafted = client.post("/draft/create", json={"text": "order 2 packs of AA batteries"}).json()
                    yes = {name: drafted[name] for name in ("draft_id", "draft_hash")}
                    execution_id = client.post("/draft/confirm", json=yes).json()["execution_id"]
                    for _ in range(300):
                        card = card_of(client.get(f"/cards/{execution_id}").json())
                        if card.kind is not CardKind.EXECUTING:
                            break
                    assert (card.kind, card.cost) == (CardKind.DONE, "$49.95")
                    assert "113-" in client.get(f"/receipts/{execution_id}").json()["content_text"]
            finally:
                server.send_signal(signal.SIGTERM)
            _, err = server.communicate(timeout=60)
        assert server.returncode == 0
        assert "Traceback" not in err
        assert "hdv_" not in err
