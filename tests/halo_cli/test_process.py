"""`halo` as a process of its own: start-up, streams, and whatever a shell can do to it."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from halo_cli import __version__
from halo_cli.app import app
from halo_cli.main import run

HEAVY = ("sqlalchemy", "sqlmodel", "openai", "fastapi", "textual", "duckdb", "dbos", "httpx", "alembic")

#: Runs `halo` and then says on stderr which of the heavy modules were imported on the way.
_WATCH = """
import sys
sys.argv = ["halo", *sys.argv[1:]]
from halo_cli.main import main
try:
    main()
except SystemExit as end:
    code = end.code or 0
else:
    code = 0
sys.stderr.write("IMPORTED " + " ".join(sorted({name.partition(".")[0] for name in sys.modules})) + "\\n")
sys.exit(code)
"""


def process(
    *arguments: str | bytes, code: str | None = None, stdin: bytes | None = None, **environ: str
) -> subprocess.CompletedProcess[bytes]:
    start: list[str | bytes] = [sys.executable, "-c", code] if code else [sys.executable, "-m", "halo_cli"]
    return subprocess.run([*start, *arguments], input=stdin, capture_output=True, timeout=60, env={**os.environ, **environ}, check=False)


def imported(*arguments: str) -> set[str]:
    ran = process(*arguments, code=_WATCH)
    return set(ran.stderr.decode().rpartition("IMPORTED ")[2].split())


def every_command() -> list[tuple[str, ...]]:
    names: list[tuple[str, ...]] = [(info.name or "",) for info in app.registered_commands]
    for group in app.registered_groups:
        below = group.typer_instance
        assert below is not None
        names += [(group.name or "", str(info.name or getattr(info.callback, "__name__", ""))) for info in below.registered_commands]
    return names


class TestVersion:
    def test_is_one_line(self) -> None:
        ran = process("--version")
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, f"halo {__version__}\n".encode(), b"")

    def test_is_answered_before_anything_is_imported(self) -> None:
        assert not imported("--version") & {*HEAVY, "typer", "rich", "pydantic", "halo_engine"}


class TestHelp:
    @pytest.mark.parametrize("command", [(), *every_command()], ids=" ".join)
    def test_imports_nothing_heavy(self, command: tuple[str, ...]) -> None:
        assert not imported(*command, "--help") & set(HEAVY), "help must answer at once: import heavy modules inside the command"

    def test_lists_every_command(self) -> None:
        said = process("--help").stdout.decode()
        assert [name for name, *_ in every_command() if name not in said] == []

    @pytest.mark.parametrize("command", every_command(), ids=" ".join)
    def test_every_command_takes_the_common_options(self, command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
        assert run([*command, "--help"]) == 0
        said = capsys.readouterr().out
        assert [option for option in ("--json", "--home", "--no-input") if option not in said] == []


class TestReading:
    def test_read_commands_do_without_the_orm(self, tmp_path: Path) -> None:
        home = ("--home", str(tmp_path))
        assert process("init", *home).returncode == 0
        for command in (("activity",), ("usual", "list"), ("audit", "verify")):
            assert not imported(*command, *home) & {"sqlalchemy", "sqlmodel", "httpx"}


class TestHome:
    def test_a_file_is_not_a_home(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("not a directory")
        ran = process("ask", "order paper towels", "--home", str(tmp_path / "file"))
        assert ran.returncode == 1
        assert ran.stderr.startswith(b"error: ")
        assert b"Traceback" not in ran.stderr

    def test_a_place_that_cannot_be_made_is_an_error(self) -> None:
        ran = process("init", "--home", "/proc/halo")
        assert ran.returncode == 1
        assert b"Something went wrong" not in ran.stderr

    def test_comes_from_the_environment(self, tmp_path: Path) -> None:
        assert json.loads(process("init", "--json", HALO_HOME=str(tmp_path / "here")).stdout)["home"] == str(tmp_path / "here")

    def test_a_broken_setting_is_a_usage_error(self, tmp_path: Path) -> None:
        (tmp_path / "config.toml").write_text("draft_lives_s = 'soon'")
        ran = process("activity", "--home", str(tmp_path))
        assert ran.returncode == 2
        assert b"draft_lives_s" in ran.stderr

    def test_files_are_the_owners_only(self, tmp_path: Path) -> None:
        process("ask", "order paper towels", "--home", str(tmp_path / "home"))
        files = [path for path in (tmp_path / "home").rglob("*") if path.is_file()]
        assert files
        assert [path.name for path in files if stat.S_IMODE(path.stat().st_mode) & 0o077] == []


class TestStreams:
    def test_words_come_in_on_stdin(self, tmp_path: Path) -> None:
        ran = process("ask", "-", "--home", str(tmp_path), "--json", stdin=b"order two packs of paper towels")
        assert json.loads(ran.stdout)["kind"] == "draft"

    def test_bytes_that_are_not_text_are_refused(self, tmp_path: Path) -> None:
        assert process("ask", "-", "--home", str(tmp_path), stdin=b"\xff\xfe").returncode == 2
        assert process("ask", b"caf\xe9", "--home", str(tmp_path)).returncode == 2

    def test_a_reader_that_leaves_is_no_error_message(self, tmp_path: Path) -> None:
        line = json.dumps({"text": "order paper towels"})
        script = f"yes '{line}' | head -2000 | {sys.executable} -m halo_cli parse --jsonl - | head -1"
        ran = subprocess.run(["bash", "-c", script], capture_output=True, timeout=60, check=False)
        assert json.loads(ran.stdout)["verb"] == "ORDER"
        assert ran.stderr == b""

    def test_each_intent_is_out_before_the_next_line_comes_in(self) -> None:
        with subprocess.Popen(
            [sys.executable, "-m", "halo_cli", "parse", "--jsonl", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as ran:
            assert ran.stdin
            assert ran.stdout
            for text, verb in (("order paper towels", "ORDER"), ("cancel netflix", "CANCEL")):
                ran.stdin.write(json.dumps({"text": text}).encode() + b"\n")
                ran.stdin.flush()
                assert json.loads(ran.stdout.readline())["verb"] == verb
            ran.stdin.close()
            assert ran.wait(timeout=30) == 0

    @pytest.mark.parametrize("source", ["-", "/dev/stdin"])
    def test_an_interrupted_stream_ends_at_once(self, source: str) -> None:
        """Also while a line is waited for that never comes."""
        with subprocess.Popen(
            [sys.executable, "-m", "halo_cli", "parse", "--jsonl", source],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as ran:
            assert ran.stdin
            assert ran.stdout
            assert ran.stderr
            ran.stdin.write(b'{"text": "order paper towels"}\n')
            ran.stdin.flush()
            assert json.loads(ran.stdout.readline())["verb"] == "ORDER"
            ran.send_signal(signal.SIGINT)
            assert ran.wait(timeout=30) == 130
            assert ran.stderr.read() == b""

    def test_a_stream_that_cannot_be_written_is_not_one_that_cannot_be_read(self, tmp_path: Path) -> None:
        (tmp_path / "requests.jsonl").write_text('{"text": "order paper towels"}\n' * 3)
        script = f"{sys.executable} -m halo_cli parse --jsonl {tmp_path}/requests.jsonl > /dev/full"
        ran = subprocess.run(["bash", "-c", script], capture_output=True, timeout=60, check=False)
        assert ran.returncode == 1
        assert b"cannot be read" not in ran.stderr

    @pytest.mark.parametrize("command", ["--version", "--help", "demo", "parse hello --json"])
    def test_a_full_disk_is_an_error_and_not_a_traceback(self, command: str) -> None:
        script = f"{sys.executable} -m halo_cli {command} > /dev/full"
        ran = subprocess.run(["bash", "-c", script], capture_output=True, timeout=60, check=False)
        assert ran.returncode == 1
        assert b"error: " in ran.stderr
        assert b"Traceback" not in ran.stderr
        assert b"Exception ignored" not in ran.stderr

    @pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
    def test_closed_streams_are_left_alone(self, closed: str, tmp_path: Path) -> None:
        script = f"{sys.executable} -m halo_cli ask 'order two packs of paper towels' --home {tmp_path} {closed}"
        ran = subprocess.run(["bash", "-c", script], capture_output=True, timeout=60, check=False)
        assert ran.returncode == 0
        assert b"Traceback" not in ran.stderr

    def test_a_terminal_without_utf8_gets_escapes_and_valid_json(self, tmp_path: Path) -> None:
        asked = ("ask", "order two packs of paper towels", "--home", str(tmp_path))
        assert process(*asked, PYTHONIOENCODING="ascii").returncode == 0
        answer: dict[str, Any] = json.loads(process(*asked, "--json", PYTHONIOENCODING="ascii").stdout.decode("ascii"))
        assert "•" in answer["draft"]["payment_method_masked"]

    def test_json_on_stdout_is_one_line_whatever_the_talk(self, tmp_path: Path) -> None:
        ran = process("ask", "order two packs of paper towels", "--home", str(tmp_path), "--json")
        assert ran.stdout.count(b"\n") == 1
        assert b"no household yet" in ran.stderr


class TestServe:
    @pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
    def test_serves_on_loopback_until_it_is_stopped(self, tmp_path: Path, number: int, code: int) -> None:
        command = [sys.executable, "-m", "halo_cli", "sim", "serve", "--port", "0", "--json", "--home", str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as server:
            try:
                assert server.stdout
                url = json.loads(server.stdout.readline())["url"]
                assert url.startswith("http://127.0.0.1:")
                assert httpx.get(f"{url}/nowhere", timeout=10).status_code == 404
            finally:
                server.send_signal(number)
            assert server.wait(timeout=10) == code

    def test_a_port_in_use_is_a_usage_error(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            ran = process("sim", "serve", "--port", str(taken.getsockname()[1]), "--home", str(tmp_path))
        assert ran.returncode == 2
        assert b"--port" in ran.stderr


class TestUnforeseen:
    #: A bug, planted where every command passes.
    _BUG = """
import sys
sys.argv = ["halo", *sys.argv[1:]]
from halo_cli import session
def broken(home):
    raise RuntimeError("secret \\x1b[2J text")
session.settings_of = broken
from halo_cli.main import main
main()
"""

    def test_is_an_apology_and_a_log_for_the_owner_only(self, tmp_path: Path) -> None:
        ran = process("activity", "--home", str(tmp_path), code=self._BUG)
        log = tmp_path / "logs" / "crash.log"
        assert ran.returncode == 1
        assert b"Traceback" not in ran.stderr
        assert str(log).encode() in ran.stderr
        assert "RuntimeError" in log.read_text()
        assert "\x1b" not in log.read_text()
        assert stat.S_IMODE(log.stat().st_mode) == 0o600

    @pytest.mark.parametrize("other", [os.mkfifo, lambda log: log.symlink_to("/dev/full"), Path.mkdir], ids=["pipe", "link", "directory"])
    def test_is_an_apology_where_the_log_is_something_else(self, tmp_path: Path, other: Callable[[Path], object]) -> None:
        """Nothing is waited for, and nothing is written through it."""
        log = tmp_path / "logs" / "crash.log"
        log.parent.mkdir()
        other(log)
        ran = process("activity", "--home", str(tmp_path), code=self._BUG)
        assert ran.returncode == 1
        assert b"Sorry." in ran.stderr
        assert str(log).encode() not in ran.stderr

    def test_makes_no_home_to_complain_in(self, tmp_path: Path) -> None:
        assert process("activity", "--home", str(tmp_path / "none"), code=self._BUG).returncode == 1
        assert not (tmp_path / "none").exists()

    def test_is_one_object_for_programs(self, tmp_path: Path) -> None:
        ran = process("activity", "--json", "--home", str(tmp_path), code=self._BUG)
        assert json.loads(ran.stdout)["error"]["code"] == "unexpected"
