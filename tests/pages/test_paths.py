"""Where somebody may be sent back to (reliability.md A12), and whose address counts (B12)."""

from ipaddress import ip_address, ip_network

import pytest

from hutong.web.shared.paths import client_address, own_path, path_of

FOREIGN = [
    "//evil.example", "///evil.example", "////evil.example/x", "/\\evil.example", "\\\\evil.example", "\\evil.example",
    "/\\/evil.example", "https://evil.example", "http://evil.example", "https:evil.example", "https:/evil.example",
    "https:///evil.example", "HTTPS://EVIL.EXAMPLE", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x",
    "vbscript:x", "ftp://evil.example", "mailto:x@evil.example", "evil.example", "www.evil.example/x", "",
    "?next=x", "#x", ".", "..", "./x", "../x", " /x", "\t/x", "\n//evil.example", "/\t/evil.example",
    "/\n/evil.example",
    "/%2f%2fevil.example/..", "/%2fevil.example", "/%2F%2Fevil.example", "/%5cevil.example", "/%5C%5Cevil.example",
    "%2f%2fevil.example", "/%252f%252fevil.example", "/%25252fevil.example", "/%09/evil.example", "/%0a/evil.example",
    "/%0d%0aSet-Cookie:x=1", "/x\r\nLocation: https://evil.example", "/\x00", "/%00", "//user@evil.example",
    "https://hutong.example@evil.example", "/..//evil.example", "/x//evil.example", "/./\\evil.example", "/x/../..//e",
    "/\u3002evil.example", "//evil\u3002example", "/\uff0fevil.example", "/\u2044evil.example", "/〱evil.example",
    "/%E3%80%82\\evil.example", "/a/../../b", "/" + "x" * 2000,
]  # fmt: skip


@pytest.mark.parametrize("text", FOREIGN)
def test_nobody_is_sent_to_another_site(text: str):
    """Sixty ways to write an address that a browser may read as another host, or that is no path at all."""
    assert own_path(text) is None


@pytest.mark.parametrize(
    "text", ["/", "/c/qinghe/", "/c/qinghe/search?q=%E7%81%AB%E9%94%85", "/c/qinghe/checkout?offer=off_1_x&quantity=2",
             "/c/qinghe/nearby?category=food&sort=price", "/m/1/scan"]
)  # fmt: skip
def test_own_pages_are_places_to_return_to(text: str):
    """What our own links look like."""
    assert own_path(text) == text


def test_a_referer_counts_only_when_it_is_of_this_host():
    """The page on which a form stood, for coming back after signing in."""
    assert path_of("http://hutong.test/c/qinghe/me?x=1", "hutong.test") == "/c/qinghe/me?x=1"
    assert path_of("http://evil.example/c/qinghe/me", "hutong.test") is None
    assert path_of("http://hutong.test//evil", "hutong.test") is None
    assert path_of(None, "hutong.test") is None
    assert path_of("http://[bad", "hutong.test") is None


def trusts(address: str) -> bool:
    try:
        return ip_address(address) in ip_network("10.0.0.0/8")
    except ValueError:
        return False


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.7", None, "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),  # nobody we trust says so
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.2.3.4, 198.51.100.1", "198.51.100.1"),  # what the client wrote itself stands further left
        ("10.0.0.1", "1.2.3.4, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.9", "10.0.0.9"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "nonsense", "nonsense"),
    ],
)
def test_only_trusted_proxies_say_who_the_client_is(peer: str, forwarded: str | None, client: str):
    """Else anybody could walk around the limits on codes."""
    assert client_address(peer, forwarded, trusts) == client
