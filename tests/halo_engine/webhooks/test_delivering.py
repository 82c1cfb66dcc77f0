"""What happened is told: signed, at least once under one id, and to the end that Standard Webhooks sets."""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from halo_engine.clock import FakeClock, SystemClock
from halo_engine.model.errors import Conflict
from halo_engine.model.event import DraftConfirmed
from halo_engine.model.execution import Execution
from halo_engine.model.webhook import WAITS, Answered, Delivery, DeliveryState, webhook_key
from halo_engine.stages.delivering import Delivering
from halo_engine.store.secret import installation_secret
from halo_engine.store.session import Store, open_store
from halo_engine.webhooks.sender import HttpSender, Sender
from tests.canaries import Canaries, in_bytes, in_files
from tests.halo_engine.webhooks.receivers import Receiver, dripping, endless, receiving, says, silent, status
from tests.installation import NOON, Installation

BATTERIES = "order 2 packs of AA batteries"


#: Every try at a message that is never taken.
_TRIES = len(WAITS) + 1


class _Died(BaseException):
    """The process is gone: nothing catches it."""


class _DiesAfterSending:
    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answered:
        self._sender.send(url, body, headers)
        raise _Died


def deliveries(home: Installation) -> list[Delivery]:
    """Oldest first."""
    return list(reversed(home.engine.webhooks.deliveries(by=None)))


def tell(home: Installation) -> list[tuple[DeliveryState, int]]:
    """Send what is due, and say where each message stands after how many tries."""
    home.engine.delivering.send_due()
    return [(each.state, each.attempts) for each in deliveries(home)]


def with_sender(home: Installation, store: Store, sender: Sender) -> Delivering:
    """Another process that delivers from the same books."""
    key = webhook_key(installation_secret(home.settings.key_file, home.clock))
    return Delivering(store, home.clock, sender, key=key)


class TestAMessage:
    def test_tells_of_an_order_by_ids_and_money_alone(self, telling: Installation, receiver: Receiver) -> None:
        telling.engine.webhooks.add(receiver.url, by=None)
        done = telling.carry_out(telling.ask(BATTERIES))
        telling.engine.delivering.send_due()
        confirmed, moved, receipt = (each.json for each in receiver.received)
        assert [each["type"] for each in (confirmed, moved, receipt)] == ["execution.confirmed", "execution.done", "receipt.created"]
        assert moved == {
            "type": "execution.done",
            "timestamp": "2026-03-03T17:00:00Z",
            "data": {
                "household_id": done.household_id,
                "execution_id": done.id,
                "draft_id": done.draft_id,
                "status": "done",
                "verb": "ORDER",
                "vendor": "amazon",
                "charged": {"cents": 4995, "currency": "USD", "display": "$49.95"},
            },
        }
        assert confirmed["data"]["maximum"]["cents"] >= 4995
        assert receipt["data"]["receipt_id"].startswith("rct_")
        said = b"".join(each.body for each in receiver.received)
        assert not any(word in said for word in (b"Alex", b"Voltara", b"batteries", b"Maple", b"4242"))

    def test_is_verified_by_the_library_of_the_standard(self, tmp_path: Path, receiver: Receiver) -> None:
        """It lives by the wall clock, so this home does, too."""
        now = FakeClock(SystemClock().now())
        home = Installation.open(tmp_path / "now", clock=now, webhooks_allow_loopback="true")
        with closing(home.engine):
            new = home.engine.webhooks.add(receiver.url, by=None)
            home.engine.webhooks.test(new.endpoint.id, by=None)
            home.engine.delivering.send_due()
            (came,) = receiver.received
            told = Webhook(new.secret.get_secret_value()).verify(came.body, came.headers)
            assert (told["type"], came.headers["content-type"]) == ("webhook.test", "application/json")
            for bad in (came.body + b" ", came.body.replace(b"test", b"tset", 1)):
                with pytest.raises(Exception, match="No matching signature"):
                    Webhook(new.secret.get_secret_value()).verify(bad, came.headers)

    def test_is_signed_with_both_secrets_for_a_day_after_a_new_one(self, telling: Installation, receiver: Receiver) -> None:
        old = telling.engine.webhooks.add(receiver.url, by=None)
        new = telling.engine.webhooks.new_secret(old.endpoint.id, by=None)
        assert old.secret != new.secret == telling.engine.webhooks.secret(old.endpoint.id, by=None).secret
        for hours in (0, 23, 2):
            telling.later(hours=hours)
            telling.engine.webhooks.test(old.endpoint.id, by=None)
            telling.engine.delivering.send_due()
        valid = [
            _valid(old.secret.get_secret_value(), new.secret.get_secret_value(), each.headers, each.body) for each in receiver.received
        ]
        assert valid == [(True, True, 2), (True, True, 2), (False, True, 1)]

    def test_is_written_only_for_those_who_asked_for_it(self, telling: Installation, receiver: Receiver) -> None:
        telling.engine.webhooks.add(receiver.url, ["receipt.created"], by=None)
        telling.carry_out(telling.ask(BATTERIES))
        assert [each.event_type for each in deliveries(telling)] == ["receipt.created"]

    def test_of_an_event_that_was_rolled_back_never_was(self, telling: Installation, receiver: Receiver) -> None:
        """Neither lost nor invented: its row is part of the event's transaction."""
        telling.engine.webhooks.add(receiver.url, by=None)
        execution = telling.confirm(telling.ask(BATTERIES))
        before = len(deliveries(telling))
        with pytest.raises(_Died):
            _told_and_rolled_back(telling.engine._store, execution)
        assert (len(deliveries(telling)), telling.verify().ok) == (before, True)

    def test_costs_nothing_where_nobody_listens(self, telling: Installation) -> None:
        telling.carry_out(telling.ask(BATTERIES))
        assert deliveries(telling) == []


def _told_and_rolled_back(store: Store, execution: Execution) -> None:
    with store.transaction() as books:
        told = books.events.newest_payload(execution.draft_id, "draft.confirmed")
        assert told is not None
        payload = DraftConfirmed.model_validate(told | {"reasons": ()})
        books.events.append(payload, household_id=execution.household_id, entity_id=execution.draft_id)
        books.events.write()
        raise _Died


def _valid(old: str, new: str, headers: Mapping[str, str], body: bytes) -> tuple[bool, bool, int]:
    given = headers["webhook-signature"].split(" ")
    at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    made = [Webhook(secret).sign(headers["webhook-id"], at, body.decode()) for secret in (old, new)]
    return (made[0] in given, made[1] in given, len(given))


class TestARetry:
    def test_comes_ten_times_in_three_days_and_then_no_more(self, telling: Installation, receiver: Receiver) -> None:
        receiver.answer = status(500)
        endpoint = telling.engine.webhooks.add(receiver.url, by=None).endpoint
        telling.engine.webhooks.test(endpoint.id, by=None)
        tries = []
        for _ in range(_TRIES):
            telling.engine.delivering.send_due()
            (message,) = deliveries(telling)
            tries.append(message.due_at)
            telling.clock.sleep_until(message.due_at - timedelta(seconds=1))
            assert telling.engine.delivering.send_due() == 0
            telling.clock.sleep_until(message.due_at)
        assert (message.state, message.attempts, message.last_status) == (DeliveryState.GIVEN_UP, 10, 500)
        assert timedelta(hours=75) < message.due_at - NOON < timedelta(hours=92)
        assert len({each.headers["webhook-id"] for each in receiver.received}) == 1
        assert len({each.headers["webhook-timestamp"] for each in receiver.received}) == 10
        (disabled,) = telling.engine.webhooks.all(by=None)
        assert (disabled.disabled_at, disabled.disabled_because is not None) == (message.finished_at, True)
        assert telling.verify().ok

    def test_that_is_taken_leaves_the_endpoint_as_it_is(self, telling: Installation, receiver: Receiver) -> None:
        """One message that nobody wants is no reason to be silent about all the others."""
        endpoint = telling.engine.webhooks.add(receiver.url, by=None).endpoint
        telling.engine.webhooks.test(endpoint.id, by=None)
        receiver.answer = status(400)
        for _ in range(_TRIES - 1):
            telling.engine.delivering.send_due()
            telling.clock.sleep_until(deliveries(telling)[0].due_at)
        receiver.answer = status(200)
        telling.engine.webhooks.test(endpoint.id, by=None)
        later = deliveries(telling)[1]
        telling.engine.delivering.send_now(later.id, household_id=later.household_id)
        receiver.answer = status(400)
        assert tell(telling) == [(DeliveryState.GIVEN_UP, 10), (DeliveryState.DELIVERED, 1)]
        assert telling.engine.webhooks.all(by=None)[0].disabled_at is None

    @pytest.mark.parametrize(
        ("answer", "shortest", "longest"),
        [
            (status(503, "Retry-After: 600"), 600, 600),
            (status(429, "Retry-After: 1000000000000"), 86_400, 86_400),
            (status(429, "Retry-After: Tue, 03 Mar 2026 18:00:00 GMT"), 3600, 3600),
            (status(429, "Retry-After: Tue, 03 Mar 2020 18:00:00 GMT"), 5, 6),
            (status(429, "Retry-After: -5"), 5, 6),
            (status(429, "Retry-After: ９９"), 5, 6),
            (status(429, "Retry-After: 99999999999999999999999999"), 86_400, 86_400),
            (status(500, "Retry-After: 600"), 5, 6),
            (status(302, "Location: http://127.0.0.1:1/"), 5, 6),
            (status(404), 5, 6),
            (says(b"garbage"), 5, 6),
            (says(b""), 5, 6),
            (says(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000), 5, 6),
        ],
    )
    def test_waits_as_it_should(self, telling: Installation, receiver: Receiver, answer: object, shortest: int, longest: int) -> None:
        receiver.answer = answer  # type: ignore[assignment]
        endpoint = telling.engine.webhooks.add(receiver.url, by=None).endpoint
        telling.engine.webhooks.test(endpoint.id, by=None)
        assert tell(telling) == [(DeliveryState.PENDING, 1)]
        wait = (deliveries(telling)[0].due_at - NOON).total_seconds()
        assert shortest <= wait <= longest

    def test_never_follows_a_redirect(self, telling: Installation, receiver: Receiver) -> None:
        with receiving() as elsewhere:
            receiver.answer = status(307, f"Location: {elsewhere.url}")
            endpoint = telling.engine.webhooks.add(receiver.url, by=None).endpoint
            telling.engine.webhooks.test(endpoint.id, by=None)
            assert tell(telling) == [(DeliveryState.PENDING, 1)]
            assert (len(receiver.received), elsewhere.received) == (1, [])

    def test_never_comes_to_who_said_gone(self, telling: Installation, receiver: Receiver) -> None:
        receiver.answer = status(410)
        endpoint = telling.engine.webhooks.add(receiver.url, by=None).endpoint
        telling.engine.webhooks.test(endpoint.id, by=None)
        telling.engine.webhooks.test(endpoint.id, by=None)
        assert tell(telling) == [(DeliveryState.GIVEN_UP, 1), (DeliveryState.DROPPED, 0)]
        assert "410" in (telling.engine.webhooks.all(by=None)[0].disabled_because or "")
        with pytest.raises(Conflict):
            telling.engine.webhooks.test(endpoint.id, by=None)
        telling.carry_out(telling.ask(BATTERIES))
        assert len(deliveries(telling)) == 2
        receiver.answer = status(200)
        telling.engine.webhooks.enable(endpoint.id, by=None)
        telling.engine.webhooks.redeliver(deliveries(telling)[1].id, by=None)
        assert tell(telling)[1] == (DeliveryState.DELIVERED, 1)
        assert telling.verify().ok


class TestATry:
    @pytest.mark.parametrize("answer", [dripping, silent])
    def test_ends_in_time_whatever_the_receiver_does(self, receiver: Receiver, answer: object) -> None:
        receiver.answer = answer  # type: ignore[assignment]
        answered = HttpSender(allow_loopback=True, total_s=0.3).send(receiver.url, b"{}", {})
        assert (answered.status, answered.error) == (None, "It did not answer in time.")

    def test_reads_nothing_of_a_body_without_an_end(self, receiver: Receiver) -> None:
        receiver.answer = endless
        assert HttpSender(allow_loopback=True, total_s=5).send(receiver.url, b"{}", {}).status == 200

    def test_of_a_closed_port_says_so(self) -> None:
        assert "No connection" in (HttpSender(allow_loopback=True).send("http://127.0.0.1:1025/", b"{}", {}).error or "")


class TestSeveralWorkers:
    def test_send_each_message_once(self, telling: Installation, receiver: Receiver) -> None:
        _race(telling, receiver, None)

    def test_send_each_message_once_on_postgresql(self, tmp_path: Path, clock: FakeClock, receiver: Receiver, postgres_url: str) -> None:
        home = Installation.open(tmp_path / "pg", clock=clock, webhooks_allow_loopback="true", database_url=postgres_url)
        with closing(home.engine):
            _race(home, receiver, postgres_url)

    def test_one_slow_endpoint_holds_up_nobody_else(self, telling: Installation, receiver: Receiver) -> None:
        release = threading.Event()

        def waits(_: socket.socket) -> None:
            release.wait(20)

        with receiving(waits) as slow:
            of_slow = telling.engine.webhooks.add(slow.url, by=None).endpoint
            of_quick = telling.engine.webhooks.add(receiver.url, by=None).endpoint
            for _ in range(40):
                telling.engine.webhooks.test(of_slow.id, by=None)
            for _ in range(5):
                telling.engine.webhooks.test(of_quick.id, by=None)
            with telling.engine.delivering.beside():
                receiver.wait_for(5)
                assert len(slow.received) == 1
                release.set()


def _race(home: Installation, receiver: Receiver, database_url: str | None) -> None:
    endpoints = [home.engine.webhooks.add(f"{receiver.url}/{number}", by=None).endpoint for number in range(4)]
    sent = {home.engine.webhooks.test(endpoint.id, by=None).id for endpoint in endpoints for _ in range(5)}
    others = [open_store(database_file=home.settings.database_file, database_url=database_url, clock=home.clock) for _ in range(3)]
    delivering = [with_sender(home, store, HttpSender(allow_loopback=True)) for store in others]
    threads = [threading.Thread(target=each.send_due) for each in delivering]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in others:
        store.close()
    came = [each.headers["webhook-id"] for each in receiver.received]
    assert (sorted(came), len(came)) == (sorted(sent), len(sent))
    assert {each.state for each in deliveries(home)} == {DeliveryState.DELIVERED}


class TestAWorkerThatDies:
    def test_between_sending_and_recording_has_the_message_sent_again_under_its_id(self, telling: Installation, receiver: Receiver) -> None:
        endpoint = telling.engine.webhooks.add(receiver.url, by=None).endpoint
        telling.engine.webhooks.test(endpoint.id, by=None)
        dying = with_sender(telling, telling.engine._store, _DiesAfterSending(HttpSender(allow_loopback=True)))
        with pytest.raises(_Died):
            dying.send_due()
        assert tell(telling) == [(DeliveryState.SENDING, 1)]
        telling.later(seconds=61)
        assert tell(telling) == [(DeliveryState.DELIVERED, 2)]
        first, second = receiver.received
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
        assert first.body == second.body

    def test_and_comes_back_late_changes_nothing(self, telling: Installation, receiver: Receiver) -> None:
        """Its claim ran out, and somebody else has told by then how it went."""
        endpoint = telling.engine.webhooks.add(receiver.url, by=None).endpoint
        telling.engine.webhooks.test(endpoint.id, by=None)
        late = telling.engine.delivering._claim(frozenset())
        assert late is not None
        telling.later(seconds=61)
        assert tell(telling) == [(DeliveryState.DELIVERED, 2)]
        telling.engine.delivering._record(late[0], Answered(status=500))
        assert [(each.state, each.last_status) for each in deliveries(telling)] == [(DeliveryState.DELIVERED, 204)]

    def test_has_whoever_asks_for_its_message_wait_for_the_next_one(self, telling: Installation, receiver: Receiver) -> None:
        endpoint = telling.engine.webhooks.add(receiver.url, by=None).endpoint
        message = telling.engine.webhooks.test(endpoint.id, by=None)
        assert telling.engine.delivering._claim(frozenset()) is not None
        waited = telling.engine.delivering.send_now(message.id, household_id=message.household_id)
        assert (waited.state, telling.clock.now() - NOON) == (DeliveryState.SENDING, timedelta(seconds=60))
        assert tell(telling) == [(DeliveryState.DELIVERED, 2)]


class TestAWorker:
    def test_tells_what_it_did(self, telling: Installation, receiver: Receiver) -> None:
        telling.engine.webhooks.add(receiver.url, by=None)
        telling.confirm(telling.ask(BATTERIES))
        telling.engine.worker(told=lambda _: None).serve(threading.Event(), until_idle=True)
        assert {each.json["type"] for each in receiver.received} == {"execution.confirmed", "execution.done", "receipt.created"}


class TestTidying:
    def test_forgets_what_ended_a_month_ago(self, telling: Installation, receiver: Receiver) -> None:
        endpoint = telling.engine.webhooks.add(receiver.url, by=None).endpoint
        telling.engine.webhooks.test(endpoint.id, by=None)
        telling.engine.delivering.send_due()
        telling.later(days=29)
        assert telling.engine.delivering.tidy() == 0
        telling.later(days=2)
        assert (telling.engine.delivering.tidy(), deliveries(telling)) == (1, [])


class TestSecrets:
    def test_are_in_no_book_and_no_log(self, telling: Installation, receiver: Receiver) -> None:
        new = telling.engine.webhooks.add(receiver.url, by=None)
        telling.carry_out(telling.ask(BATTERIES))
        telling.engine.delivering.send_due()
        secret = new.secret.get_secret_value().removeprefix("whsec_")
        signatures = {f"signature {each}": one.headers["webhook-signature"][3:] for each, one in enumerate(receiver.received)}
        planted: Canaries = {"the secret": secret, "its bytes": base64.b64decode(secret), **signatures}
        assert in_files(telling.settings.home, planted) == []
        assert in_bytes(json.dumps([repr(new), str(new)]).encode(), planted) == []
