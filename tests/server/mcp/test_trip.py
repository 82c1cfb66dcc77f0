"""The whole way with the protocol's own client: from words to a receipt, with the yes given elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from halo_engine.model.execution import ExecutionStatus
from tests.installation import Installation
from tests.server.calling import BATTERIES, served
from tests.server.mcp.talking import given, opener, over_http, over_stdio, refused

TOOLS = {"parse", "draft", "modify", "cancel_draft", "request_confirmation", "status", "card", "executions", "receipt", "verify"}


def confirmed_elsewhere(home: Installation, draft_id: str) -> str:
    """A person confirms what stands, and it is carried out; the execution's id."""
    with home.queries() as queries:
        card = queries.card(draft_id)
    execution = home.carry_out(card)
    assert execution.status is ExecutionStatus.DONE
    return execution.id


async def trip(client: Client, home: Installation, asked: list[str]) -> None:
    """Ask, change, ask for a yes, see that there is none, let a person give it, and look at what came of it."""
    assert {tool.name for tool in (await client.list_tools()).tools} == TOOLS
    assert (await given(client, "parse", text=BATTERIES))["verb"] == "ORDER"
    drafted = await given(client, "draft", text=BATTERIES)
    changed = await given(client, "modify", draft_id=drafted["draft_id"], text="make it 3")
    assert changed["revision"] == 2

    pending = await given(client, "request_confirmation", draft_id=drafted["draft_id"])
    assert pending["waits_for_confirmation"]
    assert home.engine.linked(pending["url"]).of == drafted["draft_id"]
    assert all(url == pending["url"] for url in asked)
    assert (await given(client, "status", id=drafted["draft_id"]))["waits_for_confirmation"]
    assert home.ledger() == ()

    execution_id = await anyio.to_thread.run_sync(confirmed_elsewhere, home, drafted["draft_id"])
    stands = await given(client, "status", id=drafted["draft_id"])
    assert (stands["execution_id"], stands["execution_status"]) == (execution_id, "done")
    assert stands["confirmed_by"]
    receipt = await given(client, "receipt", execution_id=execution_id)
    assert "AA" in receipt["content_text"]
    assert [one["id"] for one in (await given(client, "executions"))["executions"]] == [execution_id]
    assert (await given(client, "card", id=execution_id))["kind"] == "done"
    assert (await given(client, "verify"))["ok"]
    assert "url" not in await given(client, "request_confirmation", draft_id=drafted["draft_id"])
    assert "not_found" in await refused(client, "card", id="dft_" + "0" * 26)
    assert len(home.ledger()) == 1


class TestAProgramOnThisMachine:
    """`halo mcp`, a real subprocess."""

    @pytest.mark.parametrize("mode", ["legacy", "auto"])
    def test_asks_and_a_person_confirms(self, today: Installation, mode: Any) -> None:
        asked: list[str] = []

        async def run() -> None:
            async with over_stdio(today, mode=mode, elicitation_callback=opener(asked)) as client:
                await trip(client, today, asked)

        anyio.run(run)
        assert len(asked) == 1

    def test_acts_for_the_member_that_was_named(self, today: Installation) -> None:
        async def run() -> None:
            async with over_stdio(today, member="kim") as client:
                await given(client, "draft", text=BATTERIES)

        anyio.run(run)
        with today.queries() as queries:
            assert [asked.member for asked in queries.requests(limit=5)] == ["Kim"]


class TestAProgramOverHttp:
    """`/mcp` of a real server on loopback."""

    @pytest.mark.parametrize(("mode", "pages"), [("legacy", 0), ("auto", 1)])
    def test_asks_and_a_person_confirms(self, home: Installation, mode: Any, pages: int) -> None:
        asked: list[str] = []

        async def run(url: str, token: str) -> None:
            async with over_http(url, token, mode=mode, elicitation_callback=opener(asked)) as client:
                await trip(client, home, asked)

        with served(home) as url:
            anyio.run(run, url, home.engine.devices.add("Desk", by=None).token.get_secret_value())
        assert len(asked) == pages


class TestAPage:
    """What a person is shown who is asked for a yes."""

    @pytest.mark.parametrize("action", ["accept", "decline", "cancel"])
    def test_whatever_the_program_answers_the_draft_stays_open(self, home: Installation, action: str) -> None:
        asked: list[str] = []

        async def run(url: str, token: str) -> None:
            async with over_http(url, token, elicitation_callback=opener(asked, action)) as client:
                drafted = await given(client, "draft", text=BATTERIES)
                pending = await given(client, "request_confirmation", draft_id=drafted["draft_id"])
                assert pending["waits_for_confirmation"]
                assert (await given(client, "status", id=drafted["draft_id"]))["waits_for_confirmation"]

        with served(home) as url:
            anyio.run(run, url, home.engine.devices.add("Desk", by=None).token.get_secret_value())
        assert len(asked) == 1
        assert home.ledger() == ()

    def test_is_named_nowhere_where_nobody_said_how_this_is_reached(self, tmp_path: Path) -> None:
        """The reason: a person who is sent to a page that is not there looks no further. How they confirm is said all the same."""
        asked: list[str] = []
        bare = Installation.open(tmp_path / "bare")

        async def run(url: str, token: str) -> None:
            async with over_http(url, token, elicitation_callback=opener(asked)) as client:
                drafted = await given(client, "draft", text=BATTERIES)
                pending = await given(client, "request_confirmation", draft_id=drafted["draft_id"])
                assert (pending["waits_for_confirmation"], "url" in pending) == (True, False)
                assert "`halo confirm`" in pending["how"]
                assert "page" not in pending["how"]

        with bare.engine, served(bare) as url:
            anyio.run(run, url, bare.engine.devices.add("Desk", by=None).token.get_secret_value())
        assert asked == []

    def test_is_not_offered_to_a_program_that_opens_none(self, home: Installation) -> None:
        async def run(url: str, token: str) -> None:
            async with over_http(url, token) as client:
                drafted = await given(client, "draft", text=BATTERIES)
                assert (await given(client, "request_confirmation", draft_id=drafted["draft_id"]))["url"]

        with served(home) as url:
            anyio.run(run, url, home.engine.devices.add("Desk", by=None).token.get_secret_value())
