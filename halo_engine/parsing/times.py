"""Times of day as people name them, in the household's own time.

A bare hour is read by the occasion: a table at 7 is in the evening, breakfast at 7 and the dentist at 9 are in the morning.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from halo_engine.parsing.page import Found
from halo_engine.parsing.quantities import number

_HOUR = r"[0-2]?[0-9]|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_HALF = r"(?:a\.?m\b\.?|p\.?m\b\.?|in\s+the\s+(?:morning|afternoon|evening)|at\s+night)"

# Occasion -> the first hour that is meant before noon; hours below it are after noon.
_FIRST_MORNING_HOUR = {"morning": 5, "day": 7, "table": 11, "evening": 12}


@dataclass(frozen=True)
class Window:
    """A time, and the end of the window it opens, as HH:MM."""

    start: str
    until: str | None = None


def _atom(tag: str) -> str:
    named = rf"(?P<named{tag}>noon|midday|midnight)"
    spoken = rf"(?P<to{tag}>half\s+past|quarter\s+past|quarter\s+to)\s+(?P<tohour{tag}>{_HOUR})\b"
    clock = rf"(?P<hour{tag}>{_HOUR})(?:[:.](?P<minute{tag}>[0-5][0-9]))?(?![0-9])(?:\s*o'?clock)?(?P<ish{tag}>\s?-?ish\b)?"
    return rf"(?:{named}|(?:{spoken}|{clock})(?:\s*(?P<half{tag}>{_HALF}))?)"


_BETWEEN = re.compile(rf"\b(?:between|from)\s+{_atom('1')}\s*(?:and|to|until|till|-|–)\s*{_atom('2')}(?![\w/])")
_RANGE = re.compile(rf"(?<![\w/.:$-]){_atom('1')}\s*(?:-|–|to|until|till)\s*{_atom('2')}(?![\w/-])")
_LED = re.compile(
    rf"(?:\b(?:at|around|about|after|by|to|for|like|say|approximately)\s+|[@~]\s*){_atom('1')}(?![\w/%]|\s*(?:people|persons?|guests?|of\s+us|adults?|days?|weeks?|hours?|ppl))"
)
_ALONE = re.compile(rf"(?<![\w/.:$-]){_atom('1')}(?![\w/])")
_UP_TO = re.compile(r"\bbefore\s+$")

_OCCASIONS = (
    ("morning", re.compile(r"\b(?:breakfast|brunch|morning)\b")),
    ("day", re.compile(r"\b(?:lunch|afternoon)\b")),
    ("evening", re.compile(r"\b(?:dinner|supper|evening|night|tonight|drinks)\b")),
)


def occasion(low: str, *, otherwise: str) -> str:
    """The part of the day that folded text speaks of: morning, day or evening; `otherwise` ("table" or "day") where it speaks of none."""
    return next((name for name, pattern in _OCCASIONS if pattern.search(low)), otherwise)


def find_time(low: str, when: str) -> Found[Window] | None:
    """The first time or window named in folded text; bare hours are read by the occasion `when`."""
    return _first_window(low, when) or _first_led(low, when) or _first_alone(low, when)


def bare_time(low: str, when: str) -> Found[Window] | None:
    """A time as the answer to "what time?", where a number alone is enough."""
    match = _ALONE.search(low)
    start = _time(match, "1", when) if match else None
    return Found(match.start(), match.end(), Window(start)) if match and start else None


def _first_window(low: str, when: str) -> Found[Window] | None:
    for pattern in (_BETWEEN, _RANGE):
        for match in pattern.finditer(low):
            if (pattern is _BETWEEN or _certain(match, "1") or _certain(match, "2")) and (window := _window(match, when)):
                return Found(match.start(), match.end(), window)
    return None


def _first_led(low: str, when: str) -> Found[Window] | None:
    for match in _LED.finditer(low):
        led_by_for = match[0].startswith(("for", "to"))
        if (_certain(match, "1") or not led_by_for) and (start := _time(match, "1", when)):
            opening = match.start("named1") if match["named1"] else _opening(match)
            return Found(opening, match.end(), Window(start))
    return None


def _first_alone(low: str, when: str) -> Found[Window] | None:
    for match in _ALONE.finditer(low):
        # "before 8" closes a window that nothing opens: ask rather than invent the start.
        closes = _UP_TO.search(low[max(0, match.start() - 8) : match.start()])
        if _certain(match, "1") and not closes and (start := _time(match, "1", when)):
            return Found(match.start(), match.end(), Window(start))
    return None


def _opening(match: re.Match[str]) -> int:
    return match.start("to1") if match["to1"] else match.start("hour1")


def _certain(match: re.Match[str], tag: str) -> bool:
    """Whether the words can only be a time."""
    return any(match[f"{part}{tag}"] for part in ("named", "to", "minute", "ish", "half")) or "clock" in match[0]


def _window(match: re.Match[str], when: str) -> Window | None:
    shared = match["half2"] if not match["half1"] and match["half2"] else None
    start, until = _time(match, "1", when, half=shared), _time(match, "2", when)
    if start is None or until is None:
        return None
    if until <= start and until < "12:00":
        until = f"{int(until[:2]) + 12:02}{until[2:]}"
    return Window(start, until) if until > start else Window(start)


def _time(match: re.Match[str], tag: str, when: str, *, half: str | None = None) -> str | None:
    if match[f"named{tag}"]:
        return "00:00" if match[f"named{tag}"] == "midnight" else "12:00"
    said = match[f"hour{tag}"] or match[f"tohour{tag}"]
    hour = number(said)
    if hour is None or hour > 23:
        return None
    literal = hour > 12 or (said.startswith("0") and len(said) == 2)
    hour24 = hour if literal else _hour(hour, match[f"half{tag}"] or half, when)
    if hour24 is None:
        return None
    spoken = {"half past": 30, "quarter past": 15, "quarter to": -15}.get(" ".join((match[f"to{tag}"] or "").split()), 0)
    minutes = (hour24 * 60 + spoken + int(match[f"minute{tag}"] or 0)) % (24 * 60)
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _hour(hour: int, half: str | None, when: str) -> int | None:
    """Of the two hours a twelve-hour clock could mean, the likely one; None for "tonight at 12", which could be either day."""
    if half:
        morning = half.replace(".", "").startswith("am") or "morning" in half
        return hour % 12 + (0 if morning else 12)
    if hour == 0:
        return 0
    if hour == 12:
        return None if when == "evening" else 12
    return hour if hour >= _FIRST_MORNING_HOUR[when] else hour + 12
