"""A card on the dashboard: the chat's own, without what only a thread has."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from halo_cli.chat.card_view import CardView
from halo_cli.tui.bindings import Key, bindings

CARD_KEYS: tuple[Key, ...] = (
    Key("ctrl+e", "modify", "^E", "change (edit) this draft: its fields, or in words", "Modify"),
    Key("enter", "receipt", "Enter", "everything about its execution, where there is one"),
    Key("up", "older", "↑", "back to the list"),
)


class DeskCard(CardView, inherit_bindings=False):
    """Its buttons, keys and half a second of deafness are those of the chat."""

    HELP = (
        "A card with its buttons. Confirm is reached from within the card alone, takes nothing for half a second after the card appeared, "
        "and asks for the amount where money may be spent."
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings(CARD_KEYS)
