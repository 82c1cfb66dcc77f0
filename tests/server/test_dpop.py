"""A device that enrolled with a key must prove with each call that it has it: a token that leaked is of no use to anybody else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OKPKey, RSAKey

from halo_engine.clock import FakeClock
from server.app import create_app
from server.dpop import Asked, read_proof
from tests.halo_engine.store.raw import rows
from tests.installation import NOON, Installation
from tests.server.proving import ORIGIN, Prover, b64, prover, public, signed, told, with_hmac

READS, ASKS = "/v1/household", "/v1/draft/create"
BATTERIES = {"text": "order 2 packs of AA batteries"}
_ODD: tuple[object, ...] = (None, "", 0, True, [], {}, ["x"], "x" * 5000)


@pytest.fixture
def device(home: Installation, client: TestClient) -> Prover:
    return prover(home, client)


def wrong_proofs(one: Prover, other: Prover, method: str, path: str) -> Iterator[tuple[str, str]]:
    """What is wrong with it, and the proof."""
    key, now = one.key, int(one.home.clock.now().timestamp())
    good = one.claims(method, path)

    def claims(**changed: object) -> str:
        return signed(one.header(), {**one.claims(method, path), **changed}, key)

    for name in ("htm", "htu", "iat", "jti", "ath"):
        yield f"no {name}", signed(one.header(), {k: v for k, v in one.claims(method, path).items() if k != name}, key)
        for odd in _ODD:
            yield f"{name}={str(odd)[:10]}", claims(**{name: odd})
    for odd_method in (method.lower(), "PUT", f" {method}", f"{method},{method}"):
        yield f"htm {odd_method}", claims(htm=odd_method)
    for url in (
        f"{ORIGIN}/v1/other",
        f"{ORIGIN}{path}/",
        f"{ORIGIN}{path}x",
        f"{ORIGIN}/%76{path[2:]}",
        f"{ORIGIN}{path.upper()}",
        f"https://testserver{path}",
        f"http://testserver:8080{path}",
        f"http://elsewhere.example{path}",
        f"http://testserver.example{path}",
        f"http://a@testserver{path}",
        f"http://testserver:99999{path}",
        f"http://[{path}",
        path,
        f"//testserver{path}",
        "http://",
    ):
        yield f"htu {url}", claims(htu=url)
    for at in (now - 61, now + 61, now - 86_400, now + 86_400, now * 1000, -now, str(now), 10**400, 1e300, [now]):
        yield f"iat {str(at)[:20]}", claims(iat=at)
    hashed = hashlib.sha256(one.token.encode())
    for ath in (hashed.hexdigest(), b64(hashed.digest()) + "=", b64(hashlib.sha256(other.token.encode()).digest()), one.token):
        yield "ath", claims(ath=ath)

    yield "another device's key, honestly", signed(one.header(jwk=public(other.key)), one.claims(method, path), other.key)
    yield "another device's key, as ours", signed(one.header(), one.claims(method, path), other.key)
    yield "our key, signed by another", signed(one.header(jwk=public(other.key)), one.claims(method, path), key)
    for algorithm in ("none", "None", "HS256", "RS256", "ES384", "ES512", "EdDSA", "ES256K", "es256", "", None, 1):
        yield f"alg {algorithm}", signed(one.header(alg=algorithm), one.claims(method, path), key)
    bare = f"{b64(json.dumps(one.header(alg='none')).encode())}.{b64(json.dumps(one.claims(method, path)).encode())}"
    yield "alg none, unsigned", f"{bare}."
    yield "alg none, unsigned, two parts", bare
    for secret in (public(key)["x"].encode(), json.dumps(public(key)).encode(), key.as_pem(private=False), one.token.encode(), b""):
        yield "HMAC with what is public", with_hmac(one.header(alg="HS256"), one.claims(method, path), secret)
        yield "HMAC said to be ES256", with_hmac(one.header(), one.claims(method, path), secret)
    for typ in ("JWT", "dpop", "DPOP+JWT", "", None, 1):
        yield f"typ {typ}", signed(one.header(typ=typ), one.claims(method, path), key)
    yield "crit", signed(one.header(crit=["b64"], b64=False), one.claims(method, path), key)
    yield "crit of its own", signed(one.header(crit=["exp"], exp=1), one.claims(method, path), key)
    private = {**public(key), "d": key.as_dict(private=True)["d"]}
    keys: tuple[object, ...] = (
        private,
        None,
        [],
        "x",
        {},
        {**public(key), "crv": "P-384"},
        {**public(key), "kty": "oct"},
        {"kty": "oct", "k": "eA"},
    )
    others = (OKPKey.generate_key("Ed25519").as_dict(private=False), RSAKey.generate_key(2048).as_dict(private=False))
    for jwk in (*keys, *others, {**public(key), "x": public(key)["y"]}, {**public(key), "y": "A" * 43}, {**public(key), "jku": "http://x"}):
        yield "jwk", signed(one.header(jwk=jwk), one.claims(method, path), key)
    for name in ("typ", "alg", "jwk"):
        yield f"no {name} in the header", signed({k: v for k, v in one.header().items() if k != name}, one.claims(method, path), key)

    proof = one.proof(method, path)
    first, second, third = proof.split(".")
    for broken in (
        "",
        ".",
        "..",
        "...",
        "x",
        first,
        f"{first}.{second}",
        f"{proof}.",
        f"{proof}x",
        f"{first}.{second}.",
        f".{second}.{third}",
    ):
        yield "broken", broken
    yield "cut short", f"{first}.{second}.{third[:-4]}"
    yield "another signature", f"{first}.{second}.{b64(bytes(64))}"
    yield "a DER signature", f"{first}.{second}.{b64(b'0' + bytes(70))}"
    yield "other claims under it", f"{first}.{b64(json.dumps({**good, 'jti': 'new'}).encode())}.{third}"
    for odd_claims in (b"", b"null", b"[]", b'"x"', b"NaN", b'{"iat": NaN}', b"\xff", b"{" * 2000, b'{"jti":"a","jti":"b"}'):
        yield "claims", signed(one.header(), odd_claims, key)
    for odd_header in (b"null", b"[]", b'["alg"]', b'"alg"', b"1", b"{}", b"[" * 2000, b'{"alg":' * 400, b"\xff", b'{"alg":"ES256"}'):
        yield "header", signed(odd_header, one.claims(method, path), key)
    yield "two at once", f"{one.proof(method, path)}, {one.proof(method, path)}"
    yield "far too long", "x" * 20_000


class TestATokenThatWasFound:
    """Of a device with a key, which the thief has not."""

    def next_of(self, device: Prover) -> str:
        token: str = device.call("POST", "/v1/devices/refresh").json()["token"]
        return token

    def test_shuts_its_device_out_in_no_way_of_showing_it(self, home: Installation, device: Prover) -> None:
        """To take a token ends the one before it: so a thief who only looks at a refreshed one must not come as far as that."""
        found, mine = self.next_of(device), device.token
        other = prover(home, device.client)
        device.token = found
        used = device.proof("GET", READS)
        device.token = mine
        headers: list[dict[str, str]] = [
            {"Authorization": f"Bearer {found}"},
            {"Authorization": f"DPoP {found}"},
            {"Authorization": f"DPoP {found}", "DPoP": "x"},
            {"Authorization": f"DPoP {found}", "DPoP": other.proof("GET", READS)},
            {"Authorization": f"Bearer {found}", "DPoP": used},
        ]
        assert {device.client.get(READS, headers=each).status_code for each in headers} == {401}
        assert device.call("GET", READS).status_code == 200
        assert not rows(home.engine._store, "SELECT * FROM event_log WHERE event_type = 'device.token_taken'")

    def test_and_its_device_still_takes_it(self, device: Prover) -> None:
        """The other half."""
        device.token, mine = self.next_of(device), device.token
        assert device.call("GET", READS).status_code == 200
        device.token = mine
        assert device.call("GET", READS).status_code == 401


class TestAProof:
    def test_lets_its_device_in(self, device: Prover) -> None:
        assert device.call("GET", READS).status_code == 200
        assert device.call("POST", ASKS, json=BATTERIES).json()["kind"] == "draft"

    def test_is_for_an_address_and_not_for_what_is_asked_of_it(self, device: Prover) -> None:
        """RFC 9449 §4.3: without query and fragment; and in another spelling it is the same address."""
        for path, htu in (
            ("/v1/activity?limit=3", "/v1/activity"),
            ("/v1/activity", "/v1/activity?limit=3#x"),
        ):
            assert device.send("GET", path, device.proof("GET", "", htu=f"{ORIGIN}{htu}")).status_code == 200
        for origin in ("HTTP://TestServer", "http://testserver:80"):
            assert device.send("GET", READS, device.proof("GET", "", htu=f"{origin}{READS}")).status_code == 200

    def test_may_be_a_minute_off(self, device: Prover) -> None:
        """By the home's clock, either way."""
        now = int(device.home.clock.now().timestamp())
        assert {device.send("GET", READS, device.proof("GET", READS, iat=now + by)).status_code for by in (-60, -1, 0, 1, 60, 0.5)} == {200}

    @pytest.mark.parametrize(("method", "path"), [("GET", READS), ("POST", ASKS)])
    def test_with_anything_wrong_about_it_is_one_401_and_no_effect(
        self, home: Installation, client: TestClient, method: str, path: str
    ) -> None:
        """Some hundred and fifty ways for each: none of them can be told from another."""
        one, other = prover(home, client), prover(home, client, member="Kim")
        cases = list(wrong_proofs(one, other, method, path))
        assert len(cases) >= 130
        body: dict[str, Any] = {"json": BATTERIES} if method == "POST" else {}
        found = {told(one.send(method, path, proof, **body)): what for what, proof in cases}
        assert len(found) == 1, found
        assert next(iter(found))[0] == 401
        with home.queries() as queries:
            assert queries.requests(limit=10) == ()
        assert one.call(method, path, **body).status_code == 200, "none of it shut the device itself out"

    def test_counts_once(self, home: Installation, device: Prover) -> None:
        """Also at another server of the same books, and until it is too old for any."""
        proof = device.proof("GET", READS)
        assert device.send("GET", READS, proof).status_code == 200
        first = told(device.send("GET", READS, proof))
        assert first[0] == 401
        with TestClient(create_app(home.settings, clock=home.clock)) as elsewhere:
            device.client = elsewhere
            assert told(device.send("GET", READS, proof)) == first
            home.later(seconds=60)
            assert told(device.send("GET", READS, proof)) == first

    def test_that_is_replayed_with_another_signature_is_the_same(self, device: Prover) -> None:
        """Its name counts; ECDSA signs the same thing in many ways."""
        claims = device.claims("GET", READS)
        answers = [device.send("GET", READS, signed(device.header(), claims, device.key)).status_code for _ in range(3)]
        assert answers == [200, 401, 401]

    def test_is_forgotten_when_it_is_too_old(self, home: Installation, device: Prover) -> None:
        for _ in range(5):
            device.call("GET", READS)
        home.later(seconds=181)
        device.call("GET", READS)
        assert len(rows(home.engine._store, "SELECT * FROM seen_proof")) == 1

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.text(max_size=80) | st.lists(st.binary(max_size=40), max_size=4).map(lambda parts: ".".join(map(b64, parts))))
    def test_of_any_text_is_none(self, text: str) -> None:
        asked = Asked("GET", (f"{ORIGIN}{READS}",), "hdv_x", "x" * 43, NOON)
        assert read_proof(text, asked) is None


class TestADeviceWithAKey:
    def test_is_not_let_in_by_its_token_alone(self, client: TestClient, device: Prover) -> None:
        unknown = told(client.get(READS, headers={"Authorization": f"DPoP hdv_{'0' * 64}"}))
        assert told(device.send("GET", READS, None, scheme="Bearer")) == unknown
        assert told(device.send("GET", READS, device.proof("GET", READS), scheme="Bearer")) == unknown
        assert told(device.send("GET", READS, None)) == unknown
        assert unknown[0] == 401

    def test_brings_one_proof(self, client: TestClient, device: Prover) -> None:
        """Of two, which would it be?"""
        proofs = [("DPoP", device.proof("GET", READS)) for _ in range(2)]
        assert client.get(READS, headers=[("Authorization", f"DPoP {device.token}"), *proofs]).status_code == 401

    def test_refreshes_with_its_key_and_keeps_it(self, device: Prover) -> None:
        before, device.token = device.token, device.call("POST", "/v1/devices/refresh").json()["token"]
        assert device.send("GET", READS, None, scheme="Bearer").status_code == 401
        assert device.call("GET", READS).status_code == 200
        device.token = before
        assert device.call("GET", READS).status_code == 401


class TestADeviceWithoutAKey:
    def test_has_nothing_to_prove(self, home: Installation, client: TestClient, device: Prover) -> None:
        """A token that is bound to no key is shown as a Bearer token, and a proof beside it says nothing."""
        device.token = home.engine.devices.add("laptop", by=None).token.get_secret_value()
        assert device.call("GET", READS).status_code == 401
        assert device.send("GET", READS, device.proof("GET", READS), scheme="Bearer").status_code == 200


class TestBehindAProxy:
    def test_the_installations_own_name_counts_and_not_what_is_said_to_be_it(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        """A proof that a device made for another server would do here too, sent on with that server's name in `Host`."""
        home = Installation.open(
            tmp_path_factory.mktemp("named") / "home", clock=FakeClock(NOON), public_url="https://Halo.example.net/home/"
        )
        with TestClient(create_app(home.settings, clock=home.clock)) as client:
            device = prover(home, client)
            assert device.send("GET", READS, device.proof("GET", "", htu=f"https://halo.example.net/home{READS}")).status_code == 200
            for host in ("evil.example", "testserver"):
                client.headers["host"] = host
                assert device.send("GET", READS, device.proof("GET", "", htu=f"http://{host}{READS}")).status_code == 401
            client.headers["host"] = "127.0.0.1:8080"
            assert device.send("GET", READS, device.proof("GET", "", htu=f"http://127.0.0.1:8080{READS}")).status_code == 200
        home.engine.close()


class TestAPlantedBug:
    """That the tests above can fail."""

    def test_a_proof_that_is_not_looked_for_among_the_old_ones_is_noticed(self, device: Prover, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("halo_engine.store.devices.Devices.see_proof", lambda *_: True)
        proof = device.proof("GET", READS)
        assert [device.send("GET", READS, proof).status_code for _ in range(2)] == [200, 200]

    def test_a_key_that_is_anybodys_is_noticed(self, device: Prover, monkeypatch: pytest.MonkeyPatch) -> None:
        another = ECKey.generate_key("P-256")
        forged = signed(device.header(jwk=public(another)), device.claims("GET", READS), another)
        assert device.send("GET", READS, forged).status_code == 401
        monkeypatch.setattr("halo_engine.model.public_key.PublicKey.thumbprint", device.key.thumbprint())
        assert device.send("GET", READS, forged).status_code == 200
