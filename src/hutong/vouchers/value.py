"""Stored value: a voucher whose uses are the smallest units of money that it is worth.

What was paid in is the principal and is spent first; what came on top (the bonus) is spent last, costs its merchant
alone and is never given back. Topping up is another voucher: a lot. Pure rules.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from hutong.kit.money import Amount
from hutong.vouchers.model import Voucher, share


def portions(voucher: Voucher, count: int) -> tuple[int, int]:
    """What `count` of the uses that are left take of what was paid and of what is due, in units of its asset.

    The parts of all uses add up to the whole. Of stored value the principal goes first, one for one.
    """
    if voucher.value:
        return min(count, voucher.paid_left), min(count, voucher.due_left)
    left = voucher.uses_left
    return share(voucher.paid_left, count, left), share(voucher.due_left, count, left)


def balance(voucher: Voucher) -> Amount:
    """What stored value is still worth in its shop, the bonus included."""
    return Amount(voucher.uses_left if voucher.value else 0, voucher.asset)


def bonus_left(voucher: Voucher) -> Amount:
    """The part of the balance that was given and not paid in: spent last, refunded never."""
    return Amount(voucher.uses_left - voucher.due_left if voucher.value else 0, voucher.asset)


def spread(lots: Sequence[Voucher], units: int) -> list[tuple[UUID, int]]:
    """How a bill of so many units is paid from lots of stored value: the principals, oldest first, then the bonuses,
    oldest first. Each lot with a part, in that order; less than the bill when the lots are worth less."""
    lots = sorted(lots, key=_age)
    taken = {lot.voucher_id: 0 for lot in lots}
    for sizes in ([lot.due_left for lot in lots], [lot.uses_left - lot.due_left for lot in lots]):
        for lot, size in zip(lots, sizes, strict=True):
            part = min(size, units)
            taken[lot.voucher_id] += part
            units -= part
    return [(voucher_id, part) for voucher_id, part in taken.items() if part]


def _age(lot: Voucher) -> tuple[datetime, UUID]:
    return lot.issued_at, lot.voucher_id
