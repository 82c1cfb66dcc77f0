"""What a person found: it agrees with itself, or it is none."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from halo_engine.model.money import Money
from halo_engine.model.settlement import Finding, Settlement


class TestAFinding:
    def test_is_written_as_it_always_was(self) -> None:
        """In the log, in the books and on the wire."""
        assert [finding.value for finding in Finding] == ["happened", "did_not_happen"]


class TestASettlement:
    def test_of_what_happened_has_a_reference(self) -> None:
        """The amount may be missing: a person need not have seen it."""
        assert Settlement(outcome=Finding.HAPPENED, reference="RES-77").charged is None
        for reference in ("", " "):
            with pytest.raises(ValidationError, match="has a reference"):
                Settlement(outcome=Finding.HAPPENED, reference=reference)

    @pytest.mark.parametrize("found", [{"reference": "RES-77"}, {"charged": Money(cents=1)}])
    def test_of_what_did_not_happen_has_nothing(self, found: dict[str, object]) -> None:
        assert Settlement(outcome=Finding.DID_NOT_HAPPEN)
        with pytest.raises(ValidationError, match="took nothing"):
            Settlement.model_validate({"outcome": Finding.DID_NOT_HAPPEN, **found})
