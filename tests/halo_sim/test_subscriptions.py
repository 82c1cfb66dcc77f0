"""The registry, and the Stripe-shaped side of each provider."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from halo_engine.clock import FakeClock
from halo_sim.data import providers
from halo_sim.ledger import read_ledger
from halo_sim.subscriptions_state import first_renewal
from halo_sim.world import World
from tests.halo_sim.callers import Subscriptions, path_of

#: Streamly renews on the 13th.
RENEWAL = int(datetime(2026, 12, 13, tzinfo=UTC).timestamp())
NOW = int(datetime(2026, 11, 22, 16, 29, tzinfo=UTC).timestamp())


class TestRegistry:
    def test_lists_every_provider_in_the_agreed_shape(self, subscriptions: Subscriptions) -> None:
        """Seventeen, thirteen of which can be cancelled by a program."""
        entries = subscriptions.get("/v1/providers").json()["data"]
        assert len(entries) == 17
        capabilities = [entry["cancel"]["capability"] for entry in entries]
        assert [capabilities.count(kind) for kind in ("api", "deeplink", "manual")] == [13, 2, 2]
        streamly = entries[0]
        assert set(streamly) >= {"provider_id", "display_name", "aliases", "cancel", "deeplink", "base_url", "dialect"}
        assert streamly["base_url"] == "/subscriptions/streamly"

    def test_links_to_nobody_real(self, subscriptions: Subscriptions) -> None:
        """Every address is under .example."""
        for entry in subscriptions.get("/v1/providers").json()["data"]:
            assert entry["deeplink"].split("/")[2].endswith(".example")

    def test_wants_the_key(self, subscriptions: Subscriptions) -> None:
        """401 in Stripe's shape."""
        said = subscriptions.http.get("/subscriptions/v1/providers")
        assert (said.status_code, said.json()["error"]["type"]) == (401, "invalid_request_error")


class TestSubscription:
    @pytest.mark.parametrize("provider_id", [one.provider_id for one in providers().values() if one.dialect == "stripe"])
    def test_of_every_provider_is_listed_with_price_and_renewal(self, subscriptions: Subscriptions, provider_id: str) -> None:
        """Also where it cannot be cancelled here."""
        listed = subscriptions.get(f"/{provider_id}/v1/subscriptions").json()
        assert (listed["object"], listed["has_more"], len(listed["data"])) == ("list", False, 1)
        item = listed["data"][0]["items"]["data"][0]
        assert item["price"]["unit_amount"] == providers()[provider_id].price_cents
        assert item["current_period_start"] <= NOW < item["current_period_end"]

    def test_has_stripes_shape(self, subscriptions: Subscriptions) -> None:
        """The period's end sits on the item."""
        said = subscriptions.read("streamly")
        assert said["status"] == "active"
        assert said["items"]["data"][0]["current_period_end"] == RENEWAL
        assert "current_period_end" not in said
        assert (said["cancel_at"], said["canceled_at"], said["ended_at"]) == (None, None, None)

    def test_renews_as_time_passes(self, subscriptions: Subscriptions, clock: FakeClock) -> None:
        """The next period begins where this one ended."""
        clock.advance(timedelta(days=21))
        item = subscriptions.read("streamly")["items"]["data"][0]
        assert item["current_period_start"] == RENEWAL
        assert item["current_period_end"] == int(datetime(2027, 1, 13, tzinfo=UTC).timestamp())

    @pytest.mark.parametrize("path", ["/nobody/v1/subscriptions", "/streamly/v1/subscriptions/sub_other"])
    def test_is_404_when_there_is_none(self, subscriptions: Subscriptions, path: str) -> None:
        """In Stripe's words."""
        said = subscriptions.get(path)
        assert (said.status_code, said.json()["error"]["code"]) == (404, "resource_missing")

    def test_renewals_lie_ahead(self) -> None:
        """On whatever day the world begins."""
        for day in range(1, 32):
            created = datetime(2027, 1, day, 23, 59, tzinfo=UTC)
            assert all(first_renewal(provider, created) > created for provider in providers().values())


class TestCancelAtPeriodEnd:
    def test_stays_active_until_the_end(self, subscriptions: Subscriptions, clock: FakeClock, world: World) -> None:
        """`canceled_at` is the time of the request, not of the end."""
        form = {"cancel_at_period_end": "true", "cancellation_details[feedback]": "unused"}
        said = subscriptions.update("streamly", key="k1", **form).json()
        assert (said["status"], said["cancel_at_period_end"], said["cancel_at"], said["canceled_at"]) == ("active", True, RENEWAL, NOW)
        assert said["cancellation_details"] == {"comment": None, "feedback": "unused", "reason": "cancellation_requested"}
        clock.advance(timedelta(days=21))
        ended = subscriptions.read("streamly")
        assert (ended["status"], ended["ended_at"]) == ("canceled", RENEWAL)
        entry = read_ledger(world.path)[0]
        assert (entry.reference, entry.client_reference, entry.charged.cents) == ("sub_streamly", "k1", 0)
        assert entry.detail["ends_at"] == "2026-12-13T00:00:00Z"

    def test_is_taken_back(self, subscriptions: Subscriptions, world: World) -> None:
        """Before the end; the books keep both."""
        subscriptions.update("streamly", cancel_at_period_end="true")
        said = subscriptions.update("streamly", cancel_at_period_end="false").json()
        assert (said["cancel_at_period_end"], said["canceled_at"]) == (False, None)
        assert [entry.kind for entry in read_ledger(world.path)] == ["cancellation", "undo"]

    def test_cannot_be_taken_back_after_the_end(self, subscriptions: Subscriptions, clock: FakeClock) -> None:
        """A canceled subscription is over."""
        subscriptions.update("streamly", cancel_at_period_end="true")
        clock.advance(timedelta(days=30))
        assert subscriptions.update("streamly", cancel_at_period_end="false").status_code == 400

    def test_twice_has_one_effect(self, subscriptions: Subscriptions, world: World) -> None:
        """Also without a key."""
        subscriptions.update("streamly", cancel_at_period_end="true")
        assert subscriptions.update("streamly", cancel_at_period_end="true").status_code == 200
        assert len(read_ledger(world.path)) == 1

    def test_replays_its_answer_for_a_key(self, subscriptions: Subscriptions) -> None:
        """The first answer, marked; another body under the key is refused."""
        first = subscriptions.update("streamly", key="k1", cancel_at_period_end="true")
        again = subscriptions.update("streamly", key="k1", cancel_at_period_end="true")
        assert again.content == first.content
        assert again.headers["idempotent-replayed"] == "true"
        other = subscriptions.update("streamly", key="k1", cancel_at_period_end="false")
        assert (other.status_code, other.json()["error"]["type"]) == (400, "idempotency_error")

    def test_costs_the_fee_and_keeps_the_notice(self, subscriptions: Subscriptions, world: World) -> None:
        """The gym renews in nine days and wants thirty days' notice: one more period, and $49."""
        said = subscriptions.update("ironworks-gym", cancel_at_period_end="true").json()
        assert said["cancel_at"] == int(datetime(2027, 1, 1, tzinfo=UTC).timestamp())
        assert read_ledger(world.path)[0].charged.cents == 4_900

    def test_is_not_offered_by_everybody(self, subscriptions: Subscriptions) -> None:
        """One provider only ends at once, and the gym only later."""
        assert subscriptions.update("barkbundle", cancel_at_period_end="true").status_code == 400
        assert subscriptions.delete("ironworks-gym").status_code == 400

    @pytest.mark.parametrize(
        "form",
        [{}, {"cancel_at_period_end": "yes"}, {"cancel_at_period_end": "true", "price": "0"}, {"cancellation_details[feedback]": "meh"}],
    )
    def test_refuses_what_it_does_not_know(self, subscriptions: Subscriptions, form: dict[str, str], world: World) -> None:
        """400, and nothing happened."""
        assert subscriptions.update("streamly", **form).status_code == 400
        assert read_ledger(world.path) == ()


class TestCancelNow:
    def test_ends_at_once(self, subscriptions: Subscriptions, world: World) -> None:
        """And is no longer in the list unless asked for."""
        said = subscriptions.delete("streamly").json()
        assert (said["status"], said["ended_at"], said["cancel_at_period_end"]) == ("canceled", NOW, False)
        assert subscriptions.get("/streamly/v1/subscriptions").json()["data"] == []
        assert len(subscriptions.get("/streamly/v1/subscriptions", status="all").json()["data"]) == 1
        assert read_ledger(world.path)[0].detail["mode"] == "immediate"

    def test_is_404_the_second_time(self, subscriptions: Subscriptions, world: World) -> None:
        """A read still says canceled, which tells the two apart."""
        subscriptions.delete("streamly")
        said = subscriptions.delete("streamly")
        assert (said.status_code, said.json()["error"]["code"]) == (404, "resource_missing")
        assert subscriptions.read("streamly")["status"] == "canceled"
        assert len(read_ledger(world.path)) == 1

    @pytest.mark.parametrize("provider_id", ["vireo-mobile", "parcelplus", "harborview-pool", "almanac-quarterly"])
    def test_is_for_the_api_only(self, subscriptions: Subscriptions, provider_id: str, world: World) -> None:
        """Who cancels by page or telephone cannot be cancelled here."""
        assert subscriptions.delete(provider_id).status_code == 403
        assert subscriptions.update(provider_id, cancel_at_period_end="true").status_code == 403
        assert subscriptions.get(path_of(provider_id)).json()["status"] == "active"
        assert read_ledger(world.path) == ()
