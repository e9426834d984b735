"""What a phone shows to a counter without a network: a capsule signed by the house, and the phone's own signature.

Pure functions. The text is `HT2.<base45>.`: a capsule (see `Capsule`), the half minute as four bytes, and 64 bytes of
ECDSA P-256 by the phone over "HT2", the voucher's id and the half minute. All numbers are big-endian.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Literal
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from joserfc.jwk import ECKey
from joserfc.jws import JWSRegistry
from msgspec import Struct

from hutong.kit.clock import local
from hutong.kit.terms import DAY_MINUTES, Terms, why_not_now
from hutong.vouchers.codes import STEP_SECONDS
from hutong.vouchers.model import Voucher

CapsuleKind = Literal["capped", "bound"]
KINDS: dict[CapsuleKind, int] = {"capped": 1, "bound": 2}
VERSION = 1
LIFE = timedelta(hours=48)
MOST_STORES = MOST_WINDOWS = 8
TOLERANCE = timedelta(seconds=150)  # between the phone's half minute and the counter's time
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUES = {char: i for i, char in enumerate(_DIGITS)}
_TEXT = re.compile(r"HT2\.([0-9A-Z $%*+\-./:]{200,700})\.")
_ES256 = JWSRegistry.algorithms["ES256"]


class Capsule(Struct, frozen=True, kw_only=True):
    """A right as a counter may judge it alone. Windows are instants [from, to), to the minute, within its life; stores
    (none: all), merchant and offer are named by the last six bytes of their ids; `face` is what one use may cost."""

    kind: CapsuleKind
    city_id: int
    voucher_id: UUID
    merchant: bytes
    offer: bytes
    stores: tuple[bytes, ...]
    issued_at: datetime
    expires_at: datetime
    windows: tuple[tuple[datetime, datetime], ...]
    uses_left: int
    face: int
    phone_key: bytes

    def usable_at(self, at: datetime) -> bool:
        """Whether it lives and its windows allow use at that instant."""
        return self.issued_at <= at < self.expires_at and any(start <= at < end for start, end in self.windows)


class Token(Struct, frozen=True, kw_only=True):
    """What was shown: the capsule as it was signed, the half minute, the phone's signature."""

    capsule: Capsule
    signed: bytes
    step: int
    signature: bytes

    @property
    def voucher_id(self) -> UUID:
        return self.capsule.voucher_id


class HouseKey:
    """The key that signs capsules: derived from 32 secret bytes, named by four bytes of its public half."""

    def __init__(self, secret: bytes) -> None:
        number = int.from_bytes(hashlib.sha512(b"hutong/capsules" + secret).digest()) % (_ORDER - 1) + 1
        private = ec.derive_private_key(number, ec.SECP256R1())
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self._key = ECKey.import_key(pem.decode())
        self.public = private.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        self.key_id = key_id(self.public)

    def sign(self, capsule: Capsule) -> bytes:
        """The capsule with the name of the key and the signature."""
        body = _pack(capsule, self.key_id)
        return body + _ES256.sign(body, self._key)


def key_id(public: bytes) -> bytes:
    """How a key is named in a capsule."""
    return hashlib.sha256(public).digest()[:4]


def tail(value: UUID) -> bytes:
    """The part of an id that a capsule carries: its last 48 bits are random."""
    return value.bytes[-6:]


@lru_cache(maxsize=4096)
def _public(compressed: bytes) -> ECKey | None:
    try:
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), compressed)
    except ValueError:
        return None
    pem = point.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return ECKey.import_key(pem.decode())


def is_key(compressed: bytes) -> bool:
    """Whether these are the 33 bytes of a point of P-256."""
    return len(compressed) == 33 and _public(compressed) is not None


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` (r and s, 64 bytes) over the message is by this key (compressed)."""
    key = _public(public)
    return key is not None and len(signature) == 64 and bool(_ES256.verify(message, signature, key))


def token_message(voucher_id: UUID, step: int) -> bytes:
    """What the phone signs."""
    return b"HT2" + voucher_id.bytes + step.to_bytes(4, "big")


def why_not_genuine(token: Token, keys: Mapping[bytes, bytes]) -> str | None:
    """None when the house signed the capsule (`keys`: public keys by their names) and the phone the half minute."""
    house = keys.get(token.signed[1:5])
    if house is None:
        return "unknown_key"
    if not verify(house, token.signed[:-64], token.signed[-64:]):
        return "forged_capsule"
    if not verify(token.capsule.phone_key, token_message(token.capsule.voucher_id, token.step), token.signature):
        return "forged_token"
    return None


def shown_by(token: Token, phone_key: bytes) -> bool:
    """Whether the phone with this key signed the half minute."""
    return verify(phone_key, token_message(token.voucher_id, token.step), token.signature)


def in_time(step: int, at: datetime) -> bool:
    """Whether a half minute fits the instant at which it was scanned, both clocks a little wrong."""
    middle = datetime.fromtimestamp(step * STEP_SECONDS + STEP_SECONDS // 2, UTC)
    return abs(at - middle) <= TOLERANCE


def worth(voucher: Voucher) -> int:
    """The most that one use may cost the merchant, in units: what was paid for it or is due for it, rounded up."""
    most = max(voucher.paid_left, voucher.due_left)
    return -(-most // max(1, voucher.uses_left))


def capsule_of(
    voucher: Voucher, *, kind: CapsuleKind, phone_key: bytes, zone: str, now: datetime, life: timedelta = LIFE
) -> Capsule | None:
    """The capsule of a voucher from now on; None when it cannot be judged alone (state, too many stores, no hours)."""
    if voucher.state != "valid" or len(voucher.store_ids) > MOST_STORES:
        return None
    start = now.replace(second=0, microsecond=0)
    end = min(start + life, voucher.valid_to.replace(second=0, microsecond=0))
    # Who has just bought holds it already, so only a beginning that lies ahead moves the first minute.
    begin = _minute_up(voucher.valid_from) if voucher.valid_from > now else start
    found = windows(voucher.terms, start=begin, end=end, zone=zone)
    if not found:
        return None
    if len(found) > MOST_WINDOWS:
        found, end = found[:MOST_WINDOWS], found[MOST_WINDOWS - 1][1]
    return Capsule(
        kind=kind, city_id=voucher.city_id, voucher_id=voucher.voucher_id, merchant=tail(voucher.merchant_id),
        offer=tail(voucher.offer_id), stores=tuple(tail(store) for store in voucher.store_ids), issued_at=start,
        expires_at=end, windows=tuple(found), uses_left=min(voucher.uses_left, 255), face=worth(voucher),
        phone_key=phone_key,
    )  # fmt: skip


def _minute_up(at: datetime) -> datetime:
    floor = at.replace(second=0, microsecond=0)
    return floor if floor == at else floor + timedelta(minutes=1)


def windows(terms: Terms, *, start: datetime, end: datetime, zone: str) -> list[tuple[datetime, datetime]]:
    """The spans of [start, end) in which the calendar of the terms allows use.

    It can only change at local midnights, at the edges of windows, and where the clocks are put forward or back (on
    a half hour): between two such instants one look is enough.
    """
    if start >= end:
        return []
    marks = {start, end}
    half = start.replace(minute=0)
    while half < end:
        marks.add(half)
        half += timedelta(minutes=30)
    edges = {0} | {minute % DAY_MINUTES for w in terms.windows for minute in (w.start, w.end)}
    day = local(start, zone).replace(hour=0, minute=0) - timedelta(days=1)
    for offset in range((end - start).days + 4):
        for edge in edges:
            wall = (day + timedelta(days=offset)).replace(hour=edge // 60, minute=edge % 60)
            marks |= {wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1)}
    spans: list[tuple[datetime, datetime]] = []
    ordered = sorted(mark for mark in marks if start <= mark <= end)
    for a, b in pairwise(ordered):
        if why_not_now(terms, at=a, zone=zone) is not None:
            continue
        if spans and spans[-1][1] == a:
            spans[-1] = (spans[-1][0], b)
        else:
            spans.append((a, b))
    return spans


def _minutes(at: datetime) -> int:
    return int(at.timestamp()) // 60


LAST = _minutes(datetime(9999, 1, 1, tzinfo=UTC))  # four bytes of minutes reach beyond what a date can be


def _instant(minutes: int) -> datetime:
    return datetime.fromtimestamp(minutes * 60, UTC)


def _pack(capsule: Capsule, name: bytes) -> bytes:
    issued = _minutes(capsule.issued_at)
    parts = [
        bytes([VERSION]), name, bytes([KINDS[capsule.kind]]), capsule.city_id.to_bytes(4, "big"),
        capsule.voucher_id.bytes, capsule.merchant, capsule.offer, issued.to_bytes(4, "big"),
        (_minutes(capsule.expires_at) - issued).to_bytes(2, "big"), bytes([capsule.uses_left]),
        min(capsule.face, 2**32 - 1).to_bytes(4, "big"), capsule.phone_key, bytes([len(capsule.stores)]),
        *capsule.stores, bytes([len(capsule.windows)]),
    ]  # fmt: skip
    for start, end in capsule.windows:
        parts += [(_minutes(start) - issued).to_bytes(2, "big"), (_minutes(end) - _minutes(start)).to_bytes(2, "big")]
    return b"".join(parts)


def unpack(signed: bytes) -> Capsule | None:
    """The capsule in these bytes, its signature not looked at; None when they are none."""
    if len(signed) < 84 + 64 or signed[0] != VERSION:
        return None
    kind: CapsuleKind | None = next((name for name, number in KINDS.items() if number == signed[5]), None)
    stores_from = 83
    count = signed[stores_from - 1]
    windows_from = stores_from + 6 * count + 1
    if kind is None or count > MOST_STORES or windows_from > len(signed) - 64:
        return None
    spans = signed[windows_from - 1]
    if spans > MOST_WINDOWS or windows_from + 4 * spans + 64 != len(signed):
        return None
    issued = int.from_bytes(signed[38:42], "big")
    if issued > LAST:
        return None

    def span(i: int) -> tuple[datetime, datetime]:
        at = windows_from + 4 * i
        start = issued + int.from_bytes(signed[at : at + 2], "big")
        return _instant(start), _instant(start + int.from_bytes(signed[at + 2 : at + 4], "big"))

    return Capsule(
        kind=kind, city_id=int.from_bytes(signed[6:10], "big"), voucher_id=UUID(bytes=signed[10:26]),
        merchant=signed[26:32], offer=signed[32:38], issued_at=_instant(issued),
        expires_at=_instant(issued + int.from_bytes(signed[42:44], "big")), uses_left=signed[44],
        face=int.from_bytes(signed[45:49], "big"), phone_key=signed[49:82],
        stores=tuple(signed[stores_from + 6 * i : stores_from + 6 * i + 6] for i in range(count)),
        windows=tuple(span(i) for i in range(spans)),
    )  # fmt: skip


def base45(data: bytes) -> str:
    """RFC 9285: two bytes are three characters of a QR code's alphanumeric mode."""
    out: list[str] = []
    for i in range(0, len(data) - 1, 2):
        number = data[i] * 256 + data[i + 1]
        out += [_DIGITS[number % 45], _DIGITS[number // 45 % 45], _DIGITS[number // 2025]]
    if len(data) % 2:
        out += [_DIGITS[data[-1] % 45], _DIGITS[data[-1] // 45]]
    return "".join(out)


def from_base45(text: str) -> bytes | None:
    """The bytes; None when the text is no base45."""
    out = bytearray()
    for i in range(0, len(text), 3):
        part = [_VALUES.get(char, -1) for char in text[i : i + 3]]
        if len(part) == 1 or -1 in part:
            return None
        number = part[0] + part[1] * 45 + (part[2] * 2025 if len(part) == 3 else 0)
        size = len(part) - 1
        if number >= 256**size:
            return None
        out += number.to_bytes(size, "big")
    return bytes(out)


def token_text(signed: bytes, step: int, signature: bytes) -> str:
    """The text of the QR code."""
    return f"HT2.{base45(signed + step.to_bytes(4, 'big') + signature)}."


def read_token(text: str) -> Token | None:
    """What was scanned, taken apart; nothing is verified. None when it is no such text."""
    found = _TEXT.fullmatch(text)
    data = from_base45(found[1]) if found else None
    if data is None or len(data) < 68:
        return None
    signed = data[:-68]
    capsule = unpack(signed)
    if capsule is None:
        return None
    return Token(
        capsule=capsule, signed=signed, step=int.from_bytes(data[-68:-64], "big"), signature=data[-64:]
    )  # fmt: skip
