"""The app on the home screen: its manifest, its service worker, and the page for places without a network."""

import json
from typing import Any

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from hutong.kit.text import LANGUAGES
from hutong.web.consumer.here import InCity
from hutong.web.shared.assets import asset_url, assets
from hutong.web.shared.guards import public
from hutong.web.shared.visit import Visiting
from hutong.web.shared.words import Words

PAPER = "#f4f1ec"  # the paper of the light theme: what the phone shows while the app starts
SIZES = (192, 512)

# What a voucher needs on a phone that has no network.
POCKET = (
    "consumer.css", "shared/icons.svg", "shared/logo.svg", "shared/htmx.min.js", "shared/forms.js", "consumer/app.js",
    "consumer/voucher.js", "consumer/wallet.js", "consumer/pocket.js", "consumer/lean-qr.js", "consumer/token.js",
    "consumer/offline.js",
)  # fmt: skip


@get("/c/{city:str}/app.webmanifest", guards=[public])
async def manifest(visit: Visiting, here: InCity) -> Response[bytes]:
    """Name, icons and first page of the app in the reader's language; one app whatever the city."""
    body = {
        "id": "/c/", "name": visit.t("app.name"), "short_name": visit.t("app.short"),
        "description": visit.t("site.promise"), "lang": "zh-CN" if visit.language == "zh" else "en", "dir": "ltr",
        "start_url": here.to(), "scope": "/", "display": "standalone", "background_color": PAPER,
        "theme_color": PAPER, "categories": ["shopping", "food", "lifestyle"],
        "icons": [_icon(size, purpose) for purpose in ("any", "maskable") for size in SIZES],
        "shortcuts": [
            {"name": visit.t("wallet.title"), "url": here.to("/vouchers")},
            {"name": visit.t("orders.title"), "url": here.to("/orders")},
        ],
    }  # fmt: skip
    return Response(
        json.dumps(body, ensure_ascii=False).encode(), media_type="application/manifest+json",
        headers={"cache-control": "private, no-cache", "vary": "Cookie, Accept-Language"},
    )  # fmt: skip


def _icon(size: int, purpose: str) -> dict[str, Any]:
    name = f"consumer/{'icon' if purpose == 'any' else 'mask'}-{size}.png"
    return {"src": asset_url(name), "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}


@get("/c/sw.js", guards=[public], sync_to_thread=False)
def service_worker() -> Response[bytes]:
    """The service worker with the list of what it keeps: its text changes with any of it, so phones renew it."""
    have = assets()
    keep = {"assets": [asset_url(name) for name in POCKET if name in have], "offline": [_offline(x) for x in LANGUAGES]}
    text = f"const KEEP = {json.dumps(keep)};\n".encode() + have["consumer/sw.js"].body
    return Response(text, media_type="text/javascript; charset=utf-8", headers={"cache-control": "no-cache"})


def _offline(language: str) -> str:
    return f"/c/offline/{language}"


@get("/c/offline/{language:str}", guards=[public])
async def offline_page(visit: Visiting, language: FromPath[str]) -> Response[str]:
    """What is shown for a page that cannot come: the way to the vouchers that lie on the phone. Nothing personal."""
    if language not in LANGUAGES:
        raise NotFoundException()
    visit.language, visit.t = language, Words(language)
    return visit.page("consumer/offline.html")


ROUTES = (manifest, service_worker, offline_page)
