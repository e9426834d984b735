"""Values of the counter without a network: what a phone asks, what a device may, what it did, what came of it."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from msgspec import Struct

from hutong.kit.money import Amount
from hutong.kit.text import Text
from hutong.vouchers.capsules import CapsuleKind
from hutong.vouchers.model import Redeem

Outcome = Literal["redeemed", "duplicate_of_self", "conflict", "refunded_meanwhile", "expired_at_scan", "refused"]
OUTCOMES: tuple[Outcome, ...] = (
    "redeemed", "duplicate_of_self", "conflict", "refunded_meanwhile", "expired_at_scan", "refused",
)  # fmt: skip
# Goods may have been given out for these: each is booked as a conflict with a bearer and an owner.
LOST: frozenset[Outcome] = frozenset({"conflict", "refunded_meanwhile", "expired_at_scan", "refused"})
SILENT = timedelta(minutes=5)  # a device that says nothing for so long is taken to be without a network
AHEAD = timedelta(minutes=2)  # how far a device's time may be ahead of the server's


class AskCapsule(Struct, frozen=True, kw_only=True):
    """A phone asks for a capsule of its holder's voucher, bound to its own key (P-256, compressed)."""

    voucher_id: UUID
    member_id: UUID
    phone_key: bytes


class CapsuleMade(Struct, frozen=True, kw_only=True):
    """The signed capsule, and until when it may be shown."""

    voucher_id: UUID
    signed: bytes
    kind: CapsuleKind
    expires_at: datetime


class Pull(Struct, frozen=True, kw_only=True):
    """A device asks what it may do. `holds`: the allowance it has now (0: none); `told_seq`: its last scan's number;
    `wants` False: it gives its allowance back."""

    device_id: UUID
    holds: int
    told_seq: int
    wants: bool = True


class Allowance(Struct, frozen=True, kw_only=True):
    """What a device may accept without asking, until when. Units of `asset`."""

    device_id: UUID
    number: int
    merchant_id: UUID
    store_id: UUID
    asset: str
    max_face_units: int
    max_count: int
    max_units: int
    issued_at: datetime
    until: datetime
    seen_at: datetime
    ended_at: datetime | None = None

    def silent(self, now: datetime) -> bool:
        """Open, alive, and its device has not been heard of: it may be accepting vouchers at this moment."""
        return self.ended_at is None and now < self.until and now - self.seen_at > SILENT


class Pulled(Struct, frozen=True, kw_only=True):
    """The answer: the allowance that holds from now on (None: none), and how far the device's log has come here."""

    allowance: Allowance | None
    last_seq: int
    missing: int


class Changed(Struct, frozen=True):
    """A voucher with a capsule that changed: the last six bytes of its id, and whether it may be used."""

    tail: bytes
    usable: bool


class Scan(Struct, frozen=True, kw_only=True):
    """One row of a device's log as it arrives: see `read_payload`. `staff_id` and its name as the desk knows them."""

    device_id: UUID
    seq: int
    payload: str
    signature: bytes
    staff_id: UUID
    staff_name: str = ""
    store_name: str = ""

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self.payload.encode()).digest()

    @property
    def request_no(self) -> str:
        return f"offline/{self.device_id}/{self.seq}"


class Payload(Struct, frozen=True):
    """What a row says: its number, when it was scanned, under which allowance, by whom, and what was shown."""

    seq: int
    scanned_at: datetime
    allowance: int
    staff_id: UUID | None
    text: str


class Judged(Struct, frozen=True, kw_only=True):
    """A row after looking at it alone: either decided (`outcome`), or to be redeemed (`redeem`)."""

    scan: Scan
    outcome: Outcome | None = None
    reason: str = ""
    replayed: bool = False
    stored: bool = True  # False: nothing of it is written (it was before, or it is a fork)
    redeem: Redeem | None = None
    redemption_id: UUID | None = None
    voucher_id: UUID | None = None
    step: int | None = None
    units: int = 0
    allowance: int = 0
    scanned_at: datetime | None = None
    order: int = 0


class ScanAnswer(Struct, frozen=True, kw_only=True):
    """What became of a row. `reason` is a code; `replayed`: it was answered before, in the same way."""

    device_id: UUID
    seq: int
    outcome: Outcome
    reason: str
    redemption_id: UUID | None = None
    replayed: bool = False


class Conflict(Struct, frozen=True, kw_only=True):
    """Goods given out for a right that did not count: who bears it, who looks after it, how it was closed."""

    device_id: UUID
    seq: int
    merchant_id: UUID
    store_id: UUID
    bearer: Literal["merchant", "platform"]
    loss: Amount
    owner_id: UUID
    opened_at: datetime
    outcome: Outcome
    reason: str
    scanned_at: datetime
    staff_id: UUID
    voucher_id: UUID | None
    title: Text | None
    code_tail: str | None
    resolved_at: datetime | None
    resolved_by: UUID | None
    note: str | None


class Resolve(Struct, frozen=True, kw_only=True):
    """Close a conflict with a note."""

    device_id: UUID
    seq: int
    by: UUID
    note: str


class DeviceState(Struct, frozen=True, kw_only=True):
    """How a device stands: its log here, what it has given that is not here, its open allowance."""

    device_id: UUID
    last_seq: int
    missing: int
    told_seq: int
    open_until: datetime | None
    open_units: int

    @property
    def waiting(self) -> int:
        """Rows that the device said it has and that are not here."""
        return max(0, self.told_seq - self.last_seq) + self.missing


def read_payload(payload: str) -> Payload | None:
    """`HS1|<seq>|<ms since 1970>|<allowance>|<id of the member or ->|<text>`, taken apart; None when it is none."""
    parts = payload.split("|", 5)
    if len(parts) != 6 or parts[0] != "HS1" or not all(p.isascii() and p.isdecimal() for p in parts[1:4]):
        return None
    seq, millis, allowance = (int(part[:16]) for part in parts[1:4])
    if not (0 < seq < 2**53 and millis < 2**43 and allowance < 2**53):
        return None
    try:
        staff = UUID(parts[4])
    except ValueError:
        staff = None
    at = datetime.fromtimestamp(millis / 1000, UTC)
    return Payload(seq, at, allowance, staff, parts[5])


def write_payload(*, seq: int, scanned_ms: int, allowance: int, staff: str, text: str) -> str:
    """The inverse, as devices write it."""
    return f"HS1|{seq}|{scanned_ms}|{allowance}|{staff}|{text}"
