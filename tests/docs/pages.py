"""The documentation as it is written: README.md and every page in docs/, with the blocks and the inline code that stand in each.

How a block is written is what becomes of it:

- `console`: lines that begin with `$ ` are typed, in order, in the one bash of the page (`> ` goes on with the line before). What stands below a
  command is compared with what it prints, where `…` stands for any text, and ids, hashes and times for any of their kind. Where nothing else
  stands below it, anything may be printed, but it has to succeed.
- `sh`: run whole in the same bash, and has to succeed.
- a page with `<!-- typed in a household -->` in it is about a home that is there: it is founded before the first line is typed.
- either after `<!-- not run: REASON -->`: not run, because it cannot be here; its commands have to exist all the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.house.source import ROOT

_NOT_RUN = re.compile(r"\s*<!-- not run: (?P<reason>[^>]+?) -->\s*")
_ITS_LINK = re.compile(r"\]\((?P<file>[\w./-]+\.(?!md)\w+)\)")

#: What is typed by somebody, and what is only read.
TYPED = frozenset({"console", "sh"})
READ = frozenset({"text", "json", "http", "python", "swift", "sql", "toml", "yaml", "hcl", "ini", "html"})


@dataclass(frozen=True)
class Command:
    """What is typed, and what is shown below it; None where nothing is."""

    typed: str
    shown: str | None


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and why it is not run; None where it is."""

    page: Page
    line: int
    language: str
    text: str
    not_run: str | None

    @property
    def commands(self) -> tuple[Command, ...]:
        """Of a `console` block, in order. Raises `ValueError` where it does not begin with a prompt."""
        if self.language == "sh":
            return (Command(self.text, None),)
        before, *parts = re.split(r"^\$ ", self.text, flags=re.MULTILINE)
        if before or not parts:
            raise ValueError(f"{self.where}: a console block begins with `$ `")
        return tuple(_command(part) for part in parts)

    @property
    def where(self) -> str:
        return f"{self.page.name}:{self.line}"


@dataclass(frozen=True)
class Page:
    """One file of Markdown."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Every fenced block but the directives of the site."""
        tokens = _tokens(self.path)
        fences = [(at, token) for at, token in enumerate(tokens) if token.type == "fence" and not token.info.startswith("{")]
        return tuple(
            Block(self, (token.map or [0])[0] + 1, token.info.strip(), token.content, _reason(tokens[at - 1] if at else None))
            for at, token in fences
        )

    @property
    def needs_household(self) -> bool:
        return "<!-- typed in a household -->" in self.path.read_text(encoding="utf-8")

    @property
    def indented(self) -> tuple[str, ...]:
        """Blocks that are marked by their indentation alone: nobody can say what becomes of them."""
        return tuple(token.content for token in _tokens(self.path) if token.type == "code_block")

    @property
    def inline(self) -> tuple[str, ...]:
        """Everything between backticks, also in tables."""
        return tuple(child.content for token in _tokens(self.path) for child in token.children or () if child.type == "code_inline")

    @property
    def linked_files(self) -> tuple[Path, ...]:
        """What the page hands to its reader: the files beside it that it links to."""
        found = (self.path.parent / link["file"] for link in _ITS_LINK.finditer(self.path.read_text(encoding="utf-8")))
        return tuple(sorted({file.resolve() for file in found if file.parent == self.path.parent and file.is_file()}))


def pages() -> list[Page]:
    """README.md, and docs/."""
    return [Page(ROOT / "README.md"), *map(Page, sorted((ROOT / "docs").rglob("*.md")))]


@cache
def _tokens(path: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(path.read_text(encoding="utf-8"))


def _reason(before: Token | None) -> str | None:
    found = _NOT_RUN.fullmatch(before.content) if before is not None and before.type == "html_block" else None
    return found["reason"] if found else None


def _command(part: str) -> Command:
    first, *rest = part.splitlines()
    typed = [first]
    while rest and rest[0].startswith("> "):
        typed.append(rest.pop(0).removeprefix("> "))
    shown = "\n".join(rest).strip("\n")
    return Command("\n".join(typed), shown or None)
