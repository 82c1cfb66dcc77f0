"""The dashboard: pages in front of one another, who acts, and what is true everywhere (the log's proof, what waits, the time).

`halo_cli/commands/tui.py` runs it with a `Desk`. It knows no page but by `Page`: it mounts one when it is first shown, and asks for nothing heavy at
the start, so that the first paint does not depend on how long the log is.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from inspect import isawaitable
from pathlib import Path, PurePath
from typing import Any, ClassVar, TypeVar

from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from halo_cli.chat import themes, times
from halo_cli.chat.asking import Trouble, trouble_of
from halo_cli.chat.dialogs import Dialog
from halo_cli.chat.guard import Monotonic
from halo_cli.tui import jumping
from halo_cli.tui.asking import Came, ask
from halo_cli.tui.bindings import EVERYWHERE, bindings
from halo_cli.tui.desk import Desk
from halo_cli.tui.help import Help
from halo_cli.tui.household import Around, Opened, opened
from halo_cli.tui.page import Page
from halo_cli.tui.places import PAGES, page_of
from halo_cli.tui.proof import Proof, ProofOf
from halo_cli.tui.screen import Dashboard, FilterLine
from halo_cli.tui.top import Tab
from halo_engine.model.errors import HaloError
from halo_engine.queries import Counts

T = TypeVar("T")

_TICK_S, _CLOCK_S, _COUNT_S = 0.125, 5.0, 4.0
_CHAT_LOOKS = Path(themes.__file__).with_name("chat.tcss")
#: Every style sheet beside this file: a page that has one brings it along.
_SHEETS = sorted(Path(__file__).parent.glob("*.tcss"))
_LOOKS = (themes.DARK, themes.LIGHT, themes.CONTRAST)


class AuditApp(App[int]):
    """One household's dashboard. It ends with an exit code; `failure` says why it could not begin, `crash` what bug ended it."""

    CSS_PATH: ClassVar[list[str | PurePath]] = [_CHAT_LOOKS, *_SHEETS]
    TITLE = "Halo"
    BINDINGS: ClassVar[list[BindingType]] = bindings(EVERYWHERE)
    # Textual declares these as they are; a mutable class attribute is its own way of being told.
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (140, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (32, "-tall")]  # noqa: RUF012

    def __init__(self, desk: Desk, *, member: str | None = None, monotonic: Monotonic = time.monotonic) -> None:
        super().__init__()
        self.desk = desk
        self.around = Around(monotonic=monotonic)
        self.dashboard = Dashboard(PAGES)
        self.proof = Proof(desk)
        self._wanted_member = member
        self._pages: dict[str, Page] = {}
        self._front: Page | None = None
        self._been: list[str] = []
        self._filtered: dict[str, str] = {}
        self._household = ""
        self.failure: HaloError | None = None
        for look in _LOOKS:
            self.register_theme(look)
        self.theme = themes.DARK.name

    @property
    def crash(self) -> Exception | None:
        return self._exception

    @property
    def unfinished(self) -> tuple[str, ...]:
        """The executions that had not ended when the dashboard was left."""
        return tuple(execution for page in self._pages.values() for execution in page.unfinished)

    @property
    def front(self) -> Page:
        """The page one is looking at."""
        if self._front is None:
            raise RuntimeError("no page is open yet")
        return self._front

    # Opening

    def get_default_screen(self) -> Screen[Any]:
        return self.dashboard

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return themes.DARK.variables

    def on_mount(self) -> None:
        self.set_interval(_CLOCK_S, self._look_at_clock)
        self.set_interval(_COUNT_S, self.count)
        self._ask(partial(self._open, self._wanted_member), self._opened, otherwise=self._not_opened)

    def _open(self, wanted: str | None) -> Opened:
        with self.desk.queries() as queries:
            return opened(queries, wanted)

    async def _opened(self, household: Opened) -> None:
        self.around.settle(household)
        self._household = household.household.name
        self._show_member()
        self._look_at_clock()
        self.count()
        await self.dashboard.body.query("#opening").remove()
        await self._show(PAGES[0])
        self.proof.begin(self, is_asked=False)

    def _not_opened(self, trouble: Trouble) -> None:
        self.failure = self.failure or HaloError(trouble.words)
        self.exit(1)

    # Pages

    async def _show(self, kind: type[Page], *, identifier: str = "", is_way_back: bool = False) -> None:
        """Bring that page to the front, mounted when it is the first time."""
        page = self._pages.get(kind.key)
        if page is None:
            page = self._pages[kind.key] = kind(self.desk, self.around)
            await self.dashboard.body.mount(page)
        if self._front and self._front is not page:
            self._front.remove_class("-front")
            if not is_way_back:
                self._been.append(self._front.key)
        self._front = page
        page.add_class("-front")
        self.dashboard.tabs.show_front(page.key)
        self.dashboard.notice.tell("", trouble=False)
        self._show_crumbs()
        if identifier:
            page.open(identifier)
        page.on_shown()
        self._focus_in(page)

    def _focus_in(self, page: Page) -> None:
        """The first place in it that takes the focus, unless one does already."""
        focused = self.dashboard.focused
        if focused and page in focused.ancestors_with_self:
            return
        stops = [widget for widget in page.walk_children(Widget) if widget.focusable]
        self.dashboard.set_focus(stops[0] if stops else None)

    async def on_page_open(self, event: Page.Open) -> None:
        if kind := page_of(event.identifier):
            await self._show(kind, identifier=event.identifier)

    def on_page_crumbs(self) -> None:
        self._show_crumbs()

    def _show_crumbs(self) -> None:
        if self._front:
            crumbs = (self._front.title, *self._front.crumbs)
            self.dashboard.crumbs.show_place(crumbs, filtered=self._filtered.get(self._front.key, ""))

    def on_page_notice(self, event: Page.Notice) -> None:
        self.dashboard.notice.tell(event.words, trouble=event.trouble)

    def on_page_changed(self) -> None:
        # It may be the role of whoever acts.
        self._show_member()
        self.count()

    async def on_tab_wanted(self, event: Tab.Wanted) -> None:
        await self.action_page(int(event.key))

    async def action_page(self, number: int) -> None:
        kind = next((kind for kind in PAGES if kind.key == str(number)), None)
        if kind and self.around.members:
            await self._show(kind)

    async def action_back(self) -> None:
        """Out of a part of the page, else to the page before."""
        if self._front and self._front.go_back():
            self._show_crumbs()
        elif self._been:
            key = self._been.pop()
            await self._show(next(kind for kind in PAGES if kind.key == key), is_way_back=True)

    def action_refresh(self) -> None:
        self.count()
        if self._front:
            self._front.on_shown()

    # What is true everywhere

    def count(self) -> None:
        """How much waits for somebody, asked again."""
        if self.around.members:
            ask(self, self._counted_now, self._counted, lambda _trouble: None, group="counts", exclusive=True)

    def _counted_now(self) -> Counts:
        with self.desk.queries() as queries:
            return queries.counts()

    def _counted(self, counts: Counts) -> None:
        self.dashboard.top.show_counts(counts)
        self.dashboard.tabs.show_count("1", counts.drafts + counts.questions)
        self.dashboard.tabs.show_count("2", counts.attention)
        if proof := self.proof.stands_at(counts.events):
            self._show_proof(proof)

    def _look_at_clock(self) -> None:
        self.dashboard.top.show_time(times.clock_face(self.desk.clock.now(), self.around.zone))

    def action_verify(self) -> None:
        self.proof.begin(self, is_asked=True)

    def on_proof_of(self, event: ProofOf) -> None:
        self._show_proof(event)

    def _show_proof(self, proof: ProofOf) -> None:
        self.dashboard.top.show_proof(proof.sign, proof.words, is_bad=proof.is_bad)
        if proof.is_bad or proof.is_asked:
            self.dashboard.notice.tell(proof.detail, trouble=proof.is_bad)

    def _show_member(self) -> None:
        self.dashboard.top.show_who(self._household, self.around.member)

    def action_act_as_next(self) -> None:
        if self.around.members:
            member = self.around.act_as_next()
            self._show_member()
            self.dashboard.notice.tell(f"{member.display_name} acts now.", trouble=False)
            if self._front:
                self._front.on_shown()

    def action_next_look(self) -> None:
        names = [look.name for look in _LOOKS]
        self.theme = names[(names.index(self.theme) + 1) % len(names)] if self.theme in names else names[0]

    # Filter

    def action_filter(self) -> None:
        if self._front:
            self.dashboard.show_filter(self._filtered.get(self._front.key, ""))

    def on_input_changed(self, event: Input.Changed) -> None:
        if isinstance(event.input, FilterLine) and self._front and event.input.has_class("-shown"):
            self._filter(event.value)

    def on_filter_line_kept(self) -> None:
        self._end_filter()

    def on_filter_line_dropped(self) -> None:
        self._filter("")
        self._end_filter()

    def _filter(self, text: str) -> None:
        self._filtered[self.front.key] = text
        self.front.set_filter(text)
        self._show_crumbs()

    def _end_filter(self) -> None:
        self.dashboard.hide_filter()
        self._focus_in(self.front)

    # Help, jumping, leaving

    def action_help(self) -> None:
        if self._front and not isinstance(self.screen, Dialog):
            self.push_screen(Help(self._front, self.screen))

    def action_jump(self) -> None:
        if self._front and self.screen is self.dashboard:
            self.push_screen(jumping.Jump(jumping.targets(self.dashboard)), self._jumped)

    def _jumped(self, target: Widget | None) -> None:
        if isinstance(target, Tab):
            target.post_message(Tab.Wanted(target.page.key))
        elif target:
            self.dashboard.set_focus(target)

    def action_leave(self) -> None:
        self.exit(0)

    def action_interrupt(self) -> None:
        self.exit(130)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The palette: what the keys do, by name."""
        for kind in PAGES:
            what = kind.help.partition(". ")[0].partition(":")[0].rstrip(".")
            yield SystemCommand(f"Go to {kind.title}", f"{what} (key {kind.key})", partial(self.action_page, int(kind.key)))
        yield SystemCommand("Somebody else acts", "The next member", self.action_act_as_next)
        yield SystemCommand("Verify the log", "Every link, and that every effect had its confirmation", self.action_verify)
        yield SystemCommand("Filter", "Show only what has these words in it", self.action_filter)
        yield SystemCommand("Jump", "A letter for everything that can be reached", self.action_jump)
        for look in _LOOKS:
            yield SystemCommand(f"Look: {look.name.removeprefix('halo-')}", "Colours", partial(self._set_look, look.name))
        yield SystemCommand("Help", "What has the focus, and its keys", self.action_help)
        yield SystemCommand("Quit", "Leave; what was confirmed stays confirmed", self.action_leave)

    def _set_look(self, name: str) -> None:
        self.theme = name

    # Asking

    def _ask(self, call: Callable[[], T], then: Callable[[T], Awaitable[None] | None], *, otherwise: Callable[[Trouble], None]) -> None:
        def asked() -> T:
            try:
                return call()
            except HaloError as error:
                self.failure = None if self.around.members else error
                raise

        ask(self, asked, then, otherwise)

    async def on_came(self, event: Came) -> None:
        """What a page asked for has come. A bug in what it does with it is told, and ends nothing."""
        event.stop()
        try:
            done = event.then()
            if isawaitable(done):
                await done
        except NoMatches:
            # What was to show it has gone in the meantime.
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the dashboard stays
            self.dashboard.notice.tell(trouble_of(error).words, trouble=True)

    def _fatal_error(self) -> None:
        # Textual would print a traceback with everybody's words in it; the command says sorry instead.
        self._close_messages_no_wait()
