"""Screenshots of the faces into docs/pictures: the demo as real processes on a temporary database, seen with Chromium.

`make pictures`, or `python -m tools.pictures voucher home` for some of them. What happens before each picture is told
in picture_story.py, by the cast, in the browser.
"""

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import Struct
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from hutong.cli.demo.city_data import read_city
from hutong.messages import last_code_in
from tools.film import write as write_film
from tools.picture_story import tell
from tools.staging import ARGS, LOCALES, QINGHE, chromium, demo, folder

FOLDER = Path(__file__).parent.parent / "docs" / "pictures"
PHONE = ViewportSize(width=390, height=844)
DESK = ViewportSize(width=1280, height=800)
MOST_BYTES = 200_000
BOTH = ("zh-phone", "en-phone")
INDEX_HEAD = """# Pictures

Made by `make pictures` from a running demo; each is named `<page>-<language>-<phone or desk>[-dark].png`.

| page | 中文 | English |
|---|---|---|"""
PEOPLE = {person.key: person.phone for person in read_city().cast.people}


def small(png: bytes) -> bytes:
    """The picture with a palette: a quarter of the size, and nobody sees the difference."""
    for colours in (256, 128, 64):
        out = io.BytesIO()
        image = Image.open(io.BytesIO(png)).convert("RGB")
        image.quantize(colours, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
        if len(out.getvalue()) < MOST_BYTES:
            break
    return out.getvalue()


class Picture(Struct, frozen=True):
    """A page in the index: what it is, and in which ways it was taken (zh-phone, en-desk, zh-phone-dark)."""

    title: str
    ways: list[str]


class Studio:
    """A browser in front of a running demo; `wanted` names the pictures to take (none: all)."""

    def __init__(self, browser: Browser, address: str, inbox: Path, wanted: list[str]) -> None:
        self.browser, self.address, self.inbox, self.wanted = browser, address, inbox, wanted
        self.sessions: dict[str, Any] = {}
        self.index: dict[str, Picture] = {}

    def context(self, who: str | None, language: str = "zh", way: str = "phone") -> BrowserContext:
        """A browser of that person, standing in the middle of Qinghe. `way`: phone or desk, perhaps -dark."""
        return self.browser.new_context(
            base_url=self.address, locale=LOCALES[language], viewport=DESK if "desk" in way else PHONE,
            color_scheme="dark" if "dark" in way else "light", device_scale_factor=1, timezone_id=QINGHE.zone,
            storage_state=self.sessions.get(who) if who else None, reduced_motion="reduce",
            permissions=["geolocation", "camera"],
            geolocation={"latitude": QINGHE.centre.lat, "longitude": QINGHE.centre.lon}, service_workers="block",
        )  # fmt: skip

    def sign_in(self, who: str) -> None:
        """As people do: the number, the code from the message."""
        with self.context(None) as context:
            page = context.new_page()
            page.goto("/sign-in")
            page.fill("[name=phone]", PEOPLE[who].removeprefix("+86"))
            page.click("form[action='/sign-in/codes'] button")
            page.wait_for_selector("[name=code]")
            page.wait_for_load_state("load")
            page.fill("[name=code]", str(last_code_in(self.inbox, PEOPLE[who])))  # six digits send themselves
            page.wait_for_url(lambda url: "/sign-in" not in url)
            self.sessions[who] = context.storage_state()

    def take(
        self, name: str, title: str, path: str, *ways: str, who: str | None = None,
        prepare: Callable[[Page], None] = lambda _: None,
    ) -> None:  # fmt: skip
        """A page in these ways (none: in both languages on a phone)."""
        if self.wanted and not any(word in name for word in self.wanted):
            return
        for way in ways or BOTH:
            language, _, look = way.partition("-")
            with self.context(who, language, look) as context:
                page = context.new_page()
                answer = page.goto(path)
                assert answer is not None
                assert answer.status < 400, f"{name}: {path} was answered {answer.status}"
                prepare(page)
                self.keep(page, name, title, way)

    def keep(self, page: Page, name: str, title: str, way: str) -> None:
        page.wait_for_load_state("load")
        page.wait_for_timeout(700)  # pictures that a script puts in, bars that settle
        png = small(page.screenshot(animations="disabled"))
        assert len(png) < MOST_BYTES, f"{name}-{way}: {len(png)} bytes"
        (FOLDER / f"{name}-{way}.png").write_bytes(png)
        self.index.setdefault(name, Picture(title, [])).ways.append(way)

    def write_index(self) -> None:
        """docs/pictures/README.md; pictures that nobody takes any more go."""
        kept = {f"{name}-{way}.png" for name, one in self.index.items() for way in one.ways}
        for old in FOLDER.glob("*.png"):
            if old.name not in kept:
                old.unlink()
        lines = [INDEX_HEAD]
        for name, one in self.index.items():
            cells = {"zh": list[str](), "en": list[str]()}
            for way in one.ways:
                language, _, look = way.partition("-")
                cells[language].append(f"[{look.replace('-', ', ')}]({name}-{way}.png)")
            lines.append(f"| {one.title} | {', '.join(cells['zh'])} | {', '.join(cells['en'])} |")
        (FOLDER / "README.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Takes them all, or those whose names contain one of the words given (then the index stays as it is)."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with folder() as data, demo(data) as address, sync_playwright() as play:
        film = write_film(data.parent / "table.y4m")
        camera = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
        camera.append(f"--use-file-for-fake-video-capture={film}")
        browser = play.chromium.launch(executable_path=chromium(), args=[*ARGS, *camera])
        studio = Studio(browser, address, data / "sms.jsonl", sys.argv[1:])
        for who in ("ann", "bo", "tao", "mei", "lin", "pat"):
            studio.sign_in(who)
        tell(studio)
        browser.close()
    if not sys.argv[1:]:
        studio.write_index()
    print(f"{sum(len(one.ways) for one in studio.index.values())} pictures in {FOLDER}")


if __name__ == "__main__":
    main()
