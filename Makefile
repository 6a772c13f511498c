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
# What changes the code to see whether a test notices; the tests run in it, too.
MUTATORS := .venvs/mutants/installed
# What sends generated requests to the API.
GENERATORS := .venvs/contract/installed
# What others' libraries are measured in.
CONTENDERS := .venvs/pypdfloader/installed .venvs/markitdown/installed
ARCHITECTURE := $(if $(filter arm64 aarch64,$(shell uname -m)),arm64,x86_64)
BUILT := .aws-sam/local.built
WITH_MODULES := functions/authorize functions/chunk_text functions/extract_text
PYTEST = $(PYTHON) -m pytest $(if $(NIGHTLY),--hypothesis-profile=nightly)
# Tests that measure the time of the processor run with no other test beside them.
TOGETHER = -m "not alone$(if $(NIGHTLY),, and not nightly)"
ALONE = -m "alone$(if $(NIGHTLY),, and not nightly)"
ANY = $(if $(NIGHTLY),-m "")
# A file of tests stays in one process, since what it sets up is set up once for each process.
BESIDE := --numprocesses 2 --dist loadfile --no-loadscope-reorder
UNIT_TESTS := tests/unit tests/architecture tests/statemachines
# Measuring doubles their time, so only those of the code that is measured run with it.
MEASURED_TESTS := tests/unit/core tests/unit/cli
OFFLINE := --disable-socket --allow-unix-socket
PORT_OPTION = $(if $(PORT),--port "$(PORT)")

##@ Use it
.PHONY: help
help: ## what can be made here
	@awk -F ':.*## ' '/^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

.PHONY: install
install: $(ENVIRONMENTS) .venv/bin/onggi ## make the three environments from their locked lists
	@:

.PHONY: build
build: $(BUILT) ## build the functions and layers for this machine
	@:

# The port is tried before minutes go into what comes next, by a Python of this machine's own.
.PHONY: port
port:
	@python=$$(sh layers/packaging/find-python.sh) && "$$python" -m local check $(PORT_OPTION) >/dev/null

.PHONY: up
up: port ## start the local cloud in the background and deploy to it; PORT=<number> for another port than 4566
	@$(MAKE) install build
	@$(EMULATOR) -m local start $(PORT_OPTION)
	@$(PYTHON) -m local.deploy

.PHONY: down
down: ## stop the local cloud; what it holds is there again at the next `make up`
	@if [ -x $(EMULATOR) ]; then $(EMULATOR) -m local stop $(PORT_OPTION); fi

.PHONY: reset
reset: ## stop the local cloud and delete everything that it holds
	@python=$$(sh layers/packaging/find-python.sh) && "$$python" -m local reset

# A cloud of its own, on a port and with a state of its own, so that one made by `make up` is left alone.
.PHONY: demo
demo: ## show the whole of it: a cloud is started, used and stopped; PORT=<number>, else any free one
	@state=$$(mktemp -d "$${TMPDIR:-/tmp}/onggi-demo.XXXXXX"); port="$(PORT)"; \
	trap 'if [ -x $(EMULATOR) ]; then $(EMULATOR) -m local stop --state "$$state"; fi; rm -rf "$$state"' EXIT; \
	trap 'exit 130' INT; trap 'exit 143' TERM; \
	python=$$(sh layers/packaging/find-python.sh); \
	if [ -n "$$port" ]; then "$$python" -m local check --port "$$port" --state "$$state" >/dev/null; \
	else port=$$("$$python" -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])'); fi; \
	$(MAKE) install build; \
	$(EMULATOR) -m local start --port "$$port" --state "$$state"; \
	$(PYTHON) -m local.deploy --state "$$state"; \
	$(PYTHON) -m cli.demo --endpoint "http://127.0.0.1:$$port" --stack onggi --region $(LOCAL_REGION)

##@ Check it
.PHONY: check
check: ## lint and the unit tests, side by side: what to run before each commit
	@$(MAKE) --jobs 2 --output-sync=target unit lint

.PHONY: test
test: integration contract coverage other-units lint isolation rie sam-local ## everything that runs on each push

.PHONY: nightly
nightly: ## everything with many examples of each property, and what is marked `nightly`
	@$(MAKE) test NIGHTLY=1

.PHONY: lint
lint: style types template ## style, words, types, the template and the state machines

.PHONY: style
style: .venv/installed
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/codespell
	$(PYTHON) -m pytest tests/architecture/test_words.py --quiet

# Handlers with modules of their own import them from their own folder, so each of these is checked by itself.
.PHONY: types
types: .venv/installed
	.venv/bin/mypy layers/core/onggi layers/packaging .ci cli local benchmarks tests
	.venv/bin/mypy $(filter-out $(WITH_MODULES:%=%/app.py),$(wildcard functions/*/app.py))
	@for folder in $(WITH_MODULES); do echo "mypy $$folder"; .venv/bin/mypy "$$folder"; done

.PHONY: template
template: install $(CHECKERS)
	$(SAM) validate --lint --config-env local
	.venvs/sam/bin/cfn-lint functions/provision_tenant/tenant_stack.yaml
	$(CHECKOV) --config-file .checkov.yaml
	$(PYTHON) .ci/validate_state_machines.py statemachines/*.asl.yaml

.PHONY: unit
unit: .venv/installed .venvs/sam/installed ## fast tests, network blocked; cfn-lint's schemas come with sam
	$(PYTEST) $(UNIT_TESTS) $(OFFLINE) $(BESIDE) $(TOGETHER)
	$(PYTEST) tests/unit $(OFFLINE) $(ALONE)

.PHONY: coverage
coverage: .venv/installed ## the unit tests of the core and the command, and how much of both they run
	$(PYTEST) $(MEASURED_TESTS) $(OFFLINE) $(BESIDE) $(ANY) --cov --cov-report=term:skip-covered

.PHONY: other-units
other-units: .venv/installed .venvs/sam/installed
	$(PYTEST) $(UNIT_TESTS) $(MEASURED_TESTS:%=--ignore=%) $(OFFLINE) $(BESIDE) $(TOGETHER)
	$(PYTEST) tests/unit $(OFFLINE) $(ALONE)

.PHONY: integration
integration: install build ## the deployed stack on a local cloud
	$(PYTEST) tests/integration $(ANY)

.PHONY: contract
contract: install build $(GENERATORS) ## generated requests to the deployed API: each response is one of docs/openapi.json
	$(PYTEST) tests/contract $(ANY)

.PHONY: isolation
isolation: install build ## tenants attack one another: both isolation layers, each alone, and a matrix; JSON=<file> keeps it
	$(PYTEST) tests/isolation $(ANY) --quiet $(if $(JSON),--isolation-json "$(JSON)")

.PHONY: rie
rie: install build ## the built functions under Lambda's runtime interface emulator
	$(PYTEST) tests/rie $(ANY)

.PHONY: sam-local
sam-local: install build ## `sam local invoke`, where a container engine runs
	$(PYTEST) tests/sam_local $(ANY)

.PHONY: bench
bench: install build $(if $(CORPUS),$(CONTENDERS)) ## measure and write benchmarks/results/; PDFs in CORPUS=<folder>
	@for benchmark in artifacts latency embedding_workers onboarding extraction throttling; do CORPUS="$(CORPUS)" $(PYTHON) -m "benchmarks.$$benchmark"; done
	@PYTHONPATH=layers/core $(PYTHON) -m benchmarks.isolation_cost

.PHONY: long
long: install build ## put a document of PAGES=300 to a local cloud, follow it and ask meanwhile; minutes
	@PAGES="$(PAGES)" $(PYTHON) -m benchmarks.long_document

.PHONY: scale
scale: install build ## onboard TENANTS=1000 on a local cloud and check each; minutes; NOTE="..." is kept with the result
	@TENANTS="$(TENANTS)" NOTE="$(NOTE)" $(PYTHON) -m benchmarks.scale

.PHONY: burst
burst: install build ## drop 360 files at once while four processes burn CPU, and check that nothing fails; up to 50 minutes
	@NOTE="$(NOTE)" $(PYTHON) -m benchmarks.burst

.PHONY: corpus
corpus: .venv/installed ## read every file in CORPUS=<folder> and check its chunks; OPTIONS=--verbose
	@PYTHONPATH=layers/core:functions/extract_text:functions/chunk_text \
		$(PYTHON) -m benchmarks.corpus $(if $(CORPUS),"$(CORPUS)") $(OPTIONS)

.PHONY: mutants
mutants: $(MUTATORS) ## change domain and steps in 2,000 places and see each fail a test; an hour; ONLY="money retrieve", JOBS=1
	@.venvs/mutants/bin/python -m pytest tests/mutation --quiet
	@.venvs/mutants/bin/python -m tests.mutation $(ONLY) $(if $(JOBS),--jobs $(JOBS))

##@ Keep it
.PHONY: lock
lock: $(UV) ## resolve the locked lists again after a change to a .in file
	@sh requirements/lock.sh $(UV)

.PHONY: openapi
openapi: .venv/installed ## write the contract of the HTTP API again after a change to a route
	@PYTHONPATH=layers/core $(PYTHON) -m layers.packaging.openapi

.PHONY: clean
clean: down ## remove what was installed, built and remembered here
	rm -rf .venv .venvs .aws-sam .local .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage

.venvs/uv/bin/uv: requirements/uv.txt
	@echo "installing uv"
	@python=$$(sh layers/packaging/find-python.sh) && "$$python" -m venv --clear .venvs/uv
	@.venvs/uv/bin/python -m pip install --quiet --require-hashes --requirement $<
	@touch $@

.venv/installed: requirements/project.txt
.venvs/emulator/installed: requirements/emulator.txt
.venvs/sam/installed: requirements/sam.txt
.venvs/checkov/installed: requirements/checkov.txt
.venvs/mutants/installed: requirements/mutants.txt
.venvs/contract/installed: requirements/contract.txt
$(CONTENDERS): .venvs/%/installed: benchmarks/requirements/%.txt
$(ENVIRONMENTS) $(CHECKERS) $(MUTATORS) $(GENERATORS) $(CONTENDERS): | $(filter .venvs/%,$(UV))
	@echo "installing $(@D) from $<"
	@python=$$(sh layers/packaging/find-python.sh) && $(UV) venv --quiet --allow-existing --python "$$python" $(@D)
	@$(UV) pip sync --quiet --require-hashes --python $(@D)/bin/python $<
	@touch $@

.venv/bin/onggi: .venv/installed
	@# In single quotes the shell takes everything as it is, but a single quote itself.
	@folder=$$(pwd | sed "s/'/'\\\\''/g") && \
	printf "#!/bin/sh\nPYTHONPATH='%s' exec '%s/.venv/bin/python' -m cli \"\$$@\"\n" "$$folder" "$$folder" >$@
	@chmod +x $@

# build.toml is there so that a `sam build` for another architecture in between is seen.
SOURCES := template.yaml samconfig.toml $(wildcard .aws-sam/build.toml) \
	$(shell find functions layers statemachines \( -name __pycache__ -o -name '.*_cache' \) -prune -o -print 2>/dev/null)
$(BUILT): $(SOURCES) | .venvs/sam/installed
	@echo "building the functions and layers for $(ARCHITECTURE)"
	@mkdir -p $(@D)
	@.venvs/sam/bin/python layers/packaging/sam_build.py $(ARCHITECTURE) .aws-sam/build.log
	@touch $@
