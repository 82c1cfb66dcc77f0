"""A kept yes, as a value."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from halo_engine.model.confirmation import Confirmation
from halo_engine.model.ids import Prefix
from tests.halo_engine.model.samples import NOON, an_id


def confirmation(latency_ms: int) -> Confirmation:
    return Confirmation(
        id=an_id(Prefix.CONFIRMATION),
        draft_id=an_id(Prefix.DRAFT),
        draft_hash="ab" * 32,
        user_id=an_id(Prefix.USER),
        confirmed_at=NOON,
        confirmation_latency_ms=latency_ms,
    )


class TestAConfirmation:
    def test_never_came_before_its_terms_were_shown(self) -> None:
        """At that very millisecond it may."""
        assert confirmation(0).confirmation_latency_ms == 0
        with pytest.raises(ValidationError):
            confirmation(-1)
