"""A merchant buys a block of money for points: out of what he has earned, or by paying for it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from hutong import ledger, payments, programmes
from hutong.infra.db import Tx
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text
from hutong.payments import OpenIntent
from hutong.till.operations._blocks import fund_of

BLOCK_WORDS = Text(zh="积分备付金", en="A block for points")
PAY_FOR = timedelta(minutes=30)


class BuyBlock(Struct, frozen=True, kw_only=True):
    """So much for points. `provider` and `payment_id`: it is paid there; without them it comes out of what the merchant
    has earned in this city."""

    block_id: UUID
    programme_id: UUID
    merchant_id: UUID
    by: UUID
    amount: Amount
    provider: str | None = None
    payment_id: UUID | None = None


class Bought(Struct, frozen=True, kw_only=True):
    """The block: there at once, or when it is paid."""

    block_id: UUID
    amount: Amount
    state: str
    payment_id: UUID | None
    asked_at: datetime
    paid_at: datetime | None
    by: UUID
    provider: str | None


async def buy_blocks(tx: Tx, asks: Sequence[BuyBlock], *, city_id: int, now: datetime) -> list[Bought | Refusal]:
    """Buy blocks, in the order of the list. One that is paid at a provider is opened here and added by `receive`.

    Refusals: those of programmes.fund (not a partner, more than the merchant has earned, another currency).
    """
    own = [ask for ask in asks if ask.provider is None]
    path = ledger.chart.payable_merchant
    funds = [fund_of(_row(ask), path(ask.merchant_id).path, city_id) for ask in own]
    funded = dict(
        zip((ask.block_id for ask in own), await programmes.fund(tx, funds, now=now) if funds else [], strict=True)
    )
    results: list[Bought | Refusal] = []
    for ask in asks:
        done = funded.get(ask.block_id)
        paid = now if ask.provider is None else None
        results.append(
            done if isinstance(done, Refusal) else Bought(
                block_id=ask.block_id, amount=ask.amount, state="paid" if paid else "open", payment_id=ask.payment_id,
                asked_at=now, paid_at=paid, by=ask.by, provider=ask.provider,
            )
        )  # fmt: skip
    good = [(ask, one) for ask, one in zip(asks, results, strict=True) if isinstance(one, Bought)]
    await _insert(tx, good, city_id=city_id)
    intents = [_intent(ask, now) for ask, _ in good if ask.provider is not None]
    for opened in await payments.open(tx, intents, city_id=city_id, now=now):
        if isinstance(opened, Refusal):
            raise opened
    return results


def _row(ask: BuyBlock) -> dict[str, object]:
    return {
        "block_id": ask.block_id, "programme_id": ask.programme_id, "merchant_id": ask.merchant_id,
        "units": ask.amount.units, "asset": ask.amount.asset,
    }  # fmt: skip


def _intent(ask: BuyBlock, now: datetime) -> OpenIntent:
    assert ask.provider is not None
    assert ask.payment_id is not None
    return OpenIntent(
        payment_id=ask.payment_id, order_id=ask.block_id, purpose="block", provider=ask.provider, amount=ask.amount,
        description=BLOCK_WORDS.zh, expires_at=now + PAY_FOR,
    )  # fmt: skip


async def _insert(tx: Tx, bought: Sequence[tuple[BuyBlock, Bought]], *, city_id: int) -> None:
    if not bought:
        return
    await tx.run(
        """insert into till.blocks (city_id, block_id, programme_id, merchant_id, asset, units, provider, payment_id,
                                    state, by, asked_at, paid_at)
           select %(city)s, b.* from unnest(
             %(ids)s::uuid[], %(programmes)s::uuid[], %(merchants)s::uuid[], %(assets)s::text[], %(units)s::bigint[],
             %(providers)s::text[], %(payments)s::uuid[], %(states)s::text[], %(bys)s::uuid[], %(ats)s::timestamptz[],
             %(paids)s::timestamptz[]) as b""",
        city=city_id, ids=[b.block_id for _, b in bought], programmes=[a.programme_id for a, _ in bought],
        merchants=[a.merchant_id for a, _ in bought], assets=[b.amount.asset for _, b in bought],
        units=[b.amount.units for _, b in bought], providers=[b.provider for _, b in bought],
        payments=[b.payment_id for _, b in bought], states=[b.state for _, b in bought],
        bys=[b.by for _, b in bought], ats=[b.asked_at for _, b in bought], paids=[b.paid_at for _, b in bought],
    )  # fmt: skip


async def blocks_of(tx: Tx, merchant_id: UUID, *, city_id: int, limit: int = 50) -> list[Bought]:
    """The blocks that a merchant asked for in this city, newest first."""
    rows = await tx.rows(
        """select * from till.blocks where city_id = %(city)s and merchant_id = %(merchant)s
           order by asked_at desc, block_id desc limit %(limit)s""",
        city=city_id,
        merchant=merchant_id,
        limit=limit,
    )
    plain = ("block_id", "state", "payment_id", "asked_at", "paid_at", "by", "provider")
    return [Bought(**{name: row[name] for name in plain}, amount=Amount(row["units"], row["asset"])) for row in rows]
