"""Zinc's products and orders when they come in ways that no documentation promises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from halo_engine.model.errors import VendorFailed
from halo_engine.model.money import Money
from tests.halo_engine.vendors.kit import HTML, NOW, ok, raw
from tests.halo_engine.vendors.zinc_answers import PLACED, changed, says_no, zinc


class TestProducts:
    RESULT: dict[str, Any] = {"product_id": "B000EXAMPL", "title": "AA Batteries", "price": 1699, "stars": 4.6, "available": True}  # noqa: RUF012

    def hits(self, **changes: Any) -> Any:
        return zinc(ok({"status": "completed", "results": [{**self.RESULT, **changes}]}))[0].search("aa", postal_code="94107")

    def test_are_read_exactly(self) -> None:
        """Cents as they came, the page made from the ASIN and not from the answer."""
        (offer,) = self.hits(url="https://evil.example/dp/B000EXAMPL", brand=None)
        assert (offer.unit_price, offer.rating, offer.url) == (Money(cents=1699), "4.6", "https://www.amazon.com/dp/B000EXAMPL")
        assert offer.orderable

    @pytest.mark.parametrize("flag", ["digital", "fresh", "pantry", "addon", "preorder"])
    def test_of_a_special_kind_are_not_ordered(self, flag: str) -> None:
        """A plain order does not fit them."""
        assert not self.hits(**{flag: True})[0].orderable

    @pytest.mark.parametrize("flag", ["available", "buyapi_hint"])
    def test_that_cannot_be_had_are_not_ordered(self, flag: str) -> None:
        """Zinc says so itself."""
        assert not self.hits(**{flag: False})[0].orderable

    @pytest.mark.parametrize(
        "change",
        [
            {"price": None},
            {"price": "16.99"},
            {"price": 16.99},
            {"price": -1},
            {"currency_code": "EUR"},
            {"product_id": "../orders"},
            {"product_id": None},
            {"title": None},
        ],
    )
    def test_that_cannot_be_read_are_left_out(self, change: dict[str, Any]) -> None:
        """The others still count."""
        assert self.hits(**change) == ()

    def test_that_are_another_than_was_asked_for_are_left_out(self) -> None:
        """An answer about something else."""
        answer = ok({**self.RESULT, "status": "completed", "product_id": "B000OTHER1"})
        assert zinc(answer)[0].offers(["B000EXAMPL"]) == {}

    @pytest.mark.parametrize(
        "answer",
        [
            ok({"status": "processing"}),
            ok({"status": "failed", "code": "request_timeout"}),
            ok({"status": "something_new"}),
            ok({"product_id": "B000EXAMPL"}),
            raw(HTML),
            raw(HTML, 404),
        ],
    )
    def test_that_could_not_be_looked_up_are_an_error(self, answer: httpx.Response) -> None:
        """Not the same as not sold."""
        with pytest.raises(VendorFailed):
            zinc(answer)[0].offers(["B000EXAMPL"])

    def test_that_zinc_does_not_know_are_not_sold(self) -> None:
        """404 in its own words."""
        assert zinc(says_no(404, "not_found"))[0].offers(["B000EXAMPL"]) == {}


class TestHistory:
    def pages(self, *orders: dict[str, Any]) -> Any:
        return zinc(ok({"orders": list(orders), "total": len(orders)}))[0].history(since=NOW)

    def test_names_lines_by_their_asin_where_the_cart_was_not_read(self) -> None:
        """And states no price that nobody told."""
        (order,) = self.pages(PLACED)
        assert [(line.asin, line.title, line.unit_price) for line in order.lines] == [("B000EXAMPL", "B000EXAMPL", None)]

    def test_takes_names_and_prices_from_the_cart(self) -> None:
        """By product, whatever order the rows are in, skipping those half read."""
        rows = [{"name": "X"}, None, {"product_id": "B000EXAMPL", "name": "AA Batteries", "unit_price": 1699}]
        (order,) = self.pages(changed(PLACED, lambda a: a["job_result"]["price_components"].update(cart_items=rows)))
        assert (order.lines[0].title, order.lines[0].unit_price) == ("AA Batteries", Money(cents=1699))

    @pytest.mark.parametrize(
        "change",
        [
            lambda a: a.update(status="order_failed"),
            lambda a: a.update(status="cancelled_by_retailer"),
            lambda a: a["items"][0].update(status="skipped"),
            lambda a: a["items"][0].update(url="https://www.walmart.com/ip/1"),
            lambda a: a.update(job_result=None),
            lambda a: a.pop("created_at"),
            lambda a: a.update(created_at="yesterday"),
        ],
    )
    def test_leaves_out_what_was_not_bought_or_cannot_be_read(self, change: Callable[[dict[str, Any]], object]) -> None:
        """What never came is not ordered again as if it had."""
        assert self.pages(changed(PLACED, change)) == ()

    def test_ends_for_a_vendor_that_always_has_a_next_page(self) -> None:
        """Twenty pages, then that is it."""
        adapter, script = zinc(*[ok({"orders": [{}], "total": 10**9}) for _ in range(30)])
        assert adapter.history(since=NOW) == ()
        assert len(script.sent) == 20
