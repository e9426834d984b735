"""A card in the hand: activated with its number and secret, lost and given a new number."""

from typing import Annotated

from litestar import Response, get, post
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect
from msgspec import Meta

from hutong.desk import carding
from hutong.kit.ids import VOUCHER
from hutong.kit.refusals import Refusal
from hutong.web.consumer.here import Here, InCity
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import signed_in
from hutong.web.shared.visit import Visit, Visiting


class ActivateForm(KeyedForm, frozen=True, kw_only=True):
    """What stands on a printed card."""

    number: Annotated[str, Meta(max_length=40)] = ""
    secret: Annotated[str, Meta(max_length=40)] = ""


class NumberForm(KeyedForm, frozen=True, kw_only=True):
    """`what`: show (give the card a number), block, replace."""

    what: str = "show"


@get("/c/{city:str}/cards/activate", guards=[signed_in])
async def activate_page(visit: Visiting, here: InCity) -> Response[str]:
    """The form for a printed card."""
    return _page(visit, here)


def _page(visit: Visit, here: Here, *, number: str = "", wrong: Refusal | None = None) -> Response[str]:
    visit.frame["tab"] = "vouchers"
    return visit.page("consumer/card_activate.html", number=number, wrong=wrong, status=wrong.status if wrong else 200)


@post("/c/{city:str}/cards/activate", guards=[signed_in], status_code=303)
async def activate(visit: Visiting, here: InCity, data: URLEncodedBody[ActivateForm]) -> Response:
    """The card is the member's; his wallet shows it."""
    try:
        voucher_id = await carding.activate(
            visit.house, here.city_id, visit.member, number=data.number, secret=data.secret
        )
    except Refusal as refusal:
        return _page(visit, here, number=data.number, wrong=refusal)
    return Redirect(here.to(f"/vouchers/{VOUCHER.show(voucher_id, here.city_id)}", new=1), status_code=303)


@post("/c/{city:str}/vouchers/{voucher:str}/number", guards=[signed_in], status_code=303)
async def number(
    visit: Visiting, here: InCity, voucher: FromPath[str], data: URLEncodedBody[NumberForm]
) -> Response:  # fmt: skip
    """Give the card a number, block it, or give it another one."""
    voucher_id = here.read(VOUCHER, voucher)
    if data.what == "show":
        await carding.give_number(visit.house, here.city_id, visit.member, voucher_id)
    else:
        await carding.lose(visit.house, here.city_id, visit.member, voucher_id, replace=data.what == "replace")
    return Redirect(here.to(f"/vouchers/{voucher}") + "#number", status_code=303)


ROUTES = (activate_page, activate, number)
