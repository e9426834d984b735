"""New secrets, made at the edge and passed in."""

import secrets


def new_token() -> str:
    """A session's token: 256 random bits, fit for a cookie."""
    return secrets.token_urlsafe(32)


def new_secret() -> str:
    """The secret part of a key or of an invitation: 256 random bits as hexadecimal."""
    return secrets.token_hex(32)


def new_challenge() -> bytes:
    """What an authenticator signs: 256 random bits."""
    return secrets.token_bytes(32)
