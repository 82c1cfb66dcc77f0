from __future__ import annotations

from typing import Any

from halo_engine.parsing.language_model.schema import answer_schema, system_prompt
from tests.halo_engine.parsing.samples import SPECS


def _objects(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [found for each in node for found in _objects(each)]
    if not isinstance(node, dict):
        return []
    return [node] * (node.get("type") == "object") + [found for each in node.values() for found in _objects(each)]


class TestAnswerSchema:
    def test_closes_every_object_and_requires_every_property(self) -> None:
        """Strict structured output accepts nothing else."""
        objects = _objects(answer_schema(SPECS))
        assert len(objects) >= 7
        assert all(each["additionalProperties"] is False and each["required"] == list(each["properties"]) for each in objects)

    def test_has_params_for_each_verb(self) -> None:
        """The verbs and their fields come from the specs, and from nowhere else."""
        schema = answer_schema(SPECS)
        assert schema["properties"]["verb"]["enum"] == ["ORDER", "REORDER", "CANCEL", "BOOK", "UNSUPPORTED"]
        book = schema["properties"]["params"]["properties"]["BOOK"]["anyOf"][0]
        assert "party_size" in book["properties"]


class TestSystemPrompt:
    def test_shows_every_verb_with_its_examples(self) -> None:
        """What a verb says of itself is what the model is told."""
        prompt = system_prompt(SPECS)
        assert all(spec.describes in prompt and spec.examples[0].text in prompt for spec in SPECS)
