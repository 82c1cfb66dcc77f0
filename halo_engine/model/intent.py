"""What was understood from words: a verb, its parameters, and which words said so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_serializer, model_validator

from halo_engine.model.value import Value

UNSUPPORTED = "UNSUPPORTED"


class Entity(Value):
    """Words of the person that filled a field; `start` and `end` count characters of the text as given."""

    type: str
    text: str
    start: int = Field(ge=0)
    end: int = Field(ge=0)

    @model_validator(mode="after")
    def _spans_its_text(self) -> Entity:
        if self.end - self.start != len(self.text):
            raise ValueError("an entity's offsets must span its text")
        return self


class Intent(Value):
    """The one form every parser fills. `params` has the shape its verb declares; `remainder` is a second request that was left for later."""

    verb: str
    confidence: float = Field(ge=0.0, le=1.0)
    missing_fields: tuple[str, ...] = ()
    entities: tuple[Entity, ...] = ()
    params: dict[str, Any] = Field(default_factory=dict)
    remainder: str | None = None

    @model_serializer(mode="wrap")
    def _omit_absent_remainder(self, handler: Any) -> dict[str, Any]:
        # The published form has five keys; the sixth is there only when it says something.
        data: dict[str, Any] = handler(self)
        if self.remainder is None:
            data.pop("remainder", None)
        return data

    @classmethod
    def unsupported(cls, *, confidence: float = 1.0) -> Intent:
        """Nothing Halo can or should do."""
        return cls(verb=UNSUPPORTED, confidence=confidence)


class Params(BaseModel):
    """Base of a verb's parameters. Closed, so that nothing a model invents slips through; lists and bounds are the verb's to declare."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: The names `missing_fields` and `requested` use.
    fields: ClassVar[tuple[str, ...]] = ()

    def missing(self) -> tuple[str, ...]:
        """Required fields that no words have filled, in the order to ask for them."""
        return ()


@dataclass(frozen=True)
class Example:
    """An utterance and the parameters it means: teaches parsers, tests them, and shows in help."""

    text: str
    params: dict[str, Any]


@dataclass(frozen=True)
class VerbSpec:
    """What a parser must know about a verb. Written once, in the verb's own file."""

    name: str
    describes: str
    params: type[Params]
    examples: tuple[Example, ...]
