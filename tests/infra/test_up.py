"""`just up`: everything on one machine, as a stranger starts it, with one worker killed in the middle of an order."""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.house.source import ROOT

#: Nobody waits for longer on a machine that other tests share.
PATIENCE_S = 120.0
WORDS = {"text": "order 2 packs of AA batteries"}


class Up:
    """What was started, and what it says."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said: list[str] = []
        self._lines: queue.Queue[str] = queue.Queue()
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        for line in self.process.stdout or ():
            self._lines.put(line.rstrip("\n"))

    def close(self) -> None:
        """End it if it has not ended, and hear the last of it."""
        if self.process.poll() is None:
            self.process.terminate()
        self._listener.join()

    def until(self, pattern: str) -> re.Match[str]:
        """The first line from here on that the pattern is found in."""
        while True:
            try:
                self.said.append(self._lines.get(timeout=PATIENCE_S))
            except queue.Empty:
                raise AssertionError("\n".join([f"nobody said {pattern}", *self.said[-40:]])) from None
            if found := re.search(pattern, self.said[-1]):
                return found

    def processes(self) -> set[int]:
        """Everything that it said it started."""
        return {int(found[1]) for line in self.said if (found := re.search(r"started as process (\d+)", line))}

    def end(self, number: int = signal.SIGINT) -> int:
        """As Ctrl-C does; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


@contextmanager
def up(place: Path, *arguments: str) -> Iterator[Up]:
    command = [sys.executable, "-m", "infra.up", "--dir", str(place), "--port", "0", *arguments]
    # The log on stderr tells which worker does what.
    environ = {**os.environ, "HALO_LOG_FILE": "-"}
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environ) as process:
        started = Up(process)
        try:
            yield started
        finally:
            started.close()


def halo(place: Path, *words: str) -> Any:
    """What a command says in the home of `place`, on the same books."""
    command = [sys.executable, "-m", "halo_cli", *words, "--json", "--home", str(place / "home")]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def is_running(process_id: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(process_id)], capture_output=True, text=True).stdout
    # One that has ended is there as a zombie until the system's first process looks for it.
    return bool(state) and not state.startswith("Z")


class TestUp:
    def test_does_an_order_while_the_worker_that_carries_it_is_killed_and_leaves_nothing_running(self, tmp_path: Path) -> None:
        """Over HTTP, with the answer of the vendor lost: whoever is left asks the vendor, and nothing is bought twice."""
        with up(tmp_path) as started:
            url = started.until(r"Halo is up: (http\S+)")[1]
            token = httpx.post(f"{url}/v1/devices/enrol", json={"code": halo(tmp_path, "devices", "add", "Phone")["code"]}).json()["token"]
            halo(tmp_path, "sim", "fault", "lose_answer")
            with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30) as client:
                draft = client.post("/v1/draft/create", json=WORDS, headers={"Idempotency-Key": "the-words"}).json()
                yes = {name: draft[name] for name in ("draft_id", "draft_hash")}
                execution = client.post("/v1/draft/confirm", json=yes, headers={"Idempotency-Key": "the-yes-of-it"}).json()["execution_id"]

                carrying = started.until(r'^worker-(\d) .*"execution.unknown"')[1]
                mine = [found for line in started.said if (found := re.search(rf"^worker-{carrying} .*started as process (\d+)", line))]
                os.kill(int(mine[-1][1]), signal.SIGKILL)
                started.until(rf"^worker-{carrying} .*was ended by SIGKILL")
                started.until(rf"^worker-{carrying} .*started as process")
                started.until(r'^worker-\d .*"execution.done"')
                assert client.get(f"/v1/executions/{execution}").json()["execution"]["status"] == "done"

            ledger = halo(tmp_path, "sim", "ledger")["entries"]
            assert [entry["kind"] for entry in ledger] == ["order"]
            processes = started.processes()
            assert started.end() == 130
        assert len(processes) == 5
        assert [each for each in processes if is_running(each)] == []
