# Commands of the hub; `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run test test-all lint clients bench faults messages holidays lock clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-8s %s\n", $$1, $$2}'

$(VENV)/.run: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("emall needs Python 3.11 or later" if sys.version_info < (3, 11) else 0)'
	@echo "installing the locked packages into $(VENV) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.lock
	@echo "installing the packages for development ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

run: $(VENV)/.run ## serve the hub with the Toba pack at http://127.0.0.1:8000
	@$(BIN)/emall run

test: $(VENV)/.dev ## the tests of every change: all that are not marked as slow, in parallel
	@$(BIN)/python -m pytest -n $$(($$(getconf _NPROCESSORS_ONLN) + 1)) --dist loadfile --no-loadscope-reorder -m "not slow"

test-all: $(VENV)/.dev ## every test that can run here, some five times as long: nightly, before a release
	@$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.dev ## format, lint, types, import contracts, dead code, spelling, migrations
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/pyright
	@$(BIN)/lint-imports
	@$(BIN)/python -m tests.house.dead_code
	@$(BIN)/codespell services migrations tests bench docs README.md CHANGELOG.md
	@$(BIN)/python -m tests.house.migration_lint

$(VENV)/clients/.installed: $(VENV)/.dev $(wildcard tests/contract/clients/*lock*)
	@mkdir -p $(VENV)/clients/npm
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --upgrade --target $(VENV)/clients/python -r tests/contract/clients/requirements.lock
	@cp tests/contract/clients/package.json tests/contract/clients/package-lock.json $(VENV)/clients/npm
	@cd $(VENV)/clients/npm && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

clients: $(VENV)/clients/.installed ## clients in PHP and TypeScript: generate, compile, run (needs java, npm, php with Guzzle)
	@EMALL_REQUIRE=clients $(BIN)/python -m pytest tests/contract/test_generated_clients.py

bench: $(VENV)/.dev ## the benchmarks
	@$(BIN)/python -m bench

faults: $(VENV)/.dev ## faults of a hub under load: all, or CASE=name RUNS=3 RATE=20
	@$(BIN)/python -m tests.faults $(if $(CASE),--case $(CASE)) $(if $(RUNS),--runs $(RUNS)) $(if $(RATE),--rate $(RATE))

messages: $(VENV)/.dev ## update the translation catalogues from the code
	@$(BIN)/python -m services.locales.extract

holidays: $(VENV)/.dev ## write the table of holidays from the package, after each new version of it
	@$(BIN)/python -m tests.holidays_table

lock: ## regenerate the lock files; UPGRADE=--upgrade renews them (needs uv)
	uv pip compile $(UPGRADE) --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' --extra dev --extra otel -o requirements-dev.lock pyproject.toml
	uv pip compile $(UPGRADE) --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' -c requirements-dev.lock -o requirements.lock pyproject.toml

clean: ## remove the environment, build files and data
	rm -rf $(VENV) .data build *.egg-info
