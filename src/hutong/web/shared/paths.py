"""Addresses: where somebody may be sent back to, and where a request came from."""

import re
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

_OWN = re.compile(r"^/[A-Za-z0-9/_.~%?&=+,:;@!$'()*\-]*$")
_MOST = 1000


def own_path(text: str | None) -> str | None:
    """The text when it is a path of this site, else None. Nothing that a browser could read as another host passes.

    Checked as sent and after each round of decoding, because proxies and browsers decode at different times.
    """
    if not text or len(text) > _MOST or not _OWN.match(text):
        return None
    seen = text
    for _ in range(4):
        if seen.startswith(("//", "/\\")) or "\\" in seen or any(ord(c) < 32 or ord(c) == 127 for c in seen):
            return None
        if "//" in seen.partition("?")[0] or "/../" in seen.partition("?")[0]:
            return None
        decoded = unquote(seen)
        if decoded == seen:
            return text
        seen = decoded
    return None


def path_of(url: str | None, host: str) -> str | None:
    """The own path of a full address (a Referer) when it is of this host."""
    if not url:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.netloc != host:
        return None
    return own_path(parts.path + (f"?{parts.query}" if parts.query else ""))


def client_address(peer: str, forwarded: str | None, trusts: Callable[[str], bool]) -> str:
    """The client's address: the last one in X-Forwarded-For that is no proxy of ours.

    Only what a trusted peer says is believed; what stands further left was written by whoever it names.
    """
    address = peer
    hops = [hop.strip() for hop in (forwarded or "").split(",") if hop.strip()]
    while hops and trusts(address):
        address = hops.pop()
    return address
