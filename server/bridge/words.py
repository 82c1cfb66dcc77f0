"""What a card looks like as a message: its plain text, and how to answer where there is no button."""

from __future__ import annotations

from cards import text as plain
from halo_engine.model.card import Button, Card, CardKind
from halo_engine.model.consent import challenge
from halo_engine.model.text import inert
from halo_engine.thread import Wording
from server.bridge.inbound import without_invocation

NOTHING_SAID = "Yes? Say what you need, such as: {invocation} order paper towels"
TOO_LATE = "What you said arrived late, so nothing was done. Say it again if it still holds."
CANNOT_BE_FOUND = "That card cannot be found any more. Nothing was done."
ANSWERED_ALREADY = "That question was answered already. Nothing was done."
ASKED_AGAIN_ALREADY = "That was asked again already: the newer card stands."
CONFIRMED_ALREADY = "That was confirmed already. This is where it stands."
WENT_WRONG = "Something went wrong in here. Before asking again, look at what was done already."

#: Where there is nothing to press.
WITHOUT_BUTTONS = Wording(
    no_answer="That is no clear answer. Reply to the card: yes, no, or what should be different.",
    how_to_confirm="To confirm, reply to the card: {yes}",
    which_card="To confirm, reply to the card you mean: {yes}",
)


def message(card: Card, *, note: str = "", invocation: str) -> str:
    """The message that shows `card`, after `note`."""
    # Its choices are said below, in words that can be followed; names of things are for a terminal.
    shown = card.model_copy(update={"buttons": (), "request_id": None, "draft_id": None, "execution_id": None})
    text = plain.render(shown)
    if card.execution_id and card.cost:
        text = text.replace(f"Cost: {inert(card.cost)}", f"Charged: {inert(card.cost)}")
    return _harmless("\n\n".join(part for part in (note, text, how_to_answer(card)) if part), invocation)


def sentence(note: str, *, to: str, invocation: str) -> str:
    """A note for one of several people in the thread."""
    return _harmless(f"For {inert(to, max_chars=80)}: {inert(note, max_chars=2000)}", invocation)


def how_to_answer(card: Card) -> str:
    """One line; empty where nothing is waited for."""
    if card.kind is CardKind.CLARIFICATION:
        return "Reply to this message with the number, or in words." if card.options else "Reply to this message with the answer."
    if Button.ASK_AGAIN in card.buttons:
        return "👍 or reply “again” to ask at today's prices."
    if Button.RETRY in card.buttons:
        return "👍 or reply “again” for a fresh draft. Nothing is bought by that."
    if Button.CONFIRM not in card.buttons:
        return ""
    if card.needs_amount:
        asked = challenge(card)
        why = "It cannot be undone, so 👍 is not enough" if card.irreversible else "👍 is not enough"
        return f"{why}: reply “yes {asked.symbol}{asked.expected}” to confirm · reply with what should be different · 👎 to cancel."
    return "👍 or reply “yes” to confirm · reply with what should be different · 👎 to cancel."


def _harmless(text: str, invocation: str) -> str:
    """A message of ours that began with the invocation word would be a request, should a bridge ever give it back as somebody's."""
    return text if without_invocation(text, invocation) is None else f"· {text}"
