"""What Halo says to and hears from subscription providers, as values.

Re-exported by `subscriptions`; kept apart so that the wire can make them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime

from halo_engine.model.money import Money
from halo_engine.model.value import Value

#: When a cancellation takes effect.
When = Literal["period_end", "now"]
#: What comes back of what is paid already, when it ends at once.
Refund = Literal["none", "prorated", "full"]
Status = Literal["active", "ending", "ended", "paused", "past_due", "unknown"]
Interval = Literal["month", "year"]


class Purchase(Value):
    """A subscription bought in an app, as the registry names it: its billing system neither lists it nor says how often it is paid."""

    package_name: str
    token: str
    interval: Interval


class Provider(Value):
    """A company that sells a subscription, and how it can be left."""

    provider_id: str
    display_name: str
    aliases: tuple[str, ...]
    #: Only `api` can be done by a program; the other two end with a person.
    capability: Literal["api", "deeplink", "manual"]
    modes: tuple[str, ...]
    default_mode: str
    deeplink: str | None
    dialect: str
    notice_days: int
    fee: Money | None
    loses: tuple[str, ...]
    instructions: str | None
    refund: Refund = "none"
    #: Whether it is known to answer a cancellation with an offer to stay.
    makes_offers: bool = False
    #: The one subscription there is, where the billing system cannot list.
    purchase: Purchase | None = None


class Subscription(Value):
    """One subscription as the provider states it."""

    provider: Provider
    subscription_id: str
    #: `ending` runs until `ends_at`; only `ended` is over, whatever word the provider has for either.
    status: Status
    price: Money
    interval: Interval
    period_end: AwareDatetime
    #: None while it renews.
    ends_at: AwareDatetime | None

    def is_over(self, now: datetime) -> bool:
        """Whether it has ended, also where the provider's record was not tidied up yet."""
        return self.status == "ended" or (self.ends_at is not None and self.ends_at <= now)


def day_in(at: datetime, zone: ZoneInfo) -> str:
    """The day that `at` is on in `zone`, the same on a card and in a receipt: midnight UTC may be the evening before."""
    local = at.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %Y}"
