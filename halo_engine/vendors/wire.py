"""What the private response models of all vendors share.

`read_as` turns an answer into such a model or raises `UnreadableError`; nothing else in this package touches parsed JSON. Fields nobody
declared are ignored, fields declared must be there, and no error repeats what it refused: it may be a token.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError

from halo_engine.model.money import Money
from halo_engine.model.strict_json import JsonError
from halo_engine.model.text import inert
from halo_engine.vendors.http import Answer, failed


class UnreadableError(ValueError):
    """The answer is not of a shape that can be relied on."""


class Wire(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


W = TypeVar("W", bound=Wire)
T = TypeVar("T")


def read_as(answer: Answer, model: type[W]) -> W:
    """The answer's body as `model`. Raises `UnreadableError`."""
    try:
        return model.model_validate(answer.json())
    except (JsonError, ValidationError) as error:
        raise UnreadableError("the answer cannot be read") from error


def read_for(vendor: str, answer: Answer, model: type[W]) -> W:
    """The body of `vendor`'s answer to a read. Raises `VendorFailed`."""
    try:
        return read_as(answer, model)
    except UnreadableError as error:
        raise failed(vendor, answer) from error


class LastRead(Generic[T]):
    """What the answers were read as that came last, by their bytes: the same bytes mean the same, so it can never be out of date.

    For long answers that a vendor gives again and again. What is kept must be frozen: every reader gets the same.
    """

    def __init__(self, most: int) -> None:
        self._most, self._door = most, threading.Lock()
        self._known: OrderedDict[bytes, T] = OrderedDict()

    def read(self, answer: Answer, reading: Callable[[Answer], T]) -> T:
        """As `reading` makes of `answer`. What it raises is raised, and not kept."""
        key = hashlib.sha256(answer.body).digest()
        with self._door:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        found = reading(answer)
        with self._door:
            self._known[key] = found
            if len(self._known) > self._most:
                self._known.popitem(last=False)
        return found


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
