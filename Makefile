# Everything a newcomer types. It needs Python 3.11 or newer and make; the rest is installed
# into .venv from the locked requirements.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PACKAGES := promo_site partnerapi promotions tests

# Lint, types and migrations are looked at side by side.
MAKEFLAGS += --jobs=3

# Dozens of processes load the same modules, which are compiled once, whatever the shell has set.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help .venv install demo test check lint format types migrations coverage bench pictures hooks lock

help:  ## show this list
	@grep -hE '^[a-z.]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | \
		awk -F '\t' '{ printf "  make %-9s %s\n", $$1, $$2 }'

.venv: $(STAMP)  ## make the environment from the locked requirements

# The stamp is a copy of what was installed: a checkout whose files are newer, and the same, installs nothing.
$(STAMP): requirements.txt requirements-dev.txt
	@if cmp -s requirements-dev.txt $@; then touch $@; else $(MAKE) --no-print-directory install; fi

install:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 …" >&2; exit 1; }
	@echo "Installing the locked requirements into $(VENV), which takes a minute or two…"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--require-hashes --requirement requirements-dev.txt
	@cp requirements-dev.txt $(STAMP)

# exec, so that a signal that make passes on reaches the demo itself and not a shell.
demo: $(STAMP)  ## a whole stack with one promotion carried out; ONCE=1 ends by itself
	@exec env DEMO=true $(BIN)/python manage.py demo $(if $(filter-out 0,$(ONCE)),--once)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/djlint --quiet --check --lint templates

format: $(STAMP)  ## bring Python and templates into their form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djlint --quiet --reformat templates

# These two read the settings, which ask for no secrets while DEBUG is on.
types: $(STAMP)
	DEBUG=true $(BIN)/mypy $(PACKAGES)

migrations: $(STAMP)
	DEBUG=true $(BIN)/python manage.py makemigrations --check --dry-run
	DEBUG=true $(BIN)/python manage.py check

# Each process has a stack of its own: Redis, simulator, worker, database.
PARALLEL := --numprocesses auto

check: lint types migrations  ## the quick part: lint, types, migrations, unit tests
	$(BIN)/pytest -q $(PARALLEL) -m "not integration and not browser"

# One pass after the other: more stacks than the cores can carry wait for each other until they
# run into their limits. Within a pass, tests that wait leave the cores to those that reckon.
test: lint types migrations  ## everything: SQLite and the guide dialect, PostgreSQL and the published one
	$(BIN)/pytest $(PARALLEL)
	$(BIN)/pytest $(PARALLEL) --database=postgresql --dialect=published -m "database and not browser"

coverage: $(STAMP)  ## what the unit tests cover, and whether it is enough
	@mkdir -p var/coverage
	$(BIN)/coverage erase
	@# Times mean nothing while every line is counted.
	$(BIN)/coverage run -m pytest -q $(PARALLEL) --ignore tests/benchmarks -m "not integration and not browser"
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

bench: $(STAMP)  ## promotions against the floor and against work by hand; QUICK=1 is a small one
	$(BIN)/python -m tests.benchmarks $(if $(filter-out 0,$(QUICK)),--quick)

pictures: $(STAMP)  ## take the pictures of the README again
	PICTURES=docs/pictures $(BIN)/pytest tests/browser/test_promotion.py tests/browser/test_reading.py

hooks: $(STAMP)  ## check every commit before it is made
	$(BIN)/pre-commit install

lock: $(STAMP)  ## lock the requirements again, newest versions that fit
	$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --universal \
		--python-version 3.11 --custom-compile-command "make lock" \
		requirements.in --output-file requirements.txt
	$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --universal \
		--python-version 3.11 --custom-compile-command "make lock" \
		requirements-dev.in --output-file requirements-dev.txt
