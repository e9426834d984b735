"""The provider's bill of a day: its fees are booked once, and what it paid out is compared with what we sent."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid5

from msgspec import Struct

from hutong import ledger
from hutong.infra.db import Tx
from hutong.kit.money import Amount
from hutong.ledger import Book, Transfer
from hutong.settlement import _steps
from hutong.settlement.model import DayBill
from hutong.settlement.operations.pay_out import must, payout_results
from hutong.settlement.paying import PayoutResult

_BILLS = UUID("01890000-0000-7000-8000-000000000001")  # the name space of bills, which have no id of their own


class PaidOut(Struct, frozen=True):
    """A payout as a provider's bill has it."""

    payout_id: UUID
    amount: Amount


async def book_bills(tx: Tx, bills: Sequence[DayBill], *, city_id: int, now: datetime) -> list[bool]:
    """Book the provider's fee of each day once; True where this call did it. Amounts in units of the bill's asset."""
    rows = await tx.rows(
        """insert into settlement.bills (city_id, provider, day, asset, fee_units, captured_units, refunded_units,
                                         paid_out_units, captured_count, refunded_count, at)
           select %(city)s, b.*, %(now)s
           from unnest(%(providers)s::text[], %(days)s::date[], %(assets)s::text[], %(fees)s::bigint[],
                       %(captured)s::bigint[], %(refunded)s::bigint[], %(paid_out)s::bigint[],
                       %(captures)s::integer[], %(refunds)s::integer[]) as b
           on conflict (city_id, provider, day, asset) do nothing returning provider, day, asset""",
        city=city_id, now=now, providers=[b.provider for b in bills], days=[b.day for b in bills],
        assets=[b.fee.asset for b in bills], fees=[b.fee.units for b in bills],
        captured=[b.captured.units for b in bills], refunded=[b.refunded.units for b in bills],
        paid_out=[b.paid_out.units for b in bills], captures=[b.captured_count for b in bills],
        refunds=[b.refunded_count for b in bills],
    )  # fmt: skip
    fresh = {(row["provider"], row["day"], row["asset"]) for row in rows}
    booked = [(b.provider, b.day, b.fee.asset) in fresh for b in bills]
    transfers = [_fee(b, city_id) for b, new in zip(bills, booked, strict=True) if new and b.fee]
    must(await ledger.post(tx, transfers, now=now))
    return booked


def _fee(bill: DayBill, city_id: int) -> Transfer:
    name = uuid5(_BILLS, f"{city_id}/{bill.provider}/{bill.day.isoformat()}/{bill.fee.asset}")
    return Transfer(
        id=name, book=Book.city(city_id), debit=ledger.chart.expense_provider_fee(),
        credit=ledger.chart.provider(bill.provider), amount=bill.fee, event="provider_fee", ref=name,
    )  # fmt: skip


async def compare_payouts(
    tx: Tx, lines: Sequence[PaidOut], *, city_id: int, now: datetime
) -> list[bool]:  # fmt: skip
    """Whether each payout on a bill is one of ours, of that amount, and done. One that we still ask about is done with
    this; one that we never made, gave back, or sent in another amount is a task."""
    rows = await tx.rows(
        """select payout_id, state, units, asset from settlement.payouts
           where city_id = %(city)s and payout_id = any(%(ids)s::uuid[])""",
        city=city_id,
        ids=sorted({line.payout_id for line in lines}),
    )
    known = {row["payout_id"]: row for row in rows}
    fits = [
        row is not None and (row["units"], row["asset"]) == (line.amount.units, line.amount.asset)
        for line in lines
        for row in [known.get(line.payout_id)]
    ]
    late = [
        PayoutResult(payout_id=line.payout_id, state="done", cause="bill")
        for line, fit in zip(lines, fits, strict=True)
        if fit and known[line.payout_id]["state"] == "unknown"
    ]
    await payout_results(tx, late, city_id=city_id, now=now)
    good = [
        fit and known[line.payout_id]["state"] in ("unknown", "done") for line, fit in zip(lines, fits, strict=True)
    ]
    odd = [
        _steps.Open(kind="bill_differs", ref=line.payout_id, note=line.amount.decimal())
        for line, fine in zip(lines, good, strict=True)
        if not fine
    ]
    await _steps.open_tasks(tx, odd, city_id=city_id, now=now)
    return good
