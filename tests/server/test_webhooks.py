"""Webhooks over HTTP: an owner's, and a secret that is in no answer that is kept."""

from __future__ import annotations

import sqlite3

import pytest
from fastapi.testclient import TestClient

from halo_engine.model.errors import NotFound
from tests.installation import Installation, household_plan
from tests.server.calling import Phone

URL = "https://example.com/halo"


class TestWebhooks:
    def test_are_added_listed_and_removed(self, phone: Phone, home: Installation) -> None:
        made = phone.post("/v1/webhooks", {"url": URL, "event_types": ["execution.done"]}).json()
        endpoint = made["endpoint"]
        assert (endpoint["url"], endpoint["event_types"]) == (URL, ["execution.done"])
        assert "disabled_at" not in endpoint
        assert made["secret"] == home.engine.webhooks.secret(endpoint["id"], by=None).secret.get_secret_value()
        assert phone.get("/v1/webhooks").json() == {"webhooks": [endpoint]}
        removed = phone.client.delete(f"/v1/webhooks/{endpoint['id']}", headers=phone.headers())
        assert removed.json() == {"id": endpoint["id"]}
        assert phone.get("/v1/webhooks").json() == {"webhooks": []}
        assert home.verify().ok

    def test_added_twice_under_one_key_are_one_and_have_one_secret(self, phone: Phone, home: Installation) -> None:
        """The kept answer has no secret in it: it is derived again."""
        first, second = (phone.client.post("/v1/webhooks", json={"url": URL}, headers=phone.headers("a-single-key")) for _ in range(2))
        assert (first.json(), second.headers["idempotent-replayed"]) == (second.json(), "true")
        assert len(phone.get("/v1/webhooks").json()["webhooks"]) == 1
        with sqlite3.connect(home.settings.database_file) as books:
            (kept,) = books.execute("SELECT answer_text FROM idempotency_key").fetchone()
        assert "whsec" not in kept

    def test_are_tried_by_a_message_in_the_outbox(self, phone: Phone) -> None:
        endpoint = phone.post("/v1/webhooks", {"url": URL}).json()["endpoint"]["id"]
        sent = [phone.post(f"/v1/webhooks/{endpoint}/test").json() for _ in range(3)]
        assert [(each["event_type"], each["state"], each["attempts"]) for each in sent] == [("webhook.test", "pending", 0)] * 3
        first = phone.get(f"/v1/webhooks/{endpoint}/deliveries", limit=2).json()
        rest = phone.get(f"/v1/webhooks/{endpoint}/deliveries", limit=2, cursor=first["next_cursor"]).json()
        assert [*first["deliveries"], *rest["deliveries"]] == sent[::-1]
        assert "next_cursor" not in rest

    def test_are_no_business_of_a_childs(self, phone: Phone, child: Phone) -> None:
        endpoint = phone.post("/v1/webhooks", {"url": URL}).json()["endpoint"]["id"]
        tried = [
            child.post("/v1/webhooks", {"url": URL}),
            child.get("/v1/webhooks"),
            child.client.delete(f"/v1/webhooks/{endpoint}", headers=child.headers()),
            child.post(f"/v1/webhooks/{endpoint}/test"),
            child.get(f"/v1/webhooks/{endpoint}/deliveries"),
        ]
        assert [each.status_code for each in tried] == [403] * 5

    def test_that_are_not_there_are_not_found(self, phone: Phone) -> None:
        for which in ("whe_01jd9k7q3mf0jv7p2t8z6c4x5e", "nothing", "%00"):
            assert phone.client.delete(f"/v1/webhooks/{which}", headers=phone.headers()).status_code == 404
            assert phone.post(f"/v1/webhooks/{which}/test").status_code == 404
            assert phone.get(f"/v1/webhooks/{which}/deliveries").status_code == 404

    def test_go_nowhere_private(self, phone: Phone) -> None:
        for url in ("http://example.com", "https://127.0.0.1/", "https://[::1]/", "https://10.0.0.1/?canary-4242", "https://2130706433/"):
            answer = phone.post("/v1/webhooks", {"url": url})
            assert (answer.status_code, url in answer.text) == (422, False)

    def test_of_another_household_look_as_what_never_was(self, home: Installation, client: TestClient, phone: Phone) -> None:
        neighbours = home.engine.of(home.engine.found_household_beside(household_plan()).id)
        theirs = neighbours.webhooks.add(URL, by=None).endpoint
        message = neighbours.webhooks.test(theirs.id, by=None)
        nowhere = f"whe_{'0' * 26}"
        tried = [
            (
                phone.client.delete(f"/v1/webhooks/{which}", headers=phone.headers()),
                phone.post(f"/v1/webhooks/{which}/test"),
                phone.get(f"/v1/webhooks/{which}/deliveries"),
            )
            for which in (theirs.id, nowhere)
        ]
        for real, none in zip(*tried, strict=True):
            assert (real.status_code, none.status_code) == (404, 404)
            assert real.json() | {"request_id": ""} == none.json() | {"request_id": ""}
        assert phone.get("/v1/webhooks").json() == {"webhooks": []}
        for act in (home.engine.webhooks.redeliver, home.engine.webhooks.delivery):
            with pytest.raises(NotFound):
                act(message.id, by=None)
        assert neighbours.webhooks.deliveries(by=None) == (message,)

    def test_tell_nothing_of_another_household(self, home: Installation, phone: Phone) -> None:
        neighbours = home.engine.of(home.engine.found_household_beside(household_plan()).id)
        neighbours.webhooks.add(URL, by=None)
        phone.confirm(phone.draft())
        assert neighbours.webhooks.deliveries(by=None) == ()
