# Every target sets up what it needs first; a second run sets nothing up again.
PYTHON ?= python3
BIN := .venv/bin
CDK := node_modules/.bin/cdk
export PATH := $(CURDIR)/$(BIN):$(PATH)
export CDK_DISABLE_CLI_TELEMETRY := true

.DEFAULT_GOAL := help

.PHONY: help
help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

.PHONY: local
local: setup .venv/spark-classes.jsa ## the main job: deploy on a local cloud, stream sample orders, query them
	$(BIN)/python -m practice local

.PHONY: local-down
local-down: setup ## stop the local cloud
	$(BIN)/python -m practice down

.PHONY: test
test: setup lint types .venv/spark-classes.jsa .venv-image/.complete ## everything that is checked, offline; CI runs exactly this
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

.PHONY: check
check: setup lint types ## the fast loop: lint, types, unit tests
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder -m "not slow"

.PHONY: lint
lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/zizmor --quiet --offline --strict-collection --persona auditor .

.PHONY: types
types: setup
	$(BIN)/mypy

.PHONY: cost
cost: deploy-setup ## what the sandbox of cdk.json costs, idle and by use
	$(BIN)/python -m practice cost

.PHONY: synth bootstrap diff deploy destroy
synth: deploy-setup ## synthesize the templates and check them against the rule packs
	$(CDK) synth --quiet
bootstrap: deploy-setup ## prepare the account and region of the environment for the CDK, once
	$(CDK) bootstrap
diff: deploy-setup ## compare with what is deployed in the account of the environment
	$(CDK) diff
deploy: deploy-setup ## deploy into the account of the environment
	$(CDK) deploy --all
destroy: deploy-setup ## destroy everything that `make deploy` created, and look for what is left, even if a stack stays
	$(CDK) destroy --all; status=$$?; $(BIN)/python -m practice sweep --aws && exit $$status

.PHONY: docs
docs: setup ## write the generated pages of docs/
	$(BIN)/python -m docs.compliance
	$(BIN)/python -m docs.guide_map
	$(BIN)/python -m docs.cost_chart

.PHONY: bench
bench: setup ## measure what has a speed, each as a ratio
	$(BIN)/python -m benchmarks.firehose_transform
	$(BIN)/python -m benchmarks.checkpointing
	$(BIN)/python -m benchmarks.request_check
	$(BIN)/python -m benchmarks.refinery

.PHONY: generate
generate: setup ## write the code that derives from contracts/
	$(BIN)/python -m contracts.compile
	$(BIN)/python -m contracts.released
	$(BIN)/python -m jobs.quality.compile

.PHONY: snapshots
snapshots: setup ## accept the templates as they are now, for review
	$(BIN)/python -m pytest tests/test_snapshots.py --snapshot-update

COMPILE = UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes

.PHONY: lock
lock: setup ## pin every dependency of requirements*.in and package.json, by version and hash
	$(COMPILE) requirements-build.in --output-file requirements-build.txt
	$(COMPILE) requirements-dev.in --output-file requirements-dev.txt
	$(COMPILE) requirements-image.in --output-file requirements-image.txt
	$(COMPILE) requirements-deploy.in --constraints requirements-dev.txt --output-file requirements-deploy.txt
	$(COMPILE) requirements.in --constraints requirements-dev.txt --output-file requirements.txt
	$(BIN)/npm install --package-lock-only

.PHONY: clean
clean: ## remove what the targets above have set up and written
	rm -rf .venv .venv-image node_modules cdk.out .mypy_cache .pytest_cache .ruff_cache .hypothesis

# every local Spark starts some seconds earlier with it
.venv/spark-classes.jsa: .venv/.complete
	$(BIN)/python -m practice.local_cloud.spark.classes

# the libraries of SageMaker's container, for the one test that runs jobs/training with them; its Python is 3.12, and its
# libraries run on 3.11 too
.venv-image/.complete: requirements-image.txt .venv/.complete
	@echo "Installing the libraries of SageMaker's container into .venv-image: 0.6 GB, which takes a minute."
	@$(BIN)/uv venv --quiet --clear --no-python-downloads --python '>=3.11,<3.13' .venv-image \
	&& $(BIN)/uv pip install --quiet --require-hashes --only-binary :all: --python .venv-image/bin/python --requirement requirements-image.txt && touch $@ \
	|| echo "no environment of the container's libraries: its test is skipped"

.PHONY: setup deploy-setup
setup: .venv/.complete node_modules/.complete
deploy-setup: .venv/.deploy node_modules/.complete

# Nothing is installed whose hash is not in a lock. PySpark comes as source alone, and is built with locked tools.
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all:

.venv/.deploy: requirements-deploy.txt
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else f"$(PYTHON) is Python {sys.version.split()[0]}; Python 3.11 or later is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv --clear .venv
	@echo 'Installing Node.js, the CDK and the command line into .venv: 0.6 GB on disk, which takes a minute or more.'
	$(INSTALL) --requirement requirements-deploy.txt
	@touch $@

.venv/.complete: .venv/.deploy requirements-build.txt requirements-dev.txt
	@echo 'Installing the local cloud, Spark, Java, XGBoost and the checks into .venv: 1.4 GB more, which takes minutes.'
	$(INSTALL) --requirement requirements-build.txt
	$(INSTALL) --no-binary pyspark --no-build-isolation --requirement requirements-dev.txt
	@touch $@

node_modules/.complete: package-lock.json .venv/.deploy
	@echo 'Installing the CDK CLI into node_modules.'
	$(BIN)/npm ci --silent
	@touch $@
