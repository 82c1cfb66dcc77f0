"""The form of a draft: derived from the verb's parameters, filled in as text, and held to the same rules as a parser's words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halo_engine.model.errors import InvalidInput
from halo_engine.model.form import FormField, filled, form_of
from halo_engine.model.intent import Params
from halo_engine.verbs import VERBS

BOOK = VERBS["BOOK"].spec.params.model_validate({"service": "restaurant", "venue": "Nopa", "party_size": 2, "date": "2026-03-07"})
ORDER = VERBS["ORDER"].spec.params.model_validate(
    {"items": [{"name": "towels", "quantity": 2}, {"name": "soap"}], "budget_cents": 4000, "deliver_by": "2026-03-09"}
)
CANCEL = VERBS["CANCEL"].spec.params.model_validate({"subscription": "streamly"})


def field(params: Params, name: str) -> FormField:
    return next(each for each in form_of(params) if each.name == name)


class TestAForm:
    @pytest.mark.parametrize(
        ("params", "name", "kind", "value"),
        [
            (BOOK, "party_size", "number", "2"),
            (BOOK, "date", "date", "2026-03-07"),
            (BOOK, "time", "time", ""),
            (BOOK, "venue", "text", "Nopa"),
            (ORDER, "items.0.quantity", "number", "2"),
            (ORDER, "items.1.quantity", "number", "1"),
            (ORDER, "budget_cents", "amount", "40.00"),
            (ORDER, "deliver_by", "date", "2026-03-09"),
            (CANCEL, "when", "choice", ""),
        ],
    )
    def test_has_what_can_be_changed_as_it_stands(self, params: Params, name: str, kind: str, value: str) -> None:
        assert (field(params, name).kind, field(params, name).value) == (kind, value)

    def test_says_which_thing_a_quantity_belongs_to(self) -> None:
        assert field(ORDER, "items.0.quantity").label == "Quantity of towels"

    def test_offers_what_may_be_chosen(self) -> None:
        assert field(CANCEL, "when").choices == ("period_end", "now")

    @pytest.mark.parametrize("verb", VERBS)
    def test_is_there_for_every_verb(self, verb: str) -> None:
        for example in VERBS[verb].spec.examples:
            params = VERBS[verb].spec.params.model_validate(example.params)
            assert form_of(params)
            assert filled(params, {each.name: each.value for each in form_of(params)}) == params


class TestFillingIn:
    @pytest.mark.parametrize(
        ("params", "values", "expected"),
        [
            (BOOK, {"party_size": "4", "time": "19:30"}, {"party_size": 4, "time": "19:30"}),
            (BOOK, {"party_size": ""}, {"party_size": None}),
            (ORDER, {"budget_cents": "$12.50"}, {"budget_cents": 1250}),
            (ORDER, {"budget_cents": "12"}, {"budget_cents": 1200}),
            (CANCEL, {"when": "now"}, {"when": "now"}),
        ],
    )
    def test_changes_that_and_nothing_else(self, params: Params, values: dict[str, str], expected: dict[str, Any]) -> None:
        assert filled(params, values).model_dump(mode="json") == params.model_dump(mode="json") | expected

    @pytest.mark.parametrize(
        ("params", "name", "text"),
        [
            (BOOK, "date", "2026-02-30"),
            (BOOK, "date", "tomorrow"),
            (BOOK, "time", "25:00"),
            (BOOK, "party_size", "two"),
            (BOOK, "party_size", "1e3"),
            (ORDER, "budget_cents", "12.345"),
            (ORDER, "budget_cents", "-500"),
            (ORDER, "budget_cents", "€500"),
            (ORDER, "budget_cents", "\u0665"),
            (ORDER, "items.0.quantity", "1000"),
            (ORDER, "items.0.quantity", ""),
            (CANCEL, "when", "later"),
        ],
    )
    def test_names_the_field_that_cannot_be_so(self, params: Params, name: str, text: str) -> None:
        with pytest.raises(InvalidInput, match=f"^{field(params, name).label} "):
            filled(params, {name: text})

    @pytest.mark.parametrize(
        "name", ["items", "items.0", "items.9.quantity", "items.0.name", "nonce", "__class__", "", "items.-1.quantity"]
    )
    def test_refuses_what_is_not_in_the_form(self, name: str) -> None:
        with pytest.raises(InvalidInput, match="no such field"):
            filled(ORDER, {name: "1"})

    @given(st.dictionaries(st.sampled_from([each.name for each in form_of(BOOK)]), st.text(max_size=20)))
    def test_gives_valid_parameters_or_says_why_not(self, values: dict[str, str]) -> None:
        try:
            changed = filled(BOOK, values)
        except InvalidInput:
            return
        assert type(BOOK).model_validate(changed.model_dump(mode="json")) == changed
