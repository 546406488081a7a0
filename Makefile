# The commands of this project. `make` lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

# One more than there are cores, since tests wait for servers; each has servers of its own, so not too many.
TEST_PROCESSES ?= $(shell $(PYTHON) -c 'import os; print(min(8, (os.cpu_count() or 1) + 1))')

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo test check format faults bench openapi lock clean

help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(VENV)/.runtime: requirements/runtime.txt requirements/build.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "customer-export needs Python 3.11 or newer: make PYTHON=python3.11 …")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements/build.txt -r requirements/runtime.txt
	$(BIN)/python -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.txt
	$(BIN)/python -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

# Products whose databases tests read (tests/foreign): in a venv of their own, since their pins are not ours.
$(VENV)/foreign/.done: requirements/foreign.txt requirements/foreign-build.txt | $(VENV)/.dev
	@test -x $(VENV)/foreign/bin/python || $(PYTHON) -m venv $(VENV)/foreign
	$(VENV)/foreign/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements/foreign-build.txt
	$(VENV)/foreign/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes --no-build-isolation -r requirements/foreign.txt
	@touch $@

# The S3 server of the tests (tests/object_store_server.py): likewise.
$(VENV)/object-store/.done: requirements/object-store.txt | $(VENV)/.dev
	@test -x $(VENV)/object-store/bin/python || $(PYTHON) -m venv $(VENV)/object-store
	$(VENV)/object-store/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements/object-store.txt
	@touch $@

setup: $(VENV)/.runtime ## Create .venv with the program in it

setup-dev: $(VENV)/.dev $(VENV)/foreign/.done $(VENV)/object-store/.done ## The same with everything that tests and checks need

demo: $(VENV)/.runtime ## Make the demo shop, print curl lines and serve it on port 8000
	@$(BIN)/customer-export demo

# What is started afresh finds the product compiled, also where the machine says that Python keeps nothing compiled.
test: export PYTHONDONTWRITEBYTECODE :=
# Sets have one order, by which hypothesis' examples are the same on every run (`make faults` leaves that to chance).
test: export PYTHONHASHSEED := 0
test: $(VENV)/.dev $(VENV)/foreign/.done $(VENV)/object-store/.done ## Run the tests, against real servers that they start themselves
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder

check: $(VENV)/.dev ## Format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev ## Rewrite the code in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

faults: $(VENV)/.dev ## Break things 1,000 times (see docs/faults.md), ask each route 100 odd things, try 300 examples of all
	FAULT_RUNS=1000 $(BIN)/python -m pytest -n 0 tests/faults tests/engine
	API_EXAMPLES=100 $(BIN)/python -m pytest -n 0 tests/service/test_openapi.py
	EXAMPLES=300 $(BIN)/python -m pytest -n 0 -m hypothesis

bench: $(VENV)/.dev ## Measure against the peers (see benchmarks/README.md)
	$(BIN)/python -m benchmarks.run $(if $(PEERS),--peers $(PEERS))

openapi: $(VENV)/.dev ## Renew docs/api from the application
	$(BIN)/customer-export openapi | $(BIN)/python -c 'import json, sys, yaml; yaml.safe_dump(json.load(sys.stdin), sys.stdout, sort_keys=False, allow_unicode=True, width=110)' > docs/api/admin-customers-export.yaml

lock: $(VENV)/.dev ## Renew the locked requirements from pyproject.toml
	$(BIN)/python requirements/lock.py

clean: ## Remove what these commands made
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist
