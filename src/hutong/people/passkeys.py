"""Passkeys as values, and the pure rules around them: for which site, what was signed, whether it was copied."""

import hashlib
import ipaddress
import json
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlsplit
from uuid import UUID

from msgspec import Struct
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

CeremonyPurpose = Literal["register", "sign_in", "confirm"]
CHALLENGE_LIFE = timedelta(minutes=5)
PASSKEYS_MAX = 10
LABEL_MAX = 40
ANSWER_MAX = 20_000
_TRANSPORTS = {"ble", "cable", "hybrid", "internal", "nfc", "smart-card", "usb"}
_VERIFIED = UserVerificationRequirement.REQUIRED


class Site(Struct, frozen=True, kw_only=True):
    """For whom passkeys are made: the host name (RP id), the address in the browser, and the name that is shown."""

    rp_id: str
    origin: str
    name: str = "Hutong"


class AskChallenge(Struct, frozen=True, kw_only=True):
    """Something to sign. `challenge`: 32 random bytes from the edge; `binding`: a secret of this browser.

    `member_id` says whose passkey is wanted; None for signing in, where nobody knows yet.
    """

    challenge: bytes
    purpose: CeremonyPurpose
    binding: str
    address: str
    member_id: UUID | None = None


class AddPasskey(Struct, frozen=True, kw_only=True):
    """What the authenticator answered when it was asked to make a passkey. The id is new, from the edge."""

    member_id: UUID
    passkey_id: UUID
    answer: str
    binding: str
    label: str


class UsePasskey(Struct, frozen=True, kw_only=True):
    """What the authenticator answered when it was asked to sign. `member_id` for `confirm` only."""

    answer: str
    binding: str
    address: str
    purpose: Literal["sign_in", "confirm"]
    member_id: UUID | None = None


class PasskeyUsed(Struct, frozen=True, kw_only=True):
    """The passkey was right."""

    member_id: UUID
    passkey_id: UUID


class PasskeySignIn(Struct, frozen=True, kw_only=True):
    """Sign in with a passkey. `session_id` and `token` are new ones; `previous` as in SignIn."""

    answer: str
    binding: str
    address: str
    agent: str = ""
    session_id: UUID
    token: str
    previous: str | None = None


class EditPasskey(Struct, frozen=True, kw_only=True):
    """Give the member's own passkey another name, or with label None take it away."""

    member_id: UUID
    passkey_id: UUID
    label: str | None = None


class PasskeyInfo(Struct, frozen=True, kw_only=True):
    """A passkey as its owner sees it in the list. `synced`: its maker keeps copies on the owner's other devices."""

    passkey_id: UUID
    label: str
    synced: bool
    made_at: datetime
    last_used_at: datetime | None


class Key(Struct, frozen=True, kw_only=True):
    """What is stored of a passkey."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    transports: list[str]
    synced: bool


def site_of(address: str) -> Site | None:
    """The site of the house's address; None where browsers make no passkeys (an IP address, or plain http)."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    try:
        ipaddress.ip_address(host)
        return None
    except ValueError:
        pass
    if not host or (parts.scheme != "https" and host != "localhost"):
        return None
    return Site(rp_id=host, origin=f"{parts.scheme}://{parts.netloc}")


def binding_hash(binding: str) -> bytes:
    """What is stored of the browser's secret."""
    return hashlib.sha256(b"challenge|" + binding.encode()).digest()


def signed_challenge(answer: str) -> bytes | None:
    """Which challenge the authenticator says it signed; None for what is no answer."""
    if len(answer) > ANSWER_MAX:
        return None
    try:
        client = json.loads(base64url_to_bytes(json.loads(answer)["response"]["clientDataJSON"]))
        found = base64url_to_bytes(client["challenge"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return found if len(found) == 32 else None


def credential_of(answer: str) -> bytes | None:
    """Which passkey the answer comes from."""
    try:
        return base64url_to_bytes(json.loads(answer)["rawId"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def wish_to_register(site: Site, challenge: bytes, *, member_id: UUID, shown: str, known: list[bytes]) -> str:
    """What the browser gets to make a passkey: JSON for `navigator.credentials.create`."""
    options = generate_registration_options(
        rp_id=site.rp_id, rp_name=site.name, user_id=member_id.bytes, user_name=shown, user_display_name=shown,
        challenge=challenge, timeout=int(CHALLENGE_LIFE.total_seconds() * 1000),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, require_resident_key=True, user_verification=_VERIFIED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=one) for one in known],
    )  # fmt: skip
    return options_to_json(options)


def wish_to_sign(site: Site, challenge: bytes, *, allowed: list[bytes] | None = None) -> str:
    """What the browser gets to sign: JSON for `navigator.credentials.get`. Without `allowed` any passkey will do."""
    options = generate_authentication_options(
        rp_id=site.rp_id, challenge=challenge, timeout=int(CHALLENGE_LIFE.total_seconds() * 1000),
        allow_credentials=[PublicKeyCredentialDescriptor(id=one) for one in allowed or []],
        user_verification=_VERIFIED,
    )  # fmt: skip
    return options_to_json(options)


def read_new(site: Site, answer: str, challenge: bytes) -> Key | None:
    """The passkey that was made, when everything about the answer is right; None otherwise."""
    try:
        made = verify_registration_response(
            credential=answer, expected_challenge=challenge, expected_rp_id=site.rp_id, expected_origin=site.origin,
            require_user_verification=True,
        )  # fmt: skip
        said = json.loads(answer)["response"].get("transports") or []
    except (WebAuthnException, ValueError, KeyError, TypeError, AttributeError):
        return None
    transports = [one for one in said if isinstance(one, str) and one in _TRANSPORTS] if isinstance(said, list) else []
    return Key(
        credential_id=made.credential_id, public_key=made.credential_public_key, sign_count=made.sign_count,
        transports=sorted(set(transports)), synced=made.credential_backed_up,
    )  # fmt: skip


def read_signed(site: Site, answer: str, challenge: bytes, public_key: bytes) -> int | None:
    """The counter of the authenticator, when the signature is right; None otherwise.

    The counter is judged by `copied` and not by the library, which would look at it before the signature: then
    anybody who knows the id of a passkey could have it ended.
    """
    try:
        done = verify_authentication_response(
            credential=answer, expected_challenge=challenge, expected_rp_id=site.rp_id, expected_origin=site.origin,
            credential_public_key=public_key, credential_current_sign_count=0, require_user_verification=True,
        )  # fmt: skip
    except (WebAuthnException, ValueError, KeyError, TypeError, AttributeError):
        return None
    return done.new_sign_count


def copied(before: int, counter: int) -> bool:
    """Whether two authenticators seem to hold one key: the counter did not grow. Synced passkeys stay at 0."""
    return (before > 0 or counter > 0) and counter <= before


def label_of(text: str, device: str) -> str:
    """A name for the list: what the member wrote, else the device."""
    return (" ".join(text.split()) or device or "?")[:LABEL_MAX]
