"""Which verb a text asks for, where its words begin and end, and whether it asks for anything at all.

The first clause that begins like a command is the request; a second command after it is left over. Everything else is UNSUPPORTED: it is
better to ask again than to buy what was only mentioned. A trained model takes this file's place; it is kept small on purpose."""

from __future__ import annotations

import re
from dataclasses import dataclass

from halo_engine.parsing.quantities import NUMBER

_POLITE = re.compile(
    r"(?:(?:hey|hi|hello|ok|okay|yes|yeah|halo|please|pls|plz|kindly|now|then|also|so|well|um|uh|actually|just|next|quick(?:ly)?|"
    r"go\s+ahead\s+and|let'?s|(?:can|could|would|will)\s+(?:you|u)|would\s+you\s+mind|help\s+(?:me|us)(?:\s+to)?|"
    r"(?:i|we)(?:'d|\s+would)?\s+(?:want|like|love|need)(?:\s+you)?\s+to|i\s+wanna|time\s+to)[\s,!.:]+){0,6}"
)
_BOUNDARY = re.compile(
    r"^[\s,.!\-*•]*|[.!?;,:\n]+\s*(?:and\s+|then\s+|also\s+|so\s+|but\s+|plus\s+){0,2}|\s(?:and|then|also|so|but|plus|&)\s+(?:then\s+|also\s+)?"
)

SERVICES = (
    r"(?:hair\s?cut|hair|dentist|dental|doctor|massage|manicure|pedicure|facial|spa|barber|vet|check-?up|cleaning|oil\s+change|salon|grooming|"
    r"nails?|physio(?:therapy)?|optician|eye\s+exam|tune-?up)"
)
_MEALS = r"(?:dinner|lunch|brunch|breakfast|supper)"
_BOOKABLE = rf"(?:table|reservation|booking|appointment|appt|{_MEALS}|{SERVICES})"
#: Words for a table in a restaurant.
TABLE_WORDS = re.compile(rf"\b(?:table|restaurant|reservation|{_MEALS}|seats?)\b")

_OURS = r"(?:(?:the|my|our|me|us|that)\s+)"


@dataclass(frozen=True)
class _Head:
    verb: str
    plain: bool  # the words can hardly mean anything else
    pattern: re.Pattern[str]


def _head(verb: str, pattern: str, *, plain: bool = True) -> _Head:
    return _Head(verb, plain, re.compile(pattern))


_HEADS = (
    _head("REORDER", r"re-?order\b"),
    _head("REORDER", rf"(?:order|buy|get|send|repeat|place|do|have)\s+{_OURS}{{0,2}}(?=(?:usual|same|(?:last|previous)\s+order)\b)"),
    _head("REORDER", r"(?=same\b[^,.;\n]{0,20}\b(?:last\s+(?:time|week|month|order)|again|before)\b|(?:my|our|the)\s+usual\b)"),
    _head("REORDER", r"repeat\s+(?:my|our|the|that)\s+(?=(?:\w{1,20}\s+){0,2}order\b)"),
    _head("REORDER", r"(?:order|buy|get|send)\s+(?:me\s+|us\s+)?(?=[^,.;!?\n]{1,60}?\bagain\b)"),
    _head("CANCEL", r"cancel\b(?!\s+culture)"),
    _head("CANCEL", r"unsubscribe(?:\s+(?:me|us))?\s+from\b"),
    _head("CANCEL", r"stop\s+paying\s+for\b"),
    _head(
        "CANCEL", r"(?:stop|end|terminate|discontinue|quit|drop|get\s+rid\s+of|kill)\s+(?=[^,.;!?\n]{0,60}\b(?:subscription|membership)\b)"
    ),
    _head("BOOK", r"(?:book|reserve)\s+(?=\w)"),
    _head(
        "BOOK",
        rf"(?:(?:can|could|may)\s+(?:i|we)\s+(?:please\s+)?|(?:i|we)(?:'d|\s+would)?\s+(?!have\b))?(?:make|get|find|need|want|like|have|schedule|set\s+up|arrange|book|reserve)(?:\s+(?:me|us))?\s+"
        rf"(?=(?:[^\s,.;]{{1,20}}\s+){{0,3}}?{_BOOKABLE}\b(?!\s+(?:ideas?|jokes?|recipes?|suggestions?|recommendations?|date|on\b|off\b)))",
    ),
    _head(
        "BOOK",
        rf"(?=(?:a\s+)?{_BOOKABLE}\s+(?:for|at|on|in|with|next|this|tomorrow|tonight|(?:mon|tues|wednes|thurs|fri|satur|sun)day|{NUMBER})\b)",
        plain=False,
    ),
    _head("ORDER", r"(?:place|make|put\s+in)\s+an\s+order(?:\s+(?:for|of))?\b"),
    _head(
        "ORDER",
        r"(?:order|buy|purchase)\b(?!\s+(?:status|number|history|was|is|has|hasn't|wasn't|isn't|confirmation|in\s+the|that\s+i|i)\b)(?:\s+(?:me|us)\b)?",
    ),
    _head("ORDER", r"add\s+(?=[^;!?\n]{1,200}\bto\s+(?:my|the|our)\s+(?:amazon\s+)?(?:cart|basket|order)\b)"),
    _head(
        "ORDER",
        r"(?:get|grab|send)\s+(?:me|us)\b|(?:get|grab|pick\s+up)\b|(?:i|we)(?:'d|\s+would)?\s+(?:need|want|like)\b(?!\s+(?:you|to|my|our)\b)|(?:can|could)\s+(?:i|we)\s+(?:get|have)\b",
        plain=False,
    ),
)

_ACT = r"(?:order|buy|get|purchase|cancel|book|reserve|re-?order|do|make|add|confirm|charge|place|send|pay|unsubscribe|change)"
_NEGATED = re.compile(
    rf"\b(?:do\s+not|don'?t|never|no\s+need\s+to|rather\s+not|not\s+(?:to|going\s+to|want\s+to)|shouldn'?t|won'?t)\s+(?:\w{{1,15}}\s+){{0,2}}{_ACT}\b"
)
_RETRACTED = re.compile(r"\b(?:no\s+wait|wait\s+no|never\s?mind|scratch\s+that|forget\s+it|just\s+kidding|jk)\b")
_LATER = re.compile(
    r"\b(?:whenever|every\s+(?:day|week|month|year|time|other|\w+day|few|two|three)|each\s+(?:day|week|month|time)|automatically|auto-?buy|on\s+its\s+own|"
    r"without\s+(?:asking|checking|confirm\w*)|from\s+now\s+on|as\s+soon\s+as|remind(?:er|ers)?|keep\s+an\s+eye|watch\s+(?:the|for|out)|price\s+drops?|goes?\s+on\s+sale|"
    r"when\s+(?:it|they|we|i|the|my|our|he|she|prices?|you)|once\s+(?:it|they|we|i|the|you)|until\s+i\s+say|unless|"
    r"if\s+(?!possible|available|you\s+(?:can|could)|that's\s+ok))\b"
)
_REPORTED = re.compile(
    r"\b(?:said|says|say|told|tells|tell|asked|asks|wrote|writes|thinks?|thought|mentioned|heard|read|translate|means|spell|define|joke|email|text|message|call|hire|pay)\b|[\"“”]"
)
_QUESTION = re.compile(
    r"[\s,.!\-]*(?:(?:hey|hi|ok|okay|so|halo|and|but|um|please)[\s,]+){0,3}(?:what|whats|what's|when|where|who|whose|why|which|how|hows|how's|do|does|did|is|are|was|were|has|"
    r"should|am|any\s+(?:idea|chance)|can\s+(?:i|we|someone)\s+(?!get\b|have\b|book\b|reserve\b)|could\s+(?:i|we)\s+(?!get\b|have\b|book\b|reserve\b))\b"
)

_WISH = re.compile(
    r"^[\s,.!]*(?:(?:hi|hey|ok|okay|yes|no|well|actually|hmm)[\s,]+)?(?:(?:how|what)\s+about|(?:can|could|may)\s+(?:i|we)\s+\w+)\b"
)

_NOT_ORDERED = re.compile(
    r"\b(?:ubers?|lyft|taxis?|cabs?|rides?|flights?|tickets?|hotel|take\s?out|take-?away|(?:chinese|indian|thai|mexican|italian|fast|some|good|the|me)\s+food|room\s+service|"
    r"(?:debit|credit|bank|new|replacement|atm)\s+card|(?:new\s+|more\s+|some\s+)?(?:bank\s+)?checks|check\s?books?|stocks?|shares|bitcoin|"
    r"house|mortgage|insurance|playlist|song|songs|music|alarm|timer|reminder|"
    r"directions|weather|news|recipes?|info(?:rmation)?|help|job|loan|visa|appointment|meeting)\b"
)
_SHOPPING = re.compile(
    r"\b(?:packs?|boxes|bags?|bottles?|cans|cartons?|rolls|jars?|tubes?|cases?|(?:box|can|roll)\s+of|dozen|[0-9]+[\s-]?(?:pack|ct|count|oz)|size\s+[0-9]|amazon|(?:some\s+)?more)\b|\bunder\s+\$"
)
_TAKEAWAY = re.compile(
    r"(?<!frozen )\b(?:pizzas?|sushi|burgers?|burritos?|curry|pad\s+thai|kebabs?|dim\s+sum|dinner|lunch|"
    r"breakfast)\b(?!\s+(?:cutter|stone|oven|rolls?|sauce|plates?|napkins|kit|mat|tray|box|boxes|buns))"
)
_NOT_CANCELLED = re.compile(
    r"\b(?:timers?|alarms?|meetings?|appointments?|reservations?|bookings?|flights?|orders?|events?|reminders?|cards?|che(?:ck|que)s?|payments?|transfers?|trips?|hotel|uber|"
    r"lyft|rides?|calls?|playlist|songs?|music|dinner|lunch|brunch|table|party|class|tickets?|delivery|request|actions?|commands?|that|this|it|everything|something|anything|"
    r"nothing|all|tasks?|items?|lists?|date|plans|schedule|conference|insurance|policy|broadcast|lights?|show|movie|download|e-?mails?|newsletter|mailing|bank|account|"
    r"purchase|shipment|transaction|today's|tomorrow's|haircut|dentist|doctor|procedure|draft|app|room|rental|car|vacation|visit|game|lesson|practice|session|call)\b"
)
_SUBSCRIPTION = re.compile(r"\b(?:subscriptions?|memberships?|free\s+trial|trial|plan)\b")
_NOT_BOOKED = re.compile(
    r"\b(?:flights?|planes?|airlines?|hotels?|motel|hostel|airbnb|ubers?|lyft|taxis?|cabs?|car|rental|trains?|bus|tickets?|meetings?|conference|calls?|cruise|vacation|holiday|"
    r"trip|rides?|rooms?|movies?|concert|reminders?|alarms?|events?|calendar|it|that|list|club|place\s+to\s+stay|cancelled|suite|idea|audiobook|seat\s+on|days?\s+off|time\s+off|pto|leave)\b"
)


@dataclass(frozen=True)
class Request:
    """One clause that asks: `start` to `end` are its words, `body` is where the verb's own words are over."""

    verb: str
    plain: bool
    start: int
    body: int
    end: int


def requests(low: str) -> list[Request]:
    """Clauses of folded text that begin like a command, in order, each ending where the next begins."""
    found: list[tuple[int, Request]] = []
    for boundary in _BOUNDARY.finditer(low):
        inside = found and boundary.start() < found[-1][1].body
        request = None if inside else _command_at(low, boundary.end())
        if request and _may_begin(request, boundary[0], first=not found):
            found.append((boundary.start(), request))
    if not found:
        return []
    ends = [start for start, _ in found[1:]] + [len(low)]
    return [Request(r.verb, r.plain, r.start, r.body, end) for (_, r), end in zip(found, ends, strict=True)]


def asks_now(low: str, request: Request) -> bool:
    """Whether the words ask for the action itself, now: not about it, not against it, not for later."""
    said = low[: request.end]
    before = low[: request.start]
    if _QUESTION.match(said) or len(before) > 200 or _REPORTED.search(before):
        return False
    return not (_NEGATED.search(said) or _LATER.search(said) or _RETRACTED.search(said))


def is_refused(low: str) -> bool:
    """Whether words about an intent are a question, a refusal, or for later. "Can we do 7?" is a wish, not a question."""
    return bool(_QUESTION.match(_WISH.sub("", low)) or _NEGATED.search(low) or _LATER.search(low))


def cannot_be_ordered(low: str) -> bool:
    """Whether what is asked for is a ride, a meal at the door or a service, none of which a shop sells."""
    return bool(_NOT_ORDERED.search(low) or _TAKEAWAY.search(low))


def cannot_be_cancelled(low: str) -> bool:
    """Whether what is to be cancelled is no subscription."""
    return bool(_NOT_CANCELLED.search(low)) and not _SUBSCRIPTION.search(low)


def is_shopping(low: str) -> bool:
    """Whether words that only may be an order ("get", "I need") speak of packs, sizes, a shop or a price."""
    return bool(_SHOPPING.search(low))


def cannot_be_booked(low: str) -> bool:
    """Whether what is to be booked is neither a table nor an appointment."""
    return bool(_NOT_BOOKED.search(low)) and not re.search(r"\b(?:table|restaurant|reservation|appointment|appt)\b", low)


def _command_at(low: str, start: int) -> Request | None:
    polite = _POLITE.match(low, start)
    at = polite.end() if polite else start
    for place in {at: None, start: None}:
        for head in _HEADS:
            if match := head.pattern.match(low, place):
                return Request(head.verb, head.plain, start, match.end(), len(low))
    return None


def _may_begin(request: Request, boundary: str, *, first: bool) -> bool:
    # In a list ("a pen, book lights") a comma is no new request, nor is a word that only sometimes commands.
    return first or (request.plain and (request.verb != "BOOK" or "," not in boundary))
