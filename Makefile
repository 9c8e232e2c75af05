# Everything runs in .venv, made from requirements.lock with Python's own venv and pip: nothing to install by hand.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help reproduce gpu gpu-record paper test lint format lock lock-check clean

python := .venv/bin/python
environment := .venv/.installed

help: ## list these targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 20

reproduce: $(environment) ## train, judge and draw the first study (about 7 minutes on 2 quiet CPU cores, 18 on busy ones)
	@$(python) -m experiments.reproduce markov/threshold/cpu

# On a machine with a GPU and a Python of its own: make gpu python=python3.
seconds := 600
out := gpu
gpu: $(if $(filter .venv/%,$(python)),$(environment)) ## check, measure and train on a GPU, within 600 s (seconds=, out=, python=)
	@$(python) -m benchmarks.gpu out=$(out) seconds=$(seconds)

FROM := gpu
gpu-record: $(environment) ## turn what `make gpu` left in FROM=FOLDER into records and tables
	@$(python) -m benchmarks.gpu.record $(FROM)

paper: $(environment) ## make the write-up (PDF) and the report (HTML) from the records, in paper/build/
	@$(python) -m paper

# Most programs of a quick test run for a moment: optimising them takes longer than it saves.
test: $(environment) ## run the tests but for the slow ones (at most 6 minutes on 2 quiet cores)
	@XLA_FLAGS=--xla_backend_optimization_level=0 $(python) -m pytest -m "not slow" -n 2 --dist worksteal

lint: $(environment) ## check format, lint and types
	@$(python) -m ruff format --check --quiet .
	@$(python) -m ruff check --quiet .
	@$(python) -m basedpyright

format: $(environment) ## format the code and mend what lint can mend
	@$(python) -m ruff format .
	@$(python) -m ruff check --fix .

# Pins that are in the lock stay unless pyproject.toml forbids them; `make lock UPGRADE=--upgrade` takes the newest.
resolve = $(python) -m uv pip compile --quiet --universal --python $(python) --python-version 3.11 --extra dev --extra launchers \
	--extra wandb --extra tensorboard --generate-hashes --no-emit-index-url --custom-compile-command 'make lock' pyproject.toml --output-file

lock: $(environment) ## bring requirements.lock up to date with pyproject.toml
	@$(resolve) requirements.lock $(UPGRADE)

lock-check: $(environment) ## fail if requirements.lock is not what `make lock` would leave
	@cp requirements.lock .venv/lock.txt && $(resolve) .venv/lock.txt >/dev/null
	@cmp -s requirements.lock .venv/lock.txt || { diff requirements.lock .venv/lock.txt | grep '^[<>] [a-z]'; \
		echo 'requirements.lock is not current: run `make lock`'; exit 1; }

clean: ## remove the environment and the tools' caches; runs and results stay
	@rm -rf .venv .pytest_cache .ruff_cache .hypothesis build dist *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(environment): requirements.lock pyproject.toml
	@.venv/bin/python -m pip --version >/dev/null 2>&1 || { \
		for p in python3 python3.13 python3.12 python3.11; do \
			$$p -c 'import sys, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && break; p=; \
		done; \
		[ -n "$$p" ] || { echo 'needs Python 3.11, 3.12 or 3.13 with its venv module (Debian: apt install python3-venv)'; exit 1; }; \
		$$p -m venv .venv; }
	@echo "Installing requirements.lock into .venv (once; one to three minutes, most of it download) ..."
	@unset PIP_TARGET PIP_PREFIX PIP_ROOT; export PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_USE_PEP517=1 && \
		$(python) -m pip install --quiet --require-hashes -r requirements.lock && \
		$(python) -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
