"""Addresses are sealed: who reads the database without the house's key reads nothing of them. Pure.

AES-256-GCM; the order's id is bound to it, so that a sealed address cannot be moved to another order.
"""

from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hutong.mall.model import Address

NONCE_BYTES = 12


def seal(address: Address, *, key: bytes, order_id: UUID, nonce: bytes) -> bytes:
    """The address as it is stored. `key`: 32 bytes that follow from the master key; `nonce`: 12 random ones, once."""
    return nonce + AESGCM(key).encrypt(nonce, msgspec.json.encode(address), order_id.bytes)


def open_address(sealed: bytes | None, *, key: bytes, order_id: UUID) -> Address | None:
    """The address again; None when it was forgotten, or sealed for another order or with another key."""
    if sealed is None:
        return None
    try:
        plain = AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], order_id.bytes)
    except InvalidTag:
        return None
    return msgspec.json.decode(plain, type=Address)
