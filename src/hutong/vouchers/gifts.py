"""Gifts: a voucher on its way to a friend, by a link that nobody can guess. Values and pure rules.

The rules (decided here, see docs/decisions): the link works once and until its end; meanwhile nobody can use the
voucher; the giver may take it back, and what nobody accepts comes back by itself. Whoever accepts gets a new secret and
new digits, so every old screenshot is dead. The money stays the buyer's: after the gift is accepted he can no longer
ask for it, the friend never can, and what the terms give back at the end goes to the payment it came from. A gift is
not given on, so a right cannot change hands twice (threat I11).
"""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from msgspec import Struct

from hutong.kit.links import link_text as gift_text
from hutong.kit.links import link_token, token_hash
from hutong.kit.links import read_link as read_gift
from hutong.kit.refusals import BadInput, Refusal
from hutong.kit.text import Text
from hutong.vouchers.model import Voucher
from hutong.vouchers.refusals import GiftGivenOn, NotGiftable

__all__ = ["gift_text", "read_gift", "token_hash"]  # of the kit, under the words of this package

GiftState = Literal["open", "claimed", "taken_back", "expired"]
KEEPS: tuple[int, ...] = (1, 3, 7)  # days that a link may live, as the page offers them
LONGEST_NOTE = 140
PER_DAY = 10  # gifts of one member


class Give(Struct, frozen=True, kw_only=True):
    """Send a voucher on its way. `note`: what the friend reads; `days`: how long the link lives.

    `allowed`: whether such a right may be given away at all; whoever knows its offer says so.
    """

    gift_id: UUID
    voucher_id: UUID
    giver_id: UUID
    giver_name: str
    note: str = ""
    days: int = 3
    allowed: bool = True


class Claim(Struct, frozen=True, kw_only=True):
    """Accept what the link with this token gives."""

    token: bytes
    member_id: UUID
    member_name: str


class TakeBack(Struct, frozen=True, kw_only=True):
    """The giver wants it back before anybody has accepted it."""

    gift_id: UUID
    giver_id: UUID


class Gift(Struct, frozen=True, kw_only=True):
    """A voucher on its way, or what became of it. Its token is not kept: it follows from the voucher's secret."""

    city_id: int
    gift_id: UUID
    voucher_id: UUID
    giver_id: UUID
    giver_name: str
    note: str
    state: GiftState
    made_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None
    taker_id: UUID | None = None
    taker_name: str = ""

    def open_at(self, now: datetime) -> bool:
        """Whether it can be accepted: once over it stays over, also before the round has written that down."""
        return self.state == "open" and now < self.expires_at


class GiftSeen(Struct, frozen=True, kw_only=True):
    """A gift as its page shows it to whoever has the link: what it is, from whom, not where its code is."""

    gift: Gift
    title: Text
    merchant_id: UUID
    order_id: UUID
    offer_id: UUID
    valid_from: datetime
    valid_to: datetime


def gift_token(secret: bytes, gift_id: UUID) -> bytes:
    """The token of a gift: it follows from the voucher's secret, which a claim makes new."""
    return link_token(secret, b"gift", gift_id)


def why_not_given(voucher: Voucher, request: Give, given_once: bool) -> Refusal | None:
    """Why the voucher of this member may not be given away; what its state says against it is said by the lock."""
    if len(request.note) > LONGEST_NOTE:
        return BadInput(field="note", why=f"0-{LONGEST_NOTE}")
    if request.days not in KEEPS:
        return BadInput(field="days", why="/".join(str(days) for days in KEEPS))
    if not request.allowed or voucher.value or not voucher.untouched:
        return NotGiftable()
    return GiftGivenOn() if given_once else None


def ends_at(voucher: Voucher, request: Give, now: datetime) -> datetime:
    """When the link is over: after its days, and never after the voucher itself."""
    return min(now + timedelta(days=request.days), voucher.valid_to)
