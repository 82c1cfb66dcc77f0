"""`python -m tests.mutation MODULE…`: every change of these modules that no test notices. `just mutants` calls it."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.mutation.running import Record, Verdict, run_module


def main() -> int:
    """1 where a change survived, so that a script can tell."""
    asked = _asked()
    if len(asked.modules) == 1:
        options = {"sample": asked.sample, "seed": asked.seed, "jobs": asked.jobs}
        verdicts = run_module(asked.modules[0], Record(asked.record), results=asked.record / "results.jsonl", **options)
        print(_table(asked.modules[0], verdicts))
        return int(any(verdict.outcome in ("survived", "untested") for verdict in verdicts))
    # What one module's run has imported is no good for the next.
    flags = [f"--{name}={value}" for name, value in vars(asked).items() if name != "modules" and value is not None]
    return max(subprocess.run([sys.executable, "-m", "tests.mutation", *flags, module], check=False).returncode for module in asked.modules)


def _asked() -> argparse.Namespace:
    reader = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    reader.add_argument("modules", nargs="+", help="such as halo_engine/model/money.py")
    reader.add_argument("--record", type=Path, default=Path(".mutants"), help="where `just mutants-record` left what it found")
    reader.add_argument("--sample", type=int, help="only so many changes of a module")
    reader.add_argument("--seed", type=int, default=1, help="which ones")
    reader.add_argument("--jobs", type=int, default=2, help="how many at a time")
    return reader.parse_args()


def _table(module: str, verdicts: list[Verdict]) -> str:
    counts = Counter(verdict.outcome for verdict in verdicts)
    noticed = counts["killed"] + counts["timeout"]
    lines = [f"{module}: {noticed} of {len(verdicts)} noticed ({noticed / max(1, len(verdicts)):.1%}) {json.dumps(counts)}"]
    lines += [f"  {v.outcome} {v.line} {v.within}: {v.words}" for v in verdicts if v.outcome in ("survived", "untested")]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
