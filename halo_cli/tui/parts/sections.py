"""A page of several lists, one in front at a time: its sections above, its table, and beneath it what the row under the cursor means.

The set-up of the household and the simulator are such pages. A section says what can be done in it; a key that does nothing there is not offered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple, TypeAlias

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import DataTable, Static

from halo_cli.chat import drawing
from halo_cli.chat.asking import trouble_of
from halo_cli.tui.bindings import Key, bindings
from halo_cli.tui.page import Page
from halo_cli.tui.parts.rows import Listing, Rows
from halo_cli.tui.parts.small_forms import Field, Form
from halo_engine.model.errors import HaloError

if TYPE_CHECKING:
    from halo_cli.tui.desk import Desk
    from halo_cli.tui.household import Around

#: What is to be done with what was filled in. Raises `HaloError` for what cannot be.
Plan: TypeAlias = Callable[[dict[str, str]], None]

#: Of the table.
TABLE_KEYS: tuple[Key, ...] = (
    Key("left", "turn(-1)", "←", "the section before"),
    Key("right", "turn(1)", "→", "the section after", "Sections"),
    Key("enter", "select_cursor", "Enter", "open, change or do what the cursor is on", "Do"),
)
#: Of the page, where its section knows them.
KEYS: tuple[Key, ...] = (
    Key("a", "act('add')", "A", "add something here", "Add"),
    Key("d", "act('remove')", "D", "remove what the cursor is on", "Remove"),
)


class Section(NamedTuple):
    """`acts` is what can be done there: `enter` on a row, `add`, `remove`."""

    name: str
    acts: Mapping[str, Callable[[], None]]
    #: Said beneath the table whatever the cursor is on.
    about: str = ""


class SectionBar(Static):
    """The names of the sections; the one in front stands in brackets, so no colour is needed to see it."""

    class Picked(Message):
        def __init__(self, place: int) -> None:
            super().__init__()
            self.place = place

    def __init__(self) -> None:
        super().__init__("", classes="section-bar", markup=False)
        self._ends: list[int] = []

    def show(self, names: tuple[str, ...], front: int) -> None:
        shown = [f"[ {name} ] " if place == front else f"  {name}   " for place, name in enumerate(names)]
        self._ends = [sum(map(len, shown[: place + 1])) for place in range(len(shown))]
        self.update(Content.assemble(*((text, "bold $primary" if place == front else "$quiet") for place, text in enumerate(shown))))

    def on_click(self, event: events.Click) -> None:
        event.stop()
        place = next((place for place, end in enumerate(self._ends) if event.x < end), None)
        if place is not None:
            self.post_message(self.Picked(place))


class SectionTable(Rows):
    """Left and right are the sections': a row always fits."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(TABLE_KEYS)

    class Turned(Message):
        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    #: Whether Enter does anything where it is.
    can_do = True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.can_do if action == "select_cursor" else super().check_action(action, parameters)

    def action_turn(self, by: int) -> None:
        self.post_message(self.Turned(by))


class SectionPage(Page):
    """Subclasses say which sections there are, ask for what is in them, and hand it to `fill`."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)
    # The size of the screen decides about the air between the parts.
    SCOPED_CSS = False
    DEFAULT_CSS = """
    SectionPage { padding: 0 2; }
    SectionPage .section-bar { height: 1; width: 100%; margin: 0 0 1 0; }
    SectionPage .under { height: auto; max-height: 34%; width: 100%; margin: 1 0 0 0; padding: 0 1; border-left: thick $hairline; }
    SectionPage .under { scrollbar-size-vertical: 1; }
    SectionPage .under Static { height: auto; width: 100%; }
    SectionPage .about { color: $quiet; }
    SectionPage SectionTable { height: auto; max-height: 66%; }
    SectionPage .empty { padding: 0 0; }
    SectionPage .empty.-hidden, SectionPage .section-bar.-hidden, SectionPage .under.-hidden, SectionPage .under .-hidden { display: none; }
    SectionPage SectionTable.-hidden { display: none; }
    .-short SectionPage .section-bar { margin: 0; }
    """

    def __init__(self, desk: Desk, around: Around) -> None:
        super().__init__(desk, around)
        self.bar, self.table = SectionBar(), SectionTable(id="listed")
        self._empty = Static("", classes="empty -hidden", markup=False)
        self._told, self._about = Static("", classes="told", markup=False), Static("", classes="about", markup=False)
        self._place, self._text = 0, ""
        self.listings: dict[str, Listing] = {}

    @property
    def sections(self) -> tuple[Section, ...]:
        """In the order of the bar."""
        raise NotImplementedError

    @property
    def front(self) -> Section:
        return self.sections[self._place]

    def compose(self) -> ComposeResult:
        yield self.bar
        yield from self.between()
        yield self.table
        yield self._empty
        with VerticalScroll(classes="under", can_focus=False):
            yield self._told
            yield self._about

    def between(self) -> Iterable[Widget]:
        """What a page has between its bar and its table."""
        return ()

    @property
    def crumbs(self) -> tuple[str, ...]:
        return (self.front.name,)

    def set_filter(self, text: str) -> None:
        self._text = text.strip()
        self.show()

    def go_back(self) -> bool:
        """To the first section."""
        if self._place == 0:
            return False
        self.turn_to(self.sections[0].name)
        return True

    def fill(self, **listings: Listing) -> None:
        """What is in the sections now, by their names in small letters."""
        self.listings |= listings
        self.show()

    def turn_to(self, name: str, *, at: str | None = None) -> None:
        """Bring that section to the front, with the cursor on the row `at`."""
        self._place = [section.name for section in self.sections].index(name)
        self.show(at=at)
        self.post_message(self.Crumbs())

    def show(self, *, at: str | None = None) -> None:
        """The section in front, as far as the filter lets it through."""
        self.bar.show(tuple(section.name for section in self.sections), self._place)
        listing = self.listings.get(self.front.name.lower())
        if listing is None:
            return
        shown = listing.only(self._text) if self._text else listing
        self.table.show(shown, at=at)
        self.table.can_do = bool(shown.rows) and "enter" in self.front.acts
        self.refresh_bindings()
        self._empty.update(drawing.plain(shown.empty))
        self._empty.set_class(bool(shown.rows), "-hidden")
        self.table.set_class(not shown.columns, "-hidden")
        self.tell()

    def tell(self) -> None:
        """What the row under the cursor means, and what is so in the whole section."""
        chosen = self.table.chosen
        self._told.update(drawing.lines(chosen.under if chosen else ()))
        self._told.set_class(not (chosen and chosen.under), "-hidden")
        self._about.update(drawing.lines((self.front.about,)))
        self._about.set_class(not self.front.about, "-hidden")
        is_said = bool((chosen and chosen.under) or self.front.about)
        self.query_one(".under").set_class(not is_said, "-hidden")

    # What a person does

    def on_section_table_turned(self, event: SectionTable.Turned) -> None:
        event.stop()
        self.step(event.by)

    def step(self, by: int) -> None:
        """So many sections on, and from the last to the first."""
        self.turn_to(self.sections[(self._place + by) % len(self.sections)].name)

    def on_section_bar_picked(self, event: SectionBar.Picked) -> None:
        event.stop()
        self.turn_to(self.sections[event.place].name)

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        event.stop()
        self.tell()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        event.stop()
        self.action_act("enter")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "act" or bool(parameters and parameters[0] in self.front.acts)

    def action_act(self, what: str) -> None:
        act = self.front.acts.get(what)
        if act:
            act()

    # For the page to use

    def fill_in(self, title: str, fields: Sequence[Field], plan: Plan, *, does: str, note: str = "", error: str = "") -> None:
        """A form; where `plan` cannot go by what was typed, the form again, with all of it and why."""

        def left(filled: dict[str, str] | None) -> None:
            if filled is None:
                return
            try:
                plan(filled)
            except HaloError as refusal:
                again = tuple(field._replace(value=filled[field.name]) for field in fields)
                self.fill_in(title, again, plan, does=does, note=note, error=trouble_of(refusal).words)

        self.app.push_screen(Form(title, fields, does=does, note=note, error=error), left)

    def is_done(self, said: str) -> None:
        """Something was changed: say so, and look at everything again."""
        self.say(said)
        self.post_message(self.Changed())
        self.on_shown()
