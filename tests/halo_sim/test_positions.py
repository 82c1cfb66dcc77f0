"""The faults of a call, at each position on its way: in process as the exception httpx would raise, over loopback as a real broken socket."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from halo_engine.clock import FakeClock
from halo_engine.vendors.http import Answer, Call, Limits, MayHaveBeenSent, NotSent, VendorHttp
from halo_sim.faults import FAULTS, LASTING, POSITIONS, Position, add_fault, list_faults
from halo_sim.http import SimTransport, serving
from halo_sim.ledger import read_ledger
from halo_sim.mangling import NAMES
from halo_sim.world import World
from tests.halo_sim.callers import LOGIN, ORDERS, REPORTS, Amazon, Subscriptions, artifacts, line, order, product

SOAP = product("Tidewell dish soap 24 fl oz pack of 3")

NOW = datetime(2026, 11, 22, 16, 29, tzinfo=UTC)

BREAKS = [
    ("refuse_connection", httpx.ConnectError),
    ("connect_timeout", httpx.ConnectTimeout),
    ("reset_on_headers", httpx.WriteError),
    ("reset_on_body", httpx.ReadError),
    ("drop_before", httpx.ReadTimeout),
]


class TestBeforeTheEffect:
    @pytest.mark.parametrize(("fault", "error"), BREAKS)
    def test_a_broken_connection_has_none(self, amazon: Amazon, world: World, fault: str, error: type[Exception]) -> None:
        """Nothing is placed, and the next try goes through."""
        add_fault(world, fault, target="amazon.place_order")
        with pytest.raises(error):
            amazon.place(line(SOAP))
        assert read_ledger(world.path) == ()
        assert artifacts(amazon.place(line(SOAP)), "OrderIdentifier")

    @pytest.mark.parametrize(
        ("fault", "status", "wait"),
        [
            ("server_error", 500, None),
            ("rate_limited_bare", 429, None),
            ("rate_limited_silly", 429, "1000000000000"),
            ("unavailable", 503, None),
        ],
    )
    def test_a_refusal_says_so(self, amazon: Amazon, world: World, fault: str, status: int, wait: str | None) -> None:
        """With the Retry-After that its name promises."""
        add_fault(world, fault)
        said = amazon.post(ORDERS, order(line(SOAP)))
        assert (said.status_code, said.headers.get("retry-after")) == (status, wait)
        assert read_ledger(world.path) == ()

    def test_a_phantom_answers_as_if_it_were_done(self, amazon: Amazon, world: World) -> None:
        """An order number, and no order."""
        add_fault(world, "phantom")
        assert artifacts(amazon.place(line(SOAP)), "OrderIdentifier")
        assert read_ledger(world.path) == ()
        assert amazon.get(f"{ORDERS}/halo-1").status_code == 404

    def test_an_offer_to_stay_cancels_nothing(self, subscriptions: Subscriptions, world: World) -> None:
        """Status 200, and the subscription goes on."""
        add_fault(world, "retention_offer")
        assert subscriptions.update("streamly", cancel_at_period_end="true").json()["status"] == "offer_pending"
        assert subscriptions.read("streamly")["cancel_at_period_end"] is False


class TestAfterTheEffect:
    def test_an_error_hides_what_was_done(self, amazon: Amazon, world: World) -> None:
        """500, and one order."""
        add_fault(world, "error_after")
        assert amazon.post(ORDERS, order(line(SOAP))).status_code == 500
        assert len(read_ledger(world.path)) == 1

    def test_a_late_answer_is_waited_for_in_no_time(self, amazon: Amazon, world: World, clock: FakeClock) -> None:
        """Three seconds pass on the clock."""
        before = clock.now()
        add_fault(world, "slow", amount=3)
        assert amazon.post(ORDERS, order(line(SOAP))).status_code == 200
        assert clock.now() - before == timedelta(seconds=3)

    def test_a_very_late_answer_is_a_timeout(self, amazon: Amazon, world: World) -> None:
        """The effect is there."""
        add_fault(world, "slow", amount=60)
        with pytest.raises(httpx.ReadTimeout):
            amazon.place(line(SOAP))
        assert len(read_ledger(world.path)) == 1


class TestTheReply:
    @pytest.mark.parametrize("fault", sorted(NAMES - {"slow", "drip", "cut_mid_reply"}))
    def test_is_mangled_after_the_effect(self, amazon: Amazon, world: World, fault: str) -> None:
        """Status 200, other bytes, one order; the look-up then shows what was really said."""
        add_fault(world, fault, target="amazon.place_order")
        said = amazon.post(ORDERS, order(line(SOAP)))
        assert said.status_code == 200
        assert said.content != amazon.get(f"{ORDERS}/halo-1").content
        assert len(read_ledger(world.path)) == 1

    def test_is_cut_in_the_middle(self, amazon: Amazon, world: World) -> None:
        """The connection breaks while the answer comes."""
        add_fault(world, "cut_mid_reply")
        with pytest.raises(httpx.RemoteProtocolError):
            amazon.place(line(SOAP))
        assert len(read_ledger(world.path)) == 1

    def test_that_drips_is_a_timeout(self, amazon: Amazon, world: World) -> None:
        """A byte a second is more than anybody waits for."""
        add_fault(world, "drip")
        with pytest.raises(httpx.ReadTimeout):
            amazon.place(line(SOAP))


class TestTheWorld:
    def test_shows_orders_late(self, amazon: Amazon, world: World, clock: FakeClock) -> None:
        """404 for three seconds."""
        add_fault(world, "late_orders")
        amazon.place(line(SOAP))
        assert amazon.get(f"{ORDERS}/halo-1").status_code == 404
        clock.advance(timedelta(seconds=3))
        assert amazon.get(f"{ORDERS}/halo-1").status_code == 200

    def test_forgets_its_keys(self, amazon: Amazon, world: World) -> None:
        """The same order under the same id is a second order: what a caller must never provoke."""
        add_fault(world, "ignore_keys")
        amazon.place(line(SOAP))
        amazon.place(line(SOAP))
        assert [entry.client_reference for entry in read_ledger(world.path)] == ["halo-1", "halo-1"]

    def test_gives_two_orders_one_number(self, amazon: Amazon, world: World) -> None:
        """The books know better."""
        amazon.place(line(SOAP))
        add_fault(world, "repeat_order_id")
        told = artifacts(amazon.place(line(SOAP), key="halo-2"), "OrderIdentifier")[0]["identifier"]
        first, second = read_ledger(world.path)
        assert (told, second.reference != first.reference) == (first.reference, True)


class TestOverLoopback:
    """The same faults where sockets are real, seen through the client that the adapters use."""

    @pytest.fixture
    def url(self, world: World) -> Iterator[str]:
        with serving(world) as url:
            yield url

    @pytest.fixture
    def token(self, world: World) -> str:
        with httpx.Client(transport=SimTransport(world), base_url="http://sim.example") as http:
            return str(http.post("/lwa/auth/o2/token", data=LOGIN).json()["access_token"])

    def reply(self, url: str, token: str, *, total_s: float = 5.0) -> object:
        http = VendorHttp(None, FakeClock(NOW), limits=Limits(total_s=total_s))
        reply = http.commit(Call(method="GET", url=f"{url}{REPORTS}", headers={"x-amz-access-token": token}))
        http.close()
        return reply

    @pytest.mark.parametrize("fault", [name for name, _ in BREAKS if name != "drop_before"] + ["cut_mid_reply"])
    def test_a_broken_connection_may_have_been_sent(self, world: World, url: str, token: str, fault: str) -> None:
        """Once the server was reached, nobody can tell a refusal from a reset: the careful answer is the right one."""
        add_fault(world, fault, target="amazon")
        assert isinstance(self.reply(url, token), MayHaveBeenSent | NotSent)
        answer = self.reply(url, token)
        assert isinstance(answer, Answer)
        assert answer.status == 200

    @pytest.mark.parametrize("fault", ["drip", "slow"])
    def test_a_dripping_or_late_answer_ends_at_the_deadline(self, world: World, url: str, token: str, fault: str) -> None:
        """Bytes really drip; the client cuts them off, and the server lets go when it is stopped."""
        add_fault(world, fault, target="amazon")
        assert isinstance(self.reply(url, token, total_s=0.2), MayHaveBeenSent)


class TestTheTable:
    def test_has_every_position(self) -> None:
        """From connecting to the middle of the reply, and the world itself."""
        assert set(POSITIONS.values()) == set(Position)
        assert set(POSITIONS) == set(FAULTS)
        assert set(FAULTS) >= LASTING

    @pytest.mark.parametrize("name", sorted(set(FAULTS) - {"token_expired"}))
    def test_has_only_faults_that_can_be_ordered(self, world: World, name: str) -> None:
        """Each waits, with its own default."""
        add_fault(world, name, target=SOAP.asin)
        assert [one.name for one in list_faults(world)] == [name]
