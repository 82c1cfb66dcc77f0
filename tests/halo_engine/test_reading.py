"""Who read the words, in the log: the parser, what it took, and why it was not the one that was asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from halo_engine.model.card import CardKind
from halo_engine.model.errors import InvalidInput, ParserFailed
from halo_engine.open_parse import open_parse
from halo_engine.settings import load_settings
from halo_engine.stages.parse import Parse
from tests.halo_engine.parsing.language_model.model_server import ModelServer, answered, completion, item
from tests.installation import Installation

KEY = "sk-planted-secret"
NOBODY = "http://127.0.0.1:9/v1"
BATTERIES = {"items": [item(name="AA batteries", quantity=2)], "budget_cents": None, "deliver_by": None, "merchant": None}


@pytest.fixture
def model() -> Iterator[ModelServer]:
    server = ModelServer()
    yield server
    server.stop()


def _home(tmp_path: Path, base_url: str, **settings: Any) -> Installation:
    asked: dict[str, Any] = {"parser": "openai", "openai_base_url": base_url, "openai_api_key": KEY, "openai_model": "tiny"}
    return Installation.open(tmp_path / "home", **asked, openai_timeout_s="5", **settings)


def _logged(home: Installation, event_type: str) -> list[dict[str, Any]]:
    with home.engine._store._engine.begin() as connection:
        rows = connection.exec_driver_sql("SELECT event_payload_json FROM event_log WHERE event_type = ? ORDER BY seq", (event_type,))
        return [json.loads(row[0]) for row in rows]


class TestTheLog:
    def test_says_what_the_language_model_took(self, tmp_path: Path, model: ModelServer) -> None:
        """Its name, tokens and time; the shape of the prompt, and neither the words nor the key."""
        model.replies = [answered("ORDER", BATTERIES, usage={"prompt_tokens": 800, "completion_tokens": 60})]
        home = _home(tmp_path, model.base_url)
        assert home.ask("order 2 packs of AA batteries").kind is CardKind.DRAFT
        (payload,) = _logged(home, "request.parsed")
        assert payload["parser"] == "openai"
        spoke = payload["spoke"]
        assert (spoke["model"], spoke["prompt_tokens"], spoke["completion_tokens"], spoke["attempts"]) == ("tiny", 800, 60, 1)
        assert spoke["latency_ms"] >= 0
        assert spoke["fallback_reason"] is None
        assert [word for word in ("batteries", KEY) if word in json.dumps(payload)] == []
        assert home.verify().ok

    def test_says_that_the_offline_parser_spoke_instead_and_why(self, tmp_path: Path, model: ModelServer) -> None:
        """With what the failure cost."""
        model.replies = [completion(None, refusal="No.", usage={"prompt_tokens": 800, "completion_tokens": 9})]
        home = _home(tmp_path, model.base_url)
        assert home.ask("order 2 packs of AA batteries").kind is CardKind.DRAFT
        (payload,) = _logged(home, "request.parsed")
        spoke = payload["spoke"]
        assert (payload["parser"], spoke["fallback_reason"], spoke["completion_tokens"]) == ("offline", "refused", 9)

    def test_says_who_read_a_change(self, tmp_path: Path) -> None:
        """Also where nobody but the offline parser is asked."""
        home = Installation.open(tmp_path / "home")
        card = home.ask("order 2 packs of AA batteries")
        home.engine.modify(str(card.draft_id), "make it 3", member=None)
        (payload,) = _logged(home, "draft.change_parsed")
        assert (payload["parser"], payload["spoke"]["model"], payload["text_chars"]) == ("offline", None, 9)
        assert home.verify().ok


class TestTheSetting:
    def test_forbids_the_offline_answer(self, tmp_path: Path) -> None:
        """Then it is a failure, and nothing is drafted or logged."""
        home = _home(tmp_path, NOBODY, openai_fallback="false")
        with pytest.raises(ParserFailed, match="reached"):
            home.ask("order 2 packs of AA batteries")
        assert _logged(home, "request.parsed") == []

    def test_allows_it_otherwise(self, tmp_path: Path) -> None:
        """A person would rather be understood less well than not at all."""
        home = _home(tmp_path, NOBODY)
        assert home.ask("order 2 packs of AA batteries").kind is CardKind.DRAFT
        assert _logged(home, "request.parsed")[0]["spoke"]["fallback_reason"] == "unreachable"

    @pytest.mark.parametrize(("address", "missing"), [({}, "address"), ({"HALO_OPENAI_BASE_URL": "https://models.example/v1"}, "key")])
    def test_needs_an_address_and_a_key_for_a_server_elsewhere(self, tmp_path: Path, address: dict[str, str], missing: str) -> None:
        """Said before anything is asked."""
        with pytest.raises(InvalidInput, match=missing):
            open_parse(load_settings(home=tmp_path, environ={"HALO_PARSER": "openai"} | address))

    def test_may_leave_the_key_in_a_file(self, tmp_path: Path) -> None:
        """In the data directory, or where it says."""
        environ = {"HALO_PARSER": "openai", "HALO_OPENAI_BASE_URL": "https://models.example/v1"}
        (tmp_path / "openai.key").write_text(KEY)
        assert isinstance(open_parse(load_settings(home=tmp_path, environ=environ)), Parse)
        (tmp_path / "other.key").write_text(KEY)
        environ["HALO_OPENAI_API_KEY_FILE"] = str(tmp_path / "other.key")
        assert isinstance(open_parse(load_settings(home=tmp_path / "none", environ=environ)), Parse)
