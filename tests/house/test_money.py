"""No float comes near money: not to compute, not to compare, not to print."""

from __future__ import annotations

import ast
import re

from tests.house.source import files, tree, where

#: Files that know an amount beside something else that is a float, and what that is.
NOT_MONEY = {
    "halo_engine/settings.py": "seconds, and how sure a parser must be",
    "halo_engine/engine.py": "seconds to wait",
    "halo_engine/telemetry.py": "seconds that a step took",
    "halo_engine/parsing/": "how sure a parser is",
    "halo_cli/": "seconds to wait, and how sure a parser is",
    "server/documents/intents.py": "how sure a parser is",
    "halo_sim/world.py": "seconds to wait for another writer",
    "halo_sim/resy.py": "degrees of latitude, and how alike two names are",
}


def test_no_file_that_handles_money_has_a_float() -> None:
    """The reason: 0.1 + 0.2 is not 0.3, and a cent that nobody confirmed is a cent too much."""
    found = [
        where(path, node.lineno)
        for path in files()
        if {"Money", "cents"} & set(_WORD.findall(path.read_text(encoding="utf-8")))
        for node in ast.walk(tree(path))
        if isinstance(node, ast.expr) and _is_float(node)
    ]
    assert [place for place in found if not place.startswith(tuple(NOT_MONEY))] == []


def _is_float(node: ast.expr) -> bool:
    return (isinstance(node, ast.Name) and node.id == "float") or (isinstance(node, ast.Constant) and isinstance(node.value, float))


_WORD = re.compile(r"[A-Za-z]+")
