"""The waist: what a verb is, and what it is handed. The stages know verbs only by this; a verb knows the stages not at all.

A verb turns parameters into an instruction for a vendor (`resolve`), asks the vendor what carrying it out would come to (`quote`), carries it out
(`commit`) and finds out whether it was carried out (`look_up`). The draft and the check just before the commit are the same `quote`, so what is
compared is like with like.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar
from zoneinfo import ZoneInfo

from halo_engine.model.draft import Charge, Fact, Line, Terms
from halo_engine.model.household import Household, Member, Preference, Usual
from halo_engine.model.intent import Params, VerbSpec
from halo_engine.model.money import Money
from halo_engine.model.option import Option
from halo_engine.model.outcome import Found, Outcome
from halo_engine.model.value import Value
from halo_engine.store.session import Books
from halo_engine.vendors.directory import Vendors

#: The verb's own identifiers at the vendor; becomes `Terms.instruction`.
Instruction = Mapping[str, Any]


@dataclass(frozen=True)
class PastExecution:
    """Terms that were carried out, and when that was done."""

    terms: Terms
    finished_at: datetime


@dataclass(frozen=True)
class Context:
    """Everything a verb may know: who asks, when, what the household keeps, and the vendors. No store, no settings, no clock."""

    household: Household
    member: Member
    preference: Preference
    usuals: tuple[Usual, ...]
    #: What the members are called.
    members: tuple[str, ...]
    #: By verb, what was last done.
    last_done: Mapping[str, PastExecution]
    now: datetime
    vendors: Vendors

    @property
    def zone(self) -> ZoneInfo:
        """The zone the household's dates are read and written in."""
        return ZoneInfo(self.household.time_zone)

    @classmethod
    def read(cls, books: Books, *, household: Household, member: Member, vendors: Vendors) -> Context:
        """Gathered in one transaction, so that vendors can be asked outside of any."""
        return cls(
            household=household,
            member=member,
            preference=books.households.preference(household.id),
            usuals=books.usuals.all(household.id),
            members=tuple(each.display_name for each in books.households.members(household.id)),
            last_done=_last_done(books, household.id),
            now=books.now,
            vendors=vendors,
        )

    @classmethod
    def to_carry_out(cls, books: Books, *, member_id: str, vendors: Vendors) -> Context:
        """As `read`, without what words may point at: an instruction says everything itself."""
        household, member, preference = books.households.of_member(member_id)
        return cls(
            household=household, member=member, preference=preference, usuals=(), members=(), last_done={}, now=books.now, vendors=vendors
        )


def _last_done(books: Books, household_id: str) -> dict[str, PastExecution]:
    return {
        done.verb: PastExecution(terms=books.drafts.look(household_id, done.draft_id).terms, finished_at=done.finished_at)
        for done in books.executions.last_done(household_id)
        if done.finished_at
    }


class Proposal(Value):
    """What carrying out an instruction would come to, in the words and amounts of the terms. `evidence` is the vendor's own answer to it."""

    verb: str
    title: str
    summary: str
    vendor: str
    payee: str
    lines: tuple[Line, ...] = ()
    charges: tuple[Charge, ...] = ()
    total: Money
    #: What may be charged at the most, where the vendor tells the rest only once it is done; without it the total is firm.
    maximum: Money | None = None
    payment_method: str | None = None
    fulfilment: tuple[Fact, ...] = ()
    policies: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    irreversible: bool
    instruction: dict[str, Any]
    evidence: Any = None

    @property
    def at_most(self) -> Money:
        """What a confirmation of this allows to be charged."""
        return self.total if self.maximum is None else self.maximum


class Question(Value):
    """One thing must be known first: the field, a short question, one to three options with the reason for their order."""

    field: str
    question: str
    options: tuple[Option, ...] = ()


class Refusal(Value):
    """A plain answer why it cannot be: sold out, unknown, closed. Not an error."""

    reason: str


P = TypeVar("P", bound=Params)


class Verb(ABC, Generic[P]):
    """One thing Halo can do. Every method may raise `VendorFailed` from a read; a commit itself never raises, it answers."""

    spec: ClassVar[VerbSpec]

    #: What to ask for each field that can be missing.
    questions: ClassVar[Mapping[str, str]]
    #: Whether a whole request of it takes the place of a question that is open; where it may as well be an answer, it does not.
    may_interrupt: ClassVar[bool] = True

    @abstractmethod
    def resolve(self, params: P, context: Context) -> Instruction | Question | Refusal:
        """What the vendor would be asked to do."""

    @abstractmethod
    def quote(self, instruction: Instruction, context: Context) -> Proposal | Refusal:
        """What that would come to now."""

    @abstractmethod
    def commit(self, terms: Terms, fresh: Proposal, *, key: str, context: Context) -> Outcome:
        """Do it: exactly `terms`, under `key`. `fresh` is the quote taken a moment ago and found to be covered by them."""

    @abstractmethod
    def look_up(self, terms: Terms, *, key: str, context: Context) -> Found:
        """Whether `terms` were carried out under `key`."""

    @abstractmethod
    def repeats_safely(self, terms: Terms) -> bool:
        """Whether the vendor of `terms` recognises a repeat under the same key, so that a request it has no record of may be sent again."""

    def question(self, field: str, params: P, context: Context) -> Question:
        """What to ask for a field that no words have filled; a verb that knows the likely answers offers them."""
        return Question(field=field, question=self.questions[field])

    def propose(self, params: P, context: Context) -> Proposal | Question | Refusal:
        """Words to terms: `resolve`, then `quote`."""
        resolved = self.resolve(params, context)
        return resolved if isinstance(resolved, Question | Refusal) else self.quote(resolved, context)

    def alternative(self, terms: Terms, params: P, context: Context) -> Proposal | Question | Refusal:
        """What to offer when `terms` can no longer be had."""
        return self.propose(params, context)


Verbs = Mapping[str, Verb[Any]]
