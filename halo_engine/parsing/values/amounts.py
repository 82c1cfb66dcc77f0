"""Money as people write it, in whole cents: no float ever holds a price.

`amounts` and `names_other_currency` look through a whole text that a language model reads; `read_price` reads the words of one span.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from halo_engine.parsing.values.quantities import MAX_SPAN_CHARS, in_digits

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
    rf"{_CAP}\s*(?:{_MONEY}|(?P<c>{_FIGURE})(?:\.(?P<cc>[0-9]{{1,2}}))?(?=\s*(?:$|each\b|total\b|per\b|apiece\b|please\b|,|\.|and\b)))"
)


def amounts(low: str) -> frozenset[int]:
    """Every amount of money named in folded text, in cents; a bare number is one where it limits ("under 40")."""
    return frozenset(_cents_of(match) for match in _AMOUNT.finditer(low)) | _limits(low)


def names_other_currency(low: str) -> bool:
    """Whether there is a limit in a currency that Halo does not buy in; to drop it silently would lift the limit."""
    return bool(_FOREIGN.search(low))


def _limits(low: str) -> frozenset[int]:
    return frozenset(limit for match in _CAPPED.finditer(low) if (limit := _cents_of(match)) > 0)


def _cents_of(match: re.Match[str]) -> int:
    groups = match.groupdict()
    for units, fraction in (("a", "ac"), ("b", "bc"), ("c", "cc")):
        if groups.get(units):
            return _cents(groups[units], groups[fraction])
    return 0


def _cents(units: str, fraction: str | None) -> int:
    """Digits before and after the point as cents: "1,000", "5" is 100050."""
    return int(units.replace(",", "")) * 100 + int((fraction or "0").ljust(2, "0"))


# The reader of one span.


@dataclass(frozen=True)
class Limit:
    """What may be paid at most: for `each` unit, or for all. In a currency other than USD it can be told, but not kept."""

    cents: int
    each: bool
    currency: str = "USD"


_AT_MOST = re.compile(
    r"(?:(?:for|at(?!\s+(?:the\s+)?most)|with|a|my|our|the|is|of|total|max(?:imum)?|budget|price|limit|cost|costs|costing|spend|spending|that's|and|but)\s+)*"
    r"(?:(?:is|of|under|below|beneath|less\s+than|no\s+more\s+than|not\s+more\s+than|not\s+over|nothing\s+over|at\s+most|up\s+to|upto|within|"
    r"max(?:imum)?(?:\s+of)?|cheaper\s+than|lower\s+than|no\s+higher\s+than|<=?|≤)\s*)?"
)
_TAIL = re.compile(
    r"\s*(?:(?P<each>(?:each|apiece|a\s+piece|ea|a\s+pop|per\s+(?P<per>[a-z]+)|/\s*(?P<slash>[a-z]+)|an?\s+(?P<unit>[a-z]+)|for\s+(?:each|1)))|"
    r"(?:in\s+)?total|altogether|all\s+(?:in|together)|combined|overall|for\s+(?:all|both|everything|it\s+all|the\s+lot)|tops|max(?:imum)?|"
    r"or\s+(?:less|under|below|cheaper)|at\s+(?:most|the\s+most)|please|budget)"
)
_OVER_TIME = frozenset(("day", "week", "month", "year", "hour", "night"))
_CURRENCIES = {
    "usd": "USD", "us$": "USD", "$": "USD", "dollar": "USD", "buck": "USD", "us dollar": "USD", "usdollar": "USD",
    "€": "EUR", "eur": "EUR", "euro": "EUR", "£": "GBP", "gbp": "GBP", "pound": "GBP", "quid": "GBP", "sterling": "GBP", "pound sterling": "GBP",
    "¥": "JPY", "yen": "JPY", "jpy": "JPY", "₹": "INR", "rupee": "INR", "inr": "INR", "cad": "CAD", "c$": "CAD", "ca$": "CAD",
    "aud": "AUD", "a$": "AUD", "au$": "AUD", "chf": "CHF", "franc": "CHF", "peso": "MXN", "mxn": "MXN", "₩": "KRW", "₽": "RUB", "ruble": "RUB",
    "yuan": "CNY", "rmb": "CNY", "krona": "SEK", "kr": "SEK",
}  # fmt: skip
_NAMES = "|".join(re.escape(name) for name in sorted(_CURRENCIES, key=len, reverse=True))
_FIGURES = r"(?P<units>[0-9]{1,3}(?:,[0-9]{3}){1,2}|[0-9]{0,7})(?:\.(?P<fraction>[0-9]{1,2}))?"
_SUM = re.compile(
    rf"(?P<before>{_NAMES})?\s*{_FIGURES}(?P<thousand>k)?\s*(?P<after>(?:{_NAMES})s?)?(?:\s*(?:and\s+)?(?P<cents>[0-9]{{1,2}})\s*(?:cents?|¢|c))?"
)
_ONE_COIN = re.compile(r"\ban?\s(?=buck|dollar)")
_ONLY_CENTS = re.compile(r"(?P<cents>[0-9]{1,3})\s*(?:cents?|¢)")
#: More than any order of a household.
_MOST_CENTS = 100_000_000


def read_price(words: str) -> Limit | None:
    """The most that a span allows: "under $40", "no more than five dollars each". None where it says no upper limit for certain.

    "Over $20", "about $20", "20 to 30 dollars" and "five fifty" are such. Whoever gets None must ask: a limit is never dropped.
    """
    if len(words) > MAX_SPAN_CHARS:
        return None
    text = _ONE_COIN.sub("1 ", in_digits(" ".join(words.lower().split()).strip(" .,!?;:")))
    text, each = _without_tails(text)
    lead = _AT_MOST.match(text)
    found = _sum(text[lead.end() :].strip() if lead else text)
    if found is None or each is None:
        return None
    cents, currency = found
    return Limit(cents, each, currency) if 0 < cents <= _MOST_CENTS else None


def _without_tails(text: str) -> tuple[str, bool | None]:
    """A span without "each", "in total", "or less" at its end, and whether it is for each; None where it is for a month."""
    each: bool | None = False
    for _ in range(3):
        match = next((match for match in _TAIL.finditer(text) if match.end() == len(text) and match.start() > 0), None)
        if match is None:
            break
        text = text[: match.start()].strip(" ,(")
        unit = match["per"] or match["slash"] or match["unit"]
        if match["each"]:
            each = None if unit in _OVER_TIME else True
    return text, each


def _sum(text: str) -> tuple[int, str] | None:
    if match := _ONLY_CENTS.fullmatch(text):
        return int(match["cents"]), "USD"
    match = _SUM.fullmatch(text)
    if not match or not (match["units"] or match["fraction"]):
        return None
    named = {_currency(name) for name in (match["before"], match["after"]) if name}
    if len(named) > 1 or (match["cents"] and (match["fraction"] or not named)):
        return None
    if match["thousand"] and match["fraction"]:
        return None
    total = _cents(match["units"] or "0", match["fraction"]) * (1_000 if match["thousand"] else 1) + int(match["cents"] or 0)
    return total, next(iter(named), "USD")


def _currency(name: str) -> str:
    return _CURRENCIES.get(name) or _CURRENCIES[name.removesuffix("s")]
