# Assay. `make demo` and `make test` do all the set-up themselves; they need Python 3.11, Java 17 or newer, and make.

SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
SETUP := .stamps/setup
WORKERS ?= 2
OUT ?= demo

.PHONY: help setup demo test fault bench lint docs clean

help: ## Print this page
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(SETUP) ## Create the environment from the locked requirements and fetch Delta's two jars

$(SETUP): requirements.txt requirements-bootstrap.txt pyproject.toml tools/setup.sh
	@bash tools/setup.sh "$(VENV)"
	@mkdir -p .stamps && touch $(SETUP)

demo: $(SETUP) ## A small country, a year of nights, case lists, reminders, reports in ./demo (about 8 minutes)
	@$(BIN)/assay demo --out "$(OUT)"

test: $(SETUP) lint ## All checks and tests but the long fault and bench runs (under 25 minutes on 2 cores)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

fault: $(SETUP) ## A real Airflow, a night and hundreds of faults on the lake; one test at a time (about 45 minutes)
	@$(BIN)/python -m pytest -n 0 -m fault

bench: $(SETUP) ## The benchmarks against peers
	@$(BIN)/python -m pytest -m bench bench

lint: $(SETUP) ## ruff, mypy and the import contracts
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports
	@$(BIN)/mypy

docs: $(SETUP) ## Print the generated pages of docs/ anew from contracts and registries
	@$(BIN)/assay docs

clean: ## Remove the environment, the jars and the demo
	rm -rf $(VENV) .jars .stamps demo *.egg-info
