"""Row V-11: hostile text from vendors and from people, on every face that exists: cards and tables on a terminal and in a pipe, `--json`, receipts,
the activity and the log. The chat's cards are the same; the TUI and the API bring their own when they come.

A point names the job, where the text is put (a field of the vendors' answers, the words of a refusal, or what the person says), the text, and the
face.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import httpx

from halo_cli.main import run
from halo_cli.output import Output, write_error
from halo_engine import shapes
from halo_engine.model.card import Card
from halo_engine.model.errors import HaloError
from halo_engine.open_parse import words_reader
from tests.torture import hostile
from tests.torture.harness import Kind, Problem, Row, sample
from tests.torture.jobs import JOBS
from tests.torture.vendor_world import Scene, Target, Turn, calls, in_process

#: The fields that end up before somebody's eyes, or nearly.
_SHOWN = re.compile(
    r"title|name|description|message|instructions|loses|polic|type|brand|features|display|text|label|neighborhood|note|aliases"
)
_WORDS, _REFUSAL = "words", "refusal"
#: Rich's own colours and weights; nothing else of a terminal's language is anybody's to use.
_MARKUP = ("[red]", "[/red]", "[link=")
_STYLES = re.compile(r"\x1b\[[0-9;]*m")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_FACES = ("terminal", "pipe", "json")


def _text_points(random: Random) -> Iterable[str]:
    fields = [f"{job}.{field}" for job in JOBS for field in (*_fields(job), _WORDS, _REFUSAL)]
    return sample(random, [f"{field}.{name}.{face}" for field in fields for name in hostile.TEXTS for face in _FACES])


@cache
def _fields(job: str) -> tuple[str, ...]:
    """Every field of the job's answers that holds words."""
    found: dict[str, None] = {}
    for stage in ("ask", "do", "find"):
        for body in calls(job).of(stage).values():
            values = json.loads(body)
            for path in hostile.paths(body):
                name = next((part for part in reversed(path) if isinstance(part, str)), "")
                if _SHOWN.search(name.lower()) and isinstance(_at(values, path), str):
                    found[name] = None
    return tuple(found)


def _at(value: Any, path: hostile.Path) -> Any:
    for part in path:
        value = value[part]
    return value


@dataclass
class Writing:
    """Writes `text` behind every value of one field, in every answer; or refuses the commit call with it."""

    job: str
    field: str
    text: str

    def __post_init__(self) -> None:
        self._turn = Turn(Target(self.job, "do", calls(self.job).place))

    def __call__(self, operation: str, ask: Callable[[], httpx.Response]) -> httpx.Response:
        if self._turn.has_come(operation) and self.field == _REFUSAL:
            return _json(400, _complaint(self.text))
        real = ask()
        return (
            real if self.field in (_WORDS, _REFUSAL) else _json(real.status_code, _written(json.loads(real.read()), self.field, self.text))
        )


def _json(status: int, value: Any) -> httpx.Response:
    return httpx.Response(status, content=json.dumps(value).encode(), headers={"content-type": "application/json"})


def _written(value: Any, field: str, text: str, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _written(member, field, text, key) for key, member in value.items()}
    if isinstance(value, list):
        return [_written(member, field, text, name) for member in value]
    return f"{value} {text}" if isinstance(value, str) and name == field else value


def _complaint(text: str) -> dict[str, Any]:
    """A refusal in every vendor's words at once."""
    error = {"code": "invalid_request", "message": text, "details": text, "detail": text, "category": "X", "type": "invalid_request_error"}
    return {"message": text, "code": "invalid_request", "status": 400, "errors": [error], "error": error}


def _texts(point: str, place: Path) -> Iterable[Problem]:
    job, field, name, face = point.split(".")
    text = hostile.TEXTS[name]
    with in_process(job, place) as scene:
        scene.wire.answered = Writing(job, field, text)
        card = _drafted(scene, text if field == _WORDS else "")
        if isinstance(card, Card):
            yield from _covered(scene, card)
        yield from scene.struck(Target(job, "do", calls(job).place))
        bracketed = field != _WORDS or _keeps_brackets(scene, text)
        for printed in _everything_shown(scene, card, face):
            yield from _harmful(face, printed, bracketed=bracketed)
        yield from scene.ended()


def _keeps_brackets(scene: Scene, text: str) -> bool:
    """Whether what was understood of the words still has its markup: a name is marked in them, and brackets need not be of it."""
    read = words_reader(scene.home.settings, scene.home.clock)
    intent = read(f"{JOBS[scene.job.name]} {text}", now=None, zone=None, requested=())
    return any(markup in value for value in _strings(intent.params) for markup in _MARKUP)


def _drafted(scene: Scene, more_words: str) -> Card | HaloError:
    """The card for the job's words, or why there is none."""
    try:
        return scene.home.ask(f"{JOBS[scene.job.name]} {more_words}".strip())
    except HaloError as error:
        return error


def _covered(scene: Scene, card: Card) -> Iterator[Problem]:
    """Whatever a card that can be confirmed shows stands in the terms that its hash is taken over."""
    if card.draft_hash is None or card.draft_id is None:
        return
    with scene.home.queries() as queries:
        draft = queries.draft(card.draft_id)
    if draft.draft_hash != card.draft_hash:
        yield Problem(Kind.WRONG, "the card's hash is not that of its terms")
    held = set(_strings(draft.terms.material()))
    shown = [card.subject, card.summary, *card.warnings, *card.policies]
    shown += [row.text for row in card.rows] + [line.text for line in card.lines if line.quantity is not None]
    for text in shown:
        if text not in held:
            yield Problem(Kind.WRONG, f"the hash does not cover what is shown: {text[:80]!r}")


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for member in value.values() if isinstance(value, dict) else value:
            yield from _strings(member)
    elif isinstance(value, str):
        yield value


# Every face.


class _Terminal(io.StringIO):
    """What a person looks at."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class _Pipe(io.StringIO):
    encoding = "utf-8"


_ENVIRONMENT = {"TERM": "xterm-256color", "COLUMNS": "80", "COLORTERM": "truecolor", "NO_COLOR": ""}


def _everything_shown(scene: Scene, card: Card | HaloError, face: str) -> Iterator[str]:
    """All that can be printed of this home on one face."""
    home, execution_id = str(scene.home.settings.home), scene.job.execution_id
    yield _printed(face, lambda as_json: _drawn(card, as_json=as_json))
    commands = [["show", execution_id], ["receipt", execution_id], ["activity"], ["audit", "verify"], ["sim", "ledger"]]
    if isinstance(card, Card) and card.draft_id:
        commands.append(["draft", "show", card.draft_id])
    for command in commands:
        words = [*command, "--home", home]
        yield _printed(face, lambda as_json, words=words: run([*words, "--json"] if as_json else words))  # type: ignore[misc]


def _drawn(card: Card | HaloError, *, as_json: bool) -> None:
    if isinstance(card, HaloError):
        write_error(card.code, card.message, card.hint, as_json=as_json)
    else:
        Output(json=as_json).result(shapes.card(card), card)


def _printed(face: str, show: Callable[[bool], object]) -> str:
    """What `show` writes, stdout and stderr together."""
    stream = _Terminal() if face == "terminal" else _Pipe()
    with patch.dict(os.environ, _ENVIRONMENT), contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
        os.environ.pop("NO_COLOR")
        show(face == "json")
    return stream.getvalue()


def _harmful(face: str, printed: str, *, bracketed: bool) -> Iterator[Problem]:
    bare = _STYLES.sub("", printed) if face == "terminal" else printed
    bad = {character for character in set(bare) - {"\n"} if unicodedata.category(character) in _UNSEEN}
    if bad:
        yield Problem(Kind.WRONG, f"{sorted(hex(ord(character)) for character in bad)} reached the {face}")
    if "Traceback" in bare or '"internal"' in bare:
        yield Problem(Kind.WRONG, f"a traceback on the {face}: {bare[:200]!r}")
    # Interpreted, the words would stay and their brackets go; a name for a sign would become the sign.
    if bracketed and "cheap" in bare and not any(markup in bare for markup in _MARKUP):
        yield Problem(Kind.WRONG, f"markup was interpreted on the {face}")
    if "\N{WARNING SIGN}" in bare or "\N{SMILING FACE WITH OPEN MOUTH}" in bare:
        yield Problem(Kind.WRONG, f"a name became a sign on the {face}")


ROWS = (Row("V-11", "hostile text from vendors and people, on every face", 40, _text_points, _texts),)
