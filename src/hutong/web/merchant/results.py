"""The result sheet of a deal: before it is sold what must come back, afterwards who did; and the owner's cost."""

import asyncio
from decimal import Decimal, InvalidOperation
from typing import Annotated

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery
from litestar.response import Redirect

from hutong import insight
from hutong.catalog import Offer
from hutong.desk import insights
from hutong.kit.access import Permission
from hutong.kit.ids import OFFER
from hutong.kit.money import SCALES
from hutong.kit.refusals import Refusal
from hutong.web.merchant.books import XLSX
from hutong.web.merchant.till import AtTill, Till
from hutong.web.shared import sheeting
from hutong.web.shared.files import attachment
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import permission
from hutong.web.shared.visit import Visit, Visiting

SEES = permission(Permission.VIEW_STATEMENT)
SAYS = permission(Permission.EDIT_OFFERS)


class PlanForm(KeyedForm, frozen=True, kw_only=True):
    """What the owner says of a deal; empty: nothing."""

    cost: str = ""
    expected: str = ""


async def _found(visit: Visit, till: Till, offer: str) -> tuple[Offer, insight.Sheet]:
    till.must(till.owns(Permission.VIEW_STATEMENT))
    visit.frame["tab"] = "deals"
    async with visit.house.db.reading(till.city_id) as tx:
        found = await insights.seen(tx, till.city_id, till.actor, till.read(OFFER, offer))
        till.must(found.merchant_id == till.merchant_id)
        return found, await insights.sheet(tx, found, zone=till.here.zone, now=visit.house.clock.now())


async def _page(
    visit: Visit, till: Till, offer: str, *, status: int = 200, form: PlanForm | None = None, saved: bool = False,
    wrong: Refusal | None = None,
) -> Response[str]:  # fmt: skip
    found, sheet = await _found(visit, till, offer)
    before = sheet.before
    typed = form or PlanForm(
        key=visit.new_key(), cost=before.cost.decimal() if before.cost else "",
        expected=f"{before.promised_bps / 100:g}" if before.promised_bps is not None else "",
    )  # fmt: skip
    return visit.page(
        "merchant/result.html", status=status, offer=found, it=sheeting.shown(sheet, visit.t), form=typed, saved=saved,
        percent=sheeting.percent, sign=visit.formats().sign_and_digits(found.price)[0], wrong=wrong,
        says=till.owns(Permission.EDIT_OFFERS), shown=offer,
    )  # fmt: skip


@get("/{store:str}/deals/{offer:str}/result", guards=[SEES])
async def result(visit: Visiting, till: AtTill, offer: FromPath[str], saved: FromQuery[bool] = False) -> Response[str]:
    """The sheet of one deal of the merchant, drafts included: those have the figures of before."""
    return await _page(visit, till, offer, saved=saved)


@get("/{store:str}/deals/{offer:str}/result/xlsx", guards=[SEES])
async def result_file(visit: Visiting, till: AtTill, offer: FromPath[str]) -> Response[bytes]:
    """The same figures as a workbook."""
    found, sheet = await _found(visit, till, offer)
    data = await asyncio.to_thread(sheeting.workbook, found, sheet, visit.t, visit.formats())
    return attachment(data, XLSX, f"hutong-result-{sheet.day}.xlsx")


@post("/{store:str}/deals/{offer:str}/plan", guards=[SAYS], status_code=303)
async def save_plan(
    visit: Visiting, till: AtTill, offer: FromPath[str],
    data: Annotated[PlanForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response:  # fmt: skip
    """The owner's cost of one unit and the share of new guests he expects back."""
    found, _ = await _found(visit, till, offer)
    try:
        scale = SCALES.get(found.price.asset, 0)
        await insights.save_plan(
            visit.house, till.city_id, till.actor, found, cost_units=number(data.cost, scale),
            expected_bps=number(data.expected, 2),
        )  # fmt: skip
    except Refusal as refusal:
        return await _page(visit, till, offer, status=refusal.status, form=data, wrong=refusal)
    return Redirect(till.to(f"/deals/{offer}/result", saved="true"), status_code=303)


def number(text: str, scale: int) -> int | None:
    """What was typed in units of ten to the minus `scale`; None for nothing. Raises bad_plan."""
    plain = text.strip().replace("¥", "").replace("%", "").replace(",", "")
    if not plain:
        return None
    try:
        units = Decimal(plain).scaleb(scale)
    except InvalidOperation:
        raise insight.BadPlan() from None
    if not units.is_finite() or units != units.to_integral_value() or not 0 <= units <= 10**12:
        raise insight.BadPlan()
    return int(units)


ROUTES = (result, result_file, save_plan)
