"""Draws the icons of the app from our logo: `python tools/draw_icons.py` after the logo has changed.

Phones want PNG: as it is (`icon-*.png`, round corners on nothing), and filled to the edges with the drawing inside the
safe circle (`mask-*.png`), from which they cut a shape of their own. Chromium draws them; the files are kept.
"""

import io
import re
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

WEB = Path(__file__).parent.parent / "src" / "hutong" / "web"
LOGO = (WEB / "shared" / "static" / "logo.svg").read_text(encoding="utf-8")
OUT = WEB / "consumer" / "static" / "app"
SIZES = (192, 512)


def masked(logo: str) -> str:
    """The drawing at 70 % on a ground without corners."""
    ground, rest = re.match(r"<svg[^>]*>(<rect[^>]*/>)(.*)</svg>", logo, re.DOTALL).groups()  # type: ignore[union-attr]
    flat = re.sub(r'rx="[^"]*"', "", ground)
    inside = f'<g transform="translate(4.8 4.8) scale(.7)">{rest}</g>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">{flat}{inside}</svg>'


def main() -> None:
    OUT.mkdir(exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for name, svg in (("icon", LOGO), ("mask", masked(LOGO))):
            for size in SIZES:
                page = browser.new_page(viewport={"width": size, "height": size})
                page.set_content(
                    f"<style>*{{margin:0}}svg{{display:block;width:{size}px;height:{size}px}}</style>{svg}"
                )
                shot = Image.open(io.BytesIO(page.screenshot(omit_background=True)))
                small = shot.quantize(64, method=Image.Quantize.FASTOCTREE)
                small.save(OUT / f"{name}-{size}.png", optimize=True)
                page.close()
        browser.close()


if __name__ == "__main__":
    main()
