"""Parcels: handed to a carrier, arrived, or come back. Parcels are locked before orders and vouchers.

What is sent is locked, so that nobody uses it in a shop or asks its points back meanwhile; what has arrived is used.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from hutong import orders, vouchers
from hutong.infra.db import Tx
from hutong.kit.ids import derive
from hutong.kit.refusals import Refusal
from hutong.mall.model import CONFIRM_AFTER, Delivered, Delivery, Returned, Send, SentOut
from hutong.mall.operations import _rows
from hutong.mall.refusals import DeliveryNotFound, DeliveryState
from hutong.orders import AskRefund

LONGEST = timedelta(days=365)  # a lock says until when; a parcel has long ended by then


async def send_out(
    tx: Tx, requests: Sequence[Send], *, city_id: int, now: datetime, zone: str
) -> list[SentOut | Refusal]:
    """Hand parcels to their carriers, in list order: from now on their vouchers are locked.

    What the member took back or fetched meanwhile is refused with the voucher's own reason; when only some units of an
    order are left, those are sent. The same carrier and number again is `replayed`.
    Refusals: delivery_not_found (also another merchant's), delivery_state, those of vouchers.lock, voucher_used.
    """
    there = await _rows.lock(tx, [r.order_id for r in requests], city_id=city_id)
    units = await _units(tx, there, city_id=city_id)
    results: list[SentOut | Refusal | None] = []
    going: dict[UUID, tuple[int, Send]] = {}  # by order: its place in the list
    for i, request in enumerate(requests):
        parcel = there.get(request.order_id)
        refusal, same = _why_not_send(parcel, request)
        if refusal is not None or parcel is None:
            results.append(refusal or DeliveryNotFound())
        elif same:
            results.append(SentOut(order_id=request.order_id, units=parcel.units, replayed=True))
        elif request.order_id in going:
            results.append(DeliveryState(state="sent"))
        else:
            going[request.order_id] = (i, request)
            results.append(None)
    locks = [
        _lock(voucher, order_id, now) for order_id in going for voucher in units[order_id] if voucher.state == "valid"
    ]
    done = await vouchers.lock(tx, locks, city_id=city_id, now=now, zone=zone)
    failed = {lock.ref: one for lock, one in zip(locks, done, strict=True) if isinstance(one, Refusal)}
    held = {order_id: [lock for lock in locks if lock.ref == order_id] for order_id in going}
    kept = [vouchers.Hold(lock.voucher_id, lock.ref) for lock in locks if lock.ref in failed]
    await vouchers.unlock(tx, kept, city_id=city_id, now=now)
    moves: list[_rows.Move] = []
    for order_id, (i, request) in going.items():
        if order_id in failed or not held[order_id]:
            results[i] = failed.get(order_id) or _gone(units[order_id])
            continue
        results[i] = SentOut(order_id=order_id, units=len(held[order_id]))
        moves.append(
            _rows.Move(
                was=there[order_id], state="sent", by=request.by, carrier=request.carrier.strip(),
                number=request.number.strip(), store_id=request.store_id,
            )
        )  # fmt: skip
    await _rows.move(tx, moves, city_id=city_id, now=now)
    return [one for one in results if one is not None]


def _why_not_send(parcel: Delivery | None, request: Send) -> tuple[Refusal | None, bool]:
    """Why not; or whether it was sent just so before."""
    if parcel is None or parcel.merchant_id != request.merchant_id:
        return DeliveryNotFound(), False
    if parcel.state == "sent":
        same = (parcel.carrier, parcel.number) == (request.carrier.strip(), request.number.strip())
        return (None, True) if same else (DeliveryState(state="sent"), False)
    return (None, False) if parcel.state == "asked" else (DeliveryState(state=parcel.state), False)


def _gone(units: Sequence[vouchers.Voucher]) -> Refusal:
    """Nothing of the order is left to send."""
    used = any(unit.state == "used" for unit in units)
    return vouchers.VoucherUsed() if used else vouchers.VoucherRefunded()


def _lock(voucher: vouchers.Voucher, ref: UUID, now: datetime) -> vouchers.Lock:
    return vouchers.Lock(
        voucher_id=voucher.voucher_id, member_id=voucher.member_id, held_for="delivery", ref=ref, until=now + LONGEST
    )


async def _units(
    tx: Tx, parcels: dict[UUID, Delivery], *, city_id: int
) -> dict[UUID, list[vouchers.Voucher]]:  # fmt: skip
    """The vouchers of these orders, locked; the orders come first, as everywhere."""
    found: dict[UUID, list[vouchers.Voucher]] = {order_id: [] for order_id in parcels}
    for voucher in await vouchers.lock_orders(tx, sorted(parcels), city_id=city_id) if parcels else []:
        found[voucher.order_id].append(voucher)
    return found


async def lock_sent(tx: Tx, order_ids: Sequence[UUID], *, city_id: int) -> list[Delivered | Refusal]:
    """What parcels that have arrived bring: the vouchers to be used with them now. For whoever uses them in the same
    transaction and then calls `mark_delivered`; one that arrived before is `replayed`.

    Refusals: delivery_not_found, delivery_state.
    """
    there = await _rows.lock(tx, order_ids, city_id=city_id)
    units = await _units(tx, there, city_id=city_id)
    results: list[Delivered | Refusal] = []
    for order_id in order_ids:
        parcel = there.get(order_id)
        if parcel is None:
            results.append(DeliveryNotFound())
        elif parcel.store_id is None or parcel.state not in ("sent", "delivered"):
            results.append(DeliveryState(state=parcel.state))
        else:
            mine = [v.voucher_id for v in units[order_id] if v.held_for == "delivery" and v.held_ref == order_id]
            results.append(
                Delivered(
                    order_id=order_id, merchant_id=parcel.merchant_id, store_id=parcel.store_id,
                    voucher_ids=tuple(mine), replayed=parcel.state == "delivered",
                )
            )  # fmt: skip
    return results


async def mark_delivered(
    tx: Tx, order_ids: Sequence[UUID], *, by: UUID | None, words: str = "", city_id: int, now: datetime
) -> list[bool]:
    """These parcels have arrived (their vouchers were used in this transaction); True where this call says so first.

    `by`: the member or the staff who said it; None: nobody did for CONFIRM_AFTER.
    """
    there = await _rows.lock(tx, order_ids, city_id=city_id)
    sent = [there[i] for i in dict.fromkeys(order_ids) if i in there and there[i].state == "sent"]
    moves = [_rows.Move(was=parcel, state="delivered", by=by, words=words) for parcel in sent]
    await _rows.move(tx, moves, city_id=city_id, now=now)
    now_there = {parcel.order_id for parcel in sent}
    return [order_id in now_there for order_id in order_ids]


async def return_to_sender(
    tx: Tx, order_ids: Sequence[UUID], *, merchant_id: UUID, by: UUID, words: str, city_id: int, now: datetime
) -> list[Returned | Refusal]:
    """These parcels came back: points and cash go back to their members.

    Refusals: delivery_not_found (also another merchant's), delivery_state.
    """
    there = await _rows.lock(tx, order_ids, city_id=city_id)
    results: list[Returned | Refusal] = []
    back: list[Delivery] = []
    for order_id in order_ids:
        parcel = there.get(order_id)
        if parcel is None or parcel.merchant_id != merchant_id:
            results.append(DeliveryNotFound())
        elif parcel.state not in ("sent", "returned"):
            results.append(DeliveryState(state=parcel.state))
        else:
            results.append(Returned(order_id=order_id, replayed=parcel.state == "returned"))
            back += [parcel] if parcel.state == "sent" else []
    if not back:
        return results
    await orders.lock(tx, [parcel.order_id for parcel in back], city_id=city_id)
    units = await _units(tx, {parcel.order_id: parcel for parcel in back}, city_id=city_id)
    held = [(v, parcel) for parcel in back for v in units[parcel.order_id] if v.held_ref == parcel.order_id]
    await vouchers.unlock(
        tx, [vouchers.Hold(v.voucher_id, parcel.order_id) for v, parcel in held], city_id=city_id, now=now
    )
    moves = [_rows.Move(was=parcel, state="returned", by=by, words=words) for parcel in back]
    await _rows.move(tx, moves, city_id=city_id, now=now)
    asks = [
        AskRefund(
            refund_id=derive(parcel.order_id, "returned"), order_id=parcel.order_id, by=by, reason="cannot_serve",
            by_merchant=True, voucher_ids=tuple(sorted(v.voucher_id for v, mine in held if mine is parcel)),
        )
        for parcel in back
    ]  # fmt: skip
    for answer in await orders.ask_refunds(tx, asks, city_id=city_id, now=now):
        assert not isinstance(answer, Refusal), answer
    return results


async def sent_long_ago(tx: Tx, *, city_id: int, now: datetime, limit: int = 100) -> list[UUID]:
    """Parcels of which nobody has said for CONFIRM_AFTER whether they arrived; locks nothing."""
    rows = await tx.rows(
        """select d.order_id from mall.deliveries d
           where d.city_id = %(city)s and d.state = 'sent' and d.sent_at <= %(before)s
           order by d.sent_at, d.order_id limit %(limit)s""",
        city=city_id, before=now - CONFIRM_AFTER, limit=limit,
    )  # fmt: skip
    return [row["order_id"] for row in rows]
