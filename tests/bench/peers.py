"""Two libraries for durable execution with nothing to do: four bare steps a flow, each kept on disk before the next one begins.

DBOS is the library that carries Halo's own executions. LangGraph is in the extra `bench`, and is left out where that is not installed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache, reduce
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any, TypedDict

from sqlalchemy import Engine

from halo_engine.clock import SystemClock
from halo_engine.store import sqlite
from halo_engine.store.session import open_store
from tests.bench.contestants import Flow
from tests.torture import postgres

_STEPS = range(4)


@dataclass(frozen=True)
class DbosAlone:
    """On an engine that is set up as Halo's: WAL and FULL on SQLite, or PostgreSQL."""

    on: str
    name: str = "DBOS alone, four bare steps"

    @contextmanager
    def opened(self, place: Path) -> Iterator[Flow]:
        url = postgres.fresh_database() if self.on == "postgres" else None
        store = open_store(database_file=place / "books" / "halo.db", database_url=url, clock=SystemClock())
        try:
            with _dbos(_on(store.queue_engine)) as flow:
                yield flow
        finally:
            store.close()
            if url:
                postgres.drop_database(url)


@dataclass(frozen=True)
class DbosAsShipped:
    """On a SQLite that it opens itself: with a rollback journal."""

    name: str = "DBOS alone, as shipped"

    @contextmanager
    def opened(self, place: Path) -> Iterator[Flow]:
        with _dbos({"system_database_url": f"sqlite:///{place / 'dbos.db'}"}) as flow:
            yield flow


def _on(engine: Engine) -> dict[str, Any]:
    from dbos import DBOSPortableJSONSerializer

    return {
        "system_database_engine": engine,
        "system_database_url": engine.url.render_as_string(hide_password=True),
        "serializer": DBOSPortableJSONSerializer(),
    }


@contextmanager
def _dbos(config: dict[str, Any]) -> Iterator[Flow]:
    from dbos import DBOS

    workflow = _workflow()
    quiet = {"log_level": "CRITICAL", "use_listen_notify": False, "notification_listener_polling_interval_sec": 0.1}
    DBOS(config={"name": "bench", "executor_id": "bench", "application_version": "1", **quiet, **config})  # type: ignore[typeddict-item]
    try:
        DBOS.launch()
        yield lambda number: _finished(DBOS.start_workflow(workflow, number).get_result(), number)
    finally:
        DBOS.destroy()


@cache
def _workflow() -> Callable[[int], int]:
    from dbos import DBOS

    steps = [DBOS.step(name=f"step-{number}")(_next) for number in _STEPS]

    @DBOS.workflow(name="four-bare-steps")
    def four_bare_steps(number: int) -> int:
        return reduce(lambda so_far, step: step(so_far), steps, number)

    return four_bare_steps


def _next(number: int) -> int:
    return number + 1


def _finished(result: int, number: int) -> None:
    if result != number + len(_STEPS):
        raise RuntimeError(f"flow {number} ended with {result}")


class _State(TypedDict):
    number: int


@dataclass(frozen=True)
class LangGraph:
    """On Halo's SQLite with Halo's pragmas; each checkpoint is written before the next node begins."""

    name: str = "LangGraph, four bare nodes"

    @staticmethod
    def missing() -> str | None:
        """Why it cannot take part."""
        needed = ("langgraph", "langgraph.checkpoint.sqlite")
        try:
            there = all(find_spec(module) for module in needed)
        except ModuleNotFoundError:
            there = False
        return None if there else "LangGraph is not installed, and left out: pip install -e '.[bench]'"

    @contextmanager
    def opened(self, place: Path) -> Iterator[Flow]:
        saver_of = import_module("langgraph.checkpoint.sqlite").SqliteSaver
        file = str(place / "langgraph.db")
        with closing(sqlite3.connect(file)) as connection:
            # It knows the errors of the standard library's driver only, and meets one while it makes its tables.
            saver_of(connection).setup()
        with closing(sqlite.driver.connect(file, check_same_thread=False)) as connection:
            # It lets the driver begin its transactions, and commits them itself.
            begun_by_driver = connection.isolation_level
            sqlite.prepare(connection)
            sqlite.choose_journal(connection)
            connection.isolation_level = begun_by_driver
            saver = saver_of(connection)
            saver.is_setup = True
            graph = _four_nodes().compile(checkpointer=saver)

            def flow(number: int) -> None:
                thread = {"configurable": {"thread_id": str(number)}}
                _finished(graph.invoke({"number": number}, thread, durability="sync")["number"], number)

            yield flow


def _four_nodes() -> Any:
    module = import_module("langgraph.graph")
    graph = module.StateGraph(_State)
    nodes = [f"node-{number}" for number in _STEPS]
    for node in nodes:
        graph.add_node(node, _node)
    graph.add_edge(module.START, nodes[0])
    for before, after in pairwise(nodes):
        graph.add_edge(before, after)
    graph.add_edge(nodes[-1], module.END)
    return graph


def _node(state: Mapping[str, int]) -> dict[str, int]:
    return {"number": _next(state["number"])}


def versions() -> Sequence[str]:
    """Who took part."""
    from importlib.metadata import version

    return [f"{name} {version(name)}" for name in ("dbos", "langgraph") if find_spec(name)]
