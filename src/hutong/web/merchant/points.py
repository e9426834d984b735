"""The merchant's programme: money for points, what was given and used, what was missed, and bills that look odd."""

import csv
import io
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromQuery, QueryParameter, URLEncodedBody
from litestar.response import Redirect
from msgspec import Meta

from hutong import payments
from hutong import till as tills
from hutong.desk import funding
from hutong.infra.db import Tx
from hutong.kit.access import Permission, Scope
from hutong.kit.clock import local, local_day
from hutong.kit.ids import BILL
from hutong.kit.refusals import NotFound, Refusal
from hutong.programmes import Movement
from hutong.web.merchant.bills import amount_of
from hutong.web.merchant.periods import Period, period_of
from hutong.web.merchant.till import AtTill, Till
from hutong.web.shared.cursors import read_cursor, write_cursor
from hutong.web.shared.files import attachment
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import permission
from hutong.web.shared.visit import Visit, Visiting

PERIODS = ("today", "week", "days30", "month")
KINDS = ("earn", "burn", "unburn", "claw_back", "expire")
ON_PAGE = 50
SEES = permission(Permission.VIEW_STATEMENT)
WATCH_DAYS = "days30"
Short = Annotated[str, QueryParameter(max_length=120)]


class BlockForm(KeyedForm, frozen=True, kw_only=True):
    """So much, out of the balance or paid at a provider."""

    amount: Annotated[str, Meta(max_length=20)] = ""
    way: Annotated[str, Meta(max_length=40)] = "balance"


async def frame(visit: Visit, till: Till, period: str) -> tuple[Period, funding.Standing | None]:
    """The period that is asked for, and how the merchant stands. Raises not_allowed."""
    till.must(till.owns(Permission.VIEW_STATEMENT))
    visit.frame["tab"] = "points"
    chosen = period_of(period, visit.house.clock.now(), till.here.zone)
    it = await funding.standing(
        visit.house, till.city_id, till.merchant_id, since=chosen.since, until=chosen.until
    )  # fmt: skip
    return chosen, it


@get("/{store:str}/points", guards=[SEES])
async def points(
    visit: Visiting, till: AtTill, period: FromQuery[str] = "days30", done: FromQuery[int | None] = None
) -> Response[str]:
    """What is left, what the period came to, what was missed."""
    return await _page(visit, till, period, done=done)


async def _page(
    visit: Visit, till: Till, period: str = "days30", *, wrong: Refusal | None = None, typed: str = "",
    done: int | None = None,
) -> Response[str]:  # fmt: skip
    chosen, it = await frame(visit, till, period)
    odd = await _odd(visit, till)
    return visit.page(
        "merchant/points.html", status=wrong.status if wrong else 200, it=it, period=chosen, periods=PERIODS,
        kinds=KINDS, wrong=wrong, typed=typed, done=done, odd=len(odd), may_buy=till.owns(Permission.EDIT_MERCHANT),
        ways=sorted(visit.house.providers),
    )  # fmt: skip


@get("/{store:str}/points/lines", guards=[SEES])
async def lines(
    visit: Visiting, till: AtTill, period: FromQuery[str] = "days30", kind: FromQuery[str] = "", after: Short = ""
) -> Response[str]:
    """Every movement behind the sums, each with its bill."""
    chosen, it = await frame(visit, till, period)
    if it is None:
        raise NotFound()
    only = kind if kind in KINDS else None
    found = await funding.lines(
        visit.house, till.city_id, till.merchant_id, it.programme.programme_id, since=chosen.since,
        until=chosen.until, kind=only, after=read_cursor(after) if after else None, limit=ON_PAGE + 1,
        newest=True,
    )  # fmt: skip
    shown, end = found[:ON_PAGE], found[ON_PAGE - 1] if len(found) > ON_PAGE else None
    return visit.page(
        "merchant/points_lines.html", it=it, period=chosen, periods=PERIODS, kinds=KINDS, kind=only or "",
        moves=shown, bills=await _bills(visit, till, shown),
        more=write_cursor(end.at, end.movement_id) if end else None,
    )  # fmt: skip


async def _bills(visit: Visit, till: Till, moves: list[Movement]) -> dict[UUID, str]:
    """The public ids of the bills that movements belong to, as far as they are this merchant's in this city."""
    ids = [one.source.ref for one in moves if one.source.kind == "bill" and one.city_id == till.city_id]
    async with visit.house.db.reading(till.city_id) as tx:
        found = await tills.by_ids(tx, _mine(till), ids, city_id=till.city_id) if ids else {}
    return {one: BILL.show(one, till.city_id) for one in found}


def _mine(till: Till) -> Scope:
    return Scope(merchants=frozenset({till.merchant_id}))


@get("/{store:str}/points/files/csv", guards=[SEES])
async def as_csv(visit: Visiting, till: AtTill, period: FromQuery[str] = "days30") -> Response[bytes]:
    """All movements of the period, a line each; amounts in the smallest unit, times in the city's zone."""
    chosen, it = await frame(visit, till, period)
    if it is None:
        raise NotFound()
    zone, text = till.here.zone, io.StringIO()
    out = csv.writer(text)
    out.writerow([visit.t(f"points_file.{name}") for name in HEAD])
    after: tuple[datetime, UUID] | None = None
    while True:
        found = await funding.lines(
            visit.house, till.city_id, till.merchant_id, it.programme.programme_id, since=chosen.since,
            until=chosen.until, after=after, limit=1_000,
        )  # fmt: skip
        out.writerows(_row(one, visit, zone, till.city_id) for one in found)
        if len(found) < 1_000:
            break
        after = found[-1].at, found[-1].movement_id
    name = f"points-{local_day(chosen.since, zone)}-{local_day(chosen.last, zone)}.csv"
    return attachment(("\ufeff" + text.getvalue()).encode(), "text/csv; charset=utf-8", name)


HEAD = ("at", "kind", "points", "base", "bonus", "campaign", "funded", "worth", "currency", "rule", "bill", "movement")


def _row(one: Movement, visit: Visit, zone: str, city_id: int) -> list[Any]:
    bill = BILL.show(one.source.ref, city_id) if one.source.kind == "bill" and one.city_id == city_id else ""
    return [
        local(one.at, zone).strftime("%Y-%m-%d %H:%M:%S"), visit.t(f"point_moves.kind.{one.kind}"), one.points,
        one.base, one.bonus, one.campaign, one.funded.units, one.worth.units, one.money.asset, one.rule, bill,
        one.movement_id,
    ]  # fmt: skip


@post("/{store:str}/points/blocks", guards=[permission(Permission.EDIT_MERCHANT)], status_code=303)
async def buy(visit: Visiting, till: AtTill, data: URLEncodedBody[BlockForm]) -> Response:
    """Buy a block; one that is paid at a provider leads to its page."""
    till.must(till.owns(Permission.EDIT_MERCHANT))
    _, it = await frame(visit, till, "days30")
    if it is None:
        raise NotFound()
    try:
        bought = await funding.buy_block(
            visit.house, till.city_id, till.actor, till.merchant_id, key=data.key,
            amount=amount_of(data.amount, it.programme.currency),
            provider=None if data.way == "balance" else data.way,
        )  # fmt: skip
    except Refusal as refusal:
        return await _page(visit, till, wrong=refusal, typed=data.amount)
    if bought.payment_id is not None and bought.state == "open":
        async with visit.house.db.reading(till.city_id) as tx:
            (payment,) = await payments.by_ids(tx, [bought.payment_id], city_id=till.city_id)
        if payment is not None and payment.pay_url is not None:
            return Redirect(payment.pay_url, status_code=303)
    return Redirect(till.to("/points"), status_code=303)


@post("/{store:str}/points/grants", guards=[permission(Permission.EDIT_MERCHANT)], status_code=303)
async def grant(visit: Visiting, till: AtTill, data: URLEncodedBody[KeyedForm]) -> Response:
    """Give the missed points now, as far as the money goes."""
    del data
    till.must(till.owns(Permission.EDIT_MERCHANT))
    done, refusal = await funding.grant(visit.house, till.city_id, till.actor, till.merchant_id)
    if refusal is not None and not done:
        return await _page(visit, till, wrong=refusal)
    return Redirect(till.to("/points", done=done), status_code=303)


async def _odd(visit: Visit, till: Till) -> list[tills.Odd]:
    chosen = period_of(WATCH_DAYS, visit.house.clock.now(), till.here.zone)
    async with visit.house.db.reading(till.city_id) as tx:
        return await odd_of(tx, _mine(till), till.city_id, till.here.zone, chosen)


async def odd_of(tx: Tx, scope: Scope, city_id: int, zone: str, chosen: Period) -> list[tills.Odd]:
    """Bills of a period that somebody should look at."""
    return list(
        await tills.odd_ones(tx, scope, city_id=city_id, zone=zone, since=chosen.since, until=chosen.until)
    )  # fmt: skip


@get("/{store:str}/points/odd", guards=[SEES])
async def odd(visit: Visiting, till: AtTill) -> Response[str]:
    """Cashiers and guests whose bills are remarkable: hints, and no verdicts."""
    till.must(till.owns(Permission.VIEW_STATEMENT))
    visit.frame["tab"] = "points"
    return visit.page("merchant/points_odd.html", found=await _odd(visit, till))


ROUTES = (points, lines, as_csv, buy, grant, odd)
