"""A card as a picture in points, for a message that cannot carry vectors. The gallery and the fixtures for the iOS clients call `render`.

It is drawn with the shipped font and no other, so the same card gives the same bytes on every machine.
"""

from __future__ import annotations

from typing import Literal

import resvg_py

from cards import svg
from cards.typesetting import FAMILY, FONT_FILES
from halo_engine.model.card import Card


def render(card: Card, *, scale: Literal[2, 3] = 2, theme: svg.ThemeName = "light") -> bytes:
    """`card` as a PNG with a clear background outside its corners, `scale` dots to the point."""
    drawn = resvg_py.svg_to_bytes(
        svg_string=svg.render_boxed(card, theme=theme),
        skip_system_fonts=True,
        font_files=[str(path) for path in FONT_FILES.values()],
        font_family=FAMILY,
        sans_serif_family=FAMILY,
        zoom=scale,
    )
    return bytes(drawn)
