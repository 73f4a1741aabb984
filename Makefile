# Every target needs Python 3.11 or newer and nothing else, and makes its own environment: demo the package alone in .venv,
# test, unit and lint the developers' tools there too, docs only what builds pages, in .venv-docs.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
DOCS = $(VENV)-docs
PACKAGE = $(VENV)/.package
STAMP = $(VENV)/.installed
# one process per core, each with whole files, so that what a file renders is rendered once
PYTEST = OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(BIN)/python -m pytest -n auto --dist loadfile
# tests of whole commands, scripts and hostile files; the others are those of single modules
SLOW = attacks cli fuzz scripts test_readme.py

.PHONY: demo test unit environment lint docs bom clean

demo: $(PACKAGE)
	$(BIN)/segrec demo

test: $(STAMP)
	$(PYTEST)

unit: $(STAMP)
	$(PYTEST) $(addprefix --ignore=tests/,$(SLOW))

environment: $(STAMP)

bom: $(STAMP)
	$(BIN)/python scripts/bill_of_materials.py build/bom.json

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: $(DOCS)/.installed
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --strict

$(PACKAGE): pyproject.toml
	$(NEW_ENOUGH)
	$(PYTHON) -m venv $(VENV)
	@echo "installing segrec and what it needs into $(VENV): torch is large, this takes some minutes"
	$(BIN)/python -m pip install --editable .
	$(HEADLESS)
	touch $(PACKAGE)

$(STAMP): pyproject.toml
	$(NEW_ENOUGH)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	$(HEADLESS)
	touch $(PACKAGE) $(STAMP)

$(DOCS)/.installed: pyproject.toml
	$(NEW_ENOUGH)
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["docs"], sep="\n")' > $(DOCS)/requirements.txt
	$(DOCS)/bin/python -m pip install --quiet --requirement $(DOCS)/requirements.txt
	touch $@

define NEW_ENOUGH
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "segrec needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3.11"; exit 1; }
endef

define HEADLESS
@$(BIN)/python -c 'import cv2' 2>/dev/null || { echo "this machine lacks libGL: using opencv-python-headless in $(VENV)"; \
	$(BIN)/python -m pip uninstall --quiet --yes opencv-python && $(BIN)/python -m pip install --quiet opencv-python-headless; }
endef

clean:
	rm -rf $(VENV) $(DOCS) build .pytest_cache .mypy_cache .ruff_cache
