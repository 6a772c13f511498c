# Everything is installed into this folder (.venv, .venvs/) and nothing anywhere else.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory --no-builtin-rules
.DELETE_ON_ERROR:

export SAM_CLI_TELEMETRY := 0
# Names of files are Korean, too, whatever the locale of the machine.
export PYTHONUTF8 := 1
# The local cloud's region; sam wants one even where none is used.
LOCAL_REGION := ap-northeast-2
export AWS_REGION ?= $(LOCAL_REGION)

PYTHON := .venv/bin/python
EMULATOR := .venvs/emulator/bin/python
SAM := .venvs/sam/bin/sam
CHECKOV := .venvs/checkov/bin/checkov
UV := $(if $(shell uv --version 2>/dev/null),uv,.venvs/uv/bin/uv)
ENVIRONMENTS := .venv/installed .venvs/emulator/installed .venvs/sam/installed
CHECKERS := .venvs/checkov/installed
# What others' libraries are measured in.
CONTENDERS := .venvs/pypdfloader/installed .venvs/markitdown/installed
ARCHITECTURE := $(if $(filter arm64 aarch64,$(shell uname -m)),arm64,x86_64)
BUILT := .aws-sam/local.built

##@ Use it
.PHONY: help
help: ## what can be made here
	@awk -F ':.*## ' '/^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

.PHONY: install
install: $(ENVIRONMENTS) .venv/bin/onggi ## make the three environments from their locked lists

.PHONY: build
build: $(BUILT) ## build the functions and layers for this machine

.PHONY: up
up: install build ## start the local cloud in the background, deploy to it, say what it offers
	@$(EMULATOR) -m local start
	@$(PYTHON) -m local.deploy

.PHONY: down
down: ## stop the local cloud; what it holds is there again at the next `make up`
	@if [ -x $(EMULATOR) ]; then $(EMULATOR) -m local stop; fi

# A cloud of its own, on a port and with a state of its own, so that one made by `make up` is left alone.
.PHONY: demo
demo: install build ## show the whole of it: a cloud is started, used and stopped
	@state=$$(mktemp -d "$${TMPDIR:-/tmp}/onggi-demo.XXXXXX"); \
	port=$$($(PYTHON) -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])'); \
	trap '$(EMULATOR) -m local stop --port $$port --state "$$state"; rm -rf "$$state"' EXIT; \
	trap 'exit 130' INT; trap 'exit 143' TERM; \
	$(EMULATOR) -m local start --port $$port --state "$$state"; \
	$(PYTHON) -m local.deploy --state "$$state"; \
	$(PYTHON) -m cli.demo --endpoint "http://127.0.0.1:$$port" --stack onggi --region $(LOCAL_REGION)

##@ Check it
.PHONY: test
test: lint unit integration isolation rie sam-local ## everything that CI runs

.PHONY: lint
lint: install $(CHECKERS) ## style, types, the template and the state machines
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy layers/core/onggi layers/packaging .ci cli local benchmarks tests
	@# Each handler is a module called `app`, so each is checked by itself.
	@for app in functions/*/app.py; do echo "mypy $$app"; .venv/bin/mypy "$${app%/app.py}"; done
	$(SAM) validate --lint --config-env local
	.venvs/sam/bin/cfn-lint functions/provision_tenant/tenant_stack.yaml
	$(CHECKOV) --config-file .checkov.yaml
	$(PYTHON) .ci/validate_state_machines.py statemachines/*.asl.yaml

.PHONY: unit
unit: .venv/installed ## fast tests, network blocked
	$(PYTHON) -m pytest tests/unit tests/architecture tests/statemachines --disable-socket --allow-unix-socket

.PHONY: integration
integration: install build ## the deployed stack on a local cloud
	$(PYTHON) -m pytest tests/integration

.PHONY: isolation
isolation: install build ## tenants attack one another: both walls, each alone, and a matrix; JSON=<file> keeps it
	$(PYTHON) -m pytest tests/isolation --quiet $(if $(JSON),--isolation-json "$(JSON)")

.PHONY: rie
rie: install build ## the built functions under Lambda's runtime interface emulator
	$(PYTHON) -m pytest tests/rie

.PHONY: sam-local
sam-local: install build ## `sam local invoke`, where a container engine runs
	$(PYTHON) -m pytest tests/sam_local

.PHONY: bench
bench: install build $(if $(CORPUS),$(CONTENDERS)) ## measure and write benchmarks/results/; PDFs in CORPUS=<folder>
	@for benchmark in artifacts latency onboarding extraction; do CORPUS="$(CORPUS)" $(PYTHON) -m "benchmarks.$$benchmark"; done
	@PYTHONPATH=layers/core $(PYTHON) -m benchmarks.walls

.PHONY: scale
scale: install build ## onboard TENANTS=1000 on a local cloud and check each; minutes; NOTE="..." is kept with the result
	@TENANTS="$(TENANTS)" NOTE="$(NOTE)" $(PYTHON) -m benchmarks.scale

.PHONY: corpus
corpus: .venv/installed ## read every file in CORPUS=<folder> and check its chunks; OPTIONS=--verbose
	@PYTHONPATH=layers/core:functions/extract_text:functions/chunk_text \
		$(PYTHON) -m benchmarks.corpus $(if $(CORPUS),"$(CORPUS)") $(OPTIONS)

##@ Keep it
.PHONY: lock
lock: $(UV) ## resolve the locked lists anew after a change to a .in file
	@sh requirements/lock.sh $(UV)

.PHONY: clean
clean: down ## remove what was installed, built and remembered here
	rm -rf .venv .venvs .aws-sam .local .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venvs/uv/bin/uv: requirements/uv.txt
	@echo "installing uv"
	@python=$$(sh layers/packaging/find-python.sh) && "$$python" -m venv --clear .venvs/uv
	@.venvs/uv/bin/python -m pip install --quiet --require-hashes --requirement $<
	@touch $@

.venv/installed: requirements/project.txt
.venvs/emulator/installed: requirements/emulator.txt
.venvs/sam/installed: requirements/sam.txt
.venvs/checkov/installed: requirements/checkov.txt
$(CONTENDERS): .venvs/%/installed: benchmarks/requirements/%.txt
$(ENVIRONMENTS) $(CHECKERS) $(CONTENDERS): | $(filter .venvs/%,$(UV))
	@echo "installing $(@D) from $<"
	@python=$$(sh layers/packaging/find-python.sh) && $(UV) venv --quiet --allow-existing --python "$$python" $(@D)
	@$(UV) pip sync --quiet --require-hashes --python $(@D)/bin/python $<
	@touch $@

.venv/bin/onggi: .venv/installed
	@printf '#!/bin/sh\nPYTHONPATH="%s" exec "%s/.venv/bin/python" -m cli "$$@"\n' '$(CURDIR)' '$(CURDIR)' >$@
	@chmod +x $@

# build.toml is there so that a `sam build` for another architecture in between is seen.
SOURCES := template.yaml samconfig.toml $(wildcard .aws-sam/build.toml) \
	$(shell find functions layers statemachines \( -name __pycache__ -o -name '.*_cache' \) -prune -o -print 2>/dev/null)
$(BUILT): $(SOURCES) | .venvs/sam/installed
	@echo "building the functions and layers for $(ARCHITECTURE)"
	@mkdir -p $(@D)
	@# MAKEFLAGS would reach the make that sam calls.
	@env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL $(SAM) build --config-env local \
		--parameter-overrides Architecture=$(ARCHITECTURE) >.aws-sam/build.log 2>&1 || { cat .aws-sam/build.log; exit 1; }
	@touch $@
