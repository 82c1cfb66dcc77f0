"""`just infra`: what the Containerfile does and the image would do, where there is nobody to build one.

Its COPY lines are carried out by copying, and its RUN line by a shell, into a directory in the place of `/`. Then both entry points are started from
there as the image starts them: by the number of a user that has no home and no name, with nothing but a directory for `/tmp` to write to, and secrets
in files. What this cannot show is the base image.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.healthy import is_well
from infra.up import postgres, say

ROOT = Path(__file__).parents[1]
_PORT = "8099"


@dataclass(frozen=True)
class Recipe:
    """The Containerfile: what is copied and run to build, and how it is started."""

    copies: tuple[tuple[str, ...], ...]
    run: str
    environ: Mapping[str, str]
    user: int
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]

    @property
    def extras(self) -> str:
        """What of Halo is installed besides what is always there, as pip is told."""
        (told,) = re.findall(r"\[(.+?)\]", self.run)
        return str(told)

    @classmethod
    def read(cls, text: str) -> Recipe:
        lines = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)).splitlines()
        said = [(word, rest) for word, _, rest in (line.partition(" ") for line in lines) if word]
        of = dict(said)
        return cls(
            copies=tuple(tuple(shlex.split(rest)) for word, rest in said if word == "COPY" and not rest.startswith("--from")),
            run=of["RUN"],
            environ=dict(pair.split("=", 1) for pair in shlex.split(of["ENV"])),
            user=int(of["USER"].split(":")[0]),
            entrypoint=tuple(json.loads(of["ENTRYPOINT"])),
            command=tuple(json.loads(of["CMD"])),
        )


def main() -> int:
    recipe = Recipe.read((ROOT / "Containerfile").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="halo-image-") as place:
        root = Path(place).resolve()
        root.chmod(0o755)
        _build(recipe, root)
        with postgres(root) as url:
            # Its socket stands there, and is called by somebody else's number.
            (root / "postgres").chmod(0o711)
            _start_both(recipe, root, url)
    say("image", "both entry points start, answer and end as they should")
    return 0


def _build(recipe: Recipe, root: Path) -> None:
    source = root / "src"
    source.mkdir()
    for *given, to in recipe.copies:
        for each in given:
            target = root / to.lstrip("/") if to.startswith("/") else source / to
            if to.endswith("/"):
                target /= Path(each).name
            target.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / each).is_dir():
                shutil.copytree(ROOT / each, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / each, target)
    say("image", "building: this takes a minute or three")
    # The build's own Python is the one that runs this.
    tools = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(root), "PIP_QUIET": "1"}
    _do(["sh", "-euc", _moved(recipe.run, root)], cwd=source, env={**os.environ, **tools})


def _start_both(recipe: Recipe, root: Path, database_url: str) -> None:
    mounted = {"DATABASE_URL": database_url, "SECRET_KEY": secrets.token_hex(32)}
    environ = {name: value.replace("/tmp", f"{root}/tmp") for name, value in recipe.environ.items()}  # noqa: S108 - the image's own
    for name, value in mounted.items():
        file = root / name.lower()
        file.write_text(f"{value}\n")
        file.chmod(0o444)
        environ[f"HALO_{name}_FILE"] = str(file)
    (root / "tmp").mkdir()
    how: dict[str, Any] = {"cwd": root / "tmp", "env": environ}
    if os.geteuid() == 0:
        # Whoever is not root already is nobody who could become somebody else.
        os.chown(root / "tmp", recipe.user, recipe.user)
        how |= {"user": recipe.user, "group": recipe.user, "extra_groups": ()}
    entry = [_moved(word, root) for word in recipe.entrypoint]
    api = [_PORT if word == "8080" else "127.0.0.1" if word == "0.0.0.0" else word for word in recipe.command]  # noqa: S104 - what is replaced

    _do([*entry, "init"], **how)
    running = [subprocess.Popen([*entry, *words], **how) for words in (api, ["worker"])]  # noqa: S603 - our own commands
    try:
        if not _becomes_well(api, running):
            raise SystemExit("The server is not well.")
        say("image", "the server is well")
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
        codes = [process.wait(150) for process in running]
    if codes != [0, 0]:
        raise SystemExit(f"SIGTERM is to end both with 0, and they ended with {codes}.")


def _becomes_well(api: list[str], running: list[subprocess.Popen[bytes]]) -> bool:
    for _ in range(400):
        if is_well(api):
            return True
        try:
            running[0].wait(0.3)
        except subprocess.TimeoutExpired:
            continue
        return False
    return False


def _moved(text: str, root: Path) -> str:
    """The same, with `root` in the place of `/`."""
    return re.sub(r"/(?=opt/halo|wheels)", f"{root}/", text)


def _do(command: list[str], **how: Any) -> None:
    done = subprocess.run(command, check=False, **how)  # noqa: S603 - our own commands
    if done.returncode != 0:
        raise SystemExit(f"{shlex.join(command)} ended with {done.returncode}.")


if __name__ == "__main__":
    raise SystemExit(main())
