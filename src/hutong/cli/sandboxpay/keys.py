"""RSA keys and signatures. Both pairs are made on the first start, as a provider's console would hand them out.

What is signed, line by line, each line ended by a newline:

    request   METHOD, path with query, timestamp, nonce, body
    answer    HTTP status, timestamp, nonce of the request, body
    callback  timestamp, nonce, body
"""

import base64
import binascii
import hashlib
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

KEY_BITS = 2048


def message(*parts: str | bytes) -> bytes:
    """The bytes that are signed: every part on a line of its own."""
    return b"".join((p.encode() if isinstance(p, str) else p) + b"\n" for p in parts)


def serial_of(key: rsa.RSAPublicKey) -> str:
    """A key's name: the first 16 hex digits of the SHA-256 of its DER form."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()[:16]


class Signer:
    """A private key that can sign."""

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        self._key = key
        self.serial = serial_of(key.public_key())

    def sign(self, *parts: str | bytes) -> str:
        signature = self._key.sign(message(*parts), padding.PKCS1v15(), hashes.SHA256())
        return base64.b64encode(signature).decode()


class Verifier:
    """A public key that can check."""

    def __init__(self, key: rsa.RSAPublicKey) -> None:
        self._key = key
        self.serial = serial_of(key)

    def holds(self, signature: str, *parts: str | bytes) -> bool:
        try:
            raw = base64.b64decode(signature, validate=True)
            self._key.verify(raw, message(*parts), padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return True


class Keys:
    """The provider's side of the key directory."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.signer = Signer(_pair(folder, "provider"))
        self.merchant = Verifier(_pair(folder, "merchant").public_key())
        self.stranger = Signer(rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS))


def _pair(folder: Path, name: str) -> rsa.RSAPrivateKey:
    """The pair called `name`; made when the directory does not have it yet."""
    private, public = folder / f"{name}_private.pem", folder / f"{name}_public.pem"
    if not private.exists():
        key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
        _write(
            private,
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
        )
    loaded = serialization.load_pem_private_key(private.read_bytes(), password=None)
    if not isinstance(loaded, rsa.RSAPrivateKey):
        raise ValueError(f"{private} is no RSA key")
    if not public.exists():
        _write(
            public,
            loaded.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            ),
        )
    return loaded


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, readable by the owner only: a reader never meets half a key."""
    draft = path.with_suffix(f".{os.getpid()}.part")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
    try:
        os.link(draft, path)  # refuses when another process was first; then its key counts
    except FileExistsError:
        pass
    finally:
        draft.unlink()
