"""Every invariant of the mall finds what breaks it."""

from datetime import timedelta

import pytest

from hutong.infra.db import Database
from tests.conftest import audit_clean, fires
from tests.db.own_audit import codes
from tests.lane import CITY, a_redeem, captured, hear, redeem, refund
from tests.mall_help import a_gift, a_mall, arrives, comes_back, exchanges, follows, had, sends, wish

pytestmark = pytest.mark.anyio

# What somebody with a client on the database could do; the constraints in the way are named as they fall.
SEEDS = {
    "ML01": ["update mall.counts set units = units + 1"],
    "ML02": ["update vouchers.vouchers set due_units = due_units + 1 where kind = 'gift' and state = 'valid'"],
    "ML03": ["update mall.exchanges set ended_units = units where ended_units = 0"],
    "ML04": ["update settlement.earnings set commission_units = 1, merchant_units = merchant_units - 1"],
    "ML05": ["""update mall.deliveries set state = 'delivered', ended_at = sent_at, version = version
                where state = 'sent'"""],
    "ML06": ["""update vouchers.vouchers set held_for = null, held_ref = null, held_until = null
                where held_for = 'delivery'"""],
    "ML07": ["delete from mall.steps where seq = 1"],
    "ML08": ["""update mall.deliveries set sealed = 'x', ended_at = ended_at - interval '60 days'
                where state = 'delivered'"""],
    "ML09": ["alter table inventory.quotas drop constraint quotas_equality_check",
             "update inventory.quotas q set sold = 0, remaining = total where sold > 0 and label = 'gift'"],
    "ML10": ["""update vouchers.vouchers set valid_from = valid_from - interval '3 days',
                valid_to = valid_from - interval '1 day' where kind = 'gift'"""],
    "ML11": ["update mall.exchanges set points = points + 1"],
    "ML12": ["""update catalog.offers set form = jsonb_set(form, '{cost_units}', '100000')
                where form ->> 'form' = 'gift'"""],
}  # fmt: skip


async def a_life(db: Database, now) -> None:
    """Gifts that are fetched, sent, delivered, returned, given back, and one that waits for its cash."""
    play = await a_mall(db, now, delivery=True, most=20, span="month")
    ann = await play.rich(9_000, now)
    [fetched] = await had(play, ann, now)
    await redeem(db, [a_redeem(play.lane, fetched, now)], now)
    for what in ("delivered", "returned", "sent", "asked"):
        units = await had(play, ann, now, 2, sent=True)
        order = units[0].order_id
        if what != "asked":
            await sends(play, order, now, f"SF{what}")
        if what == "delivered":
            await arrives(play, order, now + timedelta(minutes=5))
        if what == "returned":
            await comes_back(play, order, now)
        await follows(play, order, now)
    [given] = await had(play, ann, now)
    await refund(db, given.order_id, now)
    await follows(play, given.order_id, now)
    costly = await a_gift(db, play.lane, play.alliance, now, cash=100, cost_units=350)
    [waits, paid] = await exchanges(play, [wish(play, ann, gift=costly), wish(play, ann, gift=costly)], now)
    assert waits.state == "placed"
    await hear(db, [captured(paid)], now)


@pytest.mark.parametrize("code", sorted(codes("mall")))
async def test_a_violation_is_found(db: Database, now, code: str):
    await a_life(db, now)
    assert await audit_clean(db)
    async with db.city(CITY) as tx:
        for statement in SEEDS[code]:
            await tx.run(statement)
    assert await fires(db, code), code
