"""Records an example of every operation and of every kind of card, from a real installation with a clock that stands still: `just examples`.

One file each in fixtures/http, `<operationId>.<case>.json`: what was asked, and what was answered. Tokens, codes and other secrets in it are
replaced; everything else is as it went over the wire. `server/openapi.json` shows them, and a test records them again and compares.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from halo_engine.model.money import Money
from halo_engine.model.reading import Reading
from halo_engine.parsing.fallback import Plain
from halo_engine.parsing.parser import ParseContext
from halo_engine.vendors import zinc as zinc_adapter
from halo_engine.vendors.zinc_wire import order_body
from halo_sim.data import fixtures_root
from server.app import create_app
from tests.installation import Installation
from tests.server.calling import BATTERIES

#: The lengths are true.
_SECRETS = (
    (re.compile(r"hdv_[0-9a-f]{64}"), "hdv_" + "0" * 64),
    (re.compile(r"whsec_[A-Za-z0-9+/=]+"), "whsec_" + "A" * 43 + "="),
    (re.compile(r"(?<=&sig=)[A-Za-z0-9_-]{43}"), "A" * 43),
)
_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
}


@dataclass
class Recorder:
    """Calls one server as one device, and keeps what it is told to keep."""

    home: Installation
    client: TestClient
    token: str
    kept: dict[str, str] = field(default_factory=dict)
    _calls: int = 0

    def get(self, path: str, *keep: str, accept: str = "application/json", **query: str) -> Any:
        return self.call("GET", path, None, *keep, accept=accept, query=query)

    def post(self, path: str, body: Mapping[str, Any] | None, *keep: str) -> Any:
        return self.call("POST", path, body, *keep)

    def call(
        self, method: str, path: str, body: Mapping[str, Any] | None, *keep: str, accept: str = "application/json", query: Any = None
    ) -> Any:
        """The body of the answer. `keep` is the name of the example and its summary; nothing is kept without."""
        self._calls += 1
        headers = {"Authorization": f"Bearer {self.token}", "X-Request-Id": f"example-{self._calls:04}", "Accept": accept}
        if method != "GET" and not path.startswith(("/v1/command", "/v1/devices/enrol", "/v1/devices/refresh")):
            headers["Idempotency-Key"] = f"example-{self._calls:04}"
        answer = self.client.request(method, path, params=query or None, json=body, headers=headers)
        kind = answer.headers["content-type"].partition(";")[0]
        said = answer.json() if kind.endswith("json") else answer.text
        if keep:
            name, summary = keep
            shown = {each: value for each, value in headers.items() if each == "Idempotency-Key"} | {
                "Authorization": "Bearer " + self.token
            }
            asked = {"method": method, "path": answer.request.url.raw_path.decode(), "headers": shown} | ({"body": body} if body else {})
            given = {"status": answer.status_code, "content_type": kind, "body": said}
            self._keep(name, {"summary": summary, "request": asked, "response": given})
        return said

    def keep_for(self, token: str, first_call: int) -> Recorder:
        """Another caller of the same server, whose examples are kept with these."""
        return Recorder(self.home, self.client, token, self.kept, first_call)

    def _keep(self, name: str, example: Mapping[str, Any]) -> None:
        assert name not in self.kept, name
        text = json.dumps(example, ensure_ascii=False, indent=1) + "\n"
        for some, instead in _SECRETS:
            text = some.sub(instead, text)
        self.kept[name] = text

    def draft(self, text: str, *keep: str) -> dict[str, Any]:
        drafted: dict[str, Any] = self.post("/v1/draft/create", {"text": text}, *keep)
        return drafted

    def confirm(self, drafted: Mapping[str, Any], *keep: str) -> str:
        """The id of what was started."""
        body = {name: drafted[name] for name in ("draft_id", "draft_hash")}
        return str(self.post("/v1/draft/confirm", body, *keep)["execution_id"])

    def carry_out(self, drafted: Mapping[str, Any], *, wait_s: float = 600) -> str:
        """As a worker would."""
        execution_id = self.confirm(drafted)
        self.home.engine.execute(execution_id, wait_s=wait_s)
        return execution_id


def record(place: Path) -> dict[str, str]:
    """Every example by the name of its file, recorded in the directory `place`."""
    with pytest.MonkeyPatch.context() as patched:
        # By the machine's own clock: how long it takes to read words is never the same twice, and it stands in the log.
        patched.setattr(Plain, "read", _in_no_time)
        return _recorded(place)


_read = Plain.read


def _in_no_time(parser: Plain, text: str, context: ParseContext) -> Reading:
    reading = _read(parser, text, context)
    return reading.model_copy(update={"spoke": reading.spoke.model_copy(update={"latency_ms": 4})})


def _recorded(place: Path) -> dict[str, str]:
    kept: dict[str, str] = {}
    for scenes, merchant in ((_SCENES, "amazon"), (_AT_ZINC, "zinc")):
        home = Installation.open(place / merchant, merchant=merchant, public_url="https://halo.example")
        with TestClient(create_app(home.settings, clock=home.clock)) as client:
            token = home.engine.devices.add("Alex's iPhone", by=None).token.get_secret_value()
            recorder = Recorder(home, client, token)
            for scene in scenes:
                scene(recorder)
        home.engine.close()
        kept |= recorder.kept
    return {f"{name}.json": text for name, text in sorted(kept.items())}


def _health(at: Recorder) -> None:
    at.get("/healthz", "getHealth", "The process answers.")
    at.get("/readyz", "getReadiness", "The books can be read.")


def _home(at: Recorder) -> None:
    household = at.get("/v1/household", "getHousehold", "A household of three, and the owner calling.")
    at.get("/v1/members", "listMembers", "Everyone.")
    at.get("/v1/rules", "getRules", "The rules a household starts with.")
    at.get("/v1/preferences", "getPreferences", "Where it buys, how it pays, where things are sent.")
    kim = household["members"][2]
    at.call("PATCH", f"/v1/members/{kim['id']}", {"role": "adult"}, "changeMemberRole", "Kim is grown up.")
    at.call("PATCH", f"/v1/members/{kim['id']}", {"role": "child"})
    at.call("PATCH", "/v1/preferences", {"default_merchant": "amazon"}, "changePreferences", "Buy at Amazon.")
    at.post("/v1/members", {"name": "Robin", "role": "guest"}, "addMember", "Robin stays for a while.")
    at.post("/v1/members", {"name": "robin"}, "addMember.taken", "A name that somebody has.")


def _usuals(at: Recorder) -> None:
    saved = at.post("/v1/usuals", {"name": "remotes", "text": BATTERIES}, "saveUsual", "Batteries, under a name.")
    at.get("/v1/usuals", "listUsuals", "Everything that was saved.")
    at.call("DELETE", f"/v1/usuals/{saved['id']}", None, "removeUsual", "Forgotten.")


def _words(at: Recorder) -> None:
    at.post("/v1/command/parse", {"text": "book a table for two at Nopa tomorrow at 7:30pm"}, "parseCommand", "A table.")
    against = {"text": "order dish soap under $10", "now": "2026-03-03T17:00:00Z", "tz": "America/New_York"}
    at.post("/v1/command/parse", against, "parseCommand.against", "Read as somebody elsewhere would mean it.")
    at.post("/v1/command/parse", {"text": 7}, "parseCommand.bad_body", "A number is no text.")


def _order(at: Recorder) -> None:
    """From words to receipt."""
    drafted = at.draft(BATTERIES, "createDraft", "An order.")
    draft_id = drafted["draft_id"]
    at.post("/v1/command/hear", {"text": "make it 3", "about": drafted["request_id"]}, "hearCommand", "Something should be different.")
    at.get(f"/v1/drafts/{draft_id}", "getDraft", "A draft that waits.")
    at.get(f"/v1/drafts/{draft_id}/form", "getDraftForm", "How many of what.")
    at.post("/v1/draft/modify", {"draft_id": draft_id, "text": "make it 3"}, "modifyDraft", "In words.")
    values = {"items.0.quantity": "2"}
    changed = at.post("/v1/draft/modify", {"draft_id": draft_id, "values": values}, "modifyDraft.values", "By its form.")
    at.get(f"/v1/drafts/{draft_id}/revisions", "listDraftRevisions", "What was shown, one after the other.")
    at.get(f"/v1/cards/{draft_id}", "getCard.draft", "A draft.")
    stale = {"draft_id": draft_id, "draft_hash": drafted["draft_hash"]}
    at.post("/v1/draft/confirm", stale, "confirmDraft.terms_changed", "A yes to what stands no more.")
    execution_id = at.confirm(changed, "confirmDraft", "A yes to what stands.")
    at.get(f"/v1/cards/{execution_id}", "getCard.executing", "What is being done.")
    at.home.engine.execute(execution_id, wait_s=600)
    at.get(f"/v1/cards/{execution_id}", "getCard.done", "What was done.")
    at.get(f"/v1/cards/{execution_id}", "getCard.text", "The same, as text.", accept="text/plain")
    at.get(f"/v1/executions/{execution_id}", "getExecution", "An order that is done.")
    at.get(f"/v1/executions/{execution_id}/events", "streamExecutionEvents", "An order that is done already: all of it, and the end.")
    at.get(f"/v1/receipts/{execution_id}", "getReceipt", "What proves it.")
    at.get("/v1/cards/dft_01jd9k7q3mf0jv7p2t8z6c4x5e", "getCard.not_found", "What is not there.")


def _draft_cards(at: Recorder) -> None:
    question = at.draft("order AAA batteries", "createDraft.question", "Several would fit, so it asks.")
    at.get(f"/v1/cards/{question['request_id']}", "getCard.clarification", "A question.")
    at.post("/v1/draft/create", {"text": "1", "answers": question["request_id"]}, "createDraft.answer", "The first one.")
    refused = at.draft("remind me to call mum", "createDraft.not_supported", "Something that Halo does not do.")
    assert refused["kind"] == "not_supported"
    unknown = at.draft("order a grand piano", "createDraft.unavailable", "Something that cannot be had.")
    assert unknown["kind"] == "unavailable"
    dropped = at.draft(BATTERIES)
    at.post("/v1/draft/cancel", {"draft_id": dropped["draft_id"]}, "cancelDraft", "No.")
    at.get(f"/v1/cards/{dropped['draft_id']}", "getCard.cancelled", "A draft that was dropped.")
    late = at.draft(BATTERIES)
    at.home.later(hours=1)
    at.get(f"/v1/cards/{late['draft_id']}", "getCard.expired", "A draft whose time is over.")
    at.post(f"/v1/drafts/{late['draft_id']}/retry", None, "retryDraft", "Again, at today's prices.")


def _execution_cards(at: Recorder) -> None:
    soon = at.draft(BATTERIES)
    at.home.fault("price_up", amount=120)
    moved = at.carry_out(soon)
    at.get(f"/v1/cards/{moved}", "getCard.terms_changed", "The price went up after the yes.")
    failing = at.draft("order 2 packs of AA batteries")
    at.home.fault("out_of_stock", target=failing["draft"]["terms"]["lines"][0]["reference"])
    failed = at.carry_out(failing)
    at.get(f"/v1/cards/{failed}", "getCard.failed", "Sold out meanwhile.")
    at.post(f"/v1/executions/{failed}/retry", None, "retryExecution", "Asked for again: it still cannot be had.")
    gone = at.draft("book a table for two at Nopa tomorrow at 7:30pm")
    at.home.fault("drop_before")
    at.get(f"/v1/cards/{at.carry_out(gone)}", "getCard.needs_attention", "Nobody can tell whether it happened.")
    at.get(f"/v1/cards/{at.carry_out(at.draft('cancel vireo mobile'))}", "getCard.handed_off", "A person has to finish it.")
    lost = at.draft("order dish soap", "createDraft.soap", "Another order.")
    at.home.fault("lose_answer")
    at.home.fault("hide_orders", times=99)
    at.get(f"/v1/cards/{at.carry_out(lost, wait_s=1)}", "getCard.checking", "The answer was lost, and Halo looks for it.")


def _lists(at: Recorder) -> None:
    at.get("/v1/executions", "listExecutions", "The newest two, and where the next begin.", limit="2")
    at.get("/v1/drafts", "listDrafts", "What still waits for a yes.", limit="1")
    at.get("/v1/activity", "listActivity", "The newest three, and where the next begin.", limit="3")
    at.get("/v1/requests", "listRequests", "The newest two.", limit="2")
    at.get("/v1/activity", "listActivity.bad_cursor", "A cursor that was never given.", cursor="bm90aGluZw")
    at.get("/v1/metrics", "getMetrics", "How it went so far.")


def _devices(at: Recorder) -> None:
    invited = at.home.engine.devices.open_enrolment("Sam's iPhone", by=None)
    code = invited.code.get_secret_value()
    enrolled = at.post("/v1/devices/enrol", {"code": code, "signing_key": _KEY}, "enrolDevice", "A phone comes with its code and its key.")
    at.kept["enrolDevice"] = at.kept["enrolDevice"].replace(code, "0" * len(code))
    theirs = at.keep_for(enrolled["token"], 400)
    draft_id = theirs.draft("order dish soap")["draft_id"]
    theirs.get(f"/v1/drafts/{draft_id}/signing-object", "getSigningObject", "What this phone would sign.")
    at.get("/v1/devices", "listDevices", "Two phones.")
    at.post("/v1/devices/refresh", None, "refreshDevice", "Another token before this one ends.")
    at.post(f"/v1/devices/{enrolled['device']['id']}/revoke", None, "revokeDevice", "A phone was lost.")


def _webhooks(at: Recorder) -> None:
    body = {"url": "https://example.com/halo", "event_types": ["execution.done"]}
    endpoint = at.post("/v1/webhooks", body, "createWebhookEndpoint", "Told when something is done.")["endpoint"]
    at.get("/v1/webhooks", "listWebhookEndpoints", "Who is told.")
    at.post(f"/v1/webhooks/{endpoint['id']}/test", None, "testWebhookEndpoint", "A message that tells of nothing.")
    at.get(f"/v1/webhooks/{endpoint['id']}/deliveries", "listWebhookDeliveries", "What waits to be sent.")
    at.call("DELETE", f"/v1/webhooks/{endpoint['id']}", None, "deleteWebhookEndpoint", "Told nothing more.")


def _refusals(at: Recorder) -> None:
    """Whoever has no key, no token or no say."""
    child = at.keep_for(at.home.engine.devices.add("Kim's tablet", by="Kim").token.get_secret_value(), 500)
    drafted = child.draft("order paper towels")
    child.post("/v1/draft/confirm", {name: drafted[name] for name in ("draft_id", "draft_hash")}, "confirmDraft.child", "A child's yes.")
    at.home.engine.membership.change_rules(lambda rules: rules.with_two_people_above(Money(cents=1000)), by=None)
    body = {name: drafted[name] for name in ("draft_id", "draft_hash")}
    at.post("/v1/draft/confirm", body, "confirmDraft.needs_another", "One of two yeses.")
    stranger = at.keep_for("hdv_" + "f" * 64, 600)
    stranger.get("/v1/household", "getHousehold.unauthenticated", "A token that nobody has.")
    at.get("/v1/cards/dft_01jd9k7q3mf0jv7p2t8z6c4x5e", "getCard.not_acceptable", "No card is a film.", accept="video/mp4")


def _partly(at: Recorder) -> None:
    """As an account that buys what it can: Halo itself never wishes for that."""
    some = at.draft("reorder")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(zinc_adapter, "order_body", lambda basket: {**order_body(basket), "fulfillment": {"items": "best_effort"}})
        execution_id = at.carry_out(some, wait_s=1)
        at.home.fault("out_of_stock", target="B0EZRHW47C")
        at.home.engine.execute(execution_id, wait_s=600)
    at.get(f"/v1/cards/{execution_id}", "getCard.partial", "One of three was sold out.")


Scene = Callable[[Recorder], None]

_SCENES: tuple[Scene, ...] = (
    _health,
    _home,
    _usuals,
    _words,
    _order,
    _draft_cards,
    _execution_cards,
    _lists,
    _devices,
    _webhooks,
    _refusals,
)
_AT_ZINC: tuple[Scene, ...] = (_partly,)


def main() -> None:
    """Write fixtures/http anew."""
    folder = fixtures_root() / "http"
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        recorded = record(Path(place))
    for file in folder.glob("*.json"):
        if file.name not in recorded:
            file.unlink()
    for name, text in recorded.items():
        (folder / name).write_text(text, encoding="utf-8")
    sys.stderr.write(f"{len(recorded)} examples in {folder}\n")


if __name__ == "__main__":
    main()
