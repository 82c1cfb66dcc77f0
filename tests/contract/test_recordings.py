"""The adapters over four worlds: the simulator, its server on loopback, recordings, and, where the environment names one, a real vendor."""

from __future__ import annotations

import json
import os
from pathlib import Path

import httpx
import pytest

from halo_engine.clock import FakeClock, SystemClock
from halo_engine.settings import Settings, load_settings
from halo_engine.vendors.directory import open_vendors
from halo_sim import recording
from halo_sim.comparing import differences
from halo_sim.http import SimTransport, serving
from halo_sim.recording import Recording, dump
from halo_sim.replay import NotRecorded, ReplayTransport
from halo_sim.world import World
from tests.contract.compose import composed, file_of
from tests.contract.conversations import VISITS, look
from tests.contract.worlds import NOW, adapters

#: Every secret the simulator has published, and whom it says the account belongs to.
SECRETS = (
    "halo-sim-secret",
    "Atzr|",
    "Atza|",
    "sk_halo_sim",
    "zn_test",
    "sq-halo",
    "buyer@example",
    "Alex",
    "Householder",
    "+1212",
    "rr://",
    "bt-",
)


@pytest.mark.parametrize("vendor", VISITS)
class TestARecording:
    def test_is_what_the_simulator_says_today(self, vendor: str) -> None:
        """Otherwise: `python -m tests.contract.compose`, and read the difference before it is committed."""
        assert dump(composed(vendor)) == file_of(vendor).read_text()

    def test_agrees_with_the_simulator_call_by_call(self, vendor: str, tmp_path: Path) -> None:
        """What `halo sim diff` shows: nothing."""
        assert differences(recording.read(file_of(vendor)), tmp_path) == ()

    def test_says_that_nobody_recorded_it_at_a_real_vendor(self, vendor: str) -> None:
        """In the place where tools show it."""
        log = json.loads(file_of(vendor).read_text())["log"]
        assert log["version"] == "1.2"
        assert "No live service was called" in log["comment"]
        assert log["creator"]["comment"] == log["comment"]

    def test_holds_no_secret(self, vendor: str) -> None:
        """Neither a token, nor a key, nor whose account it is."""
        assert [secret for secret in SECRETS if secret in file_of(vendor).read_text()] == []


@pytest.mark.parametrize("vendor", VISITS)
class TestAVisit:
    def test_comes_to_the_same_over_a_replay(self, vendor: str, tmp_path: Path) -> None:
        """One adapter, two worlds, equal answers; and everything that was recorded was asked for."""
        clock = FakeClock(NOW)
        simulated = VISITS[vendor][1](adapters(SimTransport(World.open(tmp_path / "world.db", clock)), clock))
        replay = ReplayTransport(recording.read(file_of(vendor)))
        assert VISITS[vendor][1](adapters(replay)) == simulated
        assert replay.left == ()

    def test_comes_to_the_same_over_real_sockets(self, vendor: str, tmp_path: Path) -> None:
        """The server on loopback, which is also how a second process asks."""
        clock = FakeClock(NOW)
        simulated = VISITS[vendor][1](adapters(SimTransport(World.open(tmp_path / "one.db", clock)), clock))
        with serving(World.open(tmp_path / "two.db", FakeClock(NOW))) as url:
            assert VISITS[vendor][1](adapters(None, FakeClock(NOW), at(url))) == simulated

    def test_can_look_around_at_a_real_vendor(self, vendor: str) -> None:
        """Reads only, with the accounts in the environment: `HALO_CONTRACT_LIVE=amazon,resy` and the HALO_… settings of those accounts."""
        if vendor not in os.environ.get("HALO_CONTRACT_LIVE", "").split(","):
            pytest.skip(
                f"not asked of a real {vendor}: set HALO_CONTRACT_LIVE={vendor}, HALO_VENDORS=live and its HALO_{vendor.upper()}_… settings"
            )
        settings = load_settings(home=None)
        assert settings.vendors == "live"
        assert look(open_vendors(settings, transport=None, clock=SystemClock()), vendor)


class TestAReplay:
    def test_refuses_what_was_never_recorded(self) -> None:
        """No adapter catches that, so no test can pass by it."""
        vendors = adapters(ReplayTransport(recording.read(file_of("amazon"))))
        with pytest.raises(NotRecorded):
            vendors.amazon.search("caviar", postal_code="94107")

    def test_refuses_to_answer_more_often_than_was_recorded(self) -> None:
        """A second booking is a second recording."""
        spoken = recording.read(file_of("resy")).spoken[:1]
        replay = ReplayTransport(Recording(vendor="resy", comment="", spoken=spoken))
        request = httpx.Request(
            "POST", f"{recording.HOST}{spoken[0].target}", content=spoken[0].body, headers={"content-type": spoken[0].kind}
        )
        assert replay.handle_request(request).status_code == 200
        with pytest.raises(NotRecorded):
            replay.handle_request(request)

    def test_finds_out_where_the_simulator_disagrees(self, tmp_path: Path) -> None:
        """A field that a real vendor has and the simulator has not, another type, another value."""
        text = file_of("amazon").read_text()
        changed = text.replace('\\"nextPageToken\\":null', '\\"nextPageToken\\":7,\\"extra\\":1').replace(
            '\\"token_type\\":\\"bearer\\"', '\\"token_type\\":\\"mac\\"'
        )
        assert changed != text
        (tmp_path / "changed.json").write_text(changed)
        found = {(one.where, one.kind) for one in differences(recording.read(tmp_path / "changed.json"), tmp_path)}
        assert found == {(".token_type", "value"), (".nextPageToken", "shape"), (".extra", "shape")}


def at(url: str) -> Settings:
    """Settings that send every adapter to the server at `url`."""
    urls = {
        name: url + value.removeprefix(recording.HOST)
        for name, value in Settings(home=Path("nowhere"))
        if str(value).startswith(recording.HOST)
    }
    return Settings(home=Path("nowhere"), **urls)
