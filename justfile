# `just` lists what there is; `just check` is what CI runs.

python := ".venv/bin/python"

# those that stand beside the code about money, confirmations and the log
safety_tests := "tests/halo_engine/model tests/halo_engine/stages tests/halo_engine/store tests/halo_engine/test_audit.py tests/halo_engine/test_durable.py tests/halo_engine/test_engine.py tests/halo_engine/test_proving.py tests/halo_engine/test_replay.py tests/halo_engine/backup tests/docs/test_reference.py"

_default:
    @{{ just_executable() }} --list

# everything CI checks
check: test lint types contracts docs

# a virtual environment with everything for development
setup:
    python3 -m venv .venv
    .venv/bin/pip install --quiet --editable '.[dev]'

# the whole suite, or what is named
test *what:
    {{ python }} -m pytest -n auto --dist worksteal {{ what }}

# every branch of the code about money, confirmations and the log (pyproject.toml says which that is) is passed by a test of it
coverage:
    {{ python }} -m coverage erase
    {{ python }} -m coverage run -m pytest -q {{ safety_tests }}
    {{ python }} -m coverage combine --quiet
    {{ python }} -m coverage report

# small changes of that code, and those that no test notices (docs/mutation.md): `just mutants halo_engine/model/money.py`, `just mutants --sample 50 …`
mutants *what:
    test -e .mutants/seconds.json || {{ just_executable() }} mutants-record
    {{ python }} -m tests.mutation {{ what }}

# which test passes through which line of it, anew: after a test or a line was added
mutants-record:
    rm -rf .mutants && mkdir .mutants
    HALO_TEST_SECONDS=$PWD/.mutants/seconds.json {{ python }} -m coverage run --data-file=.mutants/coverage -m pytest -q \
        -p tests.mutation.recording -k 'not postgres' {{ safety_tests }}
    {{ python }} -m coverage combine --quiet --data-file=.mutants/coverage .mutants

# style and formatting
lint:
    .venv/bin/ruff check
    .venv/bin/ruff format --check

# the fault matrix at any length: `just torture R-01 0 7` is every point of R-01 under seed 7
torture row n='' seed='1':
    .venv/bin/halo torture --row {{ row }} --seed {{ seed }} {{ if n == '' { '' } else { '--n ' + n } }}

# the five flows on PostgreSQL with two workers, of which one is killed at random: minutes, seed; the books are compared at the end
soak minutes="5" seed="1" *how:
    {{ python }} -m tests.soak {{ minutes }} {{ seed }} {{ how }}

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

# what one flow costs, step by step: processor time, round trips, rows and bytes on PostgreSQL: flows of each kind, seed
bench-costs flows="100" seed="1":
    {{ python }} -m tests.bench.costs {{ flows }} {{ seed }}

# what calls cost a real server, from a second process: seconds of each kind, calls a second
bench-server seconds="10" rate="100" *how:
    {{ python }} -m tests.bench.server {{ seconds }} {{ rate }} {{ how }}

# PostgreSQL, the server and two workers on this machine, until Ctrl-C: everything lies in .up
up *how:
    {{ python }} -m infra.up {{ how }}

# infra/terraform and the Containerfile held against checkov, in an environment of its own; then the image's two entry points, built and started
infra:
    test -x build/checkov/bin/checkov || (python3 -m venv build/checkov && build/checkov/bin/pip install --quiet checkov==3.3.30)
    build/checkov/bin/checkov --directory infra/terraform --framework terraform --quiet --compact --skip-download
    build/checkov/bin/checkov --file Containerfile --framework dockerfile --quiet --compact --skip-download
    {{ python }} -m infra.rehearse

# infra/constraints.txt anew: the versions that the image is built with
constraints:
    mkdir -p build
    {{ python }} -m infra.constraints > build/constraints.txt
    mv build/constraints.txt infra/constraints.txt

# the documentation as a site in build/docs; a link that leads nowhere is an error
docs:
    {{ python }} -m sphinx -b html -E -W -n --keep-going -q docs build/docs

# the cards that the documentation shows, drawn anew: docs/pictures
docs-pictures:
    .venv/bin/halo cards --verb order --format svg --out build/cards
    cp build/cards/order/draft.svg build/cards/order/draft.dark.svg build/cards/order/done.svg build/cards/order/done.dark.svg docs/pictures/

# docs/metrics.md anew, from the views and the definitions
docs-metrics:
    {{ python }} -m halo_engine.metrics.documentation > docs/metrics.md

# every page of the reference anew, from the code that each describes
reference: docs-cli docs-settings docs-events docs-http docs-errors docs-metrics

# docs/reference/cli.md anew, from the commands
docs-cli:
    {{ python }} -m tests.docs.reference.cli > docs/reference/cli.md

# docs/reference/settings.md anew, from the settings and the reasons beside them
docs-settings:
    {{ python }} -m tests.docs.reference.settings > docs/reference/settings.md

# docs/reference/events.md anew, from the events of the log
docs-events:
    {{ python }} -m tests.docs.reference.events > docs/reference/events.md

# docs/reference/http.md anew, from server/openapi.json
docs-http:
    {{ python }} -m tests.docs.reference.http > docs/reference/http.md

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
