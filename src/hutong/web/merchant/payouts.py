"""Payouts of the merchant: what can be paid out now, where it goes, and what became of each."""

from litestar import Response, get, post
from litestar.params import FromQuery, URLEncodedBody
from litestar.response import Redirect

from hutong import settlement
from hutong.desk import payouts, selling
from hutong.kit.access import Permission
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.settlement import Payee
from hutong.web.merchant.till import AtTill, Till
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import permission
from hutong.web.shared.purses import AccountForm, wallet_of
from hutong.web.shared.visit import Visit, Visiting

SEES_MONEY = permission(Permission.VIEW_STATEMENT)
DONE = ("asked", "waits", "proposed")


async def page(visit: Visit, till: Till, *, done: str = "", wrong: Refusal | None = None) -> Response[str]:
    """The page, with what became of the last step."""
    till.must(till.owns(Permission.VIEW_STATEMENT))
    visit.frame["tab"] = "payouts"
    now = visit.house.clock.now()
    async with visit.house.db.reading(till.city_id) as tx:
        asset = await selling.currency(tx, till.city_id)
        payee = Payee("merchant", till.merchant_id)
        it = await wallet_of(tx, visit, payee, city_id=till.city_id, asset=asset)
        books = await settlement.statement(
            tx, till.merchant_id, city_id=till.city_id, asset=asset, since=now, until=now, limit=1
        )
    return visit.page(
        "merchant/payouts.html", it=it, payable=books.payable, done=done, wrong=wrong,
        least=Amount(visit.house.settings.payout_least_units, asset), may=till.owns(Permission.EDIT_MERCHANT),
        status=wrong.status if wrong else 200,
    )  # fmt: skip


@get("/{store:str}/payouts", guards=[SEES_MONEY])
async def overview(visit: Visiting, till: AtTill, done: FromQuery[str] = "") -> Response[str]:
    """What is payable, the account, and every payout."""
    return await page(visit, till, done=done if done in DONE else "")


@post("/{store:str}/payouts", guards=[SEES_MONEY], status_code=303)
async def withdraw(visit: Visiting, till: AtTill, data: URLEncodedBody[KeyedForm]) -> Response:
    """Ask for everything that is payable."""
    payee = Payee("merchant", till.merchant_id)
    try:
        asked = await payouts.withdraw(visit.house, till.actor, payee, city_id=till.city_id, key=data.key)
    except Refusal as refusal:
        return await page(visit, till, wrong=refusal)
    return Redirect(till.to("/payouts", done="waits" if asked.waiting else "asked"), status_code=303)


@post("/{store:str}/payouts/account", guards=[SEES_MONEY], status_code=303)
async def propose(visit: Visiting, till: AtTill, data: URLEncodedBody[AccountForm]) -> Response:
    """Name another account; another person approves it."""
    payee = Payee("merchant", till.merchant_id)
    try:
        await payouts.propose(visit.house, till.actor, payee, data.account, data.holder)
    except Refusal as refusal:
        return await page(visit, till, wrong=refusal)
    return Redirect(till.to("/payouts", done="proposed"), status_code=303)


ROUTES = (overview, withdraw, propose)
