# Two commands matter: `make demo` and `make test`. Both set up their own .venv.

PYTHON ?= python3.11
PORT ?= 8501
BIN := .venv/bin

.PHONY: help demo test lint format readme screenshots clean

help:  ## list these commands
	@awk -F ':.*## *' '/^[a-z]+:.*##/ {printf "  make %-13s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/demo  ## set up what is missing and open the demo at http://localhost:8501 (PORT=...)
	$(BIN)/python -m streamlit run streamlit_app.py --server.port $(PORT)

test: .venv/dev  ## style, then every test that this machine can run
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest

lint: .venv/dev  ## style alone
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: .venv/dev  ## put the style right
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

readme: .venv/demo  ## write the figures of README.md again from assets/results
	$(BIN)/python -m covid_model readme

screenshots: .venv/dev  ## take the pictures of README.md again, from pages without a real film
	$(BIN)/python -m tests.browser.screenshot assets

clean:  ## remove the environment and everything that was built
	rm -rf .venv build .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: made again whenever the list of requirements that they stand for changes.
.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/demo: requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

.venv/dev: requirements.txt requirements-dev.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch .venv/demo $@
