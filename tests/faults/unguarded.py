"""The house with its guard off: it looks how many units are left, and then writes. Only tests can start it; it shows
that the storm finds an oversell when there is one."""

import asyncio
from contextlib import asynccontextmanager

from litestar import Litestar

from hutong import app
from hutong.api import api_routes, openapi
from hutong.api.short import ShortWay
from hutong.desk.watching import Watched
from hutong.infra import settings as settings_module
from hutong.infra.answers import keyed
from hutong.inventory import SoldOut
from hutong.kit.money import Amount
from hutong.orders import Placed
from hutong.web.routes import make_app
from hutong.web.shared.security import headers_of

TARGET = "tests.faults.unguarded:create"
TABLE = "create table unguarded_claims (order_id uuid primary key, offer_id uuid not null)"


async def place(tx, asks, *, city_id, now):
    """As orders.place, without the lock and without the condition in the statement."""
    results = []
    for ask in asks:
        offer = ask.wants[0].offer_id
        left = await tx.value(
            """select q.total - (select count(*) from unguarded_claims c where c.offer_id = o.offer_id)
               from catalog.offers o join inventory.quotas q on q.city_id = o.city_id and q.quota_id = o.quota_id
               where o.city_id = %(city)s and o.offer_id = %(offer)s""",
            city=city_id, offer=offer,
        )  # fmt: skip
        if left <= 0:
            results.append(SoldOut(left=0))
            continue
        await asyncio.sleep(0.01)  # the time between looking and writing
        await tx.run("insert into unguarded_claims values (%(order)s, %(offer)s)", order=ask.order_id, offer=offer)
        results.append(
            Placed(
                order_id=ask.order_id, payment_id=ask.payment_id, total=Amount(0, "CNY"), expires_at=now, state="paid"
            )
        )
    return results


def create() -> ShortWay:
    """The application as app.create makes it, with that operation in the place of the guarded one."""
    settings = settings_module.load()
    house = app.build(settings)
    guarded = house.batches._operations.pop("orders.place")
    house.batches.register("orders.place", keyed("orders.place", Placed, place), size=1, lanes=6, queue=guarded.queue)

    @asynccontextmanager
    async def lifespan(_: Litestar):
        await house.open()
        try:
            yield
        finally:
            await house.close()

    made = make_app(house, lifespan=[lifespan], more=api_routes(), middleware=[Watched], openapi_config=openapi())
    return ShortWay(made, headers_of(house))
