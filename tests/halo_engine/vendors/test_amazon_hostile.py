"""Amazon Business when it, or something between, answers what no documentation promises."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from halo_engine.clock import FakeClock
from halo_engine.model.errors import VendorFailed
from halo_engine.model.money import Money
from halo_engine.model.outcome import Done, NotThere, Outcome, Partial, Reason, Rejected, Retryable, Unknown
from halo_engine.vendors.amazon import AmazonBusiness
from halo_engine.vendors.merchant import OrderLine, Quote, QuotedLine
from tests.halo_engine.vendors.kit import NOW, RUBBISH, Script, Step, client, ok, raw
from tests.halo_engine.vendors.worlds import HOME, amazon_over

TOKEN = {"access_token": "Atza|example", "token_type": "bearer", "expires_in": 3600}
LINE = OrderLine(asin="B000EXAMPL", offer_id="offer-token-example", quantity=2, unit_price=Money(cents=1699))
QUOTE = Quote(
    lines=(QuotedLine(asin="B000EXAMPL", quantity=2, unit_price=Money(cents=1699), subtotal=Money(cents=3398)),),
    items=Money(cents=3398),
    shipping=Money(cents=0),
    tax=Money(cents=293),
    total=Money(cents=3691),
    delivery=None,
)


def usd(amount: float | str) -> dict[str, Any]:
    return {"currencyCode": "USD", "amount": amount}


def charge(kind: str, amount: dict[str, Any], category: str = "SUBTOTAL") -> dict[str, Any]:
    return {"acceptanceArtifactType": "Charge", "category": category, "type": kind, "amount": amount}


NUMBER = {"acceptanceArtifactType": "OrderIdentifier", "identifier": "112-0000001-0000001"}

ACCEPTED: dict[str, Any] = {
    "lineItems": [
        {
            "externalId": "1-B000EXAMPL",
            "acceptedItems": [
                {
                    "quantity": 2,
                    "artifacts": [
                        NUMBER,
                        {"acceptanceArtifactType": "UnitPrice", "amount": usd(16.99)},
                        charge("PRINCIPAL", usd(33.98)),
                        charge("TAX", usd(2.93)),
                        {
                            "acceptanceArtifactType": "DeliveryTimeRange",
                            "lowerBoundary": {"date": "2026-11-24 08:00:00.000"},
                            "upperBoundary": {"date": "2026-11-26 20:00:00.000"},
                        },
                    ],
                }
            ],
            "rejectedItems": [],
        }
    ],
    "acceptanceArtifacts": [NUMBER],
    "rejectionArtifacts": [],
}


def refused(*artifacts: dict[str, Any]) -> dict[str, Any]:
    rejected = {"quantity": 2, "artifacts": list(artifacts)}
    return {
        "lineItems": [{"externalId": "1-B000EXAMPL", "acceptedItems": [], "rejectedItems": [rejected]}],
        "acceptanceArtifacts": [],
        "rejectionArtifacts": [{"rejectionArtifactType": "RejectionCode", "code": "SOMETHING"}],
    }


def says_no(status: int, message: str, details: str = "") -> httpx.Response:
    return ok({"errors": [{"code": "X", "message": message, "details": details}]}, status)


MISSING = says_no(404, "The order was not found.")


def amazon(*steps: Step) -> tuple[AmazonBusiness, Script]:
    """An adapter that has signed in and meets `steps`."""
    script = Script(ok(TOKEN), *steps)
    clock = FakeClock(NOW)
    return amazon_over(client(script, clock), clock), script


def placed(*steps: Step) -> Outcome:
    return amazon(*steps)[0].place([LINE], ship_to=HOME, external_id="halo-1", expected=QUOTE)


def artifacts_of(answer: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer["lineItems"][0]["acceptedItems"][0]["artifacts"]
    return found


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    answer = copy.deepcopy(ACCEPTED)
    change(answer)
    return answer


class TestPlace:
    def test_understands_the_documented_answer(self) -> None:
        """The shape the others are distorted from."""
        done = placed(ok(ACCEPTED))
        assert isinstance(done, Done)
        assert (done.reference, done.total) == ("112-0000001-0000001", Money(cents=3691))
        assert [artifact.text for artifact in done.artifacts] == ["112-0000001-0000001", "Tue 24 Nov to Thu 26 Nov"]

    def test_writes_exact_amounts_and_every_guard(self) -> None:
        """The bytes on the wire: decimals with two places, a ceiling per line and one per part of the total."""
        adapter, script = amazon(ok(ACCEPTED))
        adapter.place([LINE], ship_to=HOME, external_id="halo-1", expected=QUOTE)
        body = script.sent[1].content.decode()
        assert '"expectationType":"ExpectedUnitPrice","amount":{"currencyCode":"USD","amount":16.99}' in body
        assert '{"currencyCode":"USD","amount":33.98},"source":"SUBTOTAL"' in body
        assert '{"currencyCode":"USD","amount":0.00},"source":"SHIPPING"' in body
        assert '{"currencyCode":"USD","amount":2.93},"source":"TAX"' in body
        assert json.loads(body)["externalId"] == "halo-1"

    @pytest.mark.parametrize("body", RUBBISH.values(), ids=RUBBISH.keys())
    def test_does_not_know_after_rubbish(self, body: str | bytes) -> None:
        """A 200 that cannot be read may be an order."""
        assert isinstance(placed(raw(body)), Unknown)

    def test_does_not_know_after_any_truncation(self) -> None:
        """There is no byte after which half an answer counts as one."""
        whole = json.dumps(ACCEPTED).encode()
        for length in range(0, len(whole), 7):
            assert isinstance(placed(raw(whole[:length])), Unknown)

    @pytest.mark.parametrize(
        "change",
        [
            lambda a: a.pop("lineItems"),
            lambda a: a.pop("acceptanceArtifacts"),
            lambda a: a.pop("rejectionArtifacts"),
            lambda a: a.update(lineItems=[]),
            lambda a: a.update(lineItems=None),
            lambda a: a["lineItems"].append(a["lineItems"][0]),
            lambda a: a["lineItems"][0].pop("acceptedItems"),
            lambda a: a["lineItems"][0].pop("rejectedItems"),
            lambda a: a["lineItems"][0].update(externalId="2-B000OTHER1"),
            lambda a: a["lineItems"][0].update(acceptedItems=[]),
            lambda a: a["lineItems"][0]["acceptedItems"][0].update(quantity=3),
            lambda a: a["lineItems"][0]["acceptedItems"][0].update(quantity="2"),
            lambda a: a["lineItems"][0]["acceptedItems"][0].update(quantity=True),
            lambda a: a["lineItems"][0]["acceptedItems"][0].update(artifacts=[]),
            lambda a: artifacts_of(a).append({"acceptanceArtifactType": "SomethingNew"}),
            lambda a: artifacts_of(a).append({}),
            lambda a: artifacts_of(a).append(charge("REBATE", usd(1))),
            lambda a: artifacts_of(a).append(charge("PRINCIPAL", usd(1), "MYSTERY")),
            lambda a: artifacts_of(a).append(charge("PRINCIPAL", {"currencyCode": "EUR", "amount": 1})),
            lambda a: artifacts_of(a).append(charge("PRINCIPAL", {"currencyCode": "JPY", "amount": 100})),
            lambda a: artifacts_of(a).append(charge("PRINCIPAL", {"amount": 100})),
            lambda a: artifacts_of(a).append(charge("TAX", usd(0.001))),
            lambda a: artifacts_of(a).append(charge("TAX", usd("a lot"))),
            lambda a: artifacts_of(a).append(charge("TAX", usd(1e30))),
            lambda a: artifacts_of(a).append(charge("TAX", usd(-1))),
            lambda a: artifacts_of(a).append(charge("DISCOUNT", usd(1000))),
            lambda a: artifacts_of(a).pop(2),
            lambda a: a["rejectionArtifacts"].append({"rejectionArtifactType": "RejectionCode", "code": "X"}),
            lambda a: (artifacts_of(a).pop(0), a.update(acceptanceArtifacts=[])),
            lambda a: [artifact["amount"].update(currencyCode="EUR") for artifact in artifacts_of(a) if "amount" in artifact],
        ],
    )
    def test_does_not_know_after_an_answer_that_does_not_fit(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Missing, doubled, contradicting, in another currency or of a kind nobody has heard of: never done."""
        assert isinstance(placed(ok(changed(change))), Unknown)

    def test_ignores_fields_that_are_new(self) -> None:
        """More than was promised is no harm."""
        assert isinstance(placed(ok(changed(lambda a: a.update(extra={"anything": 1})))), Done)

    @pytest.mark.parametrize("discount", [5.00, -5.00])
    def test_subtracts_a_discount_however_it_is_signed(self, discount: float) -> None:
        """The sign is not documented; a discount never makes it dearer."""
        done = placed(ok(changed(lambda a: artifacts_of(a).append(charge("DISCOUNT", usd(discount))))))
        assert isinstance(done, Done)
        assert done.total == Money(cents=3191)

    def test_collects_every_order_number(self) -> None:
        """A split order has several, and they may stand at either level."""
        done = placed(ok(changed(lambda a: a.update(acceptanceArtifacts=[{**NUMBER, "identifier": "112-2"}]))))
        assert isinstance(done, Done)
        assert [artifact.text for artifact in done.artifacts if artifact.label == "Order number"] == ["112-0000001-0000001", "112-2"]

    @pytest.mark.parametrize(
        ("artifact", "reason"),
        [
            ({"rejectionArtifactType": "BrokenUnitPriceExpectation", "boundary": usd(16.99), "actualAmount": usd(18.49)}, Reason.PRICE),
            (
                {
                    "rejectionArtifactType": "BrokenChargeExpectation",
                    "boundary": usd(0),
                    "actualAmount": usd(5.99),
                    "sources": ["SHIPPING"],
                },
                Reason.PRICE,
            ),
            ({"rejectionArtifactType": "AvailableQuantity", "quantity": 0}, Reason.STOCK),
            ({"rejectionArtifactType": "UnavailableQuantity", "quantity": 2}, Reason.STOCK),
            ({"rejectionArtifactType": "AgeRestriction", "minimumAge": 21}, Reason.RESTRICTED),
            ({"rejectionArtifactType": "RejectionMessage", "message": "No."}, Reason.OTHER),
        ],
    )
    def test_is_refused_for_the_reason_the_artifact_gives(self, artifact: dict[str, Any], reason: Reason) -> None:
        """A 200 in which nothing was accepted is a definite no."""
        answer = placed(ok(refused(artifact)))
        assert isinstance(answer, Rejected)
        assert answer.reason is reason

    def test_does_not_know_after_a_refusal_nobody_has_heard_of(self) -> None:
        """A new kind of artifact may mean anything."""
        assert isinstance(placed(ok(refused({"rejectionArtifactType": "SomethingNew"}))), Unknown)

    def test_does_not_know_after_a_refusal_with_an_order_number(self) -> None:
        """Refused and ordered at once is neither."""
        assert isinstance(placed(ok({**refused(), "acceptanceArtifacts": [NUMBER]})), Unknown)

    def test_shows_vendor_text_inert(self) -> None:
        """Colours, links and direction marks of a message do not reach the card."""
        hostile = "\x1b[31mBuy\x1b]8;;http://evil\x07 now\u202e\u200b"
        answer = placed(ok(refused({"rejectionArtifactType": "RejectionMessage", "message": hostile})))
        assert isinstance(answer, Rejected)
        assert answer.message == "Amazon refused it: Buy now"

    @pytest.mark.parametrize("status", [201, 202, 204, 301, 307, 402, 408, 409, 418, 500, 502, 503, 504, 599])
    def test_does_not_know_after_any_other_status(self, status: int) -> None:
        """Also with a body that looks like success."""
        assert isinstance(placed(ok(ACCEPTED, status)), Unknown)

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 415])
    def test_does_not_believe_a_no_that_is_not_amazons(self, status: int) -> None:
        """A gateway's page says nothing about the order."""
        assert isinstance(placed(raw("<html>", status)), Unknown)

    @pytest.mark.parametrize("status", [401, 403])
    def test_wants_a_new_token_when_told_so(self, status: int) -> None:
        """Refused before anything was done; the next call signs in again."""
        adapter, script = amazon(says_no(status, "Denied", "The access token you provided has expired."), ok(TOKEN), ok(ACCEPTED))
        first = adapter.place([LINE], ship_to=HOME, external_id="halo-1", expected=QUOTE)
        assert isinstance(first, Retryable)
        assert first.auth
        assert isinstance(adapter.place([LINE], ship_to=HOME, external_id="halo-1", expected=QUOTE), Done)
        assert sum("token" in path for path in script.paths) == 2

    def test_is_refused_to_an_account_that_may_not_buy(self) -> None:
        """A 403 about anything else is a no."""
        answer = placed(says_no(403, "You need an approval."))
        assert isinstance(answer, Rejected)
        assert answer.reason is Reason.RESTRICTED

    def test_is_refused_for_a_bad_request_after_a_look(self) -> None:
        """Amazon does not know the order, so the 400 is believed."""
        assert isinstance(placed(says_no(400, "Bad quantity"), MISSING), Rejected)

    @pytest.mark.parametrize(
        ("error", "kind"),
        [(httpx.ConnectError("x"), Retryable), (httpx.ReadTimeout("x"), Unknown), (httpx.RemoteProtocolError("x"), Unknown)],
    )
    def test_tells_not_sent_from_maybe_sent(self, error: Exception, kind: type[Outcome]) -> None:
        """Only what never left may be sent again without a look."""
        assert isinstance(placed(error), kind)

    @pytest.mark.parametrize("header", ["-1", "10000000", "soon"])
    def test_bounds_the_wait_it_is_asked_for(self, header: str) -> None:
        """A vendor cannot park an execution for a year."""
        answer = placed(httpx.Response(429, headers={"retry-after": header}))
        assert isinstance(answer, Retryable)
        assert answer.retry_after_s is None or 0 <= answer.retry_after_s <= 300


class TestSigningIn:
    @pytest.mark.parametrize(
        ("step", "auth"),
        [
            (ok({"error": "invalid_grant"}, 400), True),
            (ok({"error": "invalid_client"}, 401), True),
            (ok({}), False),
            (ok({**TOKEN, "expires_in": -5}), False),
            (ok({**TOKEN, "access_token": "two\r\nheaders: 1"}), False),
            (raw("<html>"), False),
            (httpx.ReadTimeout("x"), False),
        ],
    )
    def test_failing_means_that_nothing_was_ordered(self, step: Step, auth: bool) -> None:
        """Without a token the order is not even sent."""
        script = Script(step)
        clock = FakeClock(NOW)
        answer = amazon_over(client(script, clock), clock).place([LINE], ship_to=HOME, external_id="halo-1", expected=QUOTE)
        assert isinstance(answer, Retryable)
        assert answer.auth is auth
        assert len(script.sent) == 1

    def test_is_tried_again_once_for_a_read(self) -> None:
        """A vendor that refuses every token is not asked for ever."""
        expired = says_no(403, "Denied", "token expired")
        adapter, script = amazon(expired, ok(TOKEN), expired)
        with pytest.raises(VendorFailed, match="did not accept the stored sign-in"):
            adapter.search("batteries", postal_code="94107")
        assert len(script.sent) == 4

    def test_keeps_secrets_out_of_errors(self) -> None:
        """Neither the message nor its causes repeat what was sent or received."""
        clock = FakeClock(NOW)
        adapter = amazon_over(client(Script(ok({"access_token": "canary token", "expires_in": 1})), clock), clock)
        with pytest.raises(VendorFailed) as raised:
            adapter.search("batteries", postal_code="94107")
        error: BaseException | None = raised.value
        while error is not None:
            assert "canary" not in str(error) + repr(error)
            assert "halo-sim-secret" not in str(error) + repr(error)
            error = error.__cause__


class TestFind:
    @pytest.mark.parametrize("body", RUBBISH.values(), ids=RUBBISH.keys())
    def test_does_not_know_after_rubbish(self, body: str | bytes) -> None:
        """Neither a strange 200 nor a strange 404 is an answer."""
        assert isinstance(amazon(raw(body))[0].find("halo-1"), Unknown)
        assert isinstance(amazon(raw(body, 404))[0].find("halo-1"), Unknown)

    def test_believes_a_clear_404(self) -> None:
        """In Amazon's own words."""
        assert amazon(MISSING)[0].find("halo-1") == NotThere()

    def test_asks_for_exactly_that_id(self) -> None:
        """A slash in an id does not lead elsewhere."""
        adapter, script = amazon(MISSING)
        adapter.find("../../products?x=1")
        assert script.sent[1].url.raw_path.decode().endswith("/orders/..%2F..%2Fproducts%3Fx%3D1")

    def test_reads_shipments_as_notices(self) -> None:
        """An order under way has more artifacts, and is as done as before."""
        shipped = changed(lambda a: artifacts_of(a).append({"acceptanceArtifactType": "Shipment", "identifier": "1", "packages": []}))
        assert isinstance(amazon(ok(shipped))[0].find("halo-1"), Done)

    def test_tells_a_partial_order(self) -> None:
        """Half of it stands."""
        half = changed(
            lambda a: (
                a["lineItems"][0]["acceptedItems"][0].update(quantity=1),
                a["lineItems"][0].update(rejectedItems=[{"quantity": 1, "artifacts": []}]),
            )
        )
        found = amazon(ok(half))[0].find("halo-1")
        assert isinstance(found, Partial)
        assert (found.done, found.not_done) == (("1 × B000EXAMPL",), ("1 × B000EXAMPL",))


class TestQuote:
    def ask(self, *steps: Step) -> Quote | Rejected:
        return amazon(*steps)[0].quote([LINE], ship_to=HOME, quote_id="q")

    @pytest.mark.parametrize("body", RUBBISH.values(), ids=RUBBISH.keys())
    def test_fails_after_rubbish(self, body: str | bytes) -> None:
        """No quote is better than half of one."""
        with pytest.raises(VendorFailed):
            self.ask(raw(body))

    @pytest.mark.parametrize(
        "change",
        [
            lambda a: artifacts_of(a).pop(1),
            lambda a: artifacts_of(a)[2]["amount"].update(amount=30.00),
            lambda a: a["lineItems"][0]["acceptedItems"][0].update(quantity=1),
            lambda a: artifacts_of(a)[1]["amount"].update(currencyCode="EUR"),
        ],
    )
    def test_fails_when_it_contradicts_itself(self, change: Callable[[dict[str, Any]], object]) -> None:
        """A card whose lines do not add up is not shown."""
        with pytest.raises(VendorFailed):
            self.ask(ok(changed(change)))

    def test_is_refused_at_two_prices(self) -> None:
        """A line sold half at one price and half at another has no unit price to confirm."""

        def split(answer: dict[str, Any]) -> None:
            first = answer["lineItems"][0]["acceptedItems"][0]
            second = copy.deepcopy(first)
            first["quantity"] = second["quantity"] = 1
            second["artifacts"][1]["amount"]["amount"] = 20.00
            answer["lineItems"][0]["acceptedItems"].append(second)

        answer = self.ask(ok(changed(split)))
        assert isinstance(answer, Rejected)
        assert answer.reason is Reason.PRICE

    def test_names_what_no_other_field_does(self) -> None:
        """Gift wrap less discount."""

        def extras(answer: dict[str, Any]) -> None:
            artifacts_of(answer).extend([charge("PRINCIPAL", usd(4), "GIFT_WRAP"), charge("DISCOUNT", usd(1.5))])

        quote = self.ask(ok(changed(extras)))
        assert isinstance(quote, Quote)
        assert quote.other == Money(cents=250)
        assert quote.items + quote.shipping + quote.tax + quote.other == quote.total


class TestSearch:
    def hits(self, **change: Any) -> Any:
        product = {
            "asin": "B000EXAMPL",
            "asinType": "STANDARD",
            "title": "AA \x1b[31mBatteries",
            "url": "javascript:alert(1)",
            "includedDataTypes": {"OFFERS": [{"offerId": "o", "price": {"value": usd(16.99)}, "productCondition": "NEW"}]},
        }
        return amazon(ok({"products": [product | change, {"asin": 7}, "rubbish", None]}))[0].search("aa", postal_code="94107")

    def test_leaves_out_what_it_cannot_read(self) -> None:
        """One strange product does not hide the others, and its text is inert."""
        (offer,) = self.hits()
        assert (offer.title, offer.url) == ("AA Batteries", "")

    @pytest.mark.parametrize("kind", ["VARIATION_PARENT", "SOMETHING_NEW"])
    def test_marks_what_cannot_be_ordered(self, kind: str) -> None:
        """A family of variants, and any kind that is not known."""
        (offer,) = self.hits(asinType=kind)
        assert not offer.orderable

    @pytest.mark.parametrize("offer", [{"buyingGuidance": "BLOCKED"}, {"buyingGuidance": "NEW_VALUE"}, {"productCondition": "USED"}])
    def test_marks_offers_that_must_not_be_ordered(self, offer: dict[str, str]) -> None:
        """Blocked by the account's rules, by a rule nobody knows, or not new."""
        one = {"offerId": "o", "price": {"value": usd(16.99)}} | offer
        (found,) = self.hits(includedDataTypes={"OFFERS": [one]})
        assert not found.orderable

    def test_leaves_out_a_product_without_an_offer(self) -> None:
        """There is no price to show."""
        assert self.hits(includedDataTypes={"OFFERS": []}) == ()


class TestHistory:
    def test_ends_for_a_vendor_that_always_has_a_next_page(self) -> None:
        """Twenty pages, then that is it."""
        adapter, script = amazon(*[ok({"orders": [], "nextPageToken": "more"}) for _ in range(30)])
        assert adapter.history(since=NOW) == ()
        assert len(script.sent) == 21

    def test_leaves_out_cancelled_orders(self) -> None:
        """What never came is not ordered again as if it had."""
        order = {
            "orderId": "1",
            "orderDate": "2026-10-20T17:02:11Z",
            "orderStatus": "CLOSED",
            "orderNetTotal": usd("34.75"),
            "lineItems": [{"asin": "B0", "title": "T", "itemQuantity": 2, "purchasedPricePerUnit": usd("15.99")}],
        }
        page = {"orders": [order, order | {"orderId": "2", "orderStatus": "CANCELLED"}, {"orderId": "3"}], "nextPageToken": None}
        orders = amazon(ok(page))[0].history(since=NOW)
        assert [one.order_id for one in orders] == ["1"]
        assert orders[0].lines[0].unit_price == Money(cents=1599)
