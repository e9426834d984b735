"""The daily bill: one line for every movement of money on a day of the provider's zone."""

from datetime import date, timedelta

from hutong.cli.sandboxpay.store import Row, Store, stamp
from hutong.kit.clock import day_start, local_day


def bill(store: Store, day: date, zone: str) -> Row:
    """All captures, refunds and payouts of that day, with the fee of each; `closed` says that the day is over.

    Amounts are positive; the kind says the direction. Fees are 6 per mille of what was captured, rounded half up
    line by line, and are not given back with a refund.
    """
    start, end = stamp(day_start(day, zone)), stamp(day_start(day + timedelta(days=1), zone))
    lines = store.rows(
        """select kind, number, out_no, provider_no, amount, asset, fee, at from effect
           where at >= :start and at < :end order by id""",
        start=start,
        end=end,
    )
    return {"day": day.isoformat(), "zone": zone, "closed": day < local_day(store.clock.now(), zone), "lines": lines}
