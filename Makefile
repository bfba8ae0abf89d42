# `make chat` and `make test` are the two commands. Each sets up what it needs; make/setup.sh says how.

DOCS ?= docs
MODEL ?=
SET ?= quick
MINUTES ?= 60
KILLS ?= 500
REQUESTS ?= 2000
EVAL ?= eval
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
export DOCS MODEL EVAL TORCH_INDEX

PY := .venv/bin/python
UV_LOCK := $(PY) -m uv pip compile pyproject.toml --universal --generate-hashes --no-emit-package torch \
	--custom-compile-command "make lock" --quiet

.DEFAULT_GOAL := help
.PHONY: help chat setup setup-dev test check format bench soak evaluate wheel reference screenshots readme-screenshots lock clean

help:  ## Show what there is to make.
	@echo "Docent answers questions from your own documents, on this machine."
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-19s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  make chat DOCS=/path/to/documents    your documents"
	@echo "  make chat MODEL=none                 without the small language model that is fetched behind the page"
	@echo "  make chat MODEL=phi-3-mini           with another one; make chat MODEL=/path/to/model.gguf with your own"

chat:  ## Set everything up, index DOCS (default: docs/), serve the chat on http://127.0.0.1:8000, fetch a model.
	@make/chat.sh

setup:
	@make/setup.sh

setup-dev:
	@make/setup.sh dev

test: setup-dev  ## Set everything up and run every test; ARGS="-k name" chooses some.
	@$(PY) -m pytest $(ARGS)

check: setup-dev  ## Lint, formatting, types, then every test: what CI runs.
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	@$(MAKE) --no-print-directory test

format: setup-dev  ## Mend formatting and what the linter can mend itself.
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

bench: setup-dev  ## Run every benchmark; each prints a table and a line of JSON.
	@set -e; for script in $(wildcard benchmarks/[a-z]*.py); do echo "== $$script"; $(PY) "$$script"; done

soak: setup-dev  ## An hour of work and kills on a real server, and whether all is kept: MINUTES, KILLS, REQUESTS.
	@$(PY) -m benchmarks.soak --minutes $(MINUTES) --kills $(KILLS) --requests $(REQUESTS) $(ARGS)

evaluate: setup  ## Judge a model's answers: MODEL=..., SET=quick or full, sets of questions in EVAL.
	@$(PY) benchmarks/answers.py "$(EVAL)" --set "$(SET)" $(ARGS)

wheel: setup  ## Build a wheel into dist/, with templates, styles and the page's scripts inside.
	$(PY) -m pip wheel --quiet --no-deps --wheel-dir dist .

reference: setup-dev  ## Write settings and commands into the documentation, from the code.
	@$(PY) make/reference.py

screenshots: setup-dev  ## Take a picture of every state of the page, into docs/screenshots.
	@$(PY) make/screenshots.py

readme-screenshots: setup-dev  ## Take the README's pictures, with the language model that is installed.
	@$(PY) -m make.readme_screenshots

lock: setup-dev  ## Pin every package anew from pyproject.toml, with hashes.
	$(UV_LOCK) --upgrade --output-file requirements.lock
	$(UV_LOCK) --extra dev --constraint requirements.lock --output-file requirements-dev.lock

clean:  ## Remove what set-up and tests made. The data folder stays.
	rm -rf .make .venv node_modules static/vendor dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find indexer server tests benchmarks -name __pycache__ -prune -exec rm -rf {} +
