"""Devices: whose they are, how long they may call, and that nothing keeps their token."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from halo_engine.clock import FakeClock
from halo_engine.model.device import NewDevice, is_token, token_sha256
from halo_engine.model.errors import InvalidInput, NotAuthorised, NotFound
from halo_engine.model.event import Event, commitment
from halo_engine.model.ids import Prefix
from tests.halo_engine.store.raw import rows
from tests.installation import Installation


@pytest.fixture
def shared(tmp_path: Path, clock: FakeClock, database_url: str | None) -> Iterator[Installation]:
    """A household on each kind of books."""
    where = {"database_url": database_url} if database_url else {}
    installation = Installation.open(tmp_path / "home", clock=clock, **where)
    yield installation
    installation.engine.close()


def token(new: NewDevice) -> str:
    return new.token.get_secret_value()


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
        assert shared.engine.devices.with_token(token(new)) == new.device
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

    def test_of_another_household_in_the_same_books_opens_nothing(self, home: Installation) -> None:
        """There is never another; were there one, its devices would not be this one's."""
        from sqlalchemy import text

        new = home.engine.devices.add("laptop", by=None)
        with home.engine._store.transaction() as books:
            other = "INSERT INTO household (id, name, time_zone, created_at) SELECT 'hsh_z', 'Other', 'UTC', '2099' FROM household"
            books.connection.execute(text(other))
            books.connection.execute(text("UPDATE device SET household_id = 'hsh_z'"))
        assert home.engine.devices.with_token(token(new)) is None
        with pytest.raises(NotFound):
            home.engine.devices.revoke(new.device.id, by=None)


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
