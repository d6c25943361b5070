# The two main commands are `make demo` and `make test`. Both set up .venv first.

# The newest Python that TensorFlow supports and that can create a virtual environment. PYTHON=... overrides it.
USABLE := import sys, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3 python; do \
	$$name -c "$(USABLE)" 2>/dev/null && echo $$name && break; done)
PORT ?= 8501
FETCH ?= 1
# TF=gpu: TensorFlow with CUDA's libraries in place of tensorflow-cpu, in an environment of its own, since both write the
# same folder. For Linux with NVIDIA's driver. `make demo TF=gpu`, and so for the other commands.
TF ?= cpu
VENV := $(if $(filter cpu,$(TF)),.venv,$(if $(filter gpu,$(TF)),.venv-gpu,$(error TF is cpu or gpu. Received: $(TF))))
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
PYTEST := $(BIN)/python -m pytest
# Tests run in parallel, one file per worker; tests that measure time or memory run alone afterwards.
ABREAST := -n auto --maxprocesses 4 --dist loadfile

define NO_PYTHON
Python 3.11, 3.12 or 3.13 with its venv module is required, but none was found. Install one:
    Debian, Ubuntu: sudo apt install python3 python3-venv
    macOS:          brew install python@3.13
    elsewhere:      https://www.python.org/downloads
or set its path: make demo PYTHON=/path/to/python3
endef

.PHONY: help demo samples test test-long test-real test-cluster test-all lint format readme screenshots clean

help:  ## list the commands
	@awk -F ':.*## *' '/^[a-z-]+:.*##/ {printf "  make %-13s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/demo $(if $(filter 0,$(FETCH)),,$(VENV)/samples)  ## set up .venv, download sample X-rays and VGG-19's weights (FETCH=0 skips that), open the demo at http://localhost:8501 (PORT=...); TF=gpu: in .venv-gpu, on an NVIDIA GPU
	$(BIN)/python -m streamlit run streamlit_app.py --server.port $(PORT)

samples: $(VENV)/demo  ## download the sample X-rays and VGG-19's weights, without a time limit
	$(BIN)/python -m covid_model samples

test: lint  ## check the style and run the quick tests, some of every kind (a few minutes)
	$(PYTEST) $(ABREAST) -m "not long and not measured and not cluster"
	$(PYTEST) -m "measured and not long and not cluster"

test-long: $(VENV)/dev  ## run the slow tests: all browser tests, training, thousands of damaged files
	$(PYTEST) $(ABREAST) -m "long and not measured and not cluster"
	$(PYTEST) -m "long and measured and not cluster"

test-real: $(VENV)/dev  ## run the tests that need real X-rays (COVID_MODEL_DATA) or VGG-19 weights (COVID_MODEL_VGG19)
	$(PYTEST) $(ABREAST) -m "(films or vgg19) and not cluster"

test-cluster: $(VENV)/cluster  ## install Ray too (requirements-cluster.txt) and run the tests of score and serve on it
	$(PYTEST) -m cluster

test-all: test test-long test-cluster  ## run every test that this machine supports

lint: $(VENV)/dev  ## check the style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/dev  ## fix the style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

readme: $(VENV)/demo  ## update the figures in README.md, assets/MEASUREMENTS.md and assets/DEPLOYMENT.md from assets/results
	$(BIN)/python -m covid_model readme

screenshots: $(VENV)/dev  ## retake the screenshot in README.md, without real X-rays
	$(BIN)/python -m tests.browser.screenshot assets

clean:  ## remove .venv, .venv-gpu and all build and cache files
	rm -rf .venv .venv-gpu build *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamp files: rebuilt when a requirements file changes.
$(VENV)/bin/python:
	$(or $(PYTHON),$(error $(NO_PYTHON))) -m venv $(VENV)

.venv/demo: requirements.txt pyproject.toml | .venv/bin/python
	$(PIP) --editable .
	touch $@

# Once, and within a minute: the demo works without what could not be downloaded, and `make samples` tries again.
$(VENV)/samples: assets/real_films.json | $(VENV)/demo
	@$(BIN)/python -m covid_model samples --seconds 60 || true
	@touch $@

.venv/dev: requirements.txt requirements-dev.txt pyproject.toml | .venv/bin/python
	$(PIP) --editable . --requirement requirements-dev.txt
	touch .venv/demo $@

# Beside the pinned packages, none of which it may move.
$(VENV)/cluster: requirements-cluster.txt $(VENV)/dev
	$(PIP) --requirement requirements-cluster.txt --constraint $(if $(filter gpu,$(TF)),$(VENV)/)requirements.txt
	touch $@

# The same with the other TensorFlow. requirements-dev.txt names requirements.txt, and so the one beside its copy.
.venv-gpu/requirements.txt: requirements.txt requirements-dev.txt | .venv-gpu/bin/python
	cp requirements-dev.txt .venv-gpu/
	sed -e 's/^tensorflow-cpu\(==[^;]*\).*/tensorflow[and-cuda]\1/' -e '/^tensorflow==/d' requirements.txt > $@

.venv-gpu/demo: .venv-gpu/requirements.txt pyproject.toml
	$(PIP) --requirement .venv-gpu/requirements.txt
	$(PIP) --no-deps --editable .
	touch $@

.venv-gpu/dev: .venv-gpu/demo
	$(PIP) --requirement .venv-gpu/requirements-dev.txt
	touch $@
