"""Result sheets: what a deal promises, and whether it brought anybody back - the same numbers for merchant and city."""

from typing import Any
from uuid import UUID

from litestar import Router, get, put
from litestar.params import FromPath, FromQuery, JSONBody

from hutong import places
from hutong.api.browse import City, Limit
from hutong.api.glue import Home, Who, local_id, with_token
from hutong.api.shapes import In, Money, PageOut
from hutong.catalog import Offer
from hutong.desk import insights
from hutong.desk.house import House
from hutong.desk.insights import Result
from hutong.infra.db import Tx
from hutong.insight import Back, Before, Plan, Rate, Sheet
from hutong.kit.access import Actor
from hutong.kit.ids import MERCHANT, OFFER
from hutong.kit.money import Amount
from hutong.kit.refusals import BadInput, NotAllowed


class PlanIn(In, frozen=True):
    """What the merchant says of a deal: what one unit costs him, in the smallest units of its currency, and which share
    of new guests he expects back within 60 days, in basis points. null: he does not say."""

    cost_units: int | None = None
    expected_bps: int | None = None


def _money(amount: Amount | None) -> Money | None:
    return None if amount is None else Money.of(amount)


def rate_out(rate: Rate) -> dict[str, Any]:
    """`hits` of `of` with Wilson's 95 % interval, in basis points; null where nothing is known."""
    low, high = rate.interval
    known = rate.known
    return {"hits": rate.hits, "of": rate.of, "bps": rate.bps if known else None,
            "low_bps": low if known else None, "high_bps": high if known else None}  # fmt: skip


def back_out(back: Back) -> dict[str, Any]:
    return {"days": back.days, **rate_out(back.rate), "waiting": back.waiting}


def before_out(before: Before) -> dict[str, Any]:
    """A deal as it is offered, by unit, and how many must come back for it to cost nothing."""
    amounts = ("price", "list_price", "commission", "coupon", "points", "fee", "yours", "cost", "margin", "visit")
    needed = before.needed
    return {name: _money(getattr(before, name)) for name in amounts} | {
        "units": before.units, "needed": needed if needed is None or needed >= 0 else None,
        "never": needed == -1, "needed_bps": before.needed_bps, "promised_bps": before.promised_bps,
        "expected": {"source": before.expected.source, "backs": [back_out(one) for one in before.expected.backs]},
    }  # fmt: skip


def sheet_out(offer: Offer, sheet: Sheet) -> dict[str, Any]:
    """The sheet of one deal: every figure of the page."""
    counts, money = sheet.counts, sheet.money
    return {
        "offer": OFFER.show(sheet.offer_id, offer.city_id), "merchant": MERCHANT.show(sheet.merchant_id),
        "title": offer.title, "day": sheet.day, "verdict": sheet.verdict, "judged": back_out(sheet.judged),
        "wanted_bps": sheet.wanted_bps,
        "counts": {name: getattr(counts, name) for name in ("sold", "used", "open", "refunded", "expired")},
        "guests": {
            "all": sheet.guests, "new": sheet.new, "returned": sheet.returned, "regulars": sheet.regulars,
            "regulars_back": sheet.regulars_back, "again_with_units_bought_before": sheet.again,
        },
        "uses": sheet.uses, "by_own_staff": sheet.own, "backs": [back_out(one) for one in sheet.backs],
        "money": {
            name: _money(getattr(money, name))
            for name in ("listed", "discount", "paid", "helped", "coupon", "due", "commission", "merchant")
        } | {"later": _money(sheet.later), "margin": _money(sheet.margin), "result": _money(sheet.result)},
        "later_visits": sheet.later_visits, "before": before_out(sheet.before),
    }  # fmt: skip


async def _zone(tx: Tx, city_id: int) -> str:
    city = await places.city(tx, city_id)
    if city is None:
        raise places.UnknownCity()
    return city.zone


async def _seen(house: House, tx: Tx, actor: Actor, offer: str) -> tuple[Offer, Sheet]:
    city_id, offer_id = local_id(OFFER, offer)
    found = await insights.seen(tx, city_id, actor, offer_id)
    return found, await insights.sheet(tx, found, zone=await _zone(tx, city_id), now=house.clock.now())


@get("/offers/{offer:str}/result", guards=[with_token], summary="The result sheet of a deal")
async def result(offer: FromPath[str], actor: Who, house: Home) -> dict[str, Any]:
    """Before it is sold: what must come back. Afterwards: who did, within 30, 60 and 90 days, to this merchant; which
    regulars only took the discount; what stayed. Needs statement:view of its merchant or city; for others there is no
    such offer. Definitions: docs/how-to/read-a-result-sheet.md."""
    async with house.db.reading(local_id(OFFER, offer)[0]) as tx:
        return sheet_out(*await _seen(house, tx, actor, offer))


@put("/offers/{offer:str}/plan", guards=[with_token], summary="Say what a deal costs me, and whom I expect back")
async def plan(offer: FromPath[str], data: JSONBody[PlanIn], actor: Who, house: Home) -> dict[str, Any]:
    """The sheet is measured by it. Needs offers:edit. The last word counts, so it needs no key."""
    city_id, _ = local_id(OFFER, offer)
    async with house.db.reading(city_id) as tx:
        found, _sheet = await _seen(house, tx, actor, offer)
    said: Plan = await insights.save_plan(
        house, city_id, actor, found, cost_units=data.cost_units, expected_bps=data.expected_bps
    )
    return {"offer": offer, "cost_units": said.cost_units, "expected_bps": said.expected_bps}


@get("/merchants/{merchant:str}/results", guards=[with_token], summary="The result sheets of a merchant's deals")
async def of_merchant(
    merchant: FromPath[str], actor: Who, house: Home, city_id: City, after: FromQuery[str | None] = None,
    limit: Limit = 20,
) -> PageOut:  # fmt: skip
    """Newest deals first. Needs statement:view of the merchant."""
    merchant_id = MERCHANT.read(merchant)
    if not insights.may_read(actor, city_id, merchant_id):
        raise NotAllowed()
    async with house.db.reading(city_id) as tx:
        found, more = await insights.of_merchant(
            tx, city_id, merchant_id, zone=await _zone(tx, city_id), now=house.clock.now(), after=after, limit=limit
        )
    return _page(found, more)


@get("/results", guards=[with_token], summary="The result sheets of a city, the worst first")
async def of_city(
    actor: Who, house: Home, city_id: City, after: FromQuery[str | None] = None, limit: Limit = 20
) -> PageOut:
    """By the verdict of the last round. Needs statement:view of the city."""
    if not insights.may_read(actor, city_id):
        raise NotAllowed()
    async with house.db.reading(city_id) as tx:
        found, more = await insights.worst(
            tx, city_id, zone=await _zone(tx, city_id), now=house.clock.now(), after=_after(after), limit=limit
        )
    return _page(found, f"{more[0]}~{OFFER.show(more[1], city_id)}" if more else None)


def _page(found: list[Result], more: str | None) -> PageOut:
    return PageOut([sheet_out(one.offer, one.sheet) for one in found], more)


def _after(text: str | None) -> tuple[int, UUID] | None:
    """The place in the city's list. Raises bad_input, bad_id."""
    if not text:
        return None
    rank, _, offer = text.partition("~")
    if not rank.isdecimal():
        raise BadInput(field="after", why=text[:40])
    return int(rank), local_id(OFFER, offer)[1]


router = Router("/", route_handlers=[result, plan, of_merchant, of_city], tags=["results"])
