"""Hostile programs: nothing they send ends the server, is told back to them, or gets an answer that is no answer."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any

import pytest

from server.mcp.documents import input_schema, output_schema
from server.mcp.over_http import MAX_BYTES
from server.mcp.stdio import MAX_LINE_BYTES
from server.mcp.tools import TOOLS, card_shown
from tests.cards.hostile import TEXTS, card_of
from tests.installation import Installation, household_plan
from tests.server.calling import BATTERIES, Phone
from tests.server.mcp.talking import call, message

SECRET = "sk_live_secret"
JUNK = (
    b"",
    b"nonsense " + SECRET.encode(),
    b"[1]",
    b"[]",
    json.dumps([call("parse", {"text": SECRET})]).encode(),
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"parse","arguments":{"text":NaN}}}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"parse","arguments":{"text":1e999}}}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"parse","arguments":{"text":"\\ud800"}}}',
    b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}',
    b"[" * 100_000,
    b'{"a":' * 5000,
    b"\xff\xfe\x00",
    b'{"jsonrpc":"2.0","id":1,"result":{"action":"accept"}}' + b" " * 10,
    b'{"jsonrpc":"1.0","id":1,"method":"ping"}',
    b'{"id":1,"method":"ping"}',
)
#: Wrong for every tool.
WRONG: tuple[dict[str, Any], ...] = (
    {SECRET: SECRET},
    {"id": 1, "draft_id": None, "text": [], "execution_id": {}, "limit": "20"},
    {"id": SECRET, "draft_id": SECRET, "execution_id": SECRET, "text": "x" * 10_001, "limit": 10**30},
    {"id": "dft_" + "0" * 25 + "\n", "draft_id": "dft_" + "0" * 25 + "\n", "limit": True},
)
HEADERS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


def post(program: Phone, body: bytes, **headers: str) -> Any:
    """These bytes, as a message."""
    return program.client.post("/mcp", content=body, headers=program.headers() | HEADERS | headers)


def told(program: Phone, message: dict[str, Any]) -> dict[str, Any]:
    """What a message is answered."""
    answer: dict[str, Any] = post(program, json.dumps(message).encode()).json()
    return answer


class TestOverHttp:
    """`/mcp`."""

    def test_is_for_nobody_without_a_token(self, program: Phone) -> None:
        answer = program.client.post("/mcp", json=call("parse", {"text": "x"}), headers=HEADERS | {"Authorization": "Bearer hdv_wrong"})
        other = program.client.get("/v1/household", headers={"Authorization": "Bearer hdv_wrong"})
        assert (answer.status_code, answer.json()["code"]) == (other.status_code, other.json()["code"]) == (401, "unauthenticated")

    def test_answers_junk(self, program: Phone) -> None:
        for body in JUNK:
            answer = post(program, body)
            assert answer.status_code in (202, 400), body[:80]
            assert SECRET not in answer.text
        assert "result" in told(program, message("ping"))

    def test_reads_no_more_than_it_must(self, program: Phone) -> None:
        assert post(program, b"x" * (MAX_BYTES + 1)).status_code == 413
        many = post(program, b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":[' + b"0," * 100_000 + b"0]}}")
        assert (many.status_code, "1,000 values" in many.json()["error"]["message"]) == (400, True)

    def test_says_of_every_refusal_what_it_is(self, program: Phone) -> None:
        """The library's own are bare."""
        ping = json.dumps(message("ping")).encode()
        for wrong in ({"Content-Type": "text/plain"}, {"Content-Type": ""}):
            answer = post(program, ping, **wrong)
            assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
            assert (answer.json()["status"], answer.json()["code"]) == (400, "bad_request")

    def test_is_found_by_our_names_alone(self, program: Phone) -> None:
        ping = json.dumps(message("ping")).encode()
        for host in ("evil.example", "localhost.evil.example", "", "halo.example@evil.example", "[::1"):
            assert post(program, ping, Host=host).status_code == 421
        for host in ("localhost:8080", "127.0.0.1:80", "[::1]:8080", "halo.example", "192.168.1.20:8080"):
            assert post(program, ping, Host=host).status_code == 200

    def test_is_closed_to_other_peoples_pages(self, program: Phone) -> None:
        ping = json.dumps(message("ping")).encode()
        for origin, status in (("https://evil.example", 403), ("null", 403), ("http://localhost:3000", 200)):
            assert post(program, ping, Origin=origin).status_code == status

    def test_keeps_no_session_and_streams_nothing(self, program: Phone) -> None:
        for method in ("GET", "DELETE", "PUT"):
            assert program.client.request(method, "/mcp", headers=program.headers()).status_code == 405
        answer = post(program, json.dumps(message("ping")).encode(), **{"Mcp-Session-Id": "somebody-elses"})
        assert answer.status_code == 200
        assert "mcp-session-id" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"

    def test_serves_many_at_once(self, home: Installation, program: Phone) -> None:
        with ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(lambda n: told(program, call("draft", {"text": BATTERIES}) | {"id": n}), range(24)))
        assert [answer["id"] for answer in answers] == list(range(24))
        assert all(answer["result"]["structuredContent"]["kind"] == "draft" for answer in answers)
        assert home.ledger() == ()


class TestAnotherHousehold:
    """Whose things a program does not reach, in the same books."""

    def test_is_as_if_it_were_not_there(self, home: Installation, program: Phone) -> None:
        neighbours = home.engine.of(home.engine.found_household_beside(household_plan()).id)
        theirs = neighbours.draft(BATTERIES, member=None, channel="test")
        nothing = "dft_" + "0" * 26
        for name in ("card", "status", "modify", "cancel_draft", "request_confirmation"):
            fields = {"id", "draft_id", "text"} & set(TOOLS[name].takes.model_fields)
            answers = [
                told(program, call(name, {field: "make it 3" if field == "text" else of for field in fields}))
                for of in (theirs.draft_id, nothing)
            ]
            assert answers[0] == answers[1]
            assert answers[0]["result"]["content"][0]["text"].startswith("not_found: ")
        assert told(program, call("executions", {}))["result"]["structuredContent"]["executions"] == []


class TestATool:
    """Each of them."""

    def test_says_what_was_wrong_and_repeats_nothing(self, program: Phone) -> None:
        for name, arguments in product(TOOLS, WRONG):
            result = told(program, call(name, arguments))["result"]
            assert result["isError"], (name, arguments)
            assert SECRET not in json.dumps(result)
            assert result["content"][0]["text"].startswith("invalid_arguments: ")

    @pytest.mark.parametrize("name", sorted(TOOLS))
    def test_is_described_strictly(self, name: str) -> None:
        takes, gives = input_schema(TOOLS[name].takes), output_schema(TOOLS[name].gives)
        assert takes["additionalProperties"] is gives["additionalProperties"] is False
        assert "null" not in json.dumps([takes, gives])
        assert "hash" not in json.dumps([takes, gives])

    def test_that_drops_something_says_so(self, program: Phone) -> None:
        listed = {tool["name"]: tool["annotations"] for tool in told(program, message("tools/list"))["result"]["tools"]}
        assert {name for name, hints in listed.items() if not hints["readOnlyHint"]} == {"draft", "modify", "cancel_draft"}
        assert {name for name, hints in listed.items() if hints["destructiveHint"]} == {"cancel_draft"}

    def test_that_is_unknown_is_an_error_of_the_protocol(self, program: Phone) -> None:
        answer = told(program, call(SECRET, {}))
        assert answer["error"]["code"] == -32602
        assert SECRET not in json.dumps(answer)

    @pytest.mark.parametrize("name", sorted(TEXTS))
    def test_shows_a_vendors_text_as_one_harmless_line(self, name: str) -> None:
        shown = card_shown(card_of(TEXTS[name]))
        texts = (shown.title, shown.summary, *shown.warnings, *shown.changes, *shown.options, *(fact.text for fact in shown.facts))
        assert all(line.isprintable() for text in texts for line in [text.replace("\u3000", " ")])
        assert shown.caution


class TestOverStdio:
    """`halo mcp`."""

    def test_answers_junk_line_by_line_and_says_nothing_else(self, today: Installation) -> None:
        lines = [junk.replace(b"\n", b" ") for junk in JUNK if junk]
        lines += [b"y" * (3 * MAX_LINE_BYTES), json.dumps(call("parse", {"text": BATTERIES}) | {"id": 99}).encode()]
        shake = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
        sent = [
            json.dumps(message("initialize", shake, number=0)).encode(),
            b'{"jsonrpc":"2.0","method":"notifications/initialized"}',
            *lines,
        ]
        process = subprocess.Popen(
            [sys.executable, "-m", "halo_cli", "mcp", "--home", str(today.settings.home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(b"\n".join(sent) + b"\n")
        process.stdin.flush()
        answers: list[dict[str, Any]] = []
        while not answers or answers[-1].get("id") != 99:
            answers.append(json.loads(process.stdout.readline()))
        process.stdin.close()
        rest, said = process.stdout.read(), process.stderr.read().decode()
        process.stdout.close()
        process.stderr.close()
        assert process.wait(20) == 0
        assert rest == b""
        assert said == ""
        assert answers[-1]["result"]["structuredContent"]["verb"] == "ORDER"
        assert sum("error" in answer and answer["id"] is None for answer in answers) >= len(JUNK) - 4
        assert SECRET not in json.dumps(answers[1:])

    def test_ends_when_it_is_told_to_and_when_nobody_listens(self, today: Installation) -> None:
        command = [sys.executable, "-m", "halo_cli", "mcp", "--home", str(today.settings.home)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as interrupted:
            assert interrupted.stdin
            assert interrupted.stdout
            interrupted.stdin.write(json.dumps(message("ping")).encode() + b"\n")
            interrupted.stdin.flush()
            assert b"result" in interrupted.stdout.readline()
            interrupted.send_signal(signal.SIGINT)
            assert interrupted.wait(20) == -signal.SIGINT
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as unheard:
            assert unheard.stdout
            unheard.stdout.close()
            unheard.stdout = None
            _, said = unheard.communicate(json.dumps(message("ping")).encode() + b"\n", timeout=30)
            assert (unheard.returncode, said) == (0, b"")

    def test_needs_a_member_that_there_is(self, today: Installation) -> None:
        command = [sys.executable, "-m", "halo_cli", "mcp", "--home", str(today.settings.home), "--as", "Nobody"]
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        assert ended.returncode in (1, 2)
        assert b"There is no such member here." in ended.stderr
        assert ended.stdout == b""
        assert b"Traceback" not in ended.stderr
