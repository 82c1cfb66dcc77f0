"""Homes in which something waits."""

from __future__ import annotations

from pathlib import Path

from halo_engine.clock import FakeClock
from halo_engine.model.execution import ExecutionStatus
from halo_sim.faults import clear_faults
from tests.installation import NOON, Installation


def with_drafts(home: Path) -> Installation:
    """An order that was changed once, a cancellation, and a question; and before them a draft whose time is over."""
    installation = Installation.open(home, clock=FakeClock(NOON))
    installation.ask("order dish soap")
    installation.later(seconds=installation.settings.draft_lives_s + 60)
    installation.ask("book a table at Nopa tomorrow at 7:30pm")
    installation.ask("cancel streamly")
    order = installation.ask("order 2 packs of AA batteries")
    installation.engine.modify(order.draft_id or "", "make it 3", member=None)
    return installation


def in_need(home: Path) -> tuple[Installation, str]:
    """A dinner of which nobody can tell whether it was booked, and its execution's id."""
    installation = Installation.open(home, clock=FakeClock(NOON))
    dinner = installation.ask("book a table for two at Nopa tomorrow at 7:30pm")
    installation.fault("drop_before")
    execution = installation.carry_out(dinner)
    assert execution.status is ExecutionStatus.NEEDS_ATTENTION
    return installation, execution.id


def happened_after_all(home: Path) -> tuple[Installation, str]:
    """A dinner that was booked: its answer was lost, and the vendor could not be asked about it until Halo gave up. Now it can."""
    installation = Installation.open(home, clock=FakeClock(NOON))
    dinner = installation.ask("book a table for two at Nopa tomorrow at 7:30pm")
    installation.fault("lose_answer")
    execution = installation.carry_out(dinner, wait_s=0)
    installation.fault("unavailable", times=99)
    execution = installation.engine.execute(execution.id, wait_s=7200)
    assert execution.status is ExecutionStatus.NEEDS_ATTENTION
    clear_faults(installation.world)
    return installation, execution.id
