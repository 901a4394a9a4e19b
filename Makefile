# Two commands do everything on a fresh clone: `make demo` and `make test`.
.DEFAULT_GOAL := help
PY := .venv/bin/python
KEEP ?=
# byte code that is kept saves a third of every start, and the tests start a lot
unexport PYTHONDONTWRITEBYTECODE
QUICK ?=
ALL ?=
ROWS ?=
# workers begin with halves, so that a file and what it caches stay on one of them
UNIT = $(PY) -m pytest -n auto --dist worksteal
# each worker has a control plane of its own, and a file's tests share one operator
PLANES ?= 2
# tests/cluster/conftest.py has the order: the longest files first, whatever their number of tests
CLUSTER = $(PY) -m pytest -n $(PLANES) --dist loadfile --no-loadscope-reorder tests/cluster

.PHONY: help setup demo test test-unit test-cluster test-kind conformance check crash bench bench-evidence fmt lock clean

help: ## what there is to do
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: ## make .venv from the lock file (the others do it by themselves)
	@hack/setup

demo: setup ## fly a real AI feature 10→50→100 %, and go around on a bad release (KEEP=1 leaves it running)
	@$(PY) -m hack.demo $(if $(KEEP),--keep)

test: setup ## all tests: unit, crash points, real control plane
	@$(UNIT) tests/unit tests/crash
	@$(CLUSTER)

test-unit: setup ## the tests that need no control plane
	@$(UNIT) tests/unit

test-cluster: setup ## the tests on a real API server and Prometheus
	@$(CLUSTER)

test-kind: setup ## the cluster tests on kind; skipped, with a reason, where there is no container engine
	@hack/test-kind

conformance: setup ## prove the goal table, row by row (ROWS="A1 A2": these only); build/conformance.json
	@$(PY) -m hack.conformance --rows "$(ROWS)"

check: setup ## style, types, generated files
	@hack/check

crash: setup ## enumerate crash points; prints points=N violations=0 (ALL=1: variants of scenarios, too)
	@$(PY) -m tests.crash $(if $(ALL),--all)

bench: setup ## measure; prints tables and JSON
	@$(PY) -m hack.bench

bench-evidence: setup ## false rollbacks and delays of the evidence engine, simulated (QUICK=1: fewer rollouts)
	@nice $(PY) -m hack.bench.evidence $(if $(filter-out 0,$(QUICK)),--quick)

fmt: setup ## format, and mend what can be mended
	@.venv/bin/ruff check --fix
	@.venv/bin/ruff format

lock: setup ## renew requirements.lock
	@hack/lock

clean: ## remove what was built here
	@rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
