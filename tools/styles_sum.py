"""What the compiled stylesheets were made of, as one number: styles_sum.py prints it, styles_sum.py --write keeps it.

Tailwind compiles the classes that pages use. Whoever uses a new class and forgets `make styles` would ship a page
without its look; tests/unit/test_assets.py compares this number with the one kept beside the sources.
"""

import hashlib
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
STYLES = ROOT / "styles"
WEB = ROOT / "src" / "hutong" / "web"
KEPT = STYLES / "compiled.sum"
_CLASSES = re.compile(r"""class(?:Name)?\s*[=:]\s*(["'])(.*?)\1|classList\.\w+\(([^)]*)\)""", re.DOTALL)
_WORD = re.compile(r"[A-Za-z0-9:/_.\[\]%#()-]+")


def classes() -> list[str]:
    """Every word that stands where pages and scripts name classes."""
    found: set[str] = set()
    for path in sorted([*WEB.rglob("templates/**/*.html"), *WEB.rglob("static/js/*.js")]):
        for match in _CLASSES.finditer(path.read_text(encoding="utf-8")):
            found.update(_WORD.findall(match[2] or match[3] or ""))
    return sorted(found)


def now() -> str:
    """The number of what lies here."""
    made = hashlib.sha256()
    for path in [
        STYLES / "package.json",
        STYLES / "build.mjs",
        *sorted(STYLES.glob("*.css")),
        *sorted(STYLES.glob("*/*.css")),
    ]:
        if "node_modules" not in path.parts:
            made.update(path.read_bytes())
    made.update("\n".join(classes()).encode())
    return made.hexdigest()


if __name__ == "__main__":
    if "--write" in sys.argv:
        KEPT.write_text(now() + "\n", encoding="utf-8")
    sys.stdout.write(now() + "\n")
