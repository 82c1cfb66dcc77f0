"""Planted lies: nothing that a model says beyond the words gets into a request."""

from __future__ import annotations

from typing import Any

import pytest

from halo_engine.model.intent import Intent
from halo_engine.parsing.language_model.provenance import Contradicted, located, supported
from halo_engine.parsing.parser import finish
from tests.halo_engine.parsing.samples import SPECS, context

Line = tuple[Any, ...]
FRIDAY, NEXT_FRIDAY, SATURDAY = "2026-03-06", "2026-03-13", "2026-03-07"


def _item(name: str, quantity: int = 1, *attributes: str, cap: int | None = None) -> dict[str, Any]:
    return {"name": name, "quantity": quantity, "attributes": list(attributes), "max_price_cents": cap}


def _kept(verb: str, text: str, claimed: dict[str, Any], current: dict[str, Any] | None = None, **given: Any) -> dict[str, Any]:
    before = finish(Intent(verb=verb, confidence=1, params=current), SPECS) if current is not None else None
    kept = supported(verb, claimed, text, context(current=before, **given))
    return {name: value for name, value in kept.items() if value not in (None, [], ())}


def _ordered(text: str, *items: dict[str, Any], current: list[dict[str, Any]] | None = None) -> list[Line]:
    kept = _kept("ORDER", text, {"items": list(items)}, {"items": current} if current else None)
    return [(item["name"], item["quantity"], *item["attributes"]) for item in kept.get("items", [])]


class TestWhatIsOrdered:
    @pytest.mark.parametrize(
        ("text", "item"),
        [
            ("order 2 packs of AA batteries", _item("AA batteries", 2)),
            ("get me five 9v batteries", _item("9v batteries", 5)),
            ("order 3 batterys", _item("batteries", 3)),
            ("a couple of milks", _item("milk", 2)),
            ("order a dozen bottles of water", _item("water", 12)),
            ("half a dozen cans of tuna", _item("tuna", 6)),
            ("two dozen eggs please", _item("eggs", 2, "dozen")),
            ("get a 12 pack of coke", _item("coke", 1, "12 pack")),
            ("order 3 of the 12 packs of coke", _item("coke", 3, "12 packs")),
            ("2 pounds of coffee", _item("coffee", 1, "2 pounds")),
            ("order size 4 diapers", _item("diapers", 1, "size 4")),
            ("20 oz gatorade x3", _item("20 oz gatorade", 3)),
            ("mac and cheese, 3 boxes", _item("mac and cheese", 3)),
            ("order milk, 2", _item("milk", 2)),
            ("order 2, actually make that 12 AA batteries", _item("AA batteries", 12)),
            ("order 2 AA batteries, actually make that 12", _item("AA batteries", 12)),
            ("order tide pods 3 in 1", _item("tide pods")),
            ("t-shirt in navy blue", _item("t-shirt", 1, "navy blue")),
        ],
    )
    def test_stays_where_the_words_say_it(self, text: str, item: dict[str, Any]) -> None:
        """Counts beside their thing, in any of the ways people write them."""
        assert _ordered(text, item) == [(item["name"], item["quantity"], *item["attributes"])]

    @pytest.mark.parametrize(
        ("text", "item", "kept"),
        [
            ("order milk", _item("milk", 900), ("milk", 1)),
            ("get a 12 pack of coke", _item("coke", 12), ("coke", 1)),
            ("order a pack of 24 water bottles", _item("water bottles", 24), ("water bottles", 1)),
            ("order a dozen eggs", _item("eggs", 12), ("eggs", 1)),
            ("order size 4 diapers", _item("diapers", 4), ("diapers", 1)),
            ("order milk under $5", _item("milk", 5), ("milk", 1)),
            ("order milk by the 7th", _item("milk", 7), ("milk", 1)),
            ("order milk", _item("milk", 1, "organic", "2 gallons"), ("milk", 1)),
        ],
    )
    def test_is_one_where_no_count_was_said(self, text: str, item: dict[str, Any], kept: Line) -> None:
        """The number of a pack, a size, a price or a day is no count; and details that nobody gave are dropped."""
        assert _ordered(text, item) == [kept]

    @pytest.mark.parametrize(
        ("text", "items"),
        [
            ("order 2 packs of AA batteries", [_item("AA batteries", 20)]),
            ("order 2 packs of AA batteries", [_item("AA batteries", 1)]),
            ("order 2 milk and 12 eggs", [_item("milk", 12), _item("eggs", 2)]),
            ("20 oz gatorade x3", [_item("gatorade", 20, "20 oz")]),
        ],
    )
    def test_is_asked_for_where_the_words_say_another_count(self, text: str, items: list[dict[str, Any]]) -> None:
        """Never the one that the model would have."""
        assert _ordered(text, *items) == []

    @pytest.mark.parametrize(
        ("text", "name"),
        [
            ("order 2 packs of AA batteries", "AAA batteries"),
            ("order organic milk", "organic whole milk"),
            ("order milk", "gift card"),
            ("order milk", "milk frother"),
            ("order 20 oz gatorade", "30 oz gatorade"),
        ],
    )
    def test_is_nothing_whose_name_was_not_said_whole(self, text: str, name: str) -> None:
        """Half a name is another thing."""
        assert _ordered(text, _item(name)) == []

    def test_changes_only_as_the_words_say(self) -> None:
        """What stood stays; what is more is added up; what was forgotten comes back."""
        milk = _item("milk")
        assert _ordered("make it 3", _item("milk", 3), current=[milk]) == [("milk", 3)]
        assert _ordered("make it 3", _item("milk", 4), current=[milk]) == []
        assert _ordered("add 2 more milk", _item("milk", 3), current=[milk]) == [("milk", 3)]
        assert _ordered("make it nicer", _item("milk", 7), current=[_item("milk", 2)]) == [("milk", 2)]
        assert _ordered("add eggs", _item("eggs"), current=[_item("milk", 2)]) == [("eggs", 1), ("milk", 2)]
        assert _ordered("no milk", _item("eggs"), current=[_item("milk", 2), _item("eggs")]) == [("eggs", 1)]
        assert _ordered("replace the eggs with oat milk", _item("oat milk"), current=[_item("eggs")]) == [("oat milk", 1)]


class TestLimits:
    def test_are_those_that_were_said(self) -> None:
        """For one or for all, in figures or in words."""
        kept = _kept("ORDER", "order milk under five dollars", {"items": [_item("milk", cap=500)], "budget_cents": 500})
        assert (kept["items"][0]["max_price_cents"], kept["budget_cents"]) == (500, 500)

    @pytest.mark.parametrize("invented", [499, 501, 50_000, 5])
    def test_that_were_not_said_are_none(self, invented: int) -> None:
        """A count is no amount: "5 milk" names no five dollars."""
        kept = _kept("ORDER", "order 5 milk", {"items": [_item("milk", 5, cap=invented)], "budget_cents": invented})
        assert kept == {"items": [_item("milk", 5)]}

    @pytest.mark.parametrize("invented", [499, 4_099, 400])
    def test_with_other_cents_than_were_said_are_asked_for(self, invented: int) -> None:
        """Dropping the limit would lift it."""
        assert _kept("ORDER", "order milk under $40", {"items": [_item("milk", cap=invented)]}) == {}
        assert _kept("ORDER", "order milk under $40", {"items": [_item("milk")], "budget_cents": invented}) == {}


class TestDeadlinesAndShops:
    @pytest.mark.parametrize(
        ("day", "kept"), [(FRIDAY, FRIDAY), (NEXT_FRIDAY, None), ("2026-02-27", None), ("soon", None), ("2026-03-05", None)]
    )
    def test_are_the_day_that_was_named(self, day: str, kept: str | None) -> None:
        """Friday is not the Friday after, and not one that has passed."""
        assert _kept("ORDER", "order milk by friday", {"items": [_item("milk")], "deliver_by": day}).get("deliver_by") == kept

    def test_are_named(self) -> None:
        """Even the shop it would be anyway."""
        assert _kept("ORDER", "order milk from target", {"items": [_item("milk")], "merchant": "Target"})["merchant"] == "Target"
        assert "merchant" not in _kept("ORDER", "order milk", {"items": [_item("milk")], "merchant": "amazon"})


class TestBookings:
    BOOKED: dict[str, Any] = {"service": "restaurant", "venue": "Nopa", "party_size": 2, "date": FRIDAY, "time": "19:00"}  # noqa: RUF012

    @pytest.mark.parametrize(
        ("text", "claimed"),
        [
            ("table for me and my wife at Nopa friday at 7", BOOKED),
            ("nopa for two on friday between 7 and 8:30", BOOKED | {"time_until": "20:30"}),
            ("hair cut friday at 3", {"service": "haircut", "date": FRIDAY, "time": "15:00"}),
            ("dinner at the zuni café saturday, under Melissa Jones", {"venue": "Zuni Cafe", "date": SATURDAY, "name": "Melissa Jones"}),
            ("a table in hayes valley", {"service": "restaurant", "location": "Hayes Valley"}),
        ],
    )
    def test_stay_where_the_words_say_them(self, text: str, claimed: dict[str, Any]) -> None:
        """Two by name, a day by its weekday, an hour by the occasion."""
        assert _kept("BOOK", text, claimed) == claimed

    @pytest.mark.parametrize(
        ("text", "lie"),
        [
            ("a table at nopa", {"party_size": 4}),
            ("a table at nopa", {"party_size": 1}),
            ("a table at nopa", {"date": SATURDAY}),
            ("a table at nopa saturday", {"date": "2026-03-14"}),
            ("a table at nopa saturday", {"date": FRIDAY}),
            ("a table at nopa saturday", {"time": "19:00"}),
            ("a table at nopa saturday night", {"time": "20:00"}),
            ("a table at nopa for 7", {"time": "19:00"}),
            ("a table at nopa at 7", {"party_size": 7}),
            ("a table at nopa at 7", {"time": "07:00"}),
            ("a table at nopa at 7", {"time_until": "21:00"}),
            ("a table at nopa at 7", {"time": "7 pm"}),
            ("a table at nopa under Tom", {"name": "Tom Miller"}),
            ("a table at nopa", {"location": "San Francisco"}),
            ("a table at nopa", {"service": "massage"}),
        ],
    )
    def test_lose_what_was_invented(self, text: str, lie: dict[str, Any]) -> None:
        """It is missing then, and asked for."""
        assert _kept("BOOK", text, {"venue": "Nopa"} | lie) == {"venue": "Nopa"}

    @pytest.mark.parametrize("venue", ["Zuni", "Nopa Bar & Grill", "Nova", "Nop"])
    def test_are_at_no_place_that_was_not_named(self, venue: str) -> None:
        """A short name has no room for a slip."""
        assert _kept("BOOK", "a table at nopa", {"venue": venue}) == {}

    @pytest.mark.parametrize(
        ("text", "claimed"),
        [
            ("six people", {"party_size": 6}),
            ("make it 8 for six people", {"party_size": 6, "time": "20:00"}),
            ("saturday instead", {"date": SATURDAY}),
        ],
    )
    def test_change_as_the_words_say(self, text: str, claimed: dict[str, Any]) -> None:
        """And keep the rest."""
        assert _kept("BOOK", text, self.BOOKED | claimed, self.BOOKED) == self.BOOKED | claimed

    @pytest.mark.parametrize(
        "lie", [{"party_size": 9}, {"date": SATURDAY}, {"time": "21:00"}, {"venue": "Zuni"}, {"party_size": 19, "time": "20:00"}]
    )
    def test_stay_as_they_were_where_the_words_say_nothing(self, lie: dict[str, Any]) -> None:
        """What stood in one field says nothing about another."""
        assert _kept("BOOK", "somewhere quiet please", self.BOOKED | lie, self.BOOKED) == self.BOOKED

    def test_are_asked_for_where_the_words_say_something_else(self) -> None:
        """Neither what stood nor what the model would have."""
        assert "party_size" not in _kept("BOOK", "six people", self.BOOKED | {"party_size": 5}, self.BOOKED)
        assert "date" not in _kept("BOOK", "on saturday", self.BOOKED | {"date": NEXT_FRIDAY}, self.BOOKED)
        assert "time" not in _kept("BOOK", "at 8", self.BOOKED | {"time": "21:00"}, self.BOOKED)

    @pytest.mark.parametrize(
        ("text", "asked", "claimed"),
        [
            ("4", "party_size", {"party_size": 4}),
            ("7ish", "time", {"time": "19:00"}),
            ("8", "time", {"time": "20:00"}),
            ("the 21st", "date", {"date": "2026-03-21"}),
            ("21", "date", {"date": "2026-03-21"}),
        ],
    )
    def test_take_a_bare_answer_to_a_question(self, text: str, asked: str, claimed: dict[str, Any]) -> None:
        """A number alone means what was asked for."""
        assert _kept("BOOK", text, {"venue": "Nopa"} | claimed, {"venue": "Nopa"}, requested=(asked,)) == {"venue": "Nopa"} | claimed


class TestReorders:
    @pytest.mark.parametrize(
        ("text", "name", "quantity"),
        [("reorder but 3 towels", "towel", 3), ("reorder but no eggs", "eggs", 0), ("reorder but just one milk", "milk", 1)],
    )
    def test_change_as_the_words_say(self, text: str, name: str, quantity: int) -> None:
        """Leaving out needs the words for it."""
        claimed = {"source": "last", "changes": [{"name": name, "quantity": quantity}]}
        assert _kept("REORDER", text, claimed) == claimed

    @pytest.mark.parametrize(
        ("text", "name", "quantity"), [("reorder but 3 towels", "towels", 8), ("reorder eggs", "eggs", 0), ("reorder eggs", "eggs", 4)]
    )
    def test_with_another_count_than_was_said_are_contradicted(self, text: str, name: str, quantity: int) -> None:
        """Dropping the line would buy what was not wanted."""
        with pytest.raises(Contradicted):
            _kept("REORDER", text, {"source": "last", "changes": [{"name": name, "quantity": quantity}]})

    def test_are_of_the_usual_only_where_it_was_said(self) -> None:
        """A plain reorder is the last order; a saved one is named, if only in part."""
        assert _kept("REORDER", "reorder", {"source": "usual", "changes": [{"name": "eggs", "quantity": 0}]}) == {"source": "last"}
        named = {"source": "usual", "bundle": "weekly groceries"}
        assert _kept("REORDER", "our groceries again", named, bundles=("weekly groceries", "cleaning stuff")) == named
        assert _kept("REORDER", "reorder the usual", {"source": "usual", "bundle": "weekly groceries"}) == {"source": "usual"}


class TestCancellations:
    @pytest.mark.parametrize(
        ("text", "claimed", "known", "kept"),
        [
            ("cancel netflx", "Netflix", (), "Netflix"),
            ("cancel the cloud thing", "Cloud Box", ("Cloud Box", "Streamly"), "Cloud Box"),
            ("cancel the cloud thing", "Cloud Box", ("Cloud Box", "Cloud Nine"), None),
            ("cancel the cloud thing", "Cloud Box", (), None),
            ("cancel streamly", "Cloud Box", ("Cloud Box", "Streamly"), None),
        ],
    )
    def test_are_of_what_was_named(self, text: str, claimed: str, known: tuple[str, ...], kept: str | None) -> None:
        """A word may point to one of the household's subscriptions, if to one alone."""
        assert _kept("CANCEL", text, {"subscription": claimed}, subscriptions=known).get("subscription") == kept

    @pytest.mark.parametrize(
        ("text", "when", "kept"),
        [
            ("cancel streamly right away", "now", "now"),
            ("cancel streamly", "now", None),
            ("cancel streamly when it renews", "period_end", "period_end"),
            ("cancel streamly", "period_end", None),
        ],
    )
    def test_are_at_once_only_where_that_was_said(self, text: str, when: str, kept: str | None) -> None:
        """What was paid for would be lost."""
        assert _kept("CANCEL", text, {"subscription": "streamly", "when": when}).get("when") == kept


class TestLocated:
    def test_counts_offsets_itself(self) -> None:
        """Words that stand twice are two places; those that do not stand there are none."""
        found = located([("item", "milk"), ("item", "milk"), ("item", "cream"), ("item", " ")], "🥛 milk and milk")
        assert [(entity.start, entity.end) for entity in found] == [(2, 6), (11, 15)]
