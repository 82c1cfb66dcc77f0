"""The benchmark measures what it says: the vendor's answers are real ones, and the raw figure is for exactly what Halo writes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from halo_engine.audit import Audit
from halo_engine.clock import SystemClock
from halo_engine.settings import load_settings
from halo_engine.store import sqlite
from tests.bench.contestants import WARM_UP, turn
from tests.bench.halo_flows import Drafted, Halo
from tests.bench.instant_vendor import InstantVendor
from tests.bench.peers import DbosAlone
from tests.bench.raw import Raw, captured

FLOWS = 4


@pytest.fixture(scope="module")
def drafted(tmp_path_factory: pytest.TempPathFactory) -> Drafted:
    """Books with drafts for one turn."""
    return Drafted.make(tmp_path_factory.mktemp("drafted"), kind="sqlite", drafts=WARM_UP + FLOWS)


def rows(books: Path) -> list[str]:
    """Everything in them, but for the moments that SQLite itself stamps on the library's rows, in milliseconds since 1970."""
    with closing(sqlite.connect_read_only(books)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
        written = [f"{table} {tuple(row)}" for table in tables for row in connection.execute(f'SELECT * FROM "{table}" ORDER BY rowid')]
        return [re.sub(r"\b1\d{12}\b", "stamped", row) for row in written]


class TestInstantVendor:
    def test_it_asks_once_and_numbers_every_order(self) -> None:
        asked: list[bytes] = []

        def shop(request: httpx.Request) -> httpx.Response:
            asked.append(request.content)
            return httpx.Response(200, json={"order": "113-0000000-0000001"})

        with httpx.Client(transport=InstantVendor(httpx.MockTransport(shop)), base_url="http://shop.invalid") as client:
            told = [
                client.post("/orders", json={"externalId": f"halo-{number:027d}", "quantity": 2}).json()["order"] for number in range(3)
            ]
            client.post("/orders", json={"externalId": f"halo-{7:027d}", "quantity": 3})
        assert len(asked) == 2
        assert len(set(told)) == 3

    def test_it_does_not_repeat_our_own_number_to_another(self) -> None:
        echo = InstantVendor(httpx.MockTransport(lambda request: httpx.Response(200, content=request.content)))
        with httpx.Client(transport=echo) as client, pytest.raises(ValueError, match="our own number"):
            client.post("http://shop.invalid", content=b"halo-" + b"0" * 27)

    def test_it_does_not_remember_a_failure(self) -> None:
        answers: Iterator[int] = iter((503, 200))
        moody = InstantVendor(httpx.MockTransport(lambda _: httpx.Response(next(answers))))
        with httpx.Client(transport=moody) as client:
            assert [client.get("http://shop.invalid").status_code for _ in range(3)] == [503, 200, 200]


class TestRaw:
    def test_it_leaves_the_books_as_halo_left_them(self, drafted: Drafted, tmp_path: Path) -> None:
        capture = captured(drafted, tmp_path / "halo")
        turn(Raw(drafted, capture), tmp_path / "raw", flows=FLOWS, threads=1)
        of_halo = rows(tmp_path / "halo" / "home" / "halo.db")
        assert of_halo == rows(tmp_path / "raw" / "home" / "halo.db")
        assert of_halo != rows(drafted.home / "halo.db")


class TestHalo:
    def test_every_flow_ends_in_a_receipt_and_a_log_that_holds(self, drafted: Drafted, tmp_path: Path) -> None:
        before = drafted.vendor.asked
        turn(Halo(drafted), tmp_path / "turn", flows=FLOWS, threads=4)
        assert drafted.vendor.asked == before
        settings = load_settings(home=tmp_path / "turn" / "home", environ={})
        with Audit.open(settings, clock=SystemClock()) as audit:
            assert audit.verify().ok
        # One more was carried out before the drafts were copied.
        assert sum(row.startswith("receipt_artifact ") for row in rows(settings.database_file)) == 1 + WARM_UP + FLOWS


class TestDbosAlone:
    def test_it_keeps_every_step(self, tmp_path: Path) -> None:
        turn(DbosAlone("sqlite"), tmp_path / "turn", flows=FLOWS, threads=2)
        kept = [row for row in rows(tmp_path / "turn" / "books" / "halo.db") if row.startswith("operation_outputs ")]
        assert len(kept) == 4 * (WARM_UP + FLOWS)
