"""CANCEL: end a subscription that the household has, at the end of what is paid for or at once.

What it comes to stands on the card before anybody confirms: when it ends, with the notice that has to be kept, what is paid back, the fee, what is
lost. A fee is money like any other. Only a provider with an API can be cancelled by Halo. For the others the confirmed draft ends in a hand-over with
the provider's own page; it is never called done. An offer to stay is declined: what was confirmed is the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from dateutil.relativedelta import relativedelta
from rapidfuzz import fuzz, process, utils

from halo_engine.model.draft import Charge, Fact, Terms
from halo_engine.model.intent import Example, Params, VerbSpec
from halo_engine.model.money import Money
from halo_engine.model.option import Option
from halo_engine.model.outcome import Found, Outcome, Reason, Rejected, Unknown
from halo_engine.vendors.subscriptions import Subscription, day_in
from halo_engine.verb import Context, Instruction, Proposal, Question, Refusal, Verb
from halo_engine.verbs.fields import Words
from halo_engine.verbs.purchase import as_payload

VENDOR = "subscriptions"
_OPTIONS = 3
#: How alike (of 100) a name must be to be asked about.
_SIMILAR = 70


class CancelParams(Params):
    """A subscription to end. `when` is None where the person did not say."""

    fields: ClassVar[tuple[str, ...]] = ("subscription",)

    subscription: Words | None = None
    when: Literal["period_end", "now"] | None = None

    def missing(self) -> tuple[str, ...]:
        return () if self.subscription else ("subscription",)


class Cancel(Verb[CancelParams]):
    spec = VerbSpec(
        name="CANCEL",
        describes="Cancel one of the household's subscriptions.",
        params=CancelParams,
        examples=(
            Example("cancel streamly", {"subscription": "streamly"}),
            Example("cancel stratobox right away", {"subscription": "stratobox", "when": "now"}),
            Example("cancel my news subscription at the end of the month", {"subscription": "news", "when": "period_end"}),
        ),
    )
    questions: ClassVar = {"subscription": "Which subscription should I cancel?"}

    def question(self, field: str, params: CancelParams, context: Context) -> Question:
        """With the household's own, the next to renew first."""
        running = _running(context.vendors.subscriptions.subscriptions(), context.now)
        return Question(field=field, question=self.questions[field], options=_options(params, running, context))

    def resolve(self, params: CancelParams, context: Context) -> Instruction | Question | Refusal:
        subscriptions = context.vendors.subscriptions.subscriptions()
        named = _named(params.subscription or "", subscriptions)
        if len(named) != 1:
            return _which(params, named or _similar(params.subscription or "", subscriptions), subscriptions, context)
        subscription = named[0]
        is_over = subscription.is_over(context.now)
        if is_over or (subscription.status == "ending" and params.when != "now"):
            day = day_in(subscription.ends_at or subscription.period_end, context.zone)
            ends = "ended" if is_over else "ends"
            return Refusal(reason=f"{subscription.provider.display_name} is cancelled already: it {ends} on {day}.")
        when = params.when or subscription.provider.default_mode
        if subscription.provider.capability == "api" and when not in subscription.provider.modes:
            return Refusal(reason=f"{subscription.provider.display_name} cannot be cancelled {_MODES[when]}.")
        return {"provider_id": subscription.provider.provider_id, "subscription_id": subscription.subscription_id, "when": when}

    def quote(self, instruction: Instruction, context: Context) -> Proposal | Refusal:
        subscription = context.vendors.subscriptions.get(instruction["provider_id"])
        if subscription is None or subscription.subscription_id != instruction["subscription_id"]:
            return Refusal(reason="The subscription is not there any more.")
        provider, now = subscription.provider, instruction["when"] == "now"
        ends = "at once" if now else day_in(_end(subscription, context.now), context.zone)
        fee = _fee(subscription)
        return Proposal(
            verb=self.spec.name,
            title=f"Cancel {provider.display_name}",
            summary=f"{provider.display_name} ends {ends if now else f'on {ends}'}; {_price(subscription)} is no longer charged",
            vendor=VENDOR,
            payee=provider.display_name,
            charges=(Charge(label="cancellation fee", amount=fee),) if fee.cents else (),
            total=fee,
            payment_method=context.preference.payment_method_masked if fee.cents else None,
            fulfilment=_facts(subscription, ends, context, now=now),
            policies=_policies(subscription, context, now=now),
            warnings=_warnings(subscription, now=now),
            irreversible=now or provider.capability != "api" or fee.cents > 0,
            instruction=dict(instruction),
        )

    def commit(self, terms: Terms, fresh: Proposal, *, key: str, context: Context) -> Outcome:
        subscription = self._subscription(terms, context)
        if subscription is None:
            return Rejected(reason=Reason.NOT_FOUND, message="The subscription is not there any more.")
        fee = _fee(subscription)
        if fee.currency != terms.maximum.currency or fee > terms.maximum:
            return Rejected(reason=Reason.PRICE, message=f"Cancelling now costs {fee.display}; {terms.maximum.display} was confirmed.")
        return context.vendors.subscriptions.cancel(subscription, when=terms.instruction["when"], key=key, zone=context.zone)

    def look_up(self, terms: Terms, *, key: str, context: Context) -> Found:
        subscription = self._subscription(terms, context)
        if subscription is None:
            return Unknown(message="The subscription could not be found at the provider's.")
        return context.vendors.subscriptions.find(subscription, when=terms.instruction["when"], zone=context.zone)

    def repeats_safely(self, terms: Terms) -> bool:
        """Cancelling what is cancelled changes nothing, and where keys are not honoured the record is read before a repeat."""
        return True

    @staticmethod
    def _subscription(terms: Terms, context: Context) -> Subscription | None:
        found = context.vendors.subscriptions.get(terms.instruction["provider_id"])
        return found if found and found.subscription_id == terms.instruction["subscription_id"] else None


_MODES = {"now": "at once", "period_end": "at the end of the period"}


def _names(subscription: Subscription) -> tuple[str, ...]:
    provider = subscription.provider
    return tuple(name.casefold() for name in (provider.display_name, provider.provider_id, *provider.aliases))


def _named(said: str, subscriptions: Sequence[Subscription]) -> tuple[Subscription, ...]:
    """Those whose name or alias is what was said; failing that, those whose name has all its words."""
    wanted = said.casefold().strip()
    exact = tuple(subscription for subscription in subscriptions if wanted in _names(subscription))
    words = set(wanted.split())
    return exact or tuple(s for s in subscriptions if words and any(words <= set(name.split()) for name in _names(s)))


def _similar(said: str, subscriptions: Sequence[Subscription]) -> tuple[Subscription, ...]:
    """The nearest names, for a question; never acted upon."""
    by_name = {name: subscription for subscription in subscriptions for name in _names(subscription)}
    close = process.extract(said, list(by_name), scorer=fuzz.WRatio, processor=utils.default_process, limit=None, score_cutoff=_SIMILAR)
    return tuple(dict.fromkeys(by_name[name] for name, _, _ in close))[:_OPTIONS]


def _running(subscriptions: Sequence[Subscription], now: datetime) -> list[Subscription]:
    """Those that can still be cancelled, the next to renew first."""
    running = (one for one in subscriptions if one.status != "ending" and not one.is_over(now))
    return sorted(running, key=lambda one: one.period_end)


def _which(
    params: CancelParams, candidates: Sequence[Subscription], subscriptions: Sequence[Subscription], context: Context
) -> Question | Refusal:
    if not candidates:
        return Refusal(
            reason=f"The household has no subscription called {params.subscription}.{_what_there_is(_running(subscriptions, context.now))}"
        )
    return Question(field="subscription", question="Which subscription do you mean?", options=_options(params, candidates, context))


def _options(params: CancelParams, subscriptions: Sequence[Subscription], context: Context) -> tuple[Option, ...]:
    return tuple(
        Option(
            label=s.provider.display_name,
            reason=f"{_price(s)}, renews on {day_in(s.period_end, context.zone)}",
            params=as_payload(params.model_copy(update={"subscription": s.provider.display_name})),
        )
        for s in subscriptions[:_OPTIONS]
    )


def _what_there_is(running: Sequence[Subscription]) -> str:
    names = [one.provider.display_name for one in running[:_OPTIONS]]
    others = len(running) - len(names)
    more = [f"{others} more"] if others else []
    return f" It has {' and '.join([', '.join(names), *more])}." if names else ""


_REFUNDS = {
    "none": "nothing: what is paid is not paid back",
    "prorated": "the part of the period that is left, as the provider counts it",
    "full": "the whole of the period that is paid",
}


def _fee(subscription: Subscription) -> Money:
    """What Halo's cancelling it costs. Where a person does it, nothing is charged through Halo."""
    provider = subscription.provider
    nothing = Money(cents=0, currency=subscription.price.currency)
    return provider.fee if provider.fee and provider.capability == "api" else nothing


def _facts(subscription: Subscription, ends: str, context: Context, *, now: bool) -> tuple[Fact, ...]:
    refund = _REFUNDS[subscription.provider.refund] if now else "nothing: it runs until the end of what is paid"
    facts = (
        Fact(label="ends", text=ends),
        Fact(label="paid back", text=refund),
        Fact(label="costs now", text=_price(subscription)),
        Fact(label="next renewal", text=day_in(subscription.period_end, context.zone)),
    )
    how = subscription.provider.instructions
    return (*facts, Fact(label="how", text=how)) if how and subscription.provider.capability != "api" else facts


def _policies(subscription: Subscription, context: Context, *, now: bool) -> tuple[str, ...]:
    provider = subscription.provider
    once_more = "" if _in_time(subscription, context.now) else " It is too late for this period: it renews once more."
    notice = (f"Notice of {provider.notice_days} days.{once_more}",) if provider.notice_days and not now else ()
    offers = (f"If {provider.display_name} makes an offer to stay, it is declined.",) if provider.makes_offers else ()
    return (*notice, *offers)


def _warnings(subscription: Subscription, *, now: bool) -> tuple[str, ...]:
    provider = subscription.provider
    if provider.capability != "api":
        costs = (f"{provider.display_name} asks for a fee of {provider.fee.display}.",) if provider.fee else ()
        itself = f"Halo cannot cancel {provider.display_name} itself: you get the way to do it, and it goes on until you have."
        return (itself, *costs, *_losses(subscription))
    ending = "This cannot be undone." if now else "After that date this cannot be undone."
    overdue = ("A payment is overdue: cancelling does not settle it.",) if subscription.status == "past_due" else ()
    return (ending, *overdue, *_losses(subscription))


def _losses(subscription: Subscription) -> tuple[str, ...]:
    return tuple(f"You lose: {loss}" for loss in subscription.provider.loses)


def _in_time(subscription: Subscription, now: datetime) -> bool:
    """Whether there is time left for the notice, which counts from when it was given, where it was given already."""
    if subscription.ends_at is not None:
        return subscription.ends_at <= subscription.period_end
    return now + timedelta(days=subscription.provider.notice_days) <= subscription.period_end


def _end(subscription: Subscription, now: datetime) -> datetime:
    """The provider's own date where there is one; else the end of the period, or of the next one where too little time is left for the notice."""
    if subscription.ends_at is not None:
        return subscription.ends_at
    period = relativedelta(months=1) if subscription.interval == "month" else relativedelta(years=1)
    return subscription.period_end if _in_time(subscription, now) else subscription.period_end + period


def _price(subscription: Subscription) -> str:
    return f"{subscription.price.display} a {subscription.interval}"
