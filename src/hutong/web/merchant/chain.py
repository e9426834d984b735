"""The merchant's chain: its head office looks after the shops that let it in; a shop says yes, no, or leaves."""

from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from msgspec import Meta

from hutong.desk import chains, selling
from hutong.desk.chains import Seen
from hutong.kit.access import Permission
from hutong.kit.ids import CLEARING, MERCHANT
from hutong.kit.refusals import BadInput, NotFound, Refusal
from hutong.programmes import Rate
from hutong.web.merchant.bills import amount_of
from hutong.web.merchant.till import AtTill, Till
from hutong.web.shared import clearings as shown
from hutong.web.shared.clearing_files import file_of
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import permission
from hutong.web.shared.printing import fonts
from hutong.web.shared.visit import Visit, Visiting

OWNS = permission(Permission.EDIT_MERCHANT)
DONE = ("formed", "asked", "joined", "left", "kept", "paid", "rated")
MOST_POINTS = 100  # a head office's slip of the finger shall not empty its shops' funding
_Short = Annotated[str, Meta(max_length=60)]


class ChainForm(KeyedForm, frozen=True, kw_only=True):
    """`what`: form (with a `name`), ask (a `number`), join, leave, rate (`points` for every `each`; nothing: the
    programme's)."""

    what: _Short = ""
    name: _Short = ""
    number: _Short = ""
    points: _Short = ""
    each: _Short = ""


class ShopForm(KeyedForm, frozen=True, kw_only=True):
    """`what`: pay or keep (an `amount`), end."""

    what: _Short = ""
    amount: _Short = ""


async def _page(
    visit: Visit, till: Till, *, status: int = 200, done: str = "", wrong: Refusal | None = None,
    typed: ChainForm | None = None,
) -> Response[str]:  # fmt: skip
    till.must(till.owns(Permission.EDIT_MERCHANT))
    visit.frame["tab"] = "chain"
    it, _ = await _seen(visit, till)
    return visit.page(
        "merchant/chain.html", status=status, it=it, done=done, wrong=wrong, typed=typed or ChainForm(key=""),
        number=MERCHANT.show(till.merchant_id), total=sum(one.funding.left.units for one in it.shops if one.funding),
    )  # fmt: skip


async def _seen(visit: Visit, till: Till) -> tuple[Seen, str]:
    async with visit.house.db.reading(till.city_id) as tx:
        asset = await selling.currency(tx, till.city_id)
    return await chains.seen(visit.house, till.actor, till.city_id, till.merchant_id, asset=asset), asset


@get("/{store:str}/chain", guards=[OWNS])
async def chain(visit: Visiting, till: AtTill, done: FromQuery[str] = "") -> Response[str]:
    """The chain that this merchant heads, is in, or is asked by; or what one is, and how it begins."""
    return await _page(visit, till, done=done if done in DONE else "")


@post("/{store:str}/chain", guards=[OWNS], status_code=303)
async def change(visit: Visiting, till: AtTill, data: URLEncodedBody[ChainForm]) -> Response:
    """Make one, ask a merchant in, say yes or no, leave, set one rate."""
    till.must(till.owns(Permission.EDIT_MERCHANT))
    try:
        done = await _changed(visit, till, data)
    except Refusal as refusal:
        if refusal.status in (403, 503):
            raise
        return await _page(visit, till, status=refusal.status, wrong=refusal, typed=data)
    return Redirect(till.to("/chain", done=done), status_code=303)


async def _changed(visit: Visit, till: Till, data: ChainForm) -> str:
    house, actor, own = visit.house, till.actor, till.merchant_id
    match data.what:
        case "form":
            await chains.form(house, actor, own, data.name)
            return "formed"
        case "ask":
            await chains.ask(house, actor, own, MERCHANT.read(data.number.strip()))
            return "asked"
        case "join" | "leave":
            await chains.answer(house, actor, own, yes=data.what == "join")
            return "joined" if data.what == "join" else "left"
        case "rate":
            await chains.set_rate(house, actor, own, await _rate(visit, till, data))
            return "rated"
        case _:
            raise BadInput(field="what", why=data.what)


async def _rate(visit: Visit, till: Till, data: ChainForm) -> Rate | None:
    """What was typed; None for nothing. Raises bad_input, no_amount."""
    if not data.points.strip() and not data.each.strip():
        return None
    points = data.points.strip()
    if not points.isdecimal() or not 1 <= int(points) <= MOST_POINTS:
        raise BadInput(field="points", why=f"1-{MOST_POINTS}")
    _, asset = await _seen(visit, till)
    return Rate(points=int(points), per_units=amount_of(data.each, asset).units)


async def _shop_page(
    visit: Visit, till: Till, merchant: str, *, status: int = 200, done: str = "", wrong: Refusal | None = None
) -> Response[str]:
    till.must(till.owns(Permission.EDIT_MERCHANT))
    visit.frame["tab"] = "chain"
    shop = await chains.of_shop(visit.house, till.actor, till.merchant_id, MERCHANT.read(merchant))
    it, _ = await _seen(visit, till)
    return visit.page(
        "merchant/chain_shop.html", status=status, shop=shop, it=it, done=done, wrong=wrong, shown=merchant,
        cleared=shown, CLEARING=CLEARING, prints=fonts(visit.house.settings.font) is not None,
        kinds=("earn", "burn", "unburn", "claw_back", "expire"),
    )  # fmt: skip


@get("/{store:str}/chain/shops/{merchant:str}", guards=[OWNS])
async def shop(visit: Visiting, till: AtTill, merchant: FromPath[str], done: FromQuery[str] = "") -> Response[str]:
    """How a shop stands with points, and its clearings; one that has not let this head office in is not found."""
    return await _shop_page(visit, till, merchant, done=done if done in DONE else "")


@post("/{store:str}/chain/shops/{merchant:str}", guards=[OWNS], status_code=303)
async def look_after(
    visit: Visiting, till: AtTill, merchant: FromPath[str], data: URLEncodedBody[ShopForm]
) -> Response:
    """Pay money for its points in, keep so much there, or end it."""
    till.must(till.owns(Permission.EDIT_MERCHANT))
    shop_id = MERCHANT.read(merchant)
    try:
        if data.what == "end":
            await chains.let_go(visit.house, till.actor, till.merchant_id, shop_id)
            return Redirect(till.to("/chain", done="left"), status_code=303)
        done = await _cared(visit, till, shop_id, data)
    except Refusal as refusal:
        if refusal.status in (403, 404, 503):
            raise
        return await _shop_page(visit, till, merchant, status=refusal.status, wrong=refusal)
    return Redirect(till.to(f"/chain/shops/{merchant}", done=done), status_code=303)


async def _cared(visit: Visit, till: Till, shop_id: UUID, data: ShopForm) -> str:
    _, asset = await _seen(visit, till)
    if data.what == "keep":
        units = 0 if data.amount.strip() in ("", "0") else amount_of(data.amount, asset).units
        await chains.keep(visit.house, till.actor, till.merchant_id, shop_id, units)
        return "kept"
    if data.what != "pay":
        raise BadInput(field="what", why=data.what)
    await chains.pay_in(
        visit.house, till.city_id, till.actor, till.merchant_id, shop_id, amount_of(data.amount, asset), key=data.key
    )
    return "paid"


@get("/{store:str}/chain/shops/{merchant:str}/clearings/{run:str}/{kind:str}", guards=[OWNS])
async def statement(
    visit: Visiting, till: AtTill, merchant: FromPath[str], run: FromPath[str], kind: FromPath[str]
) -> Response[bytes]:
    """A shop's clearing statement as a file: the very one that the shop has."""
    till.must(till.owns(Permission.EDIT_MERCHANT))
    it = await chains.of_shop(visit.house, till.actor, till.merchant_id, MERCHANT.read(merchant))
    run_id = CLEARING.read(run)
    found = next((one for one in it.statements if one.run.run_id == run_id), None)
    if found is None:
        raise NotFound()
    return await file_of(visit, found, kind)


ROUTES = (chain, change, shop, look_after, statement)
