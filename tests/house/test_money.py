"""No float comes near money: not to compute, not to compare, not to print."""

from __future__ import annotations

import ast

from tests.house.source import files, tree, where


def test_no_file_that_handles_money_has_a_float() -> None:
    """The reason: 0.1 + 0.2 is not 0.3, and a cent that nobody confirmed is a cent too much."""
    found = []
    for path in files():
        text = path.read_text(encoding="utf-8")
        if "Money" not in text and "cents" not in text:
            continue
        for node in ast.walk(tree(path)):
            is_float = isinstance(node, ast.Name) and node.id == "float"
            is_constant = isinstance(node, ast.Constant) and isinstance(node.value, float)
            if is_float or is_constant:
                found.append(where(path, node.lineno))
    assert [place for place in found if not place.startswith(_SECONDS_AND_SURENESS)] == []


#: Files that know a wait in seconds or a parser's confidence beside an amount in cents.
_SECONDS_AND_SURENESS = ("halo_engine/settings.py", "halo_engine/engine.py", "halo_engine/parsing/", "halo_cli/")
