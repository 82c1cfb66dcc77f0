"""A terminal as a device of a household elsewhere: it enrols, and signs what its cards showed, whatever the server would like it to sign."""

from __future__ import annotations

import io
import json
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from halo_cli import remotes, terminal_key
from halo_cli.remote import RemoteDoor, Signer
from halo_cli.remotes import Target
from halo_cli.tokens import read_token
from halo_engine.model.canonical import canonical_json, sha256_hex
from halo_engine.model.card import Button, Card, CardKind
from halo_engine.model.device import enrolment_url
from halo_engine.model.errors import CodeRefused, HaloError, InvalidInput, ServerAway, SignatureInvalid, SignatureRequired, StoreNotWritable
from halo_engine.thread import Thread
from tests.halo_cli.conftest import Halo
from tests.installation import Installation
from tests.server.calling import BATTERIES, served
from tests.signing import sign_above

Alter = Callable[[Any], Any]


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Installation]:
    """The household elsewhere, where every yes is signed."""
    installation = Installation.open(tmp_path / "there")
    sign_above(installation, 0)
    yield installation
    installation.engine.close()


@pytest.fixture
def url(there: Installation) -> Iterator[str]:
    with served(there) as address:
        yield address


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A home without a household."""
    return tmp_path / "here"


def code_of(there: Installation, member: str = "Sam") -> str:
    return there.engine.devices.open_enrolment("Laptop", by=member).code.get_secret_value()


class Liar(httpx.HTTPTransport):
    """Between a terminal and its server: alters the answers to one path, and keeps what was sent."""

    def __init__(self, path: str = "-", alter: Alter = lambda said: said) -> None:
        super().__init__()
        self._path, self._alter = path, alter
        self.sent: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        response = super().handle_request(request)
        if self._path not in request.url.path:
            return response
        response.read()
        return httpx.Response(response.status_code, content=canonical_json(self._alter(response.json())))

    def of(self, path: str) -> list[httpx.Request]:
        return [request for request in self.sent if request.url.path.endswith(path)]


class Terminal:
    """One that has enrolled for Sam. `signatures` counts what its key was used for."""

    def __init__(self, there: Installation, url: str, here: Path) -> None:
        self.there, self.url = there, url
        self.joined = remotes.join(Target(server=url, code=code_of(there)), here)
        self.token = read_token(self.joined.token_file)
        found = remotes.signer(here, self.token)
        assert found is not None
        self.device_id, self._found, self.signatures = found.device_id, found, 0

    def sign(self, signing_object: bytes) -> str:
        self.signatures += 1
        return self._found.sign(signing_object)

    def door(self, transport: httpx.BaseTransport | None = None) -> RemoteDoor:
        return RemoteDoor(self.url, self.token, signer=Signer(self.device_id, self.sign), transport=transport)

    def refuses(self, liar: Liar, *, text: str = BATTERIES) -> HaloError:
        """What a yes comes to through `liar`, by which nothing may be signed, and nothing done."""
        with self.door(liar) as door:
            card = door.draft(text, member=door.me, channel="test")
            with pytest.raises(HaloError) as raised:
                door.confirm(str(card.draft_id), draft_hash=str(card.draft_hash), member=door.me)
        assert (self.signatures, liar.of("/draft/confirm"), self.there.ledger()) == (0, [], ())
        return raised.value


@pytest.fixture
def terminal(there: Installation, url: str, here: Path) -> Terminal:
    return Terminal(there, url, here)


class TestEnrolling:
    def test_keeps_the_key_and_the_token_for_its_owner_alone(self, there: Installation, terminal: Terminal, here: Path) -> None:
        files = [path for path in here.rglob("*") if path.is_file()]
        assert sorted(path.suffix for path in files) == [".json", ".pem", ".token"]
        assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
        assert {stat.S_IMODE(path.stat().st_mode) for path in (here, *here.iterdir())} == {0o700}
        with there.queries() as queries:
            (device,) = queries.devices()
        assert (device.id, device.name, bool(device.signing_key_json)) == (terminal.device_id, "Laptop", True)
        assert terminal.token not in "".join(path.read_text() for path in files if path.suffix != ".token")

    def test_leaves_room_for_a_household(self, terminal: Terminal, here: Path, halo: Halo) -> None:
        """The directory is Halo's, though nothing else of Halo is in it yet."""
        assert terminal
        assert halo("init", "--home", str(here)).code == 0

    @pytest.mark.parametrize("which", ["used", "wrong", "late"])
    def test_with_a_code_that_opens_nothing_leaves_nothing_behind(self, there: Installation, url: str, here: Path, which: str) -> None:
        code = code_of(there) if which != "wrong" else "0000-0000-0000"
        if which == "used":
            there.engine.devices.enrol(code)
        there.later(minutes=10 if which == "late" else 0)
        with pytest.raises(CodeRefused):
            remotes.join(Target(server=url, code=code), here)
        assert not here.exists()

    @pytest.mark.parametrize(
        "answer",
        [
            httpx.Response(404, content=b"<html>"),
            httpx.Response(200, content=b"hello"),
            httpx.Response(200, json={"device": {"id": "../../x"}, "token": "hdv_" + "0" * 64}),
            httpx.Response(302, headers={"Location": "https://elsewhere.example"}),
            httpx.Response(502),
        ],
        ids=range(5),
    )
    def test_at_something_else_leaves_nothing_behind(self, here: Path, answer: httpx.Response) -> None:
        with pytest.raises(ServerAway):
            remotes.join(Target("https://halo.example", "0000-0000-0000"), here, transport=httpx.MockTransport(lambda _: answer))
        assert not here.exists()

    def test_is_sent_once_and_says_so_where_the_answer_is_lost(self, here: Path) -> None:
        sent: list[httpx.Request] = []

        def lost(request: httpx.Request) -> httpx.Response:
            sent.append(request)
            raise httpx.ReadError("the line is cut")

        with pytest.raises(ServerAway) as raised:
            remotes.join(Target("https://halo.example", "0000-0000-0000"), here, transport=httpx.MockTransport(lost))
        assert ("may be used up" in raised.value.hint, len(sent), here.exists()) == (True, 1, False)

    @pytest.mark.parametrize(
        "alter",
        [
            lambda said: said | {"device": said["device"] | {"id": "dev_../../etc"}},
            lambda said: said | {"device": said["device"] | {"signing_key_thumbprint": "x" * 43}},
            lambda said: said | {"token": "x"},
        ],
    )
    def test_believes_no_answer_that_is_not_of_its_key(self, there: Installation, url: str, here: Path, alter: Alter) -> None:
        with pytest.raises(ServerAway):
            remotes.join(Target(url, code_of(there)), here, transport=Liar("/enrol", alter))
        assert not here.exists()

    def test_writes_over_no_key_and_has_the_device_forgotten(self, there: Installation, terminal: Terminal, url: str, here: Path) -> None:
        """A server chooses the id of the device: one that is of another household would take its key away."""
        key = terminal_key.read(here, terminal.device_id)
        before = sorted(here.rglob("*"))

        def of_the_other(said: Any) -> Any:
            return said | {"device": said["device"] | {"id": terminal.device_id}}

        with pytest.raises(StoreNotWritable):
            remotes.join(Target(url, code_of(there)), here, transport=Liar("/enrol", of_the_other))
        assert (terminal_key.read(here, terminal.device_id), sorted(here.rglob("*"))) == (key, before)

    def test_has_the_device_revoked_where_its_key_cannot_be_kept(self, there: Installation, url: str, here: Path) -> None:
        here.mkdir(mode=0o700)
        (here / "logs").mkdir()
        (here / "keys").write_text("in the way")
        with pytest.raises(StoreNotWritable):
            remotes.join(Target(url, code_of(there)), here)
        with there.queries() as queries:
            assert [each.revoked_at is not None for each in queries.devices()] == [True]
        assert sorted(path.name for path in here.rglob("*")) == ["keys", "logs"]

    def test_goes_over_plain_http_to_this_machine_only(self, here: Path) -> None:
        with pytest.raises(InvalidInput, match="plain http"):
            remotes.join(Target("http://192.168.1.5:8080", "0000-0000-0000"), here)
        assert not here.exists()


class TestWhatIsTyped:
    def test_may_be_the_whole_text_of_the_picture(self) -> None:
        text = enrolment_url("https://halo.example:8443/home", "0123-4567-89AB")
        assert remotes.target(f" {text}\n", None) == Target("https://halo.example:8443/home", "0123-4567-89AB")
        assert remotes.target(text, "http://127.0.0.1:1").server == "http://127.0.0.1:1"

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "0123-4567-89A",
            "halo://enrol",
            "halo://other?server=https://x&code=0123-4567-89AB",
            "halo://enrol?server=https://x&code=0123-4567-89AB&code=0123-4567-89AC",
            "halo://enrol?server=https://x&code=SECRET",
            "halo://[::1?server=https://x&code=0123-4567-89AB",
            "https://x/?code=0123-4567-89AB",
        ],
    )
    def test_is_refused_otherwise_and_not_repeated(self, text: str) -> None:
        with pytest.raises(InvalidInput) as raised:
            remotes.target(text, "https://halo.example")
        assert "SECRET" not in raised.value.message + raised.value.hint

    def test_says_where_the_server_is(self) -> None:
        with pytest.raises(InvalidInput, match="where the server is"):
            remotes.target("0123-4567-89AB", None)


class TestTheCommand:
    def test_reads_the_code_from_stdin_and_says_what_to_type_next(
        self, there: Installation, url: str, home: Path, halo: Halo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        text = enrolment_url(url, code_of(there))
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        ran = halo("devices", "enrol", "-", "--name", "My laptop")
        (file,) = (home / "remotes").glob("*.token")
        assert ran.code == 0, ran.err
        assert re_found(ran.out, "My laptop")
        assert f"Talk there with: halo chat --server {url} --token-file {file} --home {home}" in ran.err
        assert read_token(file) not in ran.out + ran.err

    def test_is_one_object_for_programs_and_writes_the_token_where_it_is_told(
        self, there: Installation, url: str, tmp_path: Path, halo: Halo
    ) -> None:
        file = tmp_path / "token"
        ran = halo("devices", "enrol", code_of(there), "--server", url, "--token-file", str(file), "--json")
        assert (ran.code, ran.json["token_file"], ran.json["server"]) == (0, str(file), url)
        assert read_token(file) not in ran.out + ran.err
        assert halo("devices", "enrol", code_of(there), "--server", url, "--token-file", str(file)).code == 2

    def test_ends_with_the_code_of_what_went_wrong(self, url: str, home: Path, halo: Halo) -> None:
        refused = halo("devices", "enrol", "0000-0000-0000", "--server", url)
        assert (refused.code, "opens nothing" in refused.err) == (4, True)
        assert halo("devices", "enrol", "0000-0000-0000", "--server", "http://127.0.0.1:1").code == 1
        assert halo("devices", "enrol", "x", "--server", url).code == 2
        assert not home.exists()


def re_found(out: str, name: str) -> bool:
    """Whether the line is a device's id and its name."""
    device_id, _, said = out.strip().partition(" ")
    return device_id.startswith("dev_") and said.strip() == name


class TestAYes:
    def test_is_signed_where_the_household_wants_it(self, there: Installation, terminal: Terminal) -> None:
        """From Confirm on the card to a log that proves it; and no yes was refused on the way."""
        liar = Liar()
        with terminal.door(liar) as door:
            thread, me = Thread(door, channel="test"), door.me
            card = thread.say(BATTERIES, member=me, waiting=()).card
            assert card is not None
            assert any("signed" in line for line in card.approval)
            turn = thread.press(Button.CONFIRM, member=me, on=card)
        assert turn.card is not None, turn.note
        assert (turn.card.kind, terminal.signatures, len(liar.of("/draft/confirm"))) == (CardKind.EXECUTING, 1, 1)
        assert there.verify().ok
        with there.queries() as queries:
            assert queries.devices()[0].id == terminal.device_id

    def test_is_not_signed_where_nobody_wants_it(self, there: Installation, terminal: Terminal) -> None:
        sign_above(there, None)
        with terminal.door() as door:
            card = door.draft(BATTERIES, member=door.me, channel="test")
            assert door.confirm(str(card.draft_id), draft_hash=str(card.draft_hash), member=door.me).execution_id
        assert terminal.signatures == 0

    def test_is_signed_where_the_server_says_so_only_when_it_is_said(self, terminal: Terminal) -> None:
        """The rule came after it was asked for."""
        liar = Liar("/v1/rules", lambda said: {name: value for name, value in said.items() if name != "signed_above"})
        with terminal.door(liar) as door:
            card = door.draft(BATTERIES, member=door.me, channel="test")
            assert door.confirm(str(card.draft_id), draft_hash=str(card.draft_hash), member=door.me).execution_id
        assert (terminal.signatures, len(liar.of("/draft/confirm"))) == (1, 2)

    def test_of_a_terminal_without_its_key_says_what_to_type(self, terminal: Terminal, here: Path) -> None:
        terminal_key.forget(here, terminal.device_id)
        assert remotes.signer(here, terminal.token) is None
        with RemoteDoor(terminal.url, terminal.token) as door:
            card = door.draft(BATTERIES, member=door.me, channel="test")
            with pytest.raises(SignatureRequired) as raised:
                door.confirm(str(card.draft_id), draft_hash=str(card.draft_hash), member=door.me)
        assert f"halo devices enrol CODE --server {terminal.url}" in raised.value.hint

    def test_to_terms_that_changed_is_told_so_and_not_signed(self, terminal: Terminal) -> None:
        with terminal.door() as door:
            card = door.draft(BATTERIES, member=door.me, channel="test")
            door.modify(str(card.draft_id), "make it 3", member=door.me)
            with pytest.raises(HaloError) as raised:
                door.confirm(str(card.draft_id), draft_hash=str(card.draft_hash), member=door.me)
        assert (raised.value.code, terminal.signatures) == ("terms_changed", 0)

    def test_is_signed_with_no_other_tokens_key(self, terminal: Terminal, here: Path) -> None:
        assert remotes.signer(here, "hdv_" + "0" * 64) is None


def _with_terms(said: dict[str, Any], **terms: Any) -> dict[str, Any]:
    """The object of other terms, right in itself."""
    changed = said["terms"] | terms
    amount = {"minor": changed["total"]["cents"], "max_minor": changed["maximum"]["cents"], "currency": "USD"}
    return said | {"terms": changed, "draft_hash": sha256_hex(canonical_json(changed)), "amount": amount}


class TestAServerThatLies:
    """It shows one thing and would have another one signed."""

    @pytest.mark.parametrize(
        "alter",
        [
            lambda said: said | {"device": "dev_01m811frhbec2ry6ja3p5hhbpq"},
            lambda said: said | {"amount": said["amount"] | {"max_minor": 99999}},
            lambda said: said | {"terms": said["terms"] | {"maximum": {"cents": 99999, "currency": "USD"}}},
            lambda said: _with_terms(said, maximum={"cents": 99999, "currency": "USD"}),
            lambda said: _with_terms(said, payee="Mallory"),
            lambda said: said | {"payee": "Mallory"},
            lambda said: said | {"purpose": "halo/other/v1"},
            lambda _: {},
        ],
        ids=range(8),
    )
    def test_about_the_object_gets_no_signature(self, terminal: Terminal, alter: Alter) -> None:
        assert isinstance(terminal.refuses(Liar("/signing-object", alter)), SignatureInvalid)

    def test_about_which_draft_it_is_gets_no_signature(self, there: Installation, terminal: Terminal) -> None:
        other = there.ask("order 9 packs of AA batteries", member="Sam")
        theirs = json.loads(there.engine.signing_object(str(other.draft_id), device_id=terminal.device_id, member="Sam"))
        assert "not what the card shows" in terminal.refuses(Liar("/signing-object", lambda _: theirs)).message

    @pytest.mark.parametrize(
        "card",
        [
            {"cost": "$1.00"},
            {"maximum": {"cents": 100, "currency": "USD", "display": "$1.00"}},
            {"title": "Draft: Order a pencil"},
            {"summary": "A pencil, for nothing."},
            {"lines": []},
            {"rows": []},
            {"warnings": ["Nothing is charged."]},
        ],
        ids=lambda card: next(iter(card)),
    )
    def test_on_the_card_under_the_true_hash_gets_no_signature(self, terminal: Terminal, card: dict[str, Any]) -> None:
        """What a person reads has to be what was hashed: the card that was drafted lies, the one that is fetched later does not."""
        error = terminal.refuses(Liar("/draft/create", lambda said: said | {"card": said["card"] | card}))
        assert "not what the card shows" in error.message

    def test_to_the_one_who_confirms_is_found_in_an_earlier_card_too(self, terminal: Terminal) -> None:
        """Every card that was given out with that hash has to say the same."""

        def cheaper(said: Any) -> Any:
            return said | {"cost": "$1.00"}

        assert "not what the card shows" in terminal.refuses(Liar("/v1/cards/", cheaper)).message


def test_a_true_card_says_its_terms(there: Installation) -> None:
    """Of every verb, and after a change."""
    from halo_engine.model.card import says

    for text in (BATTERIES, "cancel streamly", "reorder weekly groceries", "book nopa friday at 7 for four people"):
        card: Card = there.ask(text)
        with there.queries() as queries:
            assert card.draft_hash is None or says(card, queries.draft(str(card.draft_id)).terms)
    changed = there.engine.modify(str(there.ask(BATTERIES).draft_id), "make it 3", member=None)
    with there.queries() as queries:
        assert says(changed, queries.draft(str(changed.draft_id)).terms)
