"""`halo settle`: record what a person found at the vendor's, of an execution that needs attention."""

from __future__ import annotations

from typing import Annotated

import typer

from halo_cli.options import As, Home, Json, NoInput


def settle(
    execution_id: Annotated[str, typer.Argument(metavar="EXECUTION", help="The execution that needs attention.", show_default=False)],
    happened: Annotated[
        bool | None,
        typer.Option("--happened/--did-not-happen", help="What you found at the vendor's.", show_default=False),
    ] = None,
    reference: Annotated[
        str | None, typer.Option("--reference", metavar="REF", help="The vendor's own number of it, where it happened.", show_default=False)
    ] = None,
    charged: Annotated[
        str | None, typer.Option("--charged", metavar="AMOUNT", help="What was charged, such as 49.95.", show_default=False)
    ] = None,
    look: Annotated[bool, typer.Option("--look", help="Only ask the vendor what its record shows now; nothing is recorded.")] = False,
    member: As = None,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Settle what needs attention: it happened, or it did not. Once; nothing is sent by it. What did not happen can be retried."""
    from halo_cli import session
    from halo_cli.output import Lines, Output
    from halo_cli.settlements import finding, settlement_of, told
    from halo_engine.model.execution import ExecutionStatus

    settings, out = session.settings_of(home), Output(json=json)
    with session.open_engine(settings) as engine:
        if look:
            shown = engine.look_again(execution_id)
            with session.open_queries(settings) as queries:
                status = queries.execution(execution_id).execution.status
            if status is ExecutionStatus.NEEDS_ATTENTION:
                out.result(shown.model_dump(mode="json"), finding(shown))
            else:
                ended = f"It is {status.value.replace('_', ' ')}: there is nothing to settle."
                out.result(shown.model_dump(mode="json"), Lines((finding(shown).lines[0], ended)))
            return
        with session.open_queries(settings) as queries:
            draft = queries.execution(execution_id).draft
        found = settlement_of(happened=happened, reference=reference, charged=charged, currency=draft.terms.total.currency)
        execution = engine.settle(execution_id, found, member=member)
    out.result({"execution_id": execution.id, "status": execution.status.value, **found.model_dump(mode="json")}, told(found))
    if not happened:
        out.say(f"To ask for it again: {session.next_command(settings, 'retry', execution_id, member=member)}")
