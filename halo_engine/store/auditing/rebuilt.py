"""What a household's books must hold, folded from its log alone: every view of what happened can be made anew from it.

The log says of a draft or a receipt which bytes it was, by their hash; the bytes lie in the books. `store.auditing.books` holds the two against
each other, and `halo_engine.replay` draws the cards of any day from them.

Ids and hashes are interned: a log of years names each of them several times, and one copy is enough to remember.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from sys import intern
from typing import Any, NamedTuple

from halo_engine.model.execution import ExecutionStatus
from halo_engine.store.auditing.entries import Entry
from halo_engine.store.values import to_json

Payload = Mapping[str, Any]
Teller = Callable[[Entry, Payload], None]


class DraftFacts(NamedTuple):
    """`status` is open, confirmed or cancelled; that it has expired follows from the time."""

    status: str
    revision: int
    draft_hash: str
    verb: str
    vendor: str
    request_id: str | None
    expires_at: str


class ConfirmationFacts(NamedTuple):
    id: str
    draft_hash: str
    user_id: str | None
    latency_ms: int
    at: str
    maximum_cents: int


class SignatureFacts(NamedTuple):
    draft_id: str
    draft_hash: str
    user_id: str | None
    device_id: str | None


class ExecutionFacts(NamedTuple):
    draft_id: str
    draft_hash: str
    status: str
    vendor_reference: str | None
    charged_cents: int | None
    currency: str | None
    reason: str | None
    revised_draft_id: str | None
    handoff_url: str | None


class ReceiptFacts(NamedTuple):
    execution_id: str
    type: str
    reference: str | None
    content_sha256: bytes


class TokenFacts(NamedTuple):
    sha256: str | None
    expires_at: str


class DeviceFacts(NamedTuple):
    member_id: str
    token: TokenFacts
    revoked_at: str | None
    #: Of the keys their thumbprints.
    signing_key: str | None = None
    proof_key: str | None = None
    #: Given out and not used yet.
    next_token: TokenFacts | None = None
    kind: str = "person"
    #: With which code it came; None where it was given its token by hand.
    enrolment_id: str | None = None


class EnrolmentFacts(NamedTuple):
    member_id: str
    code_sha256: str
    expires_at: str
    kind: str = "person"
    revoked_at: str | None = None
    device_id: str | None = None


class EndpointFacts(NamedTuple):
    url_sha256: str
    event_types_json: str
    secret_version: int = 1
    disabled_because: str | None = None


class Rebuilt:
    """The books as far as the log has been read."""

    def __init__(self) -> None:
        self.drafts: dict[str, DraftFacts] = {}
        #: By draft.
        self.confirmations: dict[str, ConfirmationFacts] = {}
        self.executions: dict[str, ExecutionFacts] = {}
        self.receipts: dict[str, ReceiptFacts] = {}
        #: Kept yeses, by hash and member.
        self.approvals: set[tuple[str, str | None]] = set()
        #: By the SHA-256 of the JWS.
        self.signatures: dict[str, SignatureFacts] = {}
        self.devices: dict[str, DeviceFacts] = {}
        self.enrolments: dict[str, EnrolmentFacts] = {}
        self.endpoints: dict[str, EndpointFacts] = {}
        #: Where the household buys; None while it is where it was founded to buy, which the log does not tell.
        self.merchant: str | None = None

        self._tellers: Mapping[str, Teller] = {
            "draft.created": self._created,
            "draft.revised": self._revised,
            "draft.cancelled": self._cancelled,
            "draft.approved": self._approved,
            "draft.confirmed": self._confirmed,
            "receipt.stored": self._stored,
            "device.added": self._added,
            "device.revoked": self._revoked,
            "device.enrolled": self._enrolled,
            "device.refreshed": self._refreshed,
            "device.token_taken": self._took_token,
            "device_enrolment.opened": self._opened,
            "device_enrolment.revoked": self._closed,
            "webhook.added": self._attached,
            "webhook.removed": self._detached,
            "webhook.secret_changed": self._renewed,
            "webhook.disabled": self._disabled,
            "webhook.enabled": self._enabled,
            "household.preferences_changed": self._moved_to,
        } | {f"execution.{status.value}": self._moved for status in ExecutionStatus}

    def of(self, event_type: str) -> Teller | None:
        """What an event of this type changes; None where it changes nothing here."""
        return self._tellers.get(event_type)

    def tell(self, event: Entry, payload: Payload) -> None:
        """What the next event changes. Raises `AttributeError`, `LookupError`, `TypeError` or `ValueError` where it is not what its type tells."""
        if teller := self.of(event.event_type):
            teller(event, payload)

    def _created(self, event: Entry, payload: Payload) -> None:
        draft_id, draft_hash = intern(event.entity_id), intern(payload["draft_hash"])
        told = (intern(payload["verb"]), intern(payload["vendor"]), payload.get("request_id"), payload["expires_at"])
        self.drafts[draft_id] = DraftFacts("open", 1, draft_hash, *told)

    def _revised(self, event: Entry, payload: Payload) -> None:
        draft_id, revision, draft_hash = intern(event.entity_id), int(payload["revision"]), intern(payload["draft_hash"])
        before = self.drafts[draft_id]
        changed = {"status": "open", "revision": revision, "draft_hash": draft_hash, "expires_at": payload["expires_at"]}
        self.drafts[draft_id] = before._replace(**changed, vendor=intern(payload.get("vendor") or before.vendor))

    def _cancelled(self, event: Entry, _payload: Payload) -> None:
        self.drafts[event.entity_id] = self.drafts[event.entity_id]._replace(status="cancelled")

    def _approved(self, event: Entry, payload: Payload) -> None:
        self.approvals.add((payload["draft_hash"], event.user_id))
        self._signed(event, payload)

    def _signed(self, event: Entry, payload: Payload) -> None:
        if sha256 := payload.get("signature_sha256"):
            self.signatures[sha256] = SignatureFacts(event.entity_id, payload["draft_hash"], event.user_id, payload["device_id"])

    def _confirmed(self, event: Entry, payload: Payload) -> None:
        draft_id, draft_hash = intern(event.entity_id), intern(payload["draft_hash"])
        self.drafts[draft_id] = self.drafts[draft_id]._replace(status="confirmed")
        told = (
            payload["confirmation_id"],
            draft_hash,
            event.user_id and intern(event.user_id),
            payload["confirmation_latency_ms"],
            event.created_at,
            payload["maximum_cents"],
        )
        self._signed(event, payload)
        self.confirmations[draft_id] = ConfirmationFacts(*told)
        nothing_yet = (None,) * 6
        self.executions[intern(payload["execution_id"])] = ExecutionFacts(draft_id, draft_hash, "confirmed", *nothing_yet)

    def _moved(self, event: Entry, payload: Payload) -> None:
        _ = self.executions[event.entity_id]
        told = map(payload.get, ("vendor_reference", "charged_cents", "currency", "reason", "revised_draft_id", "handoff_url"))
        facts = ExecutionFacts(intern(payload["draft_id"]), intern(payload["draft_hash"]), _STATUS[event.event_type], *told)
        self.executions[intern(event.entity_id)] = facts

    def _stored(self, event: Entry, payload: Payload) -> None:
        content = bytes.fromhex(payload["content_sha256"])
        told = (intern(payload["execution_id"]), intern(payload["type"]), payload["external_reference_id"])
        self.receipts[event.entity_id] = ReceiptFacts(*told, content)

    def _added(self, event: Entry, payload: Payload) -> None:
        token = TokenFacts(payload.get("token_sha256"), payload["expires_at"][:19])
        self.devices[event.entity_id] = DeviceFacts(payload["member_id"], token, None, kind=_kind(payload))

    def _enrolled(self, event: Entry, payload: Payload) -> None:
        token = TokenFacts(payload["token_sha256"], payload["expires_at"][:19])
        keys = {"signing_key": payload["signing_key"], "proof_key": payload["proof_key"]}
        facts = DeviceFacts(payload["member_id"], token, None, **keys, kind=_kind(payload), enrolment_id=payload["enrolment_id"])
        self.devices[event.entity_id] = facts
        used = self.enrolments[payload["enrolment_id"]]
        self.enrolments[payload["enrolment_id"]] = used._replace(device_id=event.entity_id)

    def _refreshed(self, event: Entry, payload: Payload) -> None:
        token = TokenFacts(payload["token_sha256"], payload["expires_at"][:19])
        self.devices[event.entity_id] = self.devices[event.entity_id]._replace(next_token=token)

    def _took_token(self, event: Entry, payload: Payload) -> None:
        token = TokenFacts(payload["token_sha256"], payload["expires_at"][:19])
        self.devices[event.entity_id] = self.devices[event.entity_id]._replace(token=token, next_token=None)

    def _opened(self, event: Entry, payload: Payload) -> None:
        told = (payload["member_id"], payload["code_sha256"], payload["expires_at"][:19])
        self.enrolments[event.entity_id] = EnrolmentFacts(*told, kind=_kind(payload))

    def _closed(self, event: Entry, _payload: Payload) -> None:
        self.enrolments[event.entity_id] = self.enrolments[event.entity_id]._replace(revoked_at=event.created_at)

    def _revoked(self, event: Entry, _payload: Payload) -> None:
        self.devices[event.entity_id] = self.devices[event.entity_id]._replace(revoked_at=event.created_at)

    def _attached(self, event: Entry, payload: Payload) -> None:
        self.endpoints[event.entity_id] = EndpointFacts(payload["url_sha256"], to_json(list(payload["event_types"])))

    def _detached(self, event: Entry, _payload: Payload) -> None:
        del self.endpoints[event.entity_id]

    def _renewed(self, event: Entry, payload: Payload) -> None:
        self.endpoints[event.entity_id] = self.endpoints[event.entity_id]._replace(secret_version=payload["version"])

    def _disabled(self, event: Entry, payload: Payload) -> None:
        self.endpoints[event.entity_id] = self.endpoints[event.entity_id]._replace(disabled_because=payload["reason"])

    def _enabled(self, event: Entry, _payload: Payload) -> None:
        self.endpoints[event.entity_id] = self.endpoints[event.entity_id]._replace(disabled_because=None)

    def _moved_to(self, _event: Entry, payload: Payload) -> None:
        self.merchant = payload["default_merchant"]


def _kind(payload: Payload) -> str:
    """Before there were two, every device was a person's."""
    return str(payload.get("kind", "person"))


_STATUS = {f"execution.{status.value}": status.value for status in ExecutionStatus}
