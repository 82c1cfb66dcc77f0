"""The household that `halo init` founds: the simulated home of the fixtures, with whatever was given instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from halo_cli.output import Output
from halo_cli.session import has_household
from halo_engine.model.errors import Conflict, InvalidInput, NotInitialised
from halo_engine.model.household import Household, Member, Role, Usual, plain_name
from halo_engine.settings import Settings

if TYPE_CHECKING:
    from halo_engine.engine import Engine
    from halo_engine.stages.founding import HouseholdPlan


def default_plan(
    *, name: str | None = None, members: Sequence[str] | None = None, zone: str | None = None, merchant: str | None = None
) -> HouseholdPlan:
    """The fixtures' home. Of `members` the first is the owner and the others are adults. Raises `InvalidInput` for an unknown zone or merchant."""
    import yaml

    from halo_engine.stages.founding import HouseholdPlan
    from halo_sim.data import fixtures_root

    plan = _as_plan(yaml.safe_load((fixtures_root() / "households" / "home.yaml").read_text(encoding="utf-8")))
    if name is not None:
        plan["name"] = plain_name(name)
    if zone is not None:
        plan["time_zone"] = _known(zone)
    if merchant is not None:
        plan["default_merchant"] = _sold_by(merchant)
    if members:
        plan["members"] = [
            {"name": plain_name(member), "role": Role.ADULT if position else Role.OWNER} for position, member in enumerate(members)
        ]
    return HouseholdPlan.model_validate(plan)


def found_default_if_missing(engine: Engine, settings: Settings, out: Output) -> None:
    """So that the first `halo ask` just works on simulated vendors; real ones want a household that somebody meant."""
    if has_household(settings):
        return
    if settings.vendors != "simulator":
        raise NotInitialised
    try:
        household = engine.found_household(default_plan())
    except Conflict:
        # Another process was a moment faster, with the same plan.
        return
    out.say(f"There was no household yet: made “{household.name}”, with simulated vendors, in {settings.home}")


def described(settings: Settings, household: Household, members: Sequence[Member], usuals: Sequence[Usual]) -> tuple[str, ...]:
    """What was made, a sentence a line."""
    people = ", ".join(f"{member.display_name} ({member.role.value})" for member in members)
    lines = [
        f"Household “{household.name}”, time zone {household.time_zone}",
        f"Members: {people}",
        f"Vendors: {'simulated, in this process' if settings.vendors == 'simulator' else 'live'}",
    ]
    lines += [f"Usual “{usual.name}”: {', '.join(f'{item.quantity} × {item.name}' for item in usual.items)}" for usual in usuals]
    return (*lines, f"Kept in {settings.home}")


def _as_plan(home: dict[str, Any]) -> dict[str, Any]:
    """The file's names as the engine's. The buyer's account is a setting, not the household's."""
    usuals = [{"name": usual["name"], "items": [_as_item(item) for item in usual["items"]]} for usual in home["usuals"]]
    kept = {key: home[key] for key in ("name", "time_zone", "members", "payment_method_masked", "shipping_address")}
    return {**kept, **home["preferences"], "usuals": usuals}


def _as_item(item: dict[str, Any]) -> dict[str, Any]:
    return {"reference": item["asin"], "name": item["name"], "quantity": item["quantity"]}


def _known(zone: str) -> str:
    try:
        ZoneInfo(zone)
    except (KeyError, OSError, ValueError):
        raise InvalidInput("That is not a time zone.", hint="Give an IANA name such as America/Los_Angeles.") from None
    return zone


def _sold_by(merchant: str) -> str:
    # Asked of the list that the engine buys from, which is light enough to be read only here.
    from halo_engine.vendors.directory import MERCHANTS

    if merchant not in MERCHANTS:
        raise InvalidInput("Halo does not know that merchant.", hint=f"Give one of: {', '.join(MERCHANTS)}.")
    return merchant
