"""Whether the log holds, for the top line: verified in the background, at the start only where the log is short, else when it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING

from textual.message import Message

from halo_cli.chat.asking import trouble_of
from halo_cli.tui.desk import Desk
from halo_engine.model.recollection import counted
from halo_engine.model.value import Value

if TYPE_CHECKING:
    from textual.app import App

#: Events that are verified without being asked to: about a fifth of a second.
_FEW = 5_000


class Shown(Value):
    sign: str
    words: str
    detail: str
    is_bad: bool = False


class ProofOf(Message):
    """How the proof stands, in a few words for the top line and a sentence for the line below."""

    def __init__(self, shown: Shown, *, is_asked: bool) -> None:
        super().__init__()
        self.sign, self.words, self.detail, self.is_bad = shown.sign, shown.words, shown.detail, shown.is_bad
        self.is_asked = is_asked


@dataclass
class Proof:
    """Of one home's log."""

    desk: Desk
    _thread: Thread | None = None
    #: How many events held when they were last verified; None where they did not, or were not.
    _held: int | None = None

    def stands_at(self, events: int) -> ProofOf | None:
        """How the proof stands now that the log has `events`; None while nothing was found to hold."""
        if self._held is None or self.is_running:
            return None
        newer = f"{self._held:,} of " if events > self._held else ""
        return ProofOf(Shown(sign="✓", words=f"log verified: {newer}{counted(events)}", detail=""), is_asked=False)

    @property
    def is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def wait(self) -> None:
        """Until what was begun has ended."""
        if self._thread:
            self._thread.join()

    def begin(self, app: App[int], *, is_asked: bool) -> None:
        """Verify, unless that is going on already."""
        if not self.is_running:
            # Not one of the toolkit's workers: those are waited for when the app ends, and a long log takes seconds.
            self._thread = Thread(target=self._verify, args=(app, is_asked), daemon=True)
            self._thread.start()

    def _verify(self, app: App[int], is_asked: bool) -> None:
        try:
            with self.desk.queries() as queries:
                events = queries.counts().events
                if events > _FEW and not is_asked:
                    words = f"log of {counted(events)} (F4 verifies)"
                    app.post_message(ProofOf(Shown(sign="○", words=words, detail=""), is_asked=False))
                    return
                app.post_message(
                    ProofOf(Shown(sign="…", words=f"verifying {counted(events)}", detail="Verifying the log…"), is_asked=is_asked)
                )
            with self.desk.audit() as audit:
                found = audit.verify()
        except Exception as error:  # noqa: BLE001 - whatever it is: the dashboard stays, and the log counts as not verified
            shown = Shown(sign="▲", words="log could not be verified", detail=trouble_of(error).words, is_bad=True)
        else:
            self._held = found.events if found.ok else None
            shown = _shown(found.events, found.problems)
        app.post_message(ProofOf(shown, is_asked=is_asked))


def _shown(events: int, problems: tuple[str, ...]) -> Shown:
    if problems:
        more = f" ({len(problems)} problems)" if len(problems) > 1 else ""
        return Shown(sign="✗", words="LOG DOES NOT HOLD", detail=f"The log does not hold: {problems[0]}{more}", is_bad=True)
    detail = f"Every link of {counted(events)} holds, and every effect had its confirmation."
    return Shown(sign="✓", words=f"log verified: {counted(events)}", detail=detail)
