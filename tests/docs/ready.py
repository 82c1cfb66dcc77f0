"""A `halo` that starts at once: its modules are read in by one process, and each command is a fork of that.

What is typed is a small program, `halo`, first on the page's PATH. It hands its arguments, directory, environment and streams to the process that
is ready, and ends as the command ends. A signal to it reaches the command, and when it dies so does the command: bash can pipe, background and
kill it as it would the real one. A page types dozens of commands, and reading the modules in is most of what each of them costs.
"""

from __future__ import annotations

import array
import atexit
import gc
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path

from tests.house.source import ROOT, files

_HALO = """#!{python} -IS
import array, json, os, signal, socket, sys
ready = socket.socket(socket.AF_UNIX)
ready.connect({address!r})
told = json.dumps({{"argv": sys.argv, "cwd": os.getcwd(), "environ": dict(os.environ)}}).encode()
streams = array.array("i", [0, 1, 2])
ready.sendmsg([len(told).to_bytes(4, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
ready.sendall(told)
for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(each) is not signal.SIG_IGN or each != signal.SIGINT:
        signal.signal(each, lambda number, frame: ready.sendall(bytes([number])))
code = ready.recv(1)
sys.exit(code[0] if code else 70)
"""


@contextmanager
def ready_halo(directory: Path) -> Iterator[Path]:
    """A directory for a PATH, with a `halo` in it that starts at once for as long as this lasts."""
    address, place = directory / "ready.sock", directory / "bin"
    place.mkdir()
    script = place / "halo"
    script.write_text(_HALO.format(python=sys.executable, address=str(address)), encoding="utf-8")
    script.chmod(0o755)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.docs.ready", str(address)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        try:
            yield place
        finally:
            process.kill()


def _read_everything() -> None:
    """Every module that a command may need; those of extras that are not here, and what only trains the model, stay away."""
    for path in files():
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if "training" not in module and not module.endswith(("__main__", "__init__")) and "migrations" not in module:
            with suppress(ImportError):
                import_module(module)


def _serve(address: str) -> int | None:
    """Forks a command for each that comes. Returns in the forks alone: with the exit code of `halo`, to be left with."""
    door = socket.socket(socket.AF_UNIX)
    door.bind(address)
    door.listen(64)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        readable, _, _ = select.select([door, sys.stdin], [], [])
        if sys.stdin in readable:
            # Nobody holds its other end: the tests are over, however they ended.
            os._exit(0)
        caller, _ = door.accept()
        if os.fork() == 0:
            door.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return _accompany(caller)
        caller.close()


def _accompany(caller: socket.socket) -> int | None:
    """Sees one command through beside whoever typed it. Returns in the command's own process alone."""
    size, ancillary, *_ = caller.recvmsg(4, socket.CMSG_SPACE(3 * 4))
    streams = array.array("i", ancillary[0][2])
    (length,) = struct.unpack(">I", size)
    told = b""
    while len(told) < length:
        told += caller.recv(length - len(told))
    child = os.fork()
    if child == 0:
        caller.close()
        return _become(json.loads(told), list(streams))
    # Its streams are held by nobody else: whoever reads them sees them end when it does.
    for stream in (0, 1, 2, *streams):
        os.close(stream)
    watched = os.pidfd_open(child)
    while True:
        readable, _, _ = select.select([caller.fileno(), watched], [], [])
        if watched in readable:
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            with suppress(OSError):
                caller.sendall(bytes([status if status >= 0 else 128 - status]))
            os._exit(0)
        number = caller.recv(1)
        os.kill(child, number[0] if number else signal.SIGKILL)


def _become(told: dict[str, object], streams: list[int]) -> int | None:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    # Python has looked at what its streams were when it began: these are others.
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - open for as long as the process
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    os.chdir(str(told["cwd"]))
    os.environ.clear()
    environ = told["environ"]
    assert isinstance(environ, dict)
    os.environ.update(environ)
    arguments = told["argv"]
    assert isinstance(arguments, list)
    sys.argv = arguments
    return None


if __name__ == "__main__":
    _read_everything()
    # A fork that looks through all of it for rubbish would copy all of it.
    gc.freeze()
    _serve(sys.argv[1])
    from halo_cli.main import main

    try:
        main()
    finally:
        # As at any end of a process, but for taking the modules down one by one.
        told = sys.exc_info()[1]
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(told.code if isinstance(told, SystemExit) and isinstance(told.code, int) else 70)
