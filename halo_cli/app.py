"""The commands, in the order in which help lists them. A new one is a file under `commands/` and a line here."""

from __future__ import annotations

import typer

from halo_cli import __version__
from halo_cli.commands import (
    activity,
    ask,
    audit,
    backup,
    bridge,
    cancel,
    cards,
    chat,
    confirm,
    demo,
    devices,
    doctor,
    draft,
    eval,  # noqa: A004 - the module is named as the command is
    fixtures,
    init,
    mcp,
    members,
    metrics,
    modify,
    parse,
    receipt,
    restore,
    retry,
    serve,
    settle,
    show,
    sim,
    torture,
    tui,
    usual,
    webhooks,
    worker,
)

app = typer.Typer(
    name="halo",
    help="Halo hears words, writes a draft, shows a card, and does exactly what was confirmed, once.",
    epilog="Exit codes: 0 done, 1 failed, 2 usage, 3 declined or cancelled, 4 not authorised, 5 needs clarification, "
    "6 terms changed: confirm again, 7 outcome unknown, 8 timed out waiting, 9 not supported, 130 interrupted.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def _halo(context: typer.Context, version: bool = typer.Option(False, "--version", help="Print the version and leave.")) -> None:
    if version:
        typer.echo(f"halo {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(2)


app.command("demo")(demo.demo)
app.command("init")(init.init)
app.command("ask")(ask.ask)
app.command("chat")(chat.chat)
app.command("tui")(tui.tui)
app.command("parse")(parse.parse)
app.add_typer(draft.app, name="draft")
app.command("modify")(modify.modify)
app.command("confirm")(confirm.confirm)
app.command("cancel")(cancel.cancel)
app.command("retry")(retry.retry)
app.command("settle")(settle.settle)
app.command("activity")(activity.activity)
app.command("show")(show.show)
app.command("receipt")(receipt.receipt)
app.add_typer(usual.app, name="usual")
app.add_typer(members.app, name="members")
app.add_typer(audit.app, name="audit")
app.command("metrics")(metrics.metrics)
app.command("doctor")(doctor.doctor)
app.command("backup")(backup.backup)
app.command("restore")(restore.restore)
app.command("cards")(cards.cards)
app.add_typer(fixtures.app, name="fixtures")
app.add_typer(sim.app, name="sim")
app.add_typer(bridge.app, name="bridge")
app.command("serve")(serve.serve)
app.command("mcp")(mcp.mcp)
app.add_typer(devices.app, name="devices")
app.add_typer(webhooks.app, name="webhooks")
app.command("worker")(worker.worker)
app.command("eval")(eval.evaluate)
app.command("torture")(torture.torture)
