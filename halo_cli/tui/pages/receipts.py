"""What proves that something was done: the receipts, newest first, and each of them word for word."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from cards.words import receipt_lines, shown
from halo_cli.tui.bindings import Key, bindings
from halo_cli.tui.parts.feed_rows import Batch
from halo_cli.tui.parts.listing import ListingPage
from halo_cli.tui.parts.log_lines import moment, moment_in_full
from halo_cli.tui.parts.paged_table import Cell, Column
from halo_engine.model.errors import InvalidInput
from halo_engine.model.receipt import Receipt
from halo_engine.model.trails import ReceiptLine
from halo_engine.trail import PAGE, Trail

if TYPE_CHECKING:
    from halo_cli.tui.desk import Desk
    from halo_cli.tui.household import Around
    from halo_engine.proving import Proved

KEYS: tuple[Key, ...] = (
    Key("p", "prove", "P", "write the file that proves it to somebody else", "Prove"),
    Key("e", "open_execution", "E", "open the execution it is of", "Execution"),
    Key("y", "copy", "Y", "copy its id"),
)


class ReceiptView(VerticalScroll):
    """One receipt as it was written."""

    DEFAULT_CSS = """
    ReceiptView { height: 1fr; width: 100%; padding: 0 2; scrollbar-gutter: stable; scrollbar-size-vertical: 1; display: none; }
    ReceiptView { scrollbar-color: $hairline; scrollbar-background: $background; }
    .-tall ReceiptView { padding: 1 2; }
    ReceiptView > Static { width: 100%; height: auto; }
    """

    def __init__(self) -> None:
        super().__init__(id="receipt")
        self._text = Static("", markup=False)

    def compose(self) -> ComposeResult:
        yield self._text

    def show(self, lines: Sequence[Content]) -> None:
        self._text.update(Content("\n").join(lines))
        self.scroll_home(animate=False)


class ReceiptsPage(ListingPage[ReceiptLine]):
    """The list, and over it the receipt that is open."""

    title, short, key = "Receipts", "Rcpts", "5"
    help = (
        "What was done, each with the vendor's own number. Enter reads a receipt. P writes a file with which somebody else can check, without "
        "Halo and offline, that this receipt stands in the log. / filters by words of the receipt, vendor, verb, number or id."
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)
    DEFAULT_CSS = """
    ReceiptsPage.-open ReceiptView { display: block; }
    ReceiptsPage.-open PagedTable { display: none; }
    """

    def __init__(self, desk: Desk, around: Around) -> None:
        super().__init__(desk, around)
        self.view = ReceiptView()
        self._shown: Receipt | None = None

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield self.view

    def columns(self) -> Sequence[Column]:
        return (
            Column("When", 15),
            Column("What", 0),
            Column("Amount", 10, right=True),
            Column("Vendor", 13),
            Column("Number", 22, shown_from=100),
            Column("Verb", 8, shown_from=120),
        )

    def cells(self, row: ReceiptLine) -> Sequence[Cell]:
        amount = row.amount.display if row.amount else "nothing"
        return (
            Cell(moment(row.at, self.zone, now=self.desk.clock.now()), "quiet"),
            Cell(f"✓ {shown(row.title, max_chars=200)}"),
            Cell(amount),
            Cell(shown(row.vendor, max_chars=40)),
            Cell(shown(row.reference, max_chars=60), "quiet"),
            Cell(shown(row.verb, max_chars=20), "quiet"),
        )

    def load(self, text: str, after: ReceiptLine | None) -> Batch[ReceiptLine]:
        with Trail.open(self.desk.settings, clock=self.desk.clock) as trail:
            rows = trail.receipts(text.strip(), before=after.id if after else None)
        return Batch(rows, rows[-1] if rows else None, len(rows) < PAGE)

    def empty_words(self) -> str:
        if self.filter:
            return "No receipt has these words in it. Press / to change them, or Esc in the line to see everything."
        return "No receipts yet: one is written with everything that is done. Confirm a draft in the inbox (1)."

    def chosen(self, row: ReceiptLine) -> None:
        self.open(row.id)

    # One receipt

    def open(self, identifier: str) -> None:
        self.ask(partial(self._receipt, identifier), self._show_receipt, group="receipt", exclusive=True)

    def _receipt(self, receipt_id: str) -> Receipt:
        with Trail.open(self.desk.settings, clock=self.desk.clock) as trail:
            return trail.receipt(receipt_id)

    def _show_receipt(self, receipt: Receipt) -> None:
        self._shown = receipt
        self.view.show(list(self._lines(receipt)))
        self.add_class("-open")
        self.view.focus()
        self.post_message(self.Crumbs())

    def _lines(self, receipt: Receipt) -> Sequence[Content]:
        title, *rest = receipt_lines(receipt)
        stored = f"{shown(receipt.type)} · stored {moment_in_full(receipt.created_at, self.zone)}"
        return [
            Content.styled(f"✓ {title}", "bold"),
            Content.styled(stored, "$quiet"),
            Content(""),
            *(Content(line) for line in rest),
            Content(""),
            Content.styled("P writes a proof of it. On a command line:", "$quiet"),
            Content.styled(f"halo audit prove {shown(receipt.id)}", "$quiet"),
        ]

    @property
    def is_open(self) -> bool:
        return self.has_class("-open")

    def go_back(self) -> bool:
        if not self.is_open:
            return False
        self.remove_class("-open")
        self.table.focus()
        return True

    @property
    def crumbs(self) -> tuple[str, ...]:
        return (*super().crumbs, self._shown.id) if self.is_open and self._shown else super().crumbs

    # Keys

    @property
    def _meant(self) -> tuple[str, str]:
        """The receipt that is open or marked, and its execution."""
        if self.is_open and self._shown:
            return self._shown.id, self._shown.execution_id
        row = self.table.row
        return (row.id, row.execution_id) if row else ("", "")

    def action_open_execution(self) -> None:
        if self._meant[1]:
            self.post_message(self.Open(self._meant[1]))

    def action_copy(self) -> None:
        if self._meant[0]:
            self.app.copy_to_clipboard(self._meant[0])
            self.say(f"Copied {self._meant[0]}")

    def action_prove(self) -> None:
        if self._meant[0]:
            self.ask(partial(self._prove, self._meant[0]), self._proved, group="acting")

    def _prove(self, receipt_id: str) -> tuple[Path, Proved]:
        """The file that `halo audit prove` writes, beside the books: where somebody at a browser can have it fetched, too."""
        # What proves brings the cryptography along: the first paint must not wait for it.
        from halo_engine.audit import Audit

        with Audit.open(self.desk.settings, clock=self.desk.clock) as audit:
            proved = audit.prove(receipt_id)
        path = self.desk.settings.home / f"{proved.receipt_id}.proof.json"
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8", newline="") as file:
                file.write(proved.proof.text)
        except OSError as error:
            raise InvalidInput(f"{path} cannot be written: {error.strerror}.", hint="See: halo audit prove --help") from error
        return path, proved

    def _proved(self, answer: tuple[Path, Proved]) -> None:
        path, proved = answer
        discloses = f" It discloses {', '.join(proved.discloses)}." if proved.discloses else ""
        self.say(f"Wrote {path}.{discloses} {proved.trouble}".strip())
