"""Numbers in words and digits.

`NUMBER` and `number` are for whoever looks for numbers in a whole text. `in_digits` is how every reader of spans begins. `read_count` and
`read_people` take the words of one span and say what they come to, or None where that is not certain: a household of unknown size is asked about,
never guessed.
"""

from __future__ import annotations

import re

#: A span longer than this is not a number, a day or a time.
MAX_SPAN_CHARS = 160

_UNITS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]

_WORDS: dict[str, int] = (
    {word: value for value, word in enumerate(_UNITS)} | {word: 20 + 10 * n for n, word in enumerate(_TENS)} | {"hundred": 100}
)

_WORD = "|".join(sorted(_WORDS, key=len, reverse=True))
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000}
_PLAIN = rf"(?:[0-9]{{1,7}}|(?:{'|'.join(_TENS)})[ -](?:{'|'.join(_UNITS[1:10])})|a(?=\s+hundred)|(?:{_WORD})|(?:a\s+)?couple(?:\s+of)?)"
#: A number as people write it: "3", "twelve", "twenty five", "a couple of", "two hundred".
NUMBER = rf"(?:{_PLAIN}(?:\s+(?:{'|'.join(_SCALES)})\b)?)"


def number(words: str) -> int | None:
    """The value of words that `NUMBER` matched; None if they are something else."""
    words = words.strip().lower()
    if words.isascii() and words.isdigit():
        return int(words) if len(words) <= 9 else None
    if "couple" in words:
        return 2
    parts = re.split(r"[\s-]+", words)
    scale = _SCALES.get(parts[-1], 1) if len(parts) > 1 else 1
    counts = [_count(part) for part in (parts[:-1] if scale > 1 else parts)]
    known = [count for count in counts if count is not None]
    return sum(known) * scale if len(known) == len(counts) else None


def _count(word: str) -> int | None:
    if word.isascii() and word.isdigit():
        return int(word)
    return 1 if word == "a" else _WORDS.get(word)


# Readers of one span.

_FIRSTS = """first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth
seventeenth eighteenth nineteenth twentieth"""
_ORDINALS = {word: value for value, word in enumerate(_FIRSTS.split(), start=1)} | {"thirtieth": 30}
_BIG = {"hundred": 100, "thousand": 1_000}
_ANY = "|".join(sorted({*_UNITS, *_TENS, *_ORDINALS, *_BIG}, key=len, reverse=True))
_RUN = re.compile(rf"\b(?:(?:an?|[0-9]{{1,3}})\s+(?=(?:hundred|thousand)\b))?(?:{_ANY})(?:(?:\s+and\s+|\s*-\s*|\s+)(?:{_ANY}))*\b")
_PART = re.compile(r"[a-z]+|[0-9]+|-")


def in_digits(low: str) -> str:
    """Folded text with its number words as figures: "the twenty-first" is "the 21th", "six forty five" is "6 45", "a hundred and ten" is "110"."""
    return _RUN.sub(lambda run: _figures(_PART.findall(run[0])), low)


def _figures(parts: list[str]) -> str:
    """The numbers that a run of number words says, in figures, what joins them kept."""
    done: list[str] = []
    value, last, joint = 0, "", ""
    for part in parts:
        if part in ("and", "-"):
            joint = part
            continue
        kind, worth = _kind(part)
        goes_on = bool(last) and _continues(last, kind, worth, joint)
        if not goes_on and last:
            done.append(str(value))
        if not goes_on:
            done += [joint] if joint else []
            value = 0
        value = max(value, 1) * worth if kind == "scale" else value + worth
        last, joint = kind, ""
        if part in _ORDINALS:
            done.append(f"{value}th")
            value, last = 0, ""
    return " ".join([*done, str(value)] if last else done).replace(" - ", "-")


def _kind(part: str) -> tuple[str, int]:
    if part in _BIG:
        return "scale", _BIG[part]
    if part in ("a", "an"):
        return "unit", 1
    worth = int(part) if part.isdigit() else _WORDS.get(part) or _ORDINALS.get(part) or 0
    return ("ten" if worth >= 20 and part in _TENS else "unit"), worth


def _continues(last: str, kind: str, worth: int, joint: str) -> bool:
    """Whether a number word belongs to the number before it: "twenty five" is one number, "six thirty" two."""
    if kind == "scale":
        return last in ("unit", "ten")
    if last == "scale":
        return joint != "-"
    return last == "ten" and kind == "unit" and 1 <= worth <= 9 and joint != "and"


#: What a count may be followed by without changing it; never a pair or a dozen, which would.
_CONTAINERS = (
    "pack|packet|bag|box|bottle|can|roll|carton|jar|tub|case|crate|tin|tube|bar|loaf|bunch|unit|piece|set|sheet|stick|order|copy|copie|item"
)
_COUNT = re.compile(
    r"(?:x\s?)?(?:(?P<half>half\s(?:an?\s)?dozen)|(?:(?P<dozens>an?|[0-9]{1,3})\s)?dozens?|(?:an?\s)?(?P<pair>pair|couple)|"
    r"(?P<plain>[0-9]{1,7}|[0-9]{1,3}(?:,[0-9]{3}){1,2})|(?P<one>an?|single|just\sone))"
    rf"(?:\s?x)?(?:\s(?:{_CONTAINERS})(?:e?s)?)?(?:\sof)?"
)


def read_count(words: str) -> int | None:
    """How many a span says: "two" 2, "half a dozen" 6, "x3" 3, "a pair" 2. Zero is a number too; None is what is no certain number ("a few")."""
    match = _COUNT.fullmatch(_one_line(words))
    if not match:
        return None
    if match["half"]:
        return 6
    if match["plain"]:
        return int(match["plain"].replace(",", ""))
    if match["pair"]:
        return 2
    if match["one"]:
        return 1
    dozens = match["dozens"]
    return 12 * (int(dozens) if dozens and dozens.isdigit() else 1)


def _one_line(words: str) -> str:
    if len(words) > MAX_SPAN_CHARS:
        return ""
    return in_digits(" ".join(words.lower().split()).strip(" .,!?;:"))


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_ALONE = re.compile(
    r"(?:by\s)?(?:me|myself)|(?:me\s|myself\s)?(?:alone|solo)|(?:me\s|myself\s)?on\smy\sown|(?:me\sand\s)?(?:with\s)?(?:no\s1|nobody)(?:\selse)?"
)
_ME = frozenset(("me", "i", "myself", "ourselves"))
#: One person each.
_PERSON = _set("""wife husband hubby spouse partner boyfriend girlfriend bf gf fiance fiancee mother mom mum mommy mummy momy mama father dad daddy
    papa son daughter child kid baby toddler infant boy girl teen teenager brother bro sister sis sibling grandmother grandma nan nannie granny
    grandfather grandpa grandson granddaughter grandkid grandchild aunt auntie uncle niece nephew cousin friend buddy mate pal colleague
    coworker co-worker boss roommate flatmate neighbor neighbour guest client date man woman lady guy person adult senior parent other
    stepmother stepfather stepson stepdaughter mother-in-law father-in-law diner bestie missus grownup grown-up girlfriend associate""")
#: Several people that are always as many.
_AS_MANY = {"couple": 2, "parents": 2, "twins": 2, "triplets": 3}
_PLURALS = _set("people persons ppl pax men women children folks us")
_TOTALS = _set("people persons person ppl pax guests diners us total")
#: Not people, or nobody knows how many.
_UNCOUNTED = _set("""highchairs strollers chairs dogs tables hours hrs minutes mins days nights weeks months years dollars bucks families groups
    parties couples tickets seatings times percent oclock o'clock am pm""")
_COLLECTIVES = _set("family fam crew team gang squad group party company everyone everybody class staff posse household not but except")
#: Say something about a person, not who it is.
_ADJECTIVES = _set("other best good old close little young small lady male female step half ex great in laws more extra additional")
_JOINERS = frozenset((",", "and", "plus", "&", "+", "with"))
_OWN = frozenset(("my", "our"))
_DETERMINERS = _OWN | {"a", "an", "the", "his", "her", "their", "your"}
_PARTY = re.compile(r"(?:(?:an?|the|my|our)\s)?(?:(?:party|group|family|table)\s(?:of|for))\s")
_TOKEN = re.compile(r"[0-9]{1,4}(?![0-9a-z:.])|[a-z][a-z'-]*|\S")


def read_people(words: str) -> int | None:
    """How many people a span speaks of: "4 people", "me, my wife and 3 kids" 5, "two couples" 4. None where it does not say ("my family").

    Where a person speaks of "my wife" and not of themselves, it is not said whether they come too.
    """
    text = re.sub(r"^(?:(?:just|only|so|for)\s)+", "", _one_line(words)).replace(" in law", "")
    if _ALONE.fullmatch(text):
        return 1
    text = re.split(r",?\s(?:including|incl)\b", _dozens(_PARTY.sub("", text, count=1)))[0]
    company = _Company(_TOKEN.findall(re.sub(r"\b(?:a\s)?couple\sof\b", "2", text)))
    return company.size()


def _dozens(text: str) -> str:
    text = re.sub(r"\bhalf\s(?:an?\s)?dozen\b", "6", text)
    return re.sub(r"\b(?:(an?|[0-9]{1,2})\s)?dozen\b", lambda said: str(12 * (int(said[1]) if said[1] and said[1].isdigit() else 1)), text)


class _Company:
    """The people of one span, counted from left to right."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens, self._at = tokens, 0
        self._me = self._own = self._names = self._on_top = False

    def size(self) -> int | None:
        """How many they are; None where some of it is not understood."""
        self._on_top = self._peek() == "with"
        counts: list[int] = []
        total_first = False
        while self._skip_joiners():
            begins = self._at
            count = self._member()
            if count is None:
                return None
            total_first = total_first or (not counts and self._tokens[self._at - 1] in _TOTALS and self._peek() != "and")
            counts.append(count)
            if self._tokens[begins] in _ME and self._tokens[begins - 1] == "with" and begins > 1:
                # "5 people with me": with me, or besides me?
                return None
        needs_me = self._own or self._names or self._on_top
        if not counts or (needs_me and not self._me):
            return None
        if total_first and len(counts) > 1:
            # "4 people, 3 adults and 1 baby" says the same twice.
            return counts[0] if counts[0] == sum(counts[1:]) else None
        return sum(counts)

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _skip_joiners(self) -> bool:
        while self._peek() in _JOINERS:
            self._at += 1
        return self._at < len(self._tokens)

    def _member(self) -> int | None:
        begins = self._at
        if self._peek() in _ME:
            self._at += 1
            self._me = True
            return 1
        determiners = self._take(_DETERMINERS)
        number = self._number()
        if number is not None:
            determiners += self._take(_DETERMINERS | {"of"})
        self._own = self._own or not _OWN.isdisjoint(determiners)
        noun = self._noun()
        if number is not None:
            return self._counted(number, noun)
        alone = begins + 1 == self._at and (self._peek() in _JOINERS or not self._peek())
        return self._uncounted(noun, determiners, alone=alone)

    def _take(self, kinds: frozenset[str]) -> list[str]:
        taken = []
        while self._peek() in kinds:
            taken.append(self._peek())
            self._at += 1
        return taken

    def _number(self) -> int | None:
        said = self._peek()
        if not (said.isascii() and said.isdigit()):
            return None
        self._at += 1
        return int(said)

    def _noun(self) -> str | None:
        """The noun at this place, "" where there is none, None for words that are no noun."""
        words = []
        while (word := self._peek()) and word not in _JOINERS | _DETERMINERS | _ME and not word.isdigit():
            words.append(word)
            self._at += 1
        if "more" in words:
            self._on_top = True
        while len(words) > 1 and words[0] in _ADJECTIVES:
            words = words[1:]
        if not words:
            return ""
        return words[0] if len(words) == 1 and words[0].replace("-", "").isalpha() else None

    def _counted(self, number: int, noun: str | None) -> int | None:
        if noun == "us":
            self._me = True
        if noun in ("couple", "couples"):
            return 2 * number
        if noun is None or noun in _UNCOUNTED or noun in _COLLECTIVES:
            return None
        known = noun in ("", "more") or noun in _PERSON or noun in _PLURALS
        return number if known or noun.endswith("s") else None

    def _uncounted(self, noun: str | None, determiners: list[str], *, alone: bool) -> int | None:
        if noun is None or noun in _COLLECTIVES:
            return None
        if noun in _AS_MANY:
            # "Our parents" are two or four.
            return None if noun == "parents" and "our" in determiners else _AS_MANY[noun]
        if noun in _PERSON and noun != "other":
            return 1
        # A name: "me and Hannah".
        self._names = self._names or alone
        return 1 if alone and len(noun) > 2 and not noun.endswith("s") and noun not in _PLURALS else None
