"""Repeat business as data: of a merchant, of a city, of all cities that the asker may see."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Router, get
from litestar.params import FromPath, QueryParameter

from hutong import insight, merchants, places, programmes
from hutong.api.browse import City
from hutong.api.glue import Home, Who, with_token
from hutong.api.results import back_out, rate_out
from hutong.api.shapes import Money
from hutong.desk import repeating
from hutong.desk import repeating_cities as wide
from hutong.desk.house import House
from hutong.desk.repeating import Company, OfCity, OfMerchant
from hutong.insight import Around, Business, Flow, Interval, Step, tellable
from hutong.kit.access import Permission
from hutong.kit.ids import MERCHANT, PROGRAMME
from hutong.kit.refusals import NotFound

Days = Annotated[Literal[30, 90, 365], QueryParameter(name="days", description="With today")]
Over = Annotated[Literal["city", "all"], QueryParameter(name="over", description="all: every city you may see")]
Joined = Annotated[date | None, QueryParameter(name="joined", description="Compare around this day, if no partner")]
Shown = Annotated[str | None, QueryParameter(name="programme", description="Of one programme only, with over=all")]
OptionalCity = Annotated[int | None, QueryParameter(name="city", description="Id of the city")]


def _span(one: Interval | None) -> dict[str, int] | None:
    return None if one is None else {"low_bps": one.low, "high_bps": one.high}


def company_out(it: Company) -> dict[str, Any]:
    """Over which cities and days, and which merchants count as one alliance."""
    return {
        "cities": [one.city_id for one in it.cities or (it.city,)], "since": it.since, "last_day": it.today,
        "days": it.days, "asset": it.city.currency, "merchants_in_alliance": len(it.merchants),
    }  # fmt: skip


def business_out(one: Business | None) -> dict[str, Any] | None:
    """Members of a merchant; what fewer than five did elsewhere first is `null` ("few")."""
    if one is None:
        return None
    tells = tellable(one.elsewhere)
    return {
        "members": one.members, "new": one.new, "returning": one.returning, "visits": one.comings,
        "money": Money.of(one.money), "returning_money": Money.of(one.returning_money),
        "first_met_elsewhere": rate_out(one.met) if tells else None,
        "money_of_first_met_elsewhere": Money.of(one.elsewhere_money) if tells else None,
        "share_bps": one.share if tells else None, "share_sure": _span(one.sure) if tells else None,
        "came_back": [back_out(back) for back in one.backs],
    }  # fmt: skip


def flows_out(
    flows: Sequence[Flow], hidden: frozenset[tuple[UUID | None, UUID]], own: UUID | None = None
) -> list[dict[str, Any]]:
    """Who came where after where, at most 30 days later. `members` null: fewer than five, or it would follow from a
    total. Of `own` merchant's customers, what they left at others is the others' business."""
    found = []
    for flow in flows:
        if flow.source is None:
            continue
        small = (flow.source, flow.target) in hidden or not tellable(flow.members)
        theirs = own is not None and flow.target != own
        found.append({
            "from": MERCHANT.show(flow.source), "to": MERCHANT.show(flow.target),
            "members": None if small else flow.members, "visits": None if small else flow.comings,
            "first_visits": None if small else flow.introduced,
            "money": None if small or theirs else Money.of(flow.money),
        })  # fmt: skip
    return found


def steps_out(steps: Sequence[Step], *, strict: bool) -> list[dict[str, Any]]:
    """The trend. `strict`: the reader is not their shop, so numbers of few members are null."""

    def n(count: int, always: bool = False) -> int | None:
        return count if tellable(count) or not (strict or always) else None

    return [
        {"from": s.day, "members": n(s.members), "new": n(s.new), "returning": n(s.returning),
         "first_met_elsewhere": n(s.introduced, True)}
        for s in steps
    ]  # fmt: skip


def around_out(one: Around | None) -> dict[str, Any] | None:
    """Before and after joining against shops that had not joined in the same weeks; null: not joined for four weeks."""
    if one is None:
        return None
    return {
        "joined": one.joined, "weeks": one.weeks, "before": one.before, "after": one.after,
        "expected": round(one.expected), "compared_with_shops": one.others, "change_bps": one.change,
        "sure": _span(one.sure), "answer": repeating.answer_of(one),
    }  # fmt: skip


def merchant_out(it: OfMerchant, names: dict[UUID, Any]) -> dict[str, Any]:
    return company_out(it.company) | {
        "merchant": MERCHANT.show(it.merchant_id), "now": business_out(it.now), "before": business_out(it.before),
        "flows": flows_out(it.flows, it.hidden, it.merchant_id), "trend": steps_out(it.steps, strict=False),
        "joining": around_out(it.around), "answer": it.answer, "names": _shown(names),
    }  # fmt: skip


def city_out(it: OfCity, names: dict[UUID, Any]) -> dict[str, Any]:
    """The alliance as one, its merchants by cross traffic, the whole matrix."""
    whole, crossing = it.whole, insight.crossing(it.flows)
    return company_out(it.company) | {
        "members": whole.members, "new": whole.new, "returning": whole.returning, "visits": whole.comings,
        "money": Money.of(whole.money), "at_two_shops_or_more": rate_out(whole.several),
        "visits_from_shop_to_shop": whole.crossings, "came_back": [back_out(back) for back in it.backs],
        "merchants": [
            {"merchant": MERCHANT.show(one), "cross_traffic": crossing.get(one, 0),
             "now": business_out(it.merchants[one]), "joining": around_out(it.arounds.get(one))}
            for one in it.ranked
        ],
        "flows": flows_out(it.flows, it.hidden), "trend": steps_out(it.steps, strict=True),
        "change_bps": it.change, "sure": _span(it.sure), "answer": it.answer, "names": _shown(names),
    }  # fmt: skip


def _shown(names: dict[UUID, Any]) -> dict[str, Any]:
    return {MERCHANT.show(key): name for key, name in names.items()}


async def _names(house: House, ids: Sequence[UUID | None]) -> dict[UUID, Any]:
    async with house.db.reading() as tx:
        known = await merchants.merchants(tx, sorted({one for one in ids if one is not None}))
    return {key: one.name for key, one in known.items()}


@get("/merchants/{merchant:str}/repeat", guards=[with_token], summary="Repeat business of a merchant")
async def of_merchant(
    merchant: FromPath[str], actor: Who, house: Home, city_id: City, days: Days = 90, over: Over = "city",
    joined: Joined = None,
) -> dict[str, Any]:  # fmt: skip
    """Who came, who came back, who sends him customers, and whether joining brought more. `over=all`: all cities in
    which he has shops, put together; a member in two cities is one. Needs statement:view of the merchant."""
    merchant_id, now = MERCHANT.read(merchant), house.clock.now()
    if not actor.can(Permission.VIEW_STATEMENT, city=city_id, merchant=merchant_id):
        raise NotFound()
    async with house.db.reading(city_id) as tx:
        city = await places.city(tx, city_id)
        own = await wide.cities_of_merchant(tx, actor, merchant_id, city.currency) if city else []
        if city is None or city not in own:
            raise NotFound()
        it = None
        if over == "city" or len(own) < 2:
            company = await repeating.company(tx, city, days=days, now=now)
            it = await repeating.of_merchant(tx, merchant_id, company, joined=joined)
    if it is None:
        it = await wide.of_merchant(house, merchant_id, own, days=days, now=now, joined=joined)
    names = await _names(house, [one for flow in it.flows for one in (flow.source, flow.target)])
    return merchant_out(it, names)


@get("/repeat", guards=[with_token], summary="Repeat business of an alliance")
async def of_alliance(
    actor: Who, house: Home, city: OptionalCity = None, days: Days = 90, over: Over = "city", programme: Shown = None
) -> dict[str, Any]:
    """Of a city that you run (`city`), or with `over=all` of every city that you may see, put together: of `city`'s
    currency, else of the one that most of them count in. `programme`: of its cities and partners alone. Needs
    statement:view of each city; a city that you may not see is not in it, and none at all is not_found."""
    now = house.clock.now()
    async with house.db.reading() as tx:
        here = await places.city(tx, city) if city is not None else None
        known = await wide.cities_of_actor(tx, actor, here.currency if here else "")
        chosen = await programmes.programme(tx, PROGRAMME.read(programme), at=now) if programme else None
    if (city is not None and here not in known) or (programme and chosen is None) or (over == "city" and here is None):
        raise NotFound()
    if over == "city" and here is not None:
        known = [here]
    cities = [one for one in known if chosen is None or one.city_id in chosen.cities]
    among = frozenset({chosen.programme_id}) if chosen else None
    if len(cities) == 1 and here is not None and chosen is None:
        async with house.db.reading(here.city_id) as tx:
            it = await repeating.of_city(tx, await repeating.company(tx, here, days=days, now=now))
    else:
        it = await wide.of_cities(house, cities, days=days, now=now, among=among)
    return city_out(it, await _names(house, list(it.merchants)))


router = Router("/", route_handlers=[of_merchant, of_alliance], tags=["repeat"])
