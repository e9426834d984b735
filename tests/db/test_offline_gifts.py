"""A voucher that was given away, and a counter without a network."""

from datetime import timedelta

import pytest

from hutong import vouchers
from hutong.infra.ids import new_id
from tests.conftest import audit_clean
from tests.db.test_offline import house, ready, shown, state
from tests.house import TestHouse

pytestmark = pytest.mark.anyio
__all__ = ["house"]  # the fixture


async def test_the_giver_of_a_gift_cannot_show_his_old_code_where_there_is_no_network(house: TestHouse, clock):
    """His phone still has a capsule: what it shows after he gave the voucher away is refused; the friend uses it."""
    [till] = await ready(house)
    phone, voucher = await shown(house)
    city, now = house.town.city_id, clock.move(timedelta(minutes=1))
    async with house.db.city(city) as tx:
        [held] = await vouchers.by_ids(tx, [voucher], city_id=city)
        give = vouchers.Give(gift_id=new_id(), voucher_id=voucher, giver_id=held.member_id, giver_name="Ann")
        [gift] = await vouchers.give(tx, [give], city_id=city, now=now, zone="Asia/Shanghai")
        assert isinstance(gift, vouchers.Gift)
        token = vouchers.gift_token(held.secret, gift.gift_id)
        claim = vouchers.Claim(token=token, member_id=new_id(), member_name="Bo")
        await vouchers.claim_gifts(tx, [claim], city_id=city, now=now)
    later = clock.move(timedelta(minutes=2))
    text = phone.text(voucher, later)
    assert till.accept(text, later) == "accepted", "the till cannot know"
    assert [(one.outcome, one.reason) for one in await till.upload()] == [("refused", "given_away")]
    assert await state(house, voucher) == "valid"
    assert await audit_clean(house.db)
