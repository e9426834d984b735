"""The merchant's cards: those he sells, those he prints, and those of others that he takes."""

import io
import unicodedata
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any
from uuid import UUID

import xlsxwriter
from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect
from msgspec import Meta

from hutong import cards, catalog, merchants
from hutong.catalog import Draft, Form, GiftCard, Membership, Offer, QCard, Stamp, Stored, Times
from hutong.desk import carding, selling, shelf
from hutong.kit.access import Permission
from hutong.kit.clock import day_start, local_day
from hutong.kit.ids import OFFER, derive
from hutong.kit.money import SCALES, Amount
from hutong.kit.refusals import BadInput, NotFound, Refusal
from hutong.kit.terms import Terms
from hutong.kit.text import Text
from hutong.web.merchant.till import AtTill, Till
from hutong.web.shared.files import attachment
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import permission
from hutong.web.shared.visit import Visit, Visiting

Posted = RequestEncodingType.URL_ENCODED
WRITES = permission(Permission.EDIT_OFFERS)
SEES = permission(Permission.VIEW_OFFERS)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
KINDS = ("times", "stored", "gift_card", "stamp", "membership", "q_card")
ROOT = UUID("5e1f0c7e-2b0a-7c1e-9a41-0d9b6f3a7c25")  # ids of new cards follow from the keys of their forms
_Short = Annotated[str, Meta(max_length=20)]


class CardForm(KeyedForm, frozen=True, kw_only=True):
    """A new card: its kind, its name, its price, and the one number that its kind needs."""

    kind: str = "times"
    name_zh: Annotated[str, Meta(max_length=80)] = ""
    name_en: Annotated[str, Meta(max_length=80)] = ""
    price: _Short = ""
    uses: _Short = ""
    bonus: _Short = ""
    least: _Short = ""
    days: _Short = "365"
    reward: Annotated[str, Meta(max_length=60)] = ""


class BatchForm(KeyedForm, frozen=True, kw_only=True):
    offer: str
    label: Annotated[str, Meta(max_length=80)] = ""
    count: Annotated[int, Meta(ge=1, le=20_000)] = 100


class VoidForm(KeyedForm, frozen=True, kw_only=True):
    pass


class JoinForm(KeyedForm, frozen=True, kw_only=True):
    """`percent` empty: no more."""

    offer: str
    percent: _Short = ""


@get("/{store:str}/cards", guards=[SEES])
async def page(visit: Visiting, till: AtTill) -> Response[str]:
    """All about cards on one page."""
    return await _page(visit, till)


async def _page(visit: Visit, till: Till, *, wrong: Refusal | None = None) -> Response[str]:
    till.must(till.owns(Permission.VIEW_OFFERS))
    visit.frame["tab"] = "cards"
    now = visit.house.clock.now()
    async with visit.house.db.reading(till.city_id) as tx:
        scope = till.actor.scope(Permission.VIEW_OFFERS)
        found = await catalog.offers_in_scope(
            tx, scope, city_id=till.city_id, merchant_id=till.merchant_id, scheme="cards", limit=100
        )
        own = list(found.items)
        batches = await cards.batches_of(tx, till.merchant_id, city_id=till.city_id)
        wide = await catalog.cards_for_many(tx, city_id=till.city_id, now=now)
        mine = {one.offer_id: one for one in await cards.joined(tx, till.merchant_id, city_id=till.city_id)}
        names = await merchants.merchants(tx, [offer.merchant_id for offer in wide])
        rewards = await catalog.rewards_of(tx, till.merchant_id, city_id=till.city_id)
        asset = await selling.currency(tx, till.city_id)
    return visit.page(
        "merchant/cards.html", own=own, batches=batches, wide=wide, mine=mine, kinds=KINDS, rewards=rewards,
        writes=till.owns(Permission.EDIT_OFFERS), wrong=wrong, status=wrong.status if wrong else 200,
        titles={offer.offer_id: offer.title for offer in own}, shops={i: m.name for i, m in names.items()},
        printable=[offer for offer in own if offer.status in ("published", "paused")], kind_of=kind_of,
        sign=visit.formats().sign_and_digits(Amount(0, asset))[0],
    )  # fmt: skip


def kind_of(offer: Offer) -> str:
    """The word for the form of a card."""
    name = type(offer.form).__struct_config__.tag
    return str(name) if name in KINDS else "times"


@post("/{store:str}/cards/offers", guards=[WRITES], status_code=303)
async def new_card(visit: Visiting, till: AtTill, data: Annotated[CardForm, Body(media_type=Posted)]) -> Response:
    """A draft of a card; its words, pictures, stores and terms are then written in the editor like a deal's."""
    till.must(till.owns(Permission.EDIT_OFFERS))
    now, zone = visit.house.clock.now(), till.here.zone
    async with visit.house.db.reading(till.city_id) as tx:
        asset = await selling.currency(tx, till.city_id)
        stores = await merchants.stores_of(tx, till.city_id, till.merchant_id)
        merchant = await merchants.merchant(tx, till.merchant_id)
    assert merchant is not None
    try:
        form, price = _form(data, asset)
        today = local_day(now, zone)
        zh = " ".join(data.name_zh.split())
        draft = Draft(
            offer_id=derive(ROOT, f"{till.merchant_id}/{data.key}"), merchant_id=till.merchant_id, by=None,
            scheme="cards", category=stores[0].category, trade=merchant.trade,
            title=Text(zh=zh, en=" ".join(data.name_en.split()) or zh), price=price,
            list_price=price + Amount(form.bonus_units if isinstance(form, Stored) else 0, asset),
            terms=Terms(valid_days=count_of(data.days, "days", 1, 3_650)), form=form,
            store_ids=tuple(store.store_id for store in stores), sale_from=day_start(today, zone),
            sale_to=day_start(today + timedelta(days=365), zone),
        )  # fmt: skip
        offer = await shelf.save_draft(
            visit.house, till.city_id, till.actor, draft, total=10_000, version=None, form=data.key
        )
    except Refusal as refusal:
        return await _page(visit, till, wrong=refusal)
    return Redirect(till.to(f"/deals/{OFFER.show(offer.offer_id, till.city_id)}"), status_code=303)


def _form(data: CardForm, asset: str) -> tuple[Form, Amount]:
    """The form and the price that were typed. Raises bad_input for a field that makes no sense."""
    price = Amount(0, asset) if data.kind == "stamp" else money_of(data.price, "price", asset)
    days = count_of(data.days, "days", 1, 3_650)
    reward = OFFER.read_local(data.reward)[1] if data.reward else None
    forms: dict[str, Any] = {
        "times": lambda: Times(uses=count_of(data.uses, "uses", 2, 1_000)),
        "stored": lambda: Stored(bonus_units=money_of(data.bonus or "0", "bonus", asset, least=0).units),
        "gift_card": lambda: GiftCard(),
        "stamp": lambda: Stamp(
            stamps=count_of(data.uses, "uses", 2, 50), reward=reward,
            least_units=money_of(data.least or "0", "least", asset, least=0).units,
        ),
        "membership": lambda: Membership(days=days, tag="member"),
        "q_card": lambda: QCard(days=days),
    }  # fmt: skip
    if data.kind not in forms:
        raise BadInput(field="kind", why=" | ".join(KINDS))
    return forms[data.kind](), price


def money_of(text: str, field: str, asset: str, *, least: int = 1) -> Amount:
    typed = unicodedata.normalize("NFKC", text).strip().strip("¥$€ ").replace(",", "")
    try:
        units = Decimal(typed).scaleb(SCALES.get(asset, 0))
        if units != int(units) or not least <= units < 10**9:
            raise ValueError(typed)
    except (InvalidOperation, ValueError, OverflowError):
        raise BadInput(field=field, why="0.00") from None
    return Amount(int(units), asset)


def count_of(text: str, field: str, least: int, most: int) -> int:
    typed = unicodedata.normalize("NFKC", text).strip()
    if not typed.isdecimal() or not least <= int(typed) <= most:
        raise BadInput(field=field, why=f"{least}-{most}")
    return int(typed)


@post("/{store:str}/cards/batches", guards=[WRITES], status_code=200)
async def print_batch(visit: Visiting, till: AtTill, data: Annotated[BatchForm, Body(media_type=Posted)]) -> Response:
    """Print cards: the workbook with numbers and secrets, this one time."""
    till.must(till.owns(Permission.EDIT_OFFERS))
    try:
        made = await carding.print_batch(
            visit.house, till.city_id, till.actor, till.merchant_id, till.read(OFFER, data.offer), label=data.label,
            count=data.count,
        )  # fmt: skip
    except Refusal as refusal:
        return await _page(visit, till, wrong=refusal)
    return attachment(workbook(made), XLSX, f"cards-{made.batch_id.hex[:8]}.xlsx")


def workbook(made: cards.Printed) -> bytes:
    """Numbers, secrets and what the QR code of each card says; all as text, so that no digit is lost."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_numbers": False, "strings_to_formulas": False})
    sheet = book.add_worksheet("cards")
    sheet.set_column(0, 2, 24)
    for column, head in enumerate(("number", "secret", "qr")):
        sheet.write_string(0, column, head, book.add_format({"bold": True, "bottom": 1}))
    for row, (number, secret) in enumerate(made.cards, 1):
        for column, text in enumerate((number, secret, cards.number_text(number))):
            sheet.write_string(row, column, text)
    book.close()
    return file.getvalue()


@post("/{store:str}/cards/batches/{batch:str}/void", guards=[WRITES], status_code=303)
async def void(
    visit: Visiting, till: AtTill, batch: FromPath[str], data: Annotated[VoidForm, Body(media_type=Posted)]
) -> Response:
    """Withdraw what nobody has activated."""
    del data
    await carding.void_batch(visit.house, till.city_id, till.actor, till.merchant_id, _batch_of(batch))
    return Redirect(till.to("/cards") + "#batches", status_code=303)


@post("/{store:str}/cards/join", guards=[WRITES], status_code=303)
async def join(visit: Visiting, till: AtTill, data: Annotated[JoinForm, Body(media_type=Posted)]) -> Response:
    """Take a card for many shops, or no more."""
    till.must(till.owns(Permission.EDIT_OFFERS))
    try:
        percent = count_of(data.percent, "percent", 1, 90) if data.percent.strip() else None
        await carding.join(
            visit.house, till.city_id, till.actor, till.merchant_id, till.read(OFFER, data.offer), percent=percent
        )
    except Refusal as refusal:
        return await _page(visit, till, wrong=refusal)
    return Redirect(till.to("/cards") + "#joined", status_code=303)


def _batch_of(text: str) -> UUID:
    """The id of a batch as its form names it. Raises not_found."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound() from None


ROUTES = (page, new_card, print_batch, void, join)
