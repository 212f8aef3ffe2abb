# Everything a person needs is one word: make run, make test, make check.
# Needs Python 3.11, git and make; uv is used where it is installed.
SHELL := /bin/bash
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PORT ?= 8000

# uv does not read pip's configuration: it is told where wheels lie on this machine.
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)

.PHONY: help install run test fuzz check format range record lock clean
help: ## show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

install: $(STAMP) ## create .venv with everything in it
$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) is needed (set PYTHON=…)" >&2; exit 1; }
	@if command -v uv >/dev/null; then \
	  { [ -x $(BIN)/python ] || uv venv --quiet --python $(PYTHON) $(VENV); } && \
	  echo "installing with uv" && \
	  uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[dev]'; \
	else \
	  { [ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV); } && \
	  echo "installing with pip (a minute or two)" && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'; \
	fi
	@touch $@

run: $(STAMP) ## start the platform and show the address
	@exec $(BIN)/tocsin up --port $(PORT)

test: $(STAMP) ## run the whole suite
	$(BIN)/python -m pytest -q

fuzz: $(STAMP) ## 100,000 mutated lines for each parser (an hour; FUZZ=parser for one)
	TOCSIN_FUZZ_LINES=100000 $(BIN)/python -m pytest -q tests/acquisition/test_fuzz.py -k "$(FUZZ)"

kills: $(STAMP) ## kill processes of a running platform 50 times under load (ten minutes)
	TOCSIN_KILLS=50 $(BIN)/python -m pytest -q -s tests/story/test_kills.py

check: $(STAMP) ## format, lint, types, import contracts, migrations, templates, YAML
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	TOCSIN_HOME=$$(mktemp -d) $(BIN)/python -W ignore manage.py makemigrations --check --dry-run
	$(BIN)/djlint --quiet --check --lint apps/center/templates
	$(BIN)/yamllint --strict knowledge_base docker

format: $(STAMP) ## format and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	-$(BIN)/djlint --quiet --reformat apps/center/templates

range: $(STAMP) ## give the demonstration a real host (root, Linux); Ctrl-C takes it away
	$(BIN)/python -m tests.range.serve --register victim

record: $(STAMP) ## record the range anew into OUT (root, Linux)
	$(BIN)/python -m tests.range.record $(OUT)

lock: ## resolve constraints.txt anew (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --extra dev --no-header --no-annotate \
	  --no-emit-index-url pyproject.toml -o constraints.txt
	@# One line for every platform: pip and uv then take a local CPU wheel where there is one.
	sed -i -e '/^torch==.*+cpu/d' -e 's/^torch==\([0-9.]*\).*/torch==\1/' constraints.txt

clean: ## remove .venv and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
