"""What a phone does with Halo, from its code to the receipt: real processes, real sockets, a real clock, and the vendors' own books as the judge."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import IO, Any

import httpx

from tests.installation import vendors_at
from tests.journeys.terminal import Terminal
from tests.server.serving import serving


@dataclass
class Phone:
    """A device that enrolled with a code, on one connection."""

    client: httpx.Client
    _keys: Iterator[int] = field(default_factory=count)

    @classmethod
    def enrolled(cls, client: httpx.Client, code: str) -> Phone:
        answer = client.post("/v1/devices/enrol", json={"code": code, "name": "Alex's phone"})
        assert (answer.status_code, answer.json()["device"]["name"]) == (200, "Alex's phone")
        client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        return cls(client)

    def get(self, path: str) -> Any:
        answer = self.client.get(f"/v1/{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, /, expect: int = 200, **body: Any) -> Any:
        answer = self.client.post(f"/v1/{path}", json=body, headers={"Idempotency-Key": f"of-this-phone-{next(self._keys)}"})
        assert answer.status_code == expect, answer.text
        return answer.json()

    def draft(self, text: str, answers: str | None = None) -> dict[str, Any]:
        """What comes of the words: a card that waits for a yes."""
        body = {"text": text} | ({"answers": answers} if answers else {})
        shown: dict[str, Any] = self.post("draft/create", 200, **body)
        if shown["kind"] == "clarification":
            return self.draft("1", shown["request_id"])
        assert "confirm" in shown["draft"]["actions"], shown
        return shown

    def confirm(self, shown: Mapping[str, Any], expect: int = 200) -> Any:
        return self.post("draft/confirm", expect, draft_id=shown["draft_id"], draft_hash=shown["draft_hash"])

    def followed(self, execution_id: str) -> list[tuple[str, Any]]:
        """Every event of the stream until it ends: its name and its data."""
        with self.client.stream("GET", f"/v1/executions/{execution_id}/events", timeout=60) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            fields = [line.partition(": ")[::2] for line in response.iter_lines()]
        names = [value for name, value in fields if name == "event"]
        return list(zip(names, (json.loads(value) for name, value in fields if name == "data"), strict=True))

    def carried_out(self, shown: Mapping[str, Any]) -> dict[str, Any]:
        """The execution that a yes starts, seen through: by the stream, by the card, by the receipt."""
        execution_id = self.confirm(shown)["execution_id"]
        told = self.followed(execution_id)
        assert told[0][0] == "draft.confirmed"
        assert told[-1] == ("end", {"status": "done"})
        detail: dict[str, Any] = self.get(f"executions/{execution_id}")
        assert [name for name, _ in told].count("receipt.stored") == 1
        heard = [data["id"] for name, data in told if name not in ("receipt.stored", "end")]
        assert [each["id"] for each in detail["events"]][-len(heard) :] == heard
        assert detail["draft"]["draft_hash"] == shown["draft_hash"]
        assert self.get(f"cards/{execution_id}")["kind"] == "done"
        receipt = self.get(f"receipts/{execution_id}")
        assert receipt == detail["receipt"]
        assert receipt["external_reference_id"] == detail["execution"]["vendor_reference"]
        return detail


def order(phone: Phone) -> dict[str, Any]:
    """Two packs of batteries."""
    return phone.carried_out(phone.draft("order 2 packs of AA batteries"))


def reorder(phone: Phone) -> dict[str, Any]:
    """A bundle by its name."""
    return phone.carried_out(phone.draft("reorder the dog supplies"))


def cancel(phone: Phone) -> dict[str, Any]:
    """A subscription."""
    return phone.carried_out(phone.draft("cancel streamly"))


def book(phone: Phone) -> dict[str, Any]:
    """A table for four that becomes one for two, in words and then by a field; what stood before can no longer be confirmed."""
    four = _table(phone)
    two = phone.post("draft/modify", draft_id=four["draft_id"], text="for two people")
    assert phone.confirm(four, expect=409)["code"] == "terms_changed"
    fields = phone.get(f"drafts/{two['draft_id']}/form")["fields"]
    (people,) = [each for each in fields if each["value"] == "2"]
    three = phone.post("draft/modify", draft_id=two["draft_id"], values={people["name"]: "3"})
    assert phone.confirm(two, expect=409)["code"] == "terms_changed"
    assert [each["draft_hash"] for each in phone.get(f"drafts/{three['draft_id']}/revisions")["revisions"]] == [
        each["draft_hash"] for each in (four, two, three)
    ]
    return phone.carried_out(three)


def _table(phone: Phone) -> dict[str, Any]:
    """On the first evening of this week that has one: real dates are not all alike."""
    for day in ("tomorrow", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"):
        shown = phone.post("draft/create", text=f"book a table for 4 at Nopa {day} at 7pm")
        if shown["kind"] == "clarification":
            shown = phone.post("draft/create", text="1", answers=shown["request_id"])
        if shown["kind"] == "draft":
            return dict(shown)
    raise AssertionError("Nopa has no table all week")


def unsupported(phone: Phone) -> None:
    """A polite no, which leaves nothing to confirm."""
    shown = phone.post("draft/create", text="remind me to call mom")
    assert (shown["kind"], shown["card"]["title"]) == ("not_supported", "Not supported")
    assert "draft_id" not in shown
    assert phone.get("drafts")["drafts"] == []


FLOWS: tuple[Callable[[Phone], dict[str, Any]], ...] = (order, reorder, cancel, book)


@dataclass(frozen=True)
class House:
    """A household, and the settings that all of its processes have."""

    terminal: Terminal
    settings: Mapping[str, str]

    @classmethod
    def founded(cls, place: Path, **settings: str) -> House:
        house = cls(Terminal(place), settings)
        house.halo("init")
        return house

    @property
    def environ(self) -> dict[str, str]:
        return {f"HALO_{name.upper()}": value for name, value in self.settings.items()}

    def halo(self, *words: str) -> dict[str, Any]:
        answer = self.terminal.halo(*words, "--json", **self.environ)
        assert answer.code == 0, (answer.out, answer.err)
        return answer.json

    @contextmanager
    def started(self, *words: str, says: Callable[[subprocess.Popen[str]], IO[str] | None]) -> Iterator[str]:
        """`halo` in a process of its own; the first thing it says, once it is at work."""
        command = [sys.executable, "-m", "halo_cli", *words, "--home", str(self.terminal.home)]
        environ = {**os.environ, **self.environ}
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ) as process:
            try:
                stream = says(process)
                assert stream is not None
                yield stream.readline()
            finally:
                process.send_signal(signal.SIGINT)
                _, said = process.communicate(timeout=60)
        assert (process.returncode, "Traceback" in said) == (130, False)

    def walk(self, *, worker: bool) -> None:
        """Every flow, from a phone that enrols with a code. What came of them is then what the vendors say, and what the log proves."""
        with ExitStack() as beside:
            server = beside.enter_context(serving(self.terminal.home, "--no-worker" if worker else "--with-worker", **self.settings))
            if worker:
                assert "Working as " in beside.enter_context(self.started("worker", says=lambda process: process.stderr))
            code = self.halo("devices", "add", "tablet")["code"]
            with httpx.Client(base_url=server.url, timeout=60) as client:
                phone = Phone.enrolled(client, code)
                done = [flow(phone) for flow in FLOWS]
                unsupported(phone)
                self.is_true(done, phone.get("executions")["executions"])
            assert server.end()[0] == 0

    def is_true(self, done: list[dict[str, Any]], listed: list[dict[str, Any]]) -> None:
        """The vendors' books have each of these once, at what was shown and charged, and nothing else; and the log proves ours."""
        executions = [each["execution"] for each in done]
        assert [each["verb"] for each in executions] == ["ORDER", "REORDER", "CANCEL", "BOOK"]
        assert listed == executions[::-1]
        effects = [each for each in self.halo("sim", "ledger")["entries"] if each["kind"] in ("order", "cancellation", "booking")]
        booked = [(each["vendor_reference"], each.get("final_cost", {"cents": 0})["cents"]) for each in executions]
        assert [(each["reference"], each["charged_cents"]) for each in effects] == booked
        assert all(cents <= each["draft"]["maximum"]["cents"] for (_, cents), each in zip(booked, done, strict=True))
        assert effects[-1]["detail"]["party_size"] == 3
        assert self.halo("audit", "verify")["ok"] is True


class TestTheFiveFlows:
    def test_on_sqlite_with_the_worker_inside(self, tmp_path: Path) -> None:
        House.founded(tmp_path / "home").walk(worker=False)

    def test_on_postgresql_with_a_worker_and_vendors_elsewhere(self, tmp_path: Path, postgres_url: str) -> None:
        """Four processes, which share nothing but the database, and the sockets between them."""
        vendors = House(Terminal(tmp_path / "home"), {})
        with vendors.started("sim", "serve", "--port", "0", "--json", says=lambda process: process.stdout) as said:
            addresses = {name.removeprefix("HALO_").lower(): value for name, value in vendors_at(json.loads(said)["url"]).items()}
            House.founded(tmp_path / "home", database_url=postgres_url, **addresses).walk(worker=True)
