"""The transport and the server: one world, two doors."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from halo_sim.faults import add_fault
from halo_sim.http import SimServer, SimTransport, serving
from halo_sim.ledger import read_ledger
from halo_sim.wire import MAX_BODY_BYTES
from halo_sim.world import World
from tests.halo_sim.callers import LOGIN, ORDERS, PRODUCTS, REPORTS, Amazon, Resy, Subscriptions, line, order, product

SOAP = product("Tidewell dish soap 24 fl oz pack of 3")


@pytest.fixture
def url(world: World) -> Iterator[str]:
    """A server over the same world."""
    with serving(world) as url:
        yield url


@pytest.fixture
def socket_http(url: str) -> Iterator[httpx.Client]:
    """A client over real sockets."""
    with httpx.Client(base_url=url, trust_env=False) as client:
        yield client


def _speak(http: httpx.Client) -> list[tuple[int, bytes, str | None]]:
    """A conversation with every vendor, without what is random in it."""
    amazon, resy, subscriptions = Amazon(http), Resy(http), Subscriptions(http)
    said = [
        amazon.get(PRODUCTS, productRegion="US", locale="en_US", keywords="olive oil & vinegar", facets="OFFERS"),
        amazon.post(ORDERS, order(line(SOAP), trial=True)),
        amazon.get(f"{ORDERS}/a%2Fb"),
        amazon.get(REPORTS, includeLineItems="true"),
        resy.get("/4/find", day="2026-12-04", party_size=2, venue_id=84001),
        resy.post("/3/details", json={}),
        resy.post("/3/cancel", data={"resy_token": "rr://ü"}),
        subscriptions.get("/v1/providers"),
        subscriptions.update("streamly", cancel_at_period_end="maybe"),
        subscriptions.delete("vireo-mobile"),
        http.get("/nobody/at/home"),
        http.patch("/amazon/x"),
    ]
    return [(one.status_code, one.content, one.headers.get("content-type")) for one in said]


class TestBothDoors:
    def test_give_the_same_answers(self, http: httpx.Client, socket_http: httpx.Client) -> None:
        """Status, body and type, to the byte."""
        assert _speak(http) == _speak(socket_http)

    def test_lead_to_one_ledger(self, amazon: Amazon, socket_http: httpx.Client, world: World) -> None:
        """An order placed by one door is looked up by the other."""
        amazon.place(line(SOAP))
        assert socket_http.get(f"{ORDERS}/halo-1", headers=amazon.headers).status_code == 200
        assert len(read_ledger(world.path)) == 1


class TestServer:
    @pytest.mark.parametrize(("fault", "effects"), [("lose_answer", 1), ("drop_before", 0)])
    def test_closes_the_connection_on_a_lost_answer(self, socket_http: httpx.Client, world: World, fault: str, effects: int) -> None:
        """The caller cannot tell the two apart; the ledger can."""
        amazon = Amazon(socket_http)
        add_fault(world, fault)
        with pytest.raises(httpx.RemoteProtocolError):
            amazon.place(line(SOAP))
        assert len(read_ledger(world.path)) == effects

    def test_is_on_loopback_only(self, world: World) -> None:
        """Its secrets are in the documentation."""
        with pytest.raises(ValueError, match="loopback"):
            SimServer(world, "0.0.0.0", 0)

    @pytest.mark.parametrize(
        ("head", "status"),
        [
            (f"POST /amazon/x HTTP/1.1\r\nHost: x\r\nContent-Length: {MAX_BODY_BYTES + 1}\r\n\r\n", b"413"),
            (f"POST /amazon/x HTTP/1.1\r\nHost: x\r\nContent-Length: {'9' * 5000}\r\n\r\n", b"413"),
            ("POST /amazon/x HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"411"),
            ("POST /amazon/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", b"411"),
            ("BREW /amazon/x HTTP/1.1\r\nHost: x\r\n\r\n", b"501"),
            ("GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
            ("GET //[/amazon HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
        ],
    )
    def test_survives_bad_manners(self, url: str, head: str, status: bytes) -> None:
        """It says so and stays up."""
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            connection.sendall(head.encode())
            assert connection.recv(100).split()[1] == status
        assert httpx.get(f"{url}/nobody", trust_env=False).status_code == 404


GARBAGE: list[bytes] = [
    b"",
    b"null",
    b"[]",
    b"{",
    b"\xff\xfe",
    b'{"a":NaN}',
    b'{"a":1e999999999999999999999}',
    b'{"externalId":"\\ud800"}',
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b'{"a":' + b"9" * 5000 + b"}",
    b"=&=&%%%&" * 100,
    b"&".join(b"a%d=1" % number for number in range(500)),
    b'{"externalId":[],"lineItems":{},"attributes":7,"expectations":"x"}',
    b'{"lineItems":[null],"attributes":[[]],"expectations":[1],"externalId":"x"}',
    b'{"config_id":"rgs://resy/84001/x","day":"2026-13-40","party_size":2,"commit":1}',
    b'{"config_id":"rgs://resy/99999999999999999999/x","day":"2026-12-04","party_size":2,"commit":0}',
    b'{"config_id":"","day":{},"party_size":"2","commit":true}',
    b'{"query":"x","geo":{"latitude":1e400,"longitude":0,"radius":1}}',
    b'{"query":7,"per_page":-1}',
    b"cancel_at_period_end=true&cancellation_details%5Bcomment%5D=%ff%00",
    b"x" * (MAX_BODY_BYTES + 1),
]

PLACES = [
    ("POST", "/lwa/auth/o2/token"),
    ("POST", f"{PRODUCTS}/getProductsByAsins"),
    ("POST", ORDERS),
    ("GET", f"{ORDERS}/%00%ff"),
    ("GET", f"{PRODUCTS}?productRegion=US&locale=en_US&pageSize={'9' * 5000}&keywords=%ff%00"),
    ("GET", f"{REPORTS}?startDate=0001-01-01T00:00:00%2B14:00&endDate=9999-12-31T23:59:59-14:00"),
    ("GET", f"{REPORTS}?nextPageToken=%F0%9F%92%A9"),
    ("POST", "/resy/3/auth/password"),
    ("POST", "/resy/3/venuesearch/search"),
    ("POST", "/resy/3/details"),
    ("POST", "/resy/3/book"),
    ("POST", "/resy/3/cancel"),
    ("GET", "/resy/4/find?day=9999-12-31&party_size=2&venue_id=84001"),
    ("GET", "/resy/4/find?day=0001-01-01&party_size=-2&venue_id=%C2%B2"),
    ("GET", "/resy/4/venue/calendar?venue_id=84001&start_date=0001-01-01&end_date=9999-12-31"),
    ("GET", "/resy/3/user/reservations?limit=0"),
    ("GET", "/resy/3/venue"),
    ("POST", "/subscriptions/streamly/v1/subscriptions/sub_streamly"),
    ("DELETE", "/subscriptions/streamly/v1/subscriptions/sub_streamly?prorate=%ff&x=1"),
    ("GET", "/subscriptions/%2F/v1/subscriptions"),
    ("PUT", "/subscriptions"),
    ("GET", "/"),
    ("GET", "//amazon/"),
    ("GET", "/amazon"),
]


class TestGarbage:
    @pytest.mark.parametrize(("method", "place"), PLACES)
    @pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded", "text/plain; charset=x", ""])
    def test_never_breaks_a_vendor(self, world: World, amazon: Amazon, resy: Resy, method: str, place: str, kind: str) -> None:
        """Whatever comes, the answer is a 2xx or a 4xx, and nothing is bought or booked."""
        transport = SimTransport(world)
        authorization = "Bearer sk_halo_sim" if "/subscriptions" in place else resy.headers["authorization"]
        headers: dict[str, Any] = {**amazon.headers, **resy.headers, "authorization": authorization, "content-type": kind}
        for body in GARBAGE:
            request = httpx.Request(method, f"http://sim.example{place}", headers=headers, content=body)
            said = transport.handle_request(request)
            assert 200 <= said.status_code < 500, (body[:80], said.text[:200])
        assert [entry for entry in read_ledger(world.path) if entry.vendor != "subscriptions"] == []

    def test_in_headers_is_refused(self, amazon: Amazon, subscriptions: Subscriptions) -> None:
        """Bytes that are no text, and a key that is too long."""
        assert amazon.http.get(REPORTS, headers={b"x-amz-access-token": b"\xff\xfe"}).status_code == 403
        assert subscriptions.update("streamly", key="k" * 256, cancel_at_period_end="true").status_code == 400
        assert amazon.http.post("/lwa/auth/o2/token", data=LOGIN, headers={"content-type": "text/plain"}).status_code == 400
