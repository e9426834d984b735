"""The member's code: what a member shows at a till to be known there, new every half minute.

Pure functions of a badge's secret and the time, so that a phone without a network can show a fresh one. The text is
`HM1.<member>.<token>`, made like a voucher's: a screenshot of it dies with its half minute, and a bill uses it up.
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

STEP_SECONDS = 30
LOOK_BACK = 120  # steps (one hour) in which an old token is still recognised as old, rather than as none of ours
LOOK_AHEAD = 10  # each bill uses a step up, so a badge may run ahead of the clock
PROOF_LIFE = timedelta(minutes=10)
NEAR = timedelta(minutes=2)  # how far the clock of a till may stand from ours
_TEXT = re.compile(r"(?:^|/)HM1\.([0-9A-Z]{26})\.([0-9A-Z]{16})$")


class TakeBadge(Struct, frozen=True):
    """Give this member a badge with this secret, unless he has one."""

    member_id: UUID
    secret: bytes


class Badge(Struct, frozen=True, kw_only=True):
    """What proves a member at tills. `last_step`: the half minute of the code that was used last."""

    member_id: UUID
    secret: bytes
    last_step: int = 0


class Guest(Struct, frozen=True, kw_only=True):
    """A member who was recognised at a counter by his code: his name as staff may see it, and the proof of it."""

    member_id: UUID
    holder: str
    step: int
    proof: str
    proof_until: datetime


class Proven(Struct, frozen=True):
    """A member whom a counter has recognised, and the half minute of the code."""

    member_id: UUID
    holder: str
    step: int


def fresh_badge_secret() -> bytes:
    """A secret of 128 bits."""
    return secrets.token_bytes(16)


def badge_text(badge: Badge, now: datetime) -> str:
    """The text of the member's QR code at this instant, in upper case, so that it makes a small code."""
    step = max(_step_of(now), badge.last_step + 1)
    return f"HM1.{to_crockford(badge.member_id.bytes).upper()}.{_token(badge.secret, step)}"


def read_badge(text: str) -> tuple[UUID, str] | None:
    """The member and the token of a presented text; None when it is no member's code. A link before it is fine."""
    found = _TEXT.search(unicodedata.normalize("NFKC", text).strip().upper()[:200])
    if found is None:
        return None
    try:
        return UUID(bytes=from_crockford(found[1], 16)), found[2]
    except (ValueError, OverflowError):
        return None


def step_presented(badge: Badge, token: str, now: datetime) -> int | None:
    """The half minute that the token belongs to, looking an hour back; None when it is none of this badge's."""
    for step in _candidates(badge, now):
        if hmac.compare_digest(_token(badge.secret, step), token):
            return step
    return None


def step_is_fresh(badge: Badge, step: int, now: datetime) -> bool:
    """The current half minute or the one before, not used yet; or the very next after the last use."""
    current = _step_of(now)
    return step > badge.last_step and (current - 1 <= step <= current or current < step == badge.last_step + 1)


def step_is_near(step: int, at: datetime) -> bool:
    """Whether the half minute lies near that instant."""
    return _step_of(at - NEAR) <= step <= _step_of(at + NEAR)


def proof_of(badge: Badge, *, store_id: UUID, staff_id: UUID, step: int, until: datetime) -> str:
    """Says that this counter has seen this badge at `step`: `<step>.<until>.<mac>`."""
    head = f"{step}.{int(until.timestamp())}"
    return f"{head}.{_proof_mac(badge, store_id, staff_id, head)}"


def step_proven(badge: Badge, text: str, *, store_id: UUID, staff_id: UUID, now: datetime) -> int | None:
    """The half minute that the proof is about; None when it is false, another counter's, or too old."""
    head, _, mac = text.rpartition(".")
    if not hmac.compare_digest(_proof_mac(badge, store_id, staff_id, head).encode(), mac.encode()):
        return None
    step, until = (int(part) for part in head.split("."))
    return step if now.timestamp() < until else None


def _step_of(now: datetime) -> int:
    return int(now.timestamp()) // STEP_SECONDS


def _token(secret: bytes, step: int) -> str:
    """80 bits of HMAC-SHA256(secret, "member" and the step as eight bytes, big-endian), as Crockford characters."""
    digest = hmac.digest(secret, b"member" + step.to_bytes(8, "big"), hashlib.sha256)
    return to_crockford(digest[:10]).upper()


def _candidates(badge: Badge, now: datetime) -> Iterator[int]:
    current = _step_of(now)
    ahead = min(badge.last_step + 1, current + LOOK_AHEAD)
    yield from (current, current - 1)  # what is good, first: each that is tried costs an HMAC
    yield from range(current + 1, ahead + 1)
    yield from range(current - 2, current - LOOK_BACK, -1)


def _proof_mac(badge: Badge, store_id: UUID, staff_id: UUID, head: str) -> str:
    message = b"proof" + badge.member_id.bytes + store_id.bytes + staff_id.bytes + head.encode()
    return to_crockford(hmac.digest(badge.secret, message, hashlib.sha256)[:15])
