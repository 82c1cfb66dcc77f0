"""What was said to vendors is kept with the attempt, redacted; and nothing that happens to it touches the execution."""

from __future__ import annotations

import json

import pytest

from halo_engine.clock import FakeClock
from halo_engine.model.exchange import Exchange
from halo_engine.model.execution import ExecutionStatus
from halo_engine.model.redaction import Redactor
from halo_engine.store.session import Store
from halo_engine.vendors import recorder
from tests.halo_engine.store.family import Family
from tests.installation import NOON, Installation


def exchanges(home: Installation, execution_id: str) -> tuple[Exchange, ...]:
    """As whoever looks at an execution finds them."""
    with home.queries() as queries:
        return queries.execution(execution_id).exchanges


class TestAnAttempt:
    def test_keeps_what_was_said_in_its_order(self, home: Installation) -> None:
        """Each call with its answer, of the attempt that it was part of; also those of the look-ups after a lost answer."""
        card = home.ask("order 2 packs of AA batteries")
        home.fault("lose_answer")
        done = home.carry_out(card)
        said = exchanges(home, done.id)
        with home.queries() as queries:
            attempts = {attempt.id: attempt for attempt in queries.execution(done.id).attempts}
        assert [attempts[each.attempt_id].step for each in said] == sorted(attempts[each.attempt_id].step for each in said)
        assert {attempts[each.attempt_id].step for each in said} == {"commit", "look_up"}
        lost = next(each for each in said if each.status == 0)
        assert (lost.method, lost.answer_text) == ("POST", "no answer in time")
        for attempt_id in attempts:
            own = [each.position for each in said if each.attempt_id == attempt_id]
            assert own == list(range(len(own)))

    def test_keeps_no_secret(self, home: Installation) -> None:
        """Neither what it signed in with, nor what it was given, nor the key that the vendor knows it by; and the answer is still of use."""
        done = home.carry_out(home.ask("book a table for two at Nopa tomorrow at 7:30pm"))
        assert done.status is ExecutionStatus.DONE
        said = exchanges(home, done.id)
        text = json.dumps([each.model_dump(mode="json") for each in said], ensure_ascii=False)
        hidden = [*(secret.get_secret_value() for secret in home.settings.secrets), home.settings.resy_email, done.vendor_key]
        assert [secret for secret in hidden if secret in text.replace("halo-sim-secret", "")] == []
        assert "‹redacted: secret›" in text
        assert str(done.vendor_reference) in text

    def test_keeps_no_more_than_twenty(self, home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """A vendor that makes us page on and on fills nobody's disk."""
        monkeypatch.setattr(recorder, "MOST", 2)
        done = home.carry_out(home.ask("order 2 packs of AA batteries"))
        assert len(exchanges(home, done.id)) == 2

    def test_that_cannot_be_kept_ends_all_the_same(self, home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whoever looks later sees less; the order is as good."""

        def fails(*_: object, **__: object) -> str:
            raise RuntimeError

        card = home.ask("order 2 packs of AA batteries")
        monkeypatch.setattr(Redactor, "text", fails)
        done = home.carry_out(card)
        assert done.status is ExecutionStatus.DONE
        assert exchanges(home, done.id) == ()
        assert home.verify().ok

    def test_is_nobodys_business_while_a_draft_is_made(self, home: Installation) -> None:
        """There is no attempt that it could be kept with."""
        home.ask("order 2 packs of AA batteries")
        assert recorder.taken() == ()


class TestTheTable:
    def test_takes_whatever_comes_out_of_the_redaction(self, store: Store, clock: FakeClock) -> None:
        """On both kinds of books: a refusal would undo the attempt with it."""
        family = Family.found(store, clock)
        execution = family.execution()
        hostile = Redactor().text("\0\ud800\udfff" + "é" * 100_000 + "\x1b[2J\u2028")
        said = Exchange(
            id="exc_1", position=0, at=NOON, method="GET", url=hostile, status=0, took_ms=0, request_text=hostile, answer_text=hostile
        )
        with store.transaction() as books:
            books.exchanges.add(execution.id, "att_1", (said,))
        with store.reading() as books:
            assert books.exchanges.of_execution(execution.id) == (said.model_copy(update={"attempt_id": "att_1"}),)
