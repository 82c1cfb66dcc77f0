"""The gallery: every verb at every stage of its life, the same each time, and written only where it may be."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from halo_cli.gallery import folder, lives
from halo_cli.gallery.formats import FORMATS, bubble, messages
from halo_cli.gallery.lives import ANY, ONCE, STAGES, Drawn, Gallery, hang
from halo_cli.main import run
from halo_engine.model.card import Button, CardKind
from halo_engine.model.errors import InvalidInput
from halo_engine.model.intent import Example
from halo_engine.verbs import VERBS
from halo_engine.verbs.order import Order
from tests.cards.golden import Golden
from tests.house.source import ROOT

#: Stages that some verb has no way into, each with the reason.
NO_WAY = {"CANCEL": ("terms_changed",)}  # nothing that the simulator can move is in the terms of its first example


class AsJson(Golden):
    """What a client is sent."""

    file_extension = "json"


@pytest.fixture(scope="module")
def gallery() -> Gallery:
    return hang()


@pytest.fixture(scope="module")
def one(gallery: Gallery) -> Gallery:
    """Two cards of it, for what is about files and not about cards."""
    return Gallery(tuple(drawn for drawn in gallery.cards if drawn.verb == "BOOK" and drawn.stage in ("draft", "done")), {})


def find(gallery: Gallery, verb: str, stage: str) -> Drawn:
    (found,) = [drawn for drawn in gallery.cards if (drawn.verb, drawn.stage) == (verb, stage)]
    return found


def written(place: Path) -> dict[str, bytes]:
    return {str(path.relative_to(place)): path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file()}


def as_json(value: Any) -> str:
    return f"{json.dumps(value, ensure_ascii=False, indent=2)}\n"


class TestTheGallery:
    def test_has_every_verb_at_every_stage(self, gallery: Gallery) -> None:
        """The reason: a verb that nobody looks at is a verb whose cards nobody has seen. What has no way there is named, with the reason."""
        has = {(drawn.verb, drawn.stage) for drawn in gallery.cards}
        assert {(verb, stage) for verb in VERBS for stage in STAGES if stage not in NO_WAY.get(verb, ())} <= has
        assert gallery.missing == NO_WAY

    def test_has_each_of_a_verbs_examples(self, gallery: Gallery) -> None:
        for verb in VERBS.values():
            said = {drawn.said for drawn in gallery.cards if drawn.verb == verb.spec.name}
            assert said == {example.text for example in verb.spec.examples}

    def test_shows_each_stage_by_a_card_of_its_kind(self, gallery: Gallery) -> None:
        wrong = [drawn for drawn in gallery.cards if drawn.stage in STAGES and drawn.card.kind is not STAGES[drawn.stage].kind]
        assert wrong == []

    def test_shows_a_change_where_something_was_changed(self, gallery: Gallery) -> None:
        changed = [drawn for drawn in gallery.cards if drawn.stage in ("modified", "terms_changed")]
        assert [drawn for drawn in changed if not drawn.card.changes or Button.CONFIRM not in drawn.card.buttons] == []

    def test_ends_each_life_that_went_well_with_a_receipt(self, gallery: Gallery) -> None:
        assert all(find(gallery, verb, "done").card.receipt_id for verb in VERBS)

    def test_has_once_what_belongs_to_no_verb(self, gallery: Gallery) -> None:
        cards = {drawn.stage: drawn.card for drawn in gallery.cards if drawn.verb == ANY}
        assert set(cards) == set(ONCE)
        assert len(cards["question"].options) > 1
        assert {card.kind for card in cards.values()} >= {
            *(CardKind.CLARIFICATION, CardKind.NOT_SUPPORTED),
            *(CardKind.UNAVAILABLE, CardKind.HANDED_OFF),
        }

    def test_has_a_time_picker(self, gallery: Gallery) -> None:
        (message,) = messages(find(gallery, ANY, "question_of_times"))["messages"]
        assert len(message["interactiveData"]["data"]["event"]["timeslots"]) == 3

    def test_follows_a_verb_that_is_changed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The reason: nobody writes a list when a verb is added."""

        class Soap(Order):
            spec = replace(Order.spec, examples=(Example("order dish soap", {"items": [{"name": "dish soap"}]}),))

        monkeypatch.setitem(VERBS, "ORDER", Soap())
        assert {drawn.said for drawn in hang(("ORDER",)).cards} == {"order dish soap"}

    def test_shows_what_belongs_to_no_verb_alone(self, gallery: Gallery) -> None:
        alone = hang((ANY,))
        assert [(drawn.verb, drawn.stage) for drawn in alone.cards] == [(ANY, stage) for stage in ONCE]
        assert alone.cards == tuple(drawn for drawn in gallery.cards if drawn.verb == ANY)
        assert alone.missing == {}

    def test_says_how_far_it_is(self, tmp_path: Path) -> None:
        """The reason: a minute of silence looks like a standstill."""
        hung: list[int] = []
        drawn: list[int] = []
        folder.write(tmp_path, hang((ANY,), tell=hung.append), ["text"], tell=drawn.append)
        assert hung == drawn == list(range(1, len(ONCE) + 1))

    def test_names_the_stages_that_a_verb_has_no_way_into(self, monkeypatch: pytest.MonkeyPatch) -> None:
        stages = {"draft": STAGES["draft"], "never": replace(STAGES["draft"], kind=CardKind.PARTIAL)}
        monkeypatch.setattr(lives, "STAGES", stages)
        assert hang(("ORDER",)).missing == {"ORDER": ("never",)}


class TestItsCards:
    def test_are_the_same_in_another_process(self, gallery: Gallery) -> None:
        """The reason: golden files of cards that differ each time are worth nothing. Another process has other hashes and another home."""
        words = [sys.executable, "-m", "halo_cli", "cards", "--verb", "book", "--format", "business"]
        done = subprocess.run(words, capture_output=True, check=True, text=True, env=os.environ | {"PYTHONHASHSEED": "7"})
        here = [json.loads(as_json(messages(drawn))) for drawn in gallery.cards if drawn.verb == "BOOK"]
        assert [json.loads(line) for line in done.stdout.splitlines()] == here != []

    def test_read_as_agreed_in_imessage(self, gallery: Gallery, snapshot: SnapshotAssertion) -> None:
        for drawn in gallery.cards:
            assert as_json(bubble(drawn)) == snapshot(name=f"{drawn.verb.lower()}_{drawn.stage}", extension_class=AsJson)

    def test_read_as_agreed_in_messages_for_business(self, gallery: Gallery, snapshot: SnapshotAssertion) -> None:
        for drawn in gallery.cards:
            if drawn.stage == "draft" or drawn.card.options:
                assert as_json(messages(drawn)) == snapshot(name=f"{drawn.verb.lower()}_{drawn.stage}", extension_class=AsJson)

    @pytest.mark.parametrize("stage", ["draft", "done"])
    def test_are_those_that_the_documentation_shows(self, stage: str, gallery: Gallery) -> None:
        """`just docs-pictures` draws them anew."""
        drawn = FORMATS["svg"].draw(find(gallery, "ORDER", stage))
        assert {end: (ROOT / "docs" / "pictures" / f"{stage}{end}").read_bytes() for end in drawn} == drawn

    def test_have_links_that_open_nothing(self, gallery: Gallery) -> None:
        assert all(drawn.url.startswith("https://halo.example/m/") for drawn in gallery.cards)


class TestItsFolder:
    @pytest.mark.parametrize("name", FORMATS)
    def test_holds_each_card_in_a_format(self, name: str, one: Gallery, tmp_path: Path) -> None:
        folder.check(tmp_path)
        rows = folder.write(tmp_path, one, [name])
        files = [file for row in rows for file in row["files"]]
        assert set(written(tmp_path)) == {*files, "index.html", "index.json"}
        assert {Path(file).name.partition("@")[0].partition(".")[0] for file in files} == {"draft", "done"}

    def test_holds_pictures_that_are_what_they_say(self, one: Gallery, tmp_path: Path) -> None:
        folder.write(tmp_path, one, ["png"])
        sizes = {}
        for stage in ("draft", "done"):
            for scale in (2, 3):
                picture = (tmp_path / "book" / f"{stage}@{scale}x.png").read_bytes()
                assert picture.startswith(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
                assert picture.endswith(b"IEND\xaeB`\x82")
                sizes[stage, scale] = struct.unpack(">II", picture[16:24])
            (wide, high), (wider, higher) = sizes[stage, 2], sizes[stage, 3]
            # Two and three dots to the point, each rounded to whole ones.
            assert abs(3 * wide - 2 * wider) <= 3
            assert abs(3 * high - 2 * higher) <= 3
            assert min(wide, high) > 200

    def test_has_the_same_bytes_each_time(self, one: Gallery, tmp_path: Path) -> None:
        for place in (tmp_path / "a", tmp_path / "b"):
            folder.check(place)
            folder.write(place, one, [name for name in FORMATS if name != "png"])
        assert written(tmp_path / "a") == written(tmp_path / "b")

    def test_has_a_contact_sheet_without_a_script_that_shows_every_card(self, one: Gallery, tmp_path: Path) -> None:
        folder.write(tmp_path, one, ["svg", "text"])
        sheet = (tmp_path / "index.html").read_text(encoding="utf-8")
        assert "<script" not in sheet
        assert 'src="book/draft.svg"' in sheet
        assert 'src="book/done.svg"' in sheet

    def test_cannot_be_drawn_on_by_what_a_card_says(self, one: Gallery, tmp_path: Path) -> None:
        evil = one.cards[0].card.model_copy(update={"title": '"><script>alert(1)</script>', "summary": "\x1b[2J</pre>"})
        folder.write(tmp_path, Gallery((replace(one.cards[0], card=evil, said="<b>“</b>"),), {}), ["text"])
        sheet = (tmp_path / "index.html").read_text(encoding="utf-8")
        assert "<script" not in sheet
        assert "<b>" not in sheet
        assert "\x1b" not in sheet

    def test_takes_the_place_of_an_earlier_gallery_and_leaves_what_is_not_of_it(self, one: Gallery, tmp_path: Path) -> None:
        folder.write(tmp_path, one, ["text", "svg"])
        (tmp_path / "book" / "notes.md").write_text("mine")
        folder.check(tmp_path)
        folder.write(tmp_path, Gallery(one.cards[:1], {}), ["text"])
        assert set(written(tmp_path)) == {"book/draft.txt", "book/notes.md", "index.html", "index.json"}

    def test_takes_away_nothing_outside_itself_whatever_its_list_says(self, one: Gallery, tmp_path: Path) -> None:
        """The reason: the list is a file that anybody may have written."""
        place, kept = tmp_path / "gallery", tmp_path / "kept.txt"
        folder.check(place)
        kept.write_text("mine")
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere" / "kept.txt").write_text("mine")
        (place / "book").symlink_to(tmp_path / "elsewhere")
        names = ["../kept.txt", str(kept), "book/kept.txt", "book/../../kept.txt", ".", 7]
        (place / "index.json").write_text(json.dumps({"gallery": "halo/gallery/v1", "cards": [{"files": names}]}))
        with pytest.raises(InvalidInput):
            folder.write(place, one, ["text"])
        assert kept.read_text() == (tmp_path / "elsewhere" / "kept.txt").read_text() == "mine"
        assert written(tmp_path / "elsewhere") == {"kept.txt": b"mine"}


class TestTheCommand:
    def refused(self, capsys: pytest.CaptureFixture[str], *words: str) -> str:
        """What is said on stderr, where it ends as a usage error."""
        assert run(["cards", *words]) == 2
        told = capsys.readouterr()
        assert told.out == ""
        assert "Traceback" not in told.err
        return told.err

    @pytest.mark.parametrize("words", [["--format", "gif"], ["--format", ""], ["--verb", "fly"], ["--verb", ""]])
    def test_names_what_there_is(self, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        assert "There are: " in self.refused(capsys, *words)

    @pytest.mark.parametrize("name", ["png", "svg", "html"])
    def test_wants_a_folder_for_pictures_and_pages(self, name: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert f"halo cards --format {name} --out DIR" in self.refused(capsys, "--format", name)

    def test_leaves_a_folder_with_other_files_alone(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "index.html").write_text("mine")
        assert "There are other files" in self.refused(capsys, "--out", str(tmp_path))
        assert written(tmp_path) == {"index.html": b"mine"}

    @pytest.mark.parametrize("content", ["", "[]", "{}", '{"gallery": "another"}', '{"gallery": "halo/gallery/v1", "cards": 7}', "\xff"])
    def test_is_not_taken_in_by_any_list(self, content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "index.json").write_text(content, encoding="latin-1")
        assert "There are other files" in self.refused(capsys, "--out", str(tmp_path))

    def test_says_that_a_file_is_no_folder(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "file").write_text("mine")
        assert "not a directory" in self.refused(capsys, "--out", str(tmp_path / "file")).casefold()
        assert "not a directory" in self.refused(capsys, "--out", str(tmp_path / "file" / "below")).casefold()

    def test_says_why_nothing_can_be_written(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert "cannot be written" in self.refused(capsys, "--out", "/proc/gallery")

    def test_makes_the_folders_on_the_way_and_says_what_it_wrote(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        place = tmp_path / "a" / "b"
        assert run(["cards", "--verb", "cancel", "--format", "imessage", "--out", str(place), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["sheet"] == str(place / "index.html")
        assert [file for card in told["cards"] for file in card["files"] if not (place / file).is_file()] == []
        assert told["missing"] == {"CANCEL": ["terms_changed"]}

    def test_prints_one_object_a_line_of_what_programs_read_and_writes_into_nobodys_home(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        home = tmp_path / "home"
        assert run(["cards", "--verb", "Cancel", "--format", "imessage", "--home", str(home)]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [json.loads(line)["kind"] for line in lines][:2] == ["draft", "draft"]
        assert not home.exists()

    def test_prints_a_terminals_colours_also_into_a_pipe_where_they_are_asked_for(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(["cards", "--verb", "cancel", "--format", "terminal"]) == 0
        assert "\x1b[" in capsys.readouterr().out
