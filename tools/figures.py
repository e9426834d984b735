"""What the faces cost, as one JSON object: bytes, blocking requests, paints on a slow phone, a scan, server time.

`make figures`, or `python -m tools.figures [--stores 20000] [--runs 5] [--scans 10]`. Everything is measured by
Chromium itself on a demo of its own; nothing here passes or fails. Of the numbers, only the bytes of the first page and
its blocking requests do not depend on the machine, and only these are held by a test.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tools.staging import ARGS, LOCALES, QINGHE, ROOT, chromium, demo, folder, own_environment

SLOWER = 4  # Lighthouse's phone
LCP = """new PerformanceObserver(list => { for (const one of list.getEntries()) window.lcp = one.startTime; })
  .observe({ type: "largest-contentful-paint", buffered: true })"""
NAVIGATION = """() => { const one = performance.getEntriesByType("navigation")[0];
  return { answer: one.responseStart - one.requestStart, dom: one.domContentLoadedEventEnd, lcp: window.lcp }; }"""
BLOCKING = """() => performance.getEntriesByType("resource").filter(one => one.renderBlockingStatus === "blocking")
  .map(one => new URL(one.name).pathname)"""


def context(browser: Browser, address: str, language: str = "zh") -> BrowserContext:
    """A phone that has never been here."""
    return browser.new_context(
        base_url=address, locale=LOCALES[language], viewport={"width": 390, "height": 844}, device_scale_factor=2,
        timezone_id=QINGHE.zone, service_workers="block",
    )  # fmt: skip


def first_page(browser: Browser, address: str, path: str = "/c/qinghe/") -> dict[str, Any]:
    """Bytes on the wire (headers included, compressed as sent) of the first visit, by kind; photos counted apart."""
    with context(browser, address) as visit:
        page = visit.new_page()
        wire = visit.new_cdp_session(page)
        kinds: dict[str, tuple[str, str]] = {}
        sizes: dict[str, float] = {}
        wire.on("Network.responseReceived", lambda e: kinds.update({e["requestId"]: (e["type"], e["response"]["url"])}))
        wire.on("Network.loadingFinished", lambda e: sizes.update({e["requestId"]: e["encodedDataLength"]}))
        wire.send("Network.enable")
        page.goto(path, wait_until="load")
        page.wait_for_timeout(1_500)  # what scripts ask for when they are idle belongs to it
        blocking = page.evaluate(BLOCKING)
    by_kind, photos = Counter[str](), 0
    parts = {urlsplit(url).path: round(sizes.get(request, 0)) for request, (_, url) in kinds.items()}
    for request, (kind, url) in kinds.items():
        if kind == "Image" and urlsplit(url).path.startswith("/files"):
            photos += round(sizes.get(request, 0))
        else:
            by_kind[kind.lower()] += round(sizes.get(request, 0))
    return {
        "path": path, "transferred_bytes": sum(by_kind.values()), "by_kind": dict(by_kind), "photo_bytes": photos,
        "requests": len(kinds), "blocking": blocking, "parts": dict(sorted(parts.items(), key=lambda one: -one[1])),
    }  # fmt: skip


def slow_phone(browser: Browser, address: str, runs: int, path: str = "/c/qinghe/") -> dict[str, Any]:
    """Paints of first visits with a processor that is four times slower; medians in milliseconds."""
    found: list[dict[str, float]] = []
    for _ in range(runs):
        with context(browser, address) as visit:
            page = visit.new_page()
            page.add_init_script(LCP)
            visit.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
            page.goto(path, wait_until="load")
            page.wait_for_timeout(800)
            found.append(page.evaluate(NAVIGATION))
    middle = {name: round(statistics.median(one[name] for one in found), 1) for name in ("answer", "dom", "lcp")}
    return {
        "path": path, "cpu": f"1/{SLOWER}", "runs": runs, "first_byte_ms": middle["answer"],
        "dom_content_loaded_ms": middle["dom"], "largest_contentful_paint_ms": middle["lcp"],
    }  # fmt: skip


def without_scripts(browser: Browser, address: str) -> dict[str, bool]:
    """Whether list and deal show what they are for with JavaScript off."""
    visit = browser.new_context(base_url=address, locale="zh-CN", java_script_enabled=False)
    page: Page = visit.new_page()
    page.goto("/c/qinghe/nearby")
    deal = page.locator("a[href*='/deals/off_']").first
    found = {"list": deal.count() == 1}
    page.goto(str(deal.get_attribute("href")))
    found["deal"] = page.locator("a[href*='/checkout']").count() > 0
    visit.close()
    return found


def scans(count: int) -> dict[str, Any]:
    """From the first frame with the code to the first frame with its sheet; the test of the counter measures it."""
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-q", "-s", "-n", "0", "tests/browser/test_counter.py", "-k",
            "from_the_code_before_the_camera",
        ],
        env=own_environment() | {"HUTONG_SCANS": str(count)}, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = re.search(r"median (\d+) ms of \[([\d, ]+)\]", done.stdout)
    if said is None:
        return {"failed": done.stdout[-400:]}
    times = [int(one) for one in said[2].split(", ")]
    return {"scans": len(times), "median_ms": int(said[1]), "all_ms": times}


def server(data: Path, stores: int) -> Any:
    """Server time of home, list and deal in a city of that many stores: `hutong bench pages`."""
    with demo(data, "--scale", str(stores), wait_s=3_600):
        pass  # it is filled; the bench starts its own server
    command = [sys.executable, "-m", "hutong.app", "--data", str(data), "bench", "pages", "--json"]
    done = subprocess.run(command, env=own_environment(), capture_output=True, text=True, check=False)  # noqa: S603
    try:
        return {"stores": stores} | json.loads(done.stdout)
    except ValueError:
        return {"stores": stores, "failed": (done.stdout + done.stderr)[-400:]}


def main() -> None:
    """Prints the object."""
    asks = argparse.ArgumentParser(description=__doc__)
    asks.add_argument("--runs", type=int, default=5, help="first visits on a slow phone")
    asks.add_argument("--scans", type=int, default=10, help="scans before the camera; 0: none")
    asks.add_argument("--stores", type=int, default=0, help="also server time in a city of so many stores")
    given = asks.parse_args()
    found: dict[str, Any] = {}
    with folder() as data:
        with demo(data) as address, sync_playwright() as play:
            browser = play.chromium.launch(executable_path=chromium(), args=ARGS)
            found["chromium"] = browser.version
            found["first_page"] = first_page(browser, address)
            found["slow_phone"] = slow_phone(browser, address, given.runs)
            found["without_scripts"] = without_scripts(browser, address)
            browser.close()
        if given.stores:
            found["server"] = server(data, given.stores)
    if given.scans:
        found["scan_to_sheet"] = scans(given.scans)
    print(json.dumps(found, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
