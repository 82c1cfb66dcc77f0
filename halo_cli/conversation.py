"""What `halo ask` offers on a terminal: confirm, modify or cancel a draft, or answer a question, until it ends or the person leaves.

Nothing here decides anything: each turn is one call to the engine, and confirming needs the amount to be typed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from halo_cli import carrying_out, exit_codes
from halo_cli.advice import next_step
from halo_cli.exit_codes import ExitCode
from halo_cli.output import Output
from halo_engine.model.card import Button, Card, CardKind, draft_card
from halo_engine.model.consent import challenge
from halo_engine.model.errors import (
    AlreadyCancelled,
    AlreadyConfirmed,
    Conflict,
    HaloError,
    InvalidInput,
    ParserFailed,
    TermsChanged,
    VendorFailed,
)
from halo_engine.model.option import option_meant
from halo_engine.model.reply import Reply
from halo_engine.settings import Settings

if TYPE_CHECKING:
    from halo_engine.engine import Engine

#: After these the draft on the table still stands, and the person may try again.
_RECOVERABLE = (Conflict, InvalidInput, ParserFailed, VendorFailed)


_LETTERS = {"c": Reply.CONFIRM, "confirm": Reply.CONFIRM, "x": Reply.CANCEL, "cancel": Reply.CANCEL}


class Conversation:
    """One request, turn by turn. `ask` is how the person is asked."""

    def __init__(
        self, engine: Engine, settings: Settings, out: Output, *, member: str | None, wait_s: float, ask: Callable[[str], str | None]
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._out = out
        self._member = member
        self._wait_s = wait_s
        self._ask = ask

    def run(self, card: Card) -> ExitCode:
        """Show `card` and every card that follows from it; the exit code of how it was left."""
        self._out.show(card)
        while True:
            turn = self._turn(card)
            if isinstance(turn, ExitCode):
                return turn
            if turn is not card:
                self._out.show(turn)
            card = turn

    def _turn(self, card: Card) -> Card | ExitCode:
        """The next card, the same one when the turn came to nothing, or the code to leave with."""
        try:
            if card.kind is CardKind.CLARIFICATION:
                return self._answer(card)
            return self._choose(card) if Button.CONFIRM in card.buttons else exit_codes.of_card(card.kind)
        except (AlreadyConfirmed, AlreadyCancelled):
            raise
        except TermsChanged as error:
            self._complain(error)
            return draft_card(error.current)
        except _RECOVERABLE as error:
            self._complain(error)
            return card

    def _answer(self, card: Card) -> Card | ExitCode:
        typed = self._ask("Number or words (Enter to leave it): ")
        if not typed:
            return ExitCode.NEEDS_CLARIFICATION
        if option_meant(card.options, typed) is None and self._heard(card, typed) is Reply.CANCEL:
            self._out.say("Nothing was drafted.")
            return ExitCode.DECLINED
        return self._engine.draft(typed, member=self._member, channel="cli", answers=card.request_id)

    def _choose(self, card: Card) -> Card | ExitCode:
        typed = (self._ask("[c]onfirm  [m]odify  [x] cancel, or say it. Enter leaves it: ") or "").strip()
        if not typed:
            return self._leave(card)
        if typed.lower() in ("m", "modify"):
            return self._modify(card, self._ask("What should be different? "))
        match _LETTERS.get(typed.lower()) or self._heard(card, typed):
            case Reply.CONFIRM:
                # A yes in words is not yet one: the amount is.
                return self._confirm(card)
            case Reply.CANCEL:
                self._out.show(self._engine.cancel(_id(card), member=self._member))
                return ExitCode.DECLINED
            case Reply.MODIFY:
                return self._modify(card, typed)
            case _:
                self._out.say("That is no clear answer. Type c, m or x, say what should be different, or just Enter.")
                return card

    def _heard(self, card: Card, typed: str) -> Reply:
        return self._engine.heard(typed, request_id=card.request_id) if card.request_id else Reply.UNSURE

    def _leave(self, card: Card) -> ExitCode:
        self._out.say(f"The draft stands. {next_step(card, self._settings, member=self._member) or ''}".strip())
        return exit_codes.of_card(card.kind)

    def _modify(self, card: Card, typed: str | None) -> Card:
        return self._engine.modify(_id(card), typed, member=self._member) if typed else card

    def _confirm(self, card: Card) -> Card | ExitCode:
        asked = challenge(card)
        if not asked.accepts(self._ask(asked.question)):
            self._out.say("That is not it. Nothing was done.")
            return card
        end = carrying_out.carry_out(
            self._engine,
            self._settings,
            self._out,
            draft_id=_id(card),
            draft_hash=card.draft_hash or "",
            member=self._member,
            wait_s=self._wait_s,
        )
        if end.revised:
            return end.card
        end.present(self._out, self._settings, member=self._member)
        return end.exit_code

    def _complain(self, error: HaloError) -> None:
        self._out.say(f"{error.message} {error.hint}".strip())


def _id(card: Card) -> str:
    if card.draft_id is None:
        raise InvalidInput("This card is not a draft's.")
    return card.draft_id
