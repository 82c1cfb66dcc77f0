"""Every link in the repository's Markdown leads somewhere, and every file that a page names is there. Sphinx looks after `docs/` as a site; this
looks after all of it as it is read on a forge or in an editor, and needs no site."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.house.source import PACKAGES, ROOT

#: Pages at the top, and whole trees of them.
_TREES = ("docs", "tests", "fixtures", "infra", *PACKAGES)
PAGES = sorted({*ROOT.glob("*.md"), *(page for tree in _TREES for page in (ROOT / tree).rglob("*.md"))})

#: A path of this repository between backticks: with a directory in it and a suffix, and nothing that stands for something else.
_FILE = re.compile(r"(?:[\w.-]+/)+[\w.-]+\.(?:py|md|toml|yaml|yml|json|html|css|tcss|sql|tf|onnx|sh)")
#: Where a page may be short about where a file is: the engine's files are named from within the engine.
_WITHIN = ("", "halo_engine", "docs")


@cache
def tokens(page: Path) -> tuple[Token, ...]:
    return tuple(MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8")))


def inline(page: Path) -> Iterator[Token]:
    for token in tokens(page):
        yield from token.children or ()


def links(page: Path) -> Iterator[str]:
    """The relative ones, of text and of pictures."""
    for token in inline(page):
        target = str(token.attrGet("href") or token.attrGet("src") or "")
        if target and not re.match(r"[a-z][a-z0-9+.-]*:", target):
            yield target


def anchors(page: Path) -> set[str]:
    """What its headings are called in a link, as a forge and the site make it of their words."""
    found: list[str] = []
    for before, token in zip(tokens(page), tokens(page)[1:], strict=False):
        if before.type == "heading_open":
            words = "".join(child.content for child in token.children or ())
            kept = (sign for sign in words.lower() if sign in " -_" or unicodedata.category(sign)[0] in "LN")
            slug = "".join(kept).replace(" ", "-")
            found.append(f"{slug}-{found.count(slug)}" if slug in found else slug)
    return set(found)


def leads_nowhere(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    to = (page.parent / path).resolve() if path else page
    if not to.exists() or ROOT not in (to, *to.parents):
        return True
    return bool(anchor) and (to.suffix != ".md" or anchor not in anchors(to))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
class TestAPage:
    def test_links_to_what_is_there(self, page: Path) -> None:
        """The reason: a link that leads nowhere is a promise that was not kept."""
        assert [link for link in links(page) if leads_nowhere(page, link)] == []

    def test_names_files_that_are_there(self, page: Path) -> None:
        """The reason: whoever follows a page with a finger must not have to search."""
        named = [token.content for token in inline(page) if token.type == "code_inline" and _FILE.fullmatch(token.content)]
        places = (page.parent, *(ROOT / each for each in _WITHIN))
        assert [name for name in named if not any((place / name).exists() for place in places)] == []


def test_every_page_of_the_site_is_in_its_table() -> None:
    """The reason: a page that no list names is found by nobody. The site's strict build says it, too; this says it at once."""
    listed: set[Path] = set()
    for page in (ROOT / "docs" / "index.md", *sorted((ROOT / "docs").rglob("*/index.md"))):
        for token in tokens(page):
            if token.type == "fence" and token.info == "{toctree}":
                entries = [line.strip() for line in token.content.splitlines() if line.strip() and not line.startswith(":")]
                listed |= {found for entry in entries for found in page.parent.glob(f"{entry}.md")}
    assert sorted(set((ROOT / "docs").rglob("*.md")) - listed - {ROOT / "docs" / "index.md"}) == []
