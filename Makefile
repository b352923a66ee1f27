# make demo    the whole pipeline of pipelines/tiny.py, for real; the second time there is nothing to do
# make test    everything that must hold: format, lint, types, layers, tests
# make bench   what it costs, beside a floor or a peer measured in the same run: BENCH='--help' tells the options
# make format  formats, and writes generated/ anew
# make pins    constraints.txt from the versions that the environment holds
#
# All of them make .venv first, once, with the versions of constraints.txt. An environment that is there already is used as it is:
# `make test VENV=/some/environment`, or PDSL_VENV in the shell's environment.

PYTHON ?= python3
VENV := $(or $(PDSL_VENV),.venv)
READY := $(if $(filter .venv,$(VENV)),.venv/ready)
BIN := $(abspath $(VENV))/bin
PDSL := $(BIN)/python -m pipeline_dsl
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
PIPELINE ?= pipelines/tiny.py

# The stages say themselves how many threads they may keep busy. On cores that are shared, two threads a process are slower than one.
export OMP_NUM_THREADS ?= 1
export HF_HUB_OFFLINE := 1
export PATH := $(BIN):$(PATH)

.PHONY: demo test lint types check bench format pins clean
.DELETE_ON_ERROR:

demo: $(READY)
	@$(PDSL) check $(PIPELINE)
	@$(PDSL) plan $(PIPELINE)
	@$(PDSL) run $(PIPELINE)
	@$(PDSL) status
	@$(PDSL) gate

# A third of the time tests wait, for Slurm or for a process to end: three at a time keep two cores busy.
test: $(READY) lint types check
	@echo "pytest"
	@$(BIN)/python -m pytest -q -n $${PDSL_TEST_JOBS:-3} --dist loadfile --no-loadscope-reorder $(TESTS)

lint: $(READY)
	@echo "ruff format --check, ruff check, lint-imports"
	@$(BIN)/ruff format --quiet --check . || { $(BIN)/ruff format --diff --quiet .; exit 1; }
	@$(BIN)/ruff check --quiet .
	@said=$$($(BIN)/lint-imports --no-cache 2>&1) || { echo "$$said"; exit 1; }

types: $(READY)
	@echo "pyright (strict)"
	@$(BIN)/pyright --pythonpath $(BIN)/python

check: $(READY)
	@echo "pdsl check, pdsl generate --check"
	@$(PDSL) check $(shell grep -l '^pipeline = ' pipelines/*.py)
	@$(PDSL) generate --check

bench: $(READY)
	@$(BIN)/python -m tests.benchmarks $(BENCH)

format: $(READY)
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .
	@$(PDSL) generate

# torch comes first and by its pin alone, so that whichever build of it is at hand is taken, and nothing later replaces it.
.venv/ready: constraints.txt pyproject.toml
	@echo "installing the pinned dependencies into $(VENV) (once, some minutes)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "pdsl needs Python 3.11 or newer; set PYTHON=")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install -c constraints.txt setuptools wheel
	@$(PIP) install "$$(grep '^torch==' constraints.txt)"
	@$(PIP) install -c constraints.txt --no-build-isolation -e '.[all,dev]'
	@touch $@

# What the environment holds becomes what everybody gets: after an upgrade was tried and tested.
pins: $(READY)
	@sed -n '/^#/p' constraints.txt > constraints.new
	@$(BIN)/python -m pip list --disable-pip-version-check --format=freeze --exclude-editable --exclude pip --exclude pdsl \
	    | sed 's/+[a-z0-9.]*$$//' | grep == >> constraints.new
	@mv constraints.new constraints.txt

clean:
	@rm -rf .venv build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
