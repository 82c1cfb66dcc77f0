"""Confirm, execute, and show how it ended. `halo confirm`, the conversation of `halo ask` and `halo demo` do it this one way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from halo_cli import exit_codes, terminal_key
from halo_cli.advice import next_step
from halo_cli.exit_codes import ExitCode
from halo_cli.output import Output, Shown
from halo_cli.session import next_command, open_queries
from halo_engine import shapes
from halo_engine.model.card import Card, execution_card
from halo_engine.model.draft import Draft, DraftStatus
from halo_engine.model.errors import AlreadyCancelled, AlreadyConfirmed, DraftExpired, NeedsAnother
from halo_engine.model.execution import Execution, ExecutionStatus
from halo_engine.model.receipt import Receipt
from halo_engine.settings import Settings

if TYPE_CHECKING:
    from halo_engine.engine import Engine


@dataclass(frozen=True, slots=True)
class Ending:
    """Where an execution stood when the waiting was over. `revised` is the draft in its place when the terms had moved."""

    execution: Execution
    card: Card
    receipt: Receipt | None
    revised: Draft | None

    @property
    def exit_code(self) -> ExitCode:
        return exit_codes.of_execution(self.execution.status)

    def payload(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "execution": shapes.execution(self.execution),
            "card": shapes.card(self.card),
            "receipt": shapes.receipt(self.receipt) if self.receipt else None,
            "draft": self.revised.contract() if self.revised else None,
        }

    def shown(self) -> tuple[Shown, ...]:
        """For people."""
        return (self.card, self.receipt) if self.receipt else (self.card,)

    def present(self, out: Output, settings: Settings, *, member: str | None) -> None:
        """Print it, and what to type next."""
        out.result(self.payload(), *self.shown())
        out.say_if(next_step(self.card, settings, member=member))


def raise_unless_open(draft: Draft) -> None:
    """Nobody is asked to confirm what can no longer be. Raises `AlreadyConfirmed`, `AlreadyCancelled` or `DraftExpired`."""
    match draft.status:
        case DraftStatus.CONFIRMED:
            raise AlreadyConfirmed(hint="See how it went with: halo activity")
        case DraftStatus.CANCELLED:
            raise AlreadyCancelled
        case DraftStatus.EXPIRED:
            raise DraftExpired(current=draft)
        case DraftStatus.OPEN:
            return


def carry_out(
    engine: Engine, settings: Settings, out: Output, *, draft_id: str, draft_hash: str, member: str | None, wait_s: float
) -> Ending:
    """Confirm `draft_hash` and wait up to `wait_s` seconds for the end. Raises what the engine's `confirm` raises."""
    try:
        with open_queries(settings) as queries:
            signed = terminal_key.signed(engine, settings, queries, draft_id=draft_id, draft_hash=draft_hash, member=member)
        through = {"signature": signed.jws, "device_id": signed.device_id} if signed else {}
        execution = engine.confirm(draft_id, draft_hash=draft_hash, member=member, **through)
    except NeedsAnother:
        with open_queries(settings) as queries:
            out.show(queries.card(draft_id))
        raise
    out.say(f"Confirmed. Execution {execution.id}")
    try:
        with out.working("Executing …"):
            execution = engine.execute(execution.id, wait_s=wait_s)
    except KeyboardInterrupt:
        out.say(f"Interrupted. What was confirmed stays confirmed. {_how_to_go_on(execution, settings, member)}")
        raise
    if execution.status is ExecutionStatus.TERMS_CHANGED:
        out.say("The terms moved before anything was sent. Nothing was done.")
    if not execution.is_final:
        out.say(f"It has not ended yet. {_how_to_go_on(execution, settings, member)}")
    return ending_of(settings, execution)


def ending_of(settings: Settings, execution: Execution) -> Ending:
    """The card of an execution as it stands now, its receipt, and the revised draft if one was written."""
    with open_queries(settings) as queries:
        detail = queries.execution(execution.id)
        revised = queries.draft(execution.revised_draft_id) if execution.revised_draft_id else None
        card = queries.card(revised.id) if revised else execution_card(execution, detail.draft, detail.receipt)
    return Ending(execution=execution, card=card, receipt=detail.receipt, revised=revised)


def _how_to_go_on(execution: Execution, settings: Settings, member: str | None) -> str:
    # The same hash again carries the same execution on.
    return f"Go on with: {next_command(settings, 'confirm', execution.draft_id, '--hash', execution.draft_hash, member=member)}"
