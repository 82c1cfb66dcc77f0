"""What each route that takes a body takes, so that an attacker's body begins as a good one. A route that is not here fails the rows of attackers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.torture.api import Endpoint

#: Goes with everything that is sent, and must not come back in a problem.
CANARY = "Kanarienvogel7f3a"
_KEY = {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43}

#: By method and path. An id is named by what it is of, in braces.
CASES: Mapping[str, Mapping[str, Any]] = {
    "POST /v1/command/parse": {"text": f"{CANARY} milk", "now": "2026-03-03T12:00:00Z", "tz": "America/New_York", "requested": ["items"]},
    "POST /v1/command/hear": {"text": f"no {CANARY}", "about": "{of}"},
    "POST /v1/draft/create": {"text": f"what about {CANARY}", "channel": "http", "answers": "{request_id}"},
    "POST /v1/draft/modify": {"draft_id": "{draft_id}", "text": f"make it {CANARY}"},
    "POST /v1/draft/confirm": {"draft_id": "{draft_id}", "draft_hash": "0" * 64, "signature": f"e30..{CANARY}"},
    "POST /v1/draft/cancel": {"draft_id": "{draft_id}"},
    "POST /v1/devices/enrol": {"code": CANARY, "name": CANARY, "signing_key": _KEY, "proof_key": _KEY},
    "POST /v1/members": {"name": CANARY, "role": "child"},
    "PATCH /v1/members/{member_id}": {"role": "adult"},
    "PATCH /v1/preferences": {"default_merchant": "amazon"},
    "POST /v1/usuals": {"name": CANARY, "text": f"2 packs of AA batteries and {CANARY}"},
    "POST /v1/webhooks": {"url": f"https://127.0.0.1/{CANARY}", "event_types": ["execution.done"]},
    "POST /mcp": {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "status", "arguments": {"of": "{of}"}}},
}
#: What changes something and takes no body.
WITHOUT_BODY = frozenset(
    {
        "POST /v1/devices/refresh",
        "POST /v1/devices/{device_id}/revoke",
        "POST /v1/drafts/{draft_id}/retry",
        "POST /v1/executions/{execution_id}/retry",
        "POST /v1/webhooks/{endpoint_id}/test",
        "DELETE /v1/usuals/{usual_id}",
        "DELETE /v1/webhooks/{endpoint_id}",
    }
)
#: Fields of bodies that name something.
ID_FIELDS = frozenset({"draft_id", "about", "answers", "of", "execution_id", "device_id", "user_id", "member_id", "usual_id", "request_id"})


def takes_a_body(endpoint: Endpoint) -> bool:
    return f"{endpoint.method} {endpoint.path}" in CASES


def body_for(endpoint: Endpoint, ids: Mapping[str, str]) -> bytes:
    """A good body, with `ids` in the fields that name something; empty where the route takes none."""
    if not takes_a_body(endpoint):
        return b""
    case = CASES[f"{endpoint.method} {endpoint.path}"]
    return json.dumps({name: ids.get(name, ids.get(str(value)[1:-1], value)) for name, value in case.items()}).encode()
