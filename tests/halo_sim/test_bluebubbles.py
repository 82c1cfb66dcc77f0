"""The simulated bridge: it speaks as the real one does, and its thread is what was really sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest

from halo_engine.clock import FakeClock
from halo_sim.bluebubbles import TAPBACKS, Bridge
from halo_sim.bluebubbles_http import serving

SAM = "sam@example.com"


@contextmanager
def listening() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A webhook, and what was posted to it."""
    heard: list[dict[str, Any]] = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Silent."""

    with HTTPServer(("127.0.0.1", 0), Listener) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/hook", heard
        server.shutdown()
        thread.join()


@pytest.fixture
def bridge(clock: FakeClock) -> Bridge:
    return Bridge(clock, password="right")


def call(url: str, method: str = "POST", **body: Any) -> httpx.Response:
    with httpx.Client(trust_env=False) as client:
        return client.request(method, url, json=body if method == "POST" else None)


class TestTheRestInterface:
    def test_wants_its_password_in_the_query(self, bridge: Bridge) -> None:
        """By any of the three names."""
        with serving(bridge) as url:
            assert call(f"{url}/api/v1/ping", "GET").status_code == 401
            assert call(f"{url}/api/v1/ping?password=wrong", "GET").status_code == 401
            assert [call(f"{url}/api/v1/ping?{name}=right", "GET").status_code for name in ("password", "guid", "token")] == [200] * 3

    def test_sends_a_text_and_gives_it_a_guid(self, bridge: Bridge) -> None:
        """Where a text, a temporary GUID and the chat are given."""
        with serving(bridge) as url:
            send = f"{url}/api/v1/message/text?password=right"
            sent = call(send, chatGuid=bridge.chat.guid, tempGuid="t-1", message="Hello")
            assert (sent.status_code, sent.json()["data"]["tempGuid"], sent.json()["data"]["text"]) == (200, "t-1", "Hello")
            assert [message.guid for message in bridge.sent] == [sent.json()["data"]["guid"]]
            assert call(send, chatGuid=bridge.chat.guid, message="Hello").status_code == 400
            assert call(send, chatGuid="other", tempGuid="t-2", message="Hello").status_code == 500

    @pytest.mark.parametrize(
        ("fault", "status", "seen"), [("refused", 500, 0), ("sent_but_error", 500, 1), ("lost_later", 200, 0), ("no_guid", 200, 1)]
    )
    def test_fails_as_the_real_one_does(self, bridge: Bridge, fault: Any, status: int, seen: int) -> None:
        """What the caller hears, and what people see, are two things."""
        bridge.fail_sends(fault)
        with serving(bridge) as url:
            sent = call(f"{url}/api/v1/message/text?password=right", chatGuid=bridge.chat.guid, tempGuid="t", message="Hello")
        assert (sent.status_code, len(bridge.sent)) == (status, seen)

    def test_may_not_answer_at_all(self, bridge: Bridge) -> None:
        """The connection ends."""
        bridge.fail_sends("silence")
        with serving(bridge) as url, pytest.raises(httpx.RemoteProtocolError):
            call(f"{url}/api/v1/message/text?password=right", chatGuid=bridge.chat.guid, tempGuid="t", message="Hello")


class TestTheWebhook:
    def test_tells_of_words_replies_and_reactions(self, bridge: Bridge, clock: FakeClock) -> None:
        """With the fields that the real bridge has."""
        with listening() as (url, heard):
            bridge.webhook = url
            said = bridge.says(SAM, "Hello")
            bridge.says(SAM, "And?", reply_to=said.guid)
            bridge.taps(SAM, said.guid, "like")
            bridge.untaps(SAM, said.guid, "like")
        assert [event["type"] for event in heard] == ["new-message"] * 4
        first, reply, tap, untap = (event["data"] for event in heard)
        assert (first["handle"]["address"], first["text"], first["isFromMe"]) == (SAM, "Hello", False)
        assert (first["dateCreated"], first["chats"][0]["guid"]) == (int(clock.now().timestamp() * 1000), bridge.chat.guid)
        assert reply["threadOriginatorGuid"] == said.guid
        assert (tap["associatedMessageGuid"], tap["associatedMessageType"]) == (f"p:0/{said.guid}", "like")
        assert untap["associatedMessageType"] == "-like"
        assert bridge.answers == [204] * 4

    def test_may_tell_of_reactions_by_number(self, bridge: Bridge) -> None:
        """As some versions do."""
        bridge.numbered = True
        said = bridge.says(SAM, "Hello")
        kinds = [bridge.event(bridge.taps(SAM, said.guid, kind))["data"]["associatedMessageType"] for kind in TAPBACKS]
        assert kinds == [2000, 2001, 2002, 2003, 2004, 2005]
        assert bridge.event(bridge.untaps(SAM, said.guid, "love"))["data"]["associatedMessageType"] == 3000

    def test_comes_twice_turned_round_or_not_at_all(self, bridge: Bridge) -> None:
        """As it was asked to."""
        with listening() as (url, heard):
            bridge.webhook = url
            with bridge.holding() as held:
                bridge.says(SAM, "one")
                bridge.says(SAM, "two")
                held.reverse()
            bridge.copies = 2
            bridge.says(SAM, "three")
            bridge.copies = 0
            bridge.says(SAM, "four")
        assert [event["data"]["text"] for event in heard] == ["two", "one", "three", "three"]
        assert [message.text for message in bridge.thread] == ["one", "two", "three", "four"]

    def test_echoes_what_was_sent_and_says_what_was_lost(self, bridge: Bridge) -> None:
        """Marked as the bridge's own."""
        with listening() as (url, heard):
            bridge.webhook = url
            bridge.send({"chatGuid": bridge.chat.guid, "tempGuid": "t", "message": "Hello"})
            bridge.loses(bridge.thread[-1].guid)
        assert [(event["type"], event["data"]["isFromMe"], event["data"]["error"]) for event in heard] == [
            ("new-message", True, 0),
            ("message-send-error", True, 22),
        ]
        assert bridge.sent == ()


class TestAPersonsHand:
    def test_acts_by_http(self, bridge: Bridge) -> None:
        """What curl does in a second shell."""
        with serving(bridge) as url:
            said = call(f"{url}/sim/says", handle=SAM, text="Hello").json()
            assert call(f"{url}/sim/taps", handle=SAM, on=said["guid"], kind="like").json()["tapback"] == "like"
            assert call(f"{url}/sim/taps", handle=SAM, on=said["guid"], kind="wave").status_code == 400
            assert call(f"{url}/sim/says", handle=SAM).status_code == 400
            assert call(f"{url}/sim/faults", sends=["refused"], copies=2).json() == {"copies": 2}
            assert [one["text"] for one in call(f"{url}/sim/thread", "GET").json()["thread"]] == ["Hello", None]
            assert call(f"{url}/nowhere").status_code == 404
