"""Which route a call was for, by its template: what a line of the log, a label or a span may say of a path."""

from __future__ import annotations

from starlette.types import Scope

#: Paths that are no route of ours; there is no end to them.
NONE = "none"


def template_of(scope: Scope) -> str:
    """Such as `/v1/drafts/{draft_id}`. Known once the call has been routed."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else NONE
