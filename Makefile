# The two commands of the README are `make lab` and `make test`. Each sets up what it needs, once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LAB := $(VENV)/.lab
READY := $(VENV)/.ready
NOTEBOOKS := solutions/*.ipynb
# Two files at a time, tests and notebooks alike, each with one thread: two cores are in every machine, and memory for
# two networks. conftest.py says which files come first.
SIDE_BY_SIDE := --numprocesses 2 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help lab test check build docs bench clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

lab: $(LAB) ## set up, and open the lab in JupyterLab
	$(BIN)/labkit lab

test: $(READY) ## set up, and run all tests, every solution notebook included
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(SIDE_BY_SIDE) --nbval-lax --nbval-cell-timeout=300 tests $(NOTEBOOKS)

check: $(READY) ## format, lint, types, notebooks as their sources say, then all tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/labkit build --check
	$(MAKE) test

build: $(LAB) ## make both kinds of notebook from solutions/*.py
	$(BIN)/labkit build

# Material's advertisement of its successor is no warning of ours.
docs: $(READY) ## build the documentation site into build/site; a warning is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --config-file docs/site/mkdocs.yml
	@echo "open build/site/index.html, or, so that its search works: $(BIN)/python -m http.server -d build/site"

bench: $(READY) ## measure methods and grading beside others, and write benchmarks/RESULTS.md
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/methods.py
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/methods.py --growth
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/patches_memory.py
	$(BIN)/python benchmarks/notebooks.py
	$(BIN)/python benchmarks/grading.py 05
	$(BIN)/python benchmarks/grading.py 01 --growth

clean: ## forget the installation
	rm -rf $(VENV)

# Installed anew only when pyproject.toml changes; an interrupted installation leaves no stamp and is done again.
# What tests need comes on top of what the lab needs.
$(LAB): pyproject.toml
	$(SET_UP)
	@touch $(LAB)

$(READY): pyproject.toml
	$(SET_UP) --dev
	@touch $(LAB) $(READY)

define SET_UP
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	{ echo "labkit needs Python 3.11 or newer as $(PYTHON); try: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 2; }
@$(PYTHON) install.py --venv $(VENV)
endef
