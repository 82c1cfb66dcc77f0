"""The source that ships, as syntax trees, for the rules of the house."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("halo_cli", "halo_engine", "halo_sim", "cards", "server")


def files() -> list[Path]:
    """Every Python file that ships."""
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def calls(path: Path) -> Iterator[tuple[int, str]]:
    """Every call in a file: its line, and what is called as it is written."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)


def where(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"
