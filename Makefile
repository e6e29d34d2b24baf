# The same commands on a desk and in CI. Needs python3 of 3.11 or later, and nothing installed before.
PYTHON ?= python3
BIN := .venv/bin
TESTS_AT_ONCE ?= 2
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: predict test lint bench docs wheel clean

predict: .venv/.base
	$(BIN)/affekt predict src/affekt/assets/examples

# One thread: the tests' networks are tiny, and on many cores threads would only wait for each other.
test: .venv/.test .venv/mlflow-server/.installed
	@$(BIN)/python -c "from tests.fixtures.browser import INSTALL, executable; executable() or \
	print('no Chromium: the tests of pages are skipped, or fail where CI is set; get it with:', INSTALL)"
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(TESTS_AT_ONCE) $(ARGS)

lint: .venv/.lint
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: .venv/.bench
	$(BIN)/python benchmarks/$(NAME).py $(ARGS)

docs: .venv/.base
	$(BIN)/python benchmarks/results_page.py

wheel: .venv/.base
	rm -rf dist
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

clean:
	rm -rf .venv dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis

.venv/bin/pip:
	$(PYTHON) -m venv .venv

.venv/.base: .venv/bin/pip pyproject.toml constraints.txt
	$(INSTALL) --editable .
	touch $@

.venv/.test .venv/.lint .venv/.bench: .venv/.%: .venv/bin/pip pyproject.toml constraints.txt
	$(INSTALL) --editable ".[$(EXTRAS_$*)]"
	touch $@ .venv/.base

# A server for the tests of tracking to send to: it needs other versions than Affekt, so it lives by itself.
.venv/mlflow-server/.installed: tests/tracking/mlflow-server.txt | .venv/bin/pip
	$(PYTHON) -m venv .venv/mlflow-server
	.venv/mlflow-server/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement $<
	touch $@

EXTRAS_test := test
EXTRAS_lint := test,lint
EXTRAS_bench := bench
