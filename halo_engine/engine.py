"""The door. Faces open an `Engine` and say `draft`, `modify`, `confirm`, `execute`; the four steps behind it are in `stages/`.

It speaks for one household: the first of its books, as a terminal does, or with `of` any other one, as a server does for whoever calls.

It opens the books, the vendors and the verbs once. Everything it is given comes from outside: settings, the clock, and the transport that is the
network or the simulator.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from copy import copy
from datetime import timedelta
from functools import cached_property, partial
from types import TracebackType
from typing import Self

import httpx

from halo_engine import telemetry
from halo_engine.clock import Clock
from halo_engine.durable import Carrier, Tickets, Worker
from halo_engine.model import event
from halo_engine.model.card import Card
from halo_engine.model.draft import Draft, DraftStatus
from halo_engine.model.errors import Conflict, HaloError, InvalidInput, NotFound, StoreFailed
from halo_engine.model.execution import Execution, ExecutionStatus
from halo_engine.model.form import FormField, filled, form_of
from halo_engine.model.household import Household, Member, Usual, UsualItem
from halo_engine.model.ids import Prefix
from halo_engine.model.intent import UNSUPPORTED, Intent, Params
from halo_engine.model.link import Link, about, end_of_day, link_key, link_to, read, sign
from halo_engine.model.option import Option, option_meant
from halo_engine.model.outcome import Found
from halo_engine.model.reading import NOBODY, Reading, Spoke
from halo_engine.model.reply import Reply
from halo_engine.model.settlement import Finding, Settlement
from halo_engine.model.signing import issuer_of
from halo_engine.model.webhook import webhook_key
from halo_engine.open_parse import open_parse
from halo_engine.parsing.parser import ParseContext
from halo_engine.proving import tell_witness
from halo_engine.settings import Settings
from halo_engine.stages.acts import Acts
from halo_engine.stages.confirm import Confirming, Yes, vendor_key
from halo_engine.stages.delivering import Delivering
from halo_engine.stages.devices import Devices
from halo_engine.stages.draft import Drafting, standing
from halo_engine.stages.erasing import Erasing
from halo_engine.stages.execute import Executing
from halo_engine.stages.founding import HouseholdPlan, found
from halo_engine.stages.membership import Membership
from halo_engine.stages.parse import storable
from halo_engine.stages.settling import Settling
from halo_engine.stages.waits import Waits
from halo_engine.stages.webhooks import Webhooks
from halo_engine.store.acts import Reached
from halo_engine.store.directory import prepare_directory
from halo_engine.store.requests import Request
from halo_engine.store.secret import installation_secret, key_id
from halo_engine.store.session import Books, Store, open_store
from halo_engine.vendors.directory import open_vendors
from halo_engine.verb import Context, Proposal, Question, Refusal
from halo_engine.verbs import VERBS
from halo_engine.webhooks.sender import HttpSender

log = logging.getLogger(__name__)

#: The events by which an act on a draft is done.
_ENDS_AN_ACT = (event.DraftCancelled, event.DraftRevised, event.DraftCreated)


class Engine:
    """One installation, opened. A context manager."""

    def __init__(self, settings: Settings, store: Store, clock: Clock, transport: httpx.BaseTransport | None) -> None:
        self._settings, self._clock = settings, clock
        self._vendors = open_vendors(settings, transport=transport, clock=clock)
        self._parse = open_parse(settings)
        self._secret = installation_secret(settings.key_file, clock, given=settings.secret_key)
        self._key_id, self._link_key = key_id(self._secret), link_key(self._secret)
        self._tickets = Tickets(store)
        #: Hears of trouble that stopped nothing. A face that has somebody to tell puts its own way of saying it here.
        self.warn: Callable[[str], None] = log.warning
        self._warned = ""
        self._speak_for(store)

    def _speak_for(self, store: Store) -> None:
        """Everything that sees the books, over `store`, which is one household's view of them."""
        self._store, settings, clock = store, self._settings, self._clock
        limits, key_of, signs = settings.limits, partial(vendor_key, self._secret), issuer_of(self._secret, self._key_id)
        self._drafting = Drafting(store, VERBS, clock, lives_s=settings.draft_lives_s, spending_limit=limits.once)
        #: Who may call from elsewhere, and for whom.
        self.devices = Devices(store, clock, lives_s=settings.device_lives_s)
        self.membership = Membership(store, clock)
        key, allow_loopback = webhook_key(self._secret), settings.webhooks_allow_loopback
        #: Who outside is told of what happens; and who tells them.
        self.webhooks = Webhooks(store, clock, key=key, allow_loopback=allow_loopback)
        self.delivering = Delivering(store, clock, HttpSender(allow_loopback=allow_loopback), key=key)
        #: What is asked for under a key.
        self.acts = Acts(store, clock)
        self.erasing = Erasing(store)
        lives_s, write = settings.request_lives_s, self._tickets.write
        self._confirming = Confirming(store, limits, clock, signs, key_of=key_of, enqueue=write, request_lives_s=lives_s)
        self._executing = Executing(store, VERBS, self._vendors, self._drafting, clock, Waits.of(settings), key_of=key_of)
        self._settling = Settling(store, VERBS, self._vendors, key_of=key_of)
        self._carrier = Carrier(self._executing, store, clock)

    def of(self, household_id: str) -> Engine:
        """The same installation, speaking for that household of its books. It is closed by whoever opened it."""
        scoped = copy(self)
        scoped.__dict__.pop("_home_id", None)
        scoped._speak_for(self._store.of(household_id))  # noqa: SLF001 - of our own kind
        return scoped

    @classmethod
    def open(cls, settings: Settings, *, clock: Clock, transport: httpx.BaseTransport | None) -> Self:
        """Open or make the books at `settings.home`. Raises `StoreFailed` and its kinds."""
        prepare_directory(settings.home)
        store = open_store(database_file=settings.database_file, database_url=settings.database_address, clock=clock)
        return cls(settings, store, clock, transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the books."""
        self._store.close()

    def found_household(self, plan: HouseholdPlan) -> Household:
        """Make the household of this installation. Raises `Conflict` when there is one."""
        with self._store.transaction() as books:
            books.households.found_alone()
            if existing := books.households.first():
                raise Conflict(f"There is a household here already: {existing.name}.", hint="Use another data directory with --home.")
            return found(books, plan, self._clock, key_id=self._key_id)

    def found_household_beside(self, plan: HouseholdPlan) -> Household:
        """Make another household in the same books. Its vendors are the installation's, as its spending limit is; nothing else is shared."""
        with self._store.transaction() as books:
            return found(books, plan, self._clock, key_id=self._key_id)

    # 1 and 2: words in, card out

    @telemetry.step("draft")
    def draft(self, text: str, *, member: str | None, channel: str, answers: str | None = None) -> Card:
        """Read words and draft what they ask for. `answers` is the request whose question these words answer.

        Raises `InvalidInput`, `NotInitialised`, `NotFound`, `ParserFailed`, `VendorFailed`.
        """
        with self._store.reading() as books:
            household = books.households.home()
            asker = books.households.member(household.id, member)
            context = Context.read(books, household=household, member=asker, vendors=self._vendors)
            asked = books.requests.get(household.id, answers) if answers else None
        other = self._another_subject(asked, text, context) if asked else None
        # Words about something else leave the question open.
        question = asked if other is None else None
        reading = other or (self._answered(question, text, context) if question else self._parse.reading(text, self._words(context)))
        request = self._request(text, reading.intent, asker, channel, also_asked=question.asked_by if question else ())
        self._record(request, reading.spoke, answers=question)
        return self._drafting.draft(request, context)

    def _another_subject(self, asked: Request, text: str, context: Context) -> Reading | None:
        """A whole request of another kind, which is no answer; None for anything that may be one."""
        if asked.clarification is None:
            raise Conflict("That request is not waiting for an answer.", hint="Ask anew: halo ask TEXT")
        if option_meant(_options(asked), text):
            return None
        anew = self._parse.reading(text, self._words(context))
        verb = VERBS.get(anew.intent.verb)
        is_other = verb and verb.may_interrupt and anew.intent.verb != asked.intent.verb and not anew.intent.missing_fields
        return anew if is_other else None

    def _answered(self, asked: Request, text: str, context: Context) -> Reading:
        if option := option_meant(_options(asked), text):
            intent = asked.intent.model_copy(update={"params": option.params, "missing_fields": (), "entities": ()})
            return Reading(intent=intent, spoke=NOBODY)
        field = (asked.clarification or {})["field"]
        answered = self._parse.reading(text, self._words(context, requested=(field,), current=asked.intent))
        # What was left out of the first message is still left out.
        left = ", ".join(words for words in (asked.intent.remainder, answered.intent.remainder) if words) or None
        return answered.model_copy(update={"intent": answered.intent.model_copy(update={"remainder": left})})

    def _words(self, context: Context, *, requested: Sequence[str] = (), current: Intent | None = None) -> ParseContext:
        return ParseContext(
            now=context.now,
            zone=context.household.time_zone,
            requested=tuple(requested),
            current=current,
            bundles=tuple(usual.name for usual in context.usuals),
            members=context.members,
        )

    def _request(self, text: str, intent: Intent, asker: Member, channel: str, *, also_asked: tuple[str, ...] = ()) -> Request:
        return Request(
            id=self._clock.new_id(Prefix.REQUEST),
            household_id=asker.household_id,
            user_id=asker.id,
            channel=channel,
            text=storable(text),
            intent=intent,
            also_asked=tuple(each for each in also_asked if each != asker.id),
            created_at=self._clock.now(),
        )

    def _record(self, request: Request, spoke: Spoke, *, answers: Request | None = None) -> None:
        telemetry.bind(execution_request_id=request.id)
        with self._store.transaction() as books:
            books.requests.add(request)
            if answers:
                # A question is answered once.
                books.requests.understand(answers.id, answers.intent, None)
            payload = event.RequestParsed(
                channel=request.channel,
                parser=spoke.parser,
                verb=request.intent.verb,
                missing_fields=request.intent.missing_fields,
                text_chars=len(request.text),
                text=request.text,
                also_asked=request.also_asked,
                spoke=spoke,
            )
            follows = answers.id if answers else None
            books.events.append(payload, household_id=request.household_id, entity_id=request.id, user_id=request.user_id, follows=follows)

    def parse(self, text: str) -> Intent:
        """What words alone would ask for, as this household would mean it. Nothing is kept."""
        context = self._context(None)
        return self._parse.read(text, self._words(context))

    @telemetry.step("modify")
    def modify(self, draft_id: str, text: str, *, member: str | None) -> Card:
        """The next revision of an open draft, changed as the words say. Nothing changes when they cannot be understood or had."""
        before, context = self._to_change(draft_id, member)
        current = Intent(verb=before.verb, confidence=1.0, params=before.payload["params"])
        reading = self._parse.reading(text, self._words(context, current=current))
        changed = reading.intent
        self._record_change(before, event.ChangeParsed(parser=reading.spoke.parser, text_chars=len(text), spoke=reading.spoke), context)
        if changed.verb != before.verb or changed.params == current.params:
            hint = "Say what to change, such as: make it 3. The draft stays as it was."
            raise InvalidInput("Those words change nothing in this draft.", hint=hint)
        return self._drafting.modify(before, changed, context)

    def form(self, draft_id: str) -> tuple[FormField, ...]:
        """What can be changed in a draft without words. Raises `NotFound`."""
        with self._store.reading() as books:
            draft = books.drafts.get(self._home_id, draft_id)
        return form_of(_params(draft))

    @telemetry.step("amend")
    def amend(self, draft_id: str, values: Mapping[str, str], *, member: str | None) -> Card:
        """As `modify`, with fields of the draft's form filled in anew. Raises `InvalidInput` naming a field that cannot be so."""
        before, context = self._to_change(draft_id, member)
        params = filled(_params(before), values)
        if params == _params(before):
            raise InvalidInput("Nothing was changed in this draft.", hint="It stays as it was.")
        self._record_change(before, event.ChangeParsed(parser=NOBODY.parser, text_chars=0, spoke=NOBODY), context)
        changed = Intent(verb=before.verb, confidence=1.0, params=params.model_dump(mode="json"))
        return self._drafting.modify(before, changed, context)

    def _to_change(self, draft_id: str, member: str | None) -> tuple[Draft, Context]:
        with self._store.transaction() as books:
            household = books.households.home()
            before = standing(books, household.id, draft_id)
            asker = books.households.member(household.id, member)
            return before, Context.read(books, household=household, member=asker, vendors=self._vendors)

    def _record_change(self, before: Draft, payload: event.ChangeParsed, context: Context) -> None:
        with self._store.transaction() as books:
            books.events.append(payload, household_id=before.household_id, entity_id=before.id, user_id=context.member.id)

    def resume(self, reached: Sequence[Reached], *, member: str | None) -> Card | None:
        """The card of an act that was begun before and cut short, carried on from what it had `reached`; None where that was nothing yet.

        What was asked for is not asked for again: a draft that is in the books is shown, and a request that is, is drafted.
        """
        done = {each.event_type: each.entity_id for each in reached}
        with self._store.reading() as books:
            if draft_id := next(filter(None, (done.get(each.event_type) for each in _ENDS_AN_ACT)), None):
                return self._drafting.card(books, books.drafts.get(self._home_id, draft_id).as_of(books.now))
            if (request_id := done.get(event.RequestParsed.event_type)) is None:
                return None
            request = books.requests.get(self._home_id, request_id)
            told = books.events.newest_payload(request_id, event.RequestParsed.event_type) or {}
        request = request.model_copy(update={"also_asked": tuple(told.get("also_asked", ()))})
        return self._drafting.draft(request, self._context(member))

    def heard(self, text: str, *, request_id: str) -> Reply:
        """What words say to the card of a request: yes, no, something else instead, or nothing that is certain. It does nothing itself."""
        from halo_engine.parsing.replies import heard

        with self._store.reading() as books:
            asked = books.requests.get(self._home_id, request_id)
        return heard(text, about=asked.intent.verb)

    @telemetry.step("cancel")
    def cancel(self, draft_id: str, *, member: str | None) -> Card:
        """End an open draft."""
        who = self._member(member)
        return self._drafting.cancel(who.household_id, draft_id, who)

    def link(self, card: Card) -> str | None:
        """Where `card` can be read on the web, which grants nothing (`model.link`); None where nobody said how this is reached."""
        site = self._settings.public_url
        if site is None or about(card) is None:
            return None
        return sign(link_to(card, now=end_of_day(self._clock.now())), site=site, key=self._link_key)

    def linked(self, url: str) -> Link:
        """What one of this installation's links is to. Raises `NotFound` for any other."""
        # Nothing was ever signed for no site.
        return read(url, site=self._settings.public_url or "", key=self._link_key, now=self._clock.now())

    # 3 and 4: a yes, and what it does

    @telemetry.step("confirm")
    def confirm(
        self, draft_id: str, *, draft_hash: str, member: str | None, signature: str | None = None, device_id: str | None = None
    ) -> Execution:
        """Confirm exactly the terms with that hash. See `stages.confirm` for what is checked and raised.

        `device_id` is the one it is said through, `signature` its compact JWS over a `signing_object`, where there is either.
        """
        household_id = self._home_id
        self._tickets.open()
        yes = Yes(draft_hash=draft_hash, device_id=device_id, signature=signature)
        return self._confirming.confirm(draft_id, yes, household_id=household_id, who=member)

    def signing_object(self, draft_id: str, *, device_id: str, member: str | None) -> bytes:
        """What that device of `member` signs to confirm the terms that stand now. See `stages.confirm` for what is raised."""
        return self._confirming.signing_object(draft_id, device_id=device_id, household_id=self._home_id, who=member)

    @telemetry.step("execute")
    def execute(self, execution_id: str, *, wait_s: float) -> Execution:
        """Carry an execution on until it ends or the wait is over, and return it as it stands then."""
        until = self._clock.now() + timedelta(seconds=wait_s)
        execution = self._carrier.see_through(execution_id, household_id=self._home_id, until=until)
        self._ended(execution)
        return execution

    def _ended(self, execution: Execution) -> None:
        """Whatever an end is, the witness gets to know that the log has come so far. It may be away: that is said once, and stops nothing."""
        trouble = tell_witness(self._settings, self._clock) if execution.is_final else self._warned
        if trouble and trouble != self._warned:
            self.warn(f"The witness was not told: {trouble}")
        self._warned = trouble

    @property
    def household_id(self) -> str | None:
        """Whose lines of the log these are; None where that cannot be told."""
        with suppress(HaloError):
            return self._home_id
        return None

    @cached_property
    def _home_id(self) -> str:
        """The household it speaks for.

        Raises `StoreFailed` where the books are shared and this home's secret is not the one they were founded with: vendors would not know our keys.
        """
        with self._store.reading() as books:
            household = books.households.home()
            if books.events.founding(household.id).get("key_id") not in (None, self._key_id):
                hint = "Copy secret.key from the home in which the household was founded."
                raise StoreFailed(f"{self._settings.secret_is_in} is not the secret of these books.", hint=hint)
            return household.id

    def look_again(self, execution_id: str) -> Found:
        """What the vendor's own record shows of an execution now. It changes nothing. See `stages.settling` for what is raised."""
        return self._settling.look_again(execution_id, household_id=self._home_id)

    def settle(self, execution_id: str, found: Settlement, *, member: str | None) -> Execution:
        """Record what a person found at the vendor's, of what needs attention: once. See `stages.settling` for what is raised."""
        return self._settling.settle(execution_id, found, household_id=self._home_id, who=member)

    def worker(self, *, told: Callable[[Execution], None]) -> Worker:
        """Who carries on what anybody confirmed in these books. `told` hears of each execution that ended, in the worker's threads."""
        # One with another secret does not even start.
        _ = self._home_id
        starts = self._settings.starts_per_minute

        def ended(execution: Execution) -> None:
            told(execution)
            self._ended(execution)

        tickets, delivering = self._tickets, self.delivering
        return Worker(self._executing, self._store, tickets, self._clock, starts_per_minute=starts, told=ended, delivering=delivering)

    @telemetry.step("retry")
    def retry(self, of: str, *, member: str | None) -> Card:
        """A fresh draft for an execution that ended without an effect, or for a draft whose time was over: never a blind repeat.

        What needed attention has ended so, too, once a person found that it did not happen.
        Where another draft stands in its place already, that one's card. Raises `Conflict` where there is nothing to ask again.
        """
        context = self._context(member)
        with self._store.reading() as books:
            draft, is_over = self._to_ask_again(books, of, context.household.id)
            if not is_over:
                return self._drafting.card(books, draft)
            asked = books.requests.get(context.household.id, draft.request_id)
        intent = Intent(verb=draft.verb, confidence=1.0, params=draft.payload["params"])
        # Who says "again" asks for what others had asked for: it must not become theirs to approve.
        also_asked = (asked.user_id, *draft.also_asked_by)
        request = self._request(asked.text, intent, context.member, asked.channel, also_asked=also_asked)
        self._record(request, NOBODY)
        return self._drafting.draft(request, context)

    def _to_ask_again(self, books: Books, of: str, household_id: str) -> tuple[Draft, bool]:
        """The draft that is meant, and whether it is over without an effect; where its terms changed, the one in its place."""
        if of.startswith(Prefix.DRAFT.value):
            draft = books.drafts.get(household_id, of).as_of(books.now)
            if draft.status in (DraftStatus.CONFIRMED, DraftStatus.CANCELLED):
                message = f"This draft was {draft.status.value}; only one that has expired is asked for again."
                raise Conflict(message, hint="Nothing was done.")
            return draft, draft.status is DraftStatus.EXPIRED
        execution = books.executions.get(of, household_id=household_id)
        if execution.status is ExecutionStatus.TERMS_CHANGED and execution.revised_draft_id:
            draft = books.drafts.get(household_id, execution.revised_draft_id).as_of(books.now)
            return draft, draft.status is DraftStatus.EXPIRED
        if execution.status is not ExecutionStatus.FAILED and not _found_undone(books, execution):
            raise Conflict(f"Only a failed execution can be retried; this one is {execution.status.value}.", hint="Nothing was done.")
        return books.drafts.get(household_id, execution.draft_id), True

    def _context(self, member: str | None) -> Context:
        with self._store.reading() as books:
            household = books.households.home()
            who = books.households.member(household.id, member)
            return Context.read(books, household=household, member=who, vendors=self._vendors)

    # Usuals

    def save_usual(self, name: str, text: str, *, member: str | None) -> Usual:
        """Save what `text` would order as the Usual `name`. Raises `InvalidInput` where it is not clear which products are meant."""
        context = self._context(member)
        household, who = context.household, context.member
        proposal = self._what_to_order(text, context)
        items = tuple(UsualItem(reference=line.reference, name=line.title, quantity=line.quantity) for line in proposal.lines)
        with self._store.transaction() as books:
            usual = Usual(id=self._clock.new_id(Prefix.USUAL), household_id=household.id, name=name, items=items, created_at=books.now)
            usual = books.usuals.save(usual)
            payload = event.UsualSaved(name=usual.name, items=len(items))
            books.events.append(payload, household_id=household.id, entity_id=usual.id, user_id=who.id)
            return usual

    def _what_to_order(self, text: str, context: Context) -> Proposal:
        intent = self._parse.read(text, self._words(context))
        if intent.verb == UNSUPPORTED:
            raise InvalidInput("That is not something to order.", hint='Such as: halo usual add breakfast "order coffee and oats"')
        match VERBS[intent.verb].propose(VERBS[intent.verb].spec.params.model_validate(intent.params), context):
            case Proposal() as proposal if proposal.lines:
                return proposal
            case Question() as question:
                names = "; ".join(option.label for option in question.options)
                hint = f"Name it exactly: {names}" if names else "Say it with the answer in it."
                raise InvalidInput(question.question, hint=hint, public="More has to be said for that.")
            case Refusal(reason=reason):
                raise NotFound(reason, hint="Nothing was saved.", public="That cannot be had now.")
            case _:
                raise InvalidInput("That is not something to order.", hint="Nothing was saved.")

    def remove_usual(self, of: str, *, member: str | None) -> Usual:
        """Forget the Usual with that id or name, and return what it was."""
        who = self._member(member)
        with self._store.transaction() as books:
            usual = books.usuals.remove(who.household_id, of)
            payload = event.UsualRemoved(name=usual.name)
            books.events.append(payload, household_id=who.household_id, entity_id=usual.id, user_id=who.id)
            return usual

    def _member(self, who: str | None) -> Member:
        with self._store.transaction() as books:
            return books.households.member(books.households.home().id, who)


def _found_undone(books: Books, execution: Execution) -> bool:
    """Whether somebody looked at the vendor's and found that it had not happened."""
    settled = books.events.newest_payload(execution.id, event.ExecutionSettled.event_type)
    return settled is not None and settled["outcome"] == Finding.DID_NOT_HAPPEN


def _options(asked: Request) -> list[Option]:
    return [Option.model_validate(option) for option in (asked.clarification or {}).get("options", ())]


def _params(draft: Draft) -> Params:
    return VERBS[draft.verb].spec.params.model_validate(draft.payload["params"])
