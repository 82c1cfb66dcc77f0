"""BOOK: a table at a restaurant, through Resy, or an appointment for anything else, through Square.

The words decide whose desk it is; from then on the instruction and the terms name it. What binds the household beyond the charge (deposit, fees for
cancelling late and for not coming, a booking of its own in the way) is part of the terms.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from halo_engine.model.draft import Terms
from halo_engine.model.errors import VendorFailed
from halo_engine.model.intent import Example, VerbSpec
from halo_engine.model.outcome import Found, Outcome
from halo_engine.verb import Context, Instruction, Proposal, Question, Refusal, Verb
from halo_engine.verbs.book_appointment import Appointments
from halo_engine.verbs.book_table import Tables
from halo_engine.verbs.booking import RESTAURANT, BookParams, Desk

__all__ = ["Book", "BookParams"]

TABLES, APPOINTMENTS = Tables(), Appointments()
DESKS: Mapping[str, Desk] = MappingProxyType({desk.vendor: desk for desk in (TABLES, APPOINTMENTS)})


class Book(Verb[BookParams]):
    spec = VerbSpec(
        name="BOOK",
        describes="Book a table at a restaurant, or an appointment.",
        params=BookParams,
        examples=(
            Example(
                "book a table for two at Nopa tomorrow at 7:30pm",
                {"service": RESTAURANT, "venue": "Nopa", "party_size": 2, "date": "2026-03-04", "time": "19:30"},
            ),
            Example("haircut on friday at 3pm", {"service": "haircut", "date": "2026-03-06", "time": "15:00"}),
        ),
    )
    questions: ClassVar = {
        "place": "Where should I book?",
        "party_size": "For how many people?",
        "date": "For which day?",
        "time": "At what time?",
    }

    def resolve(self, params: BookParams, context: Context) -> Instruction | Question | Refusal:
        return (TABLES if params.is_a_table else APPOINTMENTS).resolve(params, context)

    def quote(self, instruction: Instruction, context: Context) -> Proposal | Refusal:
        return _desk(instruction["vendor"]).quote(instruction, context)

    def commit(self, terms: Terms, fresh: Proposal, *, key: str, context: Context) -> Outcome:
        return _desk(terms.vendor).commit(terms, fresh, key=key, context=context)

    def look_up(self, terms: Terms, *, key: str, context: Context) -> Found:
        return _desk(terms.vendor).look_up(terms, key=key, context=context)

    def repeats_safely(self, terms: Terms) -> bool:
        """Square honours keys; Resy has none: what it has no record of may still be on its way, and a person has to look."""
        return _desk(terms.vendor).recognises_repeats

    def alternative(self, terms: Terms, params: BookParams, context: Context) -> Proposal | Question | Refusal:
        return _desk(terms.vendor).alternative(terms, params, context)


def _desk(vendor: str) -> Desk:
    """The desk that terms name. Raises `VendorFailed` for one that this version of Halo does not know."""
    if vendor not in DESKS:
        raise VendorFailed(f"Halo does not know how to book at “{vendor}”.")
    return DESKS[vendor]
