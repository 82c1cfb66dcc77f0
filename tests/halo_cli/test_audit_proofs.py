"""`halo audit checkpoint`, `witness` and `prove`, and what a stranger makes of a proof with `docs/verify_receipt.py` alone."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest

from halo_engine.model.canonical import canonical_json
from halo_engine.model.merkle import inclusion_proofs, root_of
from halo_engine.model.note import Checkpoint, key_of, read_note, sign, to_base64
from halo_engine.proving import Proving
from tests.halo_cli.conftest import Halo
from tests.house.source import ROOT
from tests.installation import Installation

SCRIPT = ROOT / "docs" / "verify_receipt.py"
Json = dict[str, Any]


@pytest.fixture(scope="module")
def proof(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An honest one."""
    home = Installation.open(tmp_path_factory.mktemp("proved") / "home")
    try:
        done = home.carry_out(home.ask("order 2 packs of AA batteries"))
        home.ask("cancel streamly")
        with Proving.opened(home.settings, home.clock) as proving:
            return proving.prove(done.id).proof.text
    finally:
        home.engine.close()


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("verify_receipt", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


STRANGER = _script()


def asked(path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What the script says, in a Python that knows nothing of Halo."""
    return subprocess.run([sys.executable, "-I", str(SCRIPT), str(path), *words], capture_output=True, text=True, check=False)


def holds(text: str) -> bool:
    """The same in this process, without its printing."""
    try:
        STRANGER.check(STRANGER.parsed(text[:-1]) if text.endswith("\n") else None)
    except (STRANGER.Lie, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return False
    return True


def written(value: Json) -> str:
    return canonical_json(value).decode() + "\n"


def forged(proof: str, change: Callable[[list[Json], Json, Json], object]) -> str:
    """A proof by a household that lies in its own log, and signs that: `change` is given the events, the terms, and all of it.

    What follows from the terms follows them, so that one lie is the only one in it.
    """
    whole: Json = json.loads(proof)
    events: list[Json] = [json.loads(each["leaf"]) for each in whole["events"]]
    terms: Json = json.loads(whole["terms"])
    before = hashlib.sha256(whole["terms"].encode()).hexdigest()
    change(events, terms, whole)
    whole["terms"] = canonical_json(terms).decode()
    now = hashlib.sha256(whole["terms"].encode()).hexdigest()
    for event in events:
        if event["payload"].get("draft_hash") == before:
            event["payload"]["draft_hash"] = now
    #: Where each really is, which its number may deny.
    places = [event.pop("place", event["seq"]) - 1 for event in events]
    texts = {place: canonical_json(event).decode() for place, event in zip(places, events, strict=True)}
    leaves = [hashlib.sha256(b"\x00" + texts.get(at, f"another {at}").encode()).digest() for at in range(max(places) + 3)]
    paths = inclusion_proofs(leaves, places)
    origin, seed = f"halo.local/{events[0]['household_id']}", bytes(range(32))
    whole["events"] = [
        {"index": place, "leaf": texts[place], "path": [to_base64(node) for node in path]}
        for place, path in zip(places, paths, strict=True)
    ]
    whole["checkpoint"] = sign(Checkpoint(origin=origin, size=len(leaves), root=root_of(leaves)), seed).text
    whole["key"] = key_of(seed, name=origin).text
    return written(whole)


def _set(at: int, **payload: object) -> Callable[[list[Json], Json, Json], object]:
    return lambda events, terms, whole: events[at]["payload"].update(payload)


def _event(at: int, **fields: object) -> Callable[[list[Json], Json, Json], object]:
    return lambda events, terms, whole: events[at].update(fields)


def _terms(**fields: object) -> Callable[[list[Json], Json, Json], object]:
    return lambda events, terms, whole: terms.update(fields)


def _swap(one: int, other: int) -> Callable[[list[Json], Json, Json], object]:
    def swap(events: list[Json], terms: Json, whole: Json) -> None:
        events[one]["seq"], events[other]["seq"] = events[other]["seq"], events[one]["seq"]

    return swap


def _without(at: int) -> Callable[[list[Json], Json, Json], object]:
    return lambda events, terms, whole: events.pop(at)


SHOWN, CONFIRMED, SENT, DONE, KEPT = range(5)
#: What a dishonest household could log and sign, by what is wrong with it.
LIES: dict[str, Callable[[list[Json], Json, Json], object]] = {
    "other terms than were confirmed": _set(CONFIRMED, draft_hash="0" * 64),
    "other terms than were shown": _set(SHOWN, draft_hash="0" * 64),
    "other terms than were sent": _set(SENT, draft_hash="0" * 64),
    "other terms than were done": _set(DONE, draft_hash="0" * 64),
    "another draft": _event(SHOWN, entity_id="dft_other"),
    "terms of another draft": _terms(draft_id="dft_other"),
    "terms of another household": _terms(household_id="hsh_other"),
    "another execution was sent": _event(SENT, entity_id="exe_other"),
    "another execution was done": _event(DONE, entity_id="exe_other"),
    "another execution was confirmed": _set(CONFIRMED, execution_id="exe_other"),
    "another execution has the receipt": _set(KEPT, execution_id="exe_other"),
    "another receipt was kept": _set(KEPT, content_sha256="0" * 64),
    "confirmed at the end of its time": lambda events, terms, whole: events[CONFIRMED].update(
        created_at=terms["expires_at"][:-1] + ".000000Z"
    ),
    "confirmed a day late": _event(CONFIRMED, created_at="2026-03-04T17:00:00.000000Z"),
    "confirmed at no time": _event(CONFIRMED, created_at="0"),
    "confirmed when time is written in another way": _event(CONFIRMED, created_at="2026-03-03 17:00:00.000000Z"),
    "shown for longer than the terms say": _set(SHOWN, expires_at="2027-03-03T17:30:00Z"),
    "confirmed by nobody": _event(CONFIRMED, user_id=None),
    "charged a cent more": lambda events, terms, whole: events[DONE]["payload"].update(charged_cents=terms["maximum"]["cents"] + 1),
    "charged less than nothing": _set(DONE, charged_cents=-1),
    "charged in another currency": _set(DONE, currency="EUR"),
    "charged in words": _set(DONE, charged_cents="1"),
    "charged yes": _set(DONE, charged_cents=True),
    "a maximum that was not in the terms": _set(CONFIRMED, maximum_cents=10**9),
    "terms with another maximum": _terms(maximum={"cents": 1, "currency": "USD"}),
    "confirmed before it was shown": _swap(SHOWN, CONFIRMED),
    "sent before it was confirmed": _swap(CONFIRMED, SENT),
    "done before it was sent": _swap(SENT, DONE),
    "the receipt before it was done": _swap(DONE, KEPT),
    "never shown": _without(SHOWN),
    "never confirmed": _without(CONFIRMED),
    "never sent": _without(SENT),
    "never done": _without(DONE),
    "no receipt": _without(KEPT),
    "something else than a receipt": _event(KEPT, event_type="receipt.lost"),
    "an event with another number than its place": _event(SHOWN, seq=1, place=3),
    "failed instead of done": _event(DONE, event_type="execution.failed"),
    "approved instead of confirmed": _event(CONFIRMED, event_type="draft.approved"),
    "cancelled instead of shown": _event(SHOWN, event_type="draft.cancelled"),
    "looked up instead of sent": _event(SENT, event_type="execution.unknown"),
    "an event of another household": _event(DONE, household_id="hsh_other"),
    "a receipt with another word": lambda events, terms, whole: whole.update(receipt=whole["receipt"] + "paid in full\n"),
    "another format": lambda events, terms, whole: whole.update(format="halo/receipt-proof/v2"),
    "something more in it": lambda events, terms, whole: whole.update(note="trust me"),
}


class TestTheStranger:
    def test_is_convinced_by_an_honest_proof(self, proof: str, tmp_path: Path) -> None:
        path = tmp_path / "proof.json"
        path.write_text(proof)
        ran = asked(path, "--key", json.loads(proof)["key"])
        assert (ran.returncode, ran.stderr) == (0, "")
        assert "confirmed exactly these, in time" in ran.stdout
        assert "does not prove that the key" not in ran.stdout
        assert "compare it to the last letter" in asked(path).stdout

    def test_is_not_convinced_by_another_key_than_the_one_that_was_given(self, proof: str, tmp_path: Path) -> None:
        path = tmp_path / "proof.json"
        path.write_text(forged(proof, lambda *_: None))
        assert asked(path).returncode == 0
        ran = asked(path, "--key", json.loads(proof)["key"])
        assert (ran.returncode, ran.stdout) == (1, "The proof does not hold: it was signed with another key than the one that you gave.\n")

    @pytest.mark.parametrize(
        "content", [b"", b"\n", b"{}\n", b"[]\n", b"null\n", b"\xff\n", b"[" * 100_000 + b"\n", b"1e400\n", b"9" * 9999 + b"\n"]
    )
    def test_says_so_of_what_is_no_proof(self, content: bytes, tmp_path: Path) -> None:
        path = tmp_path / "proof.json"
        path.write_bytes(content)
        ran = asked(path)
        assert (ran.returncode, ran.stderr) == (1, "")
        assert ran.stdout.startswith("The proof does not hold: ")

    def test_says_so_of_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        assert asked(tmp_path / "nowhere").stdout == "Nothing was checked: the proof cannot be read (No such file or directory).\n"

    def test_prints_no_control_characters_of_whoever_wrote_the_terms(self, proof: str, tmp_path: Path) -> None:
        path = tmp_path / "proof.json"
        path.write_text(forged(proof, _terms(title="\x1b[2J\u202egone")))
        assert "\x1b" not in asked(path).stdout
        assert "\u202e" not in asked(path).stdout

    def test_can_be_convinced_by_a_forger_with_a_key_of_their_own(self, proof: str) -> None:
        """Or none of the lies below would be seen for what it is."""
        assert holds(forged(proof, lambda *_: None))

    @pytest.mark.parametrize("lie", LIES)
    def test_sees_through(self, lie: str, proof: str) -> None:
        assert not holds(forged(proof, LIES[lie]))

    def test_sees_every_flipped_byte(self, proof: str) -> None:
        random, data = Random(7), proof.encode()
        for at in random.sample(range(len(data)), 400):
            flipped = bytearray(data)
            flipped[at] ^= 1 << random.randrange(8)
            try:
                text = flipped.decode()
            except UnicodeDecodeError:
                continue
            assert not holds(text), at

    def test_sees_what_was_cut_or_added(self, proof: str) -> None:
        assert not any(holds(proof[:end]) for end in range(0, len(proof), 97))
        assert not any(holds(text) for text in (f"{proof}\n", f" {proof}", proof.replace(":", ": ", 1), proof * 2, proof[:-1] + " \n"))

    def test_sees_events_swapped_left_out_doubled_or_of_another_log(self, proof: str) -> None:
        whole: Json = json.loads(proof)
        events = whole["events"]
        for at in range(len(events)):
            assert not holds(written({**whole, "events": [*events[:at], *events[at + 1 :]]}))
            assert not holds(written({**whole, "events": [*events[: at + 1], *events[at:]]}))
            others = {
                "index": [0, at, len(events), -1, 2**63, True, 1.5, None, "1"],
                "path": [[], events[at]["path"][::-1], [*events[at]["path"], "A" * 43 + "="]],
            }
            for name, values in others.items():
                for value in values:
                    if value != events[at][name] or type(value) is not type(events[at][name]):
                        lie = {**whole, "events": [*events[:at], {**events[at], name: value}, *events[at + 1 :]]}
                        assert not holds(json.dumps(lie, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n"), (
                            at,
                            name,
                            value,
                        )
        assert not holds(written({**whole, "events": events[::-1]}))
        assert not holds(written({**whole, "events": []}))

    def test_sees_another_checkpoint_or_key(self, proof: str) -> None:
        whole, other = json.loads(proof), json.loads(forged(proof, lambda *_: None))
        assert not holds(written({**whole, "checkpoint": other["checkpoint"]}))
        assert not holds(written({**whole, "key": other["key"]}))
        assert not holds(written({**whole, "checkpoint": other["checkpoint"], "key": other["key"]}))
        note = read_note(whole["checkpoint"])
        smaller = note.model_copy(update={"checkpoint": note.checkpoint.model_copy(update={"size": note.checkpoint.size - 1})})
        for text in (
            smaller.text,
            whole["checkpoint"] + other["checkpoint"].splitlines(keepends=True)[-1],
            whole["checkpoint"].replace("\n", "\r\n"),
        ):
            assert not holds(written({**whole, "checkpoint": text}))

    def test_sees_a_second_way_to_write_the_same(self, proof: str) -> None:
        for node in json.loads(proof)["events"][0]["path"]:
            spare = f"{node[:-2]}{chr(ord(node[-2]) + 1)}="
            assert not holds(proof.replace(node, spare))
        second = forged(proof, _event(SHOWN, seq=2))
        assert holds(second)
        assert not holds(second.replace('"index":1,', '"index":true,'))
        assert not holds(second.replace('"index":1,', '"index":1,"more":1,'))

    def test_sees_a_signature_of_another_name_or_kind(self, proof: str) -> None:
        whole, seed = json.loads(forged(proof, lambda *_: None)), bytes(range(32))
        head = read_note(whole["checkpoint"]).checkpoint
        right, other = key_of(seed, name=head.origin), key_of(seed, name="halo.local/other")
        signature = read_note(whole["checkpoint"]).signatures[0][1][4:]

        def signed(name: str, key_id: bytes, key: str) -> str:
            blob = to_base64(key_id + signature)
            return written({**whole, "checkpoint": f"{head.text}\n— {name} {blob}\n", "key": key})

        typed = b"\x02" + right.public
        odd = hashlib.sha256(f"{head.origin}\n".encode() + typed).digest()[:4]
        assert holds(signed(right.name, right.id, right.text))
        assert not holds(signed(other.name, other.id, other.text))
        assert not holds(signed(right.name, other.id, right.text))
        assert not holds(signed(right.name, odd, f"{right.name}+{odd.hex()}+{to_base64(typed)}"))
        assert not holds(signed(right.name, right.id, right.text.replace(right.id.hex(), "00000000")))

    @pytest.mark.parametrize("number", [2, 2**255 - 19, 2**255 - 18, 1 + 2**255, 2**256 - 1])
    def test_takes_nothing_for_a_point_that_is_none(self, number: int) -> None:
        with pytest.raises(STRANGER.Lie):
            STRANGER.point_of(number.to_bytes(32, "little"))

    def test_knows_the_signatures_of_the_standard(self) -> None:
        """RFC 8032 §7.1, tests 1 and 3; and that a signature plus the group's order is not another one."""
        for public, message, signature in (
            (
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
                "",
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
            ),
            (
                "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
                "af82",
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
            ),
        ):
            key, said, good = bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature)
            assert STRANGER.is_signed(said, good, key)
            assert not STRANGER.is_signed(said + b"x", good, key)
            more = (int.from_bytes(good[32:], "little") + STRANGER.ORDER).to_bytes(32, "little")
            assert not STRANGER.is_signed(said, good[:32] + more, key)

    def test_needs_nothing_but_the_standard_library(self) -> None:
        imported = set(re.findall(r"^(?:import|from) (\w+)", SCRIPT.read_text(), re.MULTILINE))
        assert imported <= sys.stdlib_module_names


@pytest.fixture
def bought(halo: Halo) -> str:
    """The id of an execution that was done in this home."""
    halo("init", "--no-input")
    asked_for = halo("ask", "order 2 packs of AA batteries", "--json").json
    done = halo("confirm", asked_for["draft_id"], "--hash", asked_for["draft_hash"], "--json")
    execution: str = done.json["execution"]["id"]
    return execution


class TestTheCommands:
    def test_print_a_checkpoint_and_nothing_else(self, halo: Halo, bought: str, tmp_path: Path) -> None:
        printed = halo("audit", "checkpoint")
        assert printed.code == 0
        assert read_note(printed.out).checkpoint.size == 8
        assert halo("audit", "checkpoint", "--out", str(tmp_path / "head")).out == ""
        assert (tmp_path / "head").read_text() == printed.out == halo("audit", "checkpoint", "--json").json["note"]

    def test_write_a_proof_that_convinces_a_stranger(self, halo: Halo, bought: str, tmp_path: Path) -> None:
        path = tmp_path / "proof.json"
        said = halo("audit", "prove", bought, "--out", str(path))
        assert said.code == 0
        assert "Whoever is given it gets to know" in said.out
        assert "names of members: Alex" in said.out
        assert path.stat().st_mode & 0o777 == 0o600
        assert asked(path, "--key", halo("audit", "prove", bought, "--out", str(path), "--json").json["key"]).returncode == 0

    def test_prove_nothing_that_was_not_done(self, halo: Halo, tmp_path: Path) -> None:
        halo("init", "--no-input")
        said = halo("audit", "prove", "exe_nope", "--out", str(tmp_path / "proof.json"))
        assert (said.code, said.out) == (1, "")
        assert "There is no such receipt" in said.err
        assert not (tmp_path / "proof.json").exists()

    def test_say_where_a_file_cannot_be_written(self, halo: Halo, bought: str, tmp_path: Path) -> None:
        for words in (("checkpoint",), ("prove", bought)):
            assert halo("audit", *words, "--out", str(tmp_path / "no" / "where")).code == 2

    def test_begin_a_witness_and_say_what_it_saw(self, halo: Halo, bought: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        assert halo("audit", "witness", "init").code == 1
        monkeypatch.setenv("HALO_WITNESS_FILE", str(tmp_path / "witness.json"))
        assert halo("audit", "witness", "status").code == 1
        assert halo("audit", "checkpoint").code == 1
        assert "remembers 8 events from now on" in halo("audit", "witness", "init").out
        assert halo("audit", "witness", "init").code == 1
        said = halo("audit", "witness", "status")
        assert said.code == 0
        assert "saw 8 events" in said.out
        assert "The log goes on from there." in said.out

    def test_say_once_on_stderr_that_the_witness_is_away(self, halo: Halo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        halo("init", "--no-input")
        monkeypatch.setenv("HALO_WITNESS_FILE", str(tmp_path / "usb" / "witness.json"))
        draft = halo("ask", "order 2 packs of AA batteries", "--json").json
        done = halo("confirm", draft["draft_id"], "--hash", draft["draft_hash"], "--json")
        assert (done.code, done.json["execution"]["status"]) == (0, "done")
        assert done.err.count("The witness was not told") == 1
