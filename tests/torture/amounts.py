"""C-06: amounts that no vendor should say: above what was confirmed, in another currency, negative, too large for any integer, no number.

They are written into the vendors' own answers, on their way to Halo, so that every amount goes through the real adapters. What is asserted is I4,
that nothing above what was confirmed is charged, and that the books and the vendors' ledger agree.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import httpx

from halo_engine.engine import Engine
from halo_engine.model.execution import Execution
from halo_sim.faults import add_fault
from halo_sim.http import SimTransport
from halo_sim.world import World
from tests.installation import Installation
from tests.torture.harness import Kind, Problem, Row, judge, sample
from tests.torture.jobs import JOBS, drafted
from tests.torture.model import told

_A_DAY_S = 86_400

#: Members of the vendors' answers that are amounts, and those that are currencies.
_AMOUNTS = frozenset(
    {
        *("amount", "subtotal", "shipping", "tax", "fees", "total", "converted_payment_total", "unit_price", "line_total", "price"),
        *("unit_amount", "reservation_charge", "resy_fee", "service_fee", "cancellation_fee", "deposit_fee"),
    }
)
_CURRENCIES = frozenset({"currency", "currencyCode", "currency_code", "payment_currency"})

#: What is written in their place, by name: JSON as it travels. `+` and `-` move the amount that was there.
AMOUNTS: Mapping[str, str] = {
    "a-cent-more": "+1",
    "a-cent-less": "-1",
    "ten-times": "*10",
    "zero": "0",
    "minus-zero": "-0.0",
    "negative": "-100",
    "most-that-counts": "1000000000000",
    "more-than-counts": "1000000000001",
    "beyond-int32": "2147483648",
    "beyond-a-double": "9007199254740993",
    "largest-int64": "9223372036854775807",
    "beyond-int64": "9223372036854775808",
    "smallest-int64": "-9223372036854775808",
    "beyond-int128": "1" + "0" * 40,
    "exponent": "1e308",
    "infinite-exponent": "1e400",
    "a-tenth-of-a-cent": "0.001",
    "not-a-number": "NaN",
    "infinity": "Infinity",
    "text": '"12.00"',
    "true": "true",
    "null": "null",
    "list": "[100]",
    "long": "1" * 5000,
}
CURRENCIES: Mapping[str, str] = {
    name: json.dumps(value)
    for name, value in {"euro": "EUR", "yen": "JPY", "nobodys": "XXX", "none": "", "short": "US", "alike": "ＵSD", "no-text": None}.items()
}
#: When the vendor says so: for the card, at the check before it is sent, in the answer to the call that did it, or from the yes on.
WHENS = ("card", "check", "answer", "always")

_MARK = "halo-torture-amount"


@dataclass
class Liar(httpx.BaseTransport):
    """The simulated vendors, whose amounts are rewritten on the way while `when` says so."""

    world: World
    field: frozenset[str]
    written: str
    when: str = "never"

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        before = self._effects()
        response = SimTransport(self.world).handle_request(request)
        is_answer = self._effects() > before
        if self.when == "always" or (self.when == "check" and not is_answer) or (self.when == "answer" and is_answer):
            return self._rewritten(response)
        return response

    def _effects(self) -> int:
        with self.world.transaction() as tx:
            return len(tx.rows("SELECT seq FROM ledger"))

    def _rewritten(self, response: httpx.Response) -> httpx.Response:
        try:
            said = json.loads(response.content)
        except ValueError:
            return response
        written: list[str] = []
        text = json.dumps(self._lied(said, written))
        for number, token in enumerate(written):
            text = text.replace(f'"{_MARK}-{number}"', token, 1)
        headers = [(name, value) for name, value in response.headers.items() if name.lower() != "content-length"]
        return httpx.Response(response.status_code, headers=headers, content=text.encode())

    def _lied(self, value: Any, written: list[str]) -> Any:
        """`value` with a mark in the place of everything that is to be another, and what is to be there in `written`."""
        if isinstance(value, list):
            return [self._lied(part, written) for part in value]
        if not isinstance(value, dict):
            return value
        return {
            name: self._mark(part, written) if self._is_meant(name, part) else self._lied(part, written) for name, part in value.items()
        }

    def _is_meant(self, name: str, value: Any) -> bool:
        kind = str if self.field is _CURRENCIES else int | float
        return name in self.field and isinstance(value, kind) and not isinstance(value, bool)

    def _mark(self, value: Any, written: list[str]) -> str:
        moved = self.written[0] in "+*" or self.written == "-1"
        written.append(_moved(value, self.written) if moved else self.written)
        return f"{_MARK}-{len(written) - 1}"


def _moved(value: float, by: str) -> str:
    """In the unit that the vendor writes: a cent is 1 of an integer, and 0.01 of a number with a point."""
    if by.startswith("*"):
        return json.dumps(value * int(by[1:]))
    return json.dumps(value + int(by) if isinstance(value, int) else round(value + int(by) / 100, 2))


@dataclass
class Riser(httpx.BaseTransport):
    """The simulated vendors, whose prices and fees rise by so many cents just before the `nth` request after the yes."""

    world: World
    cents: int
    nth: int
    heard: int = -1

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.heard == self.nth:
            for fault in ("price_up", "fee_changed"):
                add_fault(self.world, fault, amount=self.cents)
        self.heard += self.heard >= 0
        return SimTransport(self.world).handle_request(request)


def _risen(job: str, cents: int, nth: int, place: Path) -> Iterator[Problem]:
    home = drafted(job).copy(place)
    riser = Riser(home.world, cents, nth)
    home.engine.close()
    home.engine = Engine.open(home.settings, clock=home.clock, transport=riser)
    execution = home.confirm(drafted(job).card, member="Alex")
    riser.heard = 0
    home.engine.execute(execution.id, wait_s=4 * _A_DAY_S)
    yield from judge(home)
    home.engine.close()


def _points(random: Random) -> list[str]:
    rises = [f"{job}.rise.{cents}.{nth}" for job, cents, nth in product(JOBS, (1, 150, 100_000_000), range(10))]
    lies = [("amount", name) for name in AMOUNTS] + [("currency", name) for name in CURRENCIES]
    return sample(random, [*rises, *(f"{job}.{when}.{field}.{name}" for job, when, (field, name) in product(JOBS, WHENS, lies))])


def _attempt(point: str, place: Path) -> Iterator[Problem]:
    job, when, field, name = point.split(".")
    if when == "rise":
        yield from _risen(job, int(field), int(name), place)
        return
    home = drafted(job).copy(place)
    lies, values = (_CURRENCIES, CURRENCIES) if field == "currency" else (_AMOUNTS, AMOUNTS)
    liar = Liar(home.world, lies, values[name])
    home.engine.close()
    home.engine = Engine.open(home.settings, clock=home.clock, transport=liar)
    try:
        yield from _bought(home, job, when, liar)
    except Exception as error:  # noqa: BLE001 - that it is one is the finding
        yield Problem(Kind.WRONG, f"a traceback: {type(error).__name__}: {error}"[:300])
    home.engine.close()


def _bought(home: Installation, job: str, when: str, liar: Liar) -> Iterator[Problem]:
    card = drafted(job).card
    if when == "card":
        liar.when = "always"
        code, card = told(lambda: home.ask(JOBS[job]))
        liar.when = "never"
        if code != "ok" or card.draft_id is None:
            # Refused: there is nothing that could be confirmed.
            return
    code, execution = told(lambda: home.confirm(card, member="Alex"))
    if not isinstance(execution, Execution):
        if code != "not_authorised":
            yield Problem(Kind.WRONG, f"the yes was answered with {code}")
        return
    liar.when = when
    home.engine.execute(execution.id, wait_s=600)
    liar.when = "never"
    ended = home.engine.execute(execution.id, wait_s=4 * _A_DAY_S)
    yield from (problem for problem in judge(home) if not _is_the_alarm(problem, ended))


def _is_the_alarm(problem: Problem, ended: Execution) -> bool:
    """A vendor that says it charged more than was confirmed is believed, and told on: that is how it must be."""
    told_on = "more than was confirmed" in (ended.error_message or "")
    return told_on and problem.kind is Kind.UNPROVED and ("charged more" in problem.what or "another currency" in problem.what)


ROWS = (
    Row(
        id="C-06",
        title="amounts above the maximum, negative, zero, foreign and beyond every integer",
        ci=120,
        points=_points,
        attempt=_attempt,
    ),
)
