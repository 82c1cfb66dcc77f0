"""Ratchets, not fences: a long function or file needs a reason, and there is none so far."""

from __future__ import annotations

import ast

from tests.house.source import files, tree, where

LONGEST_FUNCTION = 70
LONGEST_FILE = 500


def test_no_function_is_longer_than_a_screen() -> None:
    """The reason: what does not fit on a screen is read by nobody."""
    long = [
        where(path, node.lineno)
        for path in files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno + 1 > LONGEST_FUNCTION
    ]
    assert long == []


def test_no_file_is_longer_than_a_chapter() -> None:
    """The reason: the one giant file is always a face or the store."""
    assert [str(path) for path in files() if len(path.read_text(encoding="utf-8").splitlines()) > LONGEST_FILE] == []
