"""What the log says about how well it goes: how often it worked, how long it took, what it cost against what was quoted.

`Metrics` is the door (`opened`). The log is read by ADBC (`log_stream`), what the figures need is taken out of each event once (`facts`), drawn
together by what it is about (`partials`), kept for the days that are over (`sealed`), and shown as documented views (`views`). What is measured is
defined in one place (`definitions`), and free queries run over the same views (`free_query`).
"""

from halo_engine.metrics.definitions import DIMENSIONS, METRICS, Metric, Unit
from halo_engine.metrics.opened import Metrics
from halo_engine.metrics.values import (
    Cost,
    CostIn,
    Count,
    DayFigures,
    Dimension,
    Each,
    Figure,
    Figures,
    MetricsReport,
    QueryResult,
    Series,
    Share,
    Spread,
)

__all__ = [
    "DIMENSIONS",
    "METRICS",
    "Cost",
    "CostIn",
    "Count",
    "DayFigures",
    "Dimension",
    "Each",
    "Figure",
    "Figures",
    "Metric",
    "Metrics",
    "MetricsReport",
    "QueryResult",
    "Series",
    "Share",
    "Spread",
    "Unit",
]
