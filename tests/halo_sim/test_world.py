"""The world's file and the books in it."""

from __future__ import annotations

import json
import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
import yaml

from halo_engine.clock import FakeClock
from halo_sim.data import catalogue, fixtures_root, order_history
from halo_sim.faults import add_fault, list_faults
from halo_sim.http import SimTransport
from halo_sim.ledger import read_ledger
from halo_sim.world import World, from_text, to_text
from tests.halo_sim.callers import Amazon, line, product

SOAP = product("Tidewell dish soap 24 fl oz pack of 3")

_KILLED = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from halo_engine.clock import FakeClock
from halo_engine.model.money import Money
from halo_sim import ledger
from halo_sim.world import World
world = World.open(Path(sys.argv[1]), FakeClock(datetime(2026, 11, 22, tzinfo=UTC)))
with world.transaction() as tx:
    tx.db.execute("PRAGMA cache_size = 1")
    for number in range(200):
        ledger.record(tx, vendor="amazon", kind="order", reference="x" * 500, client_reference=None, charged=Money(cents=1), detail={})
    os._exit(9)
"""


def _fail_halfway(world: World) -> None:
    with world.transaction() as tx:
        tx.next_number("orders")
        tx.run("INSERT INTO tokens VALUES ('t', NULL, NULL)")


class TestWorld:
    def test_is_a_file_for_its_owner_only(self, world: World) -> None:
        """Tokens are in it."""
        assert stat.S_IMODE(world.path.stat().st_mode) == 0o600

    def test_may_be_opened_twice(self, world: World, amazon: Amazon, clock: FakeClock) -> None:
        """Two worlds on one file are one world: tokens, orders and faults are shared."""
        other = World.open(world.path, clock)
        with httpx.Client(transport=SimTransport(other), base_url="http://sim.example") as client:
            amazon.place(line(SOAP))
            add_fault(other, "price_up")
            amazon.http = client
            amazon.place(line(SOAP), key="halo-2")
        assert len(list_faults(world)) == 1
        assert [entry.client_reference for entry in read_ledger(world.path)] == ["halo-1", "halo-2"]

    def test_never_gives_a_token_twice(self, world: World, amazon: Amazon) -> None:
        """A second process whose clock has the same seed gets tokens of its own."""
        twin = World.open(world.path, FakeClock(datetime(2026, 11, 22, 16, 29, tzinfo=UTC)))
        with httpx.Client(transport=SimTransport(twin), base_url="http://sim.example") as client:
            assert Amazon(client).headers != amazon.headers

    def test_begins_once(self, world: World) -> None:
        """Opening it later does not move the history."""
        later = World.open(world.path, FakeClock(datetime(2027, 5, 1, tzinfo=UTC)))
        with later.transaction() as tx:
            assert tx.created_at == datetime(2026, 11, 22, 16, 29, tzinfo=UTC)

    def test_takes_many_at_once(self, world: World, amazon: Amazon) -> None:
        """Eight callers with one id make one order; with ids of their own, one each."""
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: amazon.place(line(SOAP)), range(8)))
            list(pool.map(lambda number: amazon.place(line(SOAP), key=f"k{number}"), range(8)))
        entries = read_ledger(world.path)
        assert len(entries) == 9
        assert len({entry.reference for entry in entries}) == 9

    def test_undoes_what_did_not_commit(self, world: World) -> None:
        """An unexpected error leaves nothing behind."""
        with pytest.raises(sqlite3.IntegrityError):
            _fail_halfway(world)
        with world.transaction() as tx:
            assert tx.next_number("orders") == 1

    def test_is_whole_after_its_process_was_killed(self, tmp_path: Path) -> None:
        """The journal of the unfinished transaction is rolled back by whoever reads first, the judge included."""
        path = tmp_path / "world.sqlite"
        done = subprocess.run([sys.executable, "-c", _KILLED, str(path)], check=False, timeout=60)
        assert done.returncode == 9
        assert path.with_name("world.sqlite-journal").exists()
        assert read_ledger(path) == ()

    def test_keeps_time_to_the_microsecond(self) -> None:
        """What is written is read back."""
        at = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
        assert from_text(to_text(at)) == at


class TestLedger:
    def test_says_what_was_bought(self, world: World, amazon: Amazon) -> None:
        """Lines, charges, both ids, and the time to the second."""
        placed = amazon.place(line(SOAP, 3))
        entry = read_ledger(world.path)[0]
        plain = entry.to_json()
        assert json.loads(json.dumps(plain)) == plain
        assert plain["at"] == "2026-11-22T16:29:00Z"
        assert (plain["vendor"], plain["kind"], plain["currency"]) == ("amazon", "order", "USD")
        assert plain["reference"] == placed["acceptanceArtifacts"][0]["identifier"]
        assert plain["client_reference"] == "halo-1"
        assert plain["detail"]["lines"] == [{"asin": SOAP.asin, "title": SOAP.title, "quantity": 3, "unit_cents": SOAP.price_cents}]
        parts = (plain["detail"][f"{part}_cents"] for part in ("subtotal", "shipping", "tax"))
        assert plain["charged_cents"] == sum(parts)

    def test_is_empty_in_a_new_world(self, world: World) -> None:
        """The seeded history is not an effect."""
        assert read_ledger(world.path) == ()

    def test_does_not_judge_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        """An empty answer would be an acquittal."""
        with pytest.raises(FileNotFoundError):
            read_ledger(tmp_path / "elsewhere.sqlite")


class TestFixtures:
    def test_are_found(self) -> None:
        """In a checkout they stand beside the package."""
        assert (fixtures_root() / "households" / "home.yaml").is_file()

    def test_describe_a_household_that_can_be_served(self) -> None:
        """Its usual bundles are sold, its card is masked, and its zone exists."""
        home = yaml.safe_load((fixtures_root() / "households" / "home.yaml").read_text(encoding="utf-8"))
        assert [member["name"] for member in home["members"]] == ["Alex", "Sam"]
        assert ZoneInfo(home["time_zone"])
        assert home["payment_method_masked"] == "Visa •••• 0000"
        bundles = {usual["name"]: usual["items"] for usual in home["usuals"]}
        assert set(bundles) == {"weekly groceries", "dog supplies"}
        assert all(item["asin"] in catalogue() and item["quantity"] > 0 for items in bundles.values() for item in items)

    def test_have_enough_to_choose_from(self) -> None:
        """At least 320 products; every ASIN has ten characters."""
        assert len(catalogue()) >= 320
        assert all(len(asin) == 10 and asin.startswith("B0") and asin.isupper() for asin in catalogue())

    def test_fit_together(self) -> None:
        """Every ordered product is sold, a year is covered, and prices make sense."""
        assert all(past.asin in catalogue() for order in order_history() for past in order.lines)
        days = [order.days_ago for order in order_history()]
        assert 3 <= min(days) <= 9
        assert timedelta(days=max(days)) > timedelta(days=330)
        assert all(0 < item.price_cents <= item.list_price_cents for item in catalogue().values())
        assert len({order.order_id for order in order_history()}) == len(order_history())


class TestAConnectionThatIsKept:
    def test_is_to_the_file_that_is_there_now(self, tmp_path: Path) -> None:
        first, second = (World.open(tmp_path / name, FakeClock(datetime(2026, 11, 22, tzinfo=UTC))) for name in ("world.db", "other.db"))
        add_fault(first, "price_up")
        assert len(list_faults(first)) == 1
        second.path.replace(first.path)
        assert list_faults(first) == ()

    def test_is_not_used_after_a_failure(self, tmp_path: Path) -> None:
        world = World.open(tmp_path / "world.db", FakeClock(datetime(2026, 11, 22, tzinfo=UTC)))
        with world.transaction() as tx:
            used = tx.db
        with world.transaction() as tx:
            assert tx.db is used
        with pytest.raises(sqlite3.OperationalError), world.transaction() as tx:
            tx.run("NONSENSE")
        with world.transaction() as tx:
            assert tx.db is not used
