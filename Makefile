# Every command of the project. All of them work from a fresh clone: what is missing is made first.
#
#   PYTHON=python3.12   chooses the interpreter (else: the best of 3.13, 3.12, 3.11 on PATH)
#   ARGS="..."          goes on to the command, as in: make run ARGS="--port 9000"
#
# Paths are relative and never listed as prerequisites, so a checkout may stand anywhere, in a
# folder with spaces too. Whether the environment is up to date is decided by scripts/bootstrap,
# from checksums: that takes a few hundredths of a second.

SHELL = /bin/sh
PYTHON ?=
ARGS ?=

# Tests start more than a thousand Pythons; without compiled files (this variable, where somebody
# has set it) a server costs 1.5 s of a processor instead of 0.6 s until it answers.
export PYTHONDONTWRITEBYTECODE =

python = .venv/bin/python
pytest = $(python) -m pytest
# Several at once (tests/conftest.py says how many); the tests of a file stay together.
parallel = -n auto --dist loadfile
# Properties are tried with the same examples everywhere, so that a change that is green here is
# green on another machine. `make long`, or pytest by hand, draws new ones each time.
repeatable = --hypothesis-profile ci

.DEFAULT_GOAL := help

.PHONY: help
help:  ## show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

.PHONY: run
run: run-environment  ## make the environment, then serve the example tasks on 127.0.0.1:8080
	@exec .venv/bin/offload serve $(ARGS)

.PHONY: demo
demo: run-environment  ## kill a worker in the midst of its work, and see what that costs
	@exec .venv/bin/offload demo crash $(ARGS)

.PHONY: test
test: test-environment browser  ## run every test except the long ones
	$(pytest) -m "not long" $(parallel) $(repeatable) $(ARGS)

.PHONY: quick
quick: test-environment browser  ## run the tests that take less than 90 seconds together
	$(pytest) -m "not long and not slow" $(parallel) $(repeatable) $(ARGS)

.PHONY: long
long: test-environment browser  ## run the tests with large counts, by hand and for a release
	$(pytest) -m long --timeout=0 $(ARGS)

.PHONY: lint
lint: test-environment  ## check style and formatting (ruff)
	$(python) -m ruff check .
	$(python) -m ruff format --check .

.PHONY: format
format: test-environment  ## mend what ruff can mend by itself
	$(python) -m ruff check --fix .
	$(python) -m ruff format .

.PHONY: types
types: test-environment  ## check types (mypy, strict; the dashboard's with TypeScript)
	$(python) -m mypy
	scripts/typescript

.PHONY: rooms
rooms: test-environment  ## check that imports only go down the rooms (import-linter)
	.venv/bin/lint-imports --no-logo

.PHONY: promises
promises: test-environment  ## check that every promise that is built has a test
	$(python) scripts/check_promises.py

.PHONY: check
check: lint types rooms promises test  ## all of the above that a change must pass

.PHONY: bench
bench: test-environment  ## measure, and print the table of figures
	$(python) -m bench $(ARGS)

.PHONY: screenshots
screenshots: test-environment browser  ## take pictures of the dashboard, in pictures/
	$(python) -m scripts.take_pictures $(ARGS)

SEEDS ?= 0:100

.PHONY: simulate
simulate: test-environment  ## run the simulation with SEEDS=7, or SEEDS=0:5000
	$(python) -m tests.simulation --seeds $(SEEDS)

.PHONY: docs
docs: docs-build  ## build the documentation and serve it on 127.0.0.1:8000
	@exec $(python) -m http.server 8000 --bind 127.0.0.1 --directory site

.PHONY: docs-build
docs-build: docs-environment  ## build the documentation in site/, strictly: a warning is an error
	$(python) -m sphinx -b html -W -n --keep-going --quiet docs site
	@echo "The documentation is in site/index.html."

.PHONY: lock
lock: test-environment  ## pin the newest releases again, with hashes, in requirements/
	@scripts/lock

.PHONY: clean
clean:  ## remove the environment, caches and build leftovers; databases stay
	rm -rf .venv .lock-venv build dist site htmlcov .coverage
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find src tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: run-environment
run-environment:
	@PYTHON='$(PYTHON)' scripts/bootstrap run

.PHONY: test-environment
test-environment:
	@PYTHON='$(PYTHON)' scripts/bootstrap test

# Without one only the tests of the dashboard fail; they say what to install.
.PHONY: browser
browser:
	@scripts/chromium >/dev/null || true

# The documentation's own packages are installed on top; their pins agree with those of the tests.
.PHONY: docs-environment
docs-environment: test-environment
	@cksum requirements/docs.txt | cmp -s - .venv/docs-ready || { \
		echo "==> Installing the pinned packages of requirements/docs.txt." && \
		$(python) -m pip install --quiet --disable-pip-version-check --require-hashes \
			-r requirements/docs.txt && \
		cksum requirements/docs.txt >.venv/docs-ready; }
