"""What the views need of an event, taken out of its payload once: one row an event, in DuckDB's SQL.

The same statement runs over the live end of the log and over what is sealed (`sealed`), so that both say the same. What cannot be read is NULL:
whether the log holds is asked of `halo audit verify`, and not here.
"""

from __future__ import annotations

#: What is kept of a payload: the column, where it stands, and its type. Only codes, ids, numbers and times: never the words of a person or vendor.
_FIELDS = (
    ("verb", "/verb", "VARCHAR"),
    ("vendor", "/vendor", "VARCHAR"),
    ("channel", "/channel", "VARCHAR"),
    ("parser", "/parser", "VARCHAR"),
    ("read_ms", "/spoke/latency_ms", "BIGINT"),
    ("request_id", "/request_id", "VARCHAR"),
    ("execution_id", "/execution_id", "VARCHAR"),
    ("revises", "/revises", "VARCHAR"),
    ("revised_draft_id", "/revised_draft_id", "VARCHAR"),
    ("revision", "/revision", "BIGINT"),
    ("total_cents", "/total_cents", "BIGINT"),
    ("maximum_cents", "/maximum_cents", "BIGINT"),
    ("charged_cents", "/charged_cents", "BIGINT"),
    ("currency", "/currency", "VARCHAR"),
    ("expires_at", "/expires_at", "TIMESTAMP"),
    ("confirmation_latency_ms", "/confirmation_latency_ms", "BIGINT"),
    ("took_ms", "/took_ms", "BIGINT"),
    ("attempt_number", "/attempt_number", "BIGINT"),
    ("step", "/step", "VARCHAR"),
    ("status", "/status", "VARCHAR"),
    ("outcome", "/outcome", "VARCHAR"),
    ("classification", "/classification", "VARCHAR"),
    ("retry_delay_ms", "/retry_delay_ms", "BIGINT"),
)

#: The columns of an event itself, as `log_stream` gives them. Cast, because a stream of no rows has no types.
_OWN = (
    ("seq", "CAST(seq AS BIGINT)"),
    ("event_id", "CAST(event_id AS VARCHAR)"),
    ("happened_at", "TRY_CAST(CAST(created_at AS VARCHAR) AS TIMESTAMP)"),
    ("member_id", "nullif(CAST(user_id AS VARCHAR), '')"),
    ("entity_type", "CAST(entity_type AS VARCHAR)"),
    ("entity_id", "CAST(entity_id AS VARCHAR)"),
    ("event_type", "CAST(event_type AS VARCHAR)"),
    ("correlation_id", "nullif(CAST(correlation_id AS VARCHAR), '')"),
    ("causation_id", "nullif(CAST(causation_id AS VARCHAR), '')"),
    ("schema_version", "CAST(schema_version AS BIGINT)"),
)

COLUMNS = tuple(name for name, *_ in (*_OWN, *_FIELDS))


def facts_of(stream: str) -> str:
    """A SELECT of the facts of `stream`, which is a relation as `log_stream` gives it."""
    paths = ", ".join(f"'{path}'" for _, path, _ in _FIELDS)
    own = ", ".join(f"{expression} AS {name}" for name, expression in _OWN)
    taken = ", ".join(
        f"x[{position}] AS {name}" if kind == "VARCHAR" else f"TRY_CAST(x[{position}] AS {kind}) AS {name}"
        for position, (name, _, kind) in enumerate(_FIELDS, 1)
    )
    names = ", ".join(name for name, _ in _OWN)
    # Malformed JSON would end the whole query.
    read = f"json_extract_string(CASE WHEN json_valid(told) THEN told ELSE '{{}}' END, [{paths}]) AS x"
    return f"SELECT {names}, {taken} FROM (SELECT {own}, {read} FROM (SELECT *, CAST(payload AS VARCHAR) AS told FROM {stream}))"
