# make demo: the main job on real input.   make test: everything that must hold.   Both set up what they need.
# make test-full: all tests, those that take long too, with as many random faults as they state.
# make quick: what a change touches, within a minute; SINCE=COMMIT counts from another commit than the last.
PYTHON ?= python3
NEEDS  := anyshot needs Python 3.11 or newer. Name one that you have: make PYTHON=python3.12
VENV   := .venv
BIN    := $(VENV)/bin
SINCE  ?= HEAD
STAMP  := $(VENV)/installed

.PHONY: demo test test-full quick check clean

demo: $(STAMP)
	$(BIN)/anyshot demo

test: check
	$(BIN)/python -m pytest -m "not network and not gpu" --numprocesses auto --maxprocesses 8

test-full: check
	$(BIN)/python -m pytest -m "not network and not gpu" --full --numprocesses auto --maxprocesses 8

quick: $(STAMP)
	$(BIN)/python -m pytest -m "not network and not gpu" --touched $(SINCE) --seconds 35 -q

check: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/codespell src tests benchmarks docs examples *.md Makefile pyproject.toml

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(NEEDS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
