"""What browsers are sent: compiled styles that fit their sources, scripts of others as they were published."""

import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest

from hutong.web.shared.assets import assets
from hutong.web.shared.looks import old_browser
from hutong.web.shared.words import WEB
from tools import styles_sum

SOURCES = sorted(WEB.rglob("SOURCE.md"))


def test_the_stylesheets_are_compiled_from_what_lies_here():
    """A class that was used without compiling would leave a page without its look."""
    assert styles_sum.KEPT.read_text(encoding="utf-8").strip() == styles_sum.now(), "run: make styles"


def test_the_lock_of_the_styles_is_whole():
    """`npm ci` refuses a lock that leaves a part out, also one for another system; a lock names no registry."""
    parts = json.loads((styles_sum.STYLES / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    wanted = {
        name
        for part in parts.values()
        for kind in ("dependencies", "optionalDependencies")
        for name in part.get(kind, ())
    }
    paths = {path.rpartition("node_modules/")[2] for path in parts}
    assert wanted <= paths, sorted(wanted - paths)
    assert not [path for path, part in parts.items() if "resolved" in part]
    here = ("linux-x64", "linux-arm64")  # the machines that compile styles: what they fetch has a sum
    unsealed = [path for path, part in parts.items() if path and "integrity" not in part]
    assert all(parts[path].get("optional") and not any(one in path for one in here) for path in unsealed)


@pytest.mark.parametrize("face", ["shared", "consumer", "merchant", "operator", "platform"])
def test_every_face_has_a_stylesheet_for_new_and_for_old_browsers(face: str):
    new, old = assets()[f"{face}.css"].body.decode(), assets()[f"{face}-legacy.css"].body.decode()
    for css in (new, old):
        assert "lane-dark" in css
        assert re.search(r"\.btn\b", css)
        assert "url(http" not in css, "a page must not fetch from elsewhere"
    assert "@layer" not in old, "old WebViews drop whole layers"


@pytest.mark.parametrize("path", SOURCES, ids=[str(p.relative_to(WEB)) for p in SOURCES])
def test_scripts_of_others_are_as_they_were_published(path: Path):
    """Whoever updates one says where it comes from."""
    rows = re.findall(r"^\| `([^`]+)` \|.*`([0-9a-f]{64})` \|$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows, "a table: file, from, version, licence, sha256"
    for name, digest in rows:
        file = path.parent / name
        body = file.read_bytes() if file.exists() else gzip.decompress((path.parent / f"{name}.gz").read_bytes())
        assert hashlib.sha256(body).hexdigest() == digest, name


@pytest.mark.parametrize(
    ("agent", "old"),
    [
        ("Mozilla/5.0 (Linux; Android 10) AppleWebKit/537.36 Chrome/86.0.4240.99 XWEB/4317 MicroMessenger/8.0", True),
        ("Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/156.0.0.0 Mobile Safari/537.36", False),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 15_6 like Mac OS X) AppleWebKit/605.1.15 MicroMessenger/8.0", True),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1 Version/17.2 Safari/604.1", False),
        ("Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/15.4 Safari/605.1.15", True),
        ("Mozilla/5.0 (X11; Linux) Gecko/20100101 Firefox/115.0", True),
        ("curl/8", False),
        ("", False),
    ],
)
def test_old_browsers_are_known_by_their_names(agent: str, old: bool):
    assert old_browser(agent) is old
