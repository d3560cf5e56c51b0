# Everything a fresh machine needs: `make demo` and `make test` set themselves up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Pinned: a newer one may bring gigabytes of CUDA libraries. Name another build or index here if you like.
TORCH ?= torch==2.13.0
export OMP_NUM_THREADS ?= 1

.PHONY: setup demo test lint clean

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet $(TORCH)
	$(BIN)/python -m pip install --quiet --editable '.[train,dev]'
	touch $@

demo: setup
	$(BIN)/fedaffect demo

lint: setup
	$(BIN)/ruff check src tests benchmarks research
	$(BIN)/ruff format --check src tests benchmarks research
	$(BIN)/mypy
	$(BIN)/lint-imports

test: setup
	$(BIN)/python -m pytest -n 2

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
