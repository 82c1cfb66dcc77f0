"""Money as people write it, in whole cents: no float ever holds a price."""

from __future__ import annotations

import re

from halo_engine.parsing.page import Found

_FIGURE = r"[0-9]{1,3}(?:,[0-9]{3}){1,2}|[0-9]{1,7}"
_MONEY = (
    rf"(?:(?:us)?\$\s?|usd\s?)(?P<a>{_FIGURE})(?:\.(?P<ac>[0-9]{{1,2}}))?(?![0-9])|"
    rf"(?P<b>{_FIGURE})(?:\.(?P<bc>[0-9]{{1,2}}))?\s?(?:dollars?|bucks|usd|\$)"
)
_CAP = (
    r"(?:(?:for\s+)?(?:under|below|less\s+than|no\s+more\s+than|not\s+more\s+than|at\s+most|up\s+to|within|max(?:imum)?(?:\s+of)?|"
    r"cheaper\s+than)|(?:(?:with\s+)?(?:a\s+|my\s+|our\s+)?(?:total\s+)?budget\s+(?:of|is)?))"
)
_FOREIGN = re.compile(rf"{_CAP}\s*(?:[€£¥₹]\s?[0-9]|(?:[0-9.,]{{1,12}})\s?(?:[€£¥₹]|euros?|pounds?\s+sterling|yen|eur\b|gbp\b))")
_AMOUNT = re.compile(_MONEY)
_CAPPED = re.compile(
    rf"{_CAP}\s*(?:{_MONEY}|(?P<c>{_FIGURE})(?:\.(?P<cc>[0-9]{{1,2}}))?(?=\s*(?:$|each\b|total\b|per\b|apiece\b|please\b|,|\.|and\b)))(?:\s*(?:in\s+)?total)?(?P<each>\s*(?:each|apiece|per\s+\w+))?"
)


def cents(units: str, fraction: str | None) -> int:
    """Digits before and after the point as cents: "1,000", "5" is 100050."""
    return int(units.replace(",", "")) * 100 + int((fraction or "0").ljust(2, "0"))


def amounts(low: str) -> frozenset[int]:
    """Every amount of money named in folded text, in cents."""
    return frozenset(_cents_of(match) for match in _AMOUNT.finditer(low)) | frozenset(found.value for found in caps(low))


def caps(low: str) -> list[Found[int]]:
    """Price limits in folded text ("under $40"), in cents, in order. The words of each end with "each" where it holds for one unit."""
    return [Found(match.start(), match.end(), _cents_of(match)) for match in _CAPPED.finditer(low) if _cents_of(match) > 0]


def for_one_unit(words: str) -> bool:
    """Whether a limit's words say that it holds for each unit."""
    return bool(re.search(r"\b(?:each|apiece|per)\b", words))


def names_other_currency(low: str) -> bool:
    """Whether there is a limit in a currency that Halo does not buy in; to drop it silently would lift the limit."""
    return bool(_FOREIGN.search(low))


def _cents_of(match: re.Match[str]) -> int:
    groups = match.groupdict()
    for units, fraction in (("a", "ac"), ("b", "bc"), ("c", "cc")):
        if groups.get(units):
            return cents(groups[units], groups[fraction])
    return 0
