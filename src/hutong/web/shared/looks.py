"""How pages may look: themes, text sizes, and which browsers get the stylesheet for old ones.

The compiled stylesheets use cascade layers, `color-mix` and nesting as browsers of 2023 know them. WebViews of old
phones (and of WeChat on them) do not: they get the same look through plainer rules (`styles/build.mjs`).
"""

import re

THEMES = ("auto", "lane", "lane-dark")
TEXTS = ("normal", "large")
_CHROME = re.compile(r"Chrom(?:e|ium)/(\d+)")
_SAFARI = re.compile(r"Version/(\d+)\.(\d+).*Safari/")
_IOS = re.compile(r"(?:iPhone|iPad|iPod).* OS (\d+)_(\d+)")
_FIREFOX = re.compile(r"Firefox/(\d+)")


def old_browser(agent: str) -> bool:
    """Whether the browser is older than Chrome 111, Safari 16.4 or Firefox 128. Unknown ones are taken for new."""
    if found := _CHROME.search(agent):
        return int(found[1]) < 111
    if found := _IOS.search(agent) or _SAFARI.search(agent):
        return (int(found[1]), int(found[2])) < (16, 4)
    if found := _FIREFOX.search(agent):
        return int(found[1]) < 128
    return False
