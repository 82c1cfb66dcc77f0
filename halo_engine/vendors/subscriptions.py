"""Subscriptions: who sells them, what the household has, and ending one.

`verbs/cancel.py` calls it. Reads raise `VendorFailed`; `cancel` gives exactly one `Outcome`, and for a provider that takes cancellations
only from a person it gives a `HandOff` without calling anybody.

The surprising part: "cancelled" is rarely over. What a cancellation proves is when the subscription ends, so that is what `Done` carries.
The provider is addressed under the configured base URL by its id; the address in its registry entry is never followed.
Source: vendor notes §4.1 and §4.3.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, assert_never
from urllib.parse import quote

from pydantic import SecretStr

from halo_engine.clock import Clock
from halo_engine.model.errors import VendorFailed
from halo_engine.model.outcome import Artifact, Done, Found, HandOff, NotThere, Outcome, Reason, Rejected, Retryable, Unknown
from halo_engine.vendors.http import Answer, Call, MayHaveBeenSent, NotSent, Reply, VendorHttp, failed
from halo_engine.vendors.subscriptions_values import Provider, Subscription, When
from halo_engine.vendors.subscriptions_wire import ErrorBody, Offer, Registry, SubscriptionBody, SubscriptionList
from halo_engine.vendors.wire import UnreadableError, read_as

__all__ = ["Provider", "Subscription", "Subscriptions", "When"]

_REGISTRY = "The provider registry"

_REFUSALS = {
    400: Reason.OTHER,
    402: Reason.PAYMENT,
    403: Reason.RESTRICTED,
    404: Reason.NOT_FOUND,
}


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
        answer = self._ask(_REGISTRY, self._call("GET", "/v1/providers"))
        try:
            return read_as(answer, Registry).providers()
        except UnreadableError as error:
            raise failed(_REGISTRY, answer) from error

    def subscriptions(self) -> tuple[Subscription, ...]:
        """The subscription with each provider that has one, ended ones too. Raises `VendorFailed`."""
        return tuple(found for provider in self.providers() for found in self._with(provider))

    def get(self, provider_id: str) -> Subscription | None:
        """The subscription with that provider; None where there is none, or no such provider. Raises `VendorFailed`."""
        provider = next((one for one in self.providers() if one.provider_id == provider_id), None)
        return None if provider is None else next(iter(self._with(provider)), None)

    def find(self, subscription: Subscription, *, when: When) -> Found:
        """Whether it is ending, or for `now` whether it has ended."""
        try:
            current = self._current(subscription)
        except VendorFailed as error:
            return Unknown(message=error.message)
        if current is None or current.status == "unknown":
            return Unknown(message=f"What {subscription.provider.display_name} says about the subscription cannot be relied on.")
        return self._proof(current, when) or NotThere()

    # Ending.

    def cancel(self, subscription: Subscription, *, when: When, key: str) -> Outcome:
        """End `subscription`, at the end of the paid period or now. The same `key` again repeats nothing. Offers to stay are declined."""
        provider = subscription.provider
        if provider.capability != "api":
            return _handed_over(provider)
        if when not in provider.modes:
            return Rejected(reason=Reason.POLICY, message=f"{provider.display_name} does not offer to end it {_words(when)}.")
        reply = self._http.commit(self._end_call(subscription, when, key))
        return self._settled(reply, subscription, when)

    def _end_call(self, subscription: Subscription, when: When, key: str) -> Call:
        path = _path(subscription.provider, subscription.subscription_id)
        if when == "now":
            # No key: what has ended cannot be ended again.
            return self._call("DELETE", path)
        return replace(self._call("POST", path, key=key), form={"cancel_at_period_end": "true"})

    def _settled(self, reply: Reply, subscription: Subscription, when: When) -> Outcome:
        name = subscription.provider.display_name
        match reply:
            case NotSent(why):
                return Retryable(message=f"{name} could not be reached: {why}.")
            case MayHaveBeenSent(why):
                return Unknown(message=f"{name} did not confirm the cancellation: {why}.")
            case Answer(status=200):
                return self._ended(reply, subscription, when)
            case Answer(status=429):
                return Retryable(message=f"{name} asks for fewer requests.", retry_after_s=reply.retry_after_s)
            case Answer():
                return self._refused(reply, subscription, when)
        assert_never(reply)

    def _ended(self, answer: Answer, subscription: Subscription, when: When) -> Outcome:
        try:
            read_as(answer, Offer)
        except UnreadableError:
            pass
        else:
            return _offered(subscription.provider)
        try:
            current = read_as(answer, SubscriptionBody).subscription(subscription.provider)
        except UnreadableError:
            return Unknown(message=f"{subscription.provider.display_name} answered, but the answer cannot be read.")
        if current.subscription_id != subscription.subscription_id:
            return Unknown(message=f"{subscription.provider.display_name} answered for another subscription.")
        return self._proof(current, when) or Unknown(
            message=f"{subscription.provider.display_name} answered, and still lists it as running."
        )

    def _refused(self, answer: Answer, subscription: Subscription, when: When) -> Outcome:
        """Only the provider's own words make a definite no, and "no such subscription" may mean that it has ended already."""
        name = subscription.provider.display_name
        try:
            said = read_as(answer, ErrorBody)
        except UnreadableError:
            return Unknown(message=f"{name} gave an answer that cannot be read (status {answer.status}).")
        if answer.status in (400, 404) and said.error.code == "resource_missing":
            return self._missing(subscription, when)
        if answer.status == 401:
            return Retryable(message=f"{name} did not accept the stored key.", auth=True)
        # The key was used before with other terms: what became of that is not known.
        reason = None if "idempotency_error" in (said.error.type, said.error.code) else _REFUSALS.get(answer.status)
        if reason is None:
            return Unknown(message=f"{name} did not settle it (status {answer.status}).")
        return Rejected(reason=reason, message=f"{name} refused it: {said.message}")

    def _missing(self, subscription: Subscription, when: When) -> Outcome:
        name = subscription.provider.display_name
        try:
            current = self._current(subscription)
        except VendorFailed as error:
            return Unknown(message=error.message)
        if current is None:
            return Rejected(reason=Reason.NOT_FOUND, message=f"{name} knows no such subscription.")
        return self._proof(current, when) or Unknown(message=f"{name} contradicts itself about the subscription.")

    def _proof(self, current: Subscription, when: When) -> Done | None:
        """`Done` with what the provider's own record proves, if it proves what was asked for."""
        if current.status == "unknown":
            return None
        over = current.status == "ended" or (current.ends_at is not None and current.ends_at <= self._clock.now())
        if not over and (when == "now" or current.status != "ending"):
            return None
        date = "" if current.ends_at is None else f"{current.ends_at:%Y-%m-%d}"
        artifacts = (
            Artifact(label="Subscription", text=current.subscription_id),
            Artifact(label="Ended" if over else "Ends on", text=date or "ended"),
            Artifact(label="No longer charged", text=f"{current.price.display} a {current.interval}"),
        )
        return Done(reference=current.subscription_id, total=current.provider.fee, artifacts=artifacts)

    # Asking.

    def _call(self, method: Literal["GET", "POST", "DELETE"], path: str, *, key: str | None = None) -> Call:
        keyed = {} if key is None else {"Idempotency-Key": key}
        headers = {"Authorization": f"Bearer {self._api_key.get_secret_value()}"} | keyed
        return Call(method=method, url=f"{self._base_url}{path}", headers=headers)

    def _ask(self, name: str, call: Call, *, also: frozenset[int] = frozenset()) -> Answer:
        """A 200 to a call that changes nothing, or one of the statuses in `also`. Raises `VendorFailed`."""
        reply = self._http.read(call)
        if not isinstance(reply, Answer):
            raise failed(name, reply) from reply.error
        if reply.status != 200 and reply.status not in also:
            raise failed(name, reply)
        return reply

    def _with(self, provider: Provider) -> tuple[Subscription, ...]:
        """The one subscription with `provider`, or none: a running one rather than one that has ended."""
        call = replace(self._call("GET", _path(provider)), query={"status": "all", "limit": "10"})
        answer = self._ask(provider.display_name, call)
        try:
            found = [body.subscription(provider) for body in read_as(answer, SubscriptionList).data]
        except UnreadableError as error:
            raise failed(provider.display_name, answer) from error
        return tuple(sorted(found, key=lambda one: one.status == "ended"))[:1]

    def _current(self, subscription: Subscription) -> Subscription | None:
        """The subscription as it is now; None where the provider says in its own words that there is none. Raises `VendorFailed`."""
        provider = subscription.provider
        answer = self._ask(provider.display_name, self._call("GET", _path(provider, subscription.subscription_id)), also=frozenset({404}))
        try:
            if answer.status == 404:
                read_as(answer, ErrorBody)
                return None
            current = read_as(answer, SubscriptionBody).subscription(provider)
        except UnreadableError as error:
            raise failed(provider.display_name, answer) from error
        if current.subscription_id != subscription.subscription_id:
            raise failed(provider.display_name, answer)
        return current


def _path(provider: Provider, subscription_id: str | None = None) -> str:
    listed = f"/{quote(provider.provider_id, safe='')}/v1/subscriptions"
    return listed if subscription_id is None else f"{listed}/{quote(subscription_id, safe='')}"


def _handed_over(provider: Provider) -> HandOff:
    own_page = f"{provider.display_name} takes cancellations only on its own page."
    in_person = f"{provider.display_name} takes cancellations only from you, by telephone or in writing."
    message = provider.instructions or (own_page if provider.capability == "deeplink" else in_person)
    return HandOff(url=provider.deeplink or "", message=message)


def _offered(provider: Provider) -> Outcome:
    """Left unanswered, which declines it: how to answer without accepting is documented nowhere, and whatever is pressed might accept."""
    message = f"{provider.display_name} made an offer instead of ending it. It was not accepted, and the subscription goes on."
    return HandOff(url=provider.deeplink or "", message=message)


def _words(when: When) -> str:
    return "now" if when == "now" else "at the end of the paid period"
