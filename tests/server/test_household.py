"""Who lives here, what they prefer, their Usuals and their rules, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from halo_engine.model.household import Role
from halo_engine.model.money import Money
from tests.installation import Installation
from tests.server.calling import BATTERIES, Phone


class TestPreferences:
    def test_say_where_the_household_buys(self, phone: Phone) -> None:
        found = phone.get("/v1/preferences").json()
        assert (found["default_merchant"], found["payment_method_masked"]) == ("amazon", "Visa •••• 0000")

    def test_are_changed_by_an_owner_from_the_next_draft_on(self, home: Installation, phone: Phone) -> None:
        assert phone.draft()["draft"]["vendor"] == "amazon"
        answer = phone.client.patch("/v1/preferences", json={"default_merchant": "zinc"}, headers=phone.headers())
        assert (answer.status_code, answer.json()["default_merchant"]) == (200, "zinc")
        assert phone.draft()["draft"]["vendor"] == "zinc"
        assert home.verify().ok

    @pytest.mark.parametrize("body", [{}, {"default_merchant": "SECRET"}, {"default_merchant": None}, {"payment_method_masked": "x"}])
    def test_are_not_changed_to_what_cannot_be(self, phone: Phone, body: dict[str, str]) -> None:
        answer = phone.client.patch("/v1/preferences", json=body, headers=phone.headers())
        assert answer.status_code == 422
        assert "SECRET" not in answer.text
        assert phone.get("/v1/preferences").json()["default_merchant"] == "amazon"

    def test_are_no_business_of_a_childs(self, child: Phone) -> None:
        answer = child.client.patch("/v1/preferences", json={"default_merchant": "zinc"}, headers=child.headers())
        assert (answer.status_code, answer.json()["code"]) == (403, "not_authorised")


class TestMembers:
    def test_are_added_and_given_another_role_by_an_owner(self, home: Installation, phone: Phone) -> None:
        added = phone.post("/v1/members", {"name": "Robin", "role": "guest"}).json()
        changed = phone.client.patch(f"/v1/members/{added['id']}", json={"role": "adult"}, headers=phone.headers())
        assert (changed.status_code, changed.json()) == (200, {**added, "role": "adult"})
        assert phone.get("/v1/members").json()["members"][-1] == changed.json()
        assert home.verify().ok

    def test_keep_an_owner(self, phone: Phone) -> None:
        me = phone.get("/v1/household").json()["me"]
        answer = phone.client.patch(f"/v1/members/{me}", json={"role": "child"}, headers=phone.headers())
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")

    @pytest.mark.parametrize("which", ["usr_01jd9k7q3mf0jv7p2t8z6c4x5e", "Kim", "kim", "null", "%00"])
    def test_are_named_by_their_id_alone(self, phone: Phone, which: str) -> None:
        assert phone.client.patch(f"/v1/members/{which}", json={"role": "adult"}, headers=phone.headers()).status_code == 404

    def test_do_not_make_themselves_owners(self, phone: Phone, child: Phone) -> None:
        me = child.get("/v1/household").json()["me"]
        assert child.client.patch(f"/v1/members/{me}", json={"role": "owner"}, headers=child.headers()).status_code == 403
        assert child.post("/v1/members", {"name": "Robin", "role": "owner"}).status_code == 403
        assert [member["role"] for member in phone.get("/v1/members").json()["members"]].count("owner") == 1


class TestWhereYesesAreSigned:
    """A token alone signs nothing, so it must not make another owner, who may do all that needs no signature."""

    def ask(self, phone: Phone) -> list[Any]:
        child = next(each["id"] for each in phone.get("/v1/members").json()["members"] if each["display_name"] == "Kim")
        added = phone.post("/v1/members", {"name": "Robin", "role": "owner"})
        return [added, phone.client.patch(f"/v1/members/{child}", json={"role": "owner"}, headers=phone.headers())]

    def test_who_may_do_what_is_decided_at_home(self, home: Installation, phone: Phone) -> None:
        home.engine.membership.change_rules(lambda rules: rules.with_signed_above(Money(cents=5000)), by=None)
        before = phone.get("/v1/members").json()
        answers = self.ask(phone)
        assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(403, "not_authorised")}
        assert "at home alone" in answers[0].json()["detail"]
        assert phone.get("/v1/members").json() == before
        assert home.engine.membership.change_role("Kim", Role.OWNER, by=None).role is Role.OWNER

    def test_and_elsewhere_it_is_an_owners_who_calls(self, phone: Phone) -> None:
        assert [answer.status_code for answer in self.ask(phone)] == [200, 200]


class TestUsuals:
    def test_are_saved_listed_and_removed(self, home: Installation, phone: Phone) -> None:
        saved = phone.post("/v1/usuals", {"name": "remotes", "text": BATTERIES}).json()
        assert saved in phone.get("/v1/usuals").json()["usuals"]
        path = f"/v1/usuals/{saved['id']}"
        removed, again = (phone.client.delete(path, headers=phone.headers(f"remove-{n}")) for n in range(2))
        assert (removed.json(), again.status_code) == ({"id": saved["id"]}, 404)
        assert saved not in phone.get("/v1/usuals").json()["usuals"]
        assert home.verify().ok

    def test_are_removed_by_their_id_alone(self, phone: Phone) -> None:
        name = phone.get("/v1/usuals").json()["usuals"][0]["name"]
        assert phone.client.delete(f"/v1/usuals/{name}", headers=phone.headers()).status_code == 404

    def test_need_a_key_like_every_act(self, phone: Phone) -> None:
        saved = phone.get("/v1/usuals").json()["usuals"][0]
        headers = {"Authorization": f"Bearer {phone.token}"}
        assert phone.client.delete(f"/v1/usuals/{saved['id']}", headers=headers).status_code == 400
        assert saved in phone.get("/v1/usuals").json()["usuals"]


class TestRules:
    def test_say_who_may_confirm_what(self, phone: Phone) -> None:
        rules = phone.get("/v1/rules").json()
        assert {"role": "owner", "verb": "ORDER"} in rules["allowances"]
        assert "two_people_above" not in rules


class TestRevisions:
    def test_are_what_was_shown(self, phone: Phone) -> None:
        drafted = phone.draft()
        changed = phone.post("/v1/draft/modify", {"draft_id": drafted["draft_id"], "text": "make it 3"}).json()
        shown = phone.get(f"/v1/drafts/{drafted['draft_id']}/revisions").json()["revisions"]
        assert [each["draft_hash"] for each in shown] == [drafted["draft_hash"], changed["draft_hash"]]
        assert [each["revision"] for each in shown] == [1, 2]

    def test_have_been_superseded_but_for_the_last(self, home: Installation, phone: Phone) -> None:
        """The reason: a draft has one status, and its earlier versions were never confirmed."""
        drafted = phone.draft()
        path = f"/v1/drafts/{drafted['draft_id']}/revisions"
        changed = phone.post("/v1/draft/modify", {"draft_id": drafted["draft_id"], "text": "make it 3"}).json()
        first, last = phone.get(path).json()["revisions"]
        assert (first["status"], first["actions"]) == ("superseded", [])
        assert (last["status"], last["actions"]) == ("open", ["confirm", "modify", "cancel"])
        with home.queries() as queries:
            home.confirm(queries.card(drafted["draft_id"]))
        assert [each["status"] for each in phone.get(path).json()["revisions"]] == ["superseded", "confirmed"]
        assert changed["draft"]["status"] == "open"
