"""Every way an exchange with a language model can go, replayed over loopback from `fixtures/language_model/`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import SecretStr

from halo_engine.model.intent import UNSUPPORTED, Intent
from halo_engine.model.reading import Reading
from halo_engine.parsing.fallback import Unread, WithFallback
from halo_engine.parsing.language_model.openai_parser import OpenAIParser
from halo_engine.parsing.parser import ParseContext
from halo_sim.recording import read
from tests.halo_engine.parsing.language_model.compose_exchanges import COMPOSED, EXCHANGES, ROOT, recording
from tests.halo_engine.parsing.language_model.model_server import ModelServer
from tests.halo_engine.parsing.samples import SPECS, context, said

FAILURES = {
    "refusal": "refused",
    "truncated": "cut_off",
    "filtered": "stopped",
    "prose": "wrong_form",
    "fenced": "wrong_form",
    "empty": "empty",
    "tool_call": "tool_call",
    "wrong_key": "status_401",
    "overloaded": "status_503",
}
READINGS = {
    "order": ("ORDER", {"items": [{"name": "AA batteries", "quantity": 2}], "budget_cents": 2_000}),
    "book": ("BOOK", {"service": "restaurant", "venue": "Nopa", "party_size": 2, "date": "2026-03-06", "time": "19:30"}),
    "unsupported": (UNSUPPORTED, {}),
    "lies": ("ORDER", {"items": [{"name": "milk", "quantity": 1}]}),
    "swapped": ("ORDER", {}),
    "rate_limited": ("ORDER", {"items": [{"name": "milk", "quantity": 1}]}),
    "unsupported_parameter": ("ORDER", {"items": [{"name": "milk", "quantity": 1}]}),
}


class _Offline:
    """Stands where the offline parser stands."""

    name = "offline"

    def parse(self, text: str, context: ParseContext) -> Intent:
        return Intent.unsupported(confidence=0.9)


@pytest.fixture
def server() -> Iterator[ModelServer]:
    served = ModelServer()
    yield served
    served.stop()


def _replayed(server: ModelServer, name: str, *, fallback: bool = False) -> Reading:
    exchange = read(ROOT / f"{name}.json")
    server.replies = [(one.status, one.answer.encode()) for one in exchange.spoken]
    text = json.loads(exchange.spoken[0].body)["messages"][-1]["content"]
    parser = OpenAIParser(SPECS, base_url=server.base_url, model="gpt-5-mini", api_key=SecretStr("sk-planted"), retry_wait_s=0.01)
    with closing(parser):
        reading = (WithFallback(parser, _Offline) if fallback else parser).read(text, context())
    assert len(server.requests) == len(exchange.spoken)
    assert [sent["messages"][-1]["content"] for sent in server.requests] == [text] * len(exchange.spoken)
    return reading


class TestEveryRecordedExchange:
    def test_is_read_or_fails_as_foreseen(self) -> None:
        """No file without a test, and no test without a file."""
        assert {path.stem for path in ROOT.glob("*.json")} == set(EXCHANGES) == FAILURES.keys() | READINGS.keys()

    @pytest.mark.parametrize("name", EXCHANGES)
    def test_is_as_it_was_composed_and_says_so(self, name: str) -> None:
        """Nobody may take it for a recording of a real service; and no key is in it."""
        assert read(ROOT / f"{name}.json") == recording(name)
        assert COMPOSED in Path(ROOT / f"{name}.json").read_text(encoding="utf-8")
        assert "sk-" not in Path(ROOT / f"{name}.json").read_text(encoding="utf-8")

    @pytest.mark.parametrize("name", READINGS)
    def test_that_can_be_read_is(self, server: ModelServer, name: str) -> None:
        """The verb, and what of the parameters the words say."""
        reading = _replayed(server, name)
        assert (reading.intent.verb, said(reading.intent.params)) == READINGS[name]
        assert (reading.spoke.prompt_tokens, reading.spoke.completion_tokens) == (1_184, 86)

    @pytest.mark.parametrize("name", FAILURES)
    def test_that_cannot_be_read_is_a_typed_failure(self, server: ModelServer, name: str) -> None:
        """With one word for why."""
        with pytest.raises(Unread) as failed:
            _replayed(server, name)
        assert failed.value.why == FAILURES[name]
        assert "sk-planted" not in f"{failed.value} {failed.value.hint} {failed.value.spoke}"

    @pytest.mark.parametrize("name", FAILURES)
    def test_that_cannot_be_read_is_answered_offline(self, server: ModelServer, name: str) -> None:
        """And it says so, with what the model cost all the same."""
        spoke = _replayed(server, name, fallback=True).spoke
        assert (spoke.parser, spoke.fallback_reason, spoke.model) == ("offline", FAILURES[name], "gpt-5-mini")
