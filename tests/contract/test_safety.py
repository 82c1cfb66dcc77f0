"""Contract tests 15 and 16: two workers are one, and rubbish is never taken for a yes."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from halo_engine.model.execution import ExecutionStatus
from halo_engine.model.outcome import Done, Outcome, Pending, Rejected, Retryable, Unknown
from halo_engine.vendors.directory import Vendors
from halo_sim import recording
from halo_sim.data import fixtures_root
from halo_sim.faults import Fault, add_fault
from halo_sim.http import SimTransport
from halo_sim.ledger import read_ledger
from halo_sim.mangling import mangled
from halo_sim.replay import ReplayTransport
from halo_sim.wire import Response
from halo_sim.world import World
from tests.contract import conversations
from tests.contract.worlds import BATTERIES, DINNER, House, Wire, adapters, is_place

RUBBISH = ("malformed_json", "unknown_enums", "missing_fields", "html_page", "wrong_types", "empty_body")
#: What takes effect, by the operation that carries it.
ACTS = {"amazon.place_order": BATTERIES, "resy.book": DINNER, "subscriptions.update": "cancel streamly"}
#: The answer to a booking is two numbers and a token: there is no word in it that could be a new one.
SPEECHLESS = {("unknown_enums", "resy.book")}
CASES = [(fault, operation) for fault in RUBBISH for operation in ACTS if (fault, operation) not in SPEECHLESS]


class Test15TwoWorkersAtOnce:
    @pytest.mark.parametrize("fault", [None, "lose_answer", "drop_before"])
    def test_taking_the_same_action_are_one_side_effect(self, house: House, fault: str | None) -> None:
        """Four engines over the same books are let go at the same moment."""
        home = house.installation
        execution = home.confirm(house.draft(BATTERIES))
        if fault:
            home.fault(fault, target="amazon.place_order")
        start, engines = threading.Barrier(4), [house.another_engine() for _ in range(4)]

        def work(number: int) -> None:
            start.wait()
            # Nobody waits: waiting moves the one clock they share, and a call that is still on its way would be older than any call lives.
            engines[number].execute(execution.id, wait_s=0)

        workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        for engine in engines:
            engine.close()
        assert home.engine.execute(execution.id, wait_s=600).status is ExecutionStatus.DONE
        assert len(home.ledger()) == 1
        assert house.wire.count(is_place) == (2 if fault == "drop_before" else 1)
        assert home.verify().ok


class Test16RubbishForAnAnswer:
    """Malformed JSON, an unknown enum, a missing field, an HTML page with 200: unknown or rejected, never done."""

    @pytest.mark.parametrize("fault", RUBBISH)
    def test_to_an_order_is_never_done(self, vendors: Vendors, world: World, fault: str) -> None:
        """At the adapter, with the order really placed."""
        lines, quote = conversations.quoted(vendors.amazon)
        add_fault(world, fault, target="amazon.place_order")
        outcome = vendors.amazon.place(lines, ship_to=conversations.HOME, external_id="halo-1", expected=quote)
        assert _is_no_yes(outcome)
        assert len(read_ledger(world.path)) == 1

    @pytest.mark.parametrize("fault", [fault for fault in RUBBISH if (fault, "resy.book") not in SPEECHLESS])
    def test_to_a_booking_is_never_done(self, vendors: Vendors, world: World, fault: str) -> None:
        """At the adapter, with the table really booked."""
        slot, terms = conversations.table(vendors.resy)
        add_fault(world, fault, target="resy.book")
        assert _is_no_yes(vendors.resy.book(slot, party_size=2, expected=terms))
        assert len(read_ledger(world.path)) == 1

    @pytest.mark.parametrize(
        ("provider_id", "operation"), [("streamly", "update"), ("forkful", "cancel_for_items"), ("cineloft", "cancel")]
    )
    @pytest.mark.parametrize("fault", RUBBISH)
    def test_to_a_cancellation_is_never_done(self, vendors: Vendors, world: World, fault: str, provider_id: str, operation: str) -> None:
        """At the adapter, in each dialect, with the subscription really ending."""
        held = vendors.subscriptions.get(provider_id)
        assert held is not None
        add_fault(world, fault, target=f"subscriptions.{operation}")
        assert _is_no_yes(vendors.subscriptions.cancel(held, when="period_end", key="one"))
        assert len(read_ledger(world.path)) == 1

    @pytest.mark.parametrize("fault", [fault for fault in RUBBISH if fault != "missing_fields"])
    def test_for_the_record_after_a_silent_yes_is_never_done(self, world: World, fault: str) -> None:
        """At Google Play, whose yes has no body. (A record without the first member of each part still says its state and its end.)"""
        wire = Wire(SimTransport(world), strikes=lambda request: request.method == "POST")
        wire.meanwhile = lambda: add_fault(world, fault, target="subscriptions.read")
        subscriptions = adapters(wire).subscriptions
        held = subscriptions.get("trailmark")
        assert held is not None
        assert _is_no_yes(subscriptions.cancel(held, when="period_end", key="one"))
        assert len(read_ledger(world.path)) == 1

    @pytest.mark.parametrize("fault", RUBBISH)
    def test_to_an_order_at_zinc_is_never_done(self, vendors: Vendors, world: World, fault: str) -> None:
        """Neither done nor pending: a reference that cannot be read is no reference."""
        lines, quote = conversations.quoted(vendors.zinc)
        add_fault(world, fault, target="zinc.place_order")
        assert _is_no_yes(vendors.zinc.place(lines, ship_to=conversations.HOME, external_id="halo-1", expected=quote))

    @pytest.mark.parametrize("fault", RUBBISH)
    def test_to_an_appointment_is_never_done(self, vendors: Vendors, world: World, fault: str) -> None:
        """At Square, with the time really taken."""
        wanted = conversations.appointment(vendors)
        add_fault(world, fault, target="square.create_booking")
        assert _is_no_yes(vendors.square.book(wanted, key="halo-1"))
        assert len(read_ledger(world.path)) == 1

    @pytest.mark.parametrize(("fault", "operation"), CASES)
    def test_is_reconciled_to_one_effect(self, house: House, fault: str, operation: str) -> None:
        """Through the engine: unknown, looked up, done, once."""
        home = house.installation
        card = house.draft(ACTS[operation])
        home.fault(fault, target=operation)
        assert home.carry_out(card).status is ExecutionStatus.DONE
        assert len(home.ledger()) == 1
        assert home.verify().ok

    @pytest.mark.parametrize("fault", RUBBISH)
    def test_in_a_replayed_recording_is_never_done(self, fault: str) -> None:
        """The same assertion over the third world: the recorded order, with its answer mangled."""
        recorded = recording.read(_recording("amazon", "order"))
        spoken = tuple(replace(one, answer=_mangled(one.answer, fault)) if _places(one) else one for one in recorded.spoken)
        vendors = adapters(ReplayTransport(replace(recorded, spoken=spoken)))
        lines, quote = conversations.quoted(vendors.amazon)
        assert _is_no_yes(vendors.amazon.place(lines, ship_to=conversations.HOME, external_id=conversations.KEY, expected=quote))


def _is_no_yes(outcome: Outcome) -> bool:
    assert not isinstance(outcome, Done | Pending | Retryable)
    return isinstance(outcome, Unknown | Rejected)


def _recording(vendor: str, case: str) -> Path:
    return fixtures_root() / "vendors" / vendor / "recordings" / f"{case}.json"


def _places(spoken: recording.Spoken) -> bool:
    return spoken.method == "POST" and spoken.target.endswith("/orders") and "TrialMode" not in spoken.body


def _mangled(answer: str, fault: str) -> str:
    struck = Fault(id=1, name=fault, target=None, amount=None, times_left=1)
    return mangled(Response(status=200, body=answer.encode()), struck).body.decode()
