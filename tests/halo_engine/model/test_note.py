"""Checkpoints as signed notes: one way to write each, and one kind of error for everything else."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from halo_engine.model.errors import InvalidInput
from halo_engine.model.merkle import EMPTY, MAX_SIZE
from halo_engine.model.note import Checkpoint, Key, from_base64, key_of, read_key, read_note, sign

SEED = bytes(range(32))
ORIGIN = "halo.local/hsh_01jd9k7q3mf0jv7p2t8z6c4x5e"
CHECKPOINT = Checkpoint(origin=ORIGIN, size=120, root=bytes(range(32)))
NOTE = sign(CHECKPOINT, SEED)
KEY = key_of(SEED, name=ORIGIN)
TEXT = NOTE.text
#: From the standard itself, with its signature by a key that we do not know.
OF_THE_STANDARD = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)


def swapped(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new, 1)


def of_length(chars: int) -> str:
    """A note with another signature beside ours, as long as that."""
    lacking = chars - len(TEXT) - len("—  \n")
    blob = (lacking - 1) // 4 * 4
    return f"{TEXT}— {'x' * (lacking - blob)} {'A' * blob}\n"


#: Ways in which a text is nearly a checkpoint.
WRONG: dict[str, Callable[[str], str]] = {
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "a CR alone": swapped("\n", "\r"),
    "no newline at its end": lambda text: text[:-1],
    "a newline more": lambda text: f"{text}\n",
    "a newline before": lambda text: f"\n{text}",
    "a byte order mark": lambda text: f"\ufeff{text}",
    "an extension line": swapped("\n\n", "\nextension\n\n"),
    "no blank line": swapped("\n\n", "\n"),
    "two blank lines": swapped("\n\n", "\n\n\n"),
    "a leading zero": swapped("\n120\n", "\n0120\n"),
    "a sign": swapped("\n120\n", "\n+120\n"),
    "a minus": swapped("\n120\n", "\n-120\n"),
    "a blank": swapped("\n120\n", "\n 120\n"),
    "an underscore": swapped("\n120\n", "\n1_20\n"),
    "digits of another script": swapped("\n120\n", "\n١٢٠\n"),
    "a fraction": swapped("\n120\n", "\n120.0\n"),
    "hexadecimal": swapped("\n120\n", "\n0x78\n"),
    "a size of 2^63": swapped("\n120\n", f"\n{2**63}\n"),
    "one more than the largest size": swapped("\n120\n", f"\n{MAX_SIZE + 1}\n"),
    "a size of a million digits": swapped("\n120\n", f"\n{'9' * 1_000_000}\n"),
    "no size": swapped("\n120\n", "\n\n"),
    "nothing under a root of something": swapped("\n120\n", "\n0\n"),
    "a root without padding": swapped("=\n\n", "\n\n"),
    "a root with spare bits": swapped("Hh8=\n\n", "Hh9=\n\n"),
    "base64 for URLs": lambda text: text.replace("+", "-").replace("/", "_"),
    "a longer root": swapped("=\n\n", "AA=\n\n"),
    "a root of 33 bytes": swapped("Hh8=\n\n", "Hh8A\n\n"),
    "a shorter root": swapped("\nAAEC", "\n"),
    "blanks in the base64": swapped("\nAAEC", "\nAA EC"),
    "a hyphen for the dash": swapped("— ", "- "),
    "an en dash": swapped("— ", "– "),
    "two blanks": swapped("— ", "—  "),
    "no name": swapped(f"— {ORIGIN} ", "—  "),
    "no signature": lambda text: text[: text.index("— ")],
    "a signature with spare bits": lambda text: f"{text[:-3]}{chr(ord(text[-3]) + 1)}=\n",
    "a blank in the origin": swapped("halo.local/", "halo.local /"),
    "a plus in the origin": swapped("halo.local/", "halo.local+"),
    "another script in the origin": swapped("halo", "hаlo"),
    "an empty origin": swapped(ORIGIN, ""),
    "an origin of 300 characters": swapped(ORIGIN, "x" * 300),
    "a NUL": swapped("halo", "ha\0lo"),
    "half a character": swapped("halo", "ha\ud800lo"),
    "seventeen signatures": lambda text: text + text[text.index("— ") :] * 16,
    "nothing": lambda _: "",
    "a megabyte": lambda text: text + "x" * 1_000_000,
}


class TestANote:
    def test_is_read_as_it_was_written(self) -> None:
        assert read_note(TEXT) == NOTE
        assert read_note(TEXT).text == TEXT

    def test_has_the_form_of_the_standard(self) -> None:
        origin, size, root, blank, signature, end = TEXT.split("\n")
        dash, name, blob = signature.split(" ")
        assert (origin, size, base64.b64decode(root), blank, dash, name, end) == (ORIGIN, "120", CHECKPOINT.root, "", "—", ORIGIN, "")
        assert len(base64.b64decode(blob)) == 4 + 64

    def test_of_the_standard_is_read(self) -> None:
        assert read_note(OF_THE_STANDARD).checkpoint.size == 20_852_163
        assert read_note(OF_THE_STANDARD).text == OF_THE_STANDARD

    @pytest.mark.parametrize("how", WRONG)
    def test_is_written_in_no_other_way(self, how: str) -> None:
        wrong = WRONG[how](TEXT)
        assert wrong != TEXT
        with pytest.raises(InvalidInput):
            read_note(wrong)

    @given(st.one_of(st.text(), st.text(alphabet="0123456789\n— =+/AZaz.\r").map(lambda text: f"{ORIGIN}\n{text}")))
    @example(TEXT * 2)
    def test_is_nothing_that_anybody_makes_up(self, text: str) -> None:
        with pytest.raises(InvalidInput):
            read_note(text)

    @given(at=st.integers(0, len(TEXT) - 1), character=st.characters())
    def test_with_another_character_is_refused_or_not_signed(self, at: int, character: str) -> None:
        changed = TEXT[:at] + character + TEXT[at + 1 :]
        if changed == TEXT:
            return
        try:
            note = read_note(changed)
        except InvalidInput:
            return
        assert not note.is_signed_with(KEY)

    @pytest.mark.parametrize(("chars", "is_read"), [(200_000, True), (200_001, False)])
    def test_is_read_up_to_a_length(self, chars: int, is_read: bool) -> None:
        """So many characters hold sixteen signatures many times over."""
        note = of_length(chars)
        assert len(note) == chars
        if is_read:
            assert read_note(note).text == note
        else:
            with pytest.raises(InvalidInput):
                read_note(note)

    def test_that_is_none_says_how_one_is_made(self) -> None:
        with pytest.raises(InvalidInput) as refused:
            read_note("hello")
        assert "halo audit checkpoint" in refused.value.hint

    def test_of_no_events_has_the_one_root_there_is(self) -> None:
        note = sign(Checkpoint(origin=ORIGIN, size=0, root=EMPTY), SEED)
        assert read_note(note.text).checkpoint.size == 0


class TestACheckpoint:
    @pytest.mark.parametrize(
        "given", [{"origin": ""}, {"origin": "a b"}, {"origin": "a+b"}, {"origin": "x" * 256}, {"origin": "log\n"}, {"size": -1}]
    )
    def test_is_made_of_nothing_that_no_note_could_say(self, given: dict[str, object]) -> None:
        """Whoever makes one finds out, and not whoever reads it."""
        with pytest.raises(ValidationError):
            Checkpoint.model_validate({"origin": ORIGIN, "size": 1, "root": bytes(32)} | given)


class TestASignature:
    def test_is_believed_from_the_key_alone(self) -> None:
        assert NOTE.is_signed_with(KEY)
        assert not NOTE.is_signed_with(key_of(bytes(32), name=ORIGIN))
        assert not NOTE.is_signed_with(Key(name="halo.local/other", public=KEY.public))

    def test_is_not_believed_over_another_head(self) -> None:
        for other in ({"size": 121}, {"root": bytes(32)}, {"origin": "halo.local/other"}):
            changed = NOTE.model_copy(update={"checkpoint": CHECKPOINT.model_copy(update=other)})
            assert not changed.is_signed_with(KEY)

    def test_of_somebody_else_beside_it_is_passed_over(self) -> None:
        theirs = sign(CHECKPOINT, bytes(32)).signatures
        assert read_note(NOTE.model_copy(update={"signatures": (*theirs, *NOTE.signatures)}).text).is_signed_with(KEY)

    def test_that_is_wrong_spoils_a_right_one(self) -> None:
        name, right = NOTE.signatures[0]
        assert not NOTE.model_copy(update={"signatures": ((name, right), (name, right[:4] + bytes(64)))}).is_signed_with(KEY)

    @pytest.mark.parametrize("signature", [b"", bytes(3), bytes(4), bytes(68), bytes(2000)])
    def test_of_another_length_is_none(self, signature: bytes) -> None:
        forged = KEY.id + signature[4:] if len(signature) >= 4 else signature
        assert not NOTE.model_copy(update={"signatures": ((ORIGIN, forged),)}).is_signed_with(KEY)

    def test_with_a_key_that_is_no_point_is_none(self) -> None:
        no_point = Key(name=ORIGIN, public=bytes([2]) + bytes(31))
        assert not NOTE.model_copy(update={"signatures": ((ORIGIN, no_point.id + bytes(64)),)}).is_signed_with(no_point)


class TestAKey:
    @pytest.mark.parametrize("given", [{"name": ""}, {"name": "a b"}, {"name": "a+b"}, {"public": bytes(31)}, {"public": bytes(33)}])
    def test_is_made_of_a_name_and_32_bytes(self, given: dict[str, object]) -> None:
        with pytest.raises(ValidationError):
            Key.model_validate({"name": ORIGIN, "public": bytes(32)} | given)

    def test_is_read_as_it_was_written(self) -> None:
        assert read_key(KEY.text) == KEY

    def test_of_another_implementation_is_read(self) -> None:
        """The key of Go's checksum database, as every Go tool has it built in."""
        theirs = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
        assert read_key(theirs).text == theirs

    @pytest.mark.parametrize(
        "text",
        [
            "",
            KEY.text[:-1],
            f"{KEY.text}\n",
            KEY.text.upper(),
            KEY.text.replace("+", " "),
            f"x{KEY.text}",
            KEY.text.replace("+A", "+B", 1),
            f"{ORIGIN}+00000000+{KEY.text.rsplit('+', 1)[1]}",
        ],
    )
    def test_is_nothing_else(self, text: str) -> None:
        with pytest.raises(InvalidInput) as refused:
            read_key(text)
        assert "halo audit checkpoint" in refused.value.hint


class TestBase64:
    @given(st.text(alphabet="ABYZabyz0189+/=-_ \n", max_size=12))
    def test_has_one_way_to_write_each(self, text: str) -> None:
        try:
            data = from_base64(text)
        except ValueError:
            return
        assert base64.b64encode(data).decode() == text
