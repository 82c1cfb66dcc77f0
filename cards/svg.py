"""A card as a picture in vectors: 360 points wide, as high as its content. The gallery, the fixtures for the iOS clients and `png` call `render`.

The page is set here and not by the viewer: widths come from the shipped font (`typesetting`), so the same card breaks the same way everywhere
and nothing is ever cut or folded. A character that the font lacks stays itself, because the viewer's own fonts have most of the world's
writing and a box would hide what the vendor wrote; its line is held to the measure (textLength), so that a guess at its width cannot run over
the edge. `png` has no other fonts and draws a box instead.
"""

from __future__ import annotations

from typing import Literal

from cards import looks, typesetting, words
from cards.sheet import BoxMark, Sheet, Span, Type, measured
from cards.templating import template
from halo_engine.model.card import Button, Card, CardLine
from halo_engine.model.draft import Change, Fact
from halo_engine.model.option import Option

ThemeName = Literal["light", "dark"]

WIDTH = 360
_EDGE = 22
_ROOM = WIDTH - 2 * _EDGE
_RIGHT = WIDTH - _EDGE
#: Between the parts of a card, and inside a box.
_GAP, _INSET = 18, 14
_LABEL_ROOM, _COLUMN_GAP = 92, 18
#: An amount may take this much of a row before it moves under its text.
_AMOUNT_ROOM = 110
_ICON = 42

_REGULAR, _SEMIBOLD = typesetting.REGULAR, typesetting.SEMIBOLD
_HEADLINE = Type(19, _SEMIBOLD, 24)
_EYEBROW = Type(12.5, _SEMIBOLD, 17)
_LONE_EYEBROW = Type(18, _SEMIBOLD, 24)
_BODY = Type(14.5, _REGULAR, 20)
_STRONG = Type(14.5, _SEMIBOLD, 20)
_SMALL = Type(12.5, _REGULAR, 17)
_SMALL_STRONG = Type(12.5, _SEMIBOLD, 17)
_FINE = Type(11, _REGULAR, 15)
_TOTAL = Type(24, _SEMIBOLD, 30)
_BUTTON = Type(14, _SEMIBOLD, 18)


def render(card: Card, *, theme: ThemeName = "light") -> str:
    """`card` as one SVG document, complete in itself: no style, no script, nothing to fetch."""
    return _written(words.harmless(card), card_hash=card.hash, theme=theme)


def render_boxed(card: Card, *, theme: ThemeName) -> str:
    """The same, for a drawer with no font but ours: each character that it lacks is a box, and the fine print says so."""
    plain = words.harmless(card)
    shown = words.mapped(plain, typesetting.boxed)
    if shown != plain:
        shown = shown.model_copy(
            update={"note": f"{shown.note or ''} {typesetting.BOX} stands for a letter this picture cannot draw.".strip()}
        )
    return _written(shown, card_hash=card.hash, theme=theme)


def _written(card: Card, *, card_hash: str, theme: ThemeName) -> str:
    page = _Page(card, looks.DARK if theme == "dark" else looks.LIGHT, theme, card_hash)
    height = page.lay_out()
    return template("card.svg.jinja").render(
        width=WIDTH, height=height, hash=card_hash, title=card.title, description=card.alt_text, marks=page.sheet.marks
    )


class _Page:
    """One card being laid out, from the top down."""

    def __init__(self, card: Card, theme: looks.Theme, name: ThemeName, card_hash: str) -> None:
        self.card, self.theme, self.hash = card, theme, card_hash
        self.look = looks.LOOKS[card.kind]
        shade = looks.SHADES[self.look.accent]
        self.accent = shade.dark if name == "dark" else shade.light
        self.sheet = Sheet(y=_EDGE)

    def lay_out(self) -> int:
        """Place everything; answers how high the card is."""
        card = self.card
        self._header()
        parts = (
            (card.changes, self._changes),
            (words.explanation(card), self._summary),
            (card.lines, self._lines),
            (card.cost, self._total),
            (card.rows, self._rows),
            (card.warnings, self._warnings),
            (card.policies or card.approval, self._conditions),
            (card.options, self._options),
            (card.buttons, self._buttons),
        )
        for content, place in parts:
            if content:
                place()
        self._fine_print()
        height = round(self.sheet.y + _EDGE - 4)
        self.sheet.behind(0, BoxMark(0.5, 0.5, WIDTH - 1, height - 1, 20, self.theme.ground, self.theme.edge))
        return height

    def _header(self) -> None:
        sheet, top, x = self.sheet, self.sheet.y, _EDGE + _ICON + 14
        head = words.headline(self.card, state=self.look.word)
        sheet.put_box(x=_EDGE, y=top, width=_ICON, height=_ICON, radius=12, fill=self.accent)
        sheet.put_strokes(looks.verb_icon(self.card.verb), x=_EDGE + 6.6, y=top + 6.6, scale=1.2, ink=self.theme.ground, weight=1.7)
        lines = typesetting.balanced(head, room=_RIGHT - x, size=_HEADLINE.size, weight=_HEADLINE.weight)
        eyebrow = _EYEBROW if lines else _LONE_EYEBROW
        tall = eyebrow.leading + (2 + len(lines) * _HEADLINE.leading if lines else 0)
        # A short text stands in the middle of the icon, a long one begins level with its top.
        sheet.y = top + max(0, (_ICON - tall) / 2)
        self._eyebrow(x, eyebrow)
        sheet.y += 2 if lines else 0
        sheet.set_lines(head, x=x, room=_RIGHT - x, type_=_HEADLINE, ink=self.theme.ink)
        sheet.y = max(sheet.y, top + _ICON)

    def _eyebrow(self, x: float, type_: Type) -> None:
        """The state by its sign and its word, then what it is about."""
        sheet, sign = self.sheet, type_.size
        sheet.put_strokes(self.look.mark, x=x, y=sheet.y + (type_.leading - sign) / 2, scale=sign / 16, ink=self.accent, weight=2.3)
        x, state, verb = x + sign * 1.4, Span(self.look.word, self.accent, _SEMIBOLD), (self.card.verb or "").capitalize()
        spans = (state, Span(f"  ·  {verb}" if verb else "", self.theme.quiet, _REGULAR))
        if measured(spans, type_) <= _RIGHT - x:
            sheet.set_line(spans, x=x, room=_RIGHT - x, type_=type_)
            return
        sheet.set_line((state,), x=x, room=_RIGHT - x, type_=type_)
        sheet.set_lines(verb, x=x, room=_RIGHT - x, type_=_SMALL, ink=self.theme.quiet)

    def _summary(self) -> None:
        self.sheet.y += _GAP - 4
        self.sheet.set_lines(words.explanation(self.card), x=_EDGE, room=_ROOM, type_=_BODY, ink=self.theme.ink)

    def _changes(self) -> None:
        sheet = self.sheet
        sheet.y += _GAP
        before, top = len(sheet.marks), sheet.y
        sheet.y += _INSET - 2
        sheet.set_lines(words.WHAT_CHANGED, x=_EDGE + _INSET, room=_ROOM, type_=_SMALL_STRONG, ink=self.accent)
        for change in words.told(self.card.changes):
            sheet.y += 8
            self._change(change)
        sheet.y += _INSET - 2
        sheet.behind(before, BoxMark(_EDGE, top, _ROOM, sheet.y - top, 14, self.theme.panel))

    def _change(self, change: Change) -> None:
        """Two amounts stand beside what they are, two sentences one under the other."""
        sheet, x, room = self.sheet, _EDGE + _INSET, _ROOM - 2 * _INSET
        head, both = words.change_heading(change), words.sides(change)
        if both is None:
            self._change_heading(head)
            return
        values = (
            Span(change.before, self.theme.quiet, _REGULAR, struck=True),
            Span("  →  ", self.theme.quiet, _REGULAR),
            Span(change.after, self.theme.ink, _SEMIBOLD),
        )
        wide = measured(values, _SMALL)
        if words.side_by_side(change) and wide + 16 + typesetting.width(head, size=_STRONG.size, weight=_SEMIBOLD) <= room:
            sheet.put_line(values, x=x + room, y=sheet.y + 1.5, room=wide + 1, type_=_SMALL, anchor="end")
            sheet.set_line(self._moving(head), x=x, room=room, type_=_STRONG)
            return
        self._change_heading(head)
        self._before_after(words.WAS, change.before, self.theme.quiet, _SMALL, struck=True)
        self._before_after(words.NOW, change.after, self.theme.ink, _SMALL_STRONG, struck=False)

    def _change_heading(self, head: str) -> None:
        room = _ROOM - 2 * _INSET
        for line in typesetting.balanced(head, room=room, size=_STRONG.size, weight=_SEMIBOLD):
            self.sheet.set_line(self._moving(line), x=_EDGE + _INSET, room=room, type_=_STRONG)

    def _before_after(self, label: str, text: str, ink: str, type_: Type, *, struck: bool) -> None:
        sheet, x, indent = self.sheet, _EDGE + _INSET, 36
        sheet.y += 3
        sheet.put_line((Span(label, self.theme.quiet, _REGULAR),), x=x, y=sheet.y, room=indent, type_=_SMALL)
        sheet.set_lines(text, x=x + indent, room=_ROOM - 2 * _INSET - indent, type_=type_, ink=ink, struck=struck)

    def _moving(self, line: str) -> tuple[Span, ...]:
        inks = {words.Move.NONE: self.theme.ink, words.Move.UP: self.theme.rise, words.Move.DOWN: self.theme.fall}
        return tuple(Span(text, inks[move], _SEMIBOLD) for text, move in words.moves(line))

    def _lines(self) -> None:
        sheet, things = self.sheet, [line for line in self.card.lines if line.quantity is not None]
        indent = max((typesetting.width(f"{line.quantity} ×", size=_BODY.size) for line in things), default=0)
        sheet.y += _GAP
        sheet.set_rule(x=_EDGE, width=_ROOM, ink=self.theme.rule)
        sheet.y += 5
        for above, line in zip((None, *self.card.lines), self.card.lines, strict=False):
            # Charges stand together, a little apart from the things.
            sheet.y += 6 if above and above.quantity is None else 10
            self._line(line, indent=indent + 8 if line.quantity is not None else 0)

    def _line(self, line: CardLine, *, indent: float) -> None:
        sheet, ink = self.sheet, self.theme.ink if line.quantity is not None else self.theme.quiet
        wide = typesetting.width(line.amount, size=_BODY.size)
        beside = wide <= _AMOUNT_ROOM
        if indent:
            sheet.put_line((Span(f"{line.quantity} ×", self.theme.quiet, _REGULAR),), x=_EDGE, y=sheet.y, room=indent - 8, type_=_BODY)
        if beside:
            sheet.put_line((Span(line.amount, ink, _REGULAR),), x=_RIGHT, y=sheet.y, room=wide + 1, type_=_BODY, anchor="end")
        room = _ROOM - indent - (wide + 16 if beside else 0)
        sheet.set_lines(line.text, x=_EDGE + indent, room=room, type_=_BODY, ink=ink)
        if not beside:
            sheet.set_lines(line.amount, x=_EDGE + indent, room=room, type_=_BODY, ink=ink)
        if line.detail:
            sheet.set_lines(line.detail, x=_EDGE + indent, room=room, type_=_SMALL, ink=self.theme.quiet)

    def _total(self) -> None:
        sheet, label, cost = self.sheet, words.cost_label(self.card), self.card.cost or ""
        # An amount that nobody can say yes to any more does not stand out.
        ink = self.theme.quiet if self.look.accent is looks.Accent.GREY else self.theme.ink
        sheet.y += _GAP - 4 if self.card.lines else _GAP
        sheet.set_rule(x=_EDGE, width=_ROOM, ink=self.theme.rule)
        sheet.y += 12
        wide = typesetting.width(cost, size=_TOTAL.size, weight=_TOTAL.weight)
        sheet.put_line((Span(label, ink, _SEMIBOLD),), x=_EDGE, y=sheet.y + 5, room=_ROOM, type_=_STRONG)
        if wide + 70 <= _ROOM:
            sheet.put_line((Span(cost, ink, _SEMIBOLD),), x=_RIGHT, y=sheet.y, room=wide + 1, type_=_TOTAL, anchor="end")
            sheet.y += _TOTAL.leading
            return
        sheet.y += 28
        sheet.set_lines(cost, x=_EDGE, room=_ROOM, type_=_TOTAL, ink=ink)

    def _rows(self) -> None:
        sheet = self.sheet
        sheet.y += _GAP - 4 if self.card.cost else _GAP
        if self.card.cost or not self.card.lines:
            sheet.set_rule(x=_EDGE, width=_ROOM, ink=self.theme.rule)
            sheet.y += 6
        labels = [typesetting.width(row.label, size=_SMALL.size) for row in self.card.rows]
        for row in self.card.rows:
            sheet.y += 7
            self._row(row, label_room=min(_LABEL_ROOM, max(labels) + 1))

    def _row(self, row: Fact, *, label_room: float) -> None:
        """Label and text in two columns, as high as the taller."""
        sheet, top = self.sheet, self.sheet.y
        sheet.y = top + 1.5
        sheet.set_lines(row.label, x=_EDGE, room=label_room, type_=_SMALL, ink=self.theme.quiet)
        low, sheet.y = sheet.y, top
        x = _EDGE + label_room + _COLUMN_GAP
        # A reference is one long word: a size smaller it mostly fits, and can be read and copied in one piece.
        longest = max((typesetting.width(word, size=_BODY.size) for word in row.text.split()), default=0)
        type_ = _SMALL if longest > _RIGHT - x else _BODY
        sheet.y += 1.5 if type_ is _SMALL else 0
        sheet.set_lines(row.text, x=x, room=_RIGHT - x, type_=type_, ink=self.theme.ink)
        sheet.y = max(low, sheet.y)

    def _warnings(self) -> None:
        sheet, ink, x = self.sheet, self.theme.caution_ink, _EDGE + _INSET + 24
        sheet.y += _GAP
        before, top = len(sheet.marks), sheet.y
        sheet.y += _INSET - 2
        sheet.put_strokes(looks.WARNING_MARK, x=_EDGE + _INSET, y=sheet.y + 0.6, scale=1, ink=ink, weight=1.7)
        sheet.set_lines(words.caution_label(self.card), x=x, room=_ROOM, type_=_SMALL_STRONG, ink=ink)
        for text in self.card.warnings:
            sheet.y += 4
            sheet.set_lines(text, x=x, room=_RIGHT - _INSET - x, type_=_STRONG, ink=ink)
        sheet.y += _INSET - 1
        sheet.behind(before, BoxMark(_EDGE, top, _ROOM, sheet.y - top, 14, self.theme.caution))

    def _conditions(self) -> None:
        """Policies and who may say yes: small, and always all of them."""
        sheet = self.sheet
        sheet.y += _GAP - 8
        for text in (*self.card.policies, *self.card.approval):
            sheet.y += 5
            sheet.put_box(x=_EDGE + 2, y=sheet.y + 7, width=4, height=4, radius=2, fill=self.theme.quiet)
            sheet.set_lines(text, x=_EDGE + _INSET, room=_ROOM - _INSET, type_=_SMALL, ink=self.theme.quiet)

    def _options(self) -> None:
        sheet = self.sheet
        sheet.y += _GAP
        for position, option in enumerate(self.card.options, 1):
            sheet.y += 8 if position > 1 else 0
            self._option(position, option)

    def _option(self, position: int, option: Option) -> None:
        sheet, x = self.sheet, _EDGE + _INSET + 34
        before, top, room = len(sheet.marks), sheet.y, _RIGHT - _INSET - x
        sheet.y += 12
        sheet.set_lines(option.label, x=x, room=room, type_=_STRONG, ink=self.theme.ink)
        if option.reason:
            sheet.y += 1
            sheet.set_lines(option.reason, x=x, room=room, type_=_SMALL, ink=self.theme.quiet)
        sheet.y += 12
        middle = top + (sheet.y - top) / 2
        number = (Span(str(position), self.theme.ground, _SEMIBOLD),)
        sheet.put_box(x=_EDGE + _INSET, y=middle - 11, width=22, height=22, radius=11, fill=self.accent)
        sheet.put_line(number, x=_EDGE + _INSET + 11, y=middle - 8.5, room=22, type_=_SMALL_STRONG, anchor="middle")
        sheet.behind(before, BoxMark(_EDGE, top, _ROOM, sheet.y - top, 14, self.theme.panel))

    def _buttons(self) -> None:
        """Labels: a picture cannot be pressed. The first act is filled, but Cancel never is."""
        sheet, gap, buttons = self.sheet, 8, self.card.buttons
        # In the accent where a yes can be given; elsewhere red would look like danger and grey like nothing to press.
        strong = self.accent if self.card.draft_hash else self.theme.ink
        sheet.y += _GAP
        wide = (_ROOM - gap * (len(buttons) - 1)) / len(buttons)
        for position, button in enumerate(buttons):
            x, filled = _EDGE + position * (wide + gap), position == 0 and button is not Button.CANCEL
            fill, ink = (strong, self.theme.ground) if filled else (self.theme.panel, self.theme.ink)
            sheet.put_box(x=x, y=sheet.y, width=wide, height=40, radius=20, fill=fill)
            label = (Span(button.value, ink, _SEMIBOLD),)
            sheet.put_line(label, x=x + wide / 2, y=sheet.y + 11, room=wide, type_=_BUTTON, anchor="middle")
        sheet.y += 40

    def _fine_print(self) -> None:
        sheet = self.sheet
        sheet.y += _GAP
        if self.card.note:
            sheet.set_lines(self.card.note, x=_EDGE, room=_ROOM, type_=_SMALL, ink=self.theme.quiet)
            sheet.y += 6
        for line in (*words.id_lines(self.card), words.hash_line(self.hash)):
            sheet.set_lines(line, x=_EDGE, room=_ROOM, type_=_FINE, ink=self.theme.quiet)
