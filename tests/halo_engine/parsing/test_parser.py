from __future__ import annotations

from typing import Any

import pytest

from halo_engine.model.intent import UNSUPPORTED, Intent
from halo_engine.parsing.parser import finish
from halo_engine.verbs.book import BookParams
from halo_engine.verbs.cancel import CancelParams
from halo_engine.verbs.order import OrderParams
from tests.halo_engine.parsing.samples import SPECS


def _finished(verb: str, params: dict[str, Any]) -> Intent:
    return finish(Intent(verb=verb, confidence=1.0, params=params), SPECS)


class TestFinish:
    def test_writes_params_in_the_published_form(self) -> None:
        """Defaults are filled in, lists stay lists, and what is missing is named."""
        intent = _finished("ORDER", {"items": [{"name": "milk"}]})
        assert intent.params == {
            "items": [{"name": "milk", "quantity": 1, "attributes": [], "max_price_cents": None}],
            "budget_cents": None,
            "deliver_by": None,
            "merchant": None,
        }
        assert _finished("ORDER", {}).missing_fields == ("items",)

    @pytest.mark.parametrize(
        ("verb", "params"),
        [
            ("ORDER", {"items": [{"name": "milk", "quantity": 1_000_000}]}),
            ("ORDER", {"items": [{"name": "milk", "quantity": 0}]}),
            ("ORDER", {"items": [{"name": "milk", "quantity": True}]}),
            ("ORDER", {"items": [{"name": "milk", "quantity": "3"}]}),
            ("ORDER", {"items": [{"name": " "}]}),
            ("ORDER", {"items": [{"name": "m" * 201}]}),
            ("ORDER", {"items": [{"name": "milk"}] * 51}),
            ("ORDER", {"payee": "Mallory"}),
            ("ORDER", {"budget_cents": -1}),
            ("ORDER", {"deliver_by": "2026-02-30"}),
            ("ORDER", {"merchant": "\ud800"}),
            ("REORDER", {"source": "elsewhere"}),
            ("CANCEL", {"when": "tomorrow"}),
            ("BOOK", {"party_size": 51}),
            ("BOOK", {"time": "25:00"}),
            ("BOOK", {"time": "7:30"}),
            ("BOOK", {"date": "March 7"}),
            ("PAY", {}),
        ],
    )
    def test_refuses_what_the_verb_does_not_know(self, verb: str, params: dict[str, Any]) -> None:
        """Params out of bounds make it unsupported, with little confidence, whoever wrote them."""
        intent = _finished(verb, params)
        assert (intent.verb, intent.params) == (UNSUPPORTED, {})
        assert intent.confidence < 0.5


class TestMissing:
    @pytest.mark.parametrize(
        ("params", "missing"),
        [
            ({}, ("place", "date", "time")),
            ({"service": "restaurant"}, ("place", "party_size", "date", "time")),
            ({"service": "restaurant", "location": "Soho", "party_size": 2}, ("date", "time")),
            ({"service": "haircut"}, ("date", "time")),
            ({"service": "restaurant", "venue": "Nopa", "party_size": 2, "date": "2026-03-07", "time": "19:30"}, ()),
        ],
    )
    def test_of_a_booking_asks_for_people_only_at_a_table(self, params: dict[str, Any], missing: tuple[str, ...]) -> None:
        """A table needs a place and a number; a haircut needs neither."""
        assert BookParams(**params).missing() == missing

    def test_of_the_others_is_their_one_field(self) -> None:
        """An order needs things, a cancellation a subscription."""
        assert OrderParams().missing() == ("items",)
        assert CancelParams().missing() == ("subscription",)
