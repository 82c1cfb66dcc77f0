"""How a device comes by a token, gets another one, and is shut out."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from fastapi.testclient import TestClient
from joserfc.jwk import ECKey

from tests.halo_engine.store.raw import rows
from tests.installation import Installation, household_plan
from tests.server.calling import Phone
from tests.server.proving import public, told

ENROL = "/v1/devices/enrol"


def opened(home: Installation, **how: str) -> tuple[str, str]:
    """A new code, and the id of what it is of."""
    new = home.engine.devices.open_enrolment("Alex’s phone", by=how.get("by"), speaks_for=how.get("speaks_for"))
    return new.code.get_secret_value(), new.enrolment.id


def enrol(client: TestClient, code: str, **more: Any) -> Any:
    return client.post(ENROL, json={"code": code, **more})


def calls(client: TestClient, token: str) -> int:
    return client.get("/v1/household", headers={"Authorization": f"Bearer {token}"}).status_code


def refresh(client: TestClient, token: str) -> Any:
    return client.post("/v1/devices/refresh", headers={"Authorization": f"Bearer {token}"})


class TestACode:
    def test_is_a_token_for_whom_it_was_made(self, home: Installation, client: TestClient) -> None:
        code, _ = opened(home, by="Alex", speaks_for="Kim")
        answer = enrol(client, code).json()
        assert answer["device"].items() >= {"name": "Alex’s phone", "active": True}.items()
        assert "revoked_at" not in answer["device"]
        assert answer["token_expires_at"] == answer["device"]["expires_at"] == "2026-06-01T17:00:00Z"
        household = client.get("/v1/household", headers={"Authorization": f"Bearer {answer['token']}"}).json()
        assert next(one["display_name"] for one in household["members"] if one["id"] == household["me"]) == "Kim"
        assert home.verify().ok

    @pytest.mark.parametrize("written", [str.lower, lambda code: code.replace("-", ""), lambda code: f"  {code.replace('-', ' ')}\n"])
    def test_may_be_typed_as_people_type(self, home: Installation, client: TestClient, written: Any) -> None:
        assert enrol(client, written(opened(home)[0])).status_code == 200

    def test_may_be_misread_as_people_misread(self, home: Installation, client: TestClient) -> None:
        code = opened(home)[0]
        assert enrol(client, code.replace("0", "O").replace("1", "l")).status_code == 200

    def test_opens_nothing_twice_late_or_taken_back_and_none_can_be_told_from_a_wrong_one(
        self, home: Installation, client: TestClient
    ) -> None:
        used, (revoked, revoked_id), late = opened(home)[0], opened(home), opened(home)[0]
        assert enrol(client, used).status_code == 200
        home.engine.devices.revoke_enrolment(revoked_id, by=None)
        answers = {told(enrol(client, code)) for code in (used, revoked, "", "0000-0000-0000", "x" * 100, "\u0660" * 12, "'; --", "\ud7ff")}
        home.later(minutes=10)
        answers.add(told(enrol(client, late)))
        assert len(answers) == 1
        status, body, _ = answers.pop()
        assert (status, json.loads(body)["code"]) == (403, "code_refused")
        assert len(rows(home.engine._store, "SELECT * FROM device")) == 1

    def test_works_until_its_ten_minutes_are_over(self, home: Installation, client: TestClient) -> None:
        code = opened(home)[0]
        home.later(seconds=599)
        assert enrol(client, code).status_code == 200

    def test_tried_by_eight_at_once_enrols_one(self, home: Installation, client: TestClient) -> None:
        code, barrier = opened(home)[0], Barrier(8)

        def trying(_: int) -> int:
            barrier.wait()
            return int(enrol(client, code).status_code)

        with ThreadPoolExecutor(8) as pool:
            answers = sorted(pool.map(trying, range(8)))
        assert answers == [200] + [403] * 7
        assert len(rows(home.engine._store, "SELECT * FROM device")) == 1
        assert home.verify().ok

    @pytest.mark.parametrize("body", [b"", b"NaN", b"[]", b'{"code": null}', b'{"code": 1}', b'{"code": "x", "member": "Alex"}'])
    def test_is_not_used_up_by_a_body_that_is_none(self, client: TestClient, body: bytes) -> None:
        assert client.post(ENROL, content=body).status_code == 422

    def test_nor_its_hash_nor_the_token_stand_anywhere_in_clear(self, home: Installation, client: TestClient) -> None:
        code = opened(home)[0]
        first = enrol(client, code).json()["token"]
        second = refresh(client, first).json()["token"]
        written = b"".join(path.read_bytes() for path in home.settings.home.rglob("*") if path.is_file())
        assert not [secret for secret in (code, code.replace("-", ""), first, second, first[4:], second[4:]) if secret.encode() in written]


class TestTheKeysOfADevice:
    def test_are_kept_as_their_public_halves(self, home: Installation, client: TestClient) -> None:
        """In one form, whatever else the sender wrote beside them."""
        signs, proves = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
        sent = {**public(signs), "kid": "phone", "use": "sig", "alg": "ES256"}
        answer = enrol(client, opened(home)[0], signing_key=sent, proof_key=public(proves)).json()
        assert answer["device"]["signing_key_thumbprint"] == signs.thumbprint()
        assert answer["device"]["proof_key_thumbprint"] == proves.thumbprint()
        (kept,) = rows(home.engine._store, "SELECT signing_key_json, proof_thumbprint FROM device")
        assert json.loads(kept["signing_key_json"]) == public(signs)
        assert kept["proof_thumbprint"] == proves.thumbprint()
        assert home.verify().ok

    def test_are_refused_where_they_are_private_or_of_another_kind_and_the_code_still_works(
        self, home: Installation, client: TestClient
    ) -> None:
        key, code = ECKey.generate_key("P-256"), opened(home)[0]
        good, other = public(key), ECKey.generate_key("P-384").as_dict(private=False)
        bad: list[dict[str, Any]] = [
            {**good, "d": key.as_dict(private=True)["d"]},
            {**good, "d": ""},
            other,
            {**good, "x": good["y"], "y": good["x"]},
            {**good, "y": f"{good['y']}="},
            {"kty": "oct", "k": "SECRET"},
            {**good, "x5u": "http://127.0.0.1"},
            {},
        ]
        for name, keys in (("signing_key", bad[:4]), ("proof_key", bad[4:])):
            answers = [enrol(client, code, **{name: each}) for each in keys]
            assert {answer.status_code for answer in answers} == {422}
            assert not any("SECRET" in answer.text for answer in answers)
        home.later(minutes=1)
        assert enrol(client, code, signing_key=good).status_code == 200

    def test_that_was_swapped_in_the_books_is_noticed(self, home: Installation, client: TestClient) -> None:
        from sqlalchemy import text

        enrol(client, opened(home)[0], signing_key=public(ECKey.generate_key("P-256")))
        theirs = json.dumps(public(ECKey.generate_key("P-256")), sort_keys=True, separators=(",", ":"))
        with home.engine._store.transaction() as books:
            books.connection.execute(text("UPDATE device SET signing_key_json = :theirs"), {"theirs": theirs})
        assert not home.verify().ok


class TestAnotherToken:
    def test_takes_the_place_of_the_one_before_when_it_is_first_used(self, home: Installation, client: TestClient, phone: Phone) -> None:
        home.later(days=80)
        answer = refresh(client, phone.token).json()
        assert answer["device"]["id"] == phone.device_id
        assert answer["token_expires_at"] == "2026-08-20T17:00:00Z"
        assert calls(client, phone.token) == 200
        assert [calls(client, answer["token"]), calls(client, phone.token), calls(client, answer["token"])] == [200, 401, 200]
        assert home.verify().ok
        home.later(days=20)
        assert calls(client, answer["token"]) == 200

    def test_whose_answer_was_lost_shuts_nobody_out(self, home: Installation, client: TestClient, phone: Phone) -> None:
        """The token of an answer that never came is nobody's, once there is another one."""
        lost, second = (refresh(client, phone.token).json()["token"] for _ in range(2))
        assert [calls(client, each) for each in (lost, phone.token, second, phone.token)] == [401, 200, 200, 401]
        assert home.verify().ok

    def test_is_in_no_kept_answer(self, home: Installation, client: TestClient, phone: Phone) -> None:
        """Also where the sender gives a key, as for other acts: it gets another token."""
        answers = {client.post("/v1/devices/refresh", headers=phone.headers("the-same-key")).json()["token"] for _ in range(2)}
        assert len(answers) == 2
        assert rows(home.engine._store, "SELECT * FROM idempotency_key") == []

    def test_ends_with_its_device(self, home: Installation, client: TestClient, phone: Phone) -> None:
        later = refresh(client, phone.token).json()["token"]
        home.engine.devices.revoke(phone.device_id, by=None)
        assert [calls(client, each) for each in (phone.token, later)] == [401, 401]
        assert refresh(client, phone.token).status_code == 401

    def test_first_used_by_eight_at_once_is_taken_once(self, home: Installation, client: TestClient, phone: Phone) -> None:
        later, barrier = refresh(client, phone.token).json()["token"], Barrier(8)

        def calling(_: int) -> int:
            barrier.wait()
            return calls(client, later)

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(calling, range(8))) == {200}
        assert len(rows(home.engine._store, "SELECT * FROM event_log WHERE event_type = 'device.token_taken'")) == 1
        assert home.verify().ok


class TestTheList:
    def test_has_the_devices_and_the_codes_that_wait_and_no_secret(self, home: Installation, phone: Phone, child: Phone) -> None:
        code, waiting = opened(home)
        home.engine.devices.revoke(child.device_id, by=None)
        answer = phone.get("/v1/devices")
        assert [(one["id"], one["active"]) for one in answer.json()["devices"]] == [(phone.device_id, True), (child.device_id, False)]
        assert [one["id"] for one in answer.json()["enrolments"]] == [waiting]
        assert not [word for word in (code, phone.token, "sha256", "null") if word in answer.text]
        home.later(minutes=10)
        assert phone.get("/v1/devices").json()["enrolments"] == []

    def test_has_nothing_of_another_household(self, home: Installation, client: TestClient, phone: Phone) -> None:
        """Nor can anything of it be revoked, or told from what never was."""
        plan = household_plan().model_copy(update={"name": "The neighbours"})
        theirs = home.engine.of(home.engine.found_household_beside(plan).id)
        device = theirs.devices.add("Laptop", by=None)
        theirs.devices.open_enrolment("Tablet", by=None)
        listed = phone.get("/v1/devices").json()
        assert ([one["id"] for one in listed["devices"]], listed["enrolments"]) == ([phone.device_id], [])
        ids = (device.device.id, f"dev_{'0' * 26}", "dev_0", "enr_0", "%00", "x" * 500)
        assert len({told(phone.post(f"/v1/devices/{each}/revoke")) for each in ids}) == 1
        assert calls(client, device.token.get_secret_value()) == 200

    def test_of_a_code_of_another_household_is_that_households(self, home: Installation, client: TestClient, phone: Phone) -> None:
        plan = household_plan().model_copy(update={"name": "The neighbours"})
        theirs = home.engine.of(home.engine.found_household_beside(plan).id)
        token = enrol(client, theirs.devices.open_enrolment("Tablet", by=None).code.get_secret_value()).json()["token"]
        household = client.get("/v1/household", headers={"Authorization": f"Bearer {token}"}).json()
        assert household["household"]["name"] == "The neighbours"
        assert home.verify().ok


class TestRevoking:
    def test_is_ones_own_or_an_owners(self, client: TestClient, phone: Phone, child: Phone) -> None:
        assert child.post(f"/v1/devices/{phone.device_id}/revoke").status_code == 403
        assert calls(client, phone.token) == 200
        answer = phone.post(f"/v1/devices/{child.device_id}/revoke").json()
        assert (answer["active"], answer["revoked_at"]) == (False, "2026-03-03T17:00:00Z")
        assert calls(client, child.token) == 401

    def test_oneself_is_the_last_thing_one_does(self, client: TestClient, phone: Phone) -> None:
        assert phone.post(f"/v1/devices/{phone.device_id}/revoke").status_code == 200
        assert calls(client, phone.token) == 401


class TestAPlantedBug:
    """That the tests above can fail."""

    def test_a_code_that_is_not_used_up_is_noticed(self, home: Installation, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("halo_engine.store.devices.Devices.use_enrolment", lambda *_: True)
        code = opened(home)[0]
        assert [enrol(client, code).status_code for _ in range(2)] == [200, 200]

    def test_a_code_without_an_end_is_noticed(self, home: Installation, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("halo_engine.model.device.Enrolment.waits_at", lambda *_: True)
        code = opened(home)[0]
        home.later(minutes=11)
        assert enrol(client, code).status_code == 200
