"""The image as it is written down. `just infra` carries it out, as far as that can be done without a container."""

from __future__ import annotations

import fnmatch
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infra.healthy import is_well
from infra.rehearse import Recipe
from tests.house.source import PACKAGES, ROOT
from tests.installation import Installation
from tests.server.serving import serving

TEXT = (ROOT / "Containerfile").read_text(encoding="utf-8")
RECIPE = Recipe.read(TEXT)
IGNORED = [line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]


def goes_to_the_builder(path: str) -> bool:
    """By the rules of .dockerignore: the last one that fits counts, and a folder's counts for all in it."""
    parts = Path(path).parts
    above = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
    fits = True
    for rule in IGNORED:
        pattern = rule.removeprefix("!")
        if any(fnmatch.fnmatchcase(each, pattern.removeprefix("**/")) or fnmatch.fnmatchcase(each, pattern) for each in (*above, *parts)):
            fits = rule.startswith("!")
    return fits


class TestTheImage:
    def test_is_well_formed(self) -> None:
        """hadolint has nothing to say against it."""
        hadolint = Path(sys.executable).with_name("hadolint")
        done = subprocess.run([hadolint, ROOT / "Containerfile"], capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (0, "")

    def test_is_nobodys_with_rights(self) -> None:
        """By number: a name would have to be looked up to see that it is not root."""
        users = re.findall(r"^USER (.+)$", TEXT, re.MULTILINE)
        assert users == ["65532:65532"]
        assert TEXT.index("USER 65532") < TEXT.index("ENTRYPOINT")

    def test_starts_from_a_base_that_is_named_exactly(self) -> None:
        """Once, and a digest can be given in its place."""
        (base,) = re.findall(r"^ARG BASE=(.+)$", TEXT, re.MULTILINE)
        assert re.fullmatch(r"docker\.io/library/python:3\.11\.\d+-slim-\w+", base)
        assert set(re.findall(r"^FROM (\S+)", TEXT, re.MULTILINE)) == {"${BASE}"}

    def test_is_built_of_wheels_of_known_versions(self) -> None:
        """Someone else's code runs in no build, and a build of tomorrow is one of today."""
        assert "--only-binary :all:" in RECIPE.run
        assert "--constraint infra/constraints.txt" in RECIPE.run
        pinned = (ROOT / "infra" / "constraints.txt").read_text(encoding="utf-8").splitlines()[1:]
        assert [line for line in pinned if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][^\s;]*", line)] == []

    def test_has_versions_of_everything_that_is_asked_for(self) -> None:
        """A dependency that was added is pinned too: just constraints."""
        import tomllib

        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        pins = dict(line.split("==") for line in (ROOT / "infra" / "constraints.txt").read_text(encoding="utf-8").splitlines()[1:])
        known = {canonicalize_name(name): version for name, version in pins.items()}
        extras = RECIPE.extras.split(",")
        asked = [
            Requirement(each)
            for each in (*project["dependencies"], *(each for extra in extras for each in project["optional-dependencies"][extra]))
        ]
        ours = [each for each in asked if canonicalize_name(each.name) != project["name"]]
        assert [each.name for each in ours if canonicalize_name(each.name) not in known] == []
        assert [str(each) for each in ours if not each.specifier.contains(known[canonicalize_name(each.name)], prereleases=True)] == []

    def test_is_told_no_secret(self) -> None:
        """Neither as it is built, where layers keep what they were told, nor as it is started."""
        told = {*RECIPE.environ, *re.findall(r"^ARG (\w+)", TEXT, re.MULTILINE)}
        assert told == {"BASE", "HOME", "HALO_HOME", "HALO_LOG_FILE", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}

    def test_writes_to_one_place_only(self) -> None:
        """So its root may be read-only."""
        assert {RECIPE.environ["HOME"], str(Path(RECIPE.environ["HALO_HOME"]).parent)} == {"/tmp"}
        assert re.findall(r"^VOLUME", TEXT, re.MULTILINE) == []

    def test_runs_halo_itself_and_no_shell(self) -> None:
        """A shell would keep SIGTERM for itself, and nothing would drain."""
        assert RECIPE.entrypoint == ("/opt/halo/bin/halo",)
        assert RECIPE.command == ("serve", "--no-worker", "--host", "0.0.0.0", "--port", "8080")


class TestWhatGoesToTheBuilder:
    def test_is_what_is_copied(self) -> None:
        """All that ships, and the versions."""
        copied = {each for *given, _ in RECIPE.copies for each in given}
        assert set(PACKAGES) <= copied
        assert [each for each in copied if not (ROOT / each).exists() or not goes_to_the_builder(each)] == []

    @pytest.mark.parametrize(
        "path",
        [
            ".git/config",
            ".env",
            ".up/home/secret.key",
            ".venv/bin/python",
            "secrets/database_url",
            "infra/terraform/terraform.tfstate",
            "halo_engine/.env",
            "server/x.key",
        ],
    )
    def test_is_no_history_no_key_and_no_state(self, path: str) -> None:
        """Whatever else lies in the clone."""
        assert not goes_to_the_builder(path)


class TestHealth:
    def test_of_a_server_is_what_it_answers(self, tmp_path: Path) -> None:
        """Well while it serves, and not well when nobody is there."""
        Installation.open(tmp_path / "home").engine.close()
        with serving(tmp_path / "home") as server:
            command = ["/opt/halo/bin/halo", "serve", "--port", str(server.port)]
            assert is_well(command)
        assert not is_well(command)

    def test_of_a_worker_is_that_it_runs(self) -> None:
        """It listens to nobody."""
        assert is_well(["/opt/halo/bin/halo", "worker"])


def test_both_entry_points_are_commands() -> None:
    """As the image and the platform start them."""
    assert shutil.which("halo", path=str(Path(sys.executable).parent))
    for command in (RECIPE.command, ("worker",)):
        done = subprocess.run([sys.executable, "-m", "halo_cli", *command, "--help"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
