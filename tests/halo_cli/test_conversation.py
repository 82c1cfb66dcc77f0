"""`halo ask` and `halo confirm` on a real terminal, with a person at it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest

from tests.blank import put_books

TOWELS = "order two packs of paper towels"
Start = Callable[..., Any]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """With blank books: each command is a process, and the first one would migrate them."""
    put_books(tmp_path / "home" / "halo.db")
    return tmp_path / "home"


@pytest.fixture
def start(home: Path) -> Iterator[Start]:
    """`start("ask", …)` begins a command on a terminal of its own; whatever still runs at the end is stopped."""
    running: list[Any] = []

    def begin(*arguments: str) -> Any:
        environ = {**os.environ, "TERM": "xterm-256color", "HALO_HOME": str(home)}
        child = pexpect.spawn(
            sys.executable,
            ["-m", "halo_cli", *arguments],
            env=environ,
            encoding="utf-8",
            codec_errors="replace",
            timeout=30,
            dimensions=(60, 100),
        )
        child.delaybeforesend = None
        running.append(child)
        return child

    yield begin
    for child in running:
        child.close(force=True)


def ended(child: Any) -> int:
    child.expect(pexpect.EOF)
    child.close()
    code: int = child.exitstatus
    return code


def charged(home: Path) -> int:
    ran = subprocess.run(
        [sys.executable, "-m", "halo_cli", "sim", "ledger", "--json", "--home", str(home)], capture_output=True, check=True, timeout=60
    )
    total: int = json.loads(ran.stdout)["total_charged_cents"]
    return total


def amount(child: Any) -> str:
    child.expect(r"Type the amount to confirm, \$([\d,.]+): ")
    found: str = child.match.group(1)
    return found


class TestAsk:
    def test_the_right_amount_buys_and_shows_the_receipt(self, start: Start, home: Path) -> None:
        child = start("ask", TOWELS)
        child.expect("Enter leaves it: ")
        child.sendline("c")
        price = amount(child)
        child.sendline(price)
        child.expect("Done: ")
        child.expect("receipt: rct_")
        assert ended(child) == 0
        assert charged(home) == int(price.replace(".", "").replace(",", ""))

    @pytest.mark.parametrize("typed", ["", "y", "1.00", "c"])
    def test_anything_else_buys_nothing(self, start: Start, home: Path, typed: str) -> None:
        child = start("ask", TOWELS)
        child.expect("Enter leaves it: ")
        child.sendline("c")
        amount(child)
        child.sendline(typed)
        child.expect("That is not it. Nothing was done.")
        child.expect("Enter leaves it: ")
        child.sendline("")
        child.expect("The draft stands.")
        assert ended(child) == 0
        assert charged(home) == 0

    def test_can_be_modified_until_it_is_right(self, start: Start, home: Path) -> None:
        child = start("ask", TOWELS)
        child.expect("Enter leaves it: ")
        for words, shown in (("make it 3", "3 ×"), ("make it 4", "4 ×")):
            child.sendline("m")
            child.expect("What should be different")
            child.sendline(words)
            child.expect("What changed")
            child.expect(shown)
            child.expect("Enter leaves it: ")
        child.sendline("m")
        child.expect("What should be different")
        child.sendline("gibberish blah")
        child.expect("Enter leaves it: ")
        child.sendline("x")
        child.expect("Cancelled: ")
        assert ended(child) == 3
        assert charged(home) == 0

    def test_ctrl_c_leaves_without_buying(self, start: Start, home: Path) -> None:
        child = start("ask", TOWELS)
        child.expect("Enter leaves it: ")
        child.sendline("c")
        amount(child)
        child.sendintr()
        assert ended(child) == 130
        assert charged(home) == 0

    def test_the_end_of_the_input_leaves_the_draft(self, start: Start, home: Path) -> None:
        child = start("ask", TOWELS)
        child.expect("Enter leaves it: ")
        child.sendeof()
        child.expect("The draft stands.")
        assert ended(child) == 0

    def test_a_question_is_answered_in_words(self, start: Start, home: Path) -> None:
        child = start("ask", "place an order")
        child.expect("Number or words")
        child.sendline("two packs of paper towels")
        child.expect("Enter leaves it: ")
        child.sendline("x")
        assert ended(child) == 3

    def test_a_question_is_answered_by_number_and_a_free_table_by_its_verb(self, start: Start, home: Path) -> None:
        # A day on which that table is free: real days are not all alike.
        assert ended(start("sim", "clock", "set", "2030-06-03T15:00:00Z")) == 0
        child = start("ask", "book a table for 2 at Osteria tomorrow at 7pm")
        child.expect("1.*Osteria Lunetta")
        child.expect("Number or words")
        child.sendline("1")
        child.expect("Enter leaves it: ")
        child.sendline("c")
        child.expect("Type book to confirm: ")
        child.sendline("book")
        child.expect("Done: ")
        assert ended(child) == 0

    def test_a_yes_in_words_still_asks_for_the_amount(self, start: Start, home: Path) -> None:
        """Words may be misheard; an amount is typed on purpose."""
        child = start("ask", TOWELS)
        child.expect("Enter leaves it: ")
        child.sendline("yes please")
        amount(child)
        child.sendline("yes")
        child.expect("Nothing was done")
        child.sendline("")
        ended(child)
        assert charged(home) == 0

    def test_words_may_change_the_draft_or_end_it(self, start: Start, home: Path) -> None:
        """Without a letter first: what should be different, and then no."""
        child = start("ask", TOWELS)
        child.expect("Enter leaves it: ")
        child.sendline("yes but make it 3")
        child.expect("Revision 2")
        child.expect("Enter leaves it: ")
        child.sendline("no thanks")
        child.expect("Cancelled")
        assert ended(child) == 3

    def test_a_doubt_is_no_answer(self, start: Start, home: Path) -> None:
        """The draft stands and nothing else happens."""
        child = start("ask", TOWELS)
        child.expect("Enter leaves it: ")
        child.sendline("ok?")
        child.expect("no clear answer")
        child.sendline("")
        assert ended(child) == 0

    def test_broken_bytes_at_the_prompt_are_just_another_answer(self, start: Start, home: Path) -> None:
        child = start("ask", TOWELS)
        child.expect("Enter leaves it: ")
        os.write(child.child_fd, b"\xff\xfe\n")
        child.expect("Type c, m or x")
        child.sendline("")
        assert ended(child) == 0

    def test_no_input_means_no_questions(self, start: Start, home: Path) -> None:
        child = start("ask", TOWELS, "--no-input")
        child.expect("Confirm it with: halo confirm")
        assert ended(child) == 0

    def test_terms_that_changed_have_to_be_confirmed_anew(self, start: Start, home: Path) -> None:
        child = start("ask", TOWELS)
        child.expect("Enter leaves it: ")
        assert ended(start("sim", "fault", "price_up", "--cents", "150")) == 0
        child.sendline("c")
        before = amount(child)
        child.sendline(before)
        child.expect("Terms changed: ")
        child.expect("Enter leaves it: ")
        assert charged(home) == 0
        child.sendline("c")
        after = amount(child)
        assert after != before
        child.sendline(after)
        child.expect("Done: ")
        assert ended(child) == 0
        assert charged(home) == int(after.replace(".", "").replace(",", ""))


class TestConfirm:
    def draft_id(self, home: Path) -> str:
        ran = subprocess.run(
            [sys.executable, "-m", "halo_cli", "ask", TOWELS, "--json", "--home", str(home)], capture_output=True, check=True
        )
        found: str = json.loads(ran.stdout)["draft_id"]
        return found

    def test_shows_the_card_and_asks_for_the_amount(self, start: Start, home: Path) -> None:
        child = start("confirm", self.draft_id(home))
        child.expect("Draft: ")
        child.sendline(amount(child))
        child.expect("Done: ")
        assert ended(child) == 0

    def test_a_wrong_amount_is_a_no(self, start: Start, home: Path) -> None:
        child = start("confirm", self.draft_id(home))
        amount(child)
        child.sendline("1.00")
        assert ended(child) == 3
        assert charged(home) == 0

    def test_what_is_done_is_not_asked_again(self, start: Start, home: Path) -> None:
        draft_id = self.draft_id(home)
        child = start("confirm", draft_id)
        child.sendline(amount(child))
        assert ended(child) == 0
        again = start("confirm", draft_id)
        again.expect("confirmed already")
        assert ended(again) == 1
