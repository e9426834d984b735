"""Whether a voucher may be used: one order of reasons for looking and for using, so that both say the same."""

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from hutong.kit.clock import local
from hutong.kit.ids import STORE
from hutong.kit.money import Amount
from hutong.kit.refusals import BadInput, Refusal
from hutong.kit.terms import Expired, why_not_now, why_not_valid
from hutong.kit.text import Text
from hutong.vouchers.capacity import Room
from hutong.vouchers.codes import step_is_fresh
from hutong.vouchers.model import Notice, Voucher
from hutong.vouchers.refusals import (
    AlreadyUsed,
    BalanceTooLow,
    CountTooHigh,
    QrAlreadyUsed,
    StaleQr,
    VoucherInCheckout,
    VoucherOnItsWay,
    VoucherRefunded,
    VoucherRefunding,
    VoucherSent,
    VoucherUsed,
    VoucherVoid,
    WaitingForBuyers,
    WrongStore,
)


class LastUse(Struct, frozen=True, kw_only=True):
    """When, where and by whom a voucher was last used, in words that its merchant's staff may read."""

    at: datetime
    store: str
    staff: str


class Here(Struct, frozen=True, kw_only=True):
    """Where and when it is shown: the store, the instant, and the zone in which days and hours count."""

    store_id: UUID
    now: datetime
    zone: str


def why_not_usable(
    voucher: Voucher, here: Here, *, step: int = 0, prepared: bool = False, last: LastUse | None = None
) -> Refusal | None:
    """The first reason against using the voucher here now, in this order; None when there is none.

    State (void, refunded, refunding, waiting, used, expired), a lock (in checkout, on its way), QR step (used, stale),
    store, validity, blackout days,
    hours. `step` 0: no QR was shown. `prepared`: the step was fresh when it was prepared and may have aged since.
    """
    return (
        _state(voucher, here, last)
        or _step(voucher, here, step, prepared)
        or _store(voucher, here)
        or why_not_valid(voucher.valid_from, voucher.valid_to, at=here.now, zone=here.zone)
        or why_not_now(voucher.terms, at=here.now, zone=here.zone)
    )


def _state(voucher: Voucher, here: Here, last: LastUse | None) -> Refusal | None:
    match voucher.state:
        case "void":
            return VoucherVoid()
        case "refunded":
            return VoucherRefunded()
        case "refunding":
            return VoucherRefunding()
        case "waiting":
            return WaitingForBuyers()
        case "used":
            if last is None:
                return VoucherUsed()
            at = local(last.at, here.zone).strftime("%Y-%m-%d %H:%M")
            return AlreadyUsed(at=at, store=last.store, staff=last.staff)
        case "expired":
            ended = local(voucher.valid_to, here.zone) - timedelta(seconds=1)
            return Expired(valid_to=ended.strftime("%Y-%m-%d"))
        case "valid":
            return why_held(voucher, here.now)


def why_held(voucher: Voucher, now: datetime) -> Refusal | None:
    """The lock that keeps it from every other use. That of an order lasts until the order ends, however late that is;
    that of a gift until its time is over, that of a delivery until it has arrived or come back."""
    if voucher.held_for == "order":
        return VoucherInCheckout()
    if voucher.held_for == "delivery":
        return VoucherSent()
    return VoucherOnItsWay() if voucher.held_until is not None and now < voucher.held_until else None


def _step(voucher: Voucher, here: Here, step: int, prepared: bool) -> Refusal | None:
    if step == 0:
        return None
    if step <= voucher.last_step:
        return QrAlreadyUsed()
    return None if prepared or step_is_fresh(voucher, step, here.now) else StaleQr()


def _store(voucher: Voucher, here: Here) -> Refusal | None:
    if voucher.store_ids and here.store_id not in voucher.store_ids:
        return WrongStore(stores=[STORE.show(store, voucher.city_id) for store in voucher.store_ids])
    return None


def most_now(voucher: Voucher, places: int | None = None) -> int:
    """How many uses one visit may take; `places`: what the store has left for now, None for no limit. Of stored value
    everything that is left."""
    if voucher.value:
        return voucher.uses_left
    most = min(voucher.uses_left, voucher.terms.per_visit or voucher.uses_left)
    return most if places is None else min(most, places)


def why_not_count(voucher: Voucher, count: int) -> Refusal | None:
    """Why not so many uses at once."""
    if count < 1:
        return BadInput(field="count", why="≥ 1")
    if count <= most_now(voucher):
        return None
    if voucher.value:
        return BalanceTooLow(balance=Amount(voucher.uses_left, voucher.asset).words())
    return CountTooHigh(most=most_now(voucher))


def notices(voucher: Voucher, here: Here, room: tuple[Room, ...] = (), *, own: bool = False) -> tuple[Notice, ...]:
    """What the cashier should see before confirming. `room`: how full the day and the hour are, where limited. `own`:
    the cashier holds it himself."""
    terms, found = voucher.terms, []
    if own:
        en = "This is your own voucher: its use is marked, and the operator sees it."
        found.append(Notice("own", Text(zh="这是您自己的券：核销会被标记，运营商可见。", en=en)))
    if voucher.valid_to - here.now <= timedelta(hours=24):
        found.append(Notice("last_day", Text(zh="有效期将在一天内结束。", en="Its validity ends within a day.")))
    if terms.booking_needed:
        found.append(Notice("booking_needed", Text(zh="需提前预约，请核对预约。", en="It needs a booking: check it.")))
    if terms.party_min is not None or terms.party_max is not None:
        low, high = terms.party_min or 1, terms.party_max
        zh = f"适用人数：{low} 人以上。" if high is None else f"适用人数：{low}-{high} 人。"
        en = f"For parties from {low}." if high is None else f"For parties of {low} to {high}."
        found.append(Notice("party", Text(zh=zh, en=en)))
    if terms.per_visit is not None and not voucher.value:
        found.append(
            Notice(
                "per_visit",
                Text(zh=f"每次到店最多使用 {terms.per_visit} 张。", en=f"At most {terms.per_visit} at one visit."),
            )
        )
    for one in room:
        zh = f"本店{'今天' if one.span == 'day' else '这个小时'}还剩 {one.left} 个名额（共 {one.most}）。"
        when = "today" if one.span == "day" else "in this hour"
        en = f"{one.left} of {one.most} places left in this store {when}."
        found.append(Notice(f"per_{one.span}", Text(zh=zh, en=en)))
    return tuple(found)
