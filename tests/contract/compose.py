"""Writes the recordings in `fixtures/vendors/*/recordings` anew, from the simulator: `python -m tests.contract.compose`.

Until somebody records real ones with `halo sim record`; the files say so themselves.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from halo_engine.clock import FakeClock
from halo_sim.data import fixtures_root
from halo_sim.http import SimTransport
from halo_sim.recording import HOST, SIMULATED, Recording, RecordingTransport, dump
from halo_sim.world import World
from tests.contract.conversations import VISITS
from tests.contract.worlds import NOW, adapters


def composed(vendor: str) -> Recording:
    """The visit to `vendor`, recorded in a fresh world."""
    clock = FakeClock(NOW)
    places = {f"{HOST}/{name}": name for name in (vendor, "lwa")}
    with TemporaryDirectory() as place:
        wire = RecordingTransport(SimTransport(World.open(Path(place) / "world.db", clock)), clock, places)
        VISITS[vendor][1](adapters(wire, clock))
    return Recording(vendor=vendor, comment=SIMULATED, spoken=tuple(wire.spoken))


def file_of(vendor: str) -> Path:
    """Where its recording is kept."""
    return fixtures_root() / "vendors" / vendor / "recordings" / f"{VISITS[vendor][0]}.json"


def main() -> None:
    """Write them all."""
    for vendor in VISITS:
        file_of(vendor).parent.mkdir(parents=True, exist_ok=True)
        file_of(vendor).write_text(dump(composed(vendor)), encoding="utf-8")


if __name__ == "__main__":
    main()
