"""What a person found at the vendor's, of an execution whose outcome nobody could tell by asking."""

from __future__ import annotations

from enum import StrEnum

from pydantic import model_validator

from halo_engine.model.money import Money
from halo_engine.model.value import Value


class Finding(StrEnum):
    """The two answers there are. Whoever is not sure settles nothing."""

    HAPPENED = "happened"
    DID_NOT_HAPPEN = "did_not_happen"


class Settlement(Value):
    """`reference` is the vendor's own, `charged` what it took, where the person saw that."""

    outcome: Finding
    reference: str = ""
    charged: Money | None = None

    @model_validator(mode="after")
    def _agrees(self) -> Settlement:
        if self.outcome is Finding.HAPPENED and not self.reference.strip():
            raise ValueError("what happened has a reference at the vendor's")
        if self.outcome is Finding.DID_NOT_HAPPEN and (self.reference or self.charged):
            raise ValueError("what did not happen has no reference and took nothing")
        return self
