"""Links that nobody can guess and that need no sign-in: a present, leaving a line. Their end is a city and a token.

The token follows from a secret that its owner keeps, so it is never stored; tables keep its hash.
"""

import hashlib
import hmac
import re
from uuid import UUID

from hutong.kit.ids import from_crockford, to_crockford

_TOKEN = 20  # bytes: 160 bits
_LINK = re.compile(r"^(\d{1,9})-([0-9a-hjkmnp-tv-z]{32})$")


def link_token(secret: bytes, kind: bytes, value: UUID) -> bytes:
    """The token of one thing of one kind under a secret."""
    return hmac.digest(secret, kind + value.bytes, hashlib.sha256)[:_TOKEN]


def token_hash(token: bytes) -> bytes:
    """What a table keeps of a token, and looks it up by."""
    return hashlib.sha256(token).digest()


def link_text(city_id: int, token: bytes) -> str:
    """The end of the link: the city, so that the right shard is asked, and the token."""
    return f"{city_id}-{to_crockford(token)}"


def read_link(text: str) -> tuple[int, bytes] | None:
    """(city, token) of the end of a link; None when it is none."""
    found = _LINK.fullmatch(text.strip().lower())
    return (int(found[1]), from_crockford(found[2], _TOKEN)) if found else None
