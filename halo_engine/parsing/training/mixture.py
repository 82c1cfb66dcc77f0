"""Which examples an epoch has: all of what asks for something, a part of what does not, and fresh sentences of our own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from halo_engine.model.intent import UNSUPPORTED
from halo_engine.parsing.training.examples import Example
from halo_engine.parsing.training.grammar import Grammar, every_file
from halo_engine.parsing.training.noise import joined, untidy
from halo_engine.parsing.training.public import Parts

#: Sentences of our own in each epoch.
OURS = 15_000
#: Of what other sets say that is not for Halo, the part that an epoch hears; of what is nearly for Halo it hears everything.
_OTHERS = 0.3
_NEARLY = frozenset(
    [
        "accept_reservations",
        "book_flight",
        "book_hotel",
        "calendar_set",
        "calendar_update",
        "car_rental",
        "cancel",
        "cancel_reservation",
        "confirm_reservation",
        "food_last",
        "how_busy",
        "iot_coffee",
        "lists_createoradd",
        "meal_suggestion",
        "meeting_schedule",
        "order_checks",
        "order_status",
        "recommendation_locations",
        "restaurant_reviews",
        "restaurant_suggestion",
        "schedule_meeting",
        "shopping_list",
        "shopping_list_update",
        "takeaway_query",
        "transport_taxi",
        "transport_ticket",
        "travel_suggestion",
        "uber",
        "HassShoppingListAddItem",
        "HassListAddItem",
        "HassCancelTimer",
        "HassNevermind",
    ]
)

_FIELDS = ("items", "subscription", "place", "party_size", "date", "time", "first_name", "last_name")
_VERBS = ("ORDER", "REORDER", "CANCEL", "BOOK")
_SMALL_TALK = ("clinc150.greeting", "clinc150.thank_you")


@dataclass(frozen=True)
class Mixture:
    """The examples of each epoch, made from one seed."""

    public: Sequence[Example]
    ours: Grammar
    seed: int
    #: Texts that `halo eval` measures with: what the grammar makes of them by chance is not learnt.
    kept_out: frozenset[str]

    def epoch(self, number: int) -> list[Example]:
        """The examples of epoch `number`."""
        dice = Random(f"{self.seed}.{number}")  # noqa: S311 - nothing secret
        clean = (each for each in self.ours.samples(OURS, dice) if plain(each.text) not in self.kept_out)
        mine = [untidy(_unasked(_situated(each, dice), dice), dice, around=True) for each in clean]
        theirs = [each for each in self.public if _is_heard(each, dice)]
        small_talk = [each for each in self.public if each.source in _SMALL_TALK]
        for at in dice.sample(range(len(mine)), len(mine) // 50):
            if mine[at].about is None and not mine[at].requested:
                mine[at] = joined(mine[at], dice.choice(small_talk), dice.choice((". ", "! ", ", ", " ", "\n")))
        others = [untidy(_interrupted(each, dice), dice, around=False) if _is_other(each) else each for each in theirs]
        return [each for each in (*mine, *others) if plain(each.text) not in self.kept_out]


def mixture(public: Parts, seed: int, kept_out: frozenset[str]) -> Mixture:
    """What training hears."""
    return Mixture(public.train, Grammar(every_file(), development=False), seed, kept_out)


def plain(text: str) -> str:
    """`text` as far as it counts for being the same: its words."""
    return " ".join(re.findall(r"\w+", text.lower()))


def development(public: Parts, seed: int, count: int = 4_000) -> list[Example]:
    """What only measures: the sets' development parts, and sentences of templates and words that training never saw."""
    dice = Random(f"{seed}.development")  # noqa: S311 - nothing secret
    grammar = Grammar(every_file(), development=True)
    ours = (_situated(each, dice) for each in grammar.samples(count, dice))
    return [*public.development, *(replace(untidy(each, dice, around=True), source=f"ours.{each.source}") for each in ours)]


def _is_other(example: Example) -> bool:
    return example.verb == UNSUPPORTED and example.reply is None


def _is_heard(example: Example, dice: Random) -> bool:
    return not _is_other(example) or example.source.split(".")[-1] in _NEARLY or dice.random() < _OTHERS


def _situated(example: Example, dice: Random) -> Example:
    """A reply is always to a card about something; words that change what stands say "modify" to it."""
    if example.reply and example.about is None:
        return replace(example, about=dice.choice(_VERBS))
    if example.reply is None and example.about and example.verb == example.about:
        return replace(example, reply="modify")
    return example


def _unasked(example: Example, dice: Random) -> Example:
    """Sometimes a new request comes while another one stands, or while something else was asked."""
    if example.verb not in _VERBS or example.about or example.requested or example.reply:
        return example
    chance = dice.random()
    if chance < 0.04:
        return replace(example, requested=(dice.choice(_FIELDS),))
    if chance < 0.08:
        return replace(example, about=dice.choice([verb for verb in _VERBS if verb != example.verb]), reply="none")
    return example


def _interrupted(example: Example, dice: Random) -> Example:
    """Sometimes people talk of something else while a question or a card waits for them."""
    chance = dice.random()
    if chance < 0.08:
        return replace(example, requested=tuple(dice.sample(_FIELDS, dice.choice((1, 1, 2)))))
    if chance < 0.16:
        return replace(example, about=dice.choice(_VERBS), reply="none")
    return example
