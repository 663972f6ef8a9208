# Everything a person does with this repository. `make help` lists it.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help up down status check test bench campaign generate lock clean install

PYTHON := .venv/services/bin/python
BIN := .venv/services/bin
SOURCES := services cli deploy tests
# tests/groups.py says what runs beside what. PYTEST_ARGS comes last and wins: '-n 0 PATH' runs PATH in one process.
WORKERS := -n 4 --dist loadscope --no-loadscope-reorder

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|' 2>/dev/null \
	  || sed -n 's/^\([a-z]*\):.*## /  make \1  /p' $(MAKEFILE_LIST)

install: ## Make the environments (up and test do it by themselves)
	@/usr/bin/python3 deploy/local/install.py $(INSTALL_ARGS)

# `up` alone starts a stack, and refuses another user's before anything is installed.
up: INSTALL_ARGS := --up
up: install ## Install, start everything, publish the models, run the sample
	@$(PYTHON) -m cli.main up

down: ## Stop everything; var/ stays
	@test -x $(PYTHON) || { echo "nothing was installed, so nothing runs"; exit 0; }; $(PYTHON) -m cli.main down

status: ## Show programs, health, isolation and memory
	@test -x $(PYTHON) || { echo "nothing is installed: make up"; exit 1; }; $(PYTHON) -m cli.main status

check: install ## Lint, types, import rules, protobuf rules, drift of stubs, generated pages and configuration
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(PYTHON) -m deploy.local.check

# Each worker collects all tests: it takes three times as long where pytest may not keep what it compiled.
test: install ## Run the tests (unit, contract, integration, end to end, fault, security)
	@PATH="$(CURDIR)/$(BIN):$$PATH" env -u PYTHONDONTWRITEBYTECODE $(PYTHON) -m deploy.local.view --run $(PYTHON) -m pytest $(WORKERS) $(PYTEST_ARGS)

bench: install ## Measure every hop (direct to Triton, runtime, edge), what deciding costs, the key service, and recording
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(PYTHON) -m deploy.local.view --run $(PYTHON) -m tests.load.bench $(BENCH_ARGS)

campaign: install ## Run a randomised campaign (NAME=… SEED=… MINUTES=…), or list them
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(PYTHON) -m deploy.local.view --run $(PYTHON) -m tests.campaigns $(NAME) \
	  $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(CASE),--case $(CASE)) $(ARGS)

generate: install ## Write the Python stubs and docs/api from protos/, docs/policy-reference.md from its tables
	@$(PYTHON) deploy/generate.py
	@$(PYTHON) -m deploy.api_reference
	@$(PYTHON) -m deploy.policy_reference

lock: install ## Resolve deploy/lock/*.lock from pyproject.toml again
	@/usr/bin/python3 deploy/local/lock.py

clean: ## Stop everything and remove var/, after asking
	@test -x $(PYTHON) || { echo "nothing was installed"; exit 0; }; $(PYTHON) -m cli.main clean
