"""Devices: whose they are, how long they may call, and that nothing keeps their token."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest

from halo_engine.clock import FakeClock
from halo_engine.model.device import Device, DeviceKind, NewDevice, NewToken, Presented, is_token, token_sha256
from halo_engine.model.errors import CodeRefused, InvalidInput, NotAuthorised, NotFound
from halo_engine.model.event import Event, commitment
from halo_engine.model.ids import Prefix
from halo_engine.store.session import Store
from tests.halo_engine.store.raw import rows
from tests.installation import Installation, household_plan


@pytest.fixture
def shared(tmp_path: Path, clock: FakeClock, database_url: str | None) -> Iterator[Installation]:
    """A household on each kind of books."""
    where = {"database_url": database_url} if database_url else {}
    installation = Installation.open(tmp_path / "home", clock=clock, **where)
    yield installation
    installation.engine.close()


def token(new: NewDevice | NewToken) -> str:
    return new.token.get_secret_value()


def shown(home: Installation, new: NewDevice | NewToken) -> Presented:
    """What the engine finds when the device shows its token."""
    presented = home.engine.devices.with_token(token(new))
    assert presented is not None
    return presented


def device_of(home: Installation, new: NewDevice) -> Device:
    return shown(home, new).device


def events(home: Installation) -> list[Event]:
    """Those about devices."""
    from sqlalchemy import text

    from halo_engine.store.values import event_value

    with home.engine._store.reading() as books:
        statement = text("SELECT * FROM event_log WHERE entity_type = 'device' ORDER BY seq")
        return [event_value(row) for row in books.connection.execute(statement).mappings()]


class TestAToken:
    def test_opens_for_its_device_on_any_books(self, shared: Installation) -> None:
        new = shared.engine.devices.add(" laptop ", by=None)
        assert is_token(token(new))
        assert device_of(shared, new) == new.device
        with shared.queries() as queries:
            assert queries.devices() == (new.device,)
        shared.engine.devices.revoke(new.device.id, by=None)
        assert shared.engine.devices.with_token(token(new)) is None
        assert shared.verify().ok

    def test_is_another_each_time(self, home: Installation) -> None:
        assert len({token(home.engine.devices.add("phone", by=None)) for _ in range(20)}) == 20

    def test_is_in_no_file_and_no_log_and_no_repr(self, home: Installation) -> None:
        """Only its hash is kept."""
        new = home.engine.devices.add("laptop", by=None)
        home.engine.devices.revoke(new.device.id, by=None)
        written = b"".join(path.read_bytes() for path in home.settings.home.rglob("*") if path.is_file())
        assert token(new).encode() not in written
        assert token(new)[4:].encode() not in written
        assert token_sha256(token(new)).encode() in written
        assert token(new) not in repr(new)

    def test_ends_by_itself(self, home: Installation) -> None:
        new = home.engine.devices.add("laptop", by=None)
        home.later(days=90, seconds=-1)
        assert home.engine.devices.with_token(token(new))
        home.later(seconds=1)
        assert home.engine.devices.with_token(token(new)) is None

    def test_lives_as_long_as_the_settings_say(self, tmp_path: Path) -> None:
        home = Installation.open(tmp_path / "home", device_lives_s="60")
        new = home.engine.devices.add("laptop", by=None)
        home.later(seconds=61)
        assert home.engine.devices.with_token(token(new)) is None
        home.engine.close()

    def test_of_another_household_in_the_same_books_is_that_ones(self, home: Installation) -> None:
        """A token says whose it is; a household decides about its own devices alone."""
        other = home.engine.of(home.engine.found_household_beside(household_plan().model_copy(update={"name": "The neighbours"})).id)
        new, waiting = other.devices.add("laptop", by=None), other.devices.open_enrolment("phone", by=None)
        assert device_of(home, new) == new.device
        with pytest.raises(NotFound):
            home.engine.devices.revoke(new.device.id, by=None)
        with pytest.raises(NotFound):
            home.engine.devices.revoke_enrolment(waiting.enrolment.id, by=None)

    def test_is_looked_up_without_writing(self, home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """At every call: nobody waits for a writer only to say who they are."""
        new = home.engine.devices.add("laptop", by=None)
        monkeypatch.setattr(Store, "transaction", lambda *_: pytest.fail("it wrote"))
        assert device_of(home, new) == new.device
        assert home.engine.devices.with_token("hdv_" + "0" * 64) is None


class TestAnEnrolment:
    def test_becomes_a_device_once_on_any_books(self, shared: Installation) -> None:
        new = shared.engine.devices.open_enrolment("phone", by="Alex", speaks_for="Kim")
        device = shared.engine.devices.enrol(new.code.get_secret_value(), name="Kim’s phone")
        assert device_of(shared, device) == device.device
        assert (device.device.name, device.device.user_id) == ("Kim’s phone", new.enrolment.user_id)
        with pytest.raises(CodeRefused):
            shared.engine.devices.enrol(new.code.get_secret_value())
        ended = shared.engine.devices.revoke_enrolment(new.enrolment.id, by=None)
        assert (ended.device_id, ended.revoked_at) == (device.device.id, None)
        assert shared.verify().ok

    def test_by_eight_at_once_is_one_device_on_any_books(self, shared: Installation) -> None:
        code, barrier = shared.engine.devices.open_enrolment("phone", by=None).code.get_secret_value(), Barrier(8)

        def enrol(_: int) -> bool:
            barrier.wait()
            try:
                return shared.engine.devices.enrol(code).device.id != ""
            except CodeRefused:
                return False

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(enrol, range(8))) == 1
        with shared.queries() as queries:
            assert len(queries.devices()) == 1
        assert shared.verify().ok

    def test_refreshes_on_any_books(self, shared: Installation) -> None:
        new = shared.engine.devices.add("laptop", by=None)
        later = shared.engine.devices.refresh(shown(shared, new))
        assert shared.verify().ok
        assert shared.engine.devices.take(shown(shared, later)) == shown(shared, later)
        assert shared.engine.devices.with_token(token(new)) is None
        assert shared.verify().ok

    def test_whose_token_was_only_looked_at_keeps_the_one_it_has(self, shared: Installation) -> None:
        """A token that was found by somebody ends nothing, as long as nobody has found everything else right."""
        new = shared.engine.devices.add("laptop", by=None)
        later = shared.engine.devices.refresh(shown(shared, new))
        assert shown(shared, later).is_next
        assert device_of(shared, new) == new.device
        assert "device.token_taken" not in {event.event_type for event in events(shared)}

    def test_is_given_no_token_for_one_that_is_over_on_any_books(self, shared: Installation) -> None:
        """Also where it was good when the call began: what it had is over since, by another call or by the time."""
        new = shared.engine.devices.add("laptop", by=None)
        stale = shown(shared, new)
        fresh = shown(shared, shared.engine.devices.refresh(stale))
        with pytest.raises(NotAuthorised):
            shared.engine.devices.refresh(fresh)
        taken = shared.engine.devices.take(fresh)
        assert taken is not None
        with pytest.raises(NotAuthorised):
            shared.engine.devices.refresh(stale)
        shared.later(days=91)
        with pytest.raises(NotAuthorised):
            shared.engine.devices.refresh(taken)
        assert shared.verify().ok

    def test_for_a_program_is_a_programs_on_any_books(self, shared: Installation) -> None:
        code = shared.engine.devices.open_enrolment("desk", by=None, kind=DeviceKind.PROGRAM).code.get_secret_value()
        assert shared.engine.devices.enrol(code).device.kind is DeviceKind.PROGRAM
        assert shared.engine.devices.add("other desk", by=None, kind=DeviceKind.PROGRAM).device.kind is DeviceKind.PROGRAM
        with shared.queries() as queries:
            assert {device.kind for device in queries.devices()} == {DeviceKind.PROGRAM}
        assert shared.verify().ok

    def test_remembers_a_proof_on_any_books(self, shared: Installation) -> None:
        device, until = shared.engine.devices.add("laptop", by=None).device, shared.clock.now() + timedelta(minutes=2)
        assert [shared.engine.devices.proves_anew(device, name, until=until) for name in ("a", "a", "b")] == [True, False, True]

    def test_is_for_others_only_by_an_owner(self, home: Installation) -> None:
        for by in ("Kim", "Sam"):
            with pytest.raises(NotAuthorised):
                home.engine.devices.open_enrolment("mine", by=by, speaks_for="Alex")
        waiting = home.engine.devices.open_enrolment("laptop", by="Alex")
        with pytest.raises(NotAuthorised):
            home.engine.devices.revoke_enrolment(waiting.enrolment.id, by="Kim")

    def test_has_a_code_that_is_another_each_time_and_in_no_repr(self, home: Installation) -> None:
        made = [home.engine.devices.open_enrolment("phone", by=None) for _ in range(20)]
        assert len({one.code.get_secret_value() for one in made}) == 20
        assert made[0].code.get_secret_value() not in repr(made[0])

    @pytest.mark.parametrize("row", ["code_sha256 = 'x'", "expires_at = '2099-01-01 00:00:00'", "user_id = (SELECT MAX(id) FROM user)"])
    def test_that_was_altered_in_the_books_is_noticed(self, home: Installation, row: str) -> None:
        from sqlalchemy import text

        home.engine.devices.open_enrolment("phone", by=None)
        with home.engine._store.transaction() as books:
            books.connection.execute(text(f"UPDATE device_enrolment SET {row}"))
        assert not home.verify().ok


class TestWhoDecides:
    def test_everybody_about_their_own(self, home: Installation) -> None:
        """Also a child; it only asks with it."""
        new = home.engine.devices.add("tablet", by="Kim")
        assert home.engine.devices.revoke(new.device.id, by="Kim").revoked_at == home.clock.now()

    def test_an_owner_about_everybodys(self, home: Installation) -> None:
        new = home.engine.devices.add("tablet", by="Alex", speaks_for="Kim")
        with home.queries() as queries:
            assert {member.id: member.display_name for member in queries.members()}[new.device.user_id] == "Kim"
        assert home.engine.devices.revoke(new.device.id, by="Alex").revoked_at

    def test_and_nobody_else(self, home: Installation) -> None:
        """Or a child would make itself an owner's phone."""
        alexs = home.engine.devices.add("laptop", by="Alex")
        for act in (
            lambda: home.engine.devices.add("mine", by="Kim", speaks_for="Alex"),
            lambda: home.engine.devices.add("mine", by="Sam", speaks_for="Alex"),
            lambda: home.engine.devices.revoke(alexs.device.id, by="Kim"),
            lambda: home.engine.devices.revoke(alexs.device.id, by="Sam"),
        ):
            with pytest.raises(NotAuthorised):
                act()
        assert home.engine.devices.with_token(token(alexs))
        assert len(events(home)) == 1


class TestTheLog:
    def test_says_who_added_and_who_revoked(self, home: Installation) -> None:
        """Once each, however often one revokes."""
        new = home.engine.devices.add("tablet", by="Alex", speaks_for="Kim")
        first = home.engine.devices.revoke(new.device.id, by="Kim")
        home.later(days=1)
        assert home.engine.devices.revoke(new.device.id, by="Alex") == first
        added, revoked = events(home)
        assert (added.event_type, revoked.event_type) == ("device.added", "device.revoked")
        (opening,) = rows(home.engine._store, "SELECT * FROM event_opening WHERE event_id = :id", id=added.id)
        assert (opening["field"], json.loads(opening["value_json"])) == ("name", "tablet")
        assert added.payload == {
            "name": commitment(opening["salt"], opening["value_json"]),
            "member_id": new.device.user_id,
            "expires_at": "2026-06-01T17:00:00Z",
            "token_sha256": token_sha256(token(new)),
            "kind": "person",
        }
        assert (revoked.user_id, revoked.entity_id) == (new.device.user_id, new.device.id)
        assert home.verify().ok


class TestWhatIsRefused:
    @pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\nb", "a\x1b[2J", "a\u202eb"])
    def test_a_name_that_is_none(self, home: Installation, name: str) -> None:
        with pytest.raises(InvalidInput):
            home.engine.devices.add(name, by=None)

    def test_somebody_who_does_not_live_here(self, home: Installation) -> None:
        with pytest.raises(NotFound):
            home.engine.devices.add("phone", by=None, speaks_for="Mallory")

    @pytest.mark.parametrize("device_id", ["", "\0", "dev_0", "'; --"])
    def test_an_id_of_nothing(self, home: Installation, device_id: str) -> None:
        with pytest.raises(NotFound):
            home.engine.devices.revoke(device_id, by=None)
        with pytest.raises(NotFound):
            home.engine.devices.revoke(home.clock.new_id(Prefix.DEVICE), by=None)

    @pytest.mark.parametrize("presented", ["", "hdv_", "hdv_" + "g" * 64, "hdv_" + "0" * 64, "hdv_" + "0" * 63, "\ud800", "x" * 10_000])
    def test_a_token_of_nobody(self, home: Installation, presented: str) -> None:
        assert home.engine.devices.with_token(presented) is None
