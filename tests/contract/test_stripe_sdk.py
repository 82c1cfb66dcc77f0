"""Stripe's own Python library against the simulated provider that speaks its dialect: the double is good enough for somebody else's code."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import stripe

from halo_sim.faults import add_fault
from halo_sim.http import serving
from halo_sim.ledger import read_ledger
from halo_sim.world import World


@pytest.fixture
def client(world: World) -> Iterator[stripe.StripeClient]:
    """The library's client, pointed at one provider on loopback, without its own retries."""
    stripe.enable_telemetry = False
    with serving(world) as url:
        yield stripe.StripeClient("sk_halo_sim", base_addresses={"api": f"{url}/subscriptions/streamly"}, max_network_retries=0)


class TestStripesOwnLibrary:
    def test_lists_and_cancels_a_subscription(self, client: stripe.StripeClient, world: World) -> None:
        """At the end of the period, and then at once."""
        (held,) = client.v1.subscriptions.list().data
        assert (held.id, held.status) == ("sub_streamly", "active")
        ending = client.v1.subscriptions.update(held.id, {"cancel_at_period_end": True})
        assert (ending.status, ending.cancel_at_period_end) == ("active", True)
        assert client.v1.subscriptions.cancel(held.id).status == "canceled"
        assert [entry.kind for entry in read_ledger(world.path)] == ["cancellation", "cancellation"]

    def test_is_told_no_in_its_own_words(self, client: stripe.StripeClient) -> None:
        """Its exceptions are made of the error bodies it knows."""
        with pytest.raises(stripe.InvalidRequestError, match="No such subscription"):
            client.v1.subscriptions.retrieve("sub_nobody")

    def test_sees_a_fault_as_its_own_kind_of_trouble(self, client: stripe.StripeClient, world: World) -> None:
        """429 is its rate limit."""
        add_fault(world, "rate_limited", target="subscriptions")
        with pytest.raises(stripe.RateLimitError):
            client.v1.subscriptions.list()
