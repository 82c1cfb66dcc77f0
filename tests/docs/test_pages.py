"""Every command in README.md and docs/ is typed, and does what the page says; what cannot be typed here has to exist."""

from __future__ import annotations

import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.commands import unknown
from tests.docs.pages import READ, TYPED, Block, Page, pages
from tests.docs.ready import ready_halo
from tests.docs.shell import Bash, Meanings, Typed

#: Where the pages' servers listen. In a test each has a port of its own, so that pages can be typed side by side.
_PORTS = ("8080", "1234")

#: What the scripts of a page print, in this order: a script is not compared line by line.
_STEPS = {
    "README.md": (
        "Draft: Order",
        "Cost: $49.95",
        "event: draft.confirmed",
        "event: end",
        "Done: Order",
        "Charged: $49.95",
        "reference: 113-",
        "audit verified",
    ),
}

ALL = pages()
TO_TYPE = [page for page in ALL if any(block.language in TYPED and not block.not_run for block in page.blocks)]


@pytest.fixture(scope="session")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with ready_halo(tmp_path_factory.mktemp("ready")) as place:
        yield place


def with_ports(text: str, ports: dict[str, str]) -> str:
    return re.sub(rf"\b(?:{'|'.join(ports)})\b", lambda found: ports[found[0]], text)


def free_ports() -> dict[str, str]:
    """Free when this looked, which is as good as it gets."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return dict(zip(_PORTS, (str(one.getsockname()[1]), str(other.getsockname()[1])), strict=True))


class Reader:
    """Somebody who types a page from its top to its end."""

    def __init__(self, bash: Bash) -> None:
        self._bash, self._ports = bash, free_ports()
        self._meanings = Meanings()

    @property
    def printed(self) -> str:
        return self._meanings.printed

    def type(self, block: Block) -> None:
        self._bash.type("set -eo pipefail" if block.language == "sh" else "set +e")
        for command in block.commands:
            typed = self._meanings.meant(with_ports(command.typed, self._ports))
            shown = command.shown and with_ports(command.shown, self._ports)
            done = self._done(typed, shown)
            self._meanings.printed += done.printed
            told = f"{block.where}\n$ {typed}\n{done.printed}"
            if done.code != 0 and not (shown or "").replace("…", "").strip():
                pytest.fail(f"{told}\nIt ended with {done.code}, and the page shows nothing of that.", pytrace=False)
            if shown is not None and not self._meanings.are_shown(shown, done.printed):
                pytest.fail(f"{told}\nThe page shows:\n{shown}", pytrace=False)
        # What a page types after it is not held to what a script is.
        self._bash.type("set +e +o pipefail")

    def _done(self, typed: str, shown: str | None) -> Typed:
        if not typed.endswith("&") or ">" in typed:
            return self._bash.type(typed)
        return self._bash.start(typed, until=lambda said: self._meanings.are_shown(shown, said) if shown else bool(said))


class TestAPage:
    @pytest.mark.skipif(shutil.which("bash") is None or shutil.which("curl") is None, reason="the pages are typed in bash, with curl")
    @pytest.mark.parametrize("page", TO_TYPE, ids=lambda page: page.name)
    def test_is_true_when_it_is_typed(self, page: Page, ready: Path, tmp_path: Path) -> None:
        """From its top to its end, in a home of its own, with the files that the page links to at hand."""
        place = tmp_path / "reader"
        place.mkdir()
        for file in page.linked_files:
            shutil.copy(file, place)
        with Bash(place, path=ready) as bash:
            reader = Reader(bash)
            if page.needs_household:
                assert bash.type("halo init").code == 0
            for block in page.blocks:
                if block.language in TYPED and not block.not_run:
                    reader.type(block)
        assert re.search(".*".join(map(re.escape, _STEPS.get(page.name, ()))), reader.printed, re.DOTALL), reader.printed

    @pytest.mark.parametrize("page", ALL, ids=lambda page: page.name)
    def test_says_what_each_block_is(self, page: Page) -> None:
        """The reason: a block that nobody can tell from a command would never be tried."""
        assert [block.where for block in page.blocks if block.language not in TYPED | READ] == []
        assert page.indented == ()
        for block in page.blocks:
            assert block.language in TYPED or not re.search(r"^(?:\$ |halo |just )", block.text, re.MULTILINE), f"{block.where} is typed"
            assert block.language in TYPED or block.not_run is None, f"{block.where} would not be run anyway"

    @pytest.mark.parametrize("page", ALL, ids=lambda page: page.name)
    def test_names_no_command_that_is_not_there(self, page: Page) -> None:
        """Those in sentences, in tables and in blocks that cannot be run: commands, options, and recipes of the justfile."""
        lines = [
            line for block in page.blocks if block.language in TYPED for command in block.commands for line in command.typed.splitlines()
        ]
        assert [(text, why) for text in (*page.inline, *lines) if (why := unknown(text))] == []


class TestWhatIsNotRun:
    def test_is_this_and_no_more(self) -> None:
        """The reason: what is not run may be wrong. Each of these cannot be run where the tests are, and says why in its page."""
        not_run = {(block.page.name, block.not_run) for page in ALL for block in page.blocks if block.not_run}
        assert not_run == NOT_RUN


#: Page, and the reason it gives.
NOT_RUN = {
    ("README.md", "needs the package index"),
    ("docs/bridge.md", "needs a Mac with Messages"),
    ("docs/capacity.md", "it takes as many minutes as it is told, and a test runs a shorter one"),
    ("docs/deploying.md", "needs a Google Cloud project"),
    ("docs/deploying.md", "needs a container builder and a Google Cloud project"),
    ("docs/howto/attach-a-bridge.md", "needs a Mac with Messages"),
    ("docs/howto/back-up-and-restore.md", "it needs a PostgreSQL server"),
    ("docs/howto/back-up-and-restore.md", "it needs a witness that has seen more than the books"),
    (
        "docs/howto/postgres-and-workers.md",
        "it stays in the foreground; tests/infra/test_up.py runs it, kills a worker in an order, and ends it",
    ),
    ("docs/howto/postgres-and-workers.md", "needs a PostgreSQL server and somebody who may make users in it"),
    ("docs/howto/postgres-and-workers.md", "needs the PostgreSQL server above"),
    ("docs/server.md", "needs a terminal and somebody at it"),
    ("docs/swift.md", "needs Swift"),
    ("docs/tutorial.md", "needs the package index"),
}
