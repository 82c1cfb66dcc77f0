"""The changes that are made to a program: each is another program, and what only a reader sees is left alone."""

from __future__ import annotations

import ast

import pytest

from tests.mutation.operators import UNCHANGED, mutated, sites

SOURCE = '''
"""A sentence."""

import os

LIMITS = {"once": 10, "daily": 20}


class Purse:
    kind: str = "purse"

    @property
    def is_full(self) -> bool:
        """Another one."""
        return not self.left and self.held >= 10

    def take(self, cents: int) -> int:
        if cents < 0:
            raise ValueError("an amount is below zero")
        self.log(cents, by="me")
        match cents:
            case 1 | 2:
                return cents + 1
            case _:
                return max(cents, 3)
'''


def changes(source: str = SOURCE) -> list[str]:
    return [site.words for site in sites(ast.parse(source))]


class TestChanges:
    @pytest.mark.parametrize(
        "expected",
        [
            "{'once': 10, 'daily': 20} → {'daily': 20}",
            "10 → 11",
            "'purse' → 'purse~'",
            "not self.left and self.held >= 10 → self.held >= 10",
            "not self.left → self.left",
            "self.held >= 10 → self.held > 10",
            "cents < 0 → cents <= 0",
            "cents < 0 → cents >= 0",
            "raise ValueError('an amount is below zero') → pass",
            "self.log(cents, by='me') → pass",
            "by='me' → nothing",
            "cents + 1 → cents - 1",
            "max(cents, 3) → min(cents, 3)",
            "return cents + 1 → return None",
            "1 | 2 → 2",
        ],
    )
    def test_are_made_wherever_something_is_decided(self, expected: str) -> None:
        """In a table, in a property, at a boundary: also where a decorator stands."""
        assert expected in changes()

    @pytest.mark.parametrize("left_alone", ["sentence", "Another", "os", "below zero'~", "int"])
    def test_leave_alone_what_nothing_depends_on(self, left_alone: str) -> None:
        """Docstrings, imports, types, and sentences for people."""
        assert not any(left_alone in words.partition(" → ")[0] for words in changes() if not words.startswith("raise"))

    def test_are_each_another_program_that_can_be_read(self) -> None:
        """And none of them is the program itself."""
        as_it_is = ast.unparse(ast.parse(SOURCE))
        programs = [mutated(SOURCE, number) for number in range(len(changes()))]
        for program in programs:
            compile(program, "purse.py", "exec")
        assert as_it_is not in map(ast.unparse, programs)
        assert ast.unparse(mutated(SOURCE, UNCHANGED)) == as_it_is
