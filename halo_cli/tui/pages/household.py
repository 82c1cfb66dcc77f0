"""Household set-up: who lives here and what each may confirm, the Usuals, the devices, and what the household prefers.

Every change goes through the engine as the commands' does, in the name of whoever acts; what loosens, takes away or shuts out is first said in words.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from halo_cli import members_table, views
from halo_cli.chat.asking import Trouble
from halo_cli.tui.pages import household_words as words
from halo_cli.tui.pages.household_words import Home
from halo_cli.tui.parts.sections import Section, SectionPage
from halo_cli.tui.parts.small_forms import Field, Sure, TokenShown
from halo_engine.model.device import NewDevice
from halo_engine.model.household import Role
from halo_engine.model.money import Money
from halo_engine.model.rules import VERBS, ConfirmRules

if TYPE_CHECKING:
    from halo_engine.engine import Engine

#: With the engine, in the name of the member who agreed.
Act = Callable[["Engine", str], object]


class _Rule(NamedTuple):
    """One that is about more than one member: how it is asked for, where it stands, and the rules with another amount."""

    title: str
    label: str
    #: What is typed where there is no amount.
    none: str
    stands: Callable[[ConfirmRules], Money | None]
    with_amount: Callable[[ConfirmRules, Money | None], ConfirmRules]


_RULES = {
    "two people": _Rule(
        "From where on two people have to say yes",
        "Above",
        "never",
        attrgetter("two_people_above"),
        ConfirmRules.with_two_people_above,
    ),
    "whoever asked": _Rule(
        "What whoever asked may confirm alone",
        "Alone up to",
        "always",
        attrgetter("asker_alone_up_to"),
        ConfirmRules.with_asker_alone_up_to,
    ),
    "a signature": _Rule(
        "From where on a yes has to be signed",
        "Above",
        "never",
        attrgetter("signed_above"),
        ConfirmRules.with_signed_above,
    ),
}


class HouseholdPage(SectionPage):
    """Five lists; Enter changes what the cursor is on."""

    title, short, key = "Household", "House", "8"
    help = (
        "Who lives here and what each may confirm, the Usuals, the devices that may call, and what the household prefers. "
        "Only an owner changes who may do what."
    )

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._home: Home | None = None

    @property
    def sections(self) -> tuple[Section, ...]:
        return (
            Section("People", {"enter": self._change_role, "add": self._add_member}),
            Section("Rights", {"enter": self._change_rights}),
            Section("Usuals", {"enter": self._change_usual, "add": self._add_usual, "remove": self._remove_usual}),
            Section("Devices", {"add": self._add_device, "remove": self._revoke}),
            Section("Preferences", {}, about="These were set when the household was founded."),
        )

    # What there is

    def on_shown(self) -> None:
        self.ask(self._read, self._came, group="reading", exclusive=True)

    def _read(self) -> Home:
        with self.desk.queries() as queries:
            return words.home(queries, self.desk.settings, now=self.desk.clock.now())

    def _came(self, home: Home) -> None:
        self._home = home
        # Somebody may have been added, or have another role: the header and the next change go by what is so now.
        were, self._around.members = self._around.members, home.members
        if were != home.members:
            self.post_message(self.Changed())
        self.fill(
            people=words.people(home),
            rights=words.rights(home),
            usuals=words.usuals(home),
            devices=words.devices(home),
            preferences=words.preferences(home),
        )

    def open(self, identifier: str) -> None:
        if identifier.startswith("dev_"):
            self.turn_to("Devices", at=identifier)

    @property
    def home(self) -> Home:
        """What was read; a key that comes before that finds nothing to change."""
        if self._home is None:
            raise RuntimeError("nothing was read yet")
        return self._home

    # People and their rights

    def _is_owner(self) -> bool:
        """Whether whoever acts may change this; where not, it is said. The engine looks again."""
        if self._home is None:
            return False
        me = next(each for each in self.home.members if each.id == self.member.id)
        if me.role is not Role.OWNER:
            self.say_trouble(Trouble(words=words.not_an_owner(me, self.home.members), code="not_authorised"))
        return me.role is Role.OWNER

    def _add_member(self) -> None:
        if not self._is_owner():
            return
        roles = tuple((role.value, role.value) for role in Role if role is not Role.OWNER)
        fields = (Field("name", "Name", hint="what they are called"), Field("role", "Role", Role.ADULT.value, choices=roles))
        self.fill_in("Somebody more lives here", fields, self._added_member, does="Go on")

    def _added_member(self, filled: dict[str, str]) -> None:
        name, role = filled["name"], Role(filled["role"])
        says = (f"{name} will live here as {words.a(role)}.", members_table.role_sentence(role, self.home.rules, self.home.limit))
        change = partial(self._do, lambda engine, me: engine.membership.add(name, role, by=me), said=f"{name} lives here now.")
        self._ask_first(f"Add {name}?", says, change, does="Add")

    def _change_role(self) -> None:
        member = next((each for each in self.home.members if each.id == self.table.row), None) if self._home else None
        if member is None or not self._is_owner():
            return
        roles = tuple((role.value, role.value) for role in Role)

        def chosen(filled: dict[str, str]) -> None:
            role = Role(filled["role"])
            if role is member.role:
                self.say("Nothing was changed.")
                return
            sentence = partial(members_table.role_sentence, rules=self.home.rules, limit=self.home.limit)
            says = (f"{member.display_name} is {words.a(member.role)} and will be {words.a(role)}.", sentence(member.role), sentence(role))
            said = f"{member.display_name} is {words.a(role)} now."
            change = partial(self._do, lambda engine, me: engine.membership.change_role(member.id, role, by=me), said=said)
            self._ask_first("Another role?", says, change, does="Change the role")

        fields = (Field("role", "Role", member.role.value, choices=roles),)
        self.fill_in(f"The role of {member.display_name}", fields, chosen, does="Go on")

    def _change_rights(self) -> None:
        row = self.table.row
        if row is None or row == "limit" or not self._is_owner():
            return
        if row in _RULES:
            self._change_rule(_RULES[row])
            return
        role = Role(row)
        before = {verb: words.allowed(self.home.rules, role, verb) for verb in VERBS}
        fields = tuple(Field(verb, verb.capitalize(), before[verb], hint="everything, nothing, or an amount") for verb in VERBS)

        def filled_in(filled: dict[str, str]) -> None:
            changed = {verb: text for verb, text in filled.items() if text != before[verb]}
            self._propose_rules(partial(words.with_allowances, role=role, allowed=changed), about=role)

        note = "For each: everything (up to the limit), nothing, or an amount such as 20."
        self.fill_in(f"What {words.a(role)} may confirm", fields, filled_in, does="Go on", note=note)

    def _change_rule(self, rule: _Rule) -> None:
        stands = rule.stands(self.home.rules)
        fields = (Field("amount", rule.label, stands.display if stands else rule.none, hint=f"{rule.none}, or an amount such as 50"),)

        def filled_in(filled: dict[str, str]) -> None:
            amount = words.amount_or_none(filled["amount"], rule.none)
            self._propose_rules(lambda rules: rule.with_amount(rules, amount))

        self.fill_in(rule.title, fields, filled_in, does="Go on", note=f"{rule.none.capitalize()}, or an amount such as 50.")

    def _propose_rules(self, change: Callable[[ConfirmRules], ConfirmRules], *, about: Role | None = None) -> None:
        """`change` is made again to the rules that stand when it is agreed to, as `halo members` does it."""
        after = change(self.home.rules)
        if after == self.home.rules:
            self.say("Nothing was changed.")
            return
        says = words.rules_changed(self.home, after, about=about)
        do = partial(self._do, lambda engine, me: engine.membership.change_rules(change, by=me), said=says[-1])
        self._ask_first("Change who may confirm what?", says, do, does="Change it")

    # Usuals

    def _add_usual(self) -> None:
        fields = (Field("name", "Name", hint="breakfast"), Field("items", "Items", hint="2 packs of coffee and oats"))
        self.fill_in("A usual", fields, self._saved_usual, does="Save it", note="In words, as you would order it. Nothing is bought.")

    def _change_usual(self) -> None:
        if name := self._usual():
            fields = (Field("name", "Name", name), Field("items", "Items", hint="all that shall be in it, in words"))
            self.fill_in(
                f"What is in “{name}”",
                fields,
                self._saved_usual,
                does="Save it",
                note="It takes the place of what is in it. Nothing is bought.",
            )

    def _saved_usual(self, filled: dict[str, str]) -> None:
        name, items = filled["name"], filled["items"]
        if not name or not items:
            raise words.incomplete("A usual has a name and items.")
        save = partial(self._do, lambda engine, me: engine.save_usual(name, items, member=me), said=f"The usual “{name}” is saved.")
        before = next((usual for usual in self.home.usuals if usual.name.casefold() == name.casefold()), None)
        if before is None:
            save()
        else:
            says = (f"“{before.name}” is now: {words.items(before)}.", f"It will be what these words order: {items}")
            self._ask_first(f"Replace “{before.name}”?", says, save, does="Replace it")

    def _remove_usual(self) -> None:
        if name := self._usual():
            usual = next(each for each in self.home.usuals if each.name == name)
            says = (f"“{name}” will be forgotten: {words.items(usual)}.",)
            do = partial(self._do, lambda engine, me: engine.remove_usual(name, member=me), said=f"The usual “{name}” is removed.")
            self._ask_first(f"Remove “{name}”?", says, do, does="Remove it")

    def _usual(self) -> str | None:
        return next((usual.name for usual in self.home.usuals if usual.id == self.table.row), None) if self._home else None

    # Devices

    def _add_device(self) -> None:
        if self._home is None:
            return
        whom = tuple((each.display_name, each.id) for each in self.home.members)
        fields = (Field("name", "Name", hint="kitchen tablet"), Field("for", "Speaks for", self.member.id, choices=whom))
        note = "It may read this household and confirm in that member's name. Its token is shown once."
        self.fill_in("A device that may call", fields, self._added_device, does="Add it", note=note)

    def _added_device(self, filled: dict[str, str]) -> None:
        name, whom, me = filled["name"], filled["for"], self.member.id

        def add() -> NewDevice:
            return self.desk.engine().devices.add(name, by=me, speaks_for=whom)

        self.ask(add, self._show_token)

    def _show_token(self, new: NewDevice) -> None:
        until = views.day_at_home(new.device.expires_at, self.zone.key)
        self.app.push_screen(TokenShown(new.device.name, new.token.get_secret_value(), until=until))
        self.is_done(f"“{new.device.name}” may call until {until}.")

    def _revoke(self) -> None:
        device = next((each for each in self.home.devices if each.id == self.table.row), None) if self._home else None
        if device is None:
            return
        if device.revoked_at is not None:
            self.say(f"“{device.name}” may not call any more already.")
            return
        says = (f"“{device.name}” will be shut out at once, and for good: its token never works again.",)
        do = partial(self._do, lambda engine, me: engine.devices.revoke(device.id, by=me), said=f"“{device.name}” may not call any more.")
        self._ask_first(f"Revoke “{device.name}”?", says, do, does="Revoke it")

    # How anything is done

    def _ask_first(self, title: str, says: tuple[str, ...], do: Callable[[], None], *, does: str) -> None:
        self.app.push_screen(Sure(title, says, does=does), lambda agreed: do() if agreed else self.say("Nothing was changed."))

    def _do(self, act: Act, *, said: str) -> None:
        me = self.member.id
        self.ask(lambda: act(self.desk.engine(), me), lambda _done: self.is_done(said))
