"""The steps of `halo demo`, each a call to the same door that every other command uses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from halo_cli import carrying_out, exit_codes
from halo_cli.exit_codes import ExitCode
from halo_cli.households import default_plan, described
from halo_cli.output import Heading, Lines, Output, Table
from halo_cli.session import clock_of, open_audit, open_engine, open_queries
from halo_engine import shapes
from halo_engine.audit import Verification
from halo_engine.engine import Engine
from halo_engine.model.card import Button, Card
from halo_engine.model.intent import Intent
from halo_engine.model.money import Money
from halo_engine.model.recollection import counted
from halo_engine.open_parse import words_reader
from halo_engine.settings import Settings

_NEXT = ("That home is gone. With one that stays:", '$ halo ask "order two packs of paper towels"')


def tell(place: str, text: str, out: Output) -> ExitCode:
    """The story of `text` in a home at `place`, and the exit code of where it ended."""
    settings = Settings(home=Path(place))
    out.show(Heading("0 · A household, with simulated vendors"))
    with open_engine(settings) as engine:
        household = engine.found_household(default_plan())
        with open_queries(settings) as queries:
            members, usuals = queries.members(), queries.usuals()
        out.show(Lines(described(settings, household, members, usuals)[:2]))
        intent, card = _words_to_card(engine, settings, text, household.time_zone, out)
        if Button.CONFIRM not in card.buttons:
            out.result({"text": text, "intent": intent.model_dump(mode="json"), "card": shapes.card(card)})
            return exit_codes.of_card(card.kind)
        return _card_to_audit(engine, settings, out, text=text, intent=intent, card=card)


def _words_to_card(engine: Engine, settings: Settings, text: str, zone: str, out: Output) -> tuple[Intent, Card]:
    out.show(Heading("1 · Somebody says"), Lines((f"“{text}”",)))
    read = words_reader(settings, clock_of(settings))
    intent = read(text, now=None, zone=zone, requested=())
    out.show(Heading("2 · Halo understands"), _brief(intent))
    card = engine.draft(text, member=None, channel="cli")
    out.show(Heading("3 · Halo drafts; nothing is bought"), card)
    return intent, card


def _card_to_audit(engine: Engine, settings: Settings, out: Output, *, text: str, intent: Intent, card: Card) -> ExitCode:
    draft_id, draft_hash = card.draft_id or "", card.draft_hash or ""
    out.show(Heading("4 · A member confirms exactly these terms"), Lines((f"sha256 {draft_hash}",)))
    end = carrying_out.carry_out(engine, settings, out, draft_id=draft_id, draft_hash=draft_hash, member=None, wait_s=60)
    out.show(Heading("5 · Halo executes, once, and keeps the receipt"), *end.shown())
    with open_audit(settings) as audit, open_queries(settings) as queries:
        found = audit.verify()
        draft = queries.draft(draft_id)
    out.show(Heading("6 · Every step is in the log"), Lines((_verdict(found),)), Heading("What next"), Lines(_NEXT))
    summary: dict[str, Any] = {"text": text, "intent": intent.model_dump(mode="json"), "draft": draft.contract()}
    out.result(summary | end.payload() | {"draft": draft.contract(), "audit": shapes.verification(found)})
    return end.exit_code if found.ok else ExitCode.FAILED


def _verdict(found: Verification) -> str:
    return f"audit verified: {counted(found.events)}" if found.ok else f"audit FAILED: {', '.join(found.problems)}"


def _brief(intent: Intent) -> Table:
    """The verb and what fills it, without the empty fields."""
    rows = [("Verb", intent.verb)]
    rows += [(_label(name), _phrase(name, value)) for name, value in intent.params.items() if value not in (None, [], "")]
    return Table(columns=("", ""), rows=(*rows, ("Sure", f"{round(intent.confidence * 100)} %")))


def _label(name: str) -> str:
    return name.removesuffix("_cents").replace("_", " ").capitalize()


def _phrase(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(_phrase(name, one) for one in value)
    if isinstance(value, dict):
        counted = f"{value['quantity']} × {value['name']}" if {"quantity", "name"} <= value.keys() else ""
        rest = [_phrase(key, one) for key, one in value.items() if key not in ("quantity", "name") and one not in (None, [], "")]
        return ", ".join([part for part in (counted, *rest) if part])
    if name.endswith("_cents") and isinstance(value, int):
        return Money(cents=value).display
    return value if isinstance(value, str) else json.dumps(value)
