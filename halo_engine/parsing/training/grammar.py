"""Sentences of our own, written as data: `sentences/*.yaml` expanded into examples.

In an alternative, (a|b) is one of, [x] is there half the time, {name} is a word list or a rule, {#2-12} is a number, <type: ...> is a
span and ⦅x⦆ is x in brackets.

A part of every word list and of the sentences themselves is held back for development, so that what is measured there was never learnt,
by template and by vocabulary.

    python -m halo_engine.parsing.training.grammar sentences/orders.yaml 40     prints samples to read
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import yaml

from halo_engine.parsing.labels import SPAN_TYPES
from halo_engine.parsing.training.examples import Example, Span, is_held_back

SENTENCES = Path(__file__).parent / "sentences"

#: Percent of the words and of the sentences that only the development part uses.
HELD_WORDS, HELD_SENTENCES = 15, 12

_TOKEN = re.compile(r"\(|\)|\[|\]|\||\{[^{}]*\}|<[a-z_]+:|>|[^()\[\]{}<>|]+")
# Brackets are the grammar's own: those that are meant are written so.
_BRACKETS = str.maketrans("⦅⦆", "()")
_NUMBER = re.compile(r"#(\d+)-(\d+)")

# A node of a parsed alternative: its kind, then what that kind needs.
_Node = tuple[Any, ...]


@dataclass(frozen=True)
class Group:
    """Sentences that mean the same kind of thing."""

    name: str
    labels: Mapping[str, Any]
    share: float
    alternatives: tuple[str, ...]


class Grammar:
    """Word lists, rules and sentences of several files. `development` says which part of them it uses."""

    def __init__(self, files: Sequence[Path], *, development: bool) -> None:
        self._development = development
        self._lists: dict[str, tuple[str, ...]] = {}
        self._parsed: dict[str, _Node] = {}
        self.groups: list[Group] = []
        for file in files:
            self._read(file)

    def _read(self, file: Path) -> None:
        data = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
        for name, words in data.get("words", {}).items():
            self._add(name, _part(words, HELD_WORDS, development=self._development))
        for name, alternatives in data.get("rules", {}).items():
            self._add(name, tuple(alternatives))
        for number, group in enumerate(data.get("sentences", [])):
            labels = {key: value for key, value in group.items() if key not in ("any", "share")}
            some = _part(group["any"], HELD_SENTENCES, development=self._development)
            self.groups.append(Group(f"{file.stem}.{number}", labels, float(group.get("share", 1)), some))

    def _add(self, name: str, alternatives: tuple[str, ...]) -> None:
        if name in self._lists:
            raise ValueError(f"{{{name}}} is defined twice")
        self._lists[name] = tuple(str(each) for each in alternatives)

    def sample(self, group: Group, dice: Random) -> Example:
        """One sentence of `group`."""
        pieces: list[tuple[str, str | None]] = []
        self._expand(self._node(dice.choice(group.alternatives)), dice, pieces, None)
        text, spans = _joined(pieces)
        labels = group.labels
        return Example(
            text=text,
            source=group.name,
            verb=labels["verb"],
            spans=spans,
            requested=tuple(labels.get("requested", ())),
            about=labels.get("about"),
            reply=labels.get("reply"),
        )

    def samples(self, count: int, dice: Random) -> Iterator[Example]:
        """`count` different sentences, by the groups' shares; fewer where the grammar has no more."""
        groups = [group for group in self.groups if group.alternatives]
        shares = [group.share * len(group.alternatives) ** 0.5 for group in groups]
        seen: set[tuple[str, str]] = set()
        for _ in range(3 * count):
            if len(seen) >= count:
                return
            example = self.sample(dice.choices(groups, shares)[0], dice)
            key = (example.text, example.source)
            if example.text and key not in seen:
                seen.add(key)
                yield example

    def _node(self, alternative: str) -> _Node:
        if alternative not in self._parsed:
            self._parsed[alternative] = _parsed(alternative)
        return self._parsed[alternative]

    def _expand(self, node: _Node, dice: Random, pieces: list[tuple[str, str | None]], tag: str | None) -> None:
        kind = node[0]
        if kind == "text":
            pieces.append((node[1], tag))
        elif kind == "all":
            for each in node[1]:
                self._expand(each, dice, pieces, tag)
        elif kind == "one":
            self._expand(dice.choice(node[1]), dice, pieces, tag)
        elif kind == "maybe":
            if dice.random() < 0.5:
                self._expand(node[1], dice, pieces, tag)
        elif kind == "number":
            pieces.append((str(dice.randint(node[1], node[2])), tag))
        elif kind == "tag":
            # An empty piece on either side keeps two spans of one type apart.
            pieces.append(("", None))
            self._expand(node[2], dice, pieces, node[1])
            pieces.append(("", None))
        else:
            if not self._lists.get(node[1]):
                raise ValueError(f"{{{node[1]}}} is not defined")
            self._expand(self._node(dice.choice(self._lists[node[1]])), dice, pieces, tag)


def _part(alternatives: Sequence[Any], percent: int, *, development: bool) -> tuple[str, ...]:
    held = [str(each) for each in alternatives if is_held_back(str(each), percent)]
    kept = [str(each) for each in alternatives if not is_held_back(str(each), percent)]
    # A short list may have nothing on one side; then both sides share it.
    return tuple((held or kept) if development else (kept or held))


def _parsed(alternative: str) -> _Node:
    tokens = _TOKEN.findall(alternative)
    if "".join(tokens) != alternative:
        raise ValueError(f"cannot be read: {alternative!r}")
    node, rest = _one_of(tokens, alternative)
    if rest:
        raise ValueError(f"unbalanced: {alternative!r}")
    return node


def _one_of(tokens: list[str], whole: str) -> tuple[_Node, list[str]]:
    choices: list[_Node] = []
    current: list[_Node] = []
    while tokens and tokens[0] not in (")", "]", ">"):
        sign, tokens = tokens[0], tokens[1:]
        if sign == "|":
            choices.append(("all", current))
            current = []
            continue
        if sign in ("(", "[") or sign.startswith("<"):
            inner, tokens = _one_of(tokens, whole)
            if not tokens or tokens[0] != {"(": ")", "[": "]"}.get(sign, ">"):
                raise ValueError(f"unbalanced: {whole!r}")
            tokens = tokens[1:]
            current.append(_wrapped(sign, inner, whole))
        elif sign.startswith("{"):
            number = _NUMBER.fullmatch(sign[1:-1])
            current.append(("number", int(number[1]), int(number[2])) if number else ("list", sign[1:-1]))
        else:
            current.append(("text", sign))
    choices.append(("all", current))
    return (choices[0] if len(choices) == 1 else ("one", choices)), tokens


def _wrapped(opening: str, inner: _Node, whole: str) -> _Node:
    if opening == "(":
        return inner
    if opening == "[":
        return ("maybe", inner)
    if opening[1:-1] not in SPAN_TYPES:
        raise ValueError(f"{opening[1:-1]!r} is no type of span: {whole!r}")
    return ("tag", opening[1:-1], inner)


def _joined(pieces: list[tuple[str, str | None]]) -> tuple[str, tuple[Span, ...]]:
    """The text with single spaces, and the spans trimmed to their words."""
    characters: list[tuple[str, str | None, int]] = []
    number = 0
    for words, tag in pieces:
        number += not words and tag is None
        for character in words.translate(_BRACKETS):
            if character == " " and (not characters or characters[-1][0] in " \n"):
                continue
            if character in ",.!?;:\n" and characters and characters[-1][0] == " ":
                characters.pop()
            characters.append((character, tag, number))
    while characters and characters[-1][0] in " \n":
        characters.pop()
    return "".join(each[0] for each in characters), tuple(_spans(characters))


def _spans(characters: list[tuple[str, str | None, int]]) -> Iterator[Span]:
    start = 0
    while start < len(characters):
        tag, number = characters[start][1:]
        end = start
        while end < len(characters) and characters[end][1:] == (tag, number):
            end += 1
        inside = [at for at in range(start, end) if not characters[at][0].isspace()]
        if tag and inside:
            yield Span(tag, inside[0], inside[-1] + 1)
        start = end


def every_file() -> tuple[Path, ...]:
    """The files of sentences, in order."""
    return tuple(sorted(SENTENCES.glob("*.yaml")))


def _main(which: str, count: str = "40", part: str = "train") -> None:
    """Print samples of one file, with their spans marked, for whoever writes it."""
    grammar = Grammar(every_file(), development=part == "dev")
    grammar.groups = [group for group in grammar.groups if group.name.startswith(Path(which).stem + ".")]
    for example in grammar.samples(int(count), Random()):  # noqa: S311 - samples to read
        marked = example.text
        for span in sorted(example.spans, key=lambda span: -span.start):
            marked = f"{marked[: span.start]}<{span.type}: {marked[span.start : span.end]}>{marked[span.end :]}"
        about = f" about={example.about}" if example.about else ""
        asked = f" requested={','.join(example.requested)}" if example.requested else ""
        reply = f" reply={example.reply}" if example.reply else ""
        sys.stdout.write(f"{example.verb:11} {marked}{about}{asked}{reply}\n")


if __name__ == "__main__":
    _main(*sys.argv[1:])
