"""A household's group chat: real Halo behind a real server, the simulated bridge on another port, and three people who talk."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from pydantic import SecretStr

from halo_engine.clock import FakeClock
from halo_engine.correspondence import Correspondence
from halo_engine.model.event import Event
from halo_engine.store.bridge_files import BridgeFiles, BridgeSetup
from halo_sim.bluebubbles import Bridge, Chat, Message
from halo_sim.bluebubbles_http import serving
from server.app import create_app
from server.bridge.mounting import room_of
from server.bridge.room import Room
from tests.installation import NOON, Installation

ALEX, SAM, KIM, STRANGER = "+14155550101", "sam@example.com", "+14155550103", "+14155559999"
PASSWORD = "canary-bridge-password"


@dataclass
class Group:
    """The chat as a test acts in it. Every method waits until Halo has done what it does."""

    home: Installation
    bridge: Bridge
    room: Room
    url: str

    def says(self, handle: str, text: str, *, to: Message | None = None, ago: timedelta = timedelta(0)) -> list[Message]:
        """What Halo answered to these words."""
        return self._answers(partial(self.bridge.says, handle, text, reply_to=to.guid if to else None, ago=ago))

    def taps(self, handle: str, on: Message, kind: str = "like", *, ago: timedelta = timedelta(0)) -> list[Message]:
        """What Halo answered to this reaction."""
        return self._answers(partial(self.bridge.taps, handle, on.guid, kind, ago=ago))

    def untaps(self, handle: str, on: Message, kind: str = "like", *, ago: timedelta = timedelta(0)) -> list[Message]:
        """What Halo answered to a reaction that was taken back."""
        return self._answers(partial(self.bridge.untaps, handle, on.guid, kind, ago=ago))

    def tells(self, event: Mapping[str, Any] | bytes) -> list[Message]:
        """What Halo answered to whatever the bridge posted."""
        return self._answers(partial(self.bridge.deliver, event))

    def card(self, handle: str, text: str) -> Message:
        """The one message that these words are answered with."""
        (answer,) = self.says(handle, text)
        return answer

    def settle(self) -> None:
        assert self.room.settle(30)

    def _answers(self, act: Any) -> list[Message]:
        before = len(self.bridge.sent)
        act()
        self.settle()
        return list(self.bridge.sent[before:])

    def events(self, event_type: str) -> Sequence[Event]:
        """What the log tells of that type."""
        from halo_engine.store import values

        with self.home.queries() as queries:
            rows = queries._all("SELECT * FROM event_log WHERE household_id = :household_id ORDER BY seq")
        return [event for event in map(values.event_value, rows) if event.event_type == event_type]

    def holds(self) -> None:
        """The log is whole, and what was bought was confirmed."""
        assert self.home.verify().ok


@contextmanager
def group(place: Path, *, clock: FakeClock | None = None, bridge: Bridge | None = None, **settings: str) -> Iterator[Group]:
    """A founded household with a bridge attached, and everybody's address known but the stranger's."""
    home = Installation.open(place, clock=clock or FakeClock(NOON), **settings)
    chat = Chat(name="Home\x1b[31m <b>halo</b>", participants=[ALEX, SAM, KIM, STRANGER])
    bridge = bridge or Bridge(home.clock, chat=chat, password=PASSWORD)
    BridgeFiles(home.settings.home).make_key(home.clock)
    with Correspondence.open(home.settings, clock=home.clock) as kept:
        for name, handle in (("Alex", "+1 (415) 555-0101"), ("Sam", "SAM@example.com"), ("Kim", KIM)):
            kept.give_address(name, handle)
    with serving(bridge) as url:
        setup = BridgeSetup(url=url, password=SecretStr(PASSWORD), chats=(bridge.chat.guid,))
        BridgeFiles(home.settings.home).save(setup, home.clock)
        with served(home, bridge) as opened:
            yield opened
    home.engine.close()


@contextmanager
def served(home: Installation, bridge: Bridge) -> Iterator[Group]:
    """One life of the server."""
    app = create_app(home.settings, clock=home.clock)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, log_level="debug", access_log=True))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1/bridge"
    bridge.webhook = f"{url}?key={BridgeFiles(home.settings.home).key()}"
    try:
        while not server.started and thread.is_alive():
            threading.Event().wait(0.01)
        yield Group(home=home, bridge=bridge, room=room_of(app), url=url)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
        bridge.webhook = None


def post(url: str, content: bytes, **headers: str) -> httpx.Response:
    """A webhook by anybody."""
    with httpx.Client(trust_env=False, timeout=10) as client:
        return client.post(url, content=content, headers=headers)
