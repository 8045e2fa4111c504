# Every command of the house. `make` alone lists them.

SHELL := /bin/sh
VENV := .venv/bin
CODE = $(wildcard contracts services benchmarks examples tests tools)
ARGS ?=

# The first interpreter that really runs (a name may be a shim without one behind it), is recent enough,
# and can make a virtual environment. PYTHON=... overrules it.
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3; do \
	"$$python" -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo "$$python" && break; done)

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-distributed check test bench fuzz kafka chaos picture format lock hooks clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/ready ## make .venv from requirements.lock (done for you by every other command)
	@:

.venv/ready: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer with venv was found. On Debian: apt-get install python3 python3-venv. Elsewhere: make $(or $(MAKECMDGOALS),setup) PYTHON=/path/to/python"; exit 1; }
	@"$(PYTHON)" tools/setup.py
	@touch $@

demo: setup ## start Resonance with a simulated network, and say where to look
	@$(VENV)/resonance demo $(ARGS)

demo-distributed: setup ## the same as many processes, with a real PostgreSQL and a real Kafka
	@PYTHONPATH=. $(VENV)/python -m tools.distributed $(ARGS)

check: setup ## style, types, import rules, generated files: all that needs no running
	@echo "ruff: style";        $(VENV)/ruff check --quiet $(CODE)
	@echo "ruff: format";       $(VENV)/ruff format --quiet --check $(CODE) || { echo "make format puts it right"; exit 1; }
	@echo "mypy: types";        $(VENV)/mypy $(CODE)
	@echo "import rules";       PYTHONPATH=. $(VENV)/lint-imports --no-logo
	@echo "generated files";    $(VENV)/python -m contracts.generate --check && $(VENV)/python -m tools.asyncapi --check && $(VENV)/python -m tools.openapi --check && $(VENV)/python -m tools.capability --check && $(VENV)/python -m contracts.fhir.publish --check

test: setup ## check, then every test; make test ARGS='tests/eventlog -k conflict' narrows it
	@$(VENV)/python tools/system.py
	@$(MAKE) --no-print-directory check
	@$(VENV)/pytest -n auto --maxprocesses 4 $(ARGS)

bench: setup ## measure, and print beside the baseline of the same run
	@$(VENV)/python -m benchmarks $(ARGS)

fuzz: setup ## bodies that are nearly right, to all that reads them, for ten minutes; ARGS='--minutes 60 --seed 1'
	@PYTHONPATH=. $(VENV)/python -m tests.fuzz $(ARGS)

kafka: setup ## start a real Kafka on this machine, with fresh data; ARGS='--nodes 3 --port 19092'
	@$(VENV)/python tools/broker.py $(ARGS)

chaos: setup ## break an installation of many processes, and count what is lost; ARGS='--faults 40 --seed 1'
	@PYTHONPATH=. $(VENV)/python -m tools.chaos $(ARGS)

picture: setup ## take the picture of a case page that the README shows
	@$(VENV)/python tools/picture.py

format: setup ## put style and format right where that can be done by itself
	@$(VENV)/ruff check --quiet --fix $(CODE); $(VENV)/ruff format $(CODE)

lock: setup ## choose the newest allowed versions of all dependencies anew
	@$(VENV)/python tools/lock.py

hooks: ## run `make check` before every commit
	@printf '#!/bin/sh\nexec make check\n' > "$$(git rev-parse --git-path hooks)/pre-commit"
	@chmod +x "$$(git rev-parse --git-path hooks)/pre-commit"
	@echo "make check now runs before every commit."

clean: ## remove .venv and all caches
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .schemathesis
	@find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +
