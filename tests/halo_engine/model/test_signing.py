"""A signed yes without books: the object that is signed, its mark, and every way a signature is refused."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from halo_engine.model.canonical import canonical_json, sha256_hex
from halo_engine.model.draft import Draft
from halo_engine.model.errors import SignatureInvalid
from halo_engine.model.signing import Asker, Signature, check, check_shown, is_signed_with, issue, issuer_of, sign
from tests.halo_engine.model.samples import NOON, UNTIL, draft, terms
from tests.signing import a_key

PRIVATE, PUBLIC = a_key(0)
ISSUER = issuer_of(b"secret", "ours")
PHONE = Asker(audience=ISSUER.audience, member_id="usr_alex", device_id="dev_phone")
DRAFT = draft()
CHANCE = "ab" * 16
HEADER = {"alg": "ES256", "kid": "dev_phone", "typ": "halo-confirm+jws"}


def issued(of: Draft = DRAFT, *, now: datetime = NOON, chance: str = CHANCE, key: bytes = ISSUER.nonce_key) -> bytes:
    """The object of `of` for the phone, at noon."""
    return issue(of, PHONE, now=now, chance=chance, key=key)


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def jws(payload: bytes, header: object = HEADER) -> str:
    """A good ES256 signature over whatever is given, as no library would let one make it."""
    key = load_pem_private_key(PRIVATE, None)
    assert isinstance(key, EllipticCurvePrivateKey)
    said = f"{encoded(header if isinstance(header, bytes) else json.dumps(header).encode())}.{encoded(payload)}"
    pair = decode_dss_signature(key.sign(said.encode(), ECDSA(SHA256())))
    return f"{said}.{encoded(b''.join(part.to_bytes(32) for part in pair))}"


def checked(signature: str, of: Draft = DRAFT, *, public_key_json: str = PUBLIC, key: bytes = ISSUER.nonce_key) -> Signature:
    return check(signature, of, PHONE, public_key_json=public_key_json, key=key)


def refused(signature: str, **given: Any) -> str:
    """What is said of a signature that does not count."""
    with pytest.raises(SignatureInvalid) as caught:
        checked(signature, **given)
    assert caught.value.hint
    return caught.value.message


def altered(**fields: Any) -> bytes:
    """The object with other fields, in its one written form; None takes one out."""
    said = json.loads(issued()) | fields
    return canonical_json({name: value for name, value in said.items() if value is not None})


class TestTheObject:
    def test_names_everything_that_the_yes_is_about(self) -> None:
        """Nothing else of it decides, so nothing may be missing."""
        said = json.loads(issued())
        nonce = said.pop("nonce")
        assert said == {
            "purpose": "halo/sign/v1",
            "aud": "ours",
            "household": DRAFT.household_id,
            "user": "usr_alex",
            "device": "dev_phone",
            "draft_id": DRAFT.id,
            "draft_revision": 1,
            "draft_hash": DRAFT.draft_hash,
            "verb": "ORDER",
            "payee": "Amazon",
            "amount": {"minor": 3691, "max_minor": 3691, "currency": "USD"},
            "terms": DRAFT.terms.material(),
            "irreversible": False,
            "iat": "2026-03-03T17:00:00Z",
            "exp": "2026-03-03T17:05:00Z",
        }
        assert (len(nonce), nonce[:32]) == (64, CHANCE)

    def test_ends_with_the_draft_at_the_latest(self) -> None:
        """Else it would outlive the terms."""
        late = json.loads(issued(now=UNTIL - timedelta(minutes=2)))
        assert late["exp"] == "2026-03-03T17:30:00Z"

    def test_is_marked_by_the_installation_over_all_of_it(self) -> None:
        """Another secret, another chance or another draft make another mark."""
        other_draft = draft(terms(title="Order dish soap"))
        others = (issued(key=b"other"), issued(chance="cd" * 16), issued(other_draft))
        assert len({json.loads(each)["nonce"][32:] for each in (issued(), *others)}) == 4

    def test_is_marked_as_it_always_was(self) -> None:
        """An object that was issued before an update is one of ours after it."""
        said = json.loads(issued())
        nonce = said.pop("nonce")
        key = hmac.new(b"secret", b"halo/signing-object", "sha256").digest()
        assert nonce[32:] == hmac.new(key, f"{CHANCE}\n".encode() + canonical_json(said), "sha256").hexdigest()[:32]

    def test_is_marked_with_a_key_that_nobody_reads_in_a_traceback(self) -> None:
        assert repr(ISSUER) == "Issuer(audience='ours')"


class TestASignature:
    def test_over_the_object_is_good(self) -> None:
        """And says what the books and the log keep of it."""
        signature = sign(issued(), device_id="dev_phone", private_key_pem=PRIVATE)
        assert json.loads(base64.urlsafe_b64decode(f"{signature.split('.')[0]}==")) == HEADER
        found = checked(signature)
        assert (found.jws, found.device_id, found.expires_at) == (signature, "dev_phone", NOON + timedelta(minutes=5))
        assert found.nonce == json.loads(issued())["nonce"]
        assert found.sha256 == sha256_hex(signature.encode())
        assert len(found.key_thumbprint) == 43

    def test_need_not_name_its_type(self) -> None:
        """An app's library may not."""
        assert checked(jws(issued(), {"alg": "ES256", "kid": "dev_phone"}))

    @pytest.mark.parametrize(
        "given",
        ["", "x", "a.b", "a.b.c.d", "..", "a b.c.d", "a=.b.c", f"{'A' * 3_000_000}.{'A' * 3_000_000}.{'A' * 3_000_000}"],
        ids=["nothing", "a word", "two parts", "four parts", "empty parts", "a space", "padding", "nine million characters"],
    )
    def test_is_a_compact_jws(self, given: str) -> None:
        assert "three parts in base64url" in refused(given)

    def test_is_as_long_as_the_longest_card_allows(self) -> None:
        """Eight megabytes, and not one character more: nobody decodes what nobody could have been shown."""
        longest = f"AAAA.{'A' * (8 * 1024 * 1024 - 10)}.AAAA"
        assert len(longest) == 8 * 1024 * 1024
        assert "and nothing else" in refused(longest)
        assert "three parts in base64url" in refused(f"{longest}A")

    def test_may_be_over_a_long_card(self) -> None:
        """Longer than what the library takes by itself."""
        long = draft(terms(summary="A long story. " * 50_000))
        assert checked(sign(issued(long), device_id="dev_phone", private_key_pem=PRIVATE), long)

    @pytest.mark.parametrize("part", [0, 1, 2])
    def test_has_one_written_form(self, part: int) -> None:
        """The unused bits at the end of a part would be another text for the same bytes."""
        parts = jws(altered(nonce="0" * 64)).split(".")
        given = [*parts]
        given[part] = f"{parts[part]}A" if len(parts[part]) % 4 == 0 else f"{parts[part][:-1]}{_next(parts[part][-1])}"
        assert refused(".".join(given)) == "A part of the signature is not base64url."

    @pytest.mark.parametrize(
        ("header", "says"),
        [
            (HEADER | {"alg": "none"}, "signed with ES256"),
            (HEADER | {"alg": "HS256"}, "signed with ES256"),
            ({"kid": "dev_phone"}, "signed with ES256"),
            (HEADER | {"kid": "dev_other"}, "not that of the device that calls"),
            ({"alg": "ES256"}, "not that of the device that calls"),
            (HEADER | {"typ": "JWT"}, "halo-confirm+jws"),
            (HEADER | {"jwk": json.loads(PUBLIC)}, "and nothing else"),
            (HEADER | {"crit": ["b64"], "b64": False}, "and nothing else"),
            ([], "and nothing else"),
            (b"{", "and nothing else"),
            (b'{"alg":"none","alg":"ES256","kid":"dev_phone"}', "and nothing else"),
        ],
    )
    def test_has_a_header_that_asks_for_nothing(self, header: object, says: str) -> None:
        """Which key and which algorithm are ours to say."""
        assert says in refused(jws(issued(), header))

    def test_is_made_with_the_key_of_that_device(self) -> None:
        assert "not this device's key" in refused(jws(issued()), public_key_json=a_key(1)[1])

    @pytest.mark.parametrize("kept", ["{}", "null", "x", '{"crv":"P-256","kty":"EC","x":"AAAA","y":"AAAA"}'])
    def test_needs_a_key_that_can_be_read(self, kept: str) -> None:
        """A key that was damaged in the books verifies nothing."""
        assert refused(jws(issued()), public_key_json=kept) == "The key of that device cannot be read."

    @pytest.mark.parametrize(
        "payload",
        [
            b"x",
            b"[]",
            b"{}",
            altered(nonce=None),
            altered(iat=None),
            altered(exp=7),
            altered(nonce="g" * 64),
            altered(nonce="0" * 63),
            altered(iat="2026-03-03 17:00:00"),
            altered(exp="2026-03-03T17:05:00+00:00"),
        ],
    )
    def test_is_over_an_object_of_ours(self, payload: bytes) -> None:
        assert refused(jws(payload)) == "What was signed is not an object of ours."

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("household", "hh_other"),
            ("user", "usr_sam"),
            ("aud", "theirs"),
            ("draft_hash", "0" * 64),
            ("amount", {"minor": 1, "max_minor": 1, "currency": "USD"}),
            ("terms", {}),
            ("irreversible", True),
        ],
    )
    def test_is_over_the_terms_that_stand(self, field: str, value: object) -> None:
        """The field that differs is named."""
        assert refused(jws(altered(**{field: value}))) == f"What was signed is not what stands now: look at {field}."

    def test_is_over_nothing_more(self) -> None:
        """Also not over the same written in another way."""
        assert refused(jws(altered(more="x"))) == "What was signed is not what stands now."
        assert refused(jws(issued() + b" ")) == "What was signed is not what stands now."

    @pytest.mark.parametrize("field", ["exp", "iat", "nonce"])
    def test_is_over_an_object_that_was_issued_here(self, field: str) -> None:
        """Whoever writes one themselves, with a longer life or a nonce of their own, has not our mark."""
        other = {"exp": "2030-01-01T00:00:00Z", "iat": "2020-01-01T00:00:00Z", "nonce": "0" * 64}[field]
        assert refused(jws(altered(**{field: other}))) == "The object that was signed was not issued here."

    def test_of_another_installation_does_not_count_here(self) -> None:
        assert refused(jws(issued()), key=b"another secret") == "The object that was signed was not issued here."


def _next(letter: str) -> str:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return alphabet[(alphabet.index(letter) + 1) % 64]


class TestYearsLater:
    def test_it_is_known_who_signed_what(self) -> None:
        """By the key, the device and the hash, each of which has to fit."""
        fits = {"public_key_json": PUBLIC, "device_id": "dev_phone", "draft_hash": DRAFT.draft_hash}
        assert is_signed_with(jws(issued()), **fits)
        for other in ({"public_key_json": a_key(1)[1]}, {"device_id": "dev_other"}, {"draft_hash": "0" * 64}):
            assert not is_signed_with(jws(issued()), **(fits | other))
        assert not is_signed_with(jws(altered(device="dev_other")), **fits)


class TestWhoeverIsAboutToSign:
    def shown(self, signing_object: bytes) -> None:
        check_shown(signing_object, draft_hash=DRAFT.draft_hash, device_id="dev_phone")

    def test_is_content_with_what_the_card_shows(self) -> None:
        self.shown(issued())

    @pytest.mark.parametrize("given", [altered(terms=None), altered(amount=7), issued() + b" "])
    def test_signs_nothing_that_is_no_object(self, given: bytes) -> None:
        with pytest.raises(SignatureInvalid, match="not an object to sign") as caught:
            self.shown(given)
        assert caught.value.hint == "Nothing was signed."

    @pytest.mark.parametrize(
        "fields",
        [
            {"terms": terms(title="Order gold").material()},
            {"terms": {}},
            {"terms": {"total": 7, "maximum": 7}},
            {"amount": {"minor": 1, "max_minor": 1, "currency": "USD"}},
            {"payee": "Somebody"},
            {"verb": "REORDER"},
            {"household": "hsh_other"},
            {"draft_id": "dft_other"},
            {"draft_hash": "0" * 64},
            {"device": "dev_other"},
            {"purpose": "halo/confirm/v1"},
            {"draft_revision": 2},
            {"irreversible": True},
        ],
    )
    def test_signs_nothing_but_what_the_card_shows(self, fields: dict[str, Any]) -> None:
        """A server that shows one thing and has another one signed is found out here."""
        with pytest.raises(SignatureInvalid, match="not what the card shows") as caught:
            self.shown(altered(**fields))
        assert "Look at the draft again" in caught.value.hint
