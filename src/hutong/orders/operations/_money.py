"""Money on its way back: reserved in the books, asked of the provider after the commit, posted when it says so."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from hutong import ledger, payments
from hutong.infra.db import Tx
from hutong.infra.facts import Fact
from hutong.kit.ids import derive
from hutong.kit.money import Amount
from hutong.ledger import Account, Book, Transfer
from hutong.orders.operations._sure import must


class Back(Struct, frozen=True, kw_only=True):
    """One refund that has been decided. `source` is the account that owes the buyer. `tendered`: the part of the amount
    that goes back to his cards and points; the rest is the provider's to give back."""

    refund_id: UUID
    order_id: UUID
    payment_id: UUID
    provider: str
    merchant_id: UUID
    source: Account
    amount: Amount
    voucher_ids: tuple[UUID, ...]
    by: UUID | None
    reason: str
    tendered: int = 0

    @property
    def money(self) -> Amount:
        return Amount(self.amount.units - self.tendered, self.amount.asset)


async def send_back(tx: Tx, backs: Sequence[Back], *, city_id: int, now: datetime) -> None:
    """Write the refunds, reserve their money, and leave the intents for the courier. There is money in each."""
    if not backs:
        return
    await insert(tx, backs, state="asked", city_id=city_id, now=now)
    must(await ledger.post(tx, [_reserve(b, city_id) for b in backs], now=now), "reserve refund")
    asks = [
        payments.AskRefund(refund_id=b.refund_id, payment_id=b.payment_id, amount=b.money, reason=b.reason)
        for b in backs
    ]
    must(await payments.ask_refunds(tx, asks, city_id=city_id, now=now), "ask refund")
    await tx.record([fact(b, "orders.refund_asked", city_id, now) for b in backs])


async def insert(tx: Tx, backs: Sequence[Back], *, state: str, city_id: int, now: datetime) -> None:
    """The rows of refunds, asked or (when they move no money) done."""
    await tx.run(
        """insert into orders.refunds (city_id, refund_id, order_id, payment_id, provider, merchant_id,
                                       voucher_ids, units, tendered_units, asset, reason, by,
                                       state, asked_at, ended_at)
           select %(city)s, r.id, r.ord, r.payment, r.provider, r.merchant,
                  string_to_array(r.vouchers, ',')::uuid[], r.units, r.tendered, r.asset,
                  r.reason, r.by, %(state)s, %(now)s,
                  case when %(state)s = 'done' then %(now)s::timestamptz end
           from unnest(%(ids)s::uuid[], %(orders)s::uuid[], %(payments)s::uuid[], %(providers)s::text[],
                       %(merchants)s::uuid[], %(vouchers)s::text[],
                       %(units)s::bigint[], %(tendered)s::bigint[], %(assets)s::text[], %(reasons)s::text[],
                       %(bys)s::uuid[])
                as r(id, ord, payment, provider, merchant, vouchers, units, tendered, asset, reason, by)""",
        city=city_id, now=now, state=state, ids=[b.refund_id for b in backs], orders=[b.order_id for b in backs],
        payments=[b.payment_id for b in backs], providers=[b.provider for b in backs],
        merchants=[b.merchant_id for b in backs],
        vouchers=[",".join(str(v) for v in b.voucher_ids) for b in backs],
        units=[b.amount.units for b in backs], tendered=[b.tendered for b in backs],
        assets=[b.amount.asset for b in backs],
        reasons=[b.reason for b in backs], bys=[b.by for b in backs],
    )  # fmt: skip


def reserve_id(refund_id: UUID) -> UUID:
    """The id of the transfer that keeps the money of a refund until the provider has given it back."""
    return derive(refund_id, "reserve")


def _reserve(back: Back, city_id: int) -> Transfer:
    return Transfer(
        id=reserve_id(back.refund_id), book=Book.city(city_id), debit=back.source,
        credit=ledger.chart.provider(back.provider), amount=back.money, step="reserve", event="refund",
        ref=back.refund_id,
    )  # fmt: skip


def fact(back: Back, topic: str, city_id: int, now: datetime) -> Fact:
    """What a refund tells the relay under `topic`; the same refund and topic are the same fact."""
    payload = {"refund": str(back.refund_id), "units": back.amount.units, "asset": back.amount.asset}
    return Fact(
        fact_id=derive(back.refund_id, topic), city_id=city_id, topic=topic, subject=back.order_id,
        payload=payload | {"reason": back.reason}, at=now,
    )  # fmt: skip
