"""Results of deals: the worst first, each with the very sheet that its merchant sees."""

import asyncio
from datetime import timedelta
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath, FromQuery
from msgspec import Struct

from hutong import insight, merchants
from hutong.catalog import Offer
from hutong.desk import insights
from hutong.insight import Listed
from hutong.kit.access import Permission
from hutong.kit.clock import local_day
from hutong.kit.ids import OFFER
from hutong.kit.refusals import BadInput
from hutong.merchants import Merchant
from hutong.web.operator.frame import AtDesk, Desk
from hutong.web.operator.landing import counted
from hutong.web.shared import sheeting
from hutong.web.shared.files import attachment
from hutong.web.shared.guards import permission
from hutong.web.shared.visit import Visit, Visiting

SEES = permission(Permission.VIEW_STATEMENT)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ON_PAGE = 20
OWN_DAYS = timedelta(days=30)  # in which a shop's own staff is looked at


class Item(Struct, frozen=True):
    """A deal of the list: its sheet is read anew, so it says what the merchant's page says."""

    listed: Listed
    offer: Offer
    merchant: Merchant | None
    it: sheeting.Shown


@get("/{city:str}/results", guards=[SEES])
async def results(visit: Visiting, desk: AtDesk, after: FromQuery[str] = "") -> Response[str]:
    """The deals of the city, the worst verdict first."""
    desk.must(Permission.VIEW_STATEMENT)
    visit.frame["tab"] = "results"
    await counted(visit, desk)
    async with visit.house.db.reading(desk.city_id) as tx:
        found, last = await insights.worst(
            tx, desk.city_id, zone=desk.city.zone, now=visit.house.clock.now(), after=_after(after), limit=ON_PAGE
        )
        since = local_day(visit.house.clock.now(), desk.city.zone) - OWN_DAYS
        own = [] if after else await insight.own_shares(tx, city_id=desk.city_id, since=since)
        owners = await merchants.merchants(
            tx, sorted({one.merchant_id for one in (*(result.offer for result in found), *own)})
        )
    more = f"{last[0]}~{last[1]}" if last else None
    items = [
        Item(one.listed, one.offer, owners.get(one.offer.merchant_id), sheeting.shown(one.sheet, visit.t))
        for one in found
        if one.listed is not None
    ]
    return visit.page("operator/results.html", items=items, more=more, further=bool(after), own=own, owners=owners)


def _after(text: str) -> tuple[int, UUID] | None:
    """The place in the list. Raises bad_input."""
    if not text:
        return None
    rank, _, offer = text.partition("~")
    try:
        return int(rank), UUID(offer)
    except ValueError:
        raise BadInput(field="after", why=text[:40]) from None


async def _found(visit: Visit, desk: Desk, offer: str) -> tuple[Offer, insight.Sheet]:
    desk.must(Permission.VIEW_STATEMENT)
    visit.frame["tab"] = "results"
    async with visit.house.db.reading(desk.city_id) as tx:
        found = await insights.seen(tx, desk.city_id, desk.actor, desk.read(OFFER, offer))
        return found, await insights.sheet(tx, found, zone=desk.city.zone, now=visit.house.clock.now())


@get("/{city:str}/results/{offer:str}", guards=[SEES])
async def result(visit: Visiting, desk: AtDesk, offer: FromPath[str]) -> Response[str]:
    """The result sheet of one deal of the city."""
    found, sheet = await _found(visit, desk, offer)
    await counted(visit, desk)
    async with visit.house.db.reading(desk.city_id) as tx:
        owner = await merchants.merchant(tx, found.merchant_id)
    return visit.page(
        "operator/result.html", offer=found, merchant=owner, it=sheeting.shown(sheet, visit.t), shown=offer,
        percent=sheeting.percent,
    )  # fmt: skip


@get("/{city:str}/results/{offer:str}/xlsx", guards=[SEES])
async def result_file(visit: Visiting, desk: AtDesk, offer: FromPath[str]) -> Response[bytes]:
    """The same figures as a workbook."""
    found, sheet = await _found(visit, desk, offer)
    data = await asyncio.to_thread(sheeting.workbook, found, sheet, visit.t, visit.formats())
    return attachment(data, XLSX, f"hutong-result-{sheet.day}.xlsx")


ROUTES = (results, result, result_file)
