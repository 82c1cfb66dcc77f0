"""`halo fixtures export --swift`: a whole package, in a folder that is nobody else's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from halo_cli.swift.examples import description, examples_of
from tests.halo_cli.conftest import Halo
from tests.halo_cli.swift.reading import tokens

_PNG = b"\x89PNG\r\n\x1a\n"


class TestExport:
    def test_writes_a_whole_package(self, halo: Halo, tmp_path: Path) -> None:
        out = tmp_path / "HaloAPI"
        ran = halo("fixtures", "export", "--swift", str(out), "--verb", "any", "--json")
        files = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
        assert ran.code == 0
        assert {"Package.swift", "README.md", "Sources/HaloAPI/Documents.swift", "Sources/HaloAPI/JSON.swift"} < files
        assert set(json.loads((out / "halo-fixtures.json").read_text())["files"]) == files - {"halo-fixtures.json"}
        for file in out.rglob("*.swift"):
            tokens(file.read_text())
        tests = (out / "Tests/HaloAPITests/DecodeAllTests.swift").read_text()
        fixtures = out / "Tests/HaloAPITests/Fixtures"
        pictures = sorted((fixtures / "cards").iterdir())
        assert [f'isPicture("cards/{each.name}")' in tests for each in pictures] == [True] * ran.json["pictures"]
        assert all(each.read_bytes().startswith(_PNG) for each in pictures)
        for example in examples_of(description()):
            assert f'"http/{example.name}.json"' in tests
            assert json.loads((fixtures / "http" / f"{example.name}.json").read_text()) == example.body
        assert "not compiled" in (out / "README.md").read_text()
        self.replaces_only_its_own_files(halo, out)

    @staticmethod
    def replaces_only_its_own_files(halo: Halo, out: Path) -> None:
        own, stale = out / "Mine.swift", out / "Sources/HaloAPI/Stale.swift"
        own.write_text("mine")
        stale.write_text("stale")
        listed = json.loads((out / "halo-fixtures.json").read_text())
        listed["files"].append("Sources/HaloAPI/Stale.swift")
        (out / "halo-fixtures.json").write_text(json.dumps(listed))
        before = (out / "Sources/HaloAPI/Documents.swift").read_bytes()
        (out / "Sources/HaloAPI/Documents.swift").write_text("changed")
        assert halo("fixtures", "export", "--swift", str(out), "--verb", "any").code == 0
        assert (own.read_text(), stale.exists()) == ("mine", False)
        assert (out / "Sources/HaloAPI/Documents.swift").read_bytes() == before

    @pytest.mark.parametrize(
        "found",
        [
            {"letters.txt": "precious"},
            {"halo-fixtures.json": "{}"},
            {"halo-fixtures.json": "[" * 100_000},
            {"halo-fixtures.json": '{"export": "halo/swift-fixtures/v1", "files": ["../precious"]}'},
            {"halo-fixtures.json": '{"export": "halo/swift-fixtures/v1", "files": ["/etc/passwd"]}'},
        ],
    )
    def test_leaves_a_folder_of_somebody_elses_alone(self, halo: Halo, tmp_path: Path, found: dict[str, str]) -> None:
        out = tmp_path / "theirs"
        out.mkdir()
        (tmp_path / "precious").write_text("precious")
        for name, text in found.items():
            (out / name).write_text(text)
        ran = halo("fixtures", "export", "--swift", str(out))
        assert (ran.code, "hint: Name another directory" in ran.err) == (2, True)
        assert {path.name: path.read_text() for path in out.iterdir()} == found
        assert (tmp_path / "precious").exists()

    def test_needs_a_directory(self, halo: Halo, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("precious")
        assert halo("fixtures", "export", "--swift", str(tmp_path / "file")).code == 2
        assert halo("fixtures", "export").code == 2
        assert halo("fixtures", "export", "--swift", str(tmp_path / "new"), "--verb", "nonsense").code == 2
        assert not (tmp_path / "new").exists()
