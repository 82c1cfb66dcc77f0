"""A signed yes over HTTP: the bytes to sign, the yes, and each way it is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from halo_engine.model.signing import sign
from tests.installation import Installation
from tests.server.calling import Phone
from tests.signing import a_key, sign_above


@pytest.fixture
def signing_phone(home: Installation, client: TestClient) -> Phone:
    """The owner's, enrolled with its key, in a household where every yes is signed."""
    sign_above(home, 0)
    code = home.engine.devices.open_enrolment("Phone", by=None).code.get_secret_value()
    new = home.engine.devices.enrol(code, signing_key=json.loads(a_key(0)[1]))
    return Phone(client=client, token=new.token.get_secret_value(), device_id=new.device.id)


def yes(phone: Phone, drafted: dict[str, Any]) -> dict[str, Any]:
    """The body of a signed yes."""
    signing_object = phone.get(f"/v1/drafts/{drafted['draft_id']}/signing-object").content
    signature = sign(signing_object, device_id=phone.device_id, private_key_pem=a_key(0)[0])
    return {"draft_id": drafted["draft_id"], "draft_hash": drafted["draft_hash"], "signature": signature}


class TestTheSigningObject:
    def test_is_the_bytes_that_are_signed(self, signing_phone: Phone) -> None:
        """For this device, and kept by nobody on the way."""
        drafted = signing_phone.draft()
        answer = signing_phone.get(f"/v1/drafts/{drafted['draft_id']}/signing-object")
        assert (answer.status_code, answer.headers["content-type"], answer.headers["cache-control"]) == (
            200,
            "application/json",
            "no-store",
        )
        said = answer.json()
        assert (said["device"], said["draft_hash"]) == (signing_phone.device_id, drafted["draft_hash"])
        assert answer.content == json.dumps(said, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()

    def test_is_for_devices_with_a_key(self, phone: Phone) -> None:
        """And for drafts of this household."""
        drafted = phone.draft()
        problem = phone.get(f"/v1/drafts/{drafted['draft_id']}/signing-object")
        assert (problem.status_code, problem.json()["code"]) == (422, "signature_invalid")
        assert phone.get(f"/v1/drafts/dft_{'0' * 26}/signing-object").status_code == 404


class TestASignedYes:
    def test_starts_what_it_says(self, home: Installation, signing_phone: Phone) -> None:
        """Sent again with its key it gets its answer again; with another one it is used."""
        body = yes(signing_phone, signing_phone.draft())
        first = signing_phone.post("/v1/draft/confirm", body, key="of-this-very-act")
        assert first.status_code == 200, first.text
        again = signing_phone.post("/v1/draft/confirm", body, key="of-this-very-act")
        assert (again.status_code, again.content, again.headers["idempotent-replayed"]) == (200, first.content, "true")
        other = signing_phone.post("/v1/draft/confirm", body)
        assert (other.status_code, other.json()["code"]) == (409, "signature_used")
        assert home.verify().ok

    def test_is_needed_where_the_household_wants_it(self, signing_phone: Phone) -> None:
        problem = signing_phone.confirm(signing_phone.draft())
        assert (problem.status_code, problem.json()["code"]) == (403, "signature_required")

    def test_is_not_of_another_draft_nor_altered(self, signing_phone: Phone) -> None:
        """Nothing of it comes back in the answer."""
        body, other = yes(signing_phone, signing_phone.draft()), signing_phone.draft()
        for wrong in (
            {**body, **{name: other[name] for name in ("draft_id", "draft_hash")}},
            {**body, "signature": body["signature"][:-8] + "AAAAAAAA"},
            {**body, "signature": "x"},
            {**body, "signature": ""},
        ):
            problem = signing_phone.post("/v1/draft/confirm", wrong)
            assert (problem.status_code, problem.json()["code"]) == (422, "signature_invalid")
            assert body["signature"] not in problem.text

    def test_ends_after_some_minutes(self, home: Installation, signing_phone: Phone) -> None:
        body = yes(signing_phone, signing_phone.draft())
        home.later(minutes=5)
        problem = signing_phone.post("/v1/draft/confirm", body)
        assert (problem.status_code, problem.json()["code"]) == (409, "signature_expired")
