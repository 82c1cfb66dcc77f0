"""What every document is made of. Answers are open, because a later Halo says more; bodies are closed, because a field too many is a mistake."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from halo_engine.model.draft import iso_utc


class Document(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True)

    @classmethod
    def of(cls, value: Any) -> Self:
        """The document of an engine's value whose fields have these names."""
        return cls.model_validate(value, from_attributes=True)


class Body(BaseModel):
    """What is sent to Halo."""

    model_config = ConfigDict(extra="forbid", frozen=True)


#: A time on the wire: `YYYY-MM-DDTHH:MM:SSZ`.
Instant = Annotated[
    AwareDatetime,
    PlainSerializer(iso_utc, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "description": "UTC, as YYYY-MM-DDTHH:MM:SSZ."}),
]


#: A day and a clock time as text.
Day = Annotated[str, Field(json_schema_extra={"format": "date"})]
ClockTime = Annotated[str, Field(json_schema_extra={"pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"})]


def known(words: Iterable[str], says: str | None = None) -> Any:
    """An open enumeration: the words there are now. A client takes one that it does not know for "something else"."""
    return Field(description=says, json_schema_extra={"x-extensible-enum": [str(word) for word in words]})


def says(words: str) -> Any:
    """What a field means, where its name does not say it."""
    return Field(description=words)


class Money(Document):
    """An amount in hundredths of its currency (ISO 4217), and as a person reads it. Reckon with `cents`; show `display`."""

    cents: int
    currency: Annotated[str, Field(json_schema_extra={"pattern": "^[A-Z]{3}$"})]
    display: str
