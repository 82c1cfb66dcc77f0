"""A household's thread is theirs: what was not said to Halo is nowhere, whatever shape it comes in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from halo_engine.store.bridge_files import BridgeFiles
from server.bridge import conversation, mounting, room
from tests.server.bridge.group import ALEX, KIM, PASSWORD, SAM, STRANGER, Group, post

CANARY = "xylophone-canary-8842"


def _message(chat: Group, **data: Any) -> dict[str, Any]:
    event = chat.bridge.event(chat.bridge.says(ALEX, "nothing"))
    return {**event, "data": {**event["data"], "guid": f"G-{len(data)}-{json.dumps(data, default=str)[:20]}", **data}}


class TestWhatIsNotSaidToHalo:
    def test_is_nowhere(self, chat: Group, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
        """A canary in every shape of event: not in the books, not in a log, not in an answer, not on a stream."""
        caplog.set_level("DEBUG")
        card = chat.card(ALEX, "halo cancel streamly")
        own = {"isFromMe": False, "handle": {"address": ALEX}}
        shapes: list[Any] = [
            _message(chat, text=f"did you see {CANARY}"),
            _message(chat, text=f"halogen {CANARY}"),
            _message(chat, text=f"Halo's {CANARY} is odd"),
            _message(chat, text=f"I said halo, {CANARY}"),
            _message(chat, text=f"halo {CANARY}", chats=[{"guid": "iMessage;-;somebody-else"}]),
            _message(chat, text=f"halo {CANARY}", chats=[]),
            _message(chat, text=f"halo {CANARY}", isFromMe=True),
            _message(chat, text=f"halo {CANARY}", handle={"address": STRANGER}),
            _message(chat, text=f"halo {CANARY}", handle=None),
            _message(chat, text=f"halo {CANARY}", dateCreated=None),
            _message(chat, text=f"halo {CANARY}", dateCreated=CANARY),
            _message(chat, text=f"halo {CANARY}", guid=None),
            _message(chat, text=f"halo {CANARY}", guid=[CANARY]),
            _message(chat, text=f"halo {CANARY}", dateRetracted=1),
            _message(chat, text={"halo": CANARY}),
            _message(chat, text=CANARY, threadOriginatorGuid="NOT-HALOS"),
            _message(chat, text=CANARY, threadOriginatorGuid=card.guid, handle={"address": STRANGER}),
            _message(chat, text=CANARY, threadOriginatorGuid=card.guid, chats=[{"guid": CANARY}]),
            _message(chat, text=f"Liked “{CANARY}”", associatedMessageGuid="p:0/NOT-HALOS", associatedMessageType="like"),
            _message(chat, text=f"Liked “{CANARY}”", associatedMessageGuid=f"p:0/{card.guid}", associatedMessageType=CANARY),
            _message(chat, text=None, subject=CANARY, attributedBody=[{"string": CANARY}], groupTitle=CANARY, itemType=2),
            {"type": "updated-message", "data": {**_message(chat)["data"], "guid": "E-1", "text": f"halo {CANARY}"}},
            {"type": "typing-indicator", "data": {"display": True, "guid": CANARY}},
            {"type": "group-name-change", "data": {"newName": CANARY}},
            {"type": CANARY, "data": CANARY},
            {"type": "new-message", "data": [CANARY]},
            {"type": "new-message", "data": {**own, CANARY: CANARY}},
            {"type": [CANARY], "data": {}},
            {CANARY: 1},
            f'{{"type": "new-message", "data": {{"text": "{CANARY}", "text": "{CANARY}"}}}}'.encode(),
            f'{{"type": "new-message", "data": "{CANARY}'.encode(),
            f'{{"type": "new-message", "data": {{"text": "\\ud800 {CANARY}"}}}}'.encode(),
            CANARY.encode() * 100,
            CANARY.encode("utf-16"),
        ]
        for shape in shapes:
            assert chat.tells(shape) == []
        assert set(chat.bridge.answers) <= {204, 422}
        out = capfd.readouterr()
        assert CANARY not in caplog.text + out.out + out.err + repr(chat.bridge.sent)
        _is_nowhere_in(chat, CANARY)
        assert chat.home.ledger() == ()

    def test_is_nowhere_when_reading_it_fails(
        self, chat: Group, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An error of ours that quotes it, in the webhook or behind it, is told by its kind alone."""
        caplog.set_level("DEBUG")

        def breaks(*given: object, **named: object) -> None:
            raise ValueError(f"{CANARY} {given} {named}")

        with monkeypatch.context() as patch:
            patch.setattr(room, "read", breaks)
            assert chat.tells(_message(chat, text=f"halo {CANARY}")) == []
        with monkeypatch.context() as patch:
            patch.setattr(conversation.Conversation, "_from", breaks)
            (answer,) = chat.says(ALEX, f"halo {CANARY}")
        out = capfd.readouterr()
        assert CANARY not in caplog.text + out.out + out.err + (answer.text or "")
        assert "ValueError" in caplog.text
        _is_nowhere_in(chat, CANARY)

    def test_is_not_even_known_to_have_been_said(self, chat: Group) -> None:
        """Not a row, not an event: the books of a home whose people talk are the books of one whose people are silent."""
        before = _rows(chat)
        for handle in (ALEX, SAM, KIM, STRANGER):
            chat.says(handle, "what a day")
        assert _rows(chat) == before


class TestWhatIsSaidToHalo:
    @pytest.mark.parametrize("words", ["halo cancel streamly", "Halo, cancel streamly", "HALO: cancel streamly", "  halo  cancel streamly"])
    def test_begins_with_its_name(self, chat: Group, words: str) -> None:
        """In any case, with a comma or a colon; the name itself is not read."""
        assert (chat.card(ALEX, words).text or "").startswith("Draft: Cancel Streamly")

    def test_may_be_anything(self, chat: Group) -> None:
        """Hostile words, and a chat of a hostile name: one harmless answer each, and the room stays open."""
        for words in (
            "halo \x1b]8;;http://evil\x07click\x1b[31m order [red]milk[/red] \u202egnp",
            "halo '; DROP TABLE card_message; --",
            "halo " + "order milk and " * 2000,
            "halo order {0.__class__} %s %n ${jndi:ldap://x}",
            "halo \ufffc",
        ):
            for answer in chat.says(ALEX, words):
                assert all(character.isprintable() or character == "\n" for character in (answer.text or ""))
        assert (chat.card(ALEX, "halo cancel streamly").text or "").startswith("Draft: Cancel Streamly")
        assert chat.home.ledger() == ()
        chat.holds()


class TestTheWebhook:
    def test_takes_nothing_from_who_has_not_the_key(self, chat: Group, caplog: pytest.LogCaptureFixture) -> None:
        """One and the same 401, and nothing of what was sent is read."""
        caplog.set_level("DEBUG")
        body = json.dumps(_message(chat, text="halo cancel streamly")).encode()
        key = (chat.home.settings.home / "bridge.key").read_text().strip()
        wrong = [
            post(chat.url, body),
            post(f"{chat.url}?key=", body),
            post(f"{chat.url}?key={key[:-1]}", body),
            post(f"{chat.url}?key=%ff%00", body),
            post(f"{chat.url}?key={key}", body, Authorization="Bearer wrong"),
            post(f"{chat.url}?password={key}", b"{"),
        ]
        assert {answer.status_code for answer in wrong} == {401}
        assert len({json.dumps(answer.json() | {"request_id": ""}) for answer in wrong}) == 1
        chat.settle()
        assert chat.bridge.sent == ()
        assert post(chat.url, body, Authorization=f"Bearer {key}").status_code == 204
        chat.settle()
        assert len(chat.bridge.sent) == 1
        assert key not in caplog.text

    def test_takes_nothing_by_an_old_key_once_there_is_a_new_one(self, chat: Group) -> None:
        """From that moment, without a restart; and by none where the file cannot be trusted."""
        body, old = json.dumps(_message(chat, text="halo cancel streamly")).encode(), chat.bridge.webhook or ""
        key = BridgeFiles(chat.home.settings.home).make_key(chat.home.clock)
        assert post(old, body).status_code == 401
        assert post(f"{chat.url}?key={key}", body).status_code == 204
        (chat.home.settings.home / "bridge.key").chmod(0o644)
        assert post(f"{chat.url}?key={key}", body).status_code == 401
        (chat.home.settings.home / "bridge.key").unlink()
        assert post(f"{chat.url}?key=", body).status_code == 401

    def test_has_an_end(self, chat: Group) -> None:
        """A body that is too large is not read on."""
        assert post(chat.bridge.webhook or "", b" " * (9 * 1024 * 1024)).status_code == 413

    def test_is_not_there_where_no_bridge_is(self, tmp_path: Any) -> None:
        """A home without one has one address less."""
        from fastapi.testclient import TestClient

        from server.app import create_app
        from tests.installation import Installation

        home = Installation.open(tmp_path / "plain")
        with TestClient(create_app(home.settings, clock=home.clock)) as client:
            assert client.post(mounting.PATH, json={}).status_code == 404
        home.engine.close()

    def test_keeps_its_secrets_to_their_files(self, chat: Group) -> None:
        """Each in the one file that only its owner reads."""
        key = (chat.home.settings.home / "bridge.key").read_text().strip()
        files = [path for path in chat.home.settings.home.rglob("*") if path.is_file()]
        for secret, name in ((PASSWORD, "bridge.json"), (key, "bridge.key")):
            assert [path.name for path in files if secret.encode() in path.read_bytes()] == [name]
            assert (chat.home.settings.home / name).stat().st_mode & 0o777 == 0o600


def _is_nowhere_in(chat: Group, canary: str) -> None:
    forms = (canary.encode(), canary.encode("utf-16-le"), canary.upper().encode())
    written = {path: path.read_bytes() for path in chat.home.settings.home.rglob("*") if path.is_file()}
    assert [path for path, content in written.items() if any(form in content for form in forms)] == []


def _rows(chat: Group) -> dict[str, int]:
    with chat.home.queries() as queries:
        names = [row["name"] for row in queries._reader.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: len(queries._reader.rows(f'SELECT * FROM "{name}"')) for name in names}
