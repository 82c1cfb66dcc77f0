"""`halo doctor`: whether this installation is well, and how to mend what is not. It changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from halo_cli.options import Home, Json, NoInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from halo_engine.doctor.finding import Finding


def doctor(json: Json = False, home: Home = None, no_input: NoInput = False) -> None:
    """Look at everything Halo stands on, and say how to mend it. Exit code 1 when something is a problem."""
    from halo_cli import session
    from halo_cli.exit_codes import ExitCode
    from halo_cli.output import Findings, Output
    from halo_engine.doctor.examining import examine, is_well
    from halo_engine.settings import home_of, load_settings

    place = home_of(home)
    found = examine(place, load=lambda there: load_settings(home=there), time_in=session.clock_of)
    well = is_well(found)
    payload = {"ok": well, "home": str(place), "findings": [finding.model_dump(mode="json") for finding in found]}
    out = Output(json=json)
    out.result(payload, Findings(tuple((each.level.value, each.says, each.mend) for each in found)))
    out.say(_verdict(found))
    raise typer.Exit(ExitCode.DONE if well else ExitCode.FAILED)


def _verdict(found: Sequence[Finding]) -> str:
    counted = {level: sum(each.level == level for each in found) for level in ("problem", "warning")}
    if not any(counted.values()):
        return "All is well."
    return ", ".join(f"{number} {level}{'s' if number != 1 else ''}" for level, number in counted.items() if number) + "."
