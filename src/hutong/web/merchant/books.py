"""The statement: each code with each fee, what it comes to, what is owed now. For those who may see the money."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import Response, get
from litestar.params import Parameter

from hutong import merchants, settlement
from hutong.desk import selling
from hutong.kit.access import Permission
from hutong.kit.refusals import BadInput
from hutong.web.merchant.periods import period_of
from hutong.web.merchant.till import Till
from hutong.web.shared.guards import permission
from hutong.web.shared.visit import Visit

PERIODS = ("today", "week", "days30", "month")
ON_PAGE = 50


@get("/{store:str}/statement", guards=[permission(Permission.VIEW_STATEMENT)])
async def statement(
    visit: Visit, till: Till, period: str = "today", after: Annotated[str | None, Parameter(max_length=120)] = None
) -> Response[str]:
    """What the merchant earned in this city, newest first; the sums are of the whole period, all its stores."""
    till.must(till.owns(Permission.VIEW_STATEMENT))
    visit.frame["tab"] = "statement"
    chosen = period_of(period, visit.house.clock.now(), till.here.zone)
    async with visit.house.db.reading(till.city_id) as tx:
        asset = await selling.currency(tx, till.city_id)
        found = await settlement.statement(
            tx, till.merchant_id, city_id=till.city_id, asset=asset, since=chosen.since, until=chosen.until,
            after=page_after(after), limit=ON_PAGE,
        )  # fmt: skip
        stores = await merchants.stores(tx, till.city_id, [line.store_id for line in found.lines])
        merchant = await merchants.merchant(tx, till.merchant_id)
    assert merchant is not None
    return visit.page(
        "merchant/statement.html", books=found, period=chosen, periods=PERIODS, stores=stores, merchant=merchant,
        further=after is not None,
    )  # fmt: skip


def page_after(after: str | None) -> tuple[datetime, UUID] | None:
    """Where the page begins: `<instant>~<redemption>`, as the page before said."""
    if after is None:
        return None
    at, _, last = after.partition("~")
    try:
        instant, redemption = datetime.fromisoformat(at.replace(" ", "+")), UUID(last)
    except ValueError:
        raise BadInput(field="after", why="?") from None
    if instant.tzinfo is None:
        raise BadInput(field="after", why="?")
    return instant, redemption


ROUTES = (statement,)
