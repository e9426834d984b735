"""The first page of a city on a cold phone: what it weighs, and what it waits for. Exact, so it is held."""

import pytest
from playwright.async_api import Browser

from tests.browser.conftest import Phone
from tests.house import TestHouse

pytestmark = [pytest.mark.anyio, pytest.mark.browser]
MOST_BYTES = 60_000  # on the wire, headers included, photos not


async def test_the_first_page_is_light(chromium: Browser, house: TestHouse):
    """At most 60 kB, and nothing but the stylesheet (and one more, if need be) holds up the first paint."""
    phone = await Phone.take(chromium, house)
    wire = await phone.context.new_cdp_session(phone.page)
    urls: dict[str, str] = {}
    sizes: dict[str, float] = {}
    wire.on("Network.responseReceived", lambda said: urls.update({said["requestId"]: said["response"]["url"]}))
    wire.on("Network.loadingFinished", lambda said: sizes.update({said["requestId"]: said["encodedDataLength"]}))
    await wire.send("Network.enable")
    await phone.open("/c/qinghe/")
    await phone.page.wait_for_timeout(1_500)  # what scripts ask for when they are idle belongs to it
    parts = {urls[one].removeprefix(house.settings.address): size for one, size in sizes.items() if one in urls}
    counted = {path: size for path, size in parts.items() if not path.startswith("/files")}
    assert sum(counted.values()) <= MOST_BYTES, sorted(counted.items(), key=lambda one: -one[1])
    blocking = await phone.page.evaluate(
        """() => performance.getEntriesByType("resource").filter(one => one.renderBlockingStatus === "blocking")
             .map(one => new URL(one.name).pathname)"""
    )
    assert len([path for path in blocking if not path.endswith(".css")]) <= 1, blocking
    assert len([path for path in blocking if path.endswith(".css")]) == 1, blocking
