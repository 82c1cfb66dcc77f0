"""What goes wrong while people live: vendors that fail for a moment, and a worker that is killed at any moment and comes again."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from itertools import count
from random import Random

from halo_engine.clock import SystemClock
from halo_sim.faults import add_fault, clear_faults
from halo_sim.ledger import read_ledger
from halo_sim.world import World
from tests.soak.scene import Part, Scene

#: What a vendor does now and then, and how often of all. None of it makes the vendor lie.
_FAULTS = {
    "lose_answer": 4,
    "error_after": 3,
    "unavailable": 4,
    "server_error": 2,
    "rate_limited": 2,
    "drop_before": 2,
    "cut_mid_reply": 2,
    "html_page": 1,
    "token_expired": 1,
    "slow": 3,
}
_SLOW_S = 1
#: What changes the world, at these vendors' calls: a worker that is killed while it waits for one of their answers has left something behind.
_COMMITS = ("amazon.place_order", "resy.book", "subscriptions.update", "subscriptions.cancel_for_items")
_FAULT_EVERY_S = (2.0, 6.0)
#: After it has begun to work.
_KILLED_AFTER_S = (0.5, 6.0)
_RESTOCK_EVERY_S = 15.0
#: How long a vendor takes to tell what it has done, when a worker is to die meanwhile; how often and how many times somebody looks whether it has.
_SLOW_TO_TELL_S, _LOOK_EVERY_S, _LOOKS = 2, 0.1, 80


@dataclass
class Trouble:
    """Chance decides what, and when."""

    scene: Scene
    random: Random
    faults: int = 0

    def __post_init__(self) -> None:
        self._world = World.open(self.scene.settings.simulator_file, SystemClock())

    def strike(self, stop: threading.Event) -> None:
        """The vendors, until told to stop; then nothing is wrong with them."""
        random = Random(self.random.random())
        while not stop.wait(random.uniform(*_FAULT_EVERY_S)):
            name = random.choices([*_FAULTS], weights=[*_FAULTS.values()])[0]
            add_fault(self._world, name, amount=_SLOW_S if name == "slow" else None, times=random.randint(1, 2))
            self.faults += 1
        clear_faults(self._world)

    def restock(self, stop: threading.Event) -> None:
        """Otherwise a small shop would be sold out."""
        while not stop.wait(_RESTOCK_EVERY_S):
            with self._world.transaction() as tx:
                tx.run("DELETE FROM sold")

    def kill(self, stop: threading.Event) -> None:
        """One of the two workers, again and again; every other time when something was just done and nobody knows."""
        random, worker = Random(self.random.random()), self.scene.workers[-1]
        while self._is_at_work(worker, stop) and not stop.wait(random.uniform(*_KILLED_AFTER_S)):
            if random.random() < 0.5:
                self._see_something_done(stop)
            self._kill(worker)
        # However slow the machine is: a soak in which nobody died would prove nothing.
        if not worker.use.kills:
            self._kill(worker)

    def _is_at_work(self, worker: Part, stop: threading.Event) -> bool:
        """Waits until it is; False where it is too late for that."""
        while not worker.is_at_work:
            if stop.wait(_LOOK_EVERY_S):
                return False
        return True

    def _kill(self, worker: Part) -> None:
        worker.kill()
        self.scene.start_worker(worker)

    def _see_something_done(self, stop: threading.Event) -> None:
        """A vendor has just done what it was asked, and does not say so yet."""
        for commit in _COMMITS:
            add_fault(self._world, "slow", target=commit, amount=_SLOW_TO_TELL_S)
        before, looks = self._done(), count()
        while self._done() == before and next(looks) < _LOOKS and not stop.wait(_LOOK_EVERY_S):
            pass
        clear_faults(self._world, "slow")

    def _done(self) -> int:
        return len(read_ledger(self._world.path))
