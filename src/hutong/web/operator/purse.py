"""What the operator earns: his part of each use, by merchant and by month, down to where the money went; and asking for
it."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from hutong import merchants, people, recruiting, settlement
from hutong.desk import payouts, selling
from hutong.infra.db import Tx
from hutong.kit.access import Permission
from hutong.kit.clock import day_start, local_day
from hutong.kit.ids import MERCHANT, OPERATOR
from hutong.kit.money import Amount
from hutong.kit.refusals import BadInput, NotFound, Refusal
from hutong.kit.text import Text
from hutong.settlement import Payee
from hutong.web.operator.frame import AtDesk, Desk
from hutong.web.shared.cursors import After, read_cursor
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import permission
from hutong.web.shared.purses import AccountForm, wallet_of
from hutong.web.shared.visit import Visit, Visiting

COMES_IN = permission(Permission.VIEW_CITY)
DONE = ("asked", "waits", "proposed")
ON_PAGE = 50


async def own(visit: Visit, desk: Desk, chosen: str) -> tuple[UUID | None, list[UUID]]:
    """The purse of the address, and all of the visitor's; another's is not found."""
    mine = await payouts.purses(visit.house, desk.actor)
    if not chosen:
        return (mine[0] if mine else None), mine
    operator_id = OPERATOR.read(chosen)
    if operator_id not in mine:
        raise NotFound()
    return operator_id, mine


def month_of(text: str, now: datetime, zone: str) -> tuple[date, datetime, datetime]:
    """The first day of the month of the address (this month without one), and its [since, until). Raises bad_input."""
    try:
        first = date.fromisoformat(f"{text}-01") if text else local_day(now, zone).replace(day=1)
    except ValueError:
        raise BadInput(field="month", why="2026-11") from None
    following = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    return first, day_start(first, zone), day_start(following, zone)


async def called(tx: Tx, ids: list[UUID], *, at: datetime) -> dict[UUID, Text]:
    """What purses are called: operators by their name, a person who runs a city in his own name by his."""
    firms = await recruiting.operators(tx, ids, at=at)
    persons = await people.members(tx, [i for i in ids if i not in firms])
    return {i: one.name for i, one in firms.items()} | {i: Text.both(one.name) for i, one in persons.items()}


@get("/{city:str}/earnings", guards=[COMES_IN])
async def earnings(
    visit: Visiting,
    desk: AtDesk,
    of: FromQuery[str] = "",
    month: FromQuery[str] = "",
    merchant: FromQuery[str] = "",
    after: After = None,
) -> Response[str]:
    """A month of the purse: each merchant's part, then each use; of one merchant when one is named."""
    visit.frame["tab"] = "earnings"
    operator_id, mine = await own(visit, desk, of)
    if operator_id is None:
        return visit.page("operator/purse.html", book=None)
    now, zone = visit.house.clock.now(), desk.city.zone
    first, since, until = month_of(month, now, zone)
    only = MERCHANT.read(merchant) if merchant else None
    async with visit.house.db.reading(desk.city_id) as tx:
        asset = await selling.currency(tx, desk.city_id)
        where: dict[str, Any] = {"city_id": desk.city_id, "asset": asset}
        book = await settlement.purse(
            tx, operator_id, since=since, until=until, merchant_id=only, after=read_cursor(after), limit=ON_PAGE,
            **where,
        )  # fmt: skip
        months = await settlement.months(tx, operator_id, zone=zone, **where)
        shops = {one.merchant_id for one in book.merchants} | ({only} if only else set())
        named = await merchants.merchants(tx, sorted(shops))
        names = await called(tx, mine, at=now)
    return visit.page(
        "operator/purse.html", book=book, mine=mine, names=names, shops=named, months=months, first=first,
        only=only, of=of, month=month, further=after is not None, OPERATOR=OPERATOR,
    )  # fmt: skip


async def page(
    visit: Visit, desk: Desk, of: str, *, done: str = "", wrong: Refusal | None = None
) -> Response[str]:  # fmt: skip
    """Payouts and the account of a purse, with what became of the last step."""
    visit.frame["tab"] = "earnings"
    operator_id, _ = await own(visit, desk, of)
    if operator_id is None:
        raise NotFound()
    now = visit.house.clock.now()
    async with visit.house.db.reading(desk.city_id) as tx:
        asset = await selling.currency(tx, desk.city_id)
        it = await wallet_of(tx, visit, Payee("operator", operator_id), city_id=desk.city_id, asset=asset)
        book = await settlement.purse(tx, operator_id, city_id=desk.city_id, asset=asset, since=now, until=now, limit=1)
        names = await called(tx, [operator_id], at=now)
    return visit.page(
        "operator/payouts.html", it=it, payable=book.payable, done=done, wrong=wrong, name=names.get(operator_id),
        least=Amount(visit.house.settings.payout_least_units, asset), shown=OPERATOR.show(operator_id),
        status=wrong.status if wrong else 200,
    )  # fmt: skip


@get("/{city:str}/earnings/{of:str}/payouts", guards=[COMES_IN])
async def overview(visit: Visiting, desk: AtDesk, of: FromPath[str], done: FromQuery[str] = "") -> Response[str]:
    """What is payable, the account, and every payout."""
    return await page(visit, desk, of, done=done if done in DONE else "")


@post("/{city:str}/earnings/{of:str}/payouts", guards=[COMES_IN], status_code=303)
async def withdraw(
    visit: Visiting, desk: AtDesk, of: FromPath[str], data: URLEncodedBody[KeyedForm]
) -> Response:  # fmt: skip
    """Ask for everything that is payable."""
    payee = Payee("operator", OPERATOR.read(of))
    try:
        asked = await payouts.withdraw(visit.house, desk.actor, payee, city_id=desk.city_id, key=data.key)
    except Refusal as refusal:
        return await page(visit, desk, of, wrong=refusal)
    return Redirect(desk.to(f"/earnings/{of}/payouts", done="waits" if asked.waiting else "asked"), status_code=303)


@post("/{city:str}/earnings/{of:str}/payouts/account", guards=[COMES_IN], status_code=303)
async def propose(
    visit: Visiting, desk: AtDesk, of: FromPath[str], data: URLEncodedBody[AccountForm]
) -> Response:  # fmt: skip
    """Name another account; another person approves it."""
    payee = Payee("operator", OPERATOR.read(of))
    try:
        await payouts.propose(visit.house, desk.actor, payee, data.account, data.holder)
    except Refusal as refusal:
        return await page(visit, desk, of, wrong=refusal)
    return Redirect(desk.to(f"/earnings/{of}/payouts", done="proposed"), status_code=303)


ROUTES = (earnings, overview, withdraw, propose)
