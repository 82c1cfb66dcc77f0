"""What a parser is, and the one check that every parser's answer passes.

The engine hands words and a `ParseContext` to a `Parser`; it answers with an `Intent`. `finish` is where params meet the verb's own model:
whatever a parser made up that the verb does not know ends here, as UNSUPPORTED, whichever parser it was.
"""

from __future__ import annotations

import json
from typing import Protocol
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, ValidationError, field_validator

from halo_engine.model.intent import UNSUPPORTED, Intent, VerbSpec
from halo_engine.model.value import Value


class ParseContext(Value):
    """What the words are read against: when and where they were said, what was just asked, and the intent they may change.

    `requested` are names as in `missing_fields`, and first_name, last_name. With `current`, the answer is the whole of that intent,
    modified. `subscriptions`, `bundles` and `members` are names that the household has given: what is said is matched with them. The engine
    gives no subscriptions, which only the providers know: they are matched when the draft is made (`verbs/cancel.py`).
    """

    now: AwareDatetime
    zone: str
    requested: tuple[str, ...] = ()
    current: Intent | None = None
    subscriptions: tuple[str, ...] = ()
    bundles: tuple[str, ...] = ()
    members: tuple[str, ...] = ()

    @field_validator("zone")
    @classmethod
    def _is_a_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (OSError, ValueError, LookupError) as error:
            raise ValueError(f"{zone!r} is not an IANA time zone") from error
        return zone


class Parser(Protocol):
    """Words in, intent out. Raises `ParserFailed` where it could not read at all."""

    @property
    def name(self) -> str: ...

    def parse(self, text: str, context: ParseContext) -> Intent:
        """The intent of `text`, with entity offsets counted in `text` as given."""
        ...


def finish(intent: Intent, specs: tuple[VerbSpec, ...]) -> Intent:
    """`intent` with its params in the verb's own form, and `missing_fields` from them.

    Where the verb refuses the params it is UNSUPPORTED, with little confidence.
    """
    if intent.verb == UNSUPPORTED:
        # What was marked in the words stays: it says nothing of what to do.
        return Intent(verb=UNSUPPORTED, confidence=intent.confidence, entities=intent.entities)
    spec = next((spec for spec in specs if spec.name == intent.verb), None)
    if spec is None:
        return Intent.unsupported(confidence=0.2)
    try:
        # Through JSON, because only its strict mode refuses `true` for 1 and "3" for 3 while it still takes a list for a tuple.
        params = spec.params.model_validate_json(json.dumps(intent.params), strict=True)
    except (ValidationError, TypeError, ValueError):
        return Intent.unsupported(confidence=0.2)
    return intent.model_copy(update={"params": params.model_dump(mode="json"), "missing_fields": params.missing()})


def unchanged(current: Intent, *, confidence: float = 0.3) -> Intent:
    """`current` as it was: the words changed nothing that was understood."""
    return current.model_copy(update={"confidence": confidence, "entities": (), "remainder": None})
