"""The household as rows and sentences. Pure, but for reading it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from halo_cli import members_table, typed, views
from halo_cli.tui.parts.rows import Listing, Row
from halo_engine.model.device import Device
from halo_engine.model.errors import InvalidInput
from halo_engine.model.household import Household, Member, Preference, Role, Usual
from halo_engine.model.money import Money
from halo_engine.model.rules import VERBS, ConfirmRules
from halo_engine.model.value import Value
from halo_engine.queries import Queries
from halo_engine.settings import Settings

#: As they are typed in the form of a role's rights.
EVERYTHING, NOTHING = "everything", "nothing"


class Home(Value):
    """All that the page shows, as it was at one moment."""

    household: Household
    members: tuple[Member, ...]
    rules: ConfirmRules
    limit: Money
    usuals: tuple[Usual, ...]
    devices: tuple[Device, ...]
    preference: Preference
    now: datetime


def home(queries: Queries, settings: Settings, *, now: datetime) -> Home:
    return Home(
        household=queries.household(),
        members=queries.members(),
        rules=queries.rules(),
        limit=Money(cents=settings.spending_limit_cents),
        usuals=queries.usuals(),
        devices=queries.devices(),
        preference=queries.preference(),
        now=now,
    )


def a(role: Role) -> str:
    return f"{'an' if role.value[0] in 'ao' else 'a'} {role.value}"


def not_an_owner(me: Member, members: Sequence[Member]) -> str:
    owners = " and ".join(each.display_name for each in members if each.role is Role.OWNER)
    return f"Only an owner changes who may do what; {me.display_name} is not one. Nothing was changed. Ask {owners}."


def incomplete(words: str) -> InvalidInput:
    return InvalidInput(words, hint="Nothing was changed.")


# Rows


def people(home: Home) -> Listing:
    rows = tuple(
        Row(
            each.id,
            (each.display_name, each.role.value, members_table.may_confirm(each.role, home.rules, home.limit)),
            (members_table.role_sentence(each.role, home.rules, home.limit), f"Here since {_day(each.created_at, home)}, as {each.id}"),
        )
        for each in home.members
    )
    return Listing(("Name", "Role", "May confirm"), rows, "Nobody lives here.", gives_way=2)


def rights(home: Home) -> Listing:
    """What each role may confirm, and the rules that are about more than one member."""
    limit, two, alone, signed = members_table.sentences(home.rules, home.limit)
    roles = tuple(
        Row(role.value, (role.value.capitalize(), members_table.may_confirm(role, home.rules, home.limit)), _verbs(role, home))
        for role in Role
    )
    rules = (
        Row("two people", ("Two people", two), ("The same terms, confirmed by two different members.",)),
        Row("whoever asked", ("Whoever asked", alone), ("Whoever changed a draft has asked for it, too.",)),
        Row("a signature", ("A signature", signed), ("With the key of a device, over those very terms.",)),
        Row("limit", ("Everybody", limit), ("The limit of this installation; nobody changes it here.",)),
    )
    return Listing(("Who", "May confirm"), (*roles, *rules), "", gives_way=1)


def _verbs(role: Role, home: Home) -> tuple[str, ...]:
    return tuple(f"{verb}: {_in_words(allowed(home.rules, role, verb))}" for verb in VERBS)


def _in_words(allowed: str) -> str:
    return {EVERYTHING: "up to the limit", NOTHING: "not at all"}.get(allowed, f"up to {allowed}")


def usuals(home: Home) -> Listing:
    rows = tuple(
        Row(each.id, (each.name, items(each)), tuple(f"{item.quantity} × {item.name}  ({item.reference})" for item in each.items))
        for each in home.usuals
    )
    return Listing(("Usual", "Items"), rows, "No usual yet. Press A to save one: “reorder the usual” means it.", gives_way=1)


def items(usual: Usual) -> str:
    return ", ".join(f"{item.quantity} × {item.name}" for item in usual.items)


def devices(home: Home) -> Listing:
    table = views.devices(home.devices, home.members, home.household.time_zone, now=home.now)
    rows = tuple(Row(device.id, row[:4], (device.id,)) for device, row in zip(home.devices, table.rows, strict=True))
    return Listing(table.columns[:4], rows, "No device may call. Press A to add one; its token is shown once.", gives_way=0)


def preferences(home: Home) -> Listing:
    preference, address = home.preference, home.preference.shipping_address
    lines = (
        [address.address_line1, address.address_line2, f"{address.city}, {address.state_or_region} {address.postal_code}"]
        if address
        else []
    )
    rows = (
        Row("household", ("Household", home.household.name)),
        Row("zone", ("Time zone", home.household.time_zone)),
        Row("merchant", ("Buys at", preference.default_merchant)),
        Row("booking", ("Books with", preference.default_booking_vendor)),
        Row("payment", ("Pays with", preference.payment_method_masked or "nothing is set"), ("Halo knows no more of it than this.",)),
        Row("address", ("Ships to", ", ".join(filter(None, lines)) or "nothing is set")),
        Row("name", ("In the name of", f"{address.full_name}, {address.phone_number}" if address else "nothing is set")),
    )
    return Listing(("What", "Is"), rows, "", gives_way=1)


def _day(at: datetime, home: Home) -> str:
    return views.day_at_home(at, home.household.time_zone)


# Rights, as they are typed and said


def allowed(rules: ConfirmRules, role: Role, verb: str) -> str:
    """How far `role` may confirm `verb`, as it stands in the form."""
    allowance = rules.allowance(role, verb)
    if allowance is None:
        return NOTHING
    return allowance.up_to.display if allowance.up_to else EVERYTHING


def with_allowances(rules: ConfirmRules, *, role: Role, allowed: Mapping[str, str]) -> ConfirmRules:
    """The rules as the form has them. Raises `InvalidInput` for what is no amount."""
    for verb, text in allowed.items():
        is_not = text.casefold() == NOTHING
        rules = rules.forbidding(role, verb) if is_not else rules.allowing(role, verb, up_to=amount_or_none(text, EVERYTHING))
    return rules


def amount_or_none(text: str, none: str) -> Money | None:
    """An amount, or None for the word that means there is none."""
    return None if text.casefold() == none else typed.amount(text)


def rules_changed(home: Home, after: ConfirmRules, *, about: Role | None) -> tuple[str, ...]:
    """What was so, and last what will be."""
    if about:
        before, now = (members_table.role_sentence(about, rules, home.limit) for rules in (home.rules, after))
        return (f"Until now: {before}", f"From now on: {now}")
    pairs = zip(members_table.sentences(home.rules, home.limit), members_table.sentences(after, home.limit), strict=True)
    before, now = next((before, now) for before, now in pairs if before != now)
    return (f"Until now: {before}", f"From now on: {now}")
