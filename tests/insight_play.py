"""Visits for tests of insight: guests on days, without a shop around them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from hutong.infra.ids import new_id
from hutong.insight import Visit
from hutong.kit.clock import local_day

ZONE = "Asia/Shanghai"


def a_visit(
    member: UUID, at: datetime, *, merchant: UUID, offer: UUID, bought_at: datetime | None = None, zone: str = ZONE,
    full_price: bool = False, paid: int = 6_800, listed: int = 9_800, undone_at: datetime | None = None,
    store: UUID | None = None, valid_days: int = 30,
) -> Visit:  # fmt: skip
    """One use of a unit bought a moment before, unless said otherwise; commission 8 %."""
    bought = bought_at or at - timedelta(minutes=1)
    paid = listed if full_price else paid
    return Visit(
        redemption_id=new_id(), voucher_id=new_id(), merchant_id=merchant, store_id=store or merchant, member_id=member,
        offer_id=offer, trade="noodles", day=local_day(at, zone), at=at, bought_at=bought, valid_from=bought,
        valid_to=bought + timedelta(days=valid_days), count=1, full_price=full_price, asset="CNY", list_units=listed,
        price_units=paid, paid_units=paid, due_units=paid, commission_units=paid * 8 // 100,
        merchant_units=paid - paid * 8 // 100, undone_at=undone_at,
    )  # fmt: skip


def at_noon(day: date, zone: str = ZONE) -> datetime:
    """Noon of a local day."""
    return datetime.combine(day, time(12), ZoneInfo(zone)).astimezone(UTC)


def repeats(
    purchases: Iterable[tuple[object, date]], today: date, windows: Sequence[int] = (30, 60, 90)
) -> dict[int, tuple[int, int]]:
    """(came back, known) for each window, computed by walking through every guest's days: no SQL, no sets of rows."""
    days: dict[object, set[date]] = {}
    for guest, day in purchases:
        days.setdefault(guest, set()).add(day)
    found = {}
    for window in windows:
        known = back = 0
        for mine in days.values():
            first = min(mine)
            if (today - first).days > window:
                known += 1
                back += any(0 < (day - first).days <= window for day in mine)
        found[window] = (back, known)
    return found
