"""Runs the tests of a module against each of its changes, and says which changes no test noticed.

`mutmut` copies functions and leaves out whatever is decorated, which are the hash of a draft, the checks of its terms and most doors of the engine;
`cosmic-ray` starts a whole pytest for each change. Here one process imports everything that does not depend on the module, and forks once for each
change; the fork imports the rest with the changed module in it, and runs the tests that pass through the changed line until one fails. Only that
process sees the change: a test that starts another program runs it as it is, so that what is said to survive may be more than does.
"""

from __future__ import annotations

import ast
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import CodeType, ModuleType

import coverage

from tests.mutation.operators import UNCHANGED, Site, mutated, sites

OURS = ("halo_engine", "halo_cli", "halo_sim", "cards", "server", "tests")
#: A change that makes a test run on for ever is noticed, too.
_MOST_CPU_S = 150
_MOST_WALL_S = 900
#: What is imported before pytest begins cannot be rewritten for its messages, which nobody reads here.
_QUIET = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
#: What pytest ends with: all passed, some failed, and the tests or what they share could not be read, because the module cannot be imported any more.
_SAID = {0: "survived", 1: "killed", 2: "killed", 4: "killed"}
#: The tests of one change, together: whoever survives these is called a survivor.
_MOST_TEST_S = 20.0


@dataclass(frozen=True)
class Verdict:
    """What became of one change: `killed`, `survived`, `timeout`, or `untested` where no test passes through its line."""

    module: str
    number: int
    line: int
    within: str
    words: str
    outcome: str
    seconds: float
    tests: int


class Record:
    """Which tests pass through which line, as `just mutants-record` left it in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._data = coverage.CoverageData(str(folder / "coverage"))
        self._data.read()
        self._seconds: dict[str, float] = json.loads((folder / "seconds.json").read_text(encoding="utf-8"))

    def tests_of(self, module: str, line: int | None) -> list[str]:
        """Those through that line, or where it is read only on import through any, as many as there is time for: the module's own first."""
        passed = self._data.contexts_by_lineno(str(Path(module).resolve()))
        own = f"/test_{Path(module).stem}.py::"
        if line is not None:
            found = set(passed.get(line, ()))
        else:
            # A field's bounds are kept by pydantic: a test of them passes through no line at all.
            found = {test for tests in passed.values() for test in tests} | {test for test in self._seconds if own in test}
        return list(self._affordable(sorted(found - {""}, key=lambda test: self._cost(test, own))))

    def _cost(self, test: str, own: str) -> tuple[bool, bool, float]:
        # A server for one test is slow to start; where only such a test passes, it is taken all the same.
        return "postgres" in test, own not in test, self._seconds.get(test, 1.0)

    def _affordable(self, tests: Sequence[str]) -> Iterator[str]:
        total = 0.0
        for test in tests:
            total += self._seconds.get(test, 1.0)
            if total > _MOST_TEST_S:
                return
            yield test


def run_module(module: str, record: Record, *, sample: int | None, seed: int, jobs: int, results: Path) -> list[Verdict]:
    """Every change of `module`, or a sample of them, tried in `jobs` processes at a time."""
    source = Path(module).read_text(encoding="utf-8")
    found = list(sites(ast.parse(source)))
    numbers = list(range(len(found)))
    if sample is not None and sample < len(numbers):
        numbers = sorted(random.Random(seed).sample(numbers, sample))
    name = module.removesuffix(".py").replace("/", ".")
    _preload(name)
    _expect_no_failure(name, source, record.tests_of(module, None)[:60])
    verdicts: list[Verdict] = []
    running: dict[int, tuple[int, float, int]] = {}
    waiting = list(reversed(numbers))
    with results.open("a", encoding="utf-8") as out:
        while waiting or running:
            while waiting and len(running) < jobs:
                number = waiting.pop()
                tests = _tests_for(record, module, found[number])
                if not tests:
                    verdicts.append(_verdict(module, number, found[number], "untested", 0.0, 0))
                    continue
                running[_fork(name, source, number, tests)] = (number, time.monotonic(), len(tests))
            for pid, (number, since, count) in list(running.items()):
                outcome = _outcome(pid, since)
                if outcome is None:
                    continue
                del running[pid]
                verdicts.append(_verdict(module, number, found[number], outcome, time.monotonic() - since, count))
                out.write(json.dumps(asdict(verdicts[-1])) + "\n")
                out.flush()
            time.sleep(0.02)
    return verdicts


def _expect_no_failure(name: str, source: str, tests: Sequence[str]) -> None:
    """Where a test fails without any change, all that it would seem to notice is nothing. Raises `RuntimeError`."""
    _, status = os.waitpid(_fork(name, source, UNCHANGED, tests), 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise RuntimeError(f"the tests of {name} do not pass as it is")


def _tests_for(record: Record, module: str, site: Site) -> list[str]:
    """Those through its line; of a line that is only read on import, a table or a default, those through any."""
    return record.tests_of(module, site.line) or record.tests_of(module, None)


def _verdict(module: str, number: int, site: Site, outcome: str, seconds: float, tests: int) -> Verdict:
    return Verdict(module, number, site.line, site.within, site.words, outcome, round(seconds, 1), tests)


def _outcome(pid: int, since: float) -> str | None:
    """None while it runs."""
    ended, status = os.waitpid(pid, os.WNOHANG)
    if not ended:
        if time.monotonic() - since > _MOST_WALL_S:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        return None
    shutil.rmtree(_scratch(pid), ignore_errors=True)
    code = os.waitstatus_to_exitcode(status)
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        return "timeout"
    if code not in _SAID:
        raise RuntimeError(f"pytest ended with {code}: nothing was tried")
    return _SAID[code]


def _scratch(pid: int) -> Path:
    return Path(tempfile.gettempdir()) / f"halo-mutant-{pid}"


def _fork(name: str, source: str, number: int, tests: Sequence[str]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_CPU, (_MOST_CPU_S, _MOST_CPU_S + 5))
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        code = _try(name, source, number, tests)
    finally:
        os._exit(code)


def _try(name: str, source: str, number: int, tests: Sequence[str]) -> int:
    import pytest
    from hypothesis import HealthCheck, settings

    settings.register_profile("mutation", database=None, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    settings.load_profile("mutation")
    sys.meta_path.insert(0, _Changed(name, compile(mutated(source, number), name.replace(".", "/") + ".py", "exec")))
    arguments = [
        "-x",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "--no-header",
        "--tb=no",
        *_QUIET,
        f"--basetemp={_scratch(os.getpid())}",
    ]
    own = f"/test_{name.rpartition('.')[2]}.py::"
    code = 0
    # Its own tests first: most changes go no further, and to read the others takes longer than to run them.
    for some in ([test for test in tests if own in test], [test for test in tests if own not in test]):
        if some and code == 0:
            code = int(pytest.main([*arguments, *_alone(some), *some]))
    return code


def _alone(tests: Sequence[str]) -> tuple[str, ...]:
    """The nouns are tested with nothing around them, so that neither what all other tests share nor any plugin need be imported."""
    are_nouns = all(test.startswith("tests/halo_engine/model/") for test in tests)
    if are_nouns:
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    else:
        os.environ.pop("PYTEST_DISABLE_PLUGIN_AUTOLOAD", None)
    return ("--noconftest",) if are_nouns else ()


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module as it was changed."""

    def __init__(self, name: str, code: CodeType) -> None:
        self._name, self._code = name, code

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.util.spec_from_loader(fullname, self, origin=self._code.co_filename)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = str(Path(self._code.co_filename).resolve())
        exec(self._code, module.__dict__)


def _preload(name: str) -> None:
    """Import what neither is that module nor depends on it, so that a fork need not."""
    sources = {_module_name(path): path for top in OURS for path in Path(top).rglob("*.py")}
    imports = {each: set(_imported(path, sources)) for each, path in sources.items()}
    dependent = {name}
    while more := {each for each, named in imports.items() if each not in dependent and (named & dependent or _parents(each) & dependent)}:
        dependent |= more
    engine = [each for each in sources if each.startswith(("halo_engine.", "halo_sim.")) and each not in dependent]
    for each in ("pytest", "hypothesis", "sqlmodel", "httpx", "alembic.command", "dbos", "joserfc.jws", "structlog", "yaml", *engine):
        if ".training" not in each and ".migrations" not in each and not each.endswith("__main__"):
            # Of an extra that is not installed, for one; whoever needs it imports it again.
            with suppress(ImportError):
                importlib.import_module(each)


def _module_name(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _parents(name: str) -> set[str]:
    parts = name.split(".")
    return {".".join(parts[:end]) for end in range(1, len(parts))}


def _imported(path: Path, known: Mapping[str, Path]) -> Iterable[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (name for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)) if name in known)
