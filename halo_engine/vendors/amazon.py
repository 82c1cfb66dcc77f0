"""Amazon Business: finding products, quoting, ordering, looking an order up, and the history.

`verbs/order.py` and `verbs/reorder.py` call it. Reads raise `VendorFailed`; `place` gives exactly one `Outcome` and sends its order once.

The surprising part: what a second order under the same external id does is not documented. So nothing here sends one on its own, and where
Amazon calls a request bad, the order is looked up before that is believed: it may be the answer to a duplicate of one that got through.
Source: vendor notes §1 and §6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import assert_never
from urllib.parse import quote as quoted

from halo_engine.clock import Clock
from halo_engine.model.errors import VendorFailed
from halo_engine.model.household import Address
from halo_engine.model.outcome import Found, NotThere, Outcome, Reason, Rejected, Retryable, Unknown
from halo_engine.model.strict_json import Json
from halo_engine.vendors.amazon_auth import AccessTokens, AmazonCredentials
from halo_engine.vendors.amazon_result import covers, outcome_of, quote_of
from halo_engine.vendors.amazon_wire import Basket, Errors, OrderPage, OrderReport, OrderResult, Products, order_body, trial_body
from halo_engine.vendors.http import Answer, Call, MayHaveBeenSent, NotSent, SignInError, VendorHttp, failed, usable
from halo_engine.vendors.merchant import Offer, OrderLine, PastOrder, Quote
from halo_engine.vendors.wire import LastRead, UnreadableError, W, read_as, read_for

__all__ = ["AmazonBusiness", "AmazonCredentials"]

NAME = "Amazon Business"

_PRODUCTS = "/products/2020-08-26/products"
_ORDERS = "/ordering/2022-10-30/orders"
_REPORTS = "/reports/2021-01-08/orders"
_PAGE_SIZE = 24
_ASINS_A_CALL = 30
#: A hundred orders a page: more than a household orders in years, and an end for a vendor that always has a next page.
_MAX_PAGES = 20


class AmazonBusiness:
    """One account, as a `Merchant`. `base_url` is the API's root, `auth_url` the whole address of the token endpoint."""

    name = "amazon"
    payee = "Amazon"
    warnings = ("Halo cannot cancel or return an order: that is done in your Amazon account.",)

    def __init__(
        self,
        http: VendorHttp,
        *,
        base_url: str,
        auth_url: str,
        credentials: AmazonCredentials,
        clock: Clock,
        region: str = "US",
        locale: str = "en_US",
    ) -> None:
        self._http = http
        self._base_url = base_url.rstrip("/")
        self._user_email = credentials.user_email
        self._clock = clock
        self._market = {"productRegion": region, "locale": locale}
        self._region = region
        self._tokens = AccessTokens(http, auth_url=auth_url, credentials=credentials, clock=clock)
        # The past is asked for at every order, and is nearly always what it was.
        self._pages = LastRead[OrderPage](_MAX_PAGES)

    # Reading.

    def search(self, keywords: str, *, postal_code: str, limit: int = 10) -> tuple[Offer, ...]:
        """At most `limit` offers, the vendor's best first; the search is fuzzy, so show title and ASIN. Raises `VendorFailed`."""
        query = {
            "keywords": keywords,
            "facets": "OFFERS",
            "pageNumber": "0",
            "pageSize": str(_PAGE_SIZE),
            "shippingPostalCode": postal_code,
        }
        answer = self._ask(self._get(_PRODUCTS, self._market | query))
        return self._read(answer, Products).offers()[:limit]

    def offers(self, asins: Sequence[str]) -> dict[str, Offer]:
        """Today's offer for each ASIN that has one. Raises `VendorFailed`."""
        wanted = list(dict.fromkeys(asins))
        found: dict[str, Offer] = {}
        for start in range(0, len(wanted), _ASINS_A_CALL):
            body: Json = {"productIds": wanted[start : start + _ASINS_A_CALL], **self._market, "facets": ["OFFERS"]}
            answer = self._ask(self._post(f"{_PRODUCTS}/getProductsByAsins", body))
            found |= {offer.asin: offer for offer in self._read(answer, Products).offers() if offer.asin in wanted}
        return found

    def quote(self, lines: Sequence[OrderLine], *, ship_to: Address, quote_id: str) -> Quote | Rejected:
        """What `lines` would come to today, by a dry run that orders nothing. The lines' prices are not held against it: compare.

        `quote_id` must never be the id of an order: whether a dry run uses an id up is not documented. Raises `VendorFailed`.
        """
        answer = self._ask(self._post(_ORDERS, trial_body(self._basket(lines, ship_to, quote_id))), also=frozenset({400}))
        if answer.status == 400:
            return Rejected(reason=Reason.OTHER, message=f"Amazon refused it: {self._read(answer, Errors).message}")
        try:
            return quote_of(read_as(answer, OrderResult), lines)
        except UnreadableError as error:
            raise failed(NAME, answer) from error

    def history(self, *, since: datetime) -> tuple[PastOrder, ...]:
        """Orders from `since` (aware) on, newest first, without the cancelled ones. Lags behind `find`. Raises `VendorFailed`."""
        query = {
            "startDate": f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            # Whole seconds are sent, and an order of this very second belongs to the past too.
            "endDate": f"{self._clock.now() + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}",
            "includeLineItems": "true",
            "includeCharges": "true",
        }
        orders: dict[str, PastOrder] = {}
        for _ in range(_MAX_PAGES):
            page = self._pages.read(self._ask(self._get(_REPORTS, query)), self._page)
            orders |= {order.order_id: order for order in page.orders}
            if page.next_page_token is None:
                break
            query["nextPageToken"] = page.next_page_token
        return tuple(sorted(orders.values(), key=lambda order: order.ordered_at, reverse=True))

    def find(self, external_id: str) -> Found:
        """What became of the order under our own id. `NotThere` may only mean "not yet": ask again before believing it."""
        try:
            answer = self._ask(self._get(f"{_ORDERS}/{quoted(external_id, safe='')}", {}), also=frozenset({404}))
            if answer.status == 404:
                # A gateway's 404 is not Amazon's.
                read_as(answer, Errors)
                return NotThere()
            return outcome_of(read_as(answer, OrderResult))
        except VendorFailed as error:
            return Unknown(message=error.message)
        except UnreadableError:
            return Unknown(message="What Amazon says about the order cannot be read.")

    # Ordering.

    def place(self, lines: Sequence[OrderLine], *, ship_to: Address, external_id: str, expected: Quote) -> Outcome:
        """Order `lines` once, held to their prices and to the parts of `expected`. There is no undo.

        `Done.total` is what Amazon says it charges, which a vendor that ignores its own guards may set above `expected`: compare it.
        """
        try:
            call = self._signed(self._post(_ORDERS, order_body(self._basket(lines, ship_to, external_id), expected)))
        except SignInError as error:
            return Retryable(message=str(error), auth=True)
        except VendorFailed as error:
            return Retryable(message=error.message)
        reply = self._http.commit(call)
        match reply:
            case NotSent(why):
                return Retryable(message=f"{NAME} could not be reached: {why}.")
            case MayHaveBeenSent(why):
                return Unknown(message=f"{NAME} did not confirm the order: {why}.")
            case Answer(status=200):
                return _placed(reply, lines, expected)
            case Answer():
                return self._not_placed(reply, external_id)
        assert_never(reply)

    def _not_placed(self, answer: Answer, external_id: str) -> Outcome:
        """The outcome of any status but 200. Only Amazon's own words make a definite no."""
        if answer.status == 429:
            return Retryable(message=f"{NAME} asks for fewer requests.", retry_after_s=answer.retry_after_s)
        try:
            errors = read_as(answer, Errors)
        except UnreadableError:
            return Unknown(message=f"{NAME} gave an answer that cannot be read (status {answer.status}).")
        if answer.status in (401, 403) and _names_token(errors):
            self._tokens.drop()
            return Retryable(message=f"{NAME} did not accept the access token.", auth=True)
        if answer.status in (401, 403):
            return Rejected(reason=Reason.RESTRICTED, message=f"This account may not order: {errors.message}")
        if answer.status in (400, 404, 413, 415, 422):
            return self._bad_request(errors, external_id)
        return Unknown(message=f"{NAME} has a problem of its own (status {answer.status}).")

    def _bad_request(self, errors: Errors, external_id: str) -> Outcome:
        found = self.find(external_id)
        if not isinstance(found, NotThere):
            return found
        if errors.names("duplicate", "externalid", "external id", "already"):
            return Unknown(message=f"{NAME} says it knows this order already, and does not show it yet.")
        return Rejected(reason=Reason.OTHER, message=f"Amazon refused it: {errors.message}")

    # Asking.

    def _basket(self, lines: Sequence[OrderLine], ship_to: Address, external_id: str) -> Basket:
        return Basket(external_id=external_id, lines=lines, ship_to=ship_to, user_email=self._user_email, region=self._region)

    def _get(self, path: str, query: dict[str, str]) -> Call:
        return Call(method="GET", url=f"{self._base_url}{path}", query=query)

    def _post(self, path: str, body: Json) -> Call:
        return Call(method="POST", url=f"{self._base_url}{path}", json=body)

    def _signed(self, call: Call) -> Call:
        headers = {
            "x-amz-access-token": self._tokens.current(),
            "x-amz-date": f"{self._clock.now():%Y%m%dT%H%M%SZ}",
            "x-amz-user-email": self._user_email,
        }
        return replace(call, headers=headers)

    def _ask(self, call: Call, *, also: frozenset[int] = frozenset()) -> Answer:
        """A 200 to a call that changes nothing, or one of the statuses in `also`; the token is renewed once. Raises `VendorFailed`."""
        try:
            reply = self._http.read(self._signed(call))
            if isinstance(reply, Answer) and _token_refused(reply):
                self._tokens.drop()
                reply = self._http.read(self._signed(call))
        except SignInError as error:
            raise VendorFailed(str(error)) from error
        return usable(NAME, reply, also=also)

    def _page(self, answer: Answer) -> OrderPage:
        report = self._read(answer, OrderReport)
        return OrderPage(report.past_orders(), report.next_page_token)

    def _read(self, answer: Answer, model: type[W]) -> W:
        return read_for(NAME, answer, model)


def _placed(answer: Answer, lines: Sequence[OrderLine], expected: Quote) -> Outcome:
    try:
        result = read_as(answer, OrderResult)
    except UnreadableError:
        return Unknown(message=f"{NAME} answered the order, but the answer cannot be read.")
    if not covers(result, lines):
        return Unknown(message=f"{NAME} answered for something other than what was ordered.")
    outcome = outcome_of(result)
    if not isinstance(outcome, Rejected | Unknown) and outcome.total is not None and outcome.total.currency != expected.total.currency:
        return Unknown(message=f"{NAME} charged in another currency than it quoted.")
    return outcome


def _token_refused(answer: Answer) -> bool:
    if answer.status not in (401, 403):
        return False
    try:
        return _names_token(read_as(answer, Errors))
    except UnreadableError:
        return False


def _names_token(errors: Errors) -> bool:
    return errors.names("token")
