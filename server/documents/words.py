"""Words of lists that may grow. Each list has a name in the schema, so that a generator makes one type of it, wherever it stands."""

from __future__ import annotations

from typing import Annotated, get_args

from typing_extensions import TypeAliasType

from halo_engine.model import card, device, draft, execution, form, household, reply, rules, webhook
from halo_engine.model.intent import UNSUPPORTED
from halo_engine.parsing.labels import ENTITY_TYPES
from server.documents.base import known

#: A version of a draft that another one took the place of. It is none of the books' own words: there a draft has one status, and many versions.
SUPERSEDED = "superseded"

#: Beside how the execution ended: an attempt that did not end it, and one that asked nobody anything.
_ATTEMPTED = ("begun", "failed", "unknown", "not_found", "accepted", "take_over", "give_up")

Verb = TypeAliasType("Verb", Annotated[str, known(rules.VERBS, "What is to be done.")])
IntentVerb = TypeAliasType("IntentVerb", Annotated[str, known((*rules.VERBS, UNSUPPORTED), "What words ask for.")])
EntityType = TypeAliasType("EntityType", Annotated[str, known(ENTITY_TYPES, "What sort of words they are.")])
Source = TypeAliasType("Source", Annotated[str, known(("last", "usual"), "What is ordered again: the last order, or a saved bundle.")])
CancelWhen = TypeAliasType("CancelWhen", Annotated[str, known(("period_end", "now"), "When a subscription is to end.")])
OfTwo = TypeAliasType("OfTwo", Annotated[str, known(("first", "second"), "Which of the two times that a clock change makes of one.")])
Reply = TypeAliasType("Reply", Annotated[str, known(reply.Reply, "What words say to a card.")])

CardKind = TypeAliasType("CardKind", Annotated[str, known(card.CardKind, "What a card says.")])
Button = TypeAliasType("Button", Annotated[str, known(card.Button, "What can be pressed on a card, by its label.")])

DraftStatus = TypeAliasType(
    "DraftStatus",
    Annotated[str, known((*draft.DraftStatus, SUPERSEDED), "Where a draft stands; an earlier version of it is `superseded`.")],
)
DraftAction = TypeAliasType("DraftAction", Annotated[str, known(("confirm", "modify", "cancel"), "What can be done with a draft.")])
FieldKind = TypeAliasType("FieldKind", Annotated[str, known(get_args(form.Kind), "How a field is filled in.")])

ExecutionStatus = TypeAliasType("ExecutionStatus", Annotated[str, known(execution.ExecutionStatus, "Where an execution stands.")])
Classification = TypeAliasType("Classification", Annotated[str, known(execution.Classification, "What went wrong, and so what follows.")])
AttemptStep = TypeAliasType(
    "AttemptStep", Annotated[str, known(("requote", "commit", "look_up", "take_over", "give_up"), "What an attempt was to do.")]
)
AttemptStatus = TypeAliasType(
    "AttemptStatus",
    Annotated[str, known(dict.fromkeys((*_ATTEMPTED, *sorted(execution.FINAL))), "What came of an attempt.")],
)

ActivityKind = TypeAliasType("ActivityKind", Annotated[str, known(("request", "draft", "execution"), "How far a request came.")])
ActivityStatus = TypeAliasType(
    "ActivityStatus",
    Annotated[
        str,
        known(
            dict.fromkeys(("asked", "not_done", *draft.DraftStatus, *execution.ExecutionStatus)),
            "Where that stands: for a request `asked` or `not_done`, else the status of the draft or of the execution.",
        ),
    ],
)

ReceiptType = TypeAliasType(
    "ReceiptType",
    Annotated[
        str,
        known(
            ("amazon.order", "amazon.reorder", "zinc.order", "zinc.reorder", "subscriptions.cancel", "resy.book", "square.book"),
            "The vendor, and what was done there.",
        ),
    ],
)

Role = TypeAliasType("Role", Annotated[str, known(household.Role, "What somebody is in the household.")])
DeviceKind = TypeAliasType("DeviceKind", Annotated[str, known(device.DeviceKind, "Whose hands it is in: a program's cannot confirm.")])
HealthStatus = TypeAliasType("HealthStatus", Annotated[str, known(("ok", "ready"), "That it lives, or that it can work.")])
WebhookEventType = TypeAliasType(
    "WebhookEventType", Annotated[str, known((*webhook.EVENT_TYPES, webhook.TEST), "What a message tells of.")]
)
DeliveryState = TypeAliasType("DeliveryState", Annotated[str, known(webhook.DeliveryState, "How far a message came.")])
