PYTHON ?= $(firstword $(shell command -v python3.11 python3.12 python3.13 python3) python3)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: grade test clean

grade: $(VENV)/installed  ## grade the example class
	$(BIN)/headcheck grade examples/submitted -o results

test: $(VENV)/installed  ## run every check: style, types, tests, the proof of every grader
	$(BIN)/tox run-parallel --parallel 2 --notest
	$(BIN)/tox run-parallel --parallel 2 --skip-pkg-install -m one_core
	$(BIN)/tox run --skip-pkg-install -m two_cores

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[attention,notebook]" tox
	touch $@

clean:
	rm -rf $(VENV) .tox results dist
