"""What a member shows and a counter reads: the rotating QR text, the typed code, and the proof of a preparation.

Pure functions of a voucher's secret and the time, so that a phone without a network can show a fresh QR.
"""

import hashlib
import hmac
import re
import secrets
import unicodedata
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from hutong.kit.ids import from_crockford, to_crockford
from hutong.vouchers.model import Voucher

STEP_SECONDS = 30
LOOK_BACK = 120  # steps (one hour) in which an old token is still recognised as old, rather than as unknown
LOOK_AHEAD = 10  # a right with many uses may run ahead of the clock: each use burns a step
PROOF_LIFE = timedelta(minutes=10)
CODE_DIGITS = 12
_QR = re.compile(r"(?:^|/)HT1\.(\d{1,9})\.([0-9A-Z]{26})\.([0-9A-Z]{16})$")
_CODE = re.compile(rf"[0-9]{{{CODE_DIGITS}}}")
_GAPS = re.compile(r"[\s\-·.]+")


class Qr(Struct, frozen=True):
    """A QR text, taken apart."""

    city_id: int
    voucher_id: UUID
    token: str


class Typed(Struct, frozen=True):
    """A code that was read aloud and typed."""

    code: str


def fresh_codes(count: int) -> list[str]:
    """That many random codes of twelve digits."""
    return [f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}" for _ in range(count)]


def fresh_secrets(count: int) -> list[bytes]:
    """That many secrets of 128 bits."""
    return [secrets.token_bytes(16) for _ in range(count)]


def step_of(now: datetime) -> int:
    """The number of the half minute."""
    return int(now.timestamp()) // STEP_SECONDS


def step_token(secret: bytes, step: int) -> str:
    """The first 80 bits of HMAC-SHA256(secret, step as eight bytes, big-endian), as 16 Crockford characters."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), hashlib.sha256)
    return to_crockford(digest[:10]).upper()


def qr_text(voucher: Voucher, now: datetime) -> str:
    """The text of the QR code at this instant; upper case, so that it makes a small code.

    A step dies with its use, so a right with uses left shows the next step until the clock has caught up.
    """
    step = max(step_of(now), voucher.last_step + 1)
    shown = to_crockford(voucher.voucher_id.bytes).upper()
    return f"HT1.{voucher.city_id}.{shown}.{step_token(voucher.secret, step)}"


def read_presented(text: str) -> Qr | Typed | None:
    """What was scanned or typed; None when it is neither. Full-width digits, gaps and a link before it are fine."""
    plain = unicodedata.normalize("NFKC", text).strip().upper()[:200]
    found = _QR.search(plain)
    if found:
        try:
            voucher_id = UUID(bytes=from_crockford(found[2], 16))
        except (ValueError, OverflowError):
            return None
        return Qr(int(found[1]), voucher_id, found[3])
    digits = _GAPS.sub("", plain)
    return Typed(digits) if _CODE.fullmatch(digits) else None


def is_typed(text: str) -> bool:
    """Whether this is a code that was typed: guesses of such codes are counted."""
    return isinstance(read_presented(text), Typed)


def masked(text: str) -> str:
    """What a log may keep of something presented: its length and its last four characters."""
    plain = text.strip()
    return f"{min(len(plain), 200)}:{plain[-4:]}" if len(plain) > 8 else f"{len(plain)}:"


def step_presented(voucher: Voucher, token: str, now: datetime) -> int | None:
    """The step that the token belongs to, looking an hour back; None when it is none of this voucher's."""
    for step in _candidates(voucher, now):
        if hmac.compare_digest(step_token(voucher.secret, step), token.upper()):
            return step
    return None


def _candidates(voucher: Voucher, now: datetime) -> Iterator[int]:
    current = step_of(now)
    ahead = min(voucher.last_step + 1, current + LOOK_AHEAD)
    yield from (current, current - 1)  # what is good, first: each that is tried costs an HMAC
    yield from range(current + 1, ahead + 1)
    yield from range(current - 2, current - LOOK_BACK, -1)


def step_is_fresh(voucher: Voucher, step: int, now: datetime) -> bool:
    """The current step or the one before; or the very next after the last use, when uses run ahead of the clock."""
    current = step_of(now)
    return current - 1 <= step <= current or current < step == voucher.last_step + 1


def proof(voucher: Voucher, *, store_id: UUID, staff_id: UUID, step: int, until: datetime) -> str:
    """Says that this counter has seen this voucher (at `step`, 0 when a code was typed): `<step>.<until>.<mac>`."""
    head = f"{step}.{int(until.timestamp())}"
    return f"{head}.{_proof_mac(voucher, store_id, staff_id, head)}"


def step_proven(voucher: Voucher, text: str, *, store_id: UUID, staff_id: UUID, now: datetime) -> int | None:
    """The step that the proof is about; None when it is false, another counter's, or too old."""
    head, _, mac = text.rpartition(".")
    if not hmac.compare_digest(_proof_mac(voucher, store_id, staff_id, head).encode(), mac.encode()):
        return None
    step, until = (int(part) for part in head.split("."))
    return step if now.timestamp() < until else None


def _proof_mac(voucher: Voucher, store_id: UUID, staff_id: UUID, head: str) -> str:
    message = b"proof" + voucher.voucher_id.bytes + store_id.bytes + staff_id.bytes + head.encode()
    return to_crockford(hmac.digest(voucher.secret, message, hashlib.sha256)[:15])
