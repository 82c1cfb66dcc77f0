"""What the chat says when something is not as it should be: one quiet line, what to do, and the words are still there."""

from __future__ import annotations

from pathlib import Path

import pytest

from halo_cli import session
from halo_cli.chat.bubbles import Note
from halo_cli.chat.card_view import CardView
from halo_cli.chat.thread_view import ThreadView
from halo_engine.model.card import Card, CardKind
from halo_engine.model.errors import HaloError, InvalidInput, NeedsAnother, NotFound, StoreBusy
from halo_engine.thread import LocalDoor
from tests.halo_cli.chat.driver import Chat, chat
from tests.halo_cli.conftest import Halo
from tests.installation import Installation

TABLE = "book a table for 2 at Osteria Lunetta tomorrow at 7pm"


class _Failing(LocalDoor):
    """A door that fails as it is told to, as long as it is told to."""

    error: Exception | None = None

    def draft(self, text: str, *, member: str, channel: str, answers: str | None = None) -> Card:
        if self.error:
            raise self.error
        return super().draft(text, member=member, channel=channel, answers=answers)

    def carry_on(self, execution_id: str, *, wait_s: float) -> Card:
        if self.error:
            raise self.error
        return super().carry_on(execution_id, wait_s=wait_s)


def failing_with(error: Exception) -> type[_Failing]:
    return type("_Failing", (_Failing,), {"error": error})


class TestWordsThatCouldNotBeSent:
    @pytest.mark.parametrize("error", [StoreBusy(), TypeError("order something secret")])
    def test_are_still_there(self, tmp_path: Path, error: Exception) -> None:
        """Not delivered, why, and what to do; a bug ends nothing and shows none of its insides."""
        made: list[_Failing] = []

        def door(home: Installation) -> LocalDoor:
            made.append(failing_with(error)(home.engine, home.queries))
            return made[0]

        async def journey(at: Chat) -> None:
            await at.say(TABLE)
            assert at.written == TABLE
            assert at.bubbles[-1].state == "Not delivered"
            assert len(at.notes) == 1
            assert "secret" not in at.notes[0]
            made[0].error = None
            await at.press("enter")
            assert at.bubbles[-1].state == "Delivered"
            assert [bubble.text for bubble in at.bubbles] == [TABLE]
            assert at.kind() is CardKind.DRAFT

        chat(tmp_path, journey, door=door)

    def test_because_a_vendor_is_down_say_so(self, tmp_path: Path) -> None:
        """The real thing."""

        async def journey(at: Chat) -> None:
            at.home.fault("unavailable", times=999)
            await at.say("order 2 packs of AA batteries")
            assert at.written == "order 2 packs of AA batteries"
            assert "Try again" in at.notes[0]

        chat(tmp_path, journey)


class TestWhatWasConfirmed:
    def test_is_asked_for_again_where_it_could_not_be_asked(self, tmp_path: Path) -> None:
        """It goes on; the card stays what it was, and the chat too."""
        made: list[_Failing] = []

        def door(home: Installation) -> LocalDoor:
            made.append(_Failing(home.engine, home.queries))
            return made[0]

        async def journey(at: Chat) -> None:
            await at.say(TABLE)
            made[0].error = StoreBusy()
            await at.confirm()
            assert at.kind() is CardKind.EXECUTING
            assert list(at.app.unfinished) == [at.card.execution_id]
            made[0].error = None
            at.app._carry_on(at.card.execution_id or "")
            await at.settle()
            assert at.kind() is CardKind.DONE
            assert list(at.app.unfinished) == []

        chat(tmp_path, journey, door=door)

    def test_is_watched_while_the_answer_is_lost(self, tmp_path: Path) -> None:
        """Checking, and then done: once."""

        async def journey(at: Chat) -> None:
            await at.say("order 2 packs of AA batteries")
            at.home.fault("lose_answer")
            await at.confirm()
            assert at.kind() is CardKind.DONE
            assert len(at.home.bought()) == 1

        chat(tmp_path, journey)


class TestABegin:
    def test_that_fails_is_told_by_the_command(self, tmp_path: Path) -> None:
        """The error goes where every command's does."""

        class Away(LocalDoor):
            def members(self) -> tuple[()]:
                raise StoreBusy

        async def journey(at: Chat) -> HaloError | None:
            return at.app.failure

        assert isinstance(chat(tmp_path, journey, door=lambda home: Away(home.engine, home.queries)), StoreBusy)


class TestABug:
    def test_on_the_screen_prints_no_traceback(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """The command says sorry; the words of the thread are in no trace."""

        async def broken(_self: ThreadView, _card: Card) -> CardView:
            raise TypeError("a bug")

        monkeypatch.setattr(ThreadView, "show", broken)

        async def journey(at: Chat) -> None:
            await at.say(TABLE)

        with pytest.raises(TypeError):
            chat(tmp_path, journey)
        assert "Traceback" not in capsys.readouterr().err


class TestWithoutATerminal:
    @pytest.mark.parametrize("options", [(), ("--json",), ("--no-input",)])
    def test_it_says_what_to_use_instead(self, halo: Halo, options: tuple[str, ...]) -> None:
        """A usage error."""
        ran = halo("chat", *options)
        assert ran.code == 2
        assert "halo ask" in ran.out + ran.err

    def test_a_server_wants_a_token(self, halo: Halo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """From a file or the environment: none, one that is no token, and a file that is not there."""
        monkeypatch.setattr(session, "may_ask", lambda **_: True)
        monkeypatch.delenv("HALO_TOKEN", raising=False)
        ran = halo("chat", "--server", "http://127.0.0.1:9")
        assert ran.code == 2
        assert "A server wants to know who calls." in ran.err
        assert "halo devices add NAME" in ran.err
        file = tmp_path / "token"
        ran = halo("chat", "--server", "http://127.0.0.1:9", "--token-file", str(file))
        assert ran.code == 2
        assert "cannot be read" in ran.err
        file.write_text("my secret diary")
        ran = halo("chat", "--server", "http://127.0.0.1:9", "--token-file", str(file))
        assert ran.code == 2
        assert "There is no device's token" in ran.err
        assert "diary" not in ran.err


class _AlexAlone(LocalDoor):
    """A door that speaks for one member, as a server's does."""

    @property
    def me(self) -> str:
        return next(member.id for member in self.members() if member.display_name == "Alex")


class TestWhoIsToWrite:
    def refused(self, tmp_path: Path, member: str, door: type[LocalDoor]) -> HaloError | None:
        async def journey(at: Chat) -> HaloError | None:
            return at.app.failure

        return chat(tmp_path, journey, door=lambda home: door(home.engine, home.queries), member=member)

    def test_has_to_live_here(self, tmp_path: Path) -> None:
        """Nobody else's words are put in the owner's mouth."""
        assert isinstance(self.refused(tmp_path, "Nobody", LocalDoor), NotFound)

    def test_has_to_be_whom_the_door_speaks_for(self, tmp_path: Path) -> None:
        """Sam does not write with Alex's token."""
        assert isinstance(self.refused(tmp_path / "a", "Sam", _AlexAlone), InvalidInput)
        assert self.refused(tmp_path / "b", "alex", _AlexAlone) is None


class TestAYesThatNeedsAnother:
    def test_is_told_quietly(self, tmp_path: Path) -> None:
        """It is kept, and nothing is wrong."""

        class Half(LocalDoor):
            def confirm(self, draft_id: str, *, draft_hash: str, member: str) -> Card:
                raise NeedsAnother("Your yes is kept.")

        async def journey(at: Chat) -> None:
            await at.say(TABLE)
            await at.confirm()
            note = at.app.thread_screen.query(Note).last()
            assert "Your yes is kept." in str(note.content)
            assert not note.has_class("-trouble")

        chat(tmp_path, journey, door=lambda home: Half(home.engine, home.queries))
