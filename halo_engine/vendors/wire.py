"""What the private response models of all vendors share.

`read_as` turns an answer into such a model or raises `UnreadableError`; nothing else in this package touches parsed JSON. Fields nobody
declared are ignored, fields declared must be there, and no error repeats what it refused: it may be a token.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError

from halo_engine.model.money import Money
from halo_engine.model.strict_json import JsonError
from halo_engine.model.text import inert
from halo_engine.vendors.http import Answer


class UnreadableError(ValueError):
    """The answer is not of a shape that can be relied on."""


class Wire(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


W = TypeVar("W", bound=Wire)


def read_as(answer: Answer, model: type[W]) -> W:
    """The answer's body as `model`. Raises `UnreadableError`."""
    try:
        return model.model_validate(answer.json())
    except (JsonError, ValidationError) as error:
        raise UnreadableError("the answer cannot be read") from error


def to_money(amount: object, currency: str) -> Money:
    """An amount as vendors write it (a number, or digits in a string) as exact money. Raises `ValueError`."""
    match amount:
        # ASCII digits only: `Decimal` also takes underscores and the digits of other scripts.
        case str() if re.fullmatch(r"-?[0-9]{1,13}(\.[0-9]{1,4})?", amount):
            exact = Decimal(amount)
        case int() | Decimal() if not isinstance(amount, bool):
            exact = Decimal(amount)
        case _:
            raise ValueError("not an amount")
    if len(exact.as_tuple().digits) > 20:
        raise ValueError("an amount of too many digits")
    try:
        return Money.from_decimal(exact, currency)
    except ArithmeticError:
        raise ValueError("an amount out of range") from None


def _number_as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _plain(value: Any) -> Any:
    return inert(value) if isinstance(value, str) else value


#: Words for a person. They cannot move a cursor, and they are never followed.
Text = Annotated[str, BeforeValidator(_plain)]
#: A vendor's own name for something, written as a string or as a number; safe to put in a path once quoted.
Ident = Annotated[str, BeforeValidator(_number_as_text), StringConstraints(pattern=r"^[\x21-\x7e]{1,200}$")]
#: Goes back to the vendor in a body exactly as it came; not for eyes.
Opaque = Annotated[str, StringConstraints(min_length=1, max_length=4096)]
#: Goes back in a header, where a line break would be a second header.
HeaderToken = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,4096}$")]


def _not_negative(money: Money) -> Money:
    if money.cents < 0:
        raise ValueError("a negative amount")
    return money


NotNegative = AfterValidator(_not_negative)
