"""The parts of an execution page as text: who confirmed what, the words and what they gave, the timeline, attempts, exchanges, and what is proven.

Pure: values in, lines out. Texts of people and vendors go through `shown`, and nothing is read as markup.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from rich.table import Table
from rich.text import Text
from textual.content import Content

from cards import grids
from cards.looks import LOOKS
from cards.words import MAX_WARNING_CHARS, shown
from halo_cli.settlements import settled_line
from halo_cli.tui.parts.log_lines import duration, gist, moment_in_full, short_id, sign_of
from halo_engine.model.card import execution_card
from halo_engine.model.exchange import Exchange
from halo_engine.model.spans import Span
from halo_engine.model.text import readable
from halo_engine.model.trails import Line, Proof, Trip, Words

_MAX_SENTENCE, _MAX_BODY_LINES = 1_200, 400
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_REDACTED = re.compile(r"‹redacted: [^›]*›")


def heading(trip: Trip) -> Iterator[Content]:
    """What it is and how it stands, in two sentences."""
    card = execution_card(trip.execution, trip.draft, trip.receipt)
    yield Content.styled(f"{LOOKS[card.kind].sign} {shown(card.title)}", "bold")
    yield Content(shown(card.summary, max_chars=1_000))
    if settled := settled_line((line.event_type, line.payload) for line in trip.events):
        yield Content.styled(f"✓ {shown(settled, max_chars=400)}", "bold")
    yield Content("")


def summary(trip: Trip, zone: ZoneInfo) -> Table:
    """What was done, for how much, and on whose word; long values keep to their column."""
    return grids.facts(
        (Text(label, style="dim"), Text(shown(text, max_chars=2_000), overflow="fold")) for label, text in _facts(trip, zone)
    )


def warnings(trip: Trip) -> Content:
    """As they stood on the card: none is cut."""
    return Content("\n").join(Content(f"▲ {shown(warning, max_chars=MAX_WARNING_CHARS)}") for warning in trip.draft.terms.warnings)


def _facts(trip: Trip, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    execution, terms = trip.execution, trip.draft.terms
    for number, line in enumerate(terms.lines):
        yield "" if number else "Lines", f"{line.quantity} × {line.title} at {line.unit_price.display}"
    charged = execution.final_cost.display if execution.final_cost else "nothing" if execution.is_final else "nothing so far"
    yield "Charged", f"{charged}; confirmed {terms.total.display}, at most {terms.maximum.display}"
    if execution.vendor_reference:
        yield "Reference", f"{execution.vendor_reference} at {terms.payee}"
    waited = duration(trip.confirmation.confirmation_latency_ms)
    who = " and ".join(trip.approved_by)
    yield "Confirmed", f"by {who}, {moment_in_full(trip.confirmation.confirmed_at, zone)}, {waited} after it was shown"
    yield "Terms", f"revision {trip.draft.revision}, {trip.confirmation.draft_hash}"
    if execution.revised_draft_id:
        yield "In its place", f"{execution.revised_draft_id} (D opens it)"
    yield "Id", execution.id


# Words


def words_told(words: Words | None) -> Iterator[Content]:
    """The sentence with its spans underlined and numbered, and what each gave."""
    if words is None:
        yield Content.styled("The request is not in the books.", "$quiet")
        return
    if not words.text:
        yield Content.styled("The words were erased. What was understood of them stands in the draft.", "italic")
    else:
        yield sentence(words.text, words.spans)
    understood = f"{words.verb}, {words.sureness} % sure · {words.member or 'somebody'} by {words.channel}"
    yield Content.styled(shown(understood), "$quiet")
    for number, span in enumerate(words.spans, 1):
        became = f"{span.field} = {shown(span.value, max_chars=200)}" if span.field else "no field of its own"
        yield Content.assemble(
            (f"  {number}  ", "$primary"), (shown(span.text, max_chars=60), "underline"), (f"  {shown(span.type)} → ", "$quiet"), became
        )
    for name, value in words.unsaid:
        yield Content.assemble("  ·  ", (f"nobody said: {shown(name)} = ", "$quiet"), shown(value, max_chars=200))


def sentence(text: str, spans: tuple[Span, ...]) -> Content:
    """The person's words, on as many lines as they need: what a parser took is underlined, with the number it has in the list."""
    # Of the same length, so the offsets still count.
    plain = readable(text)[:_MAX_SENTENCE]
    parts: list[Content | str | tuple[str, str]] = ["“"]
    place = 0
    for number, span in enumerate(spans, 1):
        if span.start < place or span.end > len(plain):
            continue
        parts += [_piece(plain[place : span.start]), (_piece(plain[span.start : span.end]), "underline bold")]
        parts.append((str(number).translate(_SUPERSCRIPTS), "$primary"))
        place = span.end
    parts += [_piece(plain[place:]), "…”" if len(text) > _MAX_SENTENCE else "”"]
    return Content.assemble(*parts)


def _piece(text: str) -> str:
    """Harmless, with the space at its ends, of which one is enough."""
    inner = shown(text, max_chars=_MAX_SENTENCE)
    if not inner:
        return " " if text else ""
    return f"{' ' if text[0].isspace() else ''}{inner}{' ' if text[-1].isspace() else ''}"


# What happened


def timeline(events: tuple[Line, ...], *, zone: ZoneInfo, names: Mapping[str, str]) -> Iterator[Content]:
    """Every event of the trip, with how long after the one before it came."""
    before: datetime | None = None
    for line in events:
        sign, ink = sign_of(line.event_type)
        local = line.at.astimezone(zone) if line.at else None
        new_day = local and (before is None or before.astimezone(zone).date() != local.date())
        if local and new_day:
            yield Content.styled(f"{local:%A} {local.day} {local:%B %Y}", "$quiet")
        gap = _gap(line.at - before) if line.at and before else ""
        who = names.get(line.user_id or "", "")
        parts = [
            (f"{local:%H:%M:%S} " if local else "??:??:?? ", ""),
            (f"{gap:>9}  ", "$quiet"),
            (f"{sign} {shown(line.event_type, max_chars=60)}", _STYLES[ink]),
            (f"  {'cannot be read' if line.damaged else gist(line)}", ""),
            (f"  {shown(who, max_chars=20)}" if who else "", "$quiet"),
            (f"  #{line.seq:,}", "$quiet"),
        ]
        yield Content.assemble(*(part for part in parts if part[0]))
        before = line.at or before


_STYLES = {
    "": "bold",
    "good": "bold $success",
    "bad": "bold $error",
    "care": "bold $warning",
    "quiet": "bold $quiet",
    "accent": "bold $accent",
}


def _gap(by: timedelta) -> str:
    if by < timedelta(0):
        # The clock was set back in between.
        return "earlier"
    ms = int(by.total_seconds() * 1000)
    return f"+{duration(ms)}" if ms else "at once"


def attempts(trip: Trip, zone: ZoneInfo) -> Iterator[Content]:
    if not trip.attempts:
        yield Content.styled("None yet.", "$quiet")
    for one in trip.attempts:
        sign = "✓" if one.status == "done" else "…" if one.finished_at is None else "✗" if one.classification else "·"
        took = duration(int((one.finished_at - one.started_at).total_seconds() * 1000)) if one.finished_at else "still at it"
        wait = f", then wait {duration(one.retry_delay_ms)}" if one.retry_delay_ms is not None else ""
        kind = f", {one.classification.value.replace('_', ' ')}" if one.classification else ""
        started = f"{one.started_at.astimezone(zone):%H:%M:%S}"
        yield Content.assemble(
            (f"{one.attempt_number:>2}  ", "$primary"),
            f"{sign} {shown(one.step)} ",
            (shown(one.status.replace("_", " ")), "bold"),
            f"{kind}{wait}",
            (f"  {started}, {took}", "$quiet"),
        )
        if one.error_message:
            yield Content(f"      {shown(one.error_message, max_chars=1_000)}")


# Vendors


def exchange_line(one: Exchange) -> Content:
    status = str(one.status) if one.status else "no answer"
    good = one.status and one.status < 400
    return Content.assemble(
        (f"{shown(one.method, max_chars=10)} ", "bold"),
        shown(urlsplit(one.url).path or one.url, max_chars=160),
        (f"  → {'' if good else '! '}{status}", "bold" if good else "bold $warning"),
        (f"  {duration(one.took_ms)}", "$quiet"),
    )


def exchange_body(one: Exchange, zone: ZoneInfo) -> Content:
    at = one.at.astimezone(zone)
    lines = [Content(f"{shown(one.method, max_chars=10)} {shown(one.url, max_chars=1_000)}")]
    lines += [Content.styled(f"{at:%H:%M:%S}, as it was kept; what stands in ‹ › was taken out before it was written", "$quiet")]
    lines += [Content.styled("Said", "bold"), *_body(one.request_text), Content.styled("Answered", "bold"), *_body(one.answer_text)]
    return Content("\n").join(lines)


def _body(text: str) -> Iterator[Content]:
    lines = _pretty(text).splitlines()
    if not lines:
        yield Content.styled("  nothing", "$quiet")
    for line in lines[:_MAX_BODY_LINES]:
        indent = min(len(line) - len(line.lstrip(" ")), 40)
        yield _marked(f"  {' ' * indent}", shown(line, max_chars=4_000))
    if len(lines) > _MAX_BODY_LINES:
        yield Content.styled(f"  … {len(lines) - _MAX_BODY_LINES:,} more lines", "$quiet")


def _pretty(text: str) -> str:
    """JSON with a line for each field; anything else, and what was cut, as it is."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return text


def _marked(indent: str, line: str) -> Content:
    """What was taken out is seen to have been."""
    parts: list[str | tuple[str, str]] = [indent]
    place = 0
    for found in _REDACTED.finditer(line):
        parts += [line[place : found.start()], (found[0], "reverse")]
        place = found.end()
    return Content.assemble(*parts, line[place:])


# Proof


def proof(found: Proof, *, receipt_id: str | None) -> Iterator[Content]:
    """What is proven here, what is not, and what proves more."""
    if found.broken:
        for words in found.broken:
            yield Content.styled(f"✗ {shown(words)}", "bold $error")
        yield Content("  These events are not what was written. See: halo audit verify")
    else:
        yield Content(f"✓ Each of its {found.events} events gives its own hash and hangs together with its neighbours in the log.")
    if found.covered_by is None:
        yield Content("○ No head of the log has been signed here yet. Sign one with: halo audit checkpoint")
    elif not found.head_holds:
        yield Content.styled(
            f"✗ The log does not go through its head of {found.covered_by:,} events, which was signed here.", "bold $error"
        )
    elif found.is_covered:
        yield Content(
            f"✓ Covered by the signed checkpoint of {found.covered_by:,} events: none of them can be changed without its being seen."
        )
    else:
        yield Content(f"○ Newer than the signed checkpoint of {found.covered_by:,} events. Sign a new one with: halo audit checkpoint")
    yield Content.styled("F4 verifies the whole log.", "$quiet")
    if receipt_id:
        yield Content.styled(f"For somebody else, offline: halo audit prove {receipt_id}", "$quiet")


def receipt_line(trip: Trip) -> Content:
    receipt = trip.receipt
    if receipt is None:
        why = "Nothing was done, so there is none." if trip.execution.is_final else "It is written when this is done."
        return Content.styled(why, "$quiet")
    number = f" · the vendor's number {receipt.external_reference_id}" if receipt.external_reference_id else ""
    return Content(shown(f"{short_id(receipt.id)} · {receipt.type}{number}"))
