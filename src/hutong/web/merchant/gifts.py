"""What a partner offers for points (F57-F59): his gifts, a new one, and its picture."""

import unicodedata
from datetime import timedelta
from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from msgspec import Meta

from hutong import catalog, inventory, mall, merchants, programmes
from hutong.catalog import Draft, Gift, Offer
from hutong.desk import malling, selling
from hutong.kit.access import Permission
from hutong.kit.clock import day_start, local_day
from hutong.kit.ids import OFFER, derive
from hutong.kit.money import Amount
from hutong.kit.refusals import BadInput, Refusal
from hutong.kit.terms import Terms
from hutong.kit.text import Text
from hutong.web.merchant.cards import count_of, money_of
from hutong.web.merchant.till import AtTill, Till
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import permission
from hutong.web.shared.uploads import AnyRequest, most_bytes, read_form
from hutong.web.shared.visit import Visit, Visiting

WRITES = permission(Permission.EDIT_OFFERS)
SEES = permission(Permission.VIEW_OFFERS)
ROOT = UUID("5e1f0c7e-2b0a-7c1e-9a41-0d9b6f3a7c38")  # ids of new gifts follow from the keys of their forms
SPANS = ("ever", "month", "week", "day", "year")
_Short = Annotated[str, Meta(max_length=20)]


class GiftForm(KeyedForm, frozen=True, kw_only=True):
    """A new gift: what it is, what it costs a member, what its supplier is paid, and how it is handed over."""

    name_zh: Annotated[str, Meta(max_length=80)] = ""
    name_en: Annotated[str, Meta(max_length=80)] = ""
    points: _Short = ""
    price: _Short = ""
    cost: _Short = ""
    stock: _Short = "50"
    ways: str | list[str] = "pickup"
    most: _Short = ""
    span: Literal["ever", "month", "week", "day", "year"] = "ever"
    days: _Short = "90"


@get("/{store:str}/gifts", guards=[SEES])
async def page(visit: Visiting, till: AtTill, done: FromQuery[str] = "") -> Response[str]:
    """The merchant's gifts with what was exchanged, and a form for a new one."""
    return await _page(visit, till, done=done)


async def _page(
    visit: Visit, till: Till, *, form: GiftForm | None = None, wrong: Refusal | None = None, done: str = ""
) -> Response[str]:
    till.must(till.owns(Permission.VIEW_OFFERS))
    visit.frame["tab"] = "gifts"
    now = visit.house.clock.now()
    async with visit.house.db.reading(till.city_id) as tx:
        scope = till.actor.scope(Permission.VIEW_OFFERS)
        found = await catalog.offers_in_scope(
            tx, scope, city_id=till.city_id, merchant_id=till.merchant_id, scheme="alliance", limit=100
        )
        own = [offer for offer in found.items if isinstance(offer.form, Gift)]
        quotas = await inventory.quotas(tx, [o.quota_id for o in own if o.quota_id], city_id=till.city_id)
        out = await mall.of_offer(tx, [offer.offer_id for offer in own], city_id=till.city_id)
        live = (await programmes.live(tx, [till.merchant_id], at=now)).get(till.merchant_id)
        asset = await selling.currency(tx, till.city_id)
    return visit.page(
        "merchant/gifts.html", own=own, out=out, stock={q.quota_id: q for q in quotas if q is not None},
        programme=live[0] if live else None, partner=live[1] if live else None, form=form or GiftForm(key="0" * 32),
        writes=till.owns(Permission.EDIT_OFFERS), wrong=wrong, status=wrong.status if wrong else 200, spans=SPANS,
        sign=visit.formats().sign_and_digits(Amount(0, asset))[0], picture=visit.house.files.url,
        done=done if done == "picture" else "", cost_of=cost_of,
        backs=Amount(live[0].face_units if live else 0, asset),
    )  # fmt: skip


def cost_of(offer: Offer) -> Amount:
    """What a supplier is paid for a unit."""
    assert isinstance(offer.form, Gift)
    return Amount(offer.form.cost_units, offer.price.asset)


@post("/{store:str}/gifts", guards=[WRITES], status_code=303)
async def new_gift(visit: Visiting, till: AtTill, data: URLEncodedBody[GiftForm]) -> Response:
    """A draft of a gift; its words, stores and terms are then written in the editor, and it is reviewed like a deal."""
    till.must(till.owns(Permission.EDIT_OFFERS))
    now, zone = visit.house.clock.now(), till.here.zone
    async with visit.house.db.reading(till.city_id) as tx:
        asset = await selling.currency(tx, till.city_id)
        stores = await merchants.stores_of(tx, till.city_id, till.merchant_id)
        merchant = await merchants.merchant(tx, till.merchant_id)
        live = (await programmes.live(tx, [till.merchant_id], at=now)).get(till.merchant_id)
    assert merchant is not None
    try:
        if live is None:
            raise programmes.NotAPartner()
        form, price = _form(data, asset, live[0].programme_id)
        today = local_day(now, zone)
        zh = " ".join(data.name_zh.split())
        draft = Draft(
            offer_id=derive(ROOT, f"{till.merchant_id}/{data.key}"), merchant_id=till.merchant_id, by=None,
            scheme="alliance", category=stores[0].category, trade=merchant.trade,
            title=Text(zh=zh, en=" ".join(data.name_en.split()) or zh), price=price,
            list_price=max(price, Amount(form.cost_units, asset)),
            terms=Terms(valid_days=count_of(data.days, "days", 1, 3_650)), form=form, per_order_max=5,
            store_ids=tuple(store.store_id for store in stores), sale_from=day_start(today, zone),
            sale_to=day_start(today + timedelta(days=180), zone),
        )  # fmt: skip
        offer = await malling.save_gift(
            visit.house, till.city_id, till.actor, draft, total=count_of(data.stock, "stock", 1, 1_000_000),
            version=None, form=data.key,
        )  # fmt: skip
    except Refusal as refusal:
        if refusal.status in (404, 503):
            raise
        return await _page(visit, till, form=data, wrong=refusal)
    return Redirect(till.to(f"/deals/{OFFER.show(offer.offer_id, till.city_id)}"), status_code=303)


def _form(data: GiftForm, asset: str, programme_id: UUID) -> tuple[Gift, Amount]:
    """The form and the cash that were typed. Raises bad_input for a field that makes no sense."""
    ways = [data.ways] if isinstance(data.ways, str) else data.ways
    most = unicodedata.normalize("NFKC", data.most).strip()
    price = money_of(data.price or "0", "price", asset, least=0)
    if not set(ways) & {"pickup", "delivery"}:
        raise BadInput(field="ways", why="pickup | delivery")
    form = Gift(
        programme_id=programme_id, points=count_of(data.points, "points", 1, 100_000_000),
        cost_units=money_of(data.cost, "cost", asset, least=0).units, pickup="pickup" in ways,
        delivery="delivery" in ways, most=count_of(most, "most", 1, 1_000) if most else None, span=data.span,
    )  # fmt: skip
    return form, price


@post("/{store:str}/gifts/{offer:str}/picture", guards=[WRITES], status_code=303, request_max_body_size=most_bytes(1))
async def picture(visit: Visiting, till: AtTill, offer: FromPath[str], request: AnyRequest) -> Response:
    """The picture of a draft."""
    till.must(till.owns(Permission.EDIT_OFFERS))
    sent = await read_form(request, fields={"key"}, files="photo", most=1)
    try:
        if not sent.files:
            raise BadInput(field="photo", why="1")
        await malling.take_picture(visit.house, till.city_id, till.actor, till.read(OFFER, offer), sent.files[0])
    except Refusal as refusal:
        if refusal.status in (404, 503):
            raise
        return await _page(visit, till, wrong=refusal)
    return Redirect(till.to("/gifts", done="picture") + f"#{offer}", status_code=303)


ROUTES = (page, new_gift, picture)
