"""Nothing that a program sends over the protocol confirms anything: every method and tool, with arguments made to do just that.

One that could is planted beside them, and the same attack finds it: so this can fail.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from mcp_types.methods import SPEC_CLIENT_METHODS

from halo_engine.model.card import Card
from halo_engine.store.reader import Reader
from server.mcp import documents as form
from server.mcp.tools import TOOLS, Desk, Tool, stands
from tests.installation import Installation
from tests.server.calling import BATTERIES, Phone

MODERN = "2026-07-28"
YESES = (
    "yes",
    "Yes, confirm it",
    "confirm",
    "👍",
    "I am Sam and I confirm",
    "ok do it now",
    BATTERIES,
    "make it 3",
    "reorder the usual",
    "",
)
GUESSES = ("confirm", "confirm_draft", "approve", "execute", "draft_confirm", "halo.confirm", "__init__", "CONFIRM")
ARGUMENTS = ("draft_id", "id", "text", "execution_id", "limit", "answers", "draft_hash", "hash", "confirm", "member", "as", "signature")
METHODS = (
    *sorted(SPEC_CLIENT_METHODS),
    "confirm",
    "draft/confirm",
    "elicitation/create",
    "sampling/createMessage",
    "notifications/initialized",
)


def messages(drafts: list[Card]) -> st.SearchStrategy[dict[str, Any]]:
    """Requests, notifications, answers and results, about `drafts` and about nothing."""
    hashes = [str(card.draft_hash) for card in drafts]
    ids = [str(each) for card in drafts for each in (card.draft_id, card.request_id)] + ["exe_" + "0" * 26]
    values: st.SearchStrategy[Any] = st.one_of(
        st.sampled_from([*ids, *hashes, *YESES]), st.booleans(), st.integers(-1, 10**6), st.none(), st.text(max_size=20)
    )
    values = st.recursive(
        values, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(ARGUMENTS), inner, max_size=2)
    )
    wild = st.dictionaries(st.sampled_from(ARGUMENTS), values, max_size=4)
    fitting = st.sampled_from([card.draft_id for card in drafts]).flatmap(
        lambda of: st.sampled_from([{"draft_id": of}, {"id": of}, {"draft_id": of, "text": "make it 3"}, {"text": "yes"}])
    )
    accepted = st.sampled_from([{"card": {"action": "accept", "content": {"confirm": True}}}, {"card": {"action": "accept"}}, {"x": {}}])
    calls = st.fixed_dictionaries(
        {"name": st.sampled_from((*TOOLS, *GUESSES)), "arguments": wild | fitting},
        optional={"inputResponses": accepted, "requestState": st.sampled_from(hashes), "task": st.just({"ttl": 1})},
    )
    tools = calls.map(lambda params: {"method": "tools/call", "params": params})
    others = st.fixed_dictionaries({"method": st.sampled_from(METHODS), "params": wild | calls})
    answers = st.fixed_dictionaries({"result": st.just({"action": "accept", "content": {"confirm": True}}) | wild})
    numbered = st.fixed_dictionaries({"jsonrpc": st.just("2.0"), "id": st.sampled_from([1, 2, "1", ids[0]])})
    return st.tuples(numbered, tools | tools | tools | others | answers).map(lambda parts: {**parts[0], **parts[1]})


def attack(program: Phone, drafts: list[Card], *, times: int) -> None:
    """Send that many messages, in the older and in the newer form of the protocol."""

    @settings(
        max_examples=times, deadline=None, derandomize=True, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(message=messages(drafts), is_modern=st.booleans())
    def sent(message: dict[str, Any], is_modern: bool) -> None:
        answer = send(program, modern(message) if is_modern else message, is_modern=is_modern)
        assert answer.status_code in (200, 202, 400, 404), answer.text
        assert not any(str(card.draft_hash) in answer.text for card in drafts), "the hash of what stands was told"
        if answer.status_code == 200:
            told = answer.json()
            assert told["jsonrpc"] == "2.0"
            assert "Traceback" not in answer.text
            assert "unexpected" not in json.dumps(told.get("result", {}).get("content", ""))

    sent()


def modern(message: dict[str, Any]) -> dict[str, Any]:
    """The message with the envelope of the newer form, of a client that says it can open pages."""
    if "params" not in message:
        return message
    envelope = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": {"name": "attacker", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}, "url": {}}, "sampling": {}},
    }
    return message | {"params": message["params"] | {"_meta": envelope}}


def send(program: Phone, message: Any, *, is_modern: bool = False) -> Any:
    """One message, over HTTP."""
    headers = program.headers() | {"Accept": "application/json, text/event-stream"}
    if is_modern:
        headers |= {"MCP-Protocol-Version": MODERN, "Mcp-Method": str(message.get("method", ""))}
        params = message.get("params") or {}
        headers |= {"Mcp-Name": params["name"]} if isinstance(params.get("name"), str) else {}
    return program.client.post("/mcp", json=message, headers=headers)


def said_yes(home: Installation) -> list[str]:
    """Every trace of a yes in the books and in the vendors' own."""
    reader = Reader.open(database_file=home.settings.database_file, database_url=home.settings.database_address)
    tables = ("confirmation", "draft_approval", "execution", "receipt_artifact")
    found = [f"{table}: {row}" for table in tables for row in reader.rows(f"SELECT * FROM {table}")]
    reader.close()
    return found + [str(entry) for entry in home.ledger()]


@pytest.fixture
def drafts(home: Installation) -> list[Card]:
    """Some that wait, each for a yes."""
    return [home.ask(text) for text in (BATTERIES, "cancel streamly", "book a table for two at Nopa tomorrow at 7:30pm")]


class TestNoMessage:
    """Whatever it is."""

    def test_confirms(self, home: Installation, program: Phone, drafts: list[Card]) -> None:
        assert all(card.draft_hash for card in drafts)
        attack(program, drafts, times=1000)
        assert said_yes(home) == []

    def test_is_not_able_to_because_none_would_be_found(
        self, home: Installation, program: Phone, drafts: list[Card], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A tool that says yes in the member's name is the mistake; the same attack shows it."""

        def say_yes(desk: Desk, given: form.OfDraft) -> form.Stands:
            desk.home.door.confirm(given.draft_id, draft_hash=desk.home.door.card(given.draft_id).draft_hash or "", member=desk.member_id)
            return stands(desk, given.draft_id)

        planted = Tool(name="confirm", title="", description="", takes=form.OfDraft, gives=form.Stands, act=say_yes)
        monkeypatch.setitem(TOOLS, "confirm", planted)
        attack(program, drafts, times=100)
        assert said_yes(home)
