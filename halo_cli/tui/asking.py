"""Questions to the books and the engine, asked in threads: the screen never waits, and what goes wrong arrives as words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from textual.dom import DOMNode
from textual.message import Message

from halo_cli.chat.asking import Trouble, trouble_of

T = TypeVar("T")


class Came(Message):
    """What a worker came back with, and what to do with it. It bubbles to the app, which does it."""

    def __init__(self, then: Callable[[], Awaitable[None] | None]) -> None:
        super().__init__()
        self.then = then


def ask(
    node: DOMNode,
    call: Callable[[], T],
    then: Callable[[T], Awaitable[None] | None],
    otherwise: Callable[[Trouble], Awaitable[None] | None],
    *,
    group: str = "asking",
    exclusive: bool = False,
) -> None:
    """Run `call` in a thread; what it gives goes to `then`, and why it gives nothing to `otherwise`. Nothing comes to a widget that has gone."""

    def asked() -> None:
        try:
            answer = call()
        except Exception as error:  # noqa: BLE001 - a bug in a worker must not end the dashboard
            node.post_message(Came(partial(otherwise, trouble_of(error))))
        else:
            node.post_message(Came(partial(then, answer)))

    node.run_worker(asked, thread=True, exit_on_error=False, group=group, exclusive=exclusive)
