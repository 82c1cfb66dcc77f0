"""A thread of messages with cards in it: what words, buttons and tapbacks of a group come to.

The chat in the terminal and the bridge to a real thread both stand on this, so that both mean the same by a yes. A yes that points at one card, by
its button or by an answer to that very message, is a yes to the terms on it. Words that point at nothing are not: they have to name the amount. So
has a tapback on something that cannot be undone, because a thumb slips. Nothing here can confirm by itself: it hands the hash on the card to the
engine, which holds it against what stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

from pydantic import AwareDatetime

from halo_engine.engine import Engine
from halo_engine.model.card import Button, Card, CardKind
from halo_engine.model.consent import challenge
from halo_engine.model.errors import HaloError, InvalidInput
from halo_engine.model.form import FormField
from halo_engine.model.household import Household, Member
from halo_engine.model.intent import UNSUPPORTED, Intent
from halo_engine.model.option import option_meant
from halo_engine.model.receipt import Receipt
from halo_engine.model.reply import Reply, Tapback
from halo_engine.model.signing import SignedYes
from halo_engine.model.value import Value
from halo_engine.parsing.replies import tapped
from halo_engine.queries import Queries


class Wording(Value):
    """How one place of a thread says what can be done there. `{yes}` is what somebody would have to say."""

    no_answer: str
    how_to_confirm: str
    #: Where only pointing at the card tells which one is meant.
    which_card: str


#: Where cards have buttons.
WITH_BUTTONS = Wording(
    no_answer="That is no clear answer. Press a button on the card, or say what should be different.",
    how_to_confirm="To confirm, press Confirm on the card, or say: {yes}",
    which_card="To confirm, press Confirm on the card you mean.",
)


class Said(Value):
    """What somebody asked for, and the card that stands for it now."""

    request_id: str
    member_id: str
    text: str
    at: AwareDatetime
    card: Card | None = None


class Turn(Value):
    """What came of something that was said: the card that stands now, and a sentence beside it. Either may be missing."""

    card: Card | None = None
    note: str = ""
    #: Whether the card that was answered waits no more, though none takes its place.
    ends: bool = False
    #: The code of the error that stopped it (`HaloError.code`); empty where none did.
    error: str = ""


class Door(Protocol):
    """What a thread asks of Halo, in this process or behind a server. Members are named by their id. Raises `HaloError` and its kinds."""

    def household(self) -> Household: ...

    def members(self) -> tuple[Member, ...]: ...

    def said(self, *, limit: int) -> tuple[Said, ...]:
        """The newest requests, oldest first."""
        ...

    def parse(self, text: str) -> Intent: ...

    def heard(self, text: str, *, request_id: str) -> Reply: ...

    def draft(self, text: str, *, member: str, channel: str, answers: str | None = None) -> Card: ...

    def form(self, draft_id: str) -> tuple[FormField, ...]: ...

    def modify(self, draft_id: str, text: str, *, member: str) -> Card: ...

    def amend(self, draft_id: str, values: Mapping[str, str], *, member: str) -> Card: ...

    def cancel(self, draft_id: str, *, member: str) -> Card: ...

    def confirm(self, draft_id: str, *, draft_hash: str, member: str) -> Card:
        """The card of the execution that this yes started. It still has to be carried on."""
        ...

    def carry_on(self, execution_id: str, *, wait_s: float) -> Card:
        """Carry an execution on for at most `wait_s` seconds; the card of where it stands then."""
        ...

    def retry(self, of: str, *, member: str) -> Card: ...

    def card(self, of: str) -> Card:
        """The card of a request, draft or execution as it stands now."""
        ...


@runtime_checkable
class ReceiptDoor(Protocol):
    """A door that can also show what proves an effect."""

    def receipt(self, execution_id: str) -> Receipt:
        """Raises `NotFound` where nothing was done."""
        ...


@runtime_checkable
class PersonalDoor(Protocol):
    """A door that speaks for one member alone."""

    @property
    def me(self) -> str:
        """That member's id."""
        ...


class LocalDoor:
    """The engine and the books of this home."""

    def __init__(
        self,
        engine: Engine,
        open_queries: Callable[[], AbstractContextManager[Queries]],
        sign: Callable[..., SignedYes | None] | None = None,
    ) -> None:
        """`sign` makes the signature of a yes (called as `confirm` is), where this door has a key that is wanted."""
        self._engine, self._open_queries, self._sign = engine, open_queries, sign

    def household(self) -> Household:
        with self._open_queries() as queries:
            return queries.household()

    def members(self) -> tuple[Member, ...]:
        with self._open_queries() as queries:
            return queries.members()

    def said(self, *, limit: int) -> tuple[Said, ...]:
        with self._open_queries() as queries:
            return tuple(
                Said(request_id=one.id, member_id=one.user_id, text=one.text, at=one.at, card=queries.card_of_request(one.id))
                for one in queries.requests(limit=limit)
            )

    def parse(self, text: str) -> Intent:
        return self._engine.parse(text)

    def heard(self, text: str, *, request_id: str) -> Reply:
        return self._engine.heard(text, request_id=request_id)

    def draft(self, text: str, *, member: str, channel: str, answers: str | None = None) -> Card:
        return self._engine.draft(text, member=member, channel=channel, answers=answers)

    def form(self, draft_id: str) -> tuple[FormField, ...]:
        return self._engine.form(draft_id)

    def modify(self, draft_id: str, text: str, *, member: str) -> Card:
        return self._engine.modify(draft_id, text, member=member)

    def amend(self, draft_id: str, values: Mapping[str, str], *, member: str) -> Card:
        return self._engine.amend(draft_id, values, member=member)

    def cancel(self, draft_id: str, *, member: str) -> Card:
        return self._engine.cancel(draft_id, member=member)

    def confirm(self, draft_id: str, *, draft_hash: str, member: str) -> Card:
        signed = self._sign(draft_id, draft_hash=draft_hash, member=member) if self._sign else None
        through = {"signature": signed.jws, "device_id": signed.device_id} if signed else {}
        return self.card(self._engine.confirm(draft_id, draft_hash=draft_hash, member=member, **through).id)

    def carry_on(self, execution_id: str, *, wait_s: float) -> Card:
        return self.card(self._engine.execute(execution_id, wait_s=wait_s).id)

    def retry(self, of: str, *, member: str) -> Card:
        return self._engine.retry(of, member=member)

    def card(self, of: str) -> Card:
        with self._open_queries() as queries:
            return queries.card(of)

    def receipt(self, execution_id: str) -> Receipt:
        with self._open_queries() as queries:
            return queries.receipt(execution_id)


class Thread:
    """One thread. It keeps nothing: which card an answer points at is the caller's to know."""

    def __init__(self, door: Door, *, channel: str, wording: Wording = WITH_BUTTONS) -> None:
        self._door, self._channel, self._wording = door, channel, wording

    def say(self, text: str, *, member: str, waiting: Sequence[Card]) -> Turn:
        """Words that point at no card. `waiting` are those that wait for an answer, newest first; questions only that this member was asked."""
        return self._told(lambda: self._say(text, member, waiting), about=waiting[0] if waiting else None)

    def reply(self, text: str, *, member: str, to: Card) -> Turn:
        """Words in answer to one card."""
        return self._told(lambda: self._reply(text, member, to), about=to)

    def tap(self, tapback: Tapback, *, member: str, on: Card, removed: bool = False) -> Turn:
        """A reaction to one card. One that was taken back says nothing and undoes nothing."""
        return self._told(lambda: self._meant(tapped(tapback, removed=removed), member, on), about=on)

    def press(self, button: Button, *, member: str, on: Card) -> Turn:
        """A button of one card; Modify needs `reply` or `fill` instead."""
        return self._told(lambda: self._press(button, member, on), about=on)

    def choose(self, number: int, *, member: str, of: Card) -> Turn:
        """The option with that number, counting from 1."""
        return self._told(lambda: Turn(card=self._answer(str(number), member, of)), about=of)

    def fill(self, values: Mapping[str, str], *, member: str, on: Card) -> Turn:
        """What was changed in the form of one draft."""
        return self._told(lambda: self._still(on) or Turn(card=self._door.amend(_draft_id(on), values, member=member)), about=on)

    def _told(self, act: Callable[[], Turn], *, about: Card | None) -> Turn:
        """What came of it, or why nothing did with the card that stands now."""
        try:
            return act()
        except HaloError as error:
            return Turn(card=self._as_it_stands(about), note=f"{error.message} {error.hint}".strip(), error=error.code)

    def _as_it_stands(self, card: Card | None) -> Card | None:
        of = card and (card.execution_id or card.draft_id)
        if not of:
            return None
        try:
            return self._door.card(of)
        except HaloError:
            return None

    def _say(self, text: str, member: str, waiting: Sequence[Card]) -> Turn:
        drafts = [card for card in waiting if Button.CONFIRM in card.buttons]
        if named := [card for card in drafts if self._names_the_amount(text, card)]:
            return self._named(named, member)
        if waiting and waiting[0].kind is CardKind.CLARIFICATION:
            return self._reply(text, member, waiting[0])
        return self._about(text, member, drafts[0]) if drafts else self._request(text, member)

    def _named(self, cards: Sequence[Card], member: str) -> Turn:
        """Words with what each of `cards` asks for. An amount tells one card from others; two of one amount, or a verb, do not."""
        if len(cards) > 1 or not challenge(cards[0]).symbol:
            return Turn(note=self._which(cards[0]))
        return self._still(cards[0]) or self._confirm(member, cards[0])

    def _request(self, text: str, member: str) -> Turn:
        return Turn(card=self._door.draft(text, member=member, channel=self._channel))

    def _about(self, text: str, member: str, newest: Card) -> Turn:
        """Words while a draft waits: about it, or something new."""
        match self._heard(text, newest):
            case Reply.CONFIRM:
                return Turn(note=self._how_to_confirm(newest) if challenge(newest).symbol else self._which(newest))
            case Reply.CANCEL:
                return Turn(card=self._door.cancel(_draft_id(newest), member=member))
            case Reply.MODIFY:
                return self._change_or_request(text, member, newest)
            case _:
                wanted = self._door.parse(text)
                return Turn(note=self._unanswered(newest)) if wanted.verb == UNSUPPORTED else self._request(text, member)

    def _change_or_request(self, text: str, member: str, newest: Card) -> Turn:
        try:
            return Turn(card=self._door.modify(_draft_id(newest), text, member=member))
        except InvalidInput:
            wanted = self._door.parse(text)
            if wanted.verb == UNSUPPORTED or wanted.missing_fields:
                raise
            return self._request(text, member)

    def _reply(self, text: str, member: str, to: Card) -> Turn:
        if to.kind is CardKind.CLARIFICATION:
            if option_meant(to.options, text) is None and self._heard(text, to) is Reply.CANCEL:
                return Turn(note="Nothing was drafted.", ends=True)
            return Turn(card=self._answer(text, member, to))
        if still := self._still(to):
            return still
        if self._names_the_amount(text, to):
            return self._confirm(member, to)
        said = self._heard(text, to)
        return Turn(card=self._door.modify(_draft_id(to), text, member=member)) if said is Reply.MODIFY else self._meant(said, member, to)

    def _meant(self, said: Reply, member: str, on: Card) -> Turn:
        if said is Reply.NONE:
            return Turn()
        if still := self._still(on):
            return still
        match said:
            case Reply.CONFIRM if not on.needs_amount:
                return self._confirm(member, on)
            case Reply.CONFIRM:
                return Turn(note=self._how_to_confirm(on))
            case Reply.CANCEL:
                return Turn(card=self._door.cancel(_draft_id(on), member=member))
            case _:
                return Turn(note=self._wording.no_answer)

    def _press(self, button: Button, member: str, on: Card) -> Turn:
        if button in (Button.RETRY, Button.ASK_AGAIN):
            return Turn(card=self._door.retry(on.execution_id or _draft_id(on), member=member))
        if still := self._still(on):
            return still
        if button is Button.CONFIRM:
            return self._confirm(member, on)
        if button is Button.CANCEL:
            return Turn(card=self._door.cancel(_draft_id(on), member=member))
        return Turn(note="What should be different?")

    def _confirm(self, member: str, card: Card) -> Turn:
        return Turn(card=self._door.confirm(_draft_id(card), draft_hash=card.draft_hash or "", member=member))

    def _answer(self, text: str, member: str, question: Card) -> Card:
        return self._door.draft(text, member=member, channel=self._channel, answers=question.request_id)

    def _heard(self, text: str, card: Card) -> Reply:
        return self._door.heard(text, request_id=card.request_id) if card.request_id else Reply.UNSURE

    def _still(self, card: Card) -> Turn | None:
        """None while `card` is a draft that waits; else what stands in its place, and why nothing was done."""
        if Button.CONFIRM not in card.buttons:
            return Turn(note="Nothing waits for an answer there.")
        stands = self._door.card(_draft_id(card))
        if stands.draft_hash == card.draft_hash:
            return None
        if stands.execution_id:
            return Turn(card=stands, note="That was confirmed already; this is where it stands. Nothing was done again.")
        return Turn(card=stands, note="That card does not stand any more; this one does. Nothing was done.")

    def _unanswered(self, card: Card) -> str:
        """For words that were neither a request nor clearly about `card`, which may be out of sight."""
        return f"{card.subject} still waits. {self._wording.no_answer}"

    def _how_to_confirm(self, card: Card) -> str:
        return self._wording.how_to_confirm.format(yes=_yes_to(card))

    def _which(self, card: Card) -> str:
        return self._wording.which_card.format(yes=_yes_to(card))

    def _names_the_amount(self, text: str, card: Card) -> bool:
        """Whether it is a yes with exactly what the card asks for in it, or that amount alone."""
        asked = challenge(card)
        words = [word.strip(",.!") for word in text.split()]
        rest = [word for word in words if not asked.accepts(word)]
        # What trails off hesitates, also before an amount.
        if len(rest) != len(words) - 1 or ".." in text or "…" in text:
            return False
        # Alone, an amount can be nothing else; a word such as "cancel" could.
        return self._heard(" ".join(rest), card) is Reply.CONFIRM if rest else bool(asked.symbol)


def _yes_to(card: Card) -> str:
    """What has to be said in answer to `card` so that it is a yes."""
    asked = challenge(card)
    return f"yes {asked.symbol}{asked.expected}" if card.needs_amount else "yes"


def _draft_id(card: Card) -> str:
    if card.draft_id is None:
        raise InvalidInput("This card is not a draft's.")
    return card.draft_id
