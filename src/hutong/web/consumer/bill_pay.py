"""The page on which a guest pays a bill of a shop by phone: who has the code of the counter has the leave to pay."""

from litestar import Response, get
from litestar.params import FromPath, FromQuery

from hutong import merchants
from hutong.desk import tilling
from hutong.kit.ids import BILL
from hutong.web.shared.guards import public
from hutong.web.shared.visit import Visiting


@get("/pay/{bill:str}", guards=[public])
async def bill_pay(visit: Visiting, bill: FromPath[str], back: FromQuery[bool] = False) -> Response[str]:
    """What is to be paid, at which shop, and the way to the provider; after it, that the money is there.

    What a payer brings back from the provider proves nothing: while the bill waits, the provider itself is asked. Who
    comes `back` is not shown the button again at once: his money may be on its way."""
    visit.frame["face"] = "consumer"
    city_id, bill_id = BILL.read_local(bill)
    found = await tilling.bill_to_pay(visit.house, city_id, bill_id)
    payment = await tilling.payment_of(visit.house, found, ask=True)
    found = await tilling.bill_to_pay(visit.house, city_id, bill_id)
    async with visit.house.db.reading(city_id) as tx:
        stores = await merchants.stores(tx, city_id, [found.store_id])
    answer = visit.page(
        "consumer/bill_pay.html", bill=found, payment=payment, store=stores.get(found.store_id), back=back,
        over=payment is not None and payment.state in ("refused", "closed"),
    )  # fmt: skip
    answer.headers["cache-control"] = "no-store"
    return answer


ROUTES = (bill_pay,)
