"""The nine pages, in the order of their digits, and which shows what an identifier names. A new page is a file under `pages/` and a line here."""

from __future__ import annotations

from halo_cli.tui.page import Page
from halo_cli.tui.pages.activity import ActivityPage
from halo_cli.tui.pages.attention import AttentionPage
from halo_cli.tui.pages.execution import ExecutionPage
from halo_cli.tui.pages.household import HouseholdPage
from halo_cli.tui.pages.inbox import InboxPage
from halo_cli.tui.pages.log import LogPage
from halo_cli.tui.pages.metrics import MetricsPage
from halo_cli.tui.pages.receipts import ReceiptsPage
from halo_cli.tui.pages.simulator import SimulatorPage
from halo_engine.model.ids import Prefix, prefix_of

PAGES: tuple[type[Page], ...] = (
    InboxPage,
    AttentionPage,
    ActivityPage,
    ExecutionPage,
    ReceiptsPage,
    LogPage,
    MetricsPage,
    HouseholdPage,
    SimulatorPage,
)

_SHOWN_BY: dict[Prefix, type[Page]] = {
    Prefix.DRAFT: InboxPage,
    Prefix.EXECUTION: ExecutionPage,
    Prefix.RECEIPT: ReceiptsPage,
    Prefix.EVENT: LogPage,
    Prefix.REQUEST: ActivityPage,
}


def page_of(identifier: str) -> type[Page] | None:
    """The page that shows it; None for what no page does."""
    prefix = prefix_of(identifier)
    return _SHOWN_BY.get(prefix) if prefix else None
