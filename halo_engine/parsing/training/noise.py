"""Untidiness as people type it: no capitals, no punctuation, typos, words around. Every span stays on its words."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from random import Random

from halo_engine.parsing.training.examples import Example, Span

_BEFORE = (
    "hey halo, ", "halo ", "hi, ", "hey ", "ok ", "okay so ", "please ", "pls ", "hi there! ", "good morning, ", "um ", "so ", "quick one: ",
    "can you please ", "could you ", "hello ", "yo ", "alright, ",
)  # fmt: skip
_AFTER = (
    " please",
    " pls",
    " thanks",
    ", thank you",
    " thx",
    "!",
    " :)",
    " 🙏",
    " ty",
    ". thanks!",
    " when you get a chance",
    "...",
    " 😊",
)
_SHORTER = {
    "tomorrow": ("tmrw", "2moro", "tmr", "tomoro"), "tonight": ("2nite", "tonite"), "please": ("plz", "pls"), "people": ("ppl",), "you": ("u",),
    "for": ("4",), "to": ("2",), "are": ("r",), "and": ("&", "n"), "at": ("@",), "table": ("tbl",), "reservation": ("rez", "resy"),
    "appointment": ("appt",), "with": ("w/",), "without": ("w/o",), "thanks": ("thx",), "monday": ("mon",), "tuesday": ("tues",),
    "wednesday": ("wed",), "thursday": ("thurs", "thu"), "friday": ("fri",), "saturday": ("sat",), "sunday": ("sun",), "can": ("cn",),
    "because": ("cuz", "bc"), "don't": ("dont", "dnt"), "birthday": ("bday",), "toilet paper": ("tp",), "subscription": ("sub",),
    "order": ("ordr", "oder"), "cancel": ("cancle", "cancl"), "reorder": ("re-order", "re order"), "dinner": ("din",), "gallon": ("gal",),
    "pounds": ("lbs",), "minutes": ("mins",), "around": ("arnd",), "want": ("wanna get",),
}  # fmt: skip
_NEIGHBOURS = {
    "a": "sq", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj", "i": "uo", "j": "hk", "k": "jl", "l": "k", "m": "n",
    "n": "bm", "o": "ip", "p": "o", "r": "et", "s": "ad", "t": "ry", "u": "yi", "v": "cb", "w": "qe", "x": "zc", "y": "tu", "z": "x",
}  # fmt: skip


def untidy(example: Example, dice: Random, *, around: bool) -> Example:
    """`example` as one of many people might have typed it. `around` allows greetings and thanks."""
    if dice.random() < 0.45:
        example = example.in_lower_case()
    elif dice.random() < 0.03:
        upper = example.text.upper()
        example = replace(example, text=upper) if len(upper) == len(example.text) else example
    # Without its question mark "ok?" would be a yes.
    marks = ",.!'" if example.reply else ",.!?'"
    if dice.random() < 0.25:
        example = _edited(example, lambda text: [at for at, character in enumerate(text) if character in marks], _dropped)
    if dice.random() < 0.08:
        example = _texted(example, dice)
    if dice.random() < 0.15:
        example = _with_typo(example, dice)
    if around and dice.random() < 0.12 and not example.requested:
        example = _shifted(example, dice.choice(_BEFORE), "")
    if around and example.reply is None and dice.random() < 0.12:
        example = _shifted(example, "", dice.choice(_AFTER))
    return example


def joined(first: Example, second: Example, between: str) -> Example:
    """`first` with the words of `second` before it, which ask for nothing."""
    return _shifted(first, second.text + between, "")


def _texted(example: Example, dice: Random) -> Example:
    """Words as thumbs write them: "tmrw", "4" for "for", "ppl"."""
    for word, shorter in _SHORTER.items():
        places = [match.start() for match in re.finditer(rf"\b{word}\b", example.text, re.IGNORECASE)]
        if places and dice.random() < 0.7:
            example = _replaced(example, places[0], len(word), dice.choice(shorter))
    return example


def _replaced(example: Example, at: int, length: int, new: str) -> Example:
    """`example` with another word in a place; as it was where a span begins or ends inside the word."""
    end, shift = at + length, len(new) - length
    if any(at < edge < end for span in example.spans for edge in (span.start, span.end)):
        return example
    spans = tuple(Span(span.type, span.start + shift * (span.start >= end), span.end + shift * (span.end >= end)) for span in example.spans)
    return replace(example, text=example.text[:at] + new + example.text[end:], spans=spans)


def _with_typo(example: Example, dice: Random) -> Example:
    letters = [at for at, character in enumerate(example.text) if character.isalpha() and character.isascii()]
    # A short word with a typo is another word.
    letters = [at for at in letters if _word_length(example.text, at) >= 5]
    if not letters:
        return example
    at = dice.choice(letters)
    kind = dice.random()
    if kind < 0.25 and at + 1 < len(example.text) and example.text[at + 1].isalpha():
        pair = example.text[at : at + 2]
        return _edited(example, lambda _: [at, at + 1], lambda character: pair[1] if character == pair[0] else pair[0])
    if kind < 0.45:
        return _edited(example, lambda _: [at], _dropped)
    if kind < 0.65:
        return _edited(example, lambda _: [at], lambda character: character * 2)
    near = _NEIGHBOURS.get(example.text[at].lower(), "e")
    return _edited(example, lambda _: [at], lambda _: dice.choice(near))


def _word_length(text: str, at: int) -> int:
    start = end = at
    while start > 0 and text[start - 1].isalnum():
        start -= 1
    while end < len(text) and text[end].isalnum():
        end += 1
    return end - start


def _dropped(_: str) -> str:
    return ""


def _edited(example: Example, which: Callable[[str], list[int]], how: Callable[[str], str]) -> Example:
    """`example` with some of its characters replaced, and the spans moved along. As it was where a span would lose all its words."""
    chosen = set(which(example.text))
    moved = [0]
    out: list[str] = []
    for at, character in enumerate(example.text):
        # Figures keep their points and colons: "7.30" without one is another time.
        digits = 0 < at < len(example.text) - 1 and example.text[at - 1].isdigit() and example.text[at + 1].isdigit()
        out.append(how(character) if at in chosen and not digits else character)
        moved.append(moved[-1] + len(out[-1]))
    spans = tuple(Span(span.type, moved[span.start], moved[span.end]) for span in example.spans)
    text = "".join(out)
    spans = tuple(_trimmed(text, span) for span in spans)
    return replace(example, text=text, spans=spans) if all(span.start < span.end for span in spans) else example


def _trimmed(text: str, span: Span) -> Span:
    start, end = span.start, span.end
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Span(span.type, start, end)


def _shifted(example: Example, before: str, after: str) -> Example:
    spans = tuple(Span(span.type, span.start + len(before), span.end + len(before)) for span in example.spans)
    return replace(example, text=before + example.text + after, spans=spans)
