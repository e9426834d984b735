# Everything starts from python3 and the package registries: each target makes .venv by itself.
PYTHON ?= python3
BIN := .venv/bin
export UV_PYTHON_DOWNLOADS := never
export UV_SYSTEM_CERTS := true
JOBS ?= 2
# Tests start many processes: each would compile all it imports if none were allowed to keep what it compiled.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install demo test lint bench pictures styles figures clean test-db
.DEFAULT_GOAL := help

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/.uv: requirements-uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Hutong needs Python 3.11 or newer")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { echo "python3 cannot make a venv (on Debian: apt-get install python3-venv)"; exit 1; }
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@touch $@

.venv/.run: .venv/.uv requirements.lock pyproject.toml
	@$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements.lock
	@echo "$(CURDIR)/src" > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/hutong-src.pth"
	@printf '#!/bin/sh\nexec "%s/.venv/bin/python" -m hutong.app "$$@"\n' "$(CURDIR)" > $(BIN)/hutong && chmod +x $(BIN)/hutong
	@touch $@

.venv/.dev: .venv/.run requirements-dev.lock
	@$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@touch $@

install: .venv/.dev  ## make .venv with everything in it

demo: .venv/.run  ## a whole city on this machine: install, start, load, serve (Ctrl-C ends it)
	@$(BIN)/hutong demo $(ARGS)

test: .venv/.dev  ## all tests, browser tests included
	@tools/chromium.sh
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist loadgroup $(ARGS)

test-db: .venv/.dev  ## the database and story tests, against HUTONG_TEST_DATABASE_URL when it is set
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist loadgroup tests/db tests/stories $(ARGS)

lint: .venv/.dev  ## style, types, floors, manners
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/pyright & types=$$!; $(BIN)/python -m pytest -q tests/test_tidy.py; manners=$$?; wait $$types && exit $$manners

bench: .venv/.run  ## the main job once, timed, on a fresh database (load benches come with their own issue)
	@$(BIN)/hutong demo --once

styles/node_modules: styles/package-lock.json
	@cd styles && npm ci --silent && touch node_modules  # what differs from the sums of the lock is refused

styles: styles/node_modules  ## compile the stylesheets (only this needs Node; what comes out is kept in the package)
	@cd styles && node build.mjs 2>&1 | grep -v -e tailwindcss -e Done -e '^$$' || true
	@python3 tools/styles_sum.py --write >/dev/null

figures: .venv/.dev  ## what the faces cost: bytes, paints, a scan, server time (ARGS="--stores 20000")
	@tools/chromium.sh
	@$(BIN)/python -m tools.figures $(ARGS)

pictures: .venv/.dev  ## screenshots of the faces into docs/pictures
	@tools/chromium.sh
	@$(BIN)/python -m tools.pictures

clean:  ## remove what was made here
	@rm -rf .venv .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist pictures
