"""The owner's contract: what is in force, what is offered, and one tap to sign it."""

from typing import Annotated

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery
from litestar.response import Redirect

from hutong import recruiting
from hutong.desk import operating
from hutong.kit.access import Permission
from hutong.kit.ids import CONTRACT
from hutong.kit.refusals import Refusal
from hutong.web.merchant.till import AtTill, Till
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import permission
from hutong.web.shared.visit import Visit, Visiting

OWNS = permission(Permission.EDIT_MERCHANT)
Posted = RequestEncodingType.URL_ENCODED


class SignForm(KeyedForm, frozen=True, kw_only=True):
    """The version that was read."""

    version: int


async def page(
    visit: Visit, till: Till, *, status: int = 200, wrong: Refusal | None = None, done: str = ""
) -> Response:
    """All versions, the newest first."""
    till.must(till.owns(Permission.EDIT_MERCHANT))
    visit.frame["tab"] = "contract"
    async with visit.house.db.reading(till.city_id) as tx:
        found = await recruiting.contracts_of(tx, till.merchant_id, city_id=till.city_id)
        who = await recruiting.operators(tx, [one.operator_id for one in found], at=visit.house.clock.now())
    return visit.page("merchant/contract.html", status=status, contracts=found, operators=who, wrong=wrong, done=done)


@get("/{store:str}/contract", guards=[OWNS])
async def contract(visit: Visiting, till: AtTill, done: FromQuery[str] = "") -> Response[str]:
    """The contracts of this merchant."""
    return await page(visit, till, done="signed" if done == "signed" else "")


@post("/{store:str}/contract/{contract:str}/signature", guards=[OWNS], status_code=303)
async def sign(
    visit: Visiting, till: AtTill, contract: FromPath[str], data: Annotated[SignForm, Body(media_type=Posted)]
) -> Response:
    """Sign what was read."""
    till.must(till.owns(Permission.EDIT_MERCHANT))
    try:
        await operating.sign(
            visit.house, till.city_id, till.actor, till.merchant_id, till.read(CONTRACT, contract),
            version=data.version, zone=till.here.zone,
        )  # fmt: skip
    except Refusal as refusal:
        return await page(visit, till, status=refusal.status, wrong=refusal)
    return Redirect(till.to("/contract", done="signed"), status_code=303)


ROUTES = (contract, sign)
