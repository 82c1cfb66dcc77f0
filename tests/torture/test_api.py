"""The tooling of the rows about the server: that every route is attacked, with a body of the form that it takes."""

from __future__ import annotations

from tests.torture.api_cases import CASES, WITHOUT_BODY
from tests.torture.api_families import families
from tests.torture.api_strangers import known_endpoints


class TestTheRoutes:
    def test_are_found(self) -> None:
        """Also those that are included from elsewhere, which the framework keeps out of sight."""
        assert {"GET /v1/household", "POST /v1/draft/confirm", "GET /m/{of}"} <= {
            f"{each.method} {each.path}" for each in known_endpoints()
        }

    def test_that_change_something_have_a_case_each(self) -> None:
        """A route that is added is attacked from the day on which it is there."""
        changing = {f"{each.method} {each.path}" for each in known_endpoints() if each.method in ("POST", "PUT", "PATCH", "DELETE")}
        assert changing == {*CASES, *WITHOUT_BODY}


class TestTheFamilies:
    def test_share_nothing(self) -> None:
        """Or what is one's would be looked for among the other's."""
        both = families()
        assert not both.one.ids & both.other.ids
        assert {each[:3] for each in both.one.ids} >= {"hsh", "usr", "req", "dft", "exe", "rct", "dev", "usl", "evt"}
