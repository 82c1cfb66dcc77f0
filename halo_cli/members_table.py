"""The people of a household and what each may confirm, as a list that a household reads at the kitchen table. Pure, but for where it is printed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from halo_cli.output import Lines, Output, Table
from halo_cli.session import open_queries
from halo_engine import shapes
from halo_engine.model.household import Member, Role
from halo_engine.model.money import Money
from halo_engine.model.rules import VERBS, Allowance, ConfirmRules, is_within

if TYPE_CHECKING:
    from halo_engine.settings import Settings


def show_members(settings: Settings, out: Output, *, about: Role | None = None) -> None:
    """Print everybody, what they may confirm, and the rules that are about more than one; also what holds for the role `about`."""
    with open_queries(settings) as queries:
        members, rules = queries.members(), queries.rules()
    limit = Money(cents=settings.spending_limit_cents)
    payload = {
        "members": [shapes.member(each) for each in members],
        "rules": shapes.rules(rules),
        "spending_limit_cents": limit.cents,
    }
    said = (role_sentence(about, rules, limit),) if about else ()
    out.result(payload, people(members, rules, limit), Lines(("", *said, *sentences(rules, limit))))


def people(members: Sequence[Member], rules: ConfirmRules, limit: Money) -> Table:
    rows = tuple((each.display_name, each.role.value, may_confirm(each.role, rules, limit), each.id) for each in members)
    return Table(columns=("Name", "Role", "May confirm", "Id"), rows=rows, ids=True)


def may_confirm(role: Role, rules: ConfirmRules, limit: Money) -> str:
    """What a role may confirm, in a few words: `everything`, `ORDER up to $20.00 and BOOK`, `nothing`."""
    allowances = [each for each in rules.allowances if each.role is role]
    if not allowances:
        return "nothing"
    ends = {_end(each, limit) for each in allowances}
    if {each.verb for each in allowances} >= set(VERBS) and len(ends) == 1:
        return f"everything{ends.pop()}"
    *others, last = [f"{each.verb}{_end(each, limit)}" for each in sorted(allowances, key=_as_listed)]
    return f"{', '.join(others)} and {last}" if others else last


def role_sentence(role: Role, rules: ConfirmRules, limit: Money) -> str:
    """What a role may confirm: `A child may confirm ORDER up to $20.00.`"""
    return f"{'An' if role.value[0] in 'ao' else 'A'} {role.value} may confirm {may_confirm(role, rules, limit)}."


def sentences(rules: ConfirmRules, limit: Money) -> tuple[str, ...]:
    """The rules that are about more than one member."""
    two, alone = rules.two_people_above, rules.asker_alone_up_to
    return (
        f"Nobody confirms more than {limit.display} at once.",
        f"Above {two.display}, two people have to say yes." if two else "One yes is enough.",
        f"Above {alone.display}, whoever asked cannot confirm alone." if alone else "Whoever asked may confirm it, too.",
        _signed(rules.signed_above),
    )


def _signed(above: Money | None) -> str:
    if above is None:
        return "No yes has to be signed."
    return f"Above {above.display}, a yes has to be signed by a device." if above.cents else "Every yes has to be signed by a device."


def _end(allowance: Allowance, limit: Money) -> str:
    """How far it goes, where that is less far than the limit of all."""
    up_to = allowance.up_to
    return f" up to {up_to.display}" if up_to and not is_within(limit, up_to) else ""


def _as_listed(allowance: Allowance) -> tuple[int, str]:
    return (VERBS.index(allowance.verb) if allowance.verb in VERBS else len(VERBS), allowance.verb)
