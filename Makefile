# make app      open the dashboard in a browser
# make lab      open the notebooks in JupyterLab
# make check    lint, format and types
# make test     everything that must hold: check, then all tests, those in a browser too
# make test-oldest  the core's tests with the oldest dependencies that pyproject.toml allows
# make page     build the panels' code for the page anew, from widgets/page (needs Node)
# make bench    the benchmarks' tables
# make docs     the site, in site/html: how-tos, lessons with their outputs, reference
# make pictures the pictures of README and site, taken from the running program, and those of every panel for a review
# make clean    remove what was built here (the environment too)
#
# Each makes the environment when it is missing or out of date. Another Python: make PYTHON=python3.12 VENV=.venv312

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
JOBS ?= 3
PYTEST_ARGS ?=

# One thread per process: small networks get slower with two, and the tests already use every core.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

.DEFAULT_GOAL := help
.PHONY: help app lab check test test-oldest page bench docs pictures clean

help:
	@sed -n 's/^# \{0,1\}//p;/^$$/q' Makefile

app:
	@$(PYTHON) -m tools.bootstrap --venv $(VENV) --extras widgets
	@$(BIN)/dnnexplain app

lab:
	@$(PYTHON) -m tools.bootstrap --venv $(VENV) --extras widgets
	@$(BIN)/dnnexplain lab

check:
	@$(PYTHON) -m tools.bootstrap --venv $(VENV) --extras all
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m tools.page check

# Compiling takes one core for as long as checking does the other.
test:
	@$(PYTHON) -m tools.bootstrap --venv $(VENV) --extras all
	@$(ONE_THREAD) $(BIN)/python -m tools.compiled & compiling=$$!; \
	trap 'kill $$compiling 2>/dev/null; exit 130' INT TERM; \
	$(MAKE) --no-print-directory check || { kill $$compiling; exit 1; }; \
	wait $$compiling
	@browser=$$($(BIN)/python -m tools.browser) && \
	$(ONE_THREAD) DNNEXPLAIN_CHROMIUM="$$browser" DNNEXPLAIN_REQUIRE_BROWSER=1 \
	$(BIN)/python -m pytest -n $(JOBS) --dist loadscope --no-loadscope-reorder --durations=30 $(PYTEST_ARGS)

test-oldest:
	@$(PYTHON) -m tools.bootstrap --venv $(VENV) --extras all
	$(ONE_THREAD) $(BIN)/python -m tools.oldest

page:
	@$(PYTHON) -m tools.page build

bench:
	@$(PYTHON) -m tools.bootstrap --venv $(VENV) --extras all
	@for script in benchmarks/*.py; do \
	  case "$$script" in */_*) continue;; esac; \
	  echo; echo "== $$script"; $(ONE_THREAD) $(BIN)/python "$$script" || exit 1; \
	done

docs:
	@$(PYTHON) -m tools.bootstrap --venv $(VENV) --extras all
	@mkdir -p docs/explorable && $(BIN)/dnnexplain export deeprm docs/explorable/explore.html
	$(ONE_THREAD) $(BIN)/python -m sphinx -q -W --keep-going -b html docs site/html
	@echo "The site is in site/html/index.html"

pictures:
	@$(PYTHON) -m tools.bootstrap --venv $(VENV) --extras all
	@$(BIN)/python -m tools.pictures
	@$(BIN)/python -m tools.review

clean:
	rm -rf .venv build dist site docs/lessons docs/systems docs/explorable docs/commands.md docs/glossary.md .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find dnnexplain widgets tests tools benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
