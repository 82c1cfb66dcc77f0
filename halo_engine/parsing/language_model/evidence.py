"""What a text says in numbers: which amounts, times of day, counts and people. The yardstick that a language model's answer is held against.

It is stricter than a reader, and may be: where it finds too little the household is asked. A number has one role. That of "March 7" is a day and
no hour, that of "7 people" a count and no hour, that of "$12" neither; so a model cannot move a number from one field into another.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from halo_engine.parsing.values.amounts import amounts
from halo_engine.parsing.values.dates import read_day
from halo_engine.parsing.values.folding import fold
from halo_engine.parsing.values.quantities import NUMBER, number

_DAY_MINUTES, _HALF_DAY = 24 * 60, 12 * 60

# Money beyond what `amounts` reads: numbers in words, and cents.
_CAP = r"(?:under|below|less\s+than|(?:no|not)\s+more\s+than|at\s+most|up\s+to|within|max(?:imum)?(?:\s+of)?|cheaper\s+than|budget(?:\s+(?:of|is))?)"
_MONEY = re.compile(
    rf"(?:us)?\$\s?[0-9][0-9,]*(?:\.[0-9]+)?|"
    rf"\b(?P<units>{NUMBER})(?:\.(?P<fraction>[0-9]{{1,2}}))?\s?(?:dollars?|bucks|usd\b|\$)(?:\s+(?:and\s+)?(?P<more>{NUMBER})\s?(?:cents?|¢))?|"
    rf"\b(?P<cents>{NUMBER})\s?(?:cents?\b|¢)|"
    rf"\b{_CAP}\s+(?P<cap>{NUMBER})\b(?!\s*(?:[:%]|\.[0-9]|am\b|pm\b|packs?\b|people\b|days?\b|o'?clock))"
)

# Runs of words with one of these in them may name a day.
_SEED = re.compile(
    r"[a-z]days?\b|\b(?:mon|tues?|weds?|thu(?:rs?)?|fri|sat|sun)\b|\b(?:today|tonight|tonite|2nite|tomorrow|tmrw|tmr|2mor+o\w*|to?m+or+ow)\b|"
    r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b|\b[0-3]?[0-9](?:st|nd|rd|th)\b|[0-9][/.-][0-9]|\b(?:days?|weeks?|fortnight|months?)\b|"
    r"\b(?:eve|christmas|xmas|new\s+year|valentine|patrick|halloween|thanksgiving|easter|memorial|independence|labou?r|juneteenth)|\bthis\s+(?:morning|afternoon|evening)"
)
_LONGEST_DAY = 7
_TOKEN = re.compile(r"[^\s,;!?()]+(?<![.])")
_FOR_SO_MANY = re.compile(rf"\bfor\s+{NUMBER}(?![\w/.-])")
_WEEKDAY = re.compile(r"\b(?:mon|tue|wed|wen|thu|fri|sat|sun)[a-z]*\b")
_TOGETHER = re.compile(r",?\s+(?:the\s+)?|,\s*")
_SHORT_DAY = re.compile(r"(?:mon|tues?|weds?|thu(?:rs?)?|fri|sat|sun|first|second|third|now)")
_LEADS_A_DAY = re.compile(r"\b(?:on|by|this|next|or|before|until|till|coming|for)\s+$")
_FOLLOWS_A_DAY = re.compile(r"\s*(?:$|[.,!?]|(?:at|around|@|night|evening|morning|afternoon)\b|[0-9])")

# Numbers that belong to the thing and are no count of it: of a pack, which may never become one, and measures, which may.
_PACK_AFTER = re.compile(
    r"\s*-?\s*(?:pack|pk|ct|count)\b(?!s)|-\s*packs?\b|\s*-?\s*(?:piece|pc|ply|tier|drawer|inch|year|month|day|hour|in-one|%)|\s*[\"%]"
)
_PACK_BEFORE = re.compile(r"(?:\b(?:(?:pack|box|case|carton|bag|set|size|number|no|model|part)s?(?:\s+of)?)\s*\.?\s*|#\s*)$")
_MEASURE_AFTER = re.compile(
    r"\s*-?\s*(?:fl\.?\s*)?(?:oz|ounces?|lbs?|pounds?|grams?|kg|kilos?|ml|l|lit(?:er|re)s?|gal(?:lon)?s?|quarts?|pints?|feet|foot|ft|mg|gb|tb|watts?|volts?)\b"
)
_DOZEN = re.compile(rf"\b(?:(?P<half>half\s+a|half)\s+|(?P<some>an?|{NUMBER})\s+)?dozen\b")
_EGGS = re.compile(r"\s+(?:of\s+)?(?:[a-z-]+\s+){0,3}eggs?\b")
_TIMES = re.compile(r"(?<![\w.])(?:x\s?([0-9]{1,3})|([0-9]{1,3})\s?x)(?![\w])|\b([0-9]{1,3})(?=(?:ppl|pax|people|persons?|guests)\b)")
_COUNT = re.compile(rf"(?<![\w.,:$/#-])(?:{NUMBER})\b(?![.,:/][0-9])")

_HOUR = r"[01]?[0-9]|2[0-4]|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_HALF = r"(?:\s*(?P<half>[ap]\.?m\b\.?|[ap]\b|in\s+the\s+(?:morning|afternoon|evening)|at\s+night))"
_MINUTES = {"fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "forty-five": 45, "forty five": 45, "fifty": 50, "ten": 10, "five": 5}
_NOT_A_TIME = (
    r"(?!\s*(?:-\s*)?(?:people|persons?|guests?|of\s+us|adults?|kids?|children|child|friends|ppl|pax|others|seats?|packs?|bottles?|bags?|boxes|"
    r"days?\b|weeks?\b|hours?|hrs?|min(?:ute)?s?\b|months?\b|years?|stars?|%|/|\.[0-9]|(?:st|nd|rd|th)\b))"
)
# Each says a time beyond doubt.
_CERTAIN = (
    re.compile(r"\b(?P<named>noon|midday|midnight)\b"),
    re.compile(
        rf"\b(?P<spoken>half|(?:a\s+)?quarter|five|ten|twenty|twenty[ -]five|5|10|20|25)\s+(?:min(?:ute)?s?\s+)?"
        rf"(?P<way>past|after|to|of|till)\s+(?P<hour>{_HOUR})\b{_HALF}?"
    ),
    re.compile(rf"(?<![\w.,:$/-])(?P<hour>[01]?[0-9]|2[0-4])[:.h](?P<minute>[0-5][0-9])(?![0-9]){_HALF}?"),
    re.compile(rf"(?<![\w.,:$/])(?P<hour>[01]?[0-9]|2[0-3])(?P<minute>[0-5][0-9]){_HALF}"),
    re.compile(rf"\b(?P<hour>{_HOUR})\s+(?P<word>{'|'.join(sorted(_MINUTES, key=len, reverse=True))})\b{_HALF}?{_NOT_A_TIME}"),
    re.compile(rf"(?<![\w.,:$/])(?P<hour>{_HOUR}){_HALF}"),
    re.compile(rf"(?<![\w.,:$/])(?P<hour>{_HOUR})(?:\s*o'?\s?clock\b|\s?-?ish\b){_HALF}?"),
)
_LED = re.compile(
    rf"(?:\b(?:at|around|about|after|before|between|from|until|till|approximately)\s+|[@~]\s*)(?P<hour>{_HOUR})(?P<minute>[0-5][0-9])?\b{_NOT_A_TIME}"
)
# A time or a count: each may be meant, so neither is ruled out.
_EITHER = re.compile(
    rf"(?:\b(?:or|by|say|like|to|and|make\s+(?:it|that)|maybe)\s+|[-–]\s*)(?P<hour>{_HOUR})(?P<minute>[0-5][0-9])?\b{_NOT_A_TIME}"
)
_BARE = re.compile(rf"(?<![\w.,:$/-])(?P<hour>{_HOUR})(?P<minute>[0-5][0-9])?\b{_NOT_A_TIME}")
# The first end of "9 to 11 am".
_RANGE = re.compile(rf"(?<![\w.,:$/-])(?P<hour>{_HOUR})(?P<minute>[0-5][0-9])?\s*(?:-|–|to|till|until)\s*(?=\0)")
_TABLE_FOR = re.compile(r"\b(?:table|party|seats?|spot|reservation|booking|dinner|lunch|brunch|breakfast|group)\s+(?:for|of)\s+$")
_DAY_NEXT = re.compile(r"\s*,?\s*(?:on\s+|this\s+)?$")

# Occasion → the first hour that is meant before noon, as `times` reads bare hours.
_OCCASIONS = (
    (re.compile(r"\b(?:breakfast|brunch|morning)\b"), 5),
    (re.compile(r"\b(?:lunch|afternoon)\b"), 7),
    (re.compile(r"\b(?:dinner|supper|evening|night|tonight|drinks)\b"), 12),
)
_TABLE_FROM, _OTHERWISE_FROM = 11, 7

_KIN = (
    "wife|husband|partner|spouse|girlfriend|boyfriend|fianc[eé]e?|mom|mum|mother|dad|father|son|daughter|brother|sister|friend|buddy|boss|"
    "date|roommate|flatmate|colleague|coworker|co-worker|neighbou?r|grandma|grandpa|grandmother|grandfather|aunt|uncle|cousin|kid|child|baby|toddler|"
    "girl|boy|guest|client|nephew|niece|person|adult|other|infant|teen"
)
_PEOPLE = rf"(?:{_KIN})s?|people|children|kids|persons|ppl|pax|women|men|of\s+us|babies|guys|ladies"
_SELF = r"(?:just\s+|only\s+)?(?:me|myself|i|us\s+two)"
_TERM = (
    rf"(?:(?P<n>{NUMBER})(?:\s+(?:more\s+|other\s+|of\s+my\s+|little\s+|young\s+|small\s+)?(?P<noun>{_PEOPLE}))?|(?P<pair>my\s+parents)|"
    rf"(?P<self>{_SELF})|(?:my|the|a|an|our|one)\s+(?P<kin>{_KIN})|(?P<many>my\s+\w+s|the\s+\w+s))\b"
)
_ONE_TERM = re.compile(_TERM)
_JOINT = re.compile(r"\s*(?:,\s*(?:and\s+|plus\s+)?|and\s+|plus\s+|&\s*|\+\s*)")
_ALONE = re.compile(r"\b(?:just\s+me|only\s+me|for\s+me\b(?!\s*(?:,|and|plus|&|\+))|myself|by\s+myself|alone|solo|one|single)\b|\b1\b")


@dataclass(frozen=True)
class Day:
    """A day that was said; without a value where the words name two that disagree."""

    start: int
    end: int
    value: date | None


@dataclass(frozen=True)
class Number:
    """A number that is no day's, price's or certain time's. A `pack` one is part of a thing; a `measure` may be counted or not."""

    start: int
    end: int
    value: int
    kind: Literal["count", "measure", "pack"]


@dataclass(frozen=True)
class _Time:
    minutes: int
    half: Literal["am", "pm"] | None
    absolute: bool


class Evidence:
    """What `text` says, on the day that is `today` there."""

    def __init__(self, text: str, today: date) -> None:
        self.low = fold(text)
        self.days = _days(self.low, today)
        prices = list(_MONEY.finditer(self.low))
        self.amounts = amounts(self.low) | {cents for match in prices if (cents := _cents(match)) is not None}
        taken = [(found.start, found.end) for found in self.days] + [match.span() for match in prices]
        self._times, hours = _times(_blanked(self.low, taken), self.days)
        self._left = _blanked(self.low, taken + hours)
        self.numbers = tuple(_numbers(self._left))
        self.says_times = bool(self._times)

    def counts(self) -> frozenset[int]:
        """Every number that may be a count."""
        return frozenset(each.value for each in self.numbers if each.kind == "count")

    def tells_time(self, clock: str, *, table: bool | None, alone: bool) -> bool:
        """Whether HH:MM was said. A bare hour is read by the occasion, either one where it is not known whether it is for a `table`; with
        `alone`, a number by itself is an hour.
        """
        minutes = int(clock[:2]) * 60 + int(clock[3:])
        times = self._times + ([_time(match) for match in _BARE.finditer(self.low)] if alone else [])
        occasions = (True, False) if table is None else (table,)
        return any(self._is(minutes, said, table=each) for said in times if said is not None for each in occasions)

    def tells_people(self, count: int) -> bool:
        """Whether that many people were said, by number or by name: "5 adults and 2 kids", "me and my wife"."""
        sums, parts = _people(self._left)
        alone = {each.value for each in self.numbers if each.kind == "count" and not any(a <= each.start < b for a, b in parts)}
        return count in sums or count in alone or (count == 1 and bool(_ALONE.search(self.low)) and not sums)

    def _is(self, minutes: int, said: _Time, *, table: bool) -> bool:
        if said.absolute:
            return minutes == said.minutes
        if minutes % _HALF_DAY != said.minutes % _HALF_DAY:
            return False
        if said.half:
            return (minutes >= _HALF_DAY) == (said.half == "pm")
        # "9 to 11 am": the half of one may hold for the other.
        if any(other.half for other in self._times):
            return True
        return minutes == _by_occasion(self.low, said.minutes, table=table)


def _days(low: str, today: date) -> list[Day]:
    """Days named in folded text, each by the longest run of words that names one; None where two that stand together disagree."""
    found: list[Day] = []
    tokens = [match.span() for match in _TOKEN.finditer(low)]
    seeded = {at for match in _SEED.finditer(low) if (at := bisect_right(tokens, (match.start(), len(low))) - 1) >= 0}
    taken: set[int] = set()
    for length in range(_LONGEST_DAY, 0, -1):
        for at in sorted({max(0, seed - back) for seed in seeded - taken for back in range(length)}):
            run = range(at, at + length)
            if run.stop > len(tokens) or not taken.isdisjoint(run):
                continue
            if each := _day(low, tokens[at : run.stop], today):
                found.append(each)
                taken.update(place for place in run if tokens[place][0] < each.end)
    return _agreed(low, sorted(found, key=lambda each: each.start))


def _day(low: str, tokens: list[tuple[int, int]], today: date) -> Day | None:
    """The day that all of `tokens` name, with no more words than it takes: in "friday at 7" the hour belongs to somebody else."""
    start = tokens[0][0]
    # "For two next Thursday": the number is of people.
    if any(match.end() > start for match in _FOR_SO_MANY.finditer(low, max(0, start - 8), tokens[-1][1])):
        return None
    day = read_day(low[start : tokens[-1][1]], today)
    if day is None:
        return None
    ends = (stop for _, stop in tokens if _SEED.search(low, start, stop))
    end = next((stop for stop in ends if read_day(low[start:stop], today) == day), tokens[-1][1])
    return None if _only_looks_like_a_day(low, start, end) else Day(start, end, day)


def _agreed(low: str, found: list[Day]) -> list[Day]:
    agreed: list[Day] = []
    for each in found:
        if agreed and _TOGETHER.fullmatch(low, agreed[-1].end, each.start) and _is_a_pair(low, agreed[-1], each):
            before = agreed.pop()
            each = Day(before.start, each.end, each.value if each.value == before.value else None)
        agreed.append(each)
    return agreed


def _is_a_pair(low: str, one: Day, other: Day) -> bool:
    """ "Sunday, March 8" is one day told twice; "not Friday, Saturday" are two."""
    return bool(_WEEKDAY.search(low, one.start, one.end)) != bool(_WEEKDAY.search(low, other.start, other.end))


def _only_looks_like_a_day(low: str, start: int, end: int) -> bool:
    """ "sun hats", "the second one": short words are days only where they are led or followed as days are."""
    if not _SHORT_DAY.fullmatch(low, start, end):
        return False
    return not (
        _LEADS_A_DAY.search(low[max(0, start - 12) : start]) or _FOLLOWS_A_DAY.match(low, end) or (start, end) == (0, len(low.rstrip()))
    )


def _by_occasion(low: str, minutes: int, *, table: bool) -> int | None:
    """What a bare time means; None for "tonight at 12", which could be either day."""
    first = next((hour for pattern, hour in _OCCASIONS if pattern.search(low)), _TABLE_FROM if table else _OTHERWISE_FROM)
    hour = minutes // 60 % 12 or 12
    if hour == 12:
        return None if first == 12 else _HALF_DAY + minutes % 60
    return minutes % _HALF_DAY + (0 if hour >= first else _HALF_DAY)


def _blanked(low: str, spans: list[tuple[int, int]]) -> str:
    letters = list(low)
    for start, end in spans:
        letters[start:end] = "\0" * (end - start)
    return "".join(letters)


def _value(words: str | None) -> int | None:
    return number(words) if words else None


def _cents(match: re.Match[str]) -> int | None:
    if (units := _value(match["units"])) is not None:
        return units * 100 + int((match["fraction"] or "0").ljust(2, "0")) + (_value(match["more"]) or 0)
    if (cents := _value(match["cents"])) is not None:
        return cents
    cap = _value(match["cap"])
    return None if cap is None else cap * 100


def _numbers(low: str) -> Iterator[Number]:
    taken: set[int] = set()
    for match in _DOZEN.finditer(low):
        some = _value(match["some"]) if match["some"] not in (None, "a", "an") else 1
        eggs = _EGGS.match(low, match.end())
        taken.update(range(*match.span()))
        # Eggs come by the dozen: "two dozen eggs" are two cartons.
        value = (some or 1) if eggs else 6 if match["half"] else 12 * (some or 1)
        yield Number(*match.span(), value, "pack" if eggs and value == 1 else "count")
    for match in [*_TIMES.finditer(low), *_COUNT.finditer(low)]:
        said = next((group for group in match.groups() if group), match[0])
        if (value_said := _value(said)) is not None and taken.isdisjoint(range(*match.span())):
            taken.update(range(*match.span()))
            yield Number(*match.span(), value_said, _kind(low, match))


def _kind(low: str, match: re.Match[str]) -> Literal["count", "measure", "pack"]:
    if _PACK_AFTER.match(low, match.end()) and match[0] not in ("1", "one"):
        return "pack"
    if _PACK_BEFORE.search(low[max(0, match.start() - 20) : match.start()]):
        return "pack"
    return "measure" if _MEASURE_AFTER.match(low, match.end()) else "count"


def _times(low: str, days: list[Day]) -> tuple[list[_Time], list[tuple[int, int]]]:
    """The times said, and where those stand that can be nothing else."""
    times: list[_Time] = []
    spans: list[tuple[int, int]] = []
    taken: set[int] = set()
    for pattern in (*_CERTAIN, _LED):
        for match in pattern.finditer(low):
            time = _time(match)
            if time is not None and taken.isdisjoint(range(*match.span())):
                times.append(time)
                taken.update(range(*match.span()))
                spans.append((match.start("hour") if "hour" in pattern.groupindex and match["hour"] else match.start(), match.end()))
    left = _blanked(low, spans)
    beside = [match for match in _BARE.finditer(left) if _beside_a_day(left, match, days)]
    return times + [
        time for match in [*_EITHER.finditer(left), *beside, *_RANGE.finditer(left)] if (time := _time(match)) is not None
    ], spans


def _beside_a_day(low: str, match: re.Match[str], days: list[Day]) -> bool:
    """ "friday 730", "7 tonight"; not "table for 7 tonight", where it is people."""
    if _TABLE_FOR.search(low[max(0, match.start() - 30) : match.start()]):
        return False
    return any(
        (day.end <= match.start() and not low[day.end : match.start()].strip(" ,"))
        or (match.end() <= day.start and _DAY_NEXT.fullmatch(low, match.end(), day.start))
        for day in days
    )


def _time(match: re.Match[str]) -> _Time | None:
    said = match.groupdict()
    if named := said.get("named"):
        return _Time(0 if named == "midnight" else _HALF_DAY, None, absolute=True)
    hour = number(said["hour"])
    if hour is None or hour > 24:
        return None
    minutes = hour * 60 + (int(said["minute"]) if said.get("minute") else _MINUTES.get(said.get("word") or "", 0)) + _spoken(said)
    half = _half(said.get("half"))
    if half:
        return _Time(minutes % _HALF_DAY, half, absolute=False) if 0 < hour <= 12 else None
    absolute = hour > 12 or hour == 0 or (said["hour"].startswith("0") and len(said["hour"]) == 2)
    return _Time(minutes % _DAY_MINUTES, None, absolute=absolute)


def _spoken(said: dict[str, str | None]) -> int:
    """Minutes past or, below zero, to the hour."""
    words = said.get("spoken")
    if not words:
        return 0
    minutes = 30 if words == "half" else 15 if "quarter" in words else number(words.replace("-", " ")) or 0
    return -minutes if said["way"] in ("to", "of", "till") else minutes


def _half(words: str | None) -> Literal["am", "pm"] | None:
    if not words:
        return None
    return "am" if (words.startswith("a") and "night" not in words) or "morning" in words else "pm"


def _people(low: str) -> tuple[set[int], list[tuple[int, int]]]:
    """Sums of people named in a row, and where the rows stand whose single numbers are no whole party."""
    sums: set[int] = set()
    rows: list[tuple[int, int]] = []
    at = 0
    while match := _ONE_TERM.search(low, at):
        terms = [match]
        while (joint := _JOINT.match(low, terms[-1].end())) and (following := _ONE_TERM.match(low, joint.end())):
            terms.append(following)
        at = terms[-1].end()
        _add_row(low, terms, sums, rows)
    return sums, rows


def _add_row(low: str, terms: list[re.Match[str]], sums: set[int], rows: list[tuple[int, int]]) -> None:
    heads = [_heads(term) for term in terms]
    if any(term["noun"] or term["self"] or term["kin"] or term["pair"] for term in terms):
        accompanied = re.search(r"\bwith\s+$", low[: terms[0].start()]) and not any(term["self"] for term in terms)
        total = sum(heads) if all(heads) else 0
        if len(terms) > 1:
            rows.append((terms[0].start(), terms[-1].end()))
            sums.update({total} if total else ())
        if accompanied and total and (len(terms) > 1 or terms[0]["kin"] or terms[0]["noun"]):
            sums.add(total + 1)


def _heads(term: re.Match[str]) -> int:
    """How many one term names; zero where it does not say."""
    if term["n"]:
        return number(term["n"]) or 0
    if term["many"]:
        return 0
    return 2 if term["pair"] or (term["self"] or "").endswith("two") else 1
