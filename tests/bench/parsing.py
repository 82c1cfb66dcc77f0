"""What it costs to read words offline: the load, one Intent, and many at once, beside the bare network on the same texts.

python -m tests.bench.parsing [ROUNDS]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

from halo_cli import evaluation
from halo_cli.evaluation import Case
from halo_engine.parsing.offline import OfflineParser
from halo_engine.parsing.tagger import shipped
from halo_engine.verbs import VERBS

_LOAD = (
    "from time import perf_counter as now; began = now(); "
    "from halo_engine.parsing.tagger import shipped; shipped().read('order milk'); print(1000 * (now() - began))"
)


def main(rounds: int) -> None:
    """Print a table: milliseconds, Intents a second, and ratios to the bare network."""
    cases = evaluation.cases(())
    parser = OfflineParser(tuple(verb.spec for verb in VERBS.values()))
    tagger = shipped()
    contexts = [(case, case.context) for case in cases]
    whole = _times(contexts, lambda case, context: parser.parse(case.text, context), rounds)
    bare = _times(contexts, lambda case, _: tagger.read(case.text), rounds)
    loads = sorted(_load_ms() for _ in range(3 * rounds))
    print(f"load, imports and first answer included: median {statistics.median(loads):.0f} ms, best {loads[0]:.0f} ms")
    print(f"{'':14}{'p50 ms':>9}{'p95 ms':>9}{'against the network':>22}")
    for name, times in (("network", bare), ("whole Intent", whole)):
        p50, p95 = (1000 * times[len(times) * percent // 100] for percent in (50, 95))
        print(f"{name:14}{p50:9.2f}{p95:9.2f}{sum(times) / sum(bare):22.2f}")
    one, two = (_a_second(contexts, parser, threads, rounds) for threads in (1, 2))
    print(f"Intents a second: {one:.0f} with one thread, {two:.0f} with two ({two / one:.2f} times)")


def _times(contexts: Sequence[tuple[Case, object]], read: Callable[..., object], rounds: int) -> list[float]:
    """Seconds of every reading, sorted."""
    times = []
    for _ in range(rounds):
        for case, context in contexts:
            began = perf_counter()
            read(case, context)
            times.append(perf_counter() - began)
    return sorted(times)


def _a_second(contexts: Sequence[tuple[Case, object]], parser: OfflineParser, threads: int, rounds: int) -> float:
    def read(pair: tuple[Case, object]) -> None:
        parser.parse(pair[0].text, pair[1])  # type: ignore[arg-type]

    best = 0.0
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(rounds):
            began = perf_counter()
            list(pool.map(read, contexts))
            best = max(best, len(contexts) / (perf_counter() - began))
    return best


def _load_ms() -> float:
    ran = subprocess.run([sys.executable, "-c", _LOAD], capture_output=True, check=True, text=True)
    return float(ran.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
