"""A verb is whole: what it says of itself is enough for parsers, questions and help."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from halo_engine.parsing.offline import OfflineParser
from halo_engine.parsing.parser import ParseContext, finish
from halo_engine.verb import Verb
from halo_engine.verbs import VERBS

SPECS = tuple(verb.spec for verb in VERBS.values())
#: The day the examples are said on.
SAID = ParseContext(now=datetime(2026, 3, 3, 17, 0, tzinfo=UTC), zone="America/New_York", bundles=("weekly groceries",))


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS.keys())
class TestAVerb:
    def test_has_examples_in_its_own_form(self, verb: Verb[Any]) -> None:
        """The reason: parsers are taught, and people are helped, by these."""
        assert len(verb.spec.examples) >= 2
        for example in verb.spec.examples:
            assert verb.spec.params.model_validate(example.params)

    def test_is_understood_by_its_own_examples(self, verb: Verb[Any]) -> None:
        """The reason: an example that the shipped parser misreads teaches people what does not work."""
        for example in verb.spec.examples:
            intent = finish(OfflineParser(SPECS).parse(example.text, SAID), SPECS)
            assert (intent.verb, intent.params) == (verb.spec.name, verb.spec.params.model_validate(example.params).model_dump(mode="json"))

    def test_has_a_question_for_every_field_that_can_be_missing(self, verb: Verb[Any]) -> None:
        """The reason: what is missing is asked for, in words written beside the field."""
        assert set(verb.questions) == set(verb.spec.params.fields)

    def test_is_described_in_a_sentence(self, verb: Verb[Any]) -> None:
        """The reason: help and a model's instructions are made of it."""
        assert re.fullmatch(r"[A-Z].*\.", verb.spec.describes)
