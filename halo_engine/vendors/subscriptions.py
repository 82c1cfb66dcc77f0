"""Subscriptions: who sells them, what the household has, and ending one.

`verbs/cancel.py` calls it. Reads raise `VendorFailed`; `cancel` gives exactly one `Outcome`, and for a provider that takes cancellations
only from a person it gives a `HandOff` without calling anybody. What is decided is decided here, once; how it is said to Stripe or Google Play
stands in `subscriptions_<dialect>.py`.

The surprising part: "cancelled" is rarely over. What a cancellation proves is when the subscription ends, so that is what `Done` carries.
The provider is addressed under the configured base URL by its id; the address in its registry entry is never followed.
An offer to stay is declined, once, and never accepted; where there is no declining it, a person has to. Source: vendor notes §4.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never
from urllib.parse import quote
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from halo_engine.clock import Clock
from halo_engine.model.errors import VendorFailed
from halo_engine.model.outcome import Artifact, Done, Found, HandOff, NotThere, Outcome, Reason, Rejected, Retryable, Unknown
from halo_engine.vendors.http import Answer, Call, MayHaveBeenSent, NotSent, VendorHttp, failed, usable
from halo_engine.vendors.subscriptions_chargebee import Chargebee
from halo_engine.vendors.subscriptions_dialect import Contested, Dialect, Ending, Listing, Site
from halo_engine.vendors.subscriptions_google_play import GooglePlay
from halo_engine.vendors.subscriptions_recurly import Recurly
from halo_engine.vendors.subscriptions_stripe import Stripe
from halo_engine.vendors.subscriptions_values import Provider, Refund, Status, Subscription, When, day_in
from halo_engine.vendors.subscriptions_wire import Offer, Registry
from halo_engine.vendors.wire import UnreadableError, read_as

__all__ = ["Provider", "Refund", "Status", "Subscription", "Subscriptions", "When", "day_in"]

_REGISTRY = "The provider registry"
_UTC = ZoneInfo("UTC")

_COMMONEST = Stripe()
#: Add a dialect here, and its providers can be cancelled.
DIALECTS: dict[str, Dialect] = {dialect.name: dialect for dialect in (_COMMONEST, Chargebee(), Recurly(), GooglePlay())}


class Subscriptions:
    """The household's subscriptions. `base_url` is the registry's root; each provider's own API is under it."""

    def __init__(self, http: VendorHttp, *, base_url: str, api_key: SecretStr, clock: Clock) -> None:
        self._http = http
        self._base_url = base_url.rstrip("/")
        self._api_key = api_key
        self._clock = clock

    # Reading.

    def providers(self) -> tuple[Provider, ...]:
        """Every provider that can be read. Raises `VendorFailed`."""
        answer = self._ask(_REGISTRY, Call(method="GET", url=f"{self._base_url}/v1/providers", headers=self._registry_key()))
        try:
            return read_as(answer, Registry).providers(DIALECTS)
        except UnreadableError as error:
            raise failed(_REGISTRY, answer) from error

    def subscriptions(self) -> tuple[Subscription, ...]:
        """The subscription with each provider that has one, ended ones too. Raises `VendorFailed`."""
        return tuple(found for provider in self.providers() for found in self._with(provider))

    def get(self, provider_id: str) -> Subscription | None:
        """The subscription with that provider; None where there is none, or no such provider. Raises `VendorFailed`."""
        provider = next((one for one in self.providers() if one.provider_id == provider_id), None)
        return None if provider is None else next(iter(self._with(provider)), None)

    def find(self, subscription: Subscription, *, when: When, zone: ZoneInfo = _UTC) -> Found:
        """Whether it is ending, or for `now` whether it has ended. The day is told in `zone`."""
        try:
            current = self._current(subscription)
        except VendorFailed as error:
            return Unknown(message=error.message)
        if current is None or current.status == "unknown":
            return Unknown(message=f"What {subscription.provider.display_name} says about the subscription cannot be relied on.")
        return self._proof(current, subscription, when, zone) or NotThere()

    # Ending.

    def cancel(self, subscription: Subscription, *, when: When, key: str, zone: ZoneInfo = _UTC) -> Outcome:
        """End `subscription`, at the end of the paid period or now. The same `key` again repeats nothing. Offers to stay are declined.

        The proof tells the day in `zone`: midnight UTC at the provider's may be the evening before in the household.
        """
        provider = subscription.provider
        if provider.capability != "api":
            return _handed_over(provider)
        if when not in provider.modes:
            return Rejected(reason=Reason.POLICY, message=f"{provider.display_name} does not offer to end it {_words(when)}.")
        ending = Ending(subscription=subscription, when=when, key=key, zone=zone)
        if not DIALECTS[provider.dialect].recognises_repeats and (settled := self._settled_before(ending)):
            return settled
        return self._end(ending)

    def _settled_before(self, ending: Ending) -> Outcome | None:
        """What an earlier attempt, or somebody else, has come to; None where there is something left to do."""
        found = self._looked_up(ending)
        # Nothing has been sent yet: what cannot be read now may be readable in a moment.
        return Retryable(message=found.message) if isinstance(found, Unknown) else found if isinstance(found, Done) else None

    def _end(self, ending: Ending) -> Outcome:
        provider = ending.subscription.provider
        reply = self._http.commit(DIALECTS[provider.dialect].end(self._site(provider), ending))
        match reply:
            case NotSent(why):
                return Retryable(message=f"{provider.display_name} could not be reached: {why}.")
            case MayHaveBeenSent(why):
                return Unknown(message=f"{provider.display_name} did not confirm the cancellation: {why}.")
            case Answer(status=200):
                return self._ended(reply, ending)
            case Answer(status=429):
                return Retryable(message=f"{provider.display_name} asks for fewer requests.", retry_after_s=reply.retry_after_s)
            case Answer():
                return self._refused(reply, ending)
        assert_never(reply)

    def _ended(self, answer: Answer, ending: Ending) -> Outcome:
        """A 200 is a cancellation only if the record says so, be it in the answer or apart; it may be an offer instead."""
        subscription, provider = ending.subscription, ending.subscription.provider
        offer = _offer(answer)
        if offer is not None:
            return self._decline(offer, ending)
        still_runs = Unknown(message=f"{provider.display_name} answered, and still lists it as running.")
        if not DIALECTS[provider.dialect].answers_with_record:
            found = self._looked_up(ending)
            return still_runs if isinstance(found, NotThere) else found
        try:
            current = DIALECTS[provider.dialect].read_one(answer, provider)
        except UnreadableError:
            return Unknown(message=f"{provider.display_name} answered, but the answer cannot be read.")
        if current.subscription_id != subscription.subscription_id:
            return Unknown(message=f"{provider.display_name} answered for another subscription.")
        return self._proof(current, subscription, ending.when, ending.zone) or still_runs

    def _decline(self, offer: Offer, ending: Ending) -> Outcome:
        """Ask once more, with the offer declined. A second offer is not argued with: whatever else is pressed might accept it."""
        if offer.confirm_token is None or ending.decline is not None:
            return _offered(ending.subscription.provider)
        return self._end(replace(ending, decline=offer.confirm_token))

    def _refused(self, answer: Answer, ending: Ending) -> Outcome:
        """Only the provider's own words make a definite no, and some of them only mean that it was over already."""
        provider = ending.subscription.provider
        try:
            refusal = DIALECTS[provider.dialect].read_refusal(answer, provider)
        except UnreadableError:
            return Unknown(message=f"{provider.display_name} gave an answer that cannot be read (status {answer.status}).")
        return self._after_a_look(refusal, ending) if isinstance(refusal, Contested) else refusal

    def _after_a_look(self, refusal: Contested, ending: Ending) -> Outcome:
        try:
            current = self._current(ending.subscription)
        except VendorFailed as error:
            return Unknown(message=error.message)
        if current is None:
            return Rejected(reason=Reason.NOT_FOUND, message=f"{ending.subscription.provider.display_name} knows no such subscription.")
        return self._proof(current, ending.subscription, ending.when, ending.zone) or refusal.otherwise

    def _looked_up(self, ending: Ending) -> Found:
        return self.find(ending.subscription, when=ending.when, zone=ending.zone)

    def _proof(self, current: Subscription, asked: Subscription, when: When, zone: ZoneInfo) -> Done | None:
        """`Done` with what the provider's own record proves, if it proves what was asked for. The price is the one it had while it ran."""
        if current.status == "unknown":
            return None
        over = current.is_over(self._clock.now())
        if not over and (when == "now" or current.status != "ending"):
            return None
        date = "" if current.ends_at is None else day_in(current.ends_at, zone)
        artifacts = (
            Artifact(label="Subscription", text=current.subscription_id),
            Artifact(label="Ended" if over else "Ends on", text=date or "ended"),
            Artifact(label="No longer charged", text=f"{asked.price.display} a {asked.interval}"),
        )
        return Done(reference=current.subscription_id, total=asked.provider.fee, artifacts=artifacts)

    # Asking.

    def _registry_key(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._api_key.get_secret_value()}"}

    def _site(self, provider: Provider) -> Site:
        return Site(provider=provider, root=f"{self._base_url}/{quote(provider.provider_id, safe='')}", api_key=self._api_key)

    def _ask(self, name: str, call: Call, *, also: frozenset[int] = frozenset()) -> Answer:
        """A 200 to a call that changes nothing, or one of the statuses in `also`. Raises `VendorFailed`."""
        return usable(name, self._http.read(call), also=also)

    def _with(self, provider: Provider) -> tuple[Subscription, ...]:
        """The one subscription with `provider`, or none: a running one rather than one that has ended."""
        dialect = _dialect(provider)
        if not isinstance(dialect, Listing):
            named = None if provider.purchase is None else self._read(provider, provider.purchase.token)
            return () if named is None else (named,)
        answer = self._ask(provider.display_name, dialect.list_all(self._site(provider)))
        try:
            found = dialect.read_list(answer, provider)
        except UnreadableError as error:
            raise failed(provider.display_name, answer) from error
        return tuple(sorted(found, key=lambda one: one.status == "ended"))[:1]

    def _current(self, subscription: Subscription) -> Subscription | None:
        """The subscription as it is now; None where the provider says in its own words that there is none. Raises `VendorFailed`."""
        return self._read(subscription.provider, subscription.subscription_id)

    def _read(self, provider: Provider, subscription_id: str) -> Subscription | None:
        dialect = _dialect(provider)
        answer = self._ask(provider.display_name, dialect.retrieve(self._site(provider), subscription_id), also=dialect.missing)
        try:
            if answer.status in dialect.missing and dialect.says_missing(answer):
                return None
            current = dialect.read_one(answer, provider)
        except UnreadableError as error:
            raise failed(provider.display_name, answer) from error
        if current.subscription_id != subscription_id:
            raise failed(provider.display_name, answer)
        return current


def _dialect(provider: Provider) -> Dialect:
    """What the provider is asked in. One whose language nobody here speaks is still read, if it can be, as the commonest."""
    return DIALECTS.get(provider.dialect, _COMMONEST)


def _offer(answer: Answer) -> Offer | None:
    try:
        return read_as(answer, Offer)
    except UnreadableError:
        return None


def _handed_over(provider: Provider) -> HandOff:
    own_page = f"{provider.display_name} takes cancellations only on its own page."
    in_person = f"{provider.display_name} takes cancellations only from you, by telephone or in writing."
    message = provider.instructions or (own_page if provider.capability == "deeplink" else in_person)
    return HandOff(url=provider.deeplink or "", message=message)


def _offered(provider: Provider) -> Outcome:
    message = f"{provider.display_name} keeps making an offer instead of ending it. It was not accepted, and the subscription goes on."
    return HandOff(url=provider.deeplink or "", message=message)


def _words(when: When) -> str:
    return "now" if when == "now" else "at the end of the paid period"
