# `make help` explains the targets. Variables: PYTHON picks the interpreter, ARGS goes to the command behind a target.

PYTHON ?= python3
DOCKER ?= docker
CONTAINER_CHECK ?= ../shared/container-check

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install serve dev test chaos lint format fuzz bench docs lock image container-check clean

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: .venv/installed ## Make .venv, with the locked packages and the `offload` command in it

serve: install ## Start the service; it digests files below ./files
	$(BIN)/offload serve $(ARGS)

dev: install ## Start the service, and again at each change of app/
	$(BIN)/watchfiles --filter python --sigint-timeout 10 '$(BIN)/offload serve $(ARGS)' app

# Files to digest: ./files, unless the environment says otherwise.
serve dev: export OFFLOAD_FILES_DIR ?= files

# What runs goes back into the queue at once, or each change would have to wait for it.
dev: export OFFLOAD_SHUTDOWN_GRACE_S ?= 0

test: .venv/installed-dev ## Run the tests (ARGS='-k lanes' for some of them)
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(ARGS)

chaos: .venv/installed-dev ## Strike a busy service at random, see what breaks (KILLS=1000, SEED=7)
	$(BIN)/python -m tests.chaos --kills $(or $(KILLS),1000) $(if $(SEED),--seed $(SEED)) --queued 10000 $(ARGS)

lint: .venv/installed-dev ## Check format, style and types
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

format: .venv/installed-dev ## Put the code into its format
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

fuzz: .venv/installed-dev ## Hold the service to its OpenAPI document for long (SEED=1 EXAMPLES=200)
	$(BIN)/python -m tests.conformance $(if $(SEED),--seed $(SEED)) $(if $(EXAMPLES),--examples $(EXAMPLES))

bench: .venv/installed-dev ## Measure, beside other queues where they are installed (ARGS=--quick: a little of it)
	$(BIN)/python -m bench $(ARGS)

docs: .venv/installed-dev ## Write docs/http.md anew, from the OpenAPI document
	$(BIN)/python -m tests.docs.contract

lock: .venv/installed-dev ## Take the newest versions into the three locks
	$(call COMPILE,requirements.lock) --extra telemetry pyproject.toml
	$(call COMPILE,requirements-dev.lock) --constraint requirements.lock --extra telemetry --group dev pyproject.toml
	$(call COMPILE,requirements-build.lock) --constraint requirements-dev.lock --group build

image: ## Build the container image `offload`
	$(DOCKER) build --tag offload .

container-check: ## Build the image and run it and the compose file, by the script CONTAINER_CHECK
	$(CONTAINER_CHECK) .

clean: ## Remove what was made here, but never data/ or files/
	rm -rf .venv dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- .venv ----------------------------------------------------------------------------------------------------------

# Universal: one lock for every platform and every Python from the floor on. Neither header nor index, so that it holds
# no address and no path of the machine that made it.
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
