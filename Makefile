# What each target does stands behind it; `make` lists them.
.DEFAULT_GOAL := help
.PHONY: help setup run test check format lock web web-test test-cluster test-engines bench eval image clean

PYTHON := .venv/bin/python
# Four test processes: most tests wait for an engine. Those that share a heavy engine stay in one (tests/conftest.py).
PYTEST := $(PYTHON) -m pytest -n 4

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## make .venv with what requirements.lock names
	@sh deploy/setup.sh

run: setup  ## start REIGN and let it do a sample job; `reign down` stops it
	@.venv/bin/reign sample

test: check  ## everything that CI checks: style, types, walls, all tests with coverage
	.venv/bin/python -m compileall -q reign workers  # the tests start many processes
	$(PYTEST) --cov --cov-report=term

check: setup  ## style, types and the walls between the packages
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports

format: setup  ## format the code
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

lock:  ## write requirements.lock anew from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --group dev --universal --generate-hashes --no-emit-index-url --no-header -q \
		--upgrade -o requirements.lock

web:  ## build the web page into reign/api/static (needs node 20.19 or newer)
	cd web && npm ci && npm run build

web-test:  ## style, types and tests of the web page, and whether the built page is that of the sources
	cd web && npm ci && npm run check && npm test

test-cluster:  ## the Kubernetes control plane of the tests, built once a machine, outside the repo
	deploy/test-cluster/build

test-engines:  ## OpenTofu and a provider for the tests of the terraform agent, built once a machine, outside the repo
	deploy/test-engines/terraform/build

bench: setup  ## REIGN and its peers on the same DAGs, and the table of ratios
	$(PYTHON) -m benchmarks

eval: setup  ## how well the keyword planner understands
	$(PYTHON) -m benchmarks.planner_eval

image:  ## the container image of the production shape
	docker build -f deploy/Dockerfile -t reign:local .

clean:  ## remove what setup and the tests made
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage* htmlcov
