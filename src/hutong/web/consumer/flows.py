"""Where did my money go? The buyer's own order, one voucher of it, the member's own bill at a till, and his points."""

from litestar import Response, get
from litestar.params import FromPath

from hutong.desk import waterfalls
from hutong.kit.ids import BILL, MOVEMENT, VOUCHER
from hutong.web.consumer.here import InCity
from hutong.web.consumer.mine import own_order
from hutong.web.shared import falling
from hutong.web.shared.guards import signed_in
from hutong.web.shared.visit import Visiting


@get("/c/{city:str}/orders/{order:str}/money", guards=[signed_in])
async def of_order(visit: Visiting, here: InCity, order: FromPath[str]) -> Response[str]:
    """Who got what of the own order; another's is not found."""
    found = await own_order(visit, here, order)
    visit.frame["tab"] = "me"
    it = await waterfalls.of_order(visit.house, here.city_id, found.order_id, member_id=visit.member.member_id)
    return visit.page(
        "consumer/flow.html", w=falling.view(visit, it), number=order, back=here.to(f"/orders/{order}")
    )  # fmt: skip


@get("/c/{city:str}/vouchers/{voucher:str}/money", guards=[signed_in])
async def of_voucher(visit: Visiting, here: InCity, voucher: FromPath[str]) -> Response[str]:
    """Who got what of one voucher, for whoever bought it or got it as a present; another's is not found."""
    voucher_id = here.read(VOUCHER, voucher)
    visit.frame["tab"] = "vouchers"
    it = await waterfalls.of_voucher(visit.house, here.city_id, voucher_id, member_id=visit.member.member_id)
    return visit.page(
        "consumer/flow.html", w=falling.view(visit, it), number=voucher, back=here.to(f"/vouchers/{voucher}")
    )


@get("/c/{city:str}/bills/{bill:str}/money", guards=[signed_in])
async def of_bill(visit: Visiting, here: InCity, bill: FromPath[str]) -> Response[str]:
    """Who got what of the own bill; another's is not found."""
    bill_id = here.read(BILL, bill)
    visit.frame["tab"] = "me"
    it = await waterfalls.of_bill(visit.house, here.city_id, bill_id, member_id=visit.member.member_id)
    return visit.page("consumer/flow.html", w=falling.view(visit, it), number=bill, back=here.to("/me"))


@get("/c/{city:str}/points/history/{movement:str}/money", guards=[signed_in])
async def of_movement(visit: Visiting, here: InCity, movement: FromPath[str]) -> Response[str]:
    """Who got what of points that the member sent, got, donated or lost; another's are not found."""
    visit.frame["tab"] = "me"
    it = await waterfalls.of_movement(visit.house, MOVEMENT.read(movement), member_id=visit.member.member_id)
    return visit.page(
        "consumer/flow.html", w=falling.view(visit, it), number=movement, back=here.to("/points/history")
    )  # fmt: skip


ROUTES = (of_order, of_voucher, of_bill, of_movement)
