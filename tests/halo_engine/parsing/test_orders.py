"""What is made of the marks in an order: which count, detail and limit is whose, and what a change leaves standing."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from halo_engine.parsing import orders, reorders
from halo_engine.parsing.goods import read_basket
from tests.halo_engine.parsing.marks import marked
from tests.halo_engine.parsing.samples import said

TODAY = date(2026, 3, 4)


def _read(markup: str) -> dict[str, Any]:
    return orders.read(read_basket(marked(markup), TODAY), marked(markup))


def _items(markup: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = said(_read(markup)).get("items", [])
    return items


class TestAnOrder:
    @pytest.mark.parametrize(
        ("markup", "counts"),
        [
            ("order <quantity: 2> packs of <item: AA batteries>", [("AA batteries", 2)]),
            ("order <item: milk>", [("milk", 1)]),
            ("<item: gatorade> x<quantity: 3>, <item: milk>", [("gatorade", 3), ("milk", 1)]),
            ("<item: milk> (<quantity: 2>) and <quantity: three> <item: limes>", [("milk", 2), ("limes", 3)]),
            (
                "order <quantity: 2> <item: milk>, <item: bread> and <quantity: a dozen> cans of <item: tuna>",
                [("milk", 2), ("bread", 1), ("tuna", 12)],
            ),
            ("<quantity: 2> <item: milk>\n<quantity: 3> <item: bread>\n<item: eggs>", [("milk", 2), ("bread", 3), ("eggs", 1)]),
            ("order <item: paper towels>, <quantity: 6> of them", [("paper towels", 6)]),
            ("order <item: eggs>. make it <quantity: 4>", [("eggs", 4)]),
            ("order <item: milk> x<quantity: 2> <item: eggs> x<quantity: 3>", [("milk", 2), ("eggs", 3)]),
            (
                "<item: milk> <quantity: 2> <item: eggs> <quantity: 3> <item: bread> <quantity: 4> please",
                [("milk", 2), ("eggs", 3), ("bread", 4)],
            ),
            ("order <quantity: 2> bags of <item: sugar> <quantity: 3> cans of <item: corn>", [("sugar", 2), ("corn", 3)]),
        ],
    )
    def test_gives_each_count_to_its_thing(self, markup: str, counts: list[tuple[str, int]]) -> None:
        """A count stands before its thing or after it, and never across a comma where another thing is nearer."""
        assert [(item["name"], item["quantity"]) for item in _items(markup)] == counts

    @pytest.mark.parametrize(
        ("markup", "attributes"),
        [
            ("a <attribute: 12 pack> of <item: coke> and a <attribute: 24 pack> of <item: sprite>", [["12 pack"], ["24 pack"]]),
            ("<item: diapers> <attribute: size 4>, <item: wipes>", [["size 4"], None]),
            ("<item: paper towels>, the <attribute: unscented> kind", [["unscented"]]),
            ("<attribute: 2 pounds> of <item: coffee>", [["2 pounds"]]),
        ],
    )
    def test_gives_each_detail_to_its_thing(self, markup: str, attributes: list[list[str] | None]) -> None:
        """A detail belongs to the thing that stands nearest without anything between."""
        assert [item.get("attributes") for item in _items(markup)] == attributes

    def test_has_one_budget_or_a_limit_for_each(self) -> None:
        """What comes last holds for everything; what is said of each, or before other things, holds for one."""
        one = _read("<item: milk> and <item: eggs> <price: under $40>")
        each = _read("<item: dish soap> <price: under $5> and <item: paper towels>")
        apiece = _read("<quantity: 3> <item: lamps> <price: under $20 each>")
        assert (one["budget_cents"], each["budget_cents"], apiece["budget_cents"]) == (4000, None, None)
        assert [item["max_price_cents"] for item in (*each["items"], *apiece["items"])] == [500, None, 2000]

    def test_keeps_a_limit_that_was_said_the_other_way_round(self) -> None:
        """ "Don't spend more than $40" is a limit too."""
        assert _read("order <item: milk>, don't spend <price: more than $40>")["budget_cents"] == 4000

    def test_has_a_thing_once_that_was_mentioned_before(self) -> None:
        """ "We're out of milk, order 2 milk" is one line."""
        assert [(item["name"], item["quantity"]) for item in _items("out of <item: milk>, order <quantity: 2> <item: milk>")] == [
            ("milk", 2)
        ]

    def test_of_a_choice_of_counts_names_nothing(self) -> None:
        """ "2 or 3 packs" is a question to ask."""
        assert _items("order <quantity: 2> or <quantity: 3> packs of <item: batteries>") == []

    def test_has_limits_of_more_than_one_thing(self) -> None:
        """ "Each" is of each, and a limit on three of a thing is of all three."""
        each = _items("<item: milk> and <item: eggs> <price: under $5 each>")
        three = _items("<quantity: 3> <item: lamps> <price: under $30> and <item: milk>")
        assert [item["max_price_cents"] for item in each] == [500, 500]
        assert three[0]["max_price_cents"] == 1000

    def test_in_other_money_is_known_beside_any_other_limit(self) -> None:
        """A foreign limit is never hidden behind another one."""
        markup = "<item: milk> <price: under $5> and <item: eggs> <price: under €6>"
        assert read_basket(marked(markup), TODAY).is_in_other_money

    def test_takes_the_last_shop_and_asks_of_a_choice_of_days(self) -> None:
        """A later name corrects an earlier one; of two days that are a choice none is taken, and the card says so."""
        basket = read_basket(marked("<item: milk> from <merchant: walmart>, no, from <merchant: target>"), TODAY)
        choice = read_basket(marked("<item: milk> by <deadline: friday> or <deadline: saturday>"), TODAY)
        assert (basket.merchant, choice.deliver_by, choice.left) == ("target", None, ["friday", "saturday"])

    @pytest.mark.parametrize("count", ["0", "1000", "100000000", "minus two"])
    def test_of_a_senseless_count_names_nothing(self, count: str) -> None:
        """Asking again is cheaper than a hundred thousand of something."""
        assert _items(f"order <quantity: {count}> <item: milk>") == []

    def test_of_less_than_nothing_names_nothing(self) -> None:
        """A minus is a mistake, a dash before a line is not."""
        assert _items("order -<quantity: 5> <item: milks>") == []
        assert [item["quantity"] for item in _items("-<quantity: 5> <item: milks>\n-<quantity: 2> <item: eggs>")] == [5, 2]

    def test_of_too_many_things_names_nothing(self) -> None:
        """Fifty lines are a basket; more are a mistake."""
        assert _items("order " + ", ".join(f"<item: thing {number}>" for number in range(51))) == []

    def test_has_a_day_and_a_shop(self) -> None:
        """By when and from where; the shop that Halo knows has its own spelling."""
        read = _read("order <item: milk> from <merchant: amazon.com> by <deadline: friday>")
        assert (read["deliver_by"], read["merchant"]) == ("2026-03-06", "Amazon")

    def test_drops_what_was_taken_back(self) -> None:
        """ "Order milk and eggs, no, no eggs" is milk."""
        assert [item["name"] for item in _items("order <item: milk> and <item: eggs>, no, no <left_out: eggs>")] == ["milk"]


class TestWhatCannotBeRead:
    @pytest.mark.parametrize("markup", ["order <item: milk> <price: about $20>", "order <item: milk> by <deadline: the 45th>"])
    def test_is_not_silently_lost(self, markup: str) -> None:
        """A limit or a day that makes no sense is told on the card, as words that were left."""
        assert read_basket(marked(markup), TODAY).left in (["about $20"], ["the 45th"])


_STANDING: dict[str, Any] = {
    "items": [
        {"name": "milk", "quantity": 1, "attributes": [], "max_price_cents": None},
        {"name": "eggs", "quantity": 2, "attributes": ["dozen"], "max_price_cents": None},
    ],
    "budget_cents": None,
    "deliver_by": None,
    "merchant": None,
}
_ONE = _STANDING | {"items": _STANDING["items"][:1]}


def _changed(markup: str, standing: dict[str, Any] = _STANDING, requested: tuple[str, ...] = ()) -> list[tuple[str, int]] | None:
    params = orders.change(marked(markup), standing, requested, TODAY)
    return None if params is None else [(item["name"], item["quantity"]) for item in params["items"]]


class TestAChange:
    @pytest.mark.parametrize(
        ("markup", "standing", "after"),
        [
            ("make it <quantity: 3>", _ONE, [("milk", 3)]),
            ("<quantity: 2> <more: more>", _ONE, [("milk", 3)]),
            ("make it <quantity: 3>", _STANDING, None),
            ("<quantity: 5> <item: eggs>", _STANDING, [("milk", 1), ("eggs", 5)]),
            ("add <quantity: 2> <more: more> <item: milk>", _STANDING, [("milk", 3), ("eggs", 2)]),
            ("add <item: dish soap>", _STANDING, [("milk", 1), ("eggs", 2), ("dish soap", 1)]),
            ("no <left_out: eggs>", _STANDING, [("milk", 1)]),
            ("no <left_out: butter>", _STANDING, None),
            ("change the <replaced: milk> to <item: oat milk>", _STANDING, [("oat milk", 1), ("eggs", 2)]),
            ("change the <replaced: eggs> to <quantity: 4>", _STANDING, [("milk", 1), ("eggs", 4)]),
            ("no <left_out: milk>, no <left_out: eggs>", _STANDING, None),
            ("thanks", _STANDING, None),
            ("also make it <quantity: 3> <item: milks>", _STANDING, [("milk", 3), ("eggs", 2)]),
            ("swap the <replaced: bread> for <item: butter>", _STANDING, None),
            ("add <item: oat milk>", _STANDING, [("milk", 1), ("eggs", 2), ("oat milk", 1)]),
            ("add <quantity: 2> <item: chocolate milk>", _STANDING, [("milk", 1), ("eggs", 2), ("chocolate milk", 2)]),
        ],
    )
    def test_changes_what_it_names(self, markup: str, standing: dict[str, Any], after: list[tuple[str, int]] | None) -> None:
        """Everything else stays; what makes no sense changes nothing."""
        assert _changed(markup, standing) == after

    @pytest.mark.parametrize(
        ("markup", "after"),
        [
            ("<item: organic milk>", [("organic milk", 3)]),
            ("the <item: whole milk> please", [("whole milk", 3)]),
            ("<quantity: 2> of the <item: organic whole milk>", [("organic whole milk", 2)]),
            ("the <item: horizon> one", [("horizon milk", 3)]),
        ],
    )
    def test_that_answers_which_one_adds_nothing_up(self, markup: str, after: list[tuple[str, int]]) -> None:
        """The question was which, not how many."""
        standing = _STANDING | {"items": [_STANDING["items"][0] | {"quantity": 3}]}
        assert _changed(markup, standing, requested=("items",)) == after

    def test_of_a_limit_for_each_is_of_every_thing(self) -> None:
        """Not of the whole basket."""
        params = orders.change(marked("<price: under $5 each>"), _STANDING, (), TODAY)
        assert params is not None
        assert (params["budget_cents"], [item["max_price_cents"] for item in params["items"]]) == (None, [500, 500])

    def test_of_the_budget_leaves_the_things(self) -> None:
        """ "Under $10" is no thing."""
        params = orders.change(marked("<price: under $10>"), _STANDING, (), TODAY)
        assert params is not None
        assert (params["budget_cents"], params["items"]) == (1000, _STANDING["items"])


class TestABundle:
    @pytest.mark.parametrize(
        ("markup", "bundle"),
        [
            ("order the <item: weekly groceries>", "Weekly groceries"),
            ("I need <item: coffee filters>", None),
            ("order <item: coffee> <price: under $20>", None),
            ("buy <item: milk> and <item: coffee>", None),
            ("order <quantity: 3> <item: coffee>", None),
        ],
    )
    def test_is_ordered_by_nothing_but_its_name(self, markup: str, bundle: str | None) -> None:
        """A word in common with a saved bundle must not repeat a whole order."""
        assert reorders.only_bundle(marked(markup), ("Weekly groceries", "Coffee")) == bundle


class TestAReorder:
    @pytest.mark.parametrize(
        ("markup", "source", "bundle", "changes"),
        [
            ("reorder", "last", None, []),
            ("the <usual: usual> please", "usual", None, []),
            ("reorder <bundle: wekly groceries>", "usual", "Weekly groceries", []),
            ("reorder <bundle: dog stuff>", "usual", "dog stuff", []),
            ("same as last time but <quantity: 3> <item: milk> and no <left_out: eggs>", "last", None, [("eggs", 0), ("milk", 3)]),
        ],
    )
    def test_says_what_again_and_what_differs(self, markup: str, source: str, bundle: str | None, changes: list[tuple[str, int]]) -> None:
        """A bundle is spelt as the household spells it, or as it was said."""
        read = reorders.read(marked(markup, "REORDER"), ("Weekly groceries", "coffee run"), TODAY)
        assert (read["source"], read["bundle"], [(line["name"], line["quantity"]) for line in read["changes"]]) == (source, bundle, changes)
