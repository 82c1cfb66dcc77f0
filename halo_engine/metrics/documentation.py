"""docs/metrics.md, from the views and the definitions: `just docs-metrics` writes it, and a test compares."""

from __future__ import annotations

from halo_engine.metrics.definitions import METRICS, Metric, Unit
from halo_engine.metrics.views import VIEWS, WHOLE_LOG, View

_INTRODUCTION = """# Metrics: figures and views

`halo metrics` reads the log of this household and nothing else, and changes nothing. `--by verb|vendor|member|month` shows the figures of
each as well, `--since` and `--until` only what began on those days of the household, both included. A figure without anything to take it
from is “–”, and `null` with `--json`; never 0.

Everything here counts what the log says. Whether the log holds is another question: `halo audit verify`.

## Figures

p50 and p95 are nearest-rank: values that occurred. *Left out* are rows that should have a value and have none, such as events from before
Halo kept times; they are counted and shown beside the figure.

| figure | unit | of | definition |
|---|---|---|---|
"""

_QUERIES = """
## Asking yourself

`halo metrics --sql "SELECT verb, count(*) FROM executions GROUP BY 1"` answers one SELECT over the views below, in DuckDB's dialect.
`--json` prints one object: `columns`, `types`, `rows` and `truncated`. The query runs in a process of its own over copies in memory: it
can read no file, reach no network, load nothing and change nothing. It has ten seconds, a gigabyte of memory and `--limit` rows (1,000
unless told otherwise; where there was more, stderr says so). Text in a cell is cut after 2,000 characters.

```sql
-- how long each member thinks before saying yes
SELECT member, median(confirmation_latency_ms) FROM confirmations GROUP BY 1;
-- what each vendor charged, month by month
SELECT month, vendor, charged_currency, sum(charged_cents) FROM executions GROUP BY ALL ORDER BY 1;
-- which failures were retried
SELECT classification, count(*) FROM attempts WHERE retry_delay_ms IS NOT NULL GROUP BY 1;
-- what happened on one trip
SELECT seq, happened_at, event_type FROM events WHERE trip_id = 'req_…' ORDER BY seq;
```

## Views

Amounts are integer cents beside their currency, times ending in `_ms` whole milliseconds. `happened_at` and its kin are UTC; `day` and
`month` are the household's. Everything comes from the log's events; a draft and its execution are joined by the number their ids share,
and a trip by the log's `correlation_id`, which events from before trips were kept do not have.
"""


def documentation() -> str:
    """The whole file."""
    figures = "\n".join(_figure(metric) for metric in METRICS)
    return f"{_INTRODUCTION}{figures}\n{_QUERIES}{''.join(_view(view) for view in (*VIEWS, *WHOLE_LOG))}"


_UNITS = {
    Unit.COUNT: "how many",
    Unit.SHARE: "a share",
    Unit.EACH: "to one",
    Unit.MILLISECONDS: "p50, p95, ms",
    Unit.CENTS: "cents",
}


def _figure(metric: Metric) -> str:
    return f"| `{metric.name}` | {_UNITS[metric.unit]} | `{metric.view}` | {metric.definition} |"


def _view(view: View) -> str:
    columns = "\n".join(f"| `{column.name}` | {column.kind} | {column.means} |" for column in view.columns)
    return f"\n### {view.name}\n\n{view.about}\n\n| column | type | what it is |\n|---|---|---|\n{columns}\n"


if __name__ == "__main__":
    import sys

    sys.stdout.write(documentation())
