# `make help` lists the targets. Variables: PYTHON chooses the interpreter, ARGS is passed to the command of a target.

PYTHON ?= python3
DOCKER ?= docker
CONTAINER_CHECK ?= ../shared/container-check

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install serve dev test test-all chaos lint format fuzz bench sync-client docs dist lock image container-check clean

# Without bytecode each process compiles every module of Offload when it starts: 1.2 s more. The tests start hundreds.
unexport PYTHONDONTWRITEBYTECODE

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: .venv/installed ## Make .venv, with the locked packages and the `offload` command in it

serve: install ## Start the service; it reads files below ./files
	$(BIN)/offload serve $(ARGS)

dev: install ## Start the service, and restart it when a file in app/ changes
	$(BIN)/watchfiles --filter python --sigint-timeout 10 '$(BIN)/offload serve $(ARGS)' app

# The files directory is ./files unless the environment sets another.
serve dev: export OFFLOAD_FILES_DIR ?= files

# Running jobs are requeued immediately. Otherwise each restart would wait for them.
dev: export OFFLOAD_SHUTDOWN_GRACE_S ?= 0

# A worker takes tests from the other one when it has none left. Until then the tests of a file stay together, and
# share its service.
PYTEST := $(BIN)/python -m pytest --numprocesses 2 --dist loadfile

test: .venv/installed-dev ## Run the tests except the slow ones (ARGS='-k lanes' for some of them)
	$(PYTEST) -m 'not slow' $(ARGS)

test-all: .venv/installed-dev ## Run all tests (ARGS as for test)
	$(PYTEST) $(ARGS)

chaos: .venv/installed-dev ## Inject random faults into a busy service and check its promises (KILLS=1000, SEED=7)
	$(BIN)/python -m tests.chaos --kills $(or $(KILLS),1000) $(if $(SEED),--seed $(SEED)) --queued 10000 $(ARGS)

lint: .venv/installed-dev ## Check format, style and types
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

format: .venv/installed-dev ## Format the code
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

fuzz: .venv/installed-dev ## Test the service against its OpenAPI document, at length (SEED=1 EXAMPLES=200)
	$(BIN)/python -m tests.conformance $(if $(SEED),--seed $(SEED)) $(if $(EXAMPLES),--examples $(EXAMPLES))

bench: .venv/installed-dev ## Run the benchmarks, with other queues where they are installed (ARGS=--quick for a short run)
	$(BIN)/python -m bench $(ARGS)

sync-client: .venv/installed-dev ## Generate the client for threads from the one for asyncio
	$(BIN)/python -m tests.client.generate_sync

docs: .venv/installed-dev ## Write docs/http.md from the OpenAPI document
	$(BIN)/python -m tests.docs.contract

dist: .venv/installed-dev ## Build the wheel and the sdist into dist/, and check them as a package index does
	rm -rf dist
	$(BIN)/python -m hatchling build --directory dist
	$(BIN)/python -m twine check --strict dist/*

lock: .venv/installed-dev ## Update the three locks to the newest versions
	$(call COMPILE,requirements.lock) --extra telemetry pyproject.toml
	$(call COMPILE,requirements-dev.lock) --constraint requirements.lock --extra telemetry --group dev pyproject.toml
	$(call COMPILE,requirements-build.lock) --constraint requirements-dev.lock --group build

image: ## Build the container image `offload`
	$(DOCKER) build --tag offload .

container-check: ## Build and run the image and the compose file with the script CONTAINER_CHECK
	$(CONTAINER_CHECK) .

clean: ## Remove generated files, but never data/ or files/
	rm -rf .venv dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- .venv ----------------------------------------------------------------------------------------------------------

# Universal: one lock for all platforms and all supported Pythons. Without header and index URL, so that a lock has no
# address and no path of the machine that made it.
COMPILE = $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
	--no-annotate --no-emit-index-url --output-file $(1)

LOCKED := $(PIP) install --require-hashes

.venv/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Offload needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>/dev/null || echo missing). Try: make PYTHON=python3.13 install"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "This Python can't make environments. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

.venv/installed: .venv/made requirements.lock requirements-build.lock pyproject.toml app/offload/__init__.py
	$(LOCKED) -r requirements.lock -r requirements-build.lock
	$(PIP) install --no-build-isolation --no-deps --editable .
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.lock
	$(LOCKED) -r requirements-dev.lock
	@touch $@
