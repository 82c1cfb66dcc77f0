"""`halo sim record|replay|diff`: what was said between Halo and a vendor, kept as HAR, answered again, and held against the simulator.

A command is recorded by running it: `halo sim record --vendor amazon --base-url URL --out order.json -- ask "order AA batteries"`. What stands
before the two dashes belongs to the recording, what stands after them to the command.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from halo_cli.options import Home, Json, NoInput

if TYPE_CHECKING:
    from halo_sim.recording import Recording

File: TypeAlias = Annotated[Path, typer.Argument(metavar="FILE", help="A recording.", show_default=False)]
Command: TypeAlias = Annotated[
    list[str], typer.Argument(metavar="-- COMMAND…", help="A halo command, without the word halo.", show_default=False)
]


def record(
    context: typer.Context,
    command: Command,
    vendor: Annotated[str, typer.Option("--vendor", help="Whose talk is kept.", show_default=False)],
    base_url: Annotated[str, typer.Option("--base-url", metavar="URL", help="Where that vendor is.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where the recording is written.", show_default=False)],
    auth_url: Annotated[
        str | None, typer.Option("--auth-url", metavar="URL", help="Where Amazon's tokens are; default: beside it.", show_default=False)
    ] = None,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Run COMMAND against a vendor at URL, and write what was said as HAR, without secrets."""
    import httpx

    from halo_cli import session
    from halo_cli.output import Lines, Output
    from halo_engine.clock import SystemClock
    from halo_sim.recording import Recording, RecordingTransport, write

    base = base_url.rstrip("/")
    tokens = auth_url or f"{base.rpartition('/')[0]}/lwa/auth/o2/token"
    places, settings = _places(vendor, base, tokens)
    with RecordingTransport(httpx.HTTPTransport(trust_env=False), SystemClock(), places) as wire:
        with _live(settings, home), session.through(wire):
            code = _run(context, command)
        write(out, Recording(vendor=vendor, comment=_origin(base), spoken=tuple(wire.spoken)))
        calls = len(wire.spoken)
    Output(json=json).result({"file": str(out), "calls": calls, "exit": code}, Lines((f"{calls} calls written to {out}",)))
    raise typer.Exit(code)


def replay(context: typer.Context, file: File, command: Command, json: Json = False, home: Home = None, no_input: NoInput = False) -> None:
    """Run COMMAND with FILE for an answer, in a throw-away home and at the time of its recording. What was never recorded is refused."""
    from tempfile import TemporaryDirectory

    from halo_cli import session
    from halo_cli.output import Lines, Output
    from halo_engine.clock import FakeClock
    from halo_engine.model.errors import InvalidInput
    from halo_sim.replay import NotRecorded, ReplayTransport

    recording = _read(file)
    if not recording.spoken:
        raise InvalidInput(f"{file} holds no calls.")
    wire = ReplayTransport(recording)
    clock = FakeClock(recording.spoken[0].at)
    with TemporaryDirectory(prefix="halo-replay-") as place, _live({}, Path(place)), session.at(clock), session.through(wire):
        code = _run(context, ["init"]) or _run(context, command)
    if wire.refused:
        raise InvalidInput(
            f"{NotRecorded.__name__}: {wire.refused[0]}.", hint=f"Record it first: halo sim record --vendor {recording.vendor} …"
        )
    left = len(wire.left)
    Output(json=json).result({"exit": code, "left": left}, Lines((f"Answered from {file}; {left} recorded calls were not asked for.",)))
    raise typer.Exit(code)


def diff(file: File, json: Json = False, home: Home = None, no_input: NoInput = False) -> None:
    """Show where FILE and the simulator disagree, in shape and in value. Exit code 1 where they do."""
    from dataclasses import asdict
    from tempfile import TemporaryDirectory

    from halo_cli.exit_codes import ExitCode
    from halo_cli.output import Lines, Output, Table
    from halo_sim.comparing import differences

    recording = _read(file)
    with TemporaryDirectory(prefix="halo-diff-") as place:
        found = differences(recording, Path(place))
    rows = tuple((f"{one.number} {one.call}", one.where, one.kind, one.recorded, one.simulated) for one in found)
    table = Table(columns=("Call", "Where", "Differs in", "Recorded", "Simulator"), rows=rows, empty="The simulator agrees.")
    payload = {"vendor": recording.vendor, "calls": len(recording.spoken), "differences": [asdict(one) for one in found]}
    Output(json=json).result(payload, Lines((recording.comment,)), table)
    raise typer.Exit(ExitCode.FAILED if found else ExitCode.DONE)


def _read(file: Path) -> Recording:
    from halo_engine.model.errors import InvalidInput
    from halo_sim import recording

    try:
        return recording.read(file)
    except (ValueError, OSError) as error:
        raise InvalidInput(f"{file} cannot be read as a recording.", hint="Make one with: halo sim record --help") from error


def _places(vendor: str, base: str, tokens: str) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The addresses whose talk is kept, and the settings that send Halo there. Raises `InvalidInput` for a vendor nobody knows."""
    from halo_engine.model.errors import InvalidInput
    from halo_engine.settings import Settings

    known = sorted(name.removesuffix("_url") for name in Settings.model_fields if name.endswith("_url"))
    known = [name for name in known if name not in ("amazon_auth", "database", "openai_base")]
    if vendor not in known:
        raise InvalidInput(f"There is no vendor {vendor!r}.", hint=f"One of: {', '.join(known)}")
    places, settings = {base: vendor}, {f"HALO_{vendor.upper()}_URL": base}
    if vendor == "amazon":
        places |= {tokens: "lwa/auth/o2/token"}
        settings |= {"HALO_AMAZON_AUTH_URL": tokens}
    return places, settings


def _origin(base: str) -> str:
    """What the file says of itself."""
    from urllib.parse import urlsplit

    from halo_sim.recording import SIMULATED

    return SIMULATED if urlsplit(base).hostname in ("127.0.0.1", "::1", "localhost") else f"Recorded at {base}."


@contextmanager
def _live(settings: Mapping[str, str], home: Path | None) -> Iterator[None]:
    """Inside the block, commands ask live vendors as `settings` say."""
    import os

    given = {"HALO_VENDORS": "live", **settings, **({"HALO_HOME": str(home)} if home else {})}
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _run(context: typer.Context, command: list[str]) -> int:
    """The exit code of the command, whose own output is talk here."""
    import sys
    from contextlib import redirect_stdout

    with redirect_stdout(sys.stderr):
        return int(context.obj(command[1:] if command[0] == "halo" else command))
