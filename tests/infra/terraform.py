"""What Terraform is told, read without Terraform; and what its expressions come to, worked out by Terraform itself without a cloud.

A provider cannot be asked offline, so no plan can be made. Variables, locals and their checks need none: they are copied into a configuration
that has nothing else, and applied there.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import hcl2

from tests.house.source import ROOT

PLACE = ROOT / "infra" / "terraform"
MODULES = tuple(sorted(path.name for path in (PLACE / "modules").iterdir()))
ENVIRONMENTS = ("dev", "prod")
IS_HERE = shutil.which("terraform") is not None


@dataclass(frozen=True)
class Block:
    """A block with its labels, and where it stands."""

    file: Path
    labels: tuple[str, ...]
    body: Mapping[str, Any]

    @property
    def name(self) -> str:
        return ".".join(self.labels)


def files() -> list[Path]:
    """Everything that Terraform reads."""
    return sorted(PLACE.rglob("*.tf"))


@cache
def _read(file: Path) -> Mapping[str, Any]:
    with file.open(encoding="utf-8") as opened:
        read = _bare(hcl2.load(opened))
    assert isinstance(read, dict)
    return read


def _bare(value: Any) -> Any:
    """Without the quotation marks that the reader keeps around what was written with them."""
    if isinstance(value, dict):
        return {_bare(name): _bare(each) for name, each in value.items() if not name.startswith("__")}
    if isinstance(value, list):
        return [_bare(each) for each in value]
    return value[1:-1] if isinstance(value, str) and re.fullmatch(r'".*"', value, re.DOTALL) else value


def blocks(kind: str, *, below: Path = PLACE) -> Iterator[Block]:
    """Every block of a kind, such as `variable`, with one label or, for `resource`, two."""
    depth = 2 if kind in ("resource", "data") else 1
    for file in files():
        if file.is_relative_to(below):
            for each in _read(file).get(kind, []):
                yield from _labelled(file, each, depth, ())


def _labelled(file: Path, body: Mapping[str, Any], depth: int, labels: tuple[str, ...]) -> Iterator[Block]:
    if depth == 0:
        yield Block(file, labels, body)
        return
    for label, inner in body.items():
        yield from _labelled(file, inner, depth - 1, (*labels, label))


def resources(kind: str) -> list[Block]:
    return [block for block in blocks("resource") if block.labels[0] == kind]


def everything_in(value: Any) -> Iterator[tuple[str, Any]]:
    """Every name in a body, however deep, with what is said for it."""
    for name, each in value.items() if isinstance(value, dict) else ():
        yield name, each
        yield from everything_in(each)
    for each in value if isinstance(value, list) else ():
        yield from everything_in(each)


def worked_out(place: Path, environment: str, **given: Any) -> Any:
    """What the locals of `environment` come to, when it is `given` these variables. Raises `AssertionError` with what Terraform says against it."""
    (asked,) = [dict(block.body) for block in blocks("module", below=PLACE / "environments" / environment)]
    chosen = {name: value for name, value in asked.items() if name != "source" and "var." not in str(value)}
    _write(place, "halo", _ASK_HALO)
    for module in ("run", "secrets"):
        _write(place / module, module, _TELL[module])
    # Its numbers and maps are expressions as they were written; only texts need their marks again.
    told = "".join(f"{name} = {_expression(value)}\n" for name, value in chosen.items())
    (place / "chosen.auto.tfvars").write_text(told, encoding="utf-8")
    (place / "given.auto.tfvars.json").write_text(json.dumps({"project": "home", "region": "us-central1", **given}), encoding="utf-8")
    _terraform(place, "init")
    _terraform(place, "apply", "-auto-approve")
    return {name: told["value"] for name, told in json.loads(_terraform(place, "output", "-json")).items()}


def _expression(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {_expression(each)}" for name, each in value.items()) + "}"
    return json.dumps(value)


def _write(place: Path, module: str, more: str) -> None:
    place.mkdir(parents=True, exist_ok=True)
    shutil.copy(PLACE / "modules" / module / "variables.tf", place)
    text = "".join(path.read_text(encoding="utf-8") for path in sorted((PLACE / "modules" / module).glob("*.tf")))
    found = re.findall(r"^locals \{\n.*?^\}\n", text, re.DOTALL | re.MULTILINE)
    assert found
    (place / "main.tf").write_text("\n".join(found) + more, encoding="utf-8")


def _terraform(place: Path, *words: str) -> str:
    environ = {**os.environ, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
    done = subprocess.run(["terraform", *words, "-no-color"], cwd=place, capture_output=True, text=True, env=environ)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def is_formatted() -> str:
    """What `terraform fmt` would change."""
    return subprocess.run(["terraform", "fmt", "-check", "-recursive", str(PLACE)], capture_output=True, text=True).stdout


#: As `modules/halo` asks its modules, but for what a cloud would have to say.
_ASK_HALO = """
module "run" {
  source        = "./run"
  project       = var.project
  region        = var.region
  name          = var.name
  image         = var.image
  is_founded    = var.is_founded
  network       = "network"
  subnetwork    = "subnetwork"
  accounts      = { for role in local.roles : role => role }
  secrets       = { for role in local.roles : role => { for setting in local.of[role] : setting => "${var.name}-${local.names[setting]}" } }
  settings      = { api = merge(var.settings, var.server_settings), worker = var.settings, once = var.settings }
  api_instances = var.api_instances
  workers       = var.workers
  requests      = var.requests
  limits        = var.limits
  is_protected  = var.is_protected
}

module "secrets" {
  source   = "./secrets"
  project  = var.project
  region   = var.region
  name     = var.name
  readers  = local.readers
  accounts = { for role in local.roles : role => role }
}

output "env" { value = module.run.env }
output "files" { value = module.run.files }
output "pairs" { value = module.secrets.pairs }
output "most_connections" { value = local.most_connections }
"""
_TELL = {
    "run": 'output "env" { value = local.env }\noutput "files" { value = local.files }\n',
    "secrets": 'output "pairs" { value = local.pairs }\n',
}
