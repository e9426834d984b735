#!/usr/bin/env bash
# Pins every dependency with its hashes. No file names a registry; whoever installs uses his own.
set -euo pipefail
export UV_PYTHON_DOWNLOADS=never
pin() { .venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header "$@"; }
pin pyproject.toml -o requirements.lock
pin pyproject.toml --group dev -o requirements-dev.lock
pin --group uv -o requirements-uv.lock
