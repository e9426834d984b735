"""A member's own data as one file: everything that the house keeps about him, over all cities, as JSON in a zip.

The file is made when its owner fetches it and is never stored: what does not lie about cannot leak.
"""

import io
import zipfile
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from hutong import messages, orders, payments, people, places, reviews, vouchers
from hutong.desk.copying_points import parcels_of, points_of
from hutong.desk.house import House
from hutong.infra.db import Tx
from hutong.kit.access import Actor
from hutong.kit.ids import MEMBER, ORDER, PAYMENT, REFUND, VOUCHER
from hutong.orders import Order
from hutong.places import City
from hutong.vouchers import Voucher

ORDERS_MOST = 2000  # of one city; a member with more of them asks our support
MESSAGES_MOST = 1000
SMS_BACK = timedelta(days=365)
READ_ME = """胡同会员数据副本 / A copy of your data at Hutong

me.json        账号、通行密钥、登录设备、通知选择 / account, passkeys, devices, choices
messages.json  站内消息与短信记录 / messages in the app and by text
orders.json    各城市的订单、付款与退款 / orders, payments and refunds, city by city
vouchers.json  各城市的券与使用记录 / vouchers and their uses, city by city
reviews.json   写过的评价 / reviews
points.json    积分、有效期与明细 / points, their ends, and what came and went
gifts.json     积分兑换与配送 / gifts had for points, and parcels

时间为 UTC，金额以最小货币单位（分）计。 Times are UTC; amounts are in the smallest unit (fen).
"""


async def copy_of(house: House, actor: Actor) -> bytes:
    """The zip. Only for the actor himself; nothing of others is in it (no staff, no shares of merchants)."""
    async with house.db.reading() as tx:
        me, told = await _me(tx, house, actor), await _messages(tx, house, actor)
        every = await places.cities(tx)
        mine = await orders.cities_of_member(tx, actor.member_id, [city.city_id for city in every])
        points = await points_of(tx, house, actor.member_id)
    bought: list[dict[str, Any]] = []
    held: list[dict[str, Any]] = []
    said: list[dict[str, Any]] = []
    gifts: list[dict[str, Any]] = []
    for city in (one for one in every if one.city_id in mine):
        async with house.db.reading(city.city_id) as tx:
            await _city(tx, city, actor.member_id, bought, held)
            said += await _reviews(tx, city, actor.member_id)
            gifts += await parcels_of(tx, house, city, actor.member_id)
    parts = {"me": me, "messages": told, "orders": bought, "vouchers": held, "reviews": said}
    return _packed(parts | {"points": points, "gifts": gifts})


def _packed(parts: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("README.txt", READ_ME)
        for name, part in parts.items():
            file.writestr(f"{name}.json", msgspec.json.format(msgspec.json.encode(part), indent=2))
    return buffer.getvalue()


async def _me(tx: Tx, house: House, actor: Actor) -> dict[str, Any]:
    now = house.clock.now()
    member = (await people.members(tx, [actor.member_id]))[actor.member_id]
    return {
        "id": MEMBER.show(actor.member_id),
        "name": member.name,
        "phone": await people.whole_phone(tx, actor.member_id),
        "language": member.language,
        "since": member.created_at,
        "roles": [
            {"role": grant.role.value, "city": grant.city_id, "merchant": grant.merchant_id, "store": grant.store_id}
            for grant in actor.grants
        ],
        "passkeys": (await people.passkeys_of(tx, [actor.member_id])).get(actor.member_id, []),
        "signed_in": await people.sessions_of(tx, actor.member_id, now=now),
        "choices": await people.consents_of(tx, actor.member_id),
        "leaving": (await people.departures_of(tx, [actor.member_id])).get(actor.member_id),
    }


async def _messages(tx: Tx, house: House, actor: Actor) -> dict[str, Any]:
    phone = await people.whole_phone(tx, actor.member_id)
    secret, since = house.settings.key("messages"), house.clock.now() - SMS_BACK
    sent = await messages.sent_to(tx, phone, secret=secret, since=since) if phone else []
    return {
        "in_the_app": await messages.inbox_of(tx, actor.member_id, limit=MESSAGES_MOST),
        "by_text": [
            {"what": one.template, "language": one.language, "facts": one.facts, "at": one.queued_at} for one in sent
        ],
    }


async def _city(tx: Tx, city: City, member_id: UUID, bought: list[dict[str, Any]], held: list[dict[str, Any]]) -> None:
    """A city's orders with payments and refunds, and vouchers with uses: one statement for each kind of thing."""
    mine = await orders.of_member(tx, member_id, city_id=city.city_id, limit=ORDERS_MOST)
    ids = [order.order_id for order in mine]
    paid = await payments.of_orders(tx, ids, city_id=city.city_id)
    back = await payments.refunds_of(tx, [p.payment_id for found in paid.values() for p in found], city_id=city.city_id)
    owned = [v for v in await vouchers.of_orders(tx, ids, city_id=city.city_id) if v.member_id == member_id]
    uses = await vouchers.uses_of(tx, [v.voucher_id for v in owned], city_id=city.city_id)
    for order in mine:
        bought.append(_order(city, order, paid[order.order_id], back))
    for voucher in owned:
        used = [
            {"at": use.at, "store": use.store_name, "count": use.count, "undone_at": use.reversed_at}
            for use in uses
            if use.voucher_id == voucher.voucher_id
        ]
        held.append(_voucher(city, voucher, used))


async def _reviews(tx: Tx, city: City, member_id: UUID) -> list[dict[str, Any]]:
    found = await reviews.of_member(tx, member_id, city_id=city.city_id, limit=ORDERS_MOST)
    return [{"city": city.slug, "review": one} for one in found]


def _order(city: City, order: Order, paid: list[Any], back: dict[UUID, list[Any]]) -> dict[str, Any]:
    return {
        "city": city.slug,
        "id": ORDER.show(order.order_id, city.city_id),
        "name": order.member_name,
        "state": order.state,
        "placed_at": order.placed_at,
        "paid_at": order.paid_at,
        "total": order.total,
        "refunded": order.refunded,
        "lines": [
            {"title": line.title, "quantity": line.quantity, "unit_price": line.unit_price, "total": line.total}
            for line in order.lines
        ],
        "payments": [
            {
                "id": PAYMENT.show(one.payment_id, city.city_id), "provider": one.provider, "state": one.state,
                "number_at_provider": one.provider_no, "amount": one.amount, "captured_at": one.captured_at,
                "refunds": [
                    {
                        "id": REFUND.show(r.refund_id, city.city_id), "state": r.state, "amount": r.amount,
                        "number_at_provider": r.provider_no, "asked_at": r.asked_at, "ended_at": r.ended_at,
                    }
                    for r in back.get(one.payment_id, [])
                ],
            }
            for one in paid
        ],
    }  # fmt: skip


def _voucher(city: City, voucher: Voucher, used: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "city": city.slug, "id": VOUCHER.show(voucher.voucher_id, city.city_id), "title": voucher.title,
        "holder": voucher.holder_name, "state": voucher.state, "uses_left": voucher.uses_left,
        "valid_from": voucher.valid_from, "valid_to": voucher.valid_to, "uses": used,
    }  # fmt: skip
