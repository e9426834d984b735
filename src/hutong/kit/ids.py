"""Names for things: a prefix that says the kind, the city when it is local to one, and a UUIDv7.

`ord_1_01k9...` finds its city (and so its shard) without a look-up; `mem_01k9...` belongs to no city.
"""

import hashlib
from typing import ClassVar
from uuid import UUID

from hutong.kit.refusals import Refusal
from hutong.kit.text import Text

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base32: no i, l, o, u
_LENGTH = 26
_PAIRS = [high + low for high in ALPHABET for low in ALPHABET]  # ten bits at a time
# To the digits that int() reads in base 32. People write i, l and o for 1, 1 and 0; a u is no digit at all.
_DIGITS = str.maketrans(ALPHABET + "ilou", "0123456789abcdefghijklmnopqrstuv" + "110!")


class BadId(Refusal):
    """The text is no id of the kind that was asked for."""

    code = "bad_id"
    status = 404
    say = Text(zh="找不到「{text}」。", en="There is nothing called “{text}”.")
    step = Text(zh="请检查链接或编号。", en="Check the link or the number.")


def to_crockford(data: bytes) -> str:
    """Bytes as Crockford base32, big-endian, fixed length for the number of bytes."""
    length = (len(data) * 8 + 4) // 5
    number = int.from_bytes(data, "big")
    text = "".join([_PAIRS[(number >> shift) & 1023] for shift in range((length - 1) // 2 * 10, -1, -10)])
    return text[-length:]


def from_crockford(text: str, size: int) -> bytes:
    """The inverse of `to_crockford` for `size` bytes; ValueError when it is not one."""
    lower = text.lower()
    if lower and not (lower.isascii() and lower.isalnum()):  # int() would also take a sign, blanks and underscores
        raise ValueError(f"{text[:60]!r} is not base32")
    number = int(lower.translate(_DIGITS) or "0", 32)
    return number.to_bytes(size, "big")  # OverflowError (a kind of ArithmeticError) is turned below


class IdKind:
    """One kind of thing, e.g. `ORDER = IdKind("ord", local=True)`."""

    known: ClassVar[dict[str, "IdKind"]] = {}

    def __init__(self, prefix: str, *, local: bool) -> None:
        if prefix in IdKind.known:
            raise ValueError(f"the prefix {prefix!r} is taken")
        self.prefix, self.local = prefix, local
        IdKind.known[prefix] = self

    def show(self, value: UUID, city_id: int | None = None) -> str:
        """The public form. A city-local thing must be shown with its city."""
        if self.local != (city_id is not None):
            raise ValueError(f"{self.prefix} ids are shown {'with' if self.local else 'without'} a city")
        middle = f"{city_id}_" if self.local else ""
        return f"{self.prefix}_{middle}{to_crockford(value.bytes)}"

    def read(self, text: str) -> UUID:
        """The id of a thing that belongs to no city. Raises BadId."""
        city, value = self._parse(text)
        if city is not None:
            raise BadId(text=text[:60])
        return value

    def read_local(self, text: str) -> tuple[int, UUID]:
        """(city_id, id) of a city-local thing. Raises BadId."""
        city, value = self._parse(text)
        if city is None:
            raise BadId(text=text[:60])
        return city, value

    def _parse(self, text: str) -> tuple[int | None, UUID]:
        parts = text.split("_")
        good = len(parts) == (3 if self.local else 2) and parts[0] == self.prefix
        if not good or len(parts[-1]) != _LENGTH:
            raise BadId(text=text[:60])
        city = parts[1] if self.local else None
        if city is not None and not (city.isascii() and city.isdigit() and len(city) <= 9):
            raise BadId(text=text[:60])
        try:
            value = UUID(bytes=from_crockford(parts[-1], 16))
        except (ValueError, OverflowError):
            raise BadId(text=text[:60]) from None
        return (int(city) if city is not None else None), value


MEMBER = IdKind("mem", local=False)
SESSION = IdKind("ses", local=False)
MERCHANT = IdKind("mer", local=False)
API_KEY = IdKind("key", local=False)
PASSKEY = IdKind("psk", local=False)
EXPORT = IdKind("exp", local=False)
MESSAGE = IdKind("msg", local=False)
PROGRAMME = IdKind("prg", local=False)
STORE = IdKind("sto", local=True)
INVITATION = IdKind("inv", local=True)
PHOTO = IdKind("pho", local=True)
DEVICE = IdKind("dev", local=True)
OFFER = IdKind("off", local=True)
ORDER = IdKind("ord", local=True)
LINE = IdKind("lin", local=True)
PAYMENT = IdKind("pay", local=True)
REFUND = IdKind("ref", local=True)
VOUCHER = IdKind("vch", local=True)
PROMOTION = IdKind("prm", local=True)
REDEMPTION = IdKind("red", local=True)
REVIEW = IdKind("rvw", local=True)
PAYOUT = IdKind("pyo", local=True)
TEAM = IdKind("tem", local=True)
BARGAIN = IdKind("bgn", local=True)
BILL = IdKind("bil", local=True)
BLOCK = IdKind("blk", local=True)
ENTRY = IdKind("ent", local=True)
OPERATOR = IdKind("opr", local=False)
SEAT = IdKind("sea", local=False)
APPLICATION = IdKind("apl", local=True)
DOCUMENT = IdKind("doc", local=True)
CALLING = IdKind("cal", local=True)
CONTRACT = IdKind("ctr", local=True)
CASE = IdKind("cas", local=True)
NEW_STORE = IdKind("nst", local=True)
FACT = IdKind("fct", local=True)
CLEARING = IdKind("clr", local=False)
DISPUTE = IdKind("dsp", local=False)
MOVEMENT = IdKind("mov", local=False)


_KEPT = ((1 << 48) - 1) << 80  # the time of a UUIDv7
_TAKEN = (1 << 76) - 1 ^ (3 << 62)  # what the digest fills: everything else but version and variant
_MARKS = (7 << 76) | (2 << 62)


def derive(parent: UUID, label: str) -> UUID:
    """A second id that follows from a first: same parent and label, same id, in every process.

    What follows from an order (its lines, its transfers) gets its id this way, so doing it twice meets the
    primary key instead of making a twin. The time bits of the parent are kept, so index pages stay warm.
    """
    number = parent.int
    digest = hashlib.sha256(number.to_bytes(16, "big") + label.encode()).digest()
    return UUID(int=(number & _KEPT) | (int.from_bytes(digest[:10], "big") & _TAKEN) | _MARKS)
