"""What may never be in a recording, and what stands there instead.

By name, because a secret has no shape: a header, a form field or a JSON member of one of these names is replaced, wherever it stands. Texts
become `scrubbed`, so that a scrubbed message still has its shape. A replay scrubs what it is asked in the same way before it compares.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from decimal import Decimal
from urllib.parse import parse_qsl, urlencode

from halo_engine.model.secret_names import PERSONAL_FIELDS, SECRET_FIELDS, SECRET_HEADERS
from halo_sim.wire import FORM_TYPE, Json, is_list, is_object, write_json

SCRUBBED = "scrubbed"
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT")

SCHEMES = frozenset({"Basic", "Bearer", "ResyAPI"})
#: Secrets, and what names a person or where they live.
_SCRUBBED_FIELDS = SECRET_FIELDS | PERSONAL_FIELDS


def scrub_headers(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers with secrets replaced. The scheme of an authorization stays: it is part of the vendor's dialect."""
    return [(name, _scrubbed_header(value) if name.lower() in SECRET_HEADERS else value) for name, value in headers]


def _scrubbed_header(value: str) -> str:
    scheme, space, _ = value.partition(" ")
    return f"{scheme} {SCRUBBED}" if space and scheme in SCHEMES else SCRUBBED


def scrub_body(body: bytes, kind: str) -> str:
    """A body of the media type `kind` with secrets replaced. One that cannot be read is replaced whole: it cannot be searched."""
    if not body:
        return ""
    if kind.partition(";")[0].strip().lower() == FORM_TYPE:
        return urlencode([(name, _scrubbed(name, value)) for name, value in parse_qsl(body.decode("utf-8", "replace"), True)])
    try:
        return write_json(scrub_json(json.loads(body, parse_float=Decimal))).decode()
    except (ValueError, RecursionError):
        return body.decode() if body.lstrip().startswith(b"<") and body.isascii() else SCRUBBED


def scrub_json(value: Json, *, secret: bool = False) -> Json:
    """`value` with every text under a secret name replaced, but when it lapses, and slots' tokens, which say which table and open nothing."""
    if is_object(value):
        return {name: scrub_json(member, secret=secret or _is_secret(name, member)) for name, member in value.items()}
    if is_list(value):
        return [scrub_json(member, secret=secret) for member in value]
    return SCRUBBED if secret and isinstance(value, str) and not _INSTANT.match(value) else value


def _is_secret(name: str, member: Json) -> bool:
    public = isinstance(member, str) and member.startswith("rgs://")
    return name.lower() in _SCRUBBED_FIELDS and not public


def _scrubbed(name: str, value: str) -> str:
    return SCRUBBED if name.lower() in _SCRUBBED_FIELDS else value
