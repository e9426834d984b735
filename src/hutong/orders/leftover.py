"""What is left of a unit, by where it came from: pure rules of a refund."""

from msgspec import Struct, structs

from hutong.kit.money import apportion
from hutong.orders.model import Borne, Tendered, UnitShare
from hutong.vouchers import Voucher

MERCHANT = "merchant"  # what the merchant bears is only not paid: no money moves for it


class Left(Struct, frozen=True):
    """What is left of a unit, by where it came from: money of the provider's, tenders, and what others bore."""

    money: int
    tenders: tuple[Tendered, ...]
    others: tuple[Borne, ...]

    @property
    def tendered(self) -> int:
        return sum(one.units for one in self.tenders)


def left_of(voucher: Voucher, share: UnitShare) -> Left:
    """What goes back where when this unit is given back. Exactly its share when nothing of it was used; of one that was
    used in part, what is left of it in proportion; together always what it is still due."""
    if voucher.untouched:
        fallen = share.paid - voucher.paid_left  # the price of a ladder, since
        return Left(share.money - fallen, share.tenders, share.by)
    others = [one for one in share.by if one.payer != MERCHANT]
    weights = [share.money, *(t.units for t in share.tenders)]
    money = apportion(voucher.paid_left, weights)[0] if sum(weights) else 0
    money = min(money, voucher.due_left)
    behind = [*(t.due for t in share.tenders), *(o.units for o in others)]
    sizes = apportion(voucher.due_left - money, behind) if sum(behind) else [0] * len(behind)
    money = money if sum(behind) else voucher.due_left
    tenders = [_part(t, size, voucher) for t, size in zip(share.tenders, sizes, strict=False)]
    back = [Borne(o.promotion, o.payer, n) for o, n in zip(others, sizes[len(share.tenders) :], strict=True)]
    mine = [
        Borne(one.promotion, one.payer, one.units * voucher.uses_left // voucher.uses_total)
        for one in share.by
        if one.payer == MERCHANT
    ]
    return Left(money, tuple(tenders), tuple(one for one in (*back, *mine) if one.units))


def _part(whole: Tendered, due: int, voucher: Voucher) -> Tendered:
    """The part of a tender that is left of a unit used in part, when so much of its money is."""
    units = min(whole.units, max(min(due, whole.units), whole.units * voucher.uses_left // voucher.uses_total))
    points = whole.points * voucher.uses_left // voucher.uses_total
    return structs.replace(whole, units=units, due=min(due, whole.due), points=points)
