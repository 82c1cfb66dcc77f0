# `just` lists what there is; `just check` is what CI runs.

python := ".venv/bin/python"

_default:
    @{{ just_executable() }} --list

# everything CI checks
check: test lint types contracts

# a virtual environment with everything for development
setup:
    python3 -m venv .venv
    .venv/bin/pip install --quiet --editable '.[dev]'

# the whole suite, or what is named
test *what:
    {{ python }} -m pytest -n auto --dist worksteal {{ what }}

# style and formatting
lint:
    .venv/bin/ruff check
    .venv/bin/ruff format --check

# the fault matrix at any length: `just torture R-01 0 7` is every point of R-01 under seed 7
torture row n='' seed='1':
    .venv/bin/halo torture --row {{ row }} --seed {{ seed }} {{ if n == '' { '' } else { '--n ' + n } }}

# each planted bug, and the row that catches it
bugs:
    .venv/bin/halo torture --bugs

# strict types
types:
    .venv/bin/mypy

# the offline parser's model anew, in half an hour: the folder of third-party sets (halo_engine/parsing/model/MODEL_CARD.md), epochs, seed
train data epochs="5" seed="1":
    .venv/bin/pip install --quiet --editable '.[train]'
    {{ python }} -m halo_engine.parsing.training --data {{ data }} --epochs {{ epochs }} --seed {{ seed }}

# the layers, and no circles
contracts:
    .venv/bin/lint-imports

# mend what can be mended by a machine
fix:
    .venv/bin/ruff check --fix
    .venv/bin/ruff format

# write the golden cards anew, to be read before they are committed
golden:
    {{ python }} -m pytest tests/cards --snapshot-update

# what the commands cost to start, as ratios to a bare interpreter
bench:
    {{ python }} -m tests.bench.start_up

# confirmed orders a second, beside the same writes bare and beside two libraries: flows in a turn, rounds, seed
bench-flows flows="100" rounds="5" seed="1":
    {{ python }} -m tests.bench.flows {{ flows }} {{ rounds }} {{ seed }}

# what it costs to read words offline: load, one Intent, many at once
bench-parsing rounds="3":
    {{ python }} -m tests.bench.parsing {{ rounds }}

# what a long log costs: verify, metrics, checkpoint, prove, export, and the dashboard: events, rounds, seed
bench-audit events="1000000" rounds="3" seed="1":
    {{ python }} -m tests.bench.audit {{ events }} {{ rounds }} {{ seed }}

# what a confirmation waits for other writers of the same file: drafts, threads, rounds
bench-writers drafts="300" threads="16" rounds="3":
    {{ python }} -m tests.bench.writers {{ drafts }} {{ threads }} {{ rounds }}

# what calls cost a real server, from a second process: seconds of each kind, calls a second
bench-server seconds="10" rate="100" *how:
    {{ python }} -m tests.bench.server {{ seconds }} {{ rate }} {{ how }}

# docs/metrics.md anew, from the views and the definitions
docs-metrics:
    {{ python }} -m halo_engine.metrics.documentation > docs/metrics.md

# an example of every operation of the server, recorded anew: fixtures/http
examples:
    {{ python }} -m tests.server.recording

# server/openapi.json anew, from the routes, the documents and the examples
openapi:
    {{ python }} -m server.openapi

# docs/errors.md anew, from the errors there are
docs-errors:
    {{ python }} -m server.error_table > docs/errors.md

# figures over a long log: sealing, the default report, a free query, whole processes; events, rounds
bench-metrics events="1000000" rounds="5":
    {{ python }} -m tests.bench.metrics {{ events }} {{ rounds }}

# What a program and Halo say to each other over the Model Context Protocol, for real.
mcp-transcript:
    {{python}} -m tests.server.mcp.transcript
