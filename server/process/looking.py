"""What the books say for `/metrics`: looked up at most every few seconds, however often somebody asks."""

from __future__ import annotations

from halo_engine.model.errors import HaloError
from halo_engine.watching import State, Watch
from server.home import Installation
from server.process.meter import Looked
from server.process.reports import Reports


class Looking:
    """Of one application."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._states: Reports[State] = Reports()

    def __call__(self) -> Looked:
        try:
            state = self._states.get("", self._state)
        except HaloError:
            # The rest is told all the same, and that this is missing is a number too.
            return {"halo_books_readable": ("Whether the books can be read.", "", {"": 0})}
        return {
            "halo_books_readable": ("Whether the books can be read.", "", {"": 1}),
            "halo_executions": ("In the books, by status.", "status", state.executions),
            "halo_open_drafts": ("Drafts that can be confirmed now.", "", {"": state.open_drafts}),
            "halo_acts_in_flight": ("Acts begun under an Idempotency-Key and not answered.", "", {"": state.acts_in_flight}),
            "halo_log_events": ("Length of the log.", "", {"": state.events}),
            "halo_workers": ("Slots of workers that are held.", "", {"": state.workers}),
        }

    def _state(self) -> State:
        with Watch.open(self._installation.settings) as watch:
            return watch.state(now=self._installation.clock.now())
