"""A passkey authenticator in software: what a phone's chip does, for tests below the browser."""

import hashlib
import json
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import bytes_to_base64url as b64

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


class Authenticator:
    """Makes passkeys and signs with them. `counter` grows with each use, unless it is synced (stays at 0)."""

    def __init__(self, *, origin: str, rp_id: str, name: bytes = b"c" * 32, synced: bool = False) -> None:
        self.origin, self.rp_id, self.name, self.synced = origin, rp_id, name, synced
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.counter = 0

    def copy(self) -> "Authenticator":
        """Somebody has got the key out of the chip: same key, same counter, from now on on their own."""
        other = Authenticator(origin=self.origin, rp_id=self.rp_id, name=self.name, synced=self.synced)
        other.key, other.counter = self.key, self.counter
        return other

    def make(self, wish: str, **wrong: Any) -> str:
        """The answer to `wish_to_register`. `wrong`: origin, rp_id, flags or challenge to lie about."""
        numbers = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        data = self._data(wrong, ATTESTED) + bytes(16) + len(self.name).to_bytes(2, "big") + self.name
        attestation = {"fmt": "none", "attStmt": {}, "authData": data + cbor2.dumps(cose)}
        client = self._client("webauthn.create", wish, wrong)
        response = {"attestationObject": b64(cbor2.dumps(attestation)), "transports": ["internal", "<script>"]}
        return self._answer(client, response)

    def sign(self, wish: str, **wrong: Any) -> str:
        """The answer to `wish_to_sign`."""
        self.counter += 0 if self.synced else 1
        data, client = self._data(wrong, 0), self._client("webauthn.get", wish, wrong)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        if wrong.get("signature"):
            signature = ec.generate_private_key(ec.SECP256R1()).sign(b"other", ec.ECDSA(hashes.SHA256()))
        return self._answer(client, {"authenticatorData": b64(data), "signature": b64(signature)})

    def _data(self, wrong: dict[str, Any], more: int) -> bytes:
        rp_id, flags = wrong.get("rp_id", self.rp_id), wrong.get("flags", PRESENT | VERIFIED)
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags | more]) + self.counter.to_bytes(4, "big")

    def _client(self, kind: str, wish: str, wrong: dict[str, Any]) -> bytes:
        challenge = wrong.get("challenge") or json.loads(wish)["challenge"]
        origin = wrong.get("origin", self.origin)
        return json.dumps({"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": False}).encode()

    def _answer(self, client: bytes, response: dict[str, Any]) -> str:
        whole = {"clientDataJSON": b64(client), **response}
        return json.dumps({"id": b64(self.name), "rawId": b64(self.name), "type": "public-key", "response": whole})
