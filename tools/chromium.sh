#!/usr/bin/env bash
# The browser tests need a Chromium: take the one that is here, or install Debian's. Beside it stands the headless
# shell, its engine without windows, with which the tests take half the time; where there is none they do without.
set -euo pipefail
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
debian() { command -v apt-get >/dev/null && as_root true 2>/dev/null; }
install() { as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null; }
for name in chromium chromium-browser google-chrome; do
  if command -v "$name" >/dev/null; then
    if ! command -v chromium-headless-shell >/dev/null && debian; then
      { as_root apt-get update -qq && install chromium-headless-shell; } >/dev/null 2>&1 || echo "tests go without the shell"
    fi
    exit 0
  fi
done
if debian; then
  echo "installing chromium for the browser tests"
  as_root apt-get update -qq
  install chromium fonts-noto-cjk
  install chromium-headless-shell 2>/dev/null || echo "no headless shell here: the tests go without"
  exit 0
fi
echo "The browser tests need Chromium. Install it (for example: apt-get install chromium fonts-noto-cjk), then repeat." >&2
exit 1
