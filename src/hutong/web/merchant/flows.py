"""Who got what of a use in this shop, of an order, of a bill or of points: with the rules that were followed."""

from litestar import Response, get
from litestar.params import FromPath

from hutong import till as tills
from hutong.desk import tracing, waterfalls
from hutong.kit.access import Permission, Scope
from hutong.kit.ids import BILL, MOVEMENT, ORDER, REDEMPTION
from hutong.kit.refusals import NotFound
from hutong.web.merchant.till import AtTill
from hutong.web.shared import falling
from hutong.web.shared.guards import permission
from hutong.web.shared.visit import Visiting

SEES_MONEY = permission(Permission.VIEW_STATEMENT)


@get("/{store:str}/statement/{redemption:str}/money", guards=[SEES_MONEY])
async def of_use(visit: Visiting, till: AtTill, redemption: FromPath[str]) -> Response[str]:
    """The waterfall of a use; another merchant's is not found."""
    till.must(till.owns(Permission.VIEW_STATEMENT))
    visit.frame["tab"] = "statement"
    it = await waterfalls.for_merchant(
        visit.house, till.city_id, till.merchant_id, till.read(REDEMPTION, redemption)
    )  # fmt: skip
    back = till.to(f"/statement/{redemption}")
    return visit.page("merchant/flow.html", w=falling.view(visit, it), number=redemption, back=back)


@get("/{store:str}/orders/{order:str}/money", guards=[SEES_MONEY])
async def of_order(visit: Visiting, till: AtTill, order: FromPath[str]) -> Response[str]:
    """The waterfall of an order that this merchant sold, used or given back; another merchant's is not found."""
    till.must(till.owns(Permission.VIEW_STATEMENT))
    visit.frame["tab"] = "orders"
    it = await waterfalls.for_seller(visit.house, till.city_id, till.merchant_id, till.read(ORDER, order))
    back = till.to(f"/orders/{order}")
    return visit.page("merchant/flow.html", w=falling.view(visit, it), number=order, back=back)


@get("/{store:str}/bills/{bill:str}/money", guards=[SEES_MONEY])
async def of_bill(visit: Visiting, till: AtTill, bill: FromPath[str]) -> Response[str]:
    """The waterfall of a bill; another merchant's is not found."""
    till.must(till.owns(Permission.VIEW_STATEMENT))
    visit.frame["tab"] = "history"
    bill_id = till.read(BILL, bill)
    own = Scope(merchants=frozenset({till.merchant_id}))
    async with visit.house.db.reading(till.city_id) as tx:
        if bill_id not in await tills.by_ids(tx, own, [bill_id], city_id=till.city_id):
            raise NotFound()
    it = await waterfalls.of_bill(visit.house, till.city_id, bill_id)
    back = till.to(f"/bills/{bill}")
    return visit.page("merchant/flow.html", w=falling.view(visit, it), number=bill, back=back)


@get("/{store:str}/points/lines/{movement:str}/money", guards=[SEES_MONEY])
async def of_movement(visit: Visiting, till: AtTill, movement: FromPath[str]) -> Response[str]:
    """The waterfall of points given or taken here, or backed by this merchant's money; another's is not found."""
    till.must(till.owns(Permission.VIEW_STATEMENT))
    visit.frame["tab"] = "points"
    it = await tracing.for_partner(visit.house, till.merchant_id, MOVEMENT.read(movement))
    back = till.to("/points/lines")
    return visit.page("merchant/flow.html", w=falling.view(visit, it), number=movement, back=back)


ROUTES = (of_use, of_order, of_bill, of_movement)
