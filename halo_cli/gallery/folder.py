"""The gallery as a folder: a card a file, a contact sheet to look at (`index.html`), and the list of it all for programs (`index.json`).

A folder that somebody keeps other things in is not written into. The list goes in first, so that a gallery that was broken off is still known for
one; and of an earlier gallery exactly the files on its list are taken away.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from html import escape
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeAlias

from halo_cli.gallery.formats import FORMATS, bubble
from halo_cli.gallery.lives import Drawn, Gallery
from halo_engine.model.errors import InvalidInput
from halo_engine.model.text import inert

_LIST, _SHEET = "index.json", "index.html"
_MARK = "halo/gallery/v1"
#: A card, and the files it is drawn in, by name.
_Drawing: TypeAlias = tuple[Drawn, Mapping[str, bytes]]
_FILE = re.compile(r"[a-z0-9_]+/[a-z0-9_]+(?:\.[a-z0-9.]+|@[23]x\.png)", re.ASCII)
_HINT = "Name another directory: one that does not exist yet, an empty one, or one with an earlier gallery."


def check(folder: Path) -> None:
    """Raises `InvalidInput` where a gallery may not be written, before anything is drawn."""
    try:
        if folder.is_dir() and any(folder.iterdir()) and _earlier(folder) is None:
            raise InvalidInput(f"There are other files in {folder.absolute()}.", hint=_HINT)
        if folder.exists() and not folder.is_dir():
            raise InvalidInput(f"{folder} is not a directory.", hint=_HINT)
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise _unwritable(folder, error) from error


def write(folder: Path, gallery: Gallery, formats: Sequence[str], *, tell: Callable[[int], None] = lambda _: None) -> list[dict[str, Any]]:
    """Draw `gallery` into `folder`, in the place of an earlier one; what is on its list now. Raises `InvalidInput`.

    `tell` hears how many cards are drawn so far.
    """
    drawings: list[_Drawing] = []
    for drawing in zip(gallery.cards, _drawn(gallery.cards, formats), strict=True):
        drawings.append(drawing)
        tell(len(drawings))
    rows = [_row(drawn, files) for drawn, files in drawings]
    try:
        for name in _earlier(folder) or ():
            if not (folder / name).parent.is_symlink():
                (folder / name).unlink(missing_ok=True)
        _put(folder / _LIST, _listed(gallery, rows))
        for _, files in drawings:
            for name, content in files.items():
                _put(folder / name, content)
        _put(folder / _SHEET, _sheet(gallery, drawings).encode())
    except OSError as error:
        raise _unwritable(folder, error) from error
    return rows


def _row(drawn: Drawn, files: Mapping[str, bytes]) -> dict[str, Any]:
    """One card of the list: what it is, and the files it is in."""
    card = drawn.card
    about = {"verb": drawn.verb, "stage": drawn.stage, "said": drawn.said, "kind": card.kind.value, "title": inert(card.title)}
    return {**about, "hash": card.hash, "files": list(files)}


def _listed(gallery: Gallery, rows: Sequence[Mapping[str, Any]]) -> bytes:
    index = {"gallery": _MARK, "cards": rows, "missing": gallery.missing}
    return f"{json.dumps(index, ensure_ascii=False, indent=2)}\n".encode()


def _drawn(cards: Sequence[Drawn], formats: Sequence[str]) -> Iterator[dict[str, bytes]]:
    """The files of each card. Dots take a hundred times as long as everything else, so they are drawn on every processor there is."""
    files = partial(_files, formats=formats)
    if "png" not in formats:
        yield from map(files, cards)
        return
    # Spawned, because a fork would copy the threads of the parser's model half.
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        yield from pool.map(files, cards, chunksize=4)


def _files(drawn: Drawn, formats: Sequence[str]) -> dict[str, bytes]:
    """By their names inside the folder."""
    name = _name(drawn)
    return {f"{name}{end}": content for format_ in formats for end, content in FORMATS[format_].draw(drawn).items()}


def _name(drawn: Drawn) -> str:
    return f"{drawn.verb.lower()}/{drawn.stage}"


def _put(path: Path, content: bytes) -> None:
    if path.parent.is_symlink() or path.is_symlink():
        raise InvalidInput(f"{path} leads somewhere else.", hint=_HINT)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)


def _earlier(folder: Path) -> tuple[str, ...] | None:
    """The files of the gallery that is in `folder` already, None where there is none. What a list says is taken for a name only where it is one."""
    try:
        index = json.loads((folder / _LIST).read_text(encoding="utf-8"))
        if index["gallery"] != _MARK:
            return None
        named = [name for each in index["cards"] for name in each["files"]]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return tuple(name for name in named if isinstance(name, str) and _FILE.fullmatch(name))


def _unwritable(folder: Path, error: Exception) -> InvalidInput:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return InvalidInput(f"{folder} cannot be written: {reason}.", hint=_HINT)


# The contact sheet

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Halo: the gallery</title>
<style>
:root {{ color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }}
body {{ margin: 0 auto; max-width: 1500px; padding: 1.5rem; background: Canvas; color: CanvasText; }}
h1 {{ font-size: 1.5rem; margin: 0; }}
h2 {{ font-size: 1.15rem; margin: 2.5rem 0 .75rem; }}
p {{ margin: .25rem 0; max-width: 75ch; }}
.cards {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(330px, 1fr)); gap: 1.75rem 1.25rem; align-items: start; }}
figure {{ margin: 0; min-width: 0; }}
figcaption {{ margin-bottom: .5rem; }}
figcaption strong {{ display: block; }}
figcaption span, .quiet {{ opacity: .75; font-size: .87rem; }}
img {{ display: block; max-width: 100%; height: auto; }}
.bubble {{ display: flex; justify-content: space-between; gap: 1rem; margin-top: .6rem; padding: .5rem .75rem; }}
.bubble {{ max-width: 336px; border-radius: 1rem; background: color-mix(in srgb, CanvasText 9%, Canvas); font-size: .87rem; }}
.bubble div:last-child {{ text-align: right; white-space: nowrap; }}
.bubble b {{ display: block; font-weight: 500; }}
.bubble span {{ opacity: .65; }}
.cards {{ margin-top: 1rem; }}
pre {{ margin: 0; padding: .75rem; overflow: auto; font-size: .78rem; border: 1px solid #8886; border-radius: .5rem; }}
</style>
</head>
<body>
<h1>Every card</h1>
<p>{about}</p>
{sections}
</body>
</html>
"""
_ABOUT = (
    "Drawn from lives that were really led: engine, books and simulated vendors, in homes that were thrown away. "
    "The links on the cards lead nowhere."
)


def _sheet(gallery: Gallery, drawings: Sequence[_Drawing]) -> str:
    """One page without a script, that fetches nothing but the pictures beside it."""
    verbs = dict.fromkeys(drawn.verb for drawn, _ in drawings)
    sections = (_section(verb, gallery.missing.get(verb, ()), [each for each in drawings if each[0].verb == verb]) for verb in verbs)
    return _PAGE.format(about=_ABOUT, sections="\n".join(sections))


def _section(verb: str, missing: Sequence[str], drawings: Sequence[_Drawing]) -> str:
    figures = "\n".join(_figure(drawn, files) for drawn, files in drawings)
    lacks = escape(", ".join(_spoken(stage) for stage in missing))
    note = f'<p class="quiet">Not here, because nothing that the simulator can do leads there: {lacks}.</p>\n' if lacks else ""
    return f'<section>\n<h2>{escape(verb.capitalize())}</h2>\n{note}<div class="cards">\n{figures}\n</div>\n</section>'


def _figure(drawn: Drawn, files: Mapping[str, bytes]) -> str:
    own = _name(drawn)
    links = " · ".join(f'<a href="{escape(file)}">{escape(file.removeprefix(own).lstrip("."))}</a>' for file in files)
    caption = f"<strong>{escape(_spoken(drawn.stage))}</strong><span>“{escape(inert(drawn.said))}”<br>{links}</span>"
    return f"<figure>\n<figcaption>{caption}</figcaption>\n{_picture(drawn, files)}\n{_captions(drawn, files)}</figure>"


def _captions(drawn: Drawn, files: Mapping[str, bytes]) -> str:
    """What is left of it in a bubble of iMessage, where that was drawn."""
    if f"{_name(drawn)}.json" not in files:
        return ""
    layout = bubble(drawn)["layout"]
    left, right = (
        f"<div><b>{escape(layout[above] or '')}</b><span>{escape(layout[below] or '')}</span></div>"
        for above, below in (("caption", "subcaption"), ("trailingCaption", "trailingSubcaption"))
    )
    return f'<div class="bubble">{left}{right}</div>\n'


def _picture(drawn: Drawn, files: Mapping[str, bytes]) -> str:
    name, said = _name(drawn), escape(inert(drawn.card.alt_text, max_chars=1500))
    if f"{name}.svg" in files:
        dark = f'<source media="(prefers-color-scheme: dark)" srcset="{name}.dark.svg">'
        return f'<picture>{dark}<img loading="lazy" src="{name}.svg" alt="{said}"></picture>'
    if f"{name}@2x.png" in files:
        return f'<img loading="lazy" src="{name}@2x.png" srcset="{name}@2x.png 2x, {name}@3x.png 3x" alt="{said}">'
    shown = next((content for file, content in files.items() if file.endswith((".txt", ".json"))), None)
    return f"<pre>{escape(shown.decode())}</pre>" if shown else ""


def _spoken(stage: str) -> str:
    return stage.replace("_", " ").capitalize()
