# scrimp on a bare machine: Python 3.11 or newer with pip and venv, and a C compiler. Nothing else is needed.
#
#   make demo        install, and compare two agents on a local model        DEMO_ARGS="--model small" for a quick look
#   make test        install, and run the tests                              PYTEST_ARGS="-k ledger"
#   make test-all    the slow tests as well
#   make test-train  the small real training runs, minutes; needs the extra train
#   make check       format, lint, types, import directions
#   make format      mend what can be mended
#   make docs        write docs/methods.md from the cards
#   make constraints pin the dependencies anew                               CONSTRAINTS_ARGS="--upgrade"
#   make clean       remove everything made here
#
# Everything is installed into .venv from constraints/*.txt, which hold versions and hashes.

PYTHON ?= python3
ENV ?= .venv
DEMO_ARGS ?=
PYTEST_ARGS ?=
CONSTRAINTS_ARGS ?=
WORKERS ?= 2

BIN = $(ENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup
TEST_HOME = $(CURDIR)/.scrimp
WEIGHTS = $(TEST_HOME)/.small-fetched

unexport PYTHONPATH PYTHONHOME PIP_USER PIP_TARGET PIP_PREFIX
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help demo test test-all test-train check format docs constraints clean weights

help:
	@sed -n 's/^#   //p' Makefile

demo: $(ENV)/.run-installed
	@$(BIN)/scrimp demo $(DEMO_ARGS)

test: $(ENV)/.test-installed $(ENV)/.foreign-installed weights
	@$(PYTEST) $(PYTEST_ARGS)

test-all: $(ENV)/.test-installed $(ENV)/.foreign-installed weights
	@$(PYTEST) -m "" $(PYTEST_ARGS)

test-train: $(ENV)/.test-installed
	@$(BIN)/python -c 'import trl, peft, datasets' || { echo "make test-train needs: $(BIN)/pip install '.[train]'" >&2; exit 2; }
	@$(BIN)/python -m pytest -m "" tests/training tests/models/test_whitebox.py tests/tools/select/test_toolkengpt.py $(PYTEST_ARGS)

check: $(ENV)/.check-installed
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(ENV)/.check-installed
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: $(ENV)/.run-installed
	@$(BIN)/python -m scrimp.cli.main methods list --markdown > docs/methods.md

constraints: $(ENV)/.made
	@$(BIN)/python scripts/update_constraints.py $(CONSTRAINTS_ARGS)

clean:
	rm -rf $(ENV) .scrimp dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis docs/methods.md
	find src tests examples benchmarks scripts -name __pycache__ -type d -prune -exec rm -rf {} +

# -- what the targets stand on; each leaves a stamp and is done once --------------------------------

$(ENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "scrimp needs Python 3.11 or newer, and '$(PYTHON)' is not (`$(PYTHON) --version 2>&1 | head -n 1`):" \
	       "make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "'$(PYTHON)' lacks venv or pip: install them (on Debian: apt install python3-venv)," \
	       "or make PYTHON=/path/to/another $(MAKECMDGOALS)" >&2; exit 2; }
	@echo "making $(ENV)"
	@$(PYTHON) -m venv $(ENV)
	@touch $@

# Hashes are checked by pip for everything but the project itself, the tools that build it included.
$(ENV)/.%-installed: constraints/%.txt pyproject.toml $(ENV)/.made
	@echo "installing constraints/$*.txt"
	@$(PIP) install --require-hashes -r $<
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(ENV)/.foreign-installed: tests/foreign_package/pyproject.toml $(ENV)/.test-installed
	@echo "installing tests/foreign_package"
	@$(PIP) install --no-deps --no-build-isolation -e tests/foreign_package
	@touch $@

# The small model for the tests marked `model`. Without it they are skipped, unless SCRIMP_NEED_MODEL is set.
weights: $(ENV)/.test-installed
	@test -e $(WEIGHTS) || { mkdir -p $(TEST_HOME) \
	  && SCRIMP_HOME=$(TEST_HOME) $(BIN)/scrimp models get small && touch $(WEIGHTS); } \
	  || { echo "the small model could not be fetched: tests that need it are skipped" >&2; test -z "$$SCRIMP_NEED_MODEL"; }
