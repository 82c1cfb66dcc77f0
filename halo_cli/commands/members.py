"""`halo members`: who lives here, and what each may confirm. Only an owner changes either."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from halo_cli.options import As, Home, Json, NoInput

if TYPE_CHECKING:
    from halo_engine.engine import Engine
    from halo_engine.model.household import Role
    from halo_engine.model.money import Money
    from halo_engine.model.rules import ConfirmRules

app = typer.Typer(help="The members, and what each may confirm.")
Name = Annotated[str, typer.Argument(metavar="NAME", help="What they are called.", show_default=False)]
RoleName = Annotated[str, typer.Argument(metavar="ROLE", help="owner, adult, child or guest.", show_default=False)]
#: What was typed beside the options is heard, so that it can be said which option was meant.
_HEARD = {"allow_extra_args": True}
_AMOUNT = re.compile(r"\$?(\d{1,7}(?:\.\d{2})?)")


@app.callback(invoke_without_command=True)
def members(context: typer.Context, json: Json = False, home: Home = None, no_input: NoInput = False) -> None:
    """List the members, and what each may confirm."""
    if context.invoked_subcommand is not None:
        # An option before the command means the same as one after it.
        context.default_map = {context.invoked_subcommand: {"json": json, "home": home, "no_input": no_input}}
        return
    from halo_cli import session
    from halo_cli.members_table import show_members
    from halo_cli.output import Output

    show_members(session.settings_of(home), Output(json=json))


@app.command()
def add(
    name: Name,
    role: Annotated[str, typer.Option("--role", metavar="ROLE", help="adult, child or guest.")] = "adult",
    member: As = None,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Somebody more lives here."""
    from halo_engine.model.errors import InvalidInput

    what = _role(role, but="owner")
    if what.value == "owner":
        raise InvalidInput("Nobody moves in as an owner.", hint=f"Add them, and then: halo members role {name} owner")
    _change(lambda engine: engine.membership.add(name, what, by=member), json=json, home=home)


@app.command("role")
def change_role(
    name: Name,
    role: RoleName,
    member: As = None,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Give a member another role. The last owner stays one."""
    what = _role(role)
    _change(lambda engine: engine.membership.change_role(name, what, by=member), json=json, home=home)


@app.command()
def allow(
    role: RoleName,
    verb: Annotated[str, typer.Argument(metavar="VERB", help="order, reorder, cancel or book.", show_default=False)],
    up_to: Annotated[str | None, typer.Option("--up-to", metavar="AMOUNT", help="No more than this at once.", show_default=False)] = None,
    nothing: Annotated[bool, typer.Option("--nothing", help="Not at all.")] = False,
    member: As = None,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """What a role may confirm, and how much of it.

    Without an amount it goes as far as the spending limit.
    """
    who, what = _role(role), _verb(verb)
    _one_of_them(up_to is None or not nothing, "--up-to and --nothing")
    limit = _amount(up_to)
    _change_rules(
        lambda rules: rules.forbidding(who, what) if nothing else rules.allowing(who, what, up_to=limit),
        by=member,
        json=json,
        home=home,
        about=who,
    )


@app.command(context_settings=_HEARD)
def two(
    context: typer.Context,
    above: Annotated[str | None, typer.Option("--above", metavar="AMOUNT", help="Above this, to the cent.", show_default=False)] = None,
    never: Annotated[bool, typer.Option("--never", help="One yes is always enough.")] = False,
    member: As = None,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """From where on two people have to say yes."""
    _options_only(context, "two --above")
    _one_of_them((above is None) is never, "--above and --never")
    limit = _amount(above)
    _change_rules(lambda rules: rules.with_two_people_above(limit), by=member, json=json, home=home)


@app.command(context_settings=_HEARD)
def asker(
    context: typer.Context,
    up_to: Annotated[
        str | None, typer.Option("--up-to", metavar="AMOUNT", help="Above this, somebody else has to say yes.", show_default=False)
    ] = None,
    always: Annotated[bool, typer.Option("--always", help="Whoever asked is like anybody else.")] = False,
    member: As = None,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """What whoever asked may confirm alone.

    Whoever changed a draft has asked for it, too. Two different people are enough in any case.
    """
    _options_only(context, "asker --up-to")
    _one_of_them((up_to is None) is always, "--up-to and --always")
    limit = _amount(up_to)
    _change_rules(lambda rules: rules.with_asker_alone_up_to(limit), by=member, json=json, home=home)


@app.command(context_settings=_HEARD)
def sign(
    context: typer.Context,
    above: Annotated[
        str | None, typer.Option("--above", metavar="AMOUNT", help="Above this, to the cent; 0 is always.", show_default=False)
    ] = None,
    never: Annotated[bool, typer.Option("--never", help="No yes has to be signed.")] = False,
    member: As = None,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """From where on a yes has to be signed with the key of a device.

    A terminal gets its own with: halo devices add NAME --this-terminal
    """
    _options_only(context, "sign --above")
    _one_of_them((above is None) is never, "--above and --never")
    limit = _amount(above)
    _change_rules(lambda rules: rules.with_signed_above(limit), by=member, json=json, home=home)


def _change_rules(
    change: Callable[[ConfirmRules], ConfirmRules], *, by: str | None, json: bool, home: Path | None, about: Role | None = None
) -> None:
    _change(lambda engine: engine.membership.change_rules(change, by=by), json=json, home=home, about=about)


def _change(act: Callable[[Engine], object], *, json: bool, home: Path | None, about: Role | None = None) -> None:
    """Do it, and show everybody as they are then; and what holds then for a role that it was about."""
    from halo_cli import session
    from halo_cli.members_table import show_members
    from halo_cli.output import Output

    settings = session.settings_of(home)
    with session.open_engine(settings) as engine:
        act(engine)
    show_members(settings, Output(json=json), about=about)


def _role(text: str, *, but: str | None = None) -> Role:
    """The role that was named; `but` is one that is known and not offered."""
    from halo_engine.model.errors import InvalidInput
    from halo_engine.model.household import Role

    try:
        return Role(text.lower())
    except ValueError:
        raise InvalidInput("That is no role.", hint=f"Give one of: {', '.join(role for role in Role if role != but)}.") from None


def _verb(text: str) -> str:
    from halo_engine.model.errors import InvalidInput
    from halo_engine.model.rules import VERBS

    if text.upper() not in VERBS:
        raise InvalidInput("Halo does not do that.", hint=f"Give one of: {', '.join(VERBS).lower()}.")
    return text.upper()


def _amount(text: str | None) -> Money | None:
    from halo_cli.typed import amount

    return None if text is None else amount(text)


def _options_only(context: typer.Context, option: str) -> None:
    from halo_engine.model.errors import InvalidInput

    if context.args:
        amount = context.args[0] if _AMOUNT.fullmatch(context.args[0]) else "AMOUNT"
        raise InvalidInput("An amount is given with its option.", hint=f"Say: halo members {option} {amount}")


def _one_of_them(one: bool, options: str) -> None:
    from halo_engine.model.errors import InvalidInput

    if not one:
        raise InvalidInput(f"Give one of {options}.", hint="See: halo members --help")
