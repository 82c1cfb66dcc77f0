"""The door. Faces open an `Engine` and say `draft`, `modify`, `confirm`, `execute`; the four steps behind it are in `stages/`.

It opens the books, the vendors and the verbs once. Everything it is given comes from outside: settings, the clock, and the transport that is the
network or the simulator.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import httpx
from pydantic import Field, SecretStr, field_validator, model_validator

from halo_engine.clock import Clock
from halo_engine.durable import Carrier, Tickets, Worker
from halo_engine.model import event
from halo_engine.model.card import Card, Option, draft_card, execution_card, option_meant
from halo_engine.model.errors import Conflict, InvalidInput, NotFound, StoreFailed, StoreNotWritable
from halo_engine.model.execution import Execution, ExecutionStatus
from halo_engine.model.household import Address, Household, Member, Preference, Role, Usual, UsualItem
from halo_engine.model.ids import Prefix
from halo_engine.model.intent import UNSUPPORTED, Intent, VerbSpec
from halo_engine.model.money import Money
from halo_engine.model.policy import MayConfirm, SpendingLimit
from halo_engine.model.reading import NOBODY, Reading, Spoke
from halo_engine.model.reply import Reply
from halo_engine.model.value import Value
from halo_engine.parsing.fallback import Plain, Reader, WithFallback
from halo_engine.parsing.parser import ParseContext, Parser
from halo_engine.settings import Settings
from halo_engine.stages.confirm import Confirming, key_id, vendor_key
from halo_engine.stages.draft import Drafting, standing
from halo_engine.stages.execute import Executing
from halo_engine.stages.parse import Parse, storable
from halo_engine.stages.waits import Waits
from halo_engine.store.directory import prepare_directory
from halo_engine.store.requests import Request
from halo_engine.store.session import Books, Store, open_store
from halo_engine.vendors.directory import open_vendors
from halo_engine.vendors.http import MAX_RETRY_AFTER_S
from halo_engine.verb import Context, Proposal, Question, Refusal
from halo_engine.verbs import VERBS


class MemberPlan(Value):
    """Somebody who is to live in a new household."""

    name: str
    role: Role = Role.ADULT


class UsualPlan(Value):
    """A bundle that a new household starts with."""

    name: str
    items: tuple[UsualItem, ...]


class HouseholdPlan(Value):
    """Everything a new household is founded with."""

    name: str
    time_zone: str
    members: tuple[MemberPlan, ...] = Field(min_length=1)
    default_merchant: str = "amazon"
    default_booking_vendor: str = "resy"
    payment_method_masked: str | None = None
    shipping_address: Address | None = None
    usuals: tuple[UsualPlan, ...] = ()

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (OSError, ValueError, LookupError) as error:
            raise ValueError(f"{zone!r} is not an IANA time zone") from error
        return zone

    @model_validator(mode="after")
    def _names_are_told_apart(self) -> HouseholdPlan:
        if len({member.name.casefold() for member in self.members}) != len(self.members):
            raise ValueError("two members have the same name")
        return self


class Engine:
    """One installation, opened. A context manager."""

    def __init__(self, settings: Settings, store: Store, clock: Clock, transport: httpx.BaseTransport | None) -> None:
        self._settings, self._store, self._clock = settings, store, clock
        self._vendors = open_vendors(settings, transport=transport, clock=clock)
        self._parse = open_parse(settings)
        drafting = Drafting(store, VERBS, clock, lives_s=settings.draft_lives_s)
        policies = (MayConfirm(), SpendingLimit(Money(cents=settings.spending_limit_cents)))
        waits = Waits(
            request_lives_s=settings.request_lives_s,
            retries_s=settings.retry_waits_s,
            lookups_s=settings.lookup_waits_s,
            sent_late_s=settings.sent_late_s,
            accepted_lives_s=settings.accepted_lives_s,
            deaths=settings.worker_deaths,
            longest_s=2 * max(settings.request_lives_s, MAX_RETRY_AFTER_S, *settings.retry_waits_s, *settings.lookup_waits_s),
        )
        self._drafting = drafting
        secret = _secret(settings.key_file, clock)
        self._key_id, key_of = key_id(secret), partial(vendor_key, secret)
        self._tickets = Tickets(store)
        self._confirming = Confirming(store, policies, clock, key_of=key_of, enqueue=self._tickets.write)
        self._executing = Executing(store, VERBS, self._vendors, drafting, clock, waits, key_of=key_of)
        self._carrier = Carrier(self._executing, store, clock)

    @classmethod
    def open(cls, settings: Settings, *, clock: Clock, transport: httpx.BaseTransport | None) -> Self:
        """Open or make the books at `settings.home`. Raises `StoreFailed` and its kinds."""
        url = settings.database_url.get_secret_value() if settings.database_url else None
        prepare_directory(settings.home)
        store = open_store(database_file=settings.database_file, database_url=url, clock=clock)
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
            return _found(books, plan, self._clock, key_id=self._key_id)

    # 1 and 2: words in, card out

    def draft(self, text: str, *, member: str | None, channel: str, answers: str | None = None) -> Card:
        """Read words and draft what they ask for. `answers` is the request whose question these words answer.

        Raises `InvalidInput`, `NotInitialised`, `NotFound`, `ParserFailed`, `VendorFailed`.
        """
        with self._store.transaction() as books:
            household = books.households.home()
            asker = books.households.member(household.id, member)
            context = Context.read(books, household=household, member=asker, vendors=self._vendors)
            asked = books.requests.get(household.id, answers) if answers else None
        reading = self._answered(asked, text, context) if asked else self._parse.reading(text, self._words(context))
        request = self._request(text, reading.intent, asker, channel)
        self._record(request, reading.spoke, answers=asked)
        return self._drafting.draft(request, context)

    def _answered(self, asked: Request, text: str, context: Context) -> Reading:
        if asked.clarification is None:
            raise Conflict("That request is not waiting for an answer.", hint="Ask anew: halo ask TEXT")
        option = option_meant([Option.model_validate(option) for option in asked.clarification["options"]], text)
        if option:
            intent = asked.intent.model_copy(update={"params": option.params, "missing_fields": (), "entities": ()})
            return Reading(intent=intent, spoke=NOBODY)
        anew = self._parse.reading(text, self._words(context))
        verb = VERBS.get(anew.intent.verb)
        if verb and verb.may_interrupt and anew.intent.verb != asked.intent.verb and not anew.intent.missing_fields:
            # Somebody changed the subject: a whole request of another kind is no answer.
            return anew
        answered = self._parse.reading(text, self._words(context, requested=(asked.clarification["field"],), current=asked.intent))
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

    def _request(self, text: str, intent: Intent, asker: Member, channel: str) -> Request:
        return Request(
            id=self._clock.new_id(Prefix.REQUEST),
            household_id=asker.household_id,
            user_id=asker.id,
            channel=channel,
            text=storable(text),
            intent=intent,
            created_at=self._clock.now(),
        )

    def _record(self, request: Request, spoke: Spoke, *, answers: Request | None = None) -> None:
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
                spoke=spoke,
            )
            books.events.append(payload, household_id=request.household_id, entity_id=request.id, user_id=request.user_id)

    def modify(self, draft_id: str, text: str, *, member: str | None) -> Card:
        """The next revision of an open draft, changed as the words say. Nothing changes when they cannot be understood or had."""
        with self._store.transaction() as books:
            household = books.households.home()
            before = standing(books, household.id, draft_id)
            asker = books.households.member(household.id, member)
            context = Context.read(books, household=household, member=asker, vendors=self._vendors)
        current = Intent(verb=before.verb, confidence=1.0, params=before.payload["params"])
        reading = self._parse.reading(text, self._words(context, current=current))
        changed = reading.intent
        with self._store.transaction() as books:
            payload = event.ChangeParsed(parser=reading.spoke.parser, text_chars=len(text), spoke=reading.spoke)
            books.events.append(payload, household_id=household.id, entity_id=draft_id, user_id=asker.id)
        if changed.verb != before.verb or changed.params == current.params:
            hint = "Say what to change, such as: make it 3. The draft stays as it was."
            raise InvalidInput("Those words change nothing in this draft.", hint=hint)
        return self._drafting.modify(before, changed, context)

    def heard(self, text: str, *, request_id: str) -> Reply:
        """What words say to the card of a request: yes, no, something else instead, or nothing that is certain. It does nothing itself."""
        from halo_engine.parsing.replies import heard

        with self._store.reading() as books:
            asked = books.requests.get(self._home_id, request_id)
        return heard(text, about=asked.intent.verb)

    def cancel(self, draft_id: str, *, member: str | None) -> Card:
        """End an open draft."""
        who = self._member(member)
        return self._drafting.cancel(who.household_id, draft_id, who)

    # 3 and 4: a yes, and what it does

    def confirm(self, draft_id: str, *, draft_hash: str, member: str | None) -> Execution:
        """Confirm exactly the terms with that hash. See `stages.confirm` for what is checked and raised."""
        household_id = self._home_id
        self._tickets.open()
        return self._confirming.confirm(draft_id, draft_hash=draft_hash, household_id=household_id, who=member)

    def execute(self, execution_id: str, *, wait_s: float) -> Execution:
        """Carry an execution on until it ends or the wait is over, and return it as it stands then."""
        until = self._clock.now() + timedelta(seconds=wait_s)
        return self._carrier.see_through(execution_id, household_id=self._home_id, until=until)

    @cached_property
    def _home_id(self) -> str:
        """The household of this home; there is never another.

        Raises `StoreFailed` where the books are shared and this home's secret is not the one they were founded with: vendors would not know our keys.
        """
        with self._store.reading() as books:
            household = books.households.home()
            if books.events.founding(household.id).get("key_id") not in (None, self._key_id):
                hint = "Copy secret.key from the home in which the household was founded."
                raise StoreFailed(f"{self._settings.key_file} is not the secret of these books.", hint=hint)
            return household.id

    def worker(self, *, told: Callable[[Execution], None]) -> Worker:
        """Who carries on what anybody confirmed in these books. `told` hears of each execution that ended, in the worker's threads."""
        # One with another secret does not even start.
        _ = self._home_id
        starts = self._settings.starts_per_minute
        return Worker(self._executing, self._store, self._tickets, self._clock, starts_per_minute=starts, told=told)

    def retry(self, execution_id: str, *, member: str | None) -> Card:
        """A fresh draft for an execution that ended without an effect: never a blind repeat."""
        with self._store.transaction() as books:
            household = books.households.home()
            execution = books.executions.get(execution_id, household_id=household.id)
            if execution.status is ExecutionStatus.TERMS_CHANGED and execution.revised_draft_id:
                return draft_card(books.drafts.get(household.id, execution.revised_draft_id).as_of(books.now))
            if execution.status is not ExecutionStatus.FAILED:
                raise Conflict(f"Only a failed execution can be retried; this one is {execution.status.value}.", hint="Nothing was done.")
            draft = books.drafts.get(household.id, execution.draft_id)
            asked = books.requests.get(household.id, draft.request_id)
            asker = books.households.member(household.id, member)
            context = Context.read(books, household=household, member=asker, vendors=self._vendors)
        intent = Intent(verb=draft.verb, confidence=1.0, params=draft.payload["params"])
        request = self._request(asked.text, intent, asker, asked.channel)
        self._record(request, NOBODY)
        return self._drafting.draft(request, context)

    def card(self, execution: Execution) -> Card:
        """The card that shows where `execution` stands."""
        with self._store.transaction() as books:
            draft = books.drafts.get(execution.household_id, execution.draft_id)
            return execution_card(execution, draft, books.receipts.of_execution(execution.id))

    # Usuals

    def save_usual(self, name: str, text: str, *, member: str | None) -> Usual:
        """Save what `text` would order as the Usual `name`. Raises `InvalidInput` where it is not clear which products are meant."""
        with self._store.transaction() as books:
            household = books.households.home()
            who = books.households.member(household.id, member)
            context = Context.read(books, household=household, member=who, vendors=self._vendors)
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
                raise InvalidInput(question.question, hint=f"Name it exactly: {names}" if names else "Say it with the answer in it.")
            case Refusal(reason=reason):
                raise NotFound(reason, hint="Nothing was saved.")
            case _:
                raise InvalidInput("That is not something to order.", hint="Nothing was saved.")

    def remove_usual(self, name: str, *, member: str | None) -> Usual:
        """Forget a Usual, and return what it was."""
        who = self._member(member)
        with self._store.transaction() as books:
            usual = books.usuals.remove(who.household_id, name)
            payload = event.UsualRemoved(name=usual.name)
            books.events.append(payload, household_id=who.household_id, entity_id=usual.id, user_id=who.id)
            return usual

    def _member(self, who: str | None) -> Member:
        with self._store.transaction() as books:
            return books.households.member(books.households.home().id, who)


def words_reader(settings: Settings, clock: Clock) -> Callable[..., Intent]:
    """A reader of words alone, for `halo parse`: no household, no books, nothing kept."""
    parse = open_parse(settings)

    def read(text: str, *, now: datetime | None, zone: str | None, requested: tuple[str, ...]) -> Intent:
        said_at = now or clock.now()
        if not 1970 <= said_at.year <= 2100:
            raise InvalidInput("That time is not one in which anybody talks.", hint="Such as 2026-03-03T12:00:00Z.")
        try:
            context = ParseContext(now=said_at, zone=zone or "UTC", requested=requested)
        except ValueError as error:
            raise InvalidInput("That is not an IANA time zone.", hint="Such as America/New_York.") from error
        return parse.read(text, context)

    return read


def open_parse(settings: Settings) -> Parse:
    """The parse step with the parser that `settings` names."""
    specs = tuple(verb.spec for verb in VERBS.values())
    return Parse(_parser(settings, specs), VERBS, max_text_chars=settings.max_text_chars, minimum_confidence=settings.minimum_confidence)


def _parser(settings: Settings, specs: tuple[VerbSpec, ...]) -> Reader:
    def offline() -> Parser:
        from halo_engine.parsing.offline import OfflineParser

        return OfflineParser(specs)

    if settings.parser == "offline":
        return Plain(offline())
    model = _language_model(settings, specs)
    return WithFallback(model, offline) if settings.openai_fallback else model


def _language_model(settings: Settings, specs: tuple[VerbSpec, ...]) -> Reader:
    from halo_engine.parsing.language_model.key import model_key
    from halo_engine.parsing.language_model.openai_parser import OpenAIParser

    if settings.openai_base_url is None:
        raise InvalidInput("The openai parser needs an address.", hint="Set HALO_OPENAI_BASE_URL, such as http://127.0.0.1:8080/v1.")
    key = model_key(settings.openai_api_key, settings.model_key_file, named=settings.openai_api_key_file is not None)
    if key is None and urlsplit(settings.openai_base_url).hostname not in ("127.0.0.1", "::1", "localhost"):
        hint = f"Set HALO_OPENAI_API_KEY, write it to {settings.model_key_file}, or keep it in the keyring. Any word will do where none is needed."
        raise InvalidInput("The openai parser needs a key.", hint=hint)
    return OpenAIParser(
        specs,
        base_url=settings.openai_base_url,
        model=settings.openai_model,
        api_key=key or SecretStr(""),
        timeout_s=settings.openai_timeout_s,
        reasoning_effort=settings.openai_reasoning_effort,
    )


def _found(books: Books, plan: HouseholdPlan, clock: Clock, *, key_id: str) -> Household:
    household = Household(id=clock.new_id(Prefix.HOUSEHOLD), name=plan.name, time_zone=plan.time_zone, created_at=books.now)
    members = tuple(
        Member(id=clock.new_id(Prefix.USER), household_id=household.id, display_name=m.name, role=m.role, created_at=books.now)
        for m in plan.members
    )
    preference = Preference(
        household_id=household.id,
        default_merchant=plan.default_merchant,
        default_booking_vendor=plan.default_booking_vendor,
        payment_method_masked=plan.payment_method_masked,
        shipping_address=plan.shipping_address,
    )
    books.households.add(household, members, preference, now=books.now)
    for usual in plan.usuals:
        books.usuals.save(
            Usual(id=clock.new_id(Prefix.USUAL), household_id=household.id, name=usual.name, items=usual.items, created_at=books.now)
        )
    payload = event.HouseholdCreated(name=plan.name, time_zone=plan.time_zone, members=tuple(m.id for m in members), key_id=key_id)
    books.events.append(payload, household_id=household.id, entity_id=household.id)
    return household


def _make_secret(path: Path, clock: Clock) -> None:
    """Complete or not at all: written beside, and given its name only when it is on the disk. Whoever comes second leaves the first one's."""
    draft = path.with_name(f"{path.name}.{clock.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(clock.token_hex(32))
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        draft.unlink()


def _secret(path: Path, clock: Clock) -> bytes:
    """The installation's secret, made on the first day. Losing it would make the vendors forget our keys, so it is never remade over another."""
    try:
        if not path.exists():
            _make_secret(path, clock)
    except OSError as error:
        raise StoreNotWritable(f"{path} cannot be written: {error.strerror}.") from error
    try:
        secret = bytes.fromhex(path.read_text().strip())
    except (OSError, ValueError) as error:
        raise StoreNotWritable(
            f"{path} cannot be read.", hint="Restore it from a backup: vendors know our orders by keys made with it."
        ) from error
    if len(secret) != 32:
        raise StoreNotWritable(f"{path} is not complete.", hint="Restore it from a backup: vendors know our orders by keys made with it.")
    return secret
