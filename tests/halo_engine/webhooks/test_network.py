"""A webhook goes to the public internet and nowhere else, whatever the address says and whatever the resolver answers."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from ipaddress import ip_address

import pytest

from halo_engine.model.errors import InvalidInput
from halo_engine.model.webhook_address import is_public, target_of
from halo_engine.webhooks import network
from halo_engine.webhooks.sender import HttpSender
from tests.halo_engine.webhooks.receivers import Receiver

_REFUSED = "Its address is not on the public internet."


class TestAnAddress:
    @pytest.mark.parametrize(
        "url",
        [
            "https://example.com",
            "https://example.com/hooks?token=a%20b",
            "https://EXAMPLE.com:8443/",
            "https://xn--mnchen-3ya.example/hook",
            "https://1.1.1.1/",
            "https://[2606:4700::1111]/",
            "https://a-b.c1.example.co.uk:1024/x/y;z=1",
        ],
    )
    def test_on_the_public_internet_is_taken(self, url: str) -> None:
        assert target_of(url, allow_loopback=False).url.startswith("https://")

    @pytest.mark.parametrize(
        "url",
        [
            "http://example.com/",
            "https://user@example.com/",
            "https://user:pw@example.com/",
            "https://example.com#fragment",
            "https://example.com/#fragment",
            "https://example.com:22/",
            "https://example.com:0/",
            "https://example.com:65536/",
            "https://example.com:080/",
            "https://example.com\\@127.0.0.1/",
            "https://example.com/\\..",
            "https://127.0.0.1@example.com/",
            "https://example.com /",
            "https://exam\tple.com/",
            "https://example.com/\r\nX: y",
            "https://example.com/\x00",
            "https://",
            "https:///x",
            "https:example.com",
            "//example.com",
            "ftp://example.com/",
            "file:///etc/passwd",
            "gopher://example.com/",
            "javascript:alert(1)",
            "https://intranet/",
            "https://localhost/",
            "https://LOCALHOST/",
            "https://localhost./",
            "https://a.localhost/",
            "https://example.com./",
            "https://.example.com/",
            "https://exa..mple.com/",
            "https://-a.example/",
            "https://a_b.example/",
            "https://%31%32%37.0.0.1/",
            # Numbers that resolvers take for 127.0.0.1.
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0x7f.1/",
            "https://017700000001/",
            "https://0177.0.0.1/",
            "https://127.1/",
            "https://127.0.1/",
            "https://127.0.0.01/",
            "https://127.0.0.1./",
            "https://0/",
            "https://1.2.3.4.5/",
            "https://example.0x10/",
            # Other scripts' digits, dots and letters, which IDNA folds into ASCII.
            "https://１２７.0.0.1/",
            "https://127。0。0。1/",
            "https://ⓛocalhost/",
            "https://①②⑦.⓪.⓪.①/",
            "https://münchen.example/",
            "https://exam\u00adple.com/",
            # Addresses that are somebody's own.
            "https://127.0.0.1/",
            "https://10.0.0.1/",
            "https://172.16.0.1/",
            "https://192.168.1.1/",
            "https://169.254.169.254/latest/meta-data/",
            "https://100.64.0.1/",
            "https://0.0.0.0/",
            "https://255.255.255.255/",
            "https://224.0.0.1/",
            "https://[::1]/",
            "https://[::]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:7f00:1]/",
            "https://[::127.0.0.1]/",
            "https://[fe80::1]/",
            "https://[fe80::1%25eth0]/",
            "https://[fc00::1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[2002:7f00:1::]/",
            "https://[2001:0:7f00:1::]/",
            "https://[::1",
            "https://[::1]]/",
            "https://[127.0.0.1]/",
            "https://[1.1.1.1]/",
            "https://example.com/" + "a" * 2000,
        ],
    )
    def test_of_any_other_kind_is_refused(self, url: str) -> None:
        with pytest.raises(InvalidInput) as raised:
            target_of(url, allow_loopback=False)
        assert len(url) < 9 or url not in raised.value.message + raised.value.hint

    def test_on_this_machine_is_for_development(self) -> None:
        for url in ("http://127.0.0.1:8000/x", "http://localhost:8000/", "https://[::1]:8443/", "http://127.9.9.9:1024"):
            assert target_of(url, allow_loopback=True).is_local
        for url in ("http://10.0.0.1:8000/", "http://example.com/", "https://192.168.0.1/", "http://127.1:8000/", "http://127.0.0.1:22/"):
            with pytest.raises(InvalidInput):
                target_of(url, allow_loopback=True)

    def test_has_one_spelling(self) -> None:
        assert target_of("https://EXAMPLE.com:443", allow_loopback=False).url == "https://example.com/"
        assert target_of("https://[2606:4700:0:0::1111]:8443/a", allow_loopback=False).url == "https://[2606:4700::1111]:8443/a"


class TestIsPublic:
    @pytest.mark.parametrize(
        "text",
        [
            "0.1.2.3", "10.1.2.3", "100.64.0.1", "100.127.255.255", "127.0.0.1", "169.254.169.254", "172.31.0.1", "192.0.0.1",
            "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1",
            "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "::8.8.8.8", "64:ff9b::808:808",
            "64:ff9b:1::1", "100::1", "2001::1", "2001:20::1", "2001:db8::1", "2002:808:808::1", "3fff::1", "fc00::1", "fd12::1",
            "fe80::1", "fe80::1%eth0", "2606:4700::1111%eth0", "fec0::1", "ff02::1", "ff0e::1", "5f00::1", "4000::1",
        ],
    )  # fmt: skip
    def test_of_everything_special_is_false(self, text: str) -> None:
        assert not is_public(ip_address(text))

    @pytest.mark.parametrize("text", ["1.1.1.1", "8.8.8.8", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "2a00:1450::1"])
    def test_of_a_machine_on_the_internet_is_true(self, text: str) -> None:
        assert is_public(ip_address(text))


class _Resolver:
    """Gives one answer after the other, and the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers, self.asked = list(answers), 0

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked += 1
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Where connections were tried to; none is made."""
    tried: list[tuple[str, int]] = []

    def create_connection(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        tried.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", create_connection)
    return tried


class TestAResolver:
    @pytest.mark.parametrize(
        "answer",
        [
            ["127.0.0.1"],
            ["1.1.1.1", "127.0.0.1"],
            ["127.0.0.1", "1.1.1.1"],
            ["1.1.1.1", "169.254.169.254"],
            ["1.1.1.1", "::ffff:10.0.0.1"],
            ["2606:4700::1111", "fe80::1%eth0"],
            ["fd00::1"],
            ["not an address"],
        ],
    )
    def test_that_answers_with_anything_private_is_believed_in_nothing(self, connected: list[tuple[str, int]], answer: list[str]) -> None:
        sender = HttpSender(allow_loopback=True, resolve=_Resolver(answer))
        assert sender.send("https://rebinding.example/", b"{}", {}).error == _REFUSED
        assert connected == []

    def test_is_asked_once_and_its_answer_is_where_the_connection_goes(self, connected: list[tuple[str, int]]) -> None:
        """Whoever says something else the second time is not asked a second time."""
        resolver = _Resolver(["1.1.1.1", "8.8.8.8"], ["127.0.0.1"])
        sender = HttpSender(allow_loopback=False, resolve=resolver)
        assert sender.send("https://rebinding.example:8443/", b"{}", {}).error == "No connection could be made."
        assert (connected, resolver.asked) == ([("1.1.1.1", 8443), ("8.8.8.8", 8443)], 1)
        assert sender.send("https://rebinding.example:8443/", b"{}", {}).error == _REFUSED
        assert len(connected) == 2

    @pytest.mark.parametrize("error", [socket.gaierror("no"), UnicodeError("no"), OSError("no")])
    def test_that_knows_nothing_is_a_failure(self, error: Exception) -> None:
        def fails(host: str, port: int) -> list[str]:
            raise error

        assert (
            HttpSender(allow_loopback=False, resolve=fails).send("https://a.example/", b"", {}).error == "Its name could not be resolved."
        )
        assert HttpSender(allow_loopback=False, resolve=lambda *_: []).send("https://a.example/", b"", {}).error is not None

    def test_that_is_silent_is_left_behind(self) -> None:
        import threading

        waiting = threading.Event()

        def hangs(host: str, port: int) -> list[str]:
            waiting.wait(10)
            return []

        sender = HttpSender(allow_loopback=False, resolve=hangs, total_s=0.2)
        assert sender.send("https://a.example/", b"", {}).error == "It did not answer in time."
        waiting.set()

    def test_that_names_localhost_elsewhere_is_not_followed(self, connected: list[tuple[str, int]]) -> None:
        """For development `localhost` is this machine, and not whatever somebody says it is."""
        sender = HttpSender(allow_loopback=True, resolve=_Resolver(["10.0.0.1"]))
        assert sender.send("http://localhost:8000/", b"", {}).error == _REFUSED
        assert connected == []

    def test_of_this_machine_is_asked_for_every_address(self) -> None:
        assert set(network.system_resolver("localhost", 80)) <= {"127.0.0.1", "::1"}


class TestTheEnvironment:
    def test_names_no_proxy(self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        assert HttpSender(allow_loopback=True).send(receiver.url, b"{}", {}).status == 204


class TestTheName:
    def test_is_in_the_host_header(self, receiver: Receiver) -> None:
        sender = HttpSender(allow_loopback=True, resolve=_Resolver(["127.0.0.1"]))
        sender.send(f"http://LocalHost:{receiver.port}/a?b=c", b"{}", {})
        (came,) = receiver.received
        assert (came.headers["host"], came.path) == (f"localhost:{receiver.port}", "/a?b=c")

    def test_is_the_one_in_the_certificate(self, server_tls: Callable[[str], tuple[int, ssl.SSLContext]]) -> None:
        """The connection goes to an address, and TLS is spoken with the name; another name's certificate is refused."""
        for name, expected in (("localhost", (204, None)), ("elsewhere.example", (None, "Its certificate is not to be trusted."))):
            port, trusting = server_tls(name)
            answered = HttpSender(allow_loopback=True, resolve=_Resolver(["127.0.0.1"]), tls=trusting).send(
                f"https://localhost:{port}/", b"{}", {}
            )
            assert (answered.status, answered.error) == expected

    def test_of_a_certificate_nobody_vouches_for_is_refused(self, server_tls: Callable[[str], tuple[int, ssl.SSLContext]]) -> None:
        port, _ = server_tls("localhost")
        assert HttpSender(allow_loopback=True).send(f"https://localhost:{port}/", b"", {}).error == "Its certificate is not to be trusted."
