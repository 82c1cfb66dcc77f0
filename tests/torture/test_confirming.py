"""The tooling of the rows about a yes: the crowd is a crowd, every field is tried, lies arrive, and each row sees a defect that is planted for it."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from halo_engine.engine import Engine
from halo_engine.model.draft import Draft, Terms
from halo_engine.stages import confirm as confirm_stage
from halo_engine.verbs import book_appointment, booking
from tests.torture import amounts, confirming, daylight, model, repeating, tampering, times
from tests.torture.crowd import Meet, together
from tests.torture.harness import Kind, Row, tried
from tests.torture.jobs import drafted

ROWS: dict[str, Row] = {
    row.id: row for module in (amounts, confirming, daylight, model, repeating, tampering, times) for row in module.ROWS
}


class TestACrowd:
    def test_is_of_as_many_processes(self) -> None:
        """Nobody is this process, and no two are the same."""
        pids = together([_pid] * 3)
        assert len({*pids, os.getpid()}) == 4

    def test_tells_of_whoever_died(self) -> None:
        """A child that raises is an error here, with its own words."""
        with pytest.raises(RuntimeError, match="no more"):
            together([_die])


def _pid(meet: Meet) -> int:
    meet()
    return os.getpid()


def _die(_: Meet) -> None:
    raise ValueError("no more")


class TestTheFields:
    def test_are_all_that_terms_have(self) -> None:
        """A field that is added to `Terms` is changed without anybody having to think of it."""
        assert {path[0] for path in tampering.paths("order")} == set(Terms.model_fields)

    def test_are_changed_to_something_else(self) -> None:
        """Of every kind of value there is another."""
        for value in (True, 3, "x", "USD", "2026-03-03T17:00:00Z", [1], {"a": 1}, None):
            assert tampering.changed(value, list[str]) != value

    def test_are_among_the_first_points(self) -> None:
        """What is tried on every commit has every field in every way."""
        row = ROWS["C-05"]
        first = list(row.points(_random()))[: row.ci]
        names = {(tampering.paths(job)[int(number)][0], way) for job, way, number in (point.split(".") for point in first)}
        assert {name for name, _ in names} == set(Terms.model_fields)
        assert len(names) == len(Terms.model_fields) * 5


def _random() -> Any:
    from random import Random

    return Random(1)


class TestALie:
    def test_reaches_halo(self, tmp_path: Path) -> None:
        """Amounts that are told negative at the last check stop the order."""
        home = drafted("order").copy(tmp_path)
        liar = amounts.Liar(home.world, amounts._AMOUNTS, amounts.AMOUNTS["negative"])
        home.engine.close()
        home.engine = Engine.open(home.settings, clock=home.clock, transport=liar)
        execution = home.confirm(drafted("order").card)
        liar.when = "always"
        assert home.engine.execute(execution.id, wait_s=600).status.value == "failed"
        assert home.ledger() == ()
        home.engine.close()

    def test_that_the_price_rose_stops_it_at_every_request(self, tmp_path: Path) -> None:
        """Before the first request after the yes it is another decision; after the last one it is too late to matter."""
        for nth in (0, 99):
            home = drafted("order").copy(tmp_path / f"{nth}")
            home.engine.close()
            home.engine = Engine.open(home.settings, clock=home.clock, transport=amounts.Riser(home.world, 1, nth, heard=0))
            assert home.carry_out(drafted("order").card).status.value == ("done" if nth else "terms_changed")
            home.engine.close()


class TestAnInstant:
    @pytest.mark.parametrize(("wall", "times_a_day"), [("2026-03-08T02:30", 0), ("2026-11-01T01:30", 2), ("2026-07-01T12:00", 1)])
    def test_comes_never_twice_or_once(self, wall: str, times_a_day: int) -> None:
        """As the clocks in New York have it."""
        assert len(daylight.instants("America/New_York", datetime.fromisoformat(wall))) == times_a_day


def _never_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Draft, "as_of", lambda draft, _now: draft)


def _any_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hmac.compare_digest", lambda _mine, _theirs: True)


def _anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirm_stage, "refusals", lambda *_: ())


def _unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("halo_engine.store.values._verified_draft", _read_only)


def _read_only(text: str, *, status: str, **_: Any) -> Draft:
    import json

    return Draft.model_validate({**json.loads(text), "status": status})


def _which_is_not_said(monkeypatch: pytest.MonkeyPatch) -> None:
    # Neither asked for nor written on the card.
    monkeypatch.setattr(booking, "occurrences", lambda *_: 1)
    monkeypatch.setattr(booking, "which_of_two", lambda _: "")
    monkeypatch.setattr(book_appointment, "which_of_two", lambda _: "")


@pytest.mark.parametrize(
    ("row", "point", "plant"),
    [
        ("C-01", "sqlite-1", _any_hash),
        ("C-02", "expiry.confirm.cancel.modify.+0.shown", _never_expires),
        ("C-02", "modify.confirm.cancel.expiry.+0.shown", _any_hash),
        ("C-03", "order.child", _anybody),
        ("C-03", "cancel.with-another-drafts-hash", _any_hash),
        ("C-04", "hash.17", _any_hash),
        ("C-05", f"order.revised.{tampering.paths('order').index(('payee',))}", _any_hash),
        ("C-08", "1", _any_hash),
        ("T-02", "America/New_York.1.within", _which_is_not_said),
        ("T-03", "confirm.1.+0.+0", _never_expires),
    ],
)
def test_a_planted_bug_is_seen(row: str, point: str, plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the planted bug nothing is wrong at that point; with it something is."""
    assert tried(ROWS[row], point) == []
    plant(monkeypatch)
    assert {problem.kind for problem in tried(ROWS[row], point)} & {Kind.DOUBLE, Kind.WRONG, Kind.UNPROVED}
