"""Zinc when it, or something between, answers an order in ways that no documentation promises."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from halo_engine.model.money import Money
from halo_engine.model.outcome import Done, NotThere, Partial, Pending, Reason, Rejected, Retryable, Unknown
from tests.halo_engine.vendors.kit import HTML, RUBBISH, ok, raw
from tests.halo_engine.vendors.worlds import HOME
from tests.halo_engine.vendors.zinc_answers import KEY, LINE, PLACED, QUOTE, TAKEN, changed, failed, found, listing, placed, says_no, zinc


class TestPlace:
    def test_sends_the_documented_request(self) -> None:
        """The exact maximum, the key twice (once to be found by), new things only, and no wish to relax anything."""
        adapter, script = zinc(ok(TAKEN, 201))
        adapter.place([LINE], ship_to=HOME, external_id=KEY, expected=QUOTE)
        (sent,) = script.sent
        body = json.loads(sent.content)
        assert (sent.method, sent.url.path) == ("POST", "/zinc/orders")
        assert sent.headers["authorization"] == "Bearer zn_test_halo_sim"
        assert (body["max_price"], body["idempotency_key"], body["metadata"]) == (3800, KEY, {"halo_key": KEY})
        assert body["products"] == [{"url": "https://www.amazon.com/dp/B000EXAMPL", "quantity": 2, "condition_in": ["New"]}]
        assert (body["shipping_address"]["first_name"], body["shipping_address"]["last_name"]) == ("A.", "Householder")
        assert "fulfillment" not in body

    def test_is_pending_when_it_was_taken_on(self) -> None:
        """201 is no order yet."""
        assert placed(ok(TAKEN, 201)) == Pending(reference=TAKEN["id"])

    def test_sends_nothing_that_zinc_would_cut_or_mistake(self) -> None:
        """A key of 37 characters, a street of 61, one name only: no, before anything left."""
        adapter, script = zinc()
        street = HOME.model_copy(update={"address_line1": "x" * 61})
        single = HOME.model_copy(update={"full_name": "Madonna"})
        answers = [
            adapter.place([LINE], ship_to=HOME, external_id="k" * 37, expected=QUOTE),
            adapter.place([LINE], ship_to=street, external_id=KEY, expected=QUOTE),
            adapter.place([LINE], ship_to=single, external_id=KEY, expected=QUOTE),
            adapter.quote([LINE], ship_to=street, quote_id="q"),
            adapter.quote([LINE], ship_to=single, quote_id="q"),
        ]
        assert all(isinstance(answer, Rejected) for answer in answers)
        assert script.sent == []

    @pytest.mark.parametrize("body", RUBBISH.values(), ids=RUBBISH.keys())
    @pytest.mark.parametrize("status", [200, 201, 400, 402, 409, 422])
    def test_does_not_know_after_rubbish(self, body: str | bytes, status: int) -> None:
        """Whatever the status: it may be an order, and it may not be Zinc who speaks."""
        assert isinstance(placed(raw(body, status)), Unknown)

    def test_does_not_know_after_any_truncation(self) -> None:
        """There is no byte after which half an answer counts as one."""
        whole = json.dumps(TAKEN).encode()
        for length in range(0, len(whole), 7):
            assert isinstance(placed(raw(whole[:length], 201)), Unknown)

    @pytest.mark.parametrize(
        "change",
        [
            lambda a: a.pop("id"),
            lambda a: a.pop("status"),
            lambda a: a.update(status="something_new"),
            lambda a: a.update(status=None),
            lambda a: a.pop("metadata"),
            lambda a: a.update(metadata={"halo_key": "halo-2"}),
            lambda a: a.update(items=[]),
            lambda a: a["items"][0].update(quantity=3),
            lambda a: a["items"][0].update(quantity="2"),
            lambda a: a["items"][0].update(url="https://www.amazon.com/dp/B000OTHER1"),
            lambda a: a["items"].append(a["items"][0]),
            lambda a: a.update(max_price=3801),
            lambda a: a.update(max_price=True),
            lambda a: a.pop("max_price"),
        ],
    )
    def test_does_not_know_after_an_answer_about_something_else(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Another key, another basket, a higher ceiling, a state nobody has heard of: never done, never pending."""
        assert isinstance(placed(ok(changed(TAKEN, change), 201)), Unknown)

    @pytest.mark.parametrize(
        ("error", "outcome"),
        [
            (httpx.ConnectError("refused"), Retryable),
            (httpx.ConnectTimeout("slow"), Retryable),
            (httpx.ReadTimeout("slow"), Unknown),
            (httpx.WriteError("reset"), Unknown),
            (httpx.RemoteProtocolError("cut"), Unknown),
        ],
    )
    def test_tells_never_sent_from_perhaps_sent(self, error: Exception, outcome: type) -> None:
        """Only what never left may be sent again without a look."""
        assert isinstance(placed(error), outcome)

    @pytest.mark.parametrize("wrapped", [True, False])
    @pytest.mark.parametrize(
        ("status", "code", "reason"),
        [
            (402, "insufficient_funds", Reason.PAYMENT),
            (402, "something_new", Reason.PAYMENT),
            (422, "out_of_stock", Reason.STOCK),
            (422, "invalid_variant", Reason.NOT_FOUND),
            (422, "url_unreachable", Reason.NOT_FOUND),
            (422, "unsupported_country", Reason.RESTRICTED),
            (422, "invalid_shipping_address", Reason.OTHER),
            (422, "something_new", Reason.OTHER),
            (400, "validation_error", Reason.OTHER),
        ],
    )
    def test_is_refused_for_the_reason_that_the_code_gives(self, status: int, code: str, reason: Reason, wrapped: bool) -> None:
        """In either form of the error, and only when there is no order under the key."""
        no = placed(says_no(status, code, wrapped=wrapped), listing())
        assert isinstance(no, Rejected)
        assert no.reason is reason

    @pytest.mark.parametrize("detail", ["Insufficient funds", [{"loc": ["body"], "msg": "field required", "type": "missing"}]])
    def test_reads_the_frameworks_own_complaint(self, detail: object) -> None:
        """The third form: `detail`."""
        assert isinstance(placed(ok({"detail": detail}, 422), listing()), Rejected)

    @pytest.mark.parametrize("status", [400, 402, 404, 409, 413, 422])
    def test_believes_no_refusal_of_an_order_that_is_there(self, status: int) -> None:
        """It was a repeat of one that got through."""
        assert placed(says_no(status, "anything"), listing(TAKEN)) == Pending(reference=TAKEN["id"])

    @pytest.mark.parametrize(("status", "code"), [(409, "already_exists"), (409, "something_new"), (400, "already_exists")])
    def test_does_not_know_a_conflict_that_is_not_shown(self, status: int, code: str) -> None:
        """It got through, and cannot be seen yet."""
        assert isinstance(placed(says_no(status, code), listing()), Unknown)

    @pytest.mark.parametrize("status", [500, 502, 503, 504, 301, 418])
    def test_does_not_know_after_any_other_status(self, status: int) -> None:
        """Also in Zinc's own words."""
        assert isinstance(placed(says_no(status, "internal_error")), Unknown)

    def test_does_not_know_when_the_look_up_after_a_refusal_fails(self) -> None:
        """A no that could not be checked is no no."""
        assert isinstance(placed(says_no(402, "insufficient_funds"), raw(HTML, 500)), Unknown)

    @pytest.mark.parametrize(("status", "code"), [(401, "unauthorized"), (401, "x"), (403, "token_expired"), (403, "invalid_token")])
    def test_may_be_retried_after_a_refused_key(self, status: int, code: str) -> None:
        """Nothing was read of the order."""
        answer = placed(says_no(status, code))
        assert isinstance(answer, Retryable)
        assert answer.auth

    def test_is_restricted_for_an_account_that_may_not(self) -> None:
        """403 with the right key."""
        no = placed(says_no(403, "forbidden"))
        assert isinstance(no, Rejected)
        assert no.reason is Reason.RESTRICTED

    def test_waits_as_long_as_it_is_asked_to(self) -> None:
        """429, read or not."""
        answer = placed(httpx.Response(429, content=HTML, headers={"retry-after": "7"}))
        assert isinstance(answer, Retryable)
        assert answer.retry_after_s == 7


class TestFind:
    def test_asks_by_the_metadata(self) -> None:
        """Our own key, exactly."""
        adapter, script = zinc(listing(PLACED))
        adapter.find("halo/1&x")
        assert dict(script.sent[0].url.params) == {"metadata_key": "halo_key", "metadata_value": "halo/1&x", "limit": "10"}

    def test_understands_the_documented_answer(self) -> None:
        """The shape the others are distorted from."""
        done = found(PLACED)
        assert isinstance(done, Done)
        assert (done.reference, done.total) == (TAKEN["id"], Money(cents=3691))
        assert [artifact.text for artifact in done.artifacts] == ["112-0000001-0000002", "2026-11-24"]

    def test_reads_order_numbers_as_texts_too(self) -> None:
        """The reference and the official client differ."""
        done = found({**PLACED, "merchant_order_ids": ["112-1", "112-1", "112-2"]})
        assert isinstance(done, Done)
        assert [artifact.text for artifact in done.artifacts if artifact.label == "Order number"] == ["112-1", "112-2"]

    @pytest.mark.parametrize("status", ["pending", "in_progress"])
    def test_is_pending_until_it_is_placed(self, status: str) -> None:
        """Never told as done."""
        assert found({**TAKEN, "status": status}) == Pending(reference=TAKEN["id"])

    @pytest.mark.parametrize("status", ["ordered", "shipped", "available_for_pickup", "delivered"])
    def test_is_done_for_every_way_of_being_bought(self, status: str) -> None:
        """From the till to the door."""
        assert isinstance(found(changed(PLACED, lambda a: a["items"][0].update(status=status))), Done)

    @pytest.mark.parametrize("status", ["skipped", "failed", "cancelled"])
    def test_is_partial_when_an_item_was_left_out(self, status: str) -> None:
        """What was bought and what was not, each by name."""
        second = {**PLACED["items"][0], "url": "https://www.amazon.com/Soap/dp/B000OTHER1?th=1", "quantity": 1, "status": status}
        partial = found({**PLACED, "items": [PLACED["items"][0], second]})
        assert isinstance(partial, Partial)
        assert (partial.done, partial.not_done) == (("2 × B000EXAMPL",), ("1 × B000OTHER1",))
        assert partial.total == Money(cents=3691)

    @pytest.mark.parametrize(
        ("kind", "reason"),
        [
            ("max_price_exceeded", Reason.PRICE),
            ("product_out_of_stock", Reason.STOCK),
            ("product_variant_unavailable", Reason.STOCK),
            ("quantity_limit_exceeded", Reason.STOCK),
            ("product_not_found", Reason.NOT_FOUND),
            ("payment_declined", Reason.PAYMENT),
            ("checkout_blocked", Reason.RESTRICTED),
            ("login_failed", Reason.OTHER),
            ("retailer_unavailable", Reason.OTHER),
            ("something_new", Reason.OTHER),
            (None, Reason.OTHER),
        ],
    )
    def test_is_refused_by_the_type_of_the_error(self, kind: str | None, reason: Reason) -> None:
        """A type nobody has heard of is still a failed order."""
        no = found(failed(kind))
        assert isinstance(no, Rejected)
        assert no.reason is reason

    def test_takes_the_reason_from_the_item_where_the_order_has_none(self) -> None:
        """A failed order without a result."""
        item = {**TAKEN["items"][0], "status": "failed", "error_type": "product_out_of_stock"}
        no = found({**TAKEN, "status": "order_failed", "items": [item]})
        assert isinstance(no, Rejected)
        assert no.reason is Reason.STOCK

    @pytest.mark.parametrize("status", ["cancelled", "cancelled_by_retailer"])
    def test_is_refused_when_it_was_cancelled(self, status: str) -> None:
        """Nothing will come, and nobody orders it anew by himself."""
        no = found({**TAKEN, "status": status, "items": [{**TAKEN["items"][0], "status": "cancelled"}]})
        assert isinstance(no, Rejected)
        assert no.reason is Reason.OTHER

    @pytest.mark.parametrize(
        "change",
        [
            lambda a: a.update(status="something_new"),
            lambda a: a.update(items=[]),
            lambda a: a["items"][0].update(status="something_new"),
            lambda a: a["items"][0].update(status="skipped"),
            lambda a: a.update(job_result=None),
            lambda a: a["job_result"].update(success=False),
            lambda a: a["job_result"].update(price_components=None),
            lambda a: a["job_result"]["price_components"].pop("total"),
            lambda a: a["job_result"]["price_components"].update(total=None),
            lambda a: a["job_result"]["price_components"].update(total="3691"),
            lambda a: a["job_result"]["price_components"].update(total=36.91),
            lambda a: a["job_result"]["price_components"].update(total=True),
            lambda a: a["job_result"]["price_components"].update(total=-3691),
            lambda a: a["job_result"]["price_components"].update(total=10**30),
            lambda a: a["job_result"]["price_components"].update(total=3690),
            lambda a: a["job_result"]["price_components"].update(currency="EUR"),
            lambda a: a["job_result"]["price_components"].update(payment_currency="EUR"),
            lambda a: a["job_result"]["price_components"].update(converted_payment_total=9999),
            lambda a: a.update(merchant_order_ids=[{"number": "1"}]),
            lambda a: a.update(merchant_order_ids="112-1"),
            lambda a: a.update(status="order_failed"),
            lambda a: a.update(status="cancelled"),
        ],
    )
    def test_does_not_know_what_contradicts_itself(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Placed without a price, with parts that do not add up, in another currency; failed and bought at once: never done, never no."""
        assert isinstance(found(changed(PLACED, change)), Unknown)

    def test_waits_for_an_item_that_lags_behind_its_order(self) -> None:
        """Placed as a whole, in work by its item: not told as done."""
        assert isinstance(found(changed(PLACED, lambda a: a["items"][0].update(status="processing"))), Pending)

    def test_counts_only_the_total_where_the_parts_were_not_recorded(self) -> None:
        """Zeros that are placeholders contradict nothing."""
        blank = {"subtotal": 0, "tax": 0, "shipping": 0, "breakdown_recorded": False}
        done = found(changed(PLACED, lambda a: a["job_result"]["price_components"].update(blank)))
        assert isinstance(done, Done)
        assert done.total == Money(cents=3691)

    def test_takes_fees_and_discounts_into_the_sum(self) -> None:
        """Shipping that was waived is a discount of the same size."""
        parts = {"shipping": 599, "discount": 599, "fees": 100, "total": 3791, "converted_payment_total": None}
        done = found(changed(PLACED, lambda a: a["job_result"]["price_components"].update(parts)))
        assert isinstance(done, Done)
        assert done.total == Money(cents=3791)

    def test_is_not_there_only_in_an_empty_list(self) -> None:
        """Zinc's own empty list."""
        assert found() == NotThere()

    def test_picks_its_own_out_of_a_list_that_was_not_filtered(self) -> None:
        """By the key in the order, not by the place in the list."""
        other = {**PLACED, "id": "other", "metadata": {"halo_key": "halo-2"}}
        stranger = {**PLACED, "id": "stranger", "metadata": None}
        assert isinstance(found(other, PLACED, stranger), Done)

    @pytest.mark.parametrize(
        "orders",
        [
            [{**PLACED, "metadata": {"halo_key": "halo-2"}}],
            [{**PLACED, "metadata": None}],
            [{**PLACED, "metadata": {"halo_key": 1}}],
            [PLACED, {**PLACED, "id": "second"}],
            [PLACED, {"id": "unreadable"}],
        ],
    )
    def test_does_not_know_from_a_list_that_cannot_be_trusted(self, orders: list[dict[str, Any]]) -> None:
        """Only strangers, two under one key, or one that cannot be read: neither there nor not there."""
        assert isinstance(found(*orders), Unknown)

    @pytest.mark.parametrize("body", RUBBISH.values(), ids=RUBBISH.keys())
    def test_does_not_know_after_rubbish(self, body: str | bytes) -> None:
        """Nor is it not there."""
        assert isinstance(zinc(raw(body))[0].find(KEY), Unknown)

    @pytest.mark.parametrize("status", [401, 403, 404, 422, 500])
    def test_does_not_know_after_a_refused_look_up(self, status: int) -> None:
        """A list is there or the vendor is not well."""
        assert isinstance(zinc(says_no(status, "not_found"))[0].find(KEY), Unknown)

    def test_shows_vendor_text_inert(self) -> None:
        """Colours and links of a message do not reach the card."""
        hostile = failed("checkout_blocked")
        hostile["job_result"]["error"] = "\x1b[31mBuy\x1b]8;;http://evil\x07 now\u202e"
        no = found(hostile)
        assert isinstance(no, Rejected)
        assert "\x1b" not in no.message
        assert "\u202e" not in no.message
