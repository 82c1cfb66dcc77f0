"""How often one may ask. Time is moved, so every number here is exact."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from starlette.requests import Request

from halo_engine.clock import FakeClock, OffsetClock
from server.app import create_app
from server.errors import RateLimited
from server.rates import _MOST, Rates
from tests.installation import NOON, Installation
from tests.server.calling import Phone
from tests.server.calling import phone as a_phone


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[Installation]:
    """Two a second, four at once; two codes a minute."""
    limits = {"calls_per_s": "2", "calls_burst": "4", "enrolments_per_minute": "2"}
    installation = Installation.open(tmp_path / "strict", clock=FakeClock(NOON), **limits)
    yield installation
    installation.engine.close()


@pytest.fixture
def asking(strict: Installation) -> Iterator[Phone]:
    with TestClient(create_app(strict.settings, clock=strict.clock)) as client:
        yield a_phone(strict, client)


def statuses(phone: Phone, times: int) -> list[int]:
    return [phone.get("/v1/household").status_code for _ in range(times)]


def from_address(host: str) -> Request:
    return Request({"type": "http", "client": (host, 1), "headers": []})


class TestADevice:
    def test_may_ask_so_many_times_and_then_as_often_as_time_passes(self, strict: Installation, asking: Phone) -> None:
        assert statuses(asking, 6) == [200] * 4 + [429] * 2
        strict.later(seconds=1)
        assert statuses(asking, 3) == [200] * 2 + [429]
        strict.later(days=1)
        assert statuses(asking, 5) == [200] * 4 + [429]

    def test_is_told_when_to_come_again(self, asking: Phone) -> None:
        statuses(asking, 4)
        answer = asking.get("/v1/household")
        assert (answer.json()["code"], answer.json()["retryable"]) == ("rate_limited", True)
        assert answer.headers["Retry-After"] == "1"
        assert answer.headers["RateLimit-Policy"] == '"device";q=4;w=2'
        assert answer.headers["RateLimit"] == '"device";r=0;t=1'

    def test_does_not_keep_another_one_waiting(self, strict: Installation, asking: Phone) -> None:
        """Also not one of the same member at the same address."""
        statuses(asking, 5)
        assert statuses(a_phone(strict, asking.client), 1) == [200]

    def test_does_nothing_when_it_asks_too_often(self, strict: Installation, asking: Phone) -> None:
        statuses(asking, 4)
        assert asking.post("/v1/draft/create", {"text": "order 2 packs of AA batteries"}).status_code == 429
        with strict.queries() as queries:
            assert queries.requests(limit=5) == ()

    def test_is_not_stopped_by_a_clock_that_is_set_back(self, strict: Installation) -> None:
        """Nor let off: the buckets know only how much time has passed."""
        base, offset = FakeClock(NOON), [0]
        from datetime import timedelta

        rates = Rates(strict.settings, OffsetClock(base, lambda: timedelta(days=offset[0])))
        for _ in range(4):
            rates.device("dev_1")
        offset[0] = -400
        base.advance(timedelta(seconds=1))
        rates.device("dev_1")
        offset[0] = 400
        rates.device("dev_1")
        with pytest.raises(RateLimited):
            rates.device("dev_1")

    def test_has_room_for_a_hundred_a_second(self, home: Installation, client: TestClient, phone: Phone) -> None:
        """By the settings that one gets: minutes of them."""
        rates = Rates(home.settings, home.clock)
        for _ in range(300):
            for _ in range(100):
                rates.device(phone.device_id)
            home.later(seconds=1)


class TestSomebodyUnknown:
    def test_is_refused_by_address(self, asking: Phone) -> None:
        """After so many bad tokens it hears 429 for any; and a device behind the same address is let in all the same."""
        bad = {"Authorization": f"Bearer hdv_{'0' * 64}"}
        assert [asking.client.get("/v1/household", headers=bad).status_code for _ in range(5)] == [401] * 4 + [429]
        assert statuses(asking, 1) == [200]

    def test_may_try_a_few_codes_a_minute(self, strict: Installation, asking: Phone) -> None:
        code = strict.engine.devices.open_enrolment("Phone", by=None).code.get_secret_value()
        tried = [asking.client.post("/v1/devices/enrol", json={"code": each}) for each in ("0000-0000-0000", "x", code)]
        assert [answer.status_code for answer in tried] == [403, 403, 429]
        assert tried[-1].headers["Retry-After"] == "30"
        strict.later(seconds=30)
        assert asking.client.post("/v1/devices/enrol", json={"code": code}).status_code == 200

    def test_is_slowed_down_before_anything_of_the_body_is_read(self, asking: Phone) -> None:
        answers = [asking.client.post("/v1/devices/enrol", content=b"NaN").status_code for _ in range(3)]
        assert answers == [422, 422, 429]

    def test_has_one_bucket_for_all_of_its_ipv6_network(self, strict: Installation) -> None:
        rates = Rates(strict.settings, strict.clock)
        for host in ("2001:db8::1", "2001:db8::2"):
            rates.enrolment(from_address(host))
        with pytest.raises(RateLimited):
            rates.enrolment(from_address("2001:db8:0:0:ffff::3"))
        for host in ("2001:db8:0:1::1", "192.0.2.1", "192.0.2.2", "::ffff:192.0.2.3", "testclient", ""):
            rates.enrolment(from_address(host))


class TestTheBuckets:
    def test_are_bounded(self, strict: Installation) -> None:
        """Whoever comes from ever new addresses takes no more memory than the last of them."""
        rates = Rates(strict.settings, strict.clock)
        for number in range(_MOST + 500):
            rates.device(f"dev_{number}")
        assert len(rates._buckets) == _MOST


class TestAPlantedBug:
    def test_buckets_that_never_empty_are_noticed(self, asking: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("server.rates.Rates._take", lambda *_: None)
        assert statuses(asking, 9) == [200] * 9
