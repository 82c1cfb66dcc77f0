"""The templates of the drawn card and the web page. Every value is escaped; a text is only ever a value, never a template."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from cards import words

_FOLDER = Path(__file__).parent / "templates"


@cache
def template(name: str) -> Template:
    """The template in the file called `name`, compiled once."""
    return _environment().get_template(name)


@cache
def _environment() -> Environment:
    made = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters["number"] = _number
    made.tests["short"] = words.side_by_side
    return made


def _number(value: float) -> str:
    """Two places are a fiftieth of a dot on any screen; more are only noise in a picture that is compared."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
