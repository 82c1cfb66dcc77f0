"""The two looks of the chat. Blue is whoever writes, as in Messages.

The colours of states are those of `cards.looks`, which can be told apart without red and green; each stands beside a sign and a word in any case.
"""

from __future__ import annotations

from textual.theme import Theme

from cards.looks import DARK as DRAWN_DARK
from cards.looks import LIGHT as DRAWN_LIGHT
from cards.looks import SHADES

#: The bar of a card: white on the accent of every other renderer.
_STATES = {"on-state": "#ffffff"} | {f"state-{accent.value}": shade.light for accent, shade in SHADES.items()}

DARK = Theme(
    name="halo-dark",
    dark=True,
    primary="#3b9bff",
    secondary="#8e8e93",
    accent="#3b9bff",
    warning="#ffb04a",
    error="#ff8a80",
    success="#4fd1a5",
    foreground="#f2f2f7",
    background="#0c0c0e",
    surface="#1b1b1e",
    panel="#26262a",
    variables=_STATES
    | {
        "bubble-mine": "#0b6bdf",
        "on-mine": "#ffffff",
        "bubble-other": "#37373c",
        "on-other": "#f2f2f7",
        "quiet": "#9c9ca3",
        "hairline": "#3d3d43",
        "care": DRAWN_DARK.caution_ink,
        "rise": DRAWN_DARK.rise,
        "fall": DRAWN_DARK.fall,
        "footer-background": "#151517",
        "footer-key-foreground": "#6cb4ff",
        "footer-description-foreground": "#b8b8bf",
        "footer-item-background": "#151517",
        "footer-description-background": "#151517",
        "footer-key-background": "#151517",
        "input-cursor-background": "#3b9bff",
    },
)

LIGHT = Theme(
    name="halo-light",
    dark=False,
    primary="#0b6bdf",
    secondary="#6e6e73",
    accent="#0b6bdf",
    warning="#8f4700",
    error="#b3261e",
    success="#0b7a5e",
    foreground="#1c1c1e",
    background="#ffffff",
    surface="#f7f7f9",
    panel="#ededf0",
    variables=_STATES
    | {
        "bubble-mine": "#0b6bdf",
        "on-mine": "#ffffff",
        "bubble-other": "#e4e4e8",
        "on-other": "#1c1c1e",
        "quiet": "#68686e",
        "hairline": "#c9c9cf",
        "care": DRAWN_LIGHT.caution_ink,
        "rise": DRAWN_LIGHT.rise,
        "fall": DRAWN_LIGHT.fall,
        "footer-background": "#f2f2f5",
        "footer-key-foreground": "#0b5cad",
        "footer-description-foreground": "#4a4a50",
        "footer-item-background": "#f2f2f5",
        "footer-description-background": "#f2f2f5",
        "footer-key-background": "#f2f2f5",
        "input-cursor-background": "#0b6bdf",
    },
)

#: Black, white and yellow, for eyes that need it: nothing in it is less than 7 : 1 against what lies behind.
CONTRAST = Theme(
    name="halo-contrast",
    dark=True,
    primary="#ffe14d",
    secondary="#ffffff",
    accent="#ffe14d",
    warning="#ffd166",
    error="#ffb3ab",
    success="#7df0c8",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1a1a1a",
    variables={
        "on-state": "#ffffff",
        "state-blue": "#00408a",
        "state-green": "#005c3f",
        "state-amber": "#6b3f00",
        "state-red": "#8a0f0f",
        "state-violet": "#4b2a8a",
        "state-grey": "#3d3d3d",
        "bubble-mine": "#00408a",
        "on-mine": "#ffffff",
        "bubble-other": "#1a1a1a",
        "on-other": "#ffffff",
        "quiet": "#d8d8d8",
        "hairline": "#ffffff",
        "care": "#ffd166",
        "rise": "#ffb3ab",
        "fall": "#7df0c8",
        "footer-background": "#000000",
        "footer-key-foreground": "#ffe14d",
        "footer-description-foreground": "#ffffff",
        "footer-item-background": "#000000",
        "footer-description-background": "#000000",
        "footer-key-background": "#000000",
        "input-cursor-background": "#ffe14d",
    },
)
