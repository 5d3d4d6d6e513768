# What one does with this checkout. `make` alone lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
READERS := .venv-readers
KERNELS := .venv-kernels
VALIDATORS := .venv-validators
NEIGHBOURS := .venv-neighbours
TORCH := torch==2.13.0+cpu
BIN := $(VENV)/bin
PANELS := $(VENV)/share/jupyter/labextensions
# What a wheel is built by, so that each of its parts is built the same way here.
HATCH := python -c 'from pathlib import Path; import hatch_build; hatch_build

export PATH := $(CURDIR)/$(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export UV_HTTP_TIMEOUT ?= 300
# Some images forbid Python to keep what it compiled; then each process here would compile it all anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: install
install: $(VENV)/.installed  ## a virtual environment with everything, exactly as locked

.PHONY: system
system:  ## the system packages that tests and isolated reruns use (apt, as root)
	@requirements/system.sh

.PHONY: test
test: install system tracer frontend readers kernels validators neighbours lint types frontend-checks  ## all checks and tests
	@pytest -n 2

.PHONY: lint
lint: install  ## ruff: rules and formatting
	@ruff check .
	@ruff format --check .

.PHONY: types
types: install  ## mypy, strict
	@mypy

.PHONY: frontend
frontend: labextension/package.json  ## the panel for JupyterLab, built and put into the environment
	@mkdir -p $(PANELS)
	@ln -sfn $(CURDIR)/labextension $(PANELS)/py-mlops

.PHONY: frontend-checks
frontend-checks: frontend  ## the panel's own checks: eslint, prettier, tsc, jest
	@jlpm check

.PHONY: tour
tour: install  ## the whole job on real data, in the terminal: snapshot, reproduce, verdict
	@python examples/tour.py

.PHONY: lab
lab: install frontend  ## the tour's notebook in JupyterLab
	@python examples/lab.py

.PHONY: campaign
campaign: install  ## the long seeded campaigns of which `make test` runs a slice
	@python -m campaigns

.PHONY: bench
bench: install  ## the benchmarks, side by side in one run
	@python -m benchmarks

.PHONY: format
format: install frontend  ## let ruff and prettier rewrite what they can
	@ruff check --fix-only .
	@ruff format .
	@jlpm prettier --write

.PHONY: lock
lock: install  ## compile requirements/*.txt anew
	@requirements/lock.sh

.PHONY: clean
clean:  ## remove the virtual environment and every cache in this folder
	@rm -rf node_modules lib labextension $(VENV) $(READERS) $(KERNELS) $(VALIDATORS) $(NEIGHBOURS) .tour .tour-lab .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

# pip brings uv, once; uv brings the rest. A stamp is written last, so that an
# interrupted installation is taken up again and a finished one costs nothing.
$(VENV)/.uv: requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "py-mlops needs Python 3.11 or newer: make PYTHON=python3.11 …")'
	@$(PYTHON) -m venv $(VENV) || { echo 'No venv module: apt-get install python3-venv' >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements/uv.txt
	@touch $@

# The installation builds the tracer; where the compiler came later, it is built now.
.PHONY: tracer
tracer: install system  ## the tracer, where the installation found no C compiler
	@test -e py_mlops/guest/tracer.so || $(HATCH).build(Path())'

# The environment in which py-mlops is not installed, and in which tests read data.
.PHONY: readers
readers: $(READERS)/.installed  ## the environment without py-mlops, in which tests read data

$(READERS)/.installed: $(VENV)/.installed requirements/readers.txt
	@uv venv --quiet --clear --python $(BIN)/python $(READERS)
	@uv pip install --python $(READERS)/bin/python --quiet --require-hashes -r requirements/readers.txt
	@touch $@

# Other Pythons in environments of their time, as far as this machine has them.
.PHONY: kernels
kernels: install  ## environments of other Pythons without py-mlops, in whose kernels tests work
	@TORCH=$(TORCH) python requirements/kernels.py

# The environment of other people's validators: their pins and ours do not go together.
.PHONY: validators
validators: $(VALIDATORS)/.installed  ## the environment of the standards' own validators, for exports

$(VALIDATORS)/.installed: $(VENV)/.installed requirements/validators.txt
	@uv venv --quiet --clear --python $(BIN)/python $(VALIDATORS)
	@uv pip install --python $(VALIDATORS)/bin/python --quiet --require-hashes -r requirements/validators.txt
	@touch $@

$(VENV)/.installed: $(VENV)/.uv requirements/dev.txt pyproject.toml py_mlops/__init__.py \
		hatch_build.py py_mlops/guest/tracer.c
	@uv pip install --python $(BIN)/python --quiet --require-hashes -r requirements/dev.txt
	@uv pip install --python $(BIN)/python --quiet --no-deps --no-build-isolation -e .
	@touch $@

# The environment in which other people's extensions of JupyterLab stand beside ours.
.PHONY: neighbours
neighbours: $(NEIGHBOURS)/.installed  ## JupyterLab with jupyter-collaboration and jupyterlab-git, beside which tests use the panel

$(NEIGHBOURS)/.installed: $(VENV)/.installed requirements/neighbours.txt labextension/package.json
	@uv venv --quiet --clear --python $(BIN)/python $(NEIGHBOURS)
	@uv pip install --python $(NEIGHBOURS)/bin/python --quiet --require-hashes -r requirements/neighbours.txt
	@uv pip install --python $(NEIGHBOURS)/bin/python --quiet --no-deps --no-build-isolation -e .
	@mkdir -p $(NEIGHBOURS)/share/jupyter/labextensions
	@ln -sfn $(CURDIR)/labextension $(NEIGHBOURS)/share/jupyter/labextensions/py-mlops
	@touch $@

# The panel: its libraries exactly as locked, by the Node.js of the virtual environment. It is
# linked, not copied, so that what is built anew is what JupyterLab serves.
PANEL_SOURCES := package.json tsconfig.json $(shell find src style schema -type f)

node_modules/.installed: $(VENV)/.installed package.json yarn.lock .yarnrc.yml
	@jlpm install --immutable > node_modules.log || { cat node_modules.log; exit 1; }
	@rm node_modules.log
	@touch $@

labextension/package.json: node_modules/.installed $(PANEL_SOURCES)
	@$(HATCH).build_panel(Path())' > labextension.log 2>&1 || { cat labextension.log; exit 1; }
	@rm labextension.log
