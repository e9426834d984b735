"""Writes docs/refusals.md from the refusals themselves."""

import importlib
import pkgutil
from pathlib import Path

import hutong
from hutong.kit.refusals import Refusal

ROOT = Path(__file__).parent.parent
HEAD = """# Refusals

Every "no" of the house: its code, its HTTP status, what people read, and what they can do next.
The API answers them as `application/problem+json` with `code`, `detail`, `next` and the facts; what stands in braces is
filled in from the facts. This page is made by `tools/document_refusals.py`; a test compares it with the code.

| code | status | package | zh | next step | en | next step |
|---|---|---|---|---|---|---|
"""


def page() -> str:
    """docs/refusals.md as the code says it."""
    for module in pkgutil.walk_packages(hutong.__path__, "hutong."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    lines = []
    for code, cls in sorted(Refusal.known.items()):
        if cls.__module__.startswith("hutong."):
            package = cls.__module__.split(".")[1]
            said = f"{cls.say.zh} | {cls.step.zh} | {cls.say.en} | {cls.step.en}"
            lines.append(f"| `{code}` | {cls.status} | {package} | {said} |")
    return HEAD + "\n".join(lines) + "\n"


def main() -> None:
    (ROOT / "docs" / "refusals.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
