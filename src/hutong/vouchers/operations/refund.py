"""The marks of a refund on a voucher. Exactly one of refund and redemption wins: both lock the same row (case K1)."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from hutong.infra.db import Tx
from hutong.kit.refusals import Refusal
from hutong.vouchers.model import Voucher
from hutong.vouchers.operations._rows import FREE, Changed, lock, save, step
from hutong.vouchers.queries import as_voucher
from hutong.vouchers.refusals import (
    NotRefunding,
    VoucherRefunded,
    VoucherRefunding,
    VoucherUnknown,
    VoucherUsed,
    VoucherVoid,
)
from hutong.vouchers.rules import why_held

_Decide = Callable[[Voucher], Changed | Voucher | Refusal]


async def lock_orders(tx: Tx, order_ids: Sequence[UUID], *, city_id: int) -> list[Voucher]:
    """All vouchers of these orders, locked until the transaction ends: what is decided about them stays true."""
    rows = await tx.rows(
        """select * from vouchers.vouchers where city_id = %(city)s and order_id = any(%(ids)s::uuid[])
           order by voucher_id for no key update""",
        city=city_id, ids=sorted(set(order_ids)),
    )  # fmt: skip
    return [as_voucher(row) for row in rows]


async def start_refund(
    tx: Tx, voucher_ids: Sequence[UUID], *, city_id: int, now: datetime, by: UUID | None = None,
    reason: str = "refund", gifts: bool = False,
) -> list[Voucher | Refusal]:  # fmt: skip
    """From now on these vouchers cannot be used: their money is on the way back. Each as it then is.

    `paid_left` and `due_left` are what is to be given back, in units of its asset. Valid, waiting and expired
    vouchers may be refunded; locked ones only when it is for a gift and `gifts` says that it ends with this.
    Refusals: voucher_not_found, voucher_refunding, voucher_refunded, voucher_used, voucher_void, voucher_in_checkout,
    voucher_on_its_way.
    """

    def decide(voucher: Voucher) -> Changed | Refusal:
        match voucher.state:
            case "valid" | "waiting" | "expired":
                held = why_held(voucher, now)
                if held is not None and not (gifts and voucher.held_for == "gift"):
                    return held
                return step(voucher, by=by, reason=reason, state="refunding", refund_from=voucher.state, **FREE)
            case "refunding":
                return VoucherRefunding()
            case "refunded":
                return VoucherRefunded()
            case "used":
                return VoucherUsed()
            case "void":
                return VoucherVoid()

    return await _each(tx, voucher_ids, decide, city_id=city_id, now=now)


async def refunded(
    tx: Tx, voucher_ids: Sequence[UUID], *, city_id: int, now: datetime, by: UUID | None = None,
    reason: str = "refunded",
) -> list[Voucher | Refusal]:  # fmt: skip
    """The money has been given back. One that is refunded already stays so.

    Refusals: voucher_not_found, voucher_not_refunding.
    """

    def decide(voucher: Voucher) -> Changed | Voucher | Refusal:
        if voucher.state == "refunded":
            return voucher
        if voucher.state != "refunding":
            return NotRefunding()
        return step(voucher, by=by, reason=reason, state="refunded", refund_from=None)

    return await _each(tx, voucher_ids, decide, city_id=city_id, now=now)


async def refund_failed(
    tx: Tx, voucher_ids: Sequence[UUID], *, city_id: int, now: datetime, by: UUID | None = None,
    reason: str = "refund_failed",
) -> list[Voucher | Refusal]:  # fmt: skip
    """The money will not be given back: the vouchers are what they were before (valid, waiting or expired).

    One that can be used already stays so. Refusals: voucher_not_found, voucher_not_refunding.
    """

    def decide(voucher: Voucher) -> Changed | Voucher | Refusal:
        if voucher.state == "refunding":
            assert voucher.refund_from is not None
            return step(voucher, by=by, reason=reason, state=voucher.refund_from, refund_from=None)
        return voucher if voucher.state in ("valid", "waiting", "expired") else NotRefunding()

    return await _each(tx, voucher_ids, decide, city_id=city_id, now=now)


async def void(
    tx: Tx, voucher_ids: Sequence[UUID], *, city_id: int, now: datetime, by: UUID | None, reason: str
) -> list[Voucher | Refusal]:
    """Take vouchers out of use for good, without a refund (fraud). One that is void already stays so.

    Refusals: voucher_not_found, voucher_refunding, voucher_refunded, voucher_used.
    """

    def decide(voucher: Voucher) -> Changed | Voucher | Refusal:
        match voucher.state:
            case "valid" | "waiting" | "expired":
                return step(voucher, by=by, reason=reason, state="void", **FREE)
            case "void":
                return voucher
            case "refunding":
                return VoucherRefunding()
            case "refunded":
                return VoucherRefunded()
            case "used":
                return VoucherUsed()

    return await _each(tx, voucher_ids, decide, city_id=city_id, now=now)


async def _each(
    tx: Tx, voucher_ids: Sequence[UUID], decide: _Decide, *, city_id: int, now: datetime
) -> list[Voucher | Refusal]:
    """Lock all, decide one by one in list order, write all."""
    stock = await lock(tx, voucher_ids, city_id=city_id)
    results: list[Voucher | Refusal] = []
    changed: list[Changed] = []
    for voucher_id in voucher_ids:
        voucher = stock.get(voucher_id)
        answer = VoucherUnknown() if voucher is None else decide(voucher)
        if isinstance(answer, Changed):
            changed.append(answer)
            stock[voucher_id] = answer.voucher
            answer = answer.voucher
        results.append(answer)
    await save(tx, changed, city_id=city_id, now=now)
    return results
