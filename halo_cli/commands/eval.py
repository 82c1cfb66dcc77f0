"""`halo eval`: how well the parser understands the shipped cases. Needs no household, keeps nothing."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from halo_cli.options import Home, Json, NoInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from halo_cli.evaluation import Outcome, Report
    from halo_cli.output import Shown
    from halo_cli.reply_cases import Heard


class Which(StrEnum):
    """The parsers there are."""

    OFFLINE = "offline"
    OPENAI = "openai"


def evaluate(
    sets: Annotated[
        list[str] | None, typer.Argument(metavar="[SET]...", help="Sets of cases such as order; default: all.", show_default=False)
    ] = None,
    parser: Annotated[
        Which | None, typer.Option("--parser", help="Who reads them; default: the configured one.", show_default=False)
    ] = None,
    failures: Annotated[bool, typer.Option("--failures", help="List every case that was misunderstood.")] = False,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Read the shipped cases and say how many were understood: harmful errors first."""
    from halo_cli import evaluation, reply_cases, session
    from halo_cli.output import Output
    from halo_engine.open_parse import open_parse

    out, settings = Output(json=json), session.settings_of(home)
    cases = evaluation.cases(sets or ())
    # The figures are of one parser: where it cannot read, no other answers for it.
    asked = {"parser": settings.parser if parser is None else parser.value, "openai_fallback": False}
    settings = settings.model_copy(update=asked)
    parse = open_parse(settings)
    with out.working(f"Reading {len(cases)} cases …"):
        report = evaluation.run(cases, parse.read)
        replies = reply_cases.run() if not sets or reply_cases.NAME in sets else ()
    payload = _payload(report, settings.parser, failures=failures) | _replies_payload(replies)
    out.result(payload, *_shown_replies(replies, failures=failures), *(_shown(report, failures=failures) if cases else ()))


def _payload(report: Report, parser: str, *, failures: bool) -> dict[str, Any]:
    """Shares are between 0 and 1."""
    from halo_cli.evaluation import HARMS

    sets = sorted({outcome.case.set for outcome in report.outcomes})
    payload: dict[str, Any] = {"parser": parser, "sets": sets, **_figures(report)}
    payload["harmful"] = {harm.replace(" ", "_"): [outcome.case.text for outcome in report.harms(harm)] for harm in HARMS}
    payload["errors"] = sum(outcome.error is not None for outcome in report.outcomes)
    payload["verbs"] = {verb: _figures(report.of_verb(verb)) for verb in _verbs(report)}
    payload["slots"] = {
        name: {"precision": round(precision, 4), "recall": round(recall, 4), "meant": meant}
        for name, (precision, recall, meant) in report.precision_and_recall().items()
    }
    payload["calibration_error"] = round(report.calibration_error(), 4)
    payload["latency_ms"] = {"p50": round(report.latency_ms(50), 3), "p95": round(report.latency_ms(95), 3)}
    if failures:
        payload["failures"] = [_failure(outcome) for outcome in report.wrong]
    return payload


def _figures(report: Report) -> dict[str, Any]:
    return {"cases": len(report.outcomes), "verb_right": round(report.verb_right, 4), "intent_right": round(report.right, 4)}


def _failure(outcome: Outcome) -> dict[str, Any]:
    case, said = outcome.case, outcome.said
    wrong = [{"slot": slot.name, "meant": slot.meant, "said": slot.said} for slot in outcome.slots if not slot.right]
    heard = {"harm": outcome.harm, "error": outcome.error, "meant": case.verb, "said": said.verb, "confidence": said.confidence}
    return {"set": case.set, "text": case.text, **heard, "slots": wrong}


def _shown(report: Report, *, failures: bool) -> tuple[Shown, ...]:
    from halo_cli.output import Heading, Lines, Table

    latency = f"Latency: p50 {report.latency_ms(50):.2f} ms, p95 {report.latency_ms(95):.2f} ms"
    listed = (Heading("Misunderstood"), Lines(tuple(_line(outcome) for outcome in report.wrong) or ("Nothing.",)))
    return (
        Heading("Harmful errors"),
        Table(("", "cases", "such as"), _harm_rows(report)),
        Heading("Verbs"),
        Table(("", "cases", "verb right", "Intent right"), _verb_rows(report)),
        Heading("Slots"),
        Table(("", "meant", "precision", "recall"), _slot_rows(report), empty="None."),
        Lines(("", f"Expected calibration error of the verb: {report.calibration_error():.3f}", latency)),
        *(listed if failures else ()),
    )


def _replies_payload(replies: Sequence[Heard]) -> dict[str, Any]:
    if not replies:
        return {}
    right = round(sum(reply.is_right for reply in replies) / len(replies), 4)
    return {
        "replies": {"heard": len(replies), "right": right, "false_confirms": [reply.text for reply in replies if reply.is_false_confirm]}
    }


def _shown_replies(replies: Sequence[Heard], *, failures: bool) -> tuple[Shown, ...]:
    if not replies:
        return ()
    from halo_cli.output import Heading, Lines, Table
    from halo_cli.reply_cases import right
    from halo_engine.model.reply import Reply

    false = [reply for reply in replies if reply.is_false_confirm]
    kinds = (Reply.CONFIRM, Reply.MODIFY, Reply.CANCEL, Reply.UNSURE)
    rows = tuple((kind.value, str(of), _percent(heard / max(of, 1))) for kind in kinds for heard, of in (right(replies, kind),))
    missed = [f"{reply.text!r} to a card of {reply.verb}: {reply.said} for {reply.meant}" for reply in replies if not reply.is_right]
    return (
        Heading("Replies to a card"),
        Table(("", "said", "heard right"), rows),
        Lines((f"A yes that nobody gave: {len(false)}{' · ' + false[0].text[:60] if false else ''}",)),
        *((Heading("Misheard"), Lines(tuple(missed) or ("Nothing.",))) if failures else ()),
    )


def _harm_rows(report: Report) -> tuple[tuple[str, ...], ...]:
    from halo_cli.evaluation import HARMS

    found = ((harm, report.harms(harm)) for harm in HARMS)
    return tuple((harm, str(len(outcomes)), outcomes[0].case.text[:60] if outcomes else "") for harm, outcomes in found)


def _verb_rows(report: Report) -> tuple[tuple[str, ...], ...]:
    parts = [(verb, report.of_verb(verb)) for verb in _verbs(report)]
    return tuple(
        (name, str(len(part.outcomes)), _percent(part.verb_right), _percent(part.right)) for name, part in [*parts, ("all", report)]
    )


def _slot_rows(report: Report) -> tuple[tuple[str, ...], ...]:
    figures = report.precision_and_recall().items()
    return tuple((name, str(meant), _percent(precision), _percent(recall)) for name, (precision, recall, meant) in figures)


def _verbs(report: Report) -> list[str]:
    return list(dict.fromkeys(sorted(outcome.case.verb for outcome in report.outcomes)))


def _line(outcome: Outcome) -> str:
    case, said = outcome.case, outcome.said
    wrong = "; ".join(f"{slot.name} {_told(slot.said)} for {_told(slot.meant)}" for slot in outcome.slots if not slot.right)
    verbs = case.verb if said.verb == case.verb else f"{said.verb} for {case.verb}"
    why = ": ".join(part for part in (verbs, outcome.error or wrong) if part)
    return f"{outcome.harm or 'harmless'} · {case.set} · {case.text[:200]!r} · {why}"


def _told(value: Any) -> str:
    return "nothing" if value is None else f"“{' '.join(value)}”" if isinstance(value, tuple) else str(value)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
