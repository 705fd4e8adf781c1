# Two commands on a fresh machine: `make demo` and `make test`. Both install what they need into .venv first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
WORKERS ?= 2
SLOW_WORKERS ?= 4
SECONDS ?= 300
SEEDS ?= 2000
STREAMS ?= 1000

.PHONY: help install demo test test-slow test-spark test-integration simulate fuzz format-samples lint site format bench bench-calibration soak lock clean

help: ## What can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 20

install: $(INSTALLED) ## A virtual environment in .venv with the locked packages

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "driftd needs Python 3.11, 3.12 or 3.13; '$(PYTHON)' is $$($(PYTHON) --version 2>&1)." \
	         "Name another: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "'$(PYTHON)' cannot make virtual environments; on Debian: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

demo: install ## The main job on a real log, in one minute
	$(BIN)/driftd demo

test: install ## All tests; those that need real services skip, with the way to get them, where these are missing
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

test-slow: install ## Faults and schedules that take more than a minute each, most of it spent waiting
	$(BIN)/python -m pytest -n $(SLOW_WORKERS) --dist loadgroup -m long

test-spark: install ## The example for Spark, with PySpark from the package index (needs Java)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pyspark>=4,<5'
	$(BIN)/python -m pytest tests/examples

test-integration: install ## Only the tests against real Kafka and real Postgres
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m 'integration and not long'

simulate: install ## Crashes, zombies and rebalances by SEEDS=2000 schedules; SEED plays one again, step by step
	$(BIN)/python -m tests.crash $(if $(SEED),--seed $(SEED) -v,--seeds $(SEEDS) --processes $(WORKERS))

fuzz: $(VENV)/fuzz ## Bad input against the decoder, for SECONDS=300; SEED repeats what a run has tried
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

$(VENV)/fuzz: $(INSTALLED)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --group fuzz
	@touch $@

$(VENV)/deploy: $(INSTALLED)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --group deploy
	@touch $@

lint: install ## ruff, mypy --strict, the directions of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

site: install ## The documentation as a site, in site/; any mistake in it is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --clean

format: install ## Put the code into its form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

format-samples: install ## A hundred messages of each system by its own library, into tests/formats/samples; NAMES=mlflow
	$(BIN)/python -m tests.formats.produce $(NAMES)

bench: install ## Throughput, CPU and memory against the Kafka clients alone (needs Java and Maven)
	$(BIN)/python -m bench.throughput

bench-labels: install ## What labels, their join, ADWIN and the challenger cost the throughput (needs Java and Maven)
	$(BIN)/python -m bench.labels

bench-detectors: install ## Detectors on error streams, ensembles on Elec2: measured beside the known figures
	$(BIN)/python -m bench.detectors

bench-quality: install ## False alarms, delays and costs beside other libraries; QUICK=1 for minutes, PAGE=1 into the page
	$(BIN)/python -m bench.quality $(if $(QUICK),--quick) $(if $(PAGE),--page)

bench-calibration: install ## False alarms of STREAMS=1000 streams without drift, delays of small shifts, at one budget
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m bench.calibration --streams $(STREAMS)

soak: install ## Half an hour at a steady rate with faults: memory stays, every row counts once (needs Java and Maven)
	$(BIN)/python -m bench.soak $(MINUTES)

bench-page: install ## The page's views over a year of 50 models with 100 features; HOURS=1 is a window's length
	$(BIN)/python -m bench.page $(HOURS)

bench-scale: install ## Several processes, many features, models, categories, windows; a year in Postgres
	$(BIN)/python -m bench.scale

lock: install ## Pin the dependencies of pyproject.toml anew
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --no-emit-index-url --group dev --group docs --extra demo --extra librdkafka --extra mlflow --extra page --extra pictures --extra avro --extra protobuf --upgrade pyproject.toml --output-file requirements.lock

clean: ## Remove what can be made again
	rm -rf $(VENV) .cache build site *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
